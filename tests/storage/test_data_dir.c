#include "storage/data_dir.h"
#include "tests/lib/stores.h"
#include "tests/storage/files.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char format_1[] = "dedupd data, format 1\n"
                               "readable from format 1 on\n";

static struct test_store t;
static struct data_dir dir;

static void prepare(void)
{
    test_store_prepare(&t, STORE_ROCKS);
}

static void prepare_with_dir(void)
{
    prepare();
    ck_assert_int_eq(mkdir(t.data_dir, 0700), 0);
}

static int try_open(struct err *err)
{
    return data_dir_open(&dir, t.data_dir, err);
}

static void assert_refused(int status, const char *part)
{
    char *before = files_snapshot(t.dir);
    struct err err = {0};

    ck_assert_int_eq(try_open(&err), status);
    ck_assert_msg(strstr(err.text, part) != NULL, "%s", err.text);
    files_assert_unchanged(t.dir, before);
}

static void assert_new(void)
{
    struct err err = {0};

    ck_assert_msg(try_open(&err) == 0, "%s", err.text);
    ck_assert(dir.is_new);
    data_dir_close(&dir);
}

static void make(void)
{
    ck_assert_int_eq(try_open(NULL), 0);
    ck_assert_int_eq(data_dir_make(&dir, NULL), 0);
    ck_assert_int_eq(mkdir(dir.db_path, 0700), 0);
    files_write(dir.db_path, "CURRENT", "");
    ck_assert_int_eq(data_dir_made(&dir, NULL), 0);
}

START_TEST(missing_directory_is_made_for_its_owner_alone)
{
    struct stat st;

    prepare();
    assert_new();
    ck_assert_int_eq(stat(t.data_dir, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0700);
    test_store_close(&t);
}
END_TEST

/* Takes the place of libc's. */
static const struct stat *awaited;
static bool has_come;

int fsync(int fd)
{
    struct stat st;

    if (awaited != NULL && fstat(fd, &st) == 0 &&
        st.st_dev == awaited->st_dev && st.st_ino == awaited->st_ino) {
        has_come = true;
    }
    return (int)syscall(SYS_fsync, fd);
}

/* Making and syncing are two calls, and a start may end in between. */
static void makes_it_durable(void)
{
    struct stat parent;

    ck_assert_int_eq(stat(t.dir, &parent), 0);
    has_come = false;
    awaited = &parent;
    make();
    awaited = NULL;
    ck_assert(has_come);
    data_dir_close(&dir);
}

START_TEST(a_missing_directory_is_synced_into_its_parent)
{
    prepare();
    makes_it_durable();
    test_store_close(&t);
}
END_TEST

START_TEST(a_directory_that_an_ended_start_has_made_is_synced_into_its_parent)
{
    prepare_with_dir();
    makes_it_durable();
    test_store_close(&t);
}
END_TEST

START_TEST(missing_parent_is_not_made)
{
    prepare();
    snprintf(t.data_dir, sizeof(t.data_dir), "%s/no/data", t.dir);
    assert_refused(E_FORMAT, "cannot be made");
    test_store_close(&t);
}
END_TEST

START_TEST(a_file_is_not_a_data_directory)
{
    prepare();
    files_write(t.dir, "data", "hello");
    assert_refused(E_FORMAT, "cannot be opened");
    test_store_close(&t);
}
END_TEST

START_TEST(empty_directory_is_new_and_so_is_lost_and_found)
{
    char path[PATH_MAX];

    prepare_with_dir();
    assert_new();
    snprintf(path, sizeof(path), "%s/data/lost+found", t.dir);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    assert_new();
    test_store_close(&t);
}
END_TEST

START_TEST(directory_of_somebody_else_is_refused)
{
    prepare_with_dir();
    files_write(t.data_dir, "notes.txt", "mine");
    assert_refused(E_FORMAT, "not a data directory of dedupd");
    test_store_close(&t);
}
END_TEST

START_TEST(ballast_without_format_is_refused)
{
    prepare_with_dir();
    files_write(t.data_dir, "ballast", "");
    assert_refused(E_FORMAT, "not a data directory of dedupd");
    test_store_close(&t);
}
END_TEST

START_TEST(database_without_format_is_refused)
{
    prepare();
    make();
    data_dir_close(&dir);
    snprintf(t.log_dir, sizeof(t.log_dir), "%s/data/FORMAT", t.dir);
    ck_assert_int_eq(unlink(t.log_dir), 0);
    assert_refused(E_FORMAT, "not a data directory of dedupd");
    test_store_close(&t);
}
END_TEST

START_TEST(made_directory_is_no_longer_new)
{
    char text[128];

    prepare();
    make();
    data_dir_close(&dir);
    ck_assert_int_eq(try_open(NULL), 0);
    ck_assert(!dir.is_new);
    ck_assert_uint_eq(data_dir_synced(&dir).sequence, 0);
    ck_assert_uint_gt(data_dir_free_bytes(&dir), 0);
    ck_assert_uint_eq(files_read(t.data_dir, "FORMAT", text, sizeof(text)),
                      strlen(format_1));
    ck_assert_mem_eq(text, format_1, strlen(format_1));
    data_dir_close(&dir);
    test_store_close(&t);
}
END_TEST

START_TEST(every_interruption_of_making_starts_again)
{
    prepare_with_dir();
    for (size_t len = 0; len <= strlen(format_1); len += 5) {
        char begun[64];

        snprintf(begun, sizeof(begun), "%.*s", (int)len, format_1);
        files_write(t.data_dir, "FORMAT.new", begun);
        assert_new();
    }
    files_write(t.data_dir, "SYNCED", "");
    snprintf(t.log_dir, sizeof(t.log_dir), "%s/data/db", t.dir);
    ck_assert_int_eq(mkdir(t.log_dir, 0700), 0);
    assert_new();
    files_write(t.data_dir, "other", "");
    assert_refused(E_FORMAT, "not empty");
    test_store_close(&t);
}
END_TEST

START_TEST(format_new_of_somebody_else_is_refused)
{
    prepare_with_dir();
    files_write(t.data_dir, "FORMAT.new", "something else");
    assert_refused(E_FORMAT, "not empty");
    test_store_close(&t);
}
END_TEST

START_TEST(newer_format_is_refused)
{
    prepare_with_dir();
    files_write(t.data_dir, "FORMAT",
                "dedupd data, format 2\nreadable from format 2 on\n");
    assert_refused(E_FORMAT, "newer version");
    test_store_close(&t);
}
END_TEST

START_TEST(newer_format_that_this_one_can_read_is_taken)
{
    prepare();
    make();
    data_dir_close(&dir);
    files_write(t.data_dir, "FORMAT",
                "dedupd data, format 2\nreadable from format 1 on\n");
    ck_assert_int_eq(try_open(NULL), 0);
    data_dir_close(&dir);
    test_store_close(&t);
}
END_TEST

START_TEST(malformed_format_is_refused)
{
    static const char *const texts[] = {
        "",
        "\n",
        "dedupd data, format 1",
        "dedupd data, format 1\n",
        "dedupd data, format x\nreadable from format 1 on\n",
        "dedupd data, format \nreadable from format 1 on\n",
        "dedupd data, format 1\nreadable from format 2 on\n",
        "dedupd data, format 1\nreadable from format 1 on\nmore\n",
        "dedupd data, format 99999999999999999999\nreadable from format 1 on\n",
        "some other daemon\n",
    };

    prepare_with_dir();
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        files_write(t.data_dir, "FORMAT", texts[i]);
        assert_refused(E_FORMAT, "FORMAT is not one of dedupd's");
    }
    test_store_close(&t);
}
END_TEST

