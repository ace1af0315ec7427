/* Damage that RocksDB takes for the torn end of a write, and damage that a
 * sweep meets. */
#include "storage/log_files.h"
#include "storage/manifest.h"
#include "tests/lib/stores.h"
#include "tests/storage/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPS(t) ((t)->store->ops)

enum { LOG_BLOCK = 32768 };

static struct test_store t;
static char db[PATH_MAX + 8];

static void open_store(void)
{
    test_store_prepare(&t, STORE_ROCKS);
    t.config.write_buffer_bytes = 512 << 10; /* a log file for each 1/8 */
    ck_assert_int_eq(test_store_try(&t, NULL), 0);
    snprintf(db, sizeof(db), "%s/db", t.data_dir);
}

static struct stream numbered(uint64_t n)
{
    char key[32];

    snprintf(key, sizeof(key), "key-%llu", (unsigned long long)n);
    return test_stream("ns", key);
}

static struct slice noise(size_t len, uint64_t seed)
{
    static uint8_t bytes[LOG_BLOCK];

    ck_assert_uint_le(len, sizeof(bytes));
    for (size_t i = 0; i < len; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (uint8_t)(seed >> 56);
    }
    return slice_of(bytes, len);
}

static void append_receipts(uint64_t from, uint64_t to, size_t receipt_bytes)
{
    for (uint64_t n = from; n < to; n++) {
        test_append(t.session, numbered(n),
                    test_completion(n + 1, 1000, 500,
                                    noise(receipt_bytes, n + 1)));
    }
}

static void assert_refused_untouched(const char *part)
{
    char *before = files_snapshot(t.data_dir);

    for (int i = 0; i < 2; i++) {
        struct err err = {0};

        ck_assert_msg(test_store_try(&t, &err) == E_DATA, "%s", err.text);
        ck_assert_msg(strstr(err.text, part) != NULL, "%s", err.text);
    }
    files_assert_unchanged(t.data_dir, before);
}

static void overwrite(const char *path, size_t at, struct slice bytes)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, bytes.data, bytes.len, (off_t)at),
                     (ssize_t)bytes.len);
    close(fd);
}

/* --- log files ------------------------------------------------------------ */

/* The last block of a log file that is not the last one. */
START_TEST(a_gap_between_two_log_files_is_refused)
{
    const char *log;

    open_store();
    append_receipts(0, 120, 2000);
    test_store_shut(&t);
    log = files_largest(db, ".log");
    ck_assert_uint_gt(files_size(log), LOG_BLOCK + 4096);
    overwrite(log, files_size(log) / LOG_BLOCK * LOG_BLOCK, noise(4096, 1));
    assert_refused_untouched("lost writes");
    test_store_close(&t);
}
END_TEST

/* A write is one whole piece of the log: a header and 20 bytes. */
static void log_add(FILE *file, uint64_t sequence, uint32_t count)
{
    uint8_t piece[7 + 20] = {[4] = 20, [6] = 1};

    memcpy(piece + 7, &sequence, sizeof(sequence));
    memcpy(piece + 15, &count, sizeof(count));
    ck_assert_uint_eq(fwrite(piece, sizeof(piece), 1, file), 1);
}

static FILE *log_new(unsigned number)
{
    char path[PATH_MAX];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%06u.log", t.dir, number);
    file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    return file;
}

/* Writes 1 to 2 in number 3, 3 to 9 in number 7. */
static void make_logs(uint64_t third)
{
    FILE *file;

    test_store_prepare(&t, STORE_ROCKS);
    file = log_new(3);
    log_add(file, 1, 2);
    fclose(file);
    file = log_new(7);
    log_add(file, third, 6);
    log_add(file, third + 6, 1);
    fclose(file);
}

START_TEST(log_files_that_go_on_are_whole)
{
    make_logs(3);
    ck_assert_int_eq(log_files_check(t.dir, 0, NULL), 0);
    test_store_close(&t);
}
END_TEST

START_TEST(a_log_file_that_goes_on_too_late_or_too_early_is_not)
{
    static const uint64_t bad[] = {4, 2, 1, 1000};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err err = {0};

        make_logs(bad[i]);
        ck_assert_int_eq(log_files_check(t.dir, 0, &err), E_DATA);
        ck_assert_ptr_nonnull(strstr(err.text, "000007.log"));
        ck_assert_ptr_nonnull(strstr(err.text, "write 3 was to come"));
        test_store_close(&t);
    }
}
END_TEST

START_TEST(log_files_before_the_first_needed_one_do_not_count)
{
    make_logs(50);
    ck_assert_int_eq(log_files_check(t.dir, 4, NULL), 0);
    ck_assert_int_eq(log_files_check(t.dir, 3, NULL), E_DATA);
    test_store_close(&t);
}
END_TEST

