#include "storage/ballast.h"
#include "tests/lib/stores.h"
#include "tests/storage/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

static struct test_store t;
static struct ballast ballast;
static char path[PATH_MAX + 16];

static void prepare(uint64_t bytes_wanted)
{
    test_store_prepare(&t, STORE_ROCKS);
    snprintf(path, sizeof(path), "%s/ballast", t.dir);
    ballast_init(&ballast, open(t.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                 bytes_wanted);
    ck_assert_int_ge(ballast.dir_fd, 0);
}

static void look_again(uint64_t bytes_wanted)
{
    ballast_init(&ballast, ballast.dir_fd, bytes_wanted);
}

static void end(void)
{
    close(ballast.dir_fd);
    test_store_close(&t);
}

START_TEST(it_grows_in_steps_that_the_disk_really_has)
{
    struct stat st;

    prepare(20 * MIB);
    ck_assert_uint_eq(ballast_missing(&ballast), 20 * MIB);
    ballast_grow(&ballast);
    ck_assert_uint_eq(ballast_missing(&ballast), 4 * MIB);
    ballast_grow(&ballast);
    ballast_grow(&ballast);
    ballast_grow(&ballast);
    ck_assert_uint_eq(ballast_missing(&ballast), 0);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_size, 20 * MIB);
    ck_assert_int_ge(st.st_blocks * 512, 20 * MIB);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    end();
}
END_TEST

START_TEST(what_is_there_counts_and_what_is_too_much_is_given_back)
{
    prepare(MIB);
    ballast_grow(&ballast);
    look_again(3 * MIB);
    ck_assert_uint_eq(ballast_missing(&ballast), 2 * MIB);
    ballast_grow(&ballast);
    ck_assert_uint_eq(files_size(path), 3 * MIB);
    look_again(MIB);
    ck_assert_uint_eq(ballast_missing(&ballast), 0);
    ballast_grow(&ballast);
    ck_assert_uint_eq(files_size(path), MIB);
    end();
}
END_TEST

START_TEST(a_size_without_blocks_counts_for_nothing)
{
    prepare(MIB);
    files_write(t.dir, "ballast", "");
    ck_assert_int_eq(truncate(path, MIB), 0);
    look_again(MIB);
    ck_assert_uint_eq(ballast_missing(&ballast), MIB);
    ballast_grow(&ballast);
    look_again(MIB);
    ck_assert_uint_eq(ballast_missing(&ballast), 0);
    end();
}
END_TEST

START_TEST(released_it_is_gone_and_missing)
{
    prepare(MIB);
    ck_assert(!ballast_release(&ballast));
    ballast_grow(&ballast);
    ck_assert(ballast_release(&ballast));
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_uint_eq(ballast_missing(&ballast), MIB);
    ck_assert(!ballast_release(&ballast));
    end();
}
END_TEST

START_TEST(a_name_that_leads_elsewhere_is_not_followed)
{
    prepare(MIB);
    files_write(t.dir, "other", "mine");
    ck_assert_int_eq(symlink("other", path), 0);
    look_again(MIB);
    ballast_grow(&ballast);
    ballast_grow(&ballast);
    ck_assert_uint_eq(ballast_missing(&ballast), MIB);
    snprintf(path, sizeof(path), "%s/other", t.dir);
    ck_assert_uint_eq(files_size(path), 4);
    end();
}
END_TEST

static uint64_t eighth_of_the_disk(void)
{
    struct statvfs fs;

    ck_assert_int_eq(statvfs(t.dir, &fs), 0);
    return (uint64_t)fs.f_blocks * fs.f_frsize / 8;
}

START_TEST(it_is_never_more_than_an_eighth_of_the_disk)
{
    prepare(UINT64_MAX);
    ck_assert_uint_eq(ballast_missing(&ballast), eighth_of_the_disk());
    ck_assert(ballast_can_stay(&ballast));
    end();
}
END_TEST

static uint64_t free_bytes(void)
{
    struct store_stats stats;

    t.store->ops->stats(t.store, &stats);
    return stats.free_bytes;
}

static void keep(unsigned times)
{
    while (times-- > 0) {
        t.store->ops->upkeep(t.store);
    }
}

START_TEST(a_store_sets_it_aside_and_starts_with_it)
{
    uint64_t wanted = 59 * MIB; /* 2.25 × 4, the write buffer, + 18 + 32 */

    test_store_open(&t, STORE_ROCKS);
    if (eighth_of_the_disk() < wanted) {
        wanted = eighth_of_the_disk();
    }
    keep(10);
    snprintf(path, sizeof(path), "%s/ballast", t.data_dir);
    ck_assert_uint_eq(files_size(path), wanted);
    test_store_reopen(&t);
    keep(1);
    ck_assert_uint_eq(files_size(path), wanted);
    test_store_close(&t);
}
END_TEST

START_TEST(a_store_leaves_alone_what_is_to_stay_free)
{
    test_store_prepare(&t, STORE_ROCKS);
    t.config.min_free_bytes = UINT64_MAX / 2; /* no disk has so much */
    ck_assert_int_eq(test_store_try(&t, NULL), 0);
    keep(3);
    snprintf(path, sizeof(path), "%s/ballast", t.data_dir);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_uint_gt(free_bytes(), 0);
    test_store_close(&t);
}
END_TEST

SUITE(ballast, 20, it_grows_in_steps_that_the_disk_really_has,
      what_is_there_counts_and_what_is_too_much_is_given_back,
      a_size_without_blocks_counts_for_nothing, released_it_is_gone_and_missing,
      a_name_that_leads_elsewhere_is_not_followed,
      it_is_never_more_than_an_eighth_of_the_disk,
      a_store_sets_it_aside_and_starts_with_it,
      a_store_leaves_alone_what_is_to_stay_free)