START_TEST(format_without_database_is_lost_data)
{
    prepare_with_dir();
    files_write(t.data_dir, "FORMAT", format_1);
    assert_refused(E_DATA, "database is lost");
    assert_refused(E_DATA, "database is lost");
    test_store_close(&t);
}
END_TEST

START_TEST(directory_in_use_is_refused)
{
    struct data_dir first;

    prepare();
    make();
    first = dir;
    assert_refused(E_FORMAT, "in use by another process");
    data_dir_close(&first);
    ck_assert_int_eq(try_open(NULL), 0);
    data_dir_close(&dir);
    test_store_close(&t);
}
END_TEST

START_TEST(synced_comes_back)
{
    const uint64_t numbers[] = {1, 77, UINT64_MAX, 3};

    prepare();
    make();
    for (size_t i = 0; i < 4; i++) {
        struct synced synced = {numbers[i], {~numbers[i], i, 1}};
        struct synced found;

        data_dir_set_synced(&dir, synced);
        found = data_dir_synced(&dir);
        /* NOLINTNEXTLINE(clang-analyzer-core.*): another file has filled it */
        ck_assert_mem_eq(&found, &synced, sizeof(found));
    }
    data_dir_close(&dir);
    ck_assert_int_eq(try_open(NULL), 0);
    ck_assert_uint_eq(data_dir_synced(&dir).sequence, 3);
    data_dir_close(&dir);
    test_store_close(&t);
}
END_TEST

START_TEST(damaged_or_missing_synced_counts_as_0_and_is_mended)
{
    char path[PATH_MAX];

    prepare();
    make();
    data_dir_set_synced(&dir, (struct synced){.sequence = 12345});
    snprintf(path, sizeof(path), "%s/data/SYNCED", t.dir);
    files_flip(path, 7);
    ck_assert_uint_eq(data_dir_synced(&dir).sequence, 0);
    files_write(t.data_dir, "SYNCED",
                "much longer than it may ever be, by a few");
    ck_assert_uint_eq(data_dir_synced(&dir).sequence, 0);
    data_dir_close(&dir);
    ck_assert_int_eq(try_open(NULL), 0);
    data_dir_set_synced(&dir, (struct synced){.sequence = 5});
    ck_assert_uint_eq(data_dir_synced(&dir).sequence, 5);
    data_dir_close(&dir);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(try_open(NULL), 0);
    ck_assert_uint_eq(data_dir_synced(&dir).sequence, 0);
    data_dir_set_synced(&dir, (struct synced){.sequence = 6});
    ck_assert_uint_eq(data_dir_synced(&dir).sequence, 6);
    data_dir_close(&dir);
    test_store_close(&t);
}
END_TEST

SUITE(data_dir, 20, missing_directory_is_made_for_its_owner_alone,
      a_missing_directory_is_synced_into_its_parent,
      a_directory_that_an_ended_start_has_made_is_synced_into_its_parent,
      missing_parent_is_not_made, a_file_is_not_a_data_directory,
      empty_directory_is_new_and_so_is_lost_and_found,
      directory_of_somebody_else_is_refused, ballast_without_format_is_refused,
      database_without_format_is_refused, made_directory_is_no_longer_new,
      every_interruption_of_making_starts_again,
      format_new_of_somebody_else_is_refused, newer_format_is_refused,
      newer_format_that_this_one_can_read_is_taken, malformed_format_is_refused,
      format_without_database_is_lost_data, directory_in_use_is_refused,
      synced_comes_back, damaged_or_missing_synced_counts_as_0_and_is_mended)