START_TEST(the_torn_end_of_a_log_file_counts_as_never_written)
{
    uint8_t torn[7 + 12] = {[4] = 200, [6] = 1, [7] = 10};
    FILE *file;

    make_logs(3);
    file = log_new(9);
    log_add(file, 10, 1);
    ck_assert_uint_eq(fwrite(torn, sizeof(torn), 1, file), 1);
    fclose(file);
    ck_assert_int_eq(log_files_check(t.dir, 0, NULL), 0);
    file = log_new(11);
    log_add(file, 12, 1);
    fclose(file);
    ck_assert_int_eq(log_files_check(t.dir, 0, NULL), E_DATA);
    test_store_close(&t);
}
END_TEST

/* A first piece without its last one, and then the next write. */
START_TEST(half_a_write_in_a_log_file_is_a_gap_before_the_next)
{
    uint8_t half[7 + 12] = {[4] = 12, [6] = 2, [7] = 10, [15] = 1};
    FILE *file;

    make_logs(3);
    file = log_new(9);
    ck_assert_uint_eq(fwrite(half, sizeof(half), 1, file), 1);
    fclose(file);
    ck_assert_int_eq(log_files_check(t.dir, 0, NULL), 0);
    file = log_new(11);
    log_add(file, 11, 1);
    fclose(file);
    ck_assert_int_eq(log_files_check(t.dir, 0, NULL), E_DATA);
    test_store_close(&t);
}
END_TEST

START_TEST(log_files_that_cannot_be_listed_are_an_error)
{
    struct err err = {0};

    ck_assert_int_eq(log_files_check("/nowhere", 0, &err), E_IO);
    ck_assert_str_ne(err.text, "");
}
END_TEST

/* --- MANIFEST ------------------------------------------------------------- */

static const char *manifest_path(void)
{
    static char path[PATH_MAX + 128];
    char name[64];
    size_t len = files_read(db, "CURRENT", name, sizeof(name) - 1);

    name[len - 1] = '\0';
    snprintf(path, sizeof(path), "%s/%s", db, name);
    return path;
}

/* Rows in a table file, and newer ones in a log file. */
static void make_tables_and_log(void)
{
    open_store();
    append_receipts(0, 20, 10);
    test_store_reopen(&t);
    append_receipts(20, 30, 10);
    test_store_shut(&t);
}

START_TEST(a_manifest_that_was_cut_is_refused)
{
    size_t size;

    make_tables_and_log();
    size = files_size(manifest_path());
    for (size_t cut = 1; cut < size; cut += 37) {
        ck_assert_int_eq(truncate(manifest_path(), (off_t)(size - cut)), 0);
        assert_refused_untouched("MANIFEST");
    }
    test_store_close(&t);
}
END_TEST

START_TEST(a_flipped_bit_at_the_end_of_the_manifest_is_refused)
{
    size_t size;

    make_tables_and_log();
    size = files_size(manifest_path());
    for (size_t back = 1; back < size; back += 37) {
        files_flip(manifest_path(), size - back);
        assert_refused_untouched("");
        files_flip(manifest_path(), size - back);
    }
    ck_assert_int_eq(test_store_try(&t, NULL), 0);
    test_store_close(&t);
}
END_TEST

static void write_manifest(unsigned number, const char *text)
{
    char name[64];

    snprintf(name, sizeof(name), "MANIFEST-%06u", number);
    files_write(t.dir, name, text);
    snprintf(name, sizeof(name), "MANIFEST-%06u\n", number);
    files_write(t.dir, "CURRENT", name);
}

START_TEST(a_mark_follows_what_is_added_to_the_manifest)
{
    struct manifest manifest = {0};
    struct manifest_mark first;

    test_store_prepare(&t, STORE_ROCKS);
    write_manifest(7, "one");
    ck_assert_int_eq(manifest_follow(&manifest, t.dir, NULL), 0);
    first = manifest.mark;
    ck_assert_uint_eq(first.number, 7);
    ck_assert_uint_eq(first.bytes, 3);
    write_manifest(7, "one and two");
    ck_assert_int_eq(manifest_follow(&manifest, t.dir, NULL), 0);
    ck_assert_uint_eq(manifest.mark.bytes, 11);
    ck_assert_int_eq(manifest_check(t.dir, &first, NULL), 0);
    ck_assert_int_eq(manifest_check(t.dir, &manifest.mark, NULL), 0);
    write_manifest(7, "one and tw0");
    ck_assert_int_eq(manifest_check(t.dir, &first, NULL), 0);
    ck_assert_int_eq(manifest_check(t.dir, &manifest.mark, NULL), E_DATA);
    write_manifest(7, "one");
    ck_assert_int_eq(manifest_check(t.dir, &manifest.mark, NULL), E_DATA);
    manifest_release(&manifest);
    test_store_close(&t);
}
END_TEST

START_TEST(an_older_manifest_is_refused_and_a_newer_one_is_not)
{
    struct manifest manifest = {0};

    test_store_prepare(&t, STORE_ROCKS);
    write_manifest(7, "one");
    ck_assert_int_eq(manifest_follow(&manifest, t.dir, NULL), 0);
    write_manifest(6, "one");
    ck_assert_int_eq(manifest_check(t.dir, &manifest.mark, NULL), E_DATA);
    write_manifest(8, "another");
    ck_assert_int_eq(manifest_check(t.dir, &manifest.mark, NULL), 0);
    manifest_release(&manifest);
    test_store_close(&t);
}
END_TEST

START_TEST(a_mark_goes_over_to_the_manifest_that_takes_the_place)
{
    struct manifest manifest = {0};
    char path[PATH_MAX];

    test_store_prepare(&t, STORE_ROCKS);
    write_manifest(7, "one");
    ck_assert_int_eq(manifest_follow(&manifest, t.dir, NULL), 0);
    write_manifest(8, "a new one");
    snprintf(path, sizeof(path), "%s/MANIFEST-000007", t.dir);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(manifest_follow(&manifest, t.dir, NULL), 0);
    ck_assert_uint_eq(manifest.mark.number, 8);
    ck_assert_uint_eq(manifest.mark.bytes, 9);
    ck_assert_int_eq(manifest_check(t.dir, &manifest.mark, NULL), 0);
    manifest_release(&manifest);
    test_store_close(&t);
}
END_TEST

START_TEST(a_manifest_that_cannot_be_found_is_an_error)
{
    static const char *const names[] = {"", "x", "MANIFEST-\n",
                                        "MANIFEST-000007", "MANIFEST-7x\n"};
    struct manifest manifest = {0};

    test_store_prepare(&t, STORE_ROCKS);
    ck_assert_int_eq(manifest_follow(&manifest, t.dir, NULL), E_IO);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        files_write(t.dir, "CURRENT", names[i]);
        ck_assert_int_eq(manifest_follow(&manifest, t.dir, NULL), E_IO);
        ck_assert_int_eq(manifest_check(t.dir, &manifest.mark, NULL), E_IO);
    }
    test_store_close(&t);
}
END_TEST

/* --- the sweeper ---------------------------------------------------------- */

/* Settles all that is due, as the sweeper would if all had expired; returns how
 * many streams the index named. */
static size_t settle_all(uint64_t before_ms, size_t *damaged)
{
    static struct removal items[4096];
    struct due due = {.more = true};
    size_t named = 0;

    *damaged = 0;
    while (due.more) {
        ck_assert_int_eq(OPS(&t)->due(t.session, before_ms, 500, &due), 0);
        for (size_t i = 0; i < due.count; i++) {
            struct head head = test_head(t.session, due.streams[i]);

            items[i] = (struct removal){.stream = due.streams[i],
                                        .expect = head_expect(&head),
                                        .drop = true};
        }
        named += due.count;
        *damaged += due.damaged;
        ck_assert_int_eq(OPS(&t)->remove(t.session, items, due.count, NULL), 0);
    }
    return named;
}

/* Each key is due a millisecond after the one before. */
static void append_due_in_turn(uint64_t count)
{
    for (uint64_t n = 0; n < count; n++) {
        test_append(t.session, numbered(n), test_claim(n + 1, 1000 + n, 500));
    }
}

START_TEST(keys_that_the_index_names_behind_a_damaged_part_are_freed)
{
    enum { KEYS = 2000 };
    size_t damaged;
    size_t named;
    unsigned left = 0;

    open_store();
    append_due_in_turn(KEYS);
    test_store_reopen(&t);
    test_store_shut(&t);
    /* The hashes in the index do not compress: its file is the largest. */
    files_flip(files_largest(db, ".sst"),
               files_size(files_largest(db, ".sst")) / 3);
    ck_assert_int_eq(test_store_try(&t, NULL), 0);
    named = settle_all(1000000, &damaged);
    ck_assert_uint_gt(named, KEYS / 2);
    for (uint64_t n = 0; n < KEYS; n++) {
        struct head head = test_head(t.session, numbered(n));

        left += head.status == 0 && head.next != 0;
    }
    ck_assert_msg(damaged == 1 && left > 0 && left + named == KEYS,
                  "%zu damaged, %zu named, %u left", damaged, named, left);
    ck_assert_uint_eq(settle_all(2000000, &damaged), 0);
    test_store_close(&t);
}
END_TEST

SUITE(lost_writes, 60, a_gap_between_two_log_files_is_refused,
      log_files_that_go_on_are_whole,
      a_log_file_that_goes_on_too_late_or_too_early_is_not,
      log_files_before_the_first_needed_one_do_not_count,
      the_torn_end_of_a_log_file_counts_as_never_written,
      half_a_write_in_a_log_file_is_a_gap_before_the_next,
      log_files_that_cannot_be_listed_are_an_error,
      a_manifest_that_was_cut_is_refused,
      a_flipped_bit_at_the_end_of_the_manifest_is_refused,
      a_mark_follows_what_is_added_to_the_manifest,
      an_older_manifest_is_refused_and_a_newer_one_is_not,
      a_mark_goes_over_to_the_manifest_that_takes_the_place,
      a_manifest_that_cannot_be_found_is_an_error,
      keys_that_the_index_names_behind_a_damaged_part_are_freed)
