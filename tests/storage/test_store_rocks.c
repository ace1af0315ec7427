/* What only a store on a disk can show: refusals, damage, kills. */
#include "storage/data_dir.h"
#include "storage/due_entry.h"
#include "storage/layout.h"
#include "storage/store_rocks.h"
#include "tests/lib/stores.h"
#include "tests/storage/files.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPS(t) ((t)->store->ops)
#define DAY_MS UINT64_C(86400000)

static struct test_store t;
static char db[PATH_MAX + 8];

static void open_store(void)
{
    test_store_open(&t, STORE_ROCKS);
    snprintf(db, sizeof(db), "%s/db", t.data_dir);
}

static struct stream numbered(uint64_t n)
{
    char key[32];

    snprintf(key, sizeof(key), "key-%llu", (unsigned long long)n);
    return test_stream("ns", key);
}

static void append_numbered(uint64_t from, uint64_t to)
{
    for (uint64_t n = from; n < to; n++) {
        test_append(t.session, numbered(n), test_claim(n + 1, 1000, 500));
    }
}

static void assert_numbered(uint64_t from, uint64_t to)
{
    for (uint64_t n = from; n < to; n++) {
        struct head head = test_head(t.session, numbered(n));

        ck_assert_int_eq(head.status, 0);
        ck_assert_uint_eq(head.next, 1);
        ck_assert_uint_eq(head.record.fence, n + 1);
    }
}

static void assert_refused(int status, const char *part)
{
    struct err err = {0};

    ck_assert_msg(test_store_try(&t, &err) == status, "%s", err.text);
    ck_assert_msg(strstr(err.text, part) != NULL, "%s", err.text);
    ck_assert_msg(strstr(err.text, t.data_dir) != NULL, "%s", err.text);
    ck_assert_ptr_null(strchr(err.text, '\n'));
}

/* Refused twice, and nothing of the data was touched. */
static void assert_refused_untouched(int status, const char *part)
{
    char *before = files_snapshot(t.data_dir);

    assert_refused(status, part);
    assert_refused(status, part);
    files_assert_unchanged(t.data_dir, before);
}

/* --- ldb, to damage single rows ------------------------------------------- */

static void hex_of(char *out, size_t room, struct slice bytes)
{
    ck_assert_uint_lt(bytes.len * 2 + 2, room);
    snprintf(out, room, "0x");
    for (size_t i = 0; i < bytes.len; i++) {
        snprintf(out + 2 + 2 * i, 3, "%02x", bytes.data[i]);
    }
}

/* Runs ldb on a column family of the database; the store is shut. Returns how
 * many lines it printed. */
static size_t run_ldb(const char *family, const char *rest)
{
    char command[PATH_MAX + 2048];
    FILE *output;
    size_t lines = 0;

    snprintf(command, sizeof(command),
             "ldb --db='%.4096s' --column_family=%.16s --hex %.1900s", db,
             family, rest);
    /* NOLINTNEXTLINE(cert-env33-c): of texts that the tests made */
    output = popen(command, "re");
    ck_assert_ptr_nonnull(output);
    for (int c = fgetc(output); c != EOF; c = fgetc(output)) {
        lines += c == '\n';
    }
    ck_assert_int_eq(pclose(output), 0);
    return lines;
}

/* `value` may be empty: deletes the row. */
static void ldb(const char *family, struct slice key, struct slice value)
{
    char key_hex[512];
    char value_hex[512];
    char rest[1100];

    hex_of(key_hex, sizeof(key_hex), key);
    hex_of(value_hex, sizeof(value_hex), value);
    snprintf(rest, sizeof(rest), "%s %s %s", value.len == 0 ? "delete" : "put",
             key_hex, value.len == 0 ? "" : value_hex);
    run_ldb(family, rest);
}

static size_t rows_of(const char *family)
{
    return run_ldb(family, "scan");
}

/* --- who may open it ------------------------------------------------------ */

START_TEST(second_open_of_a_directory_is_refused)
{
    struct store *first;
    struct err err = {0};
    int status;

    open_store();
    first = t.store;
    ck_assert_ptr_null(store_rocks_open(&t.config, &status, &err));
    ck_assert_int_eq(status, E_FORMAT);
    ck_assert_ptr_nonnull(strstr(err.text, "in use by another process"));
    ck_assert_ptr_eq(first, t.store);
    append_numbered(0, 1);
    test_store_close(&t);
}
END_TEST

START_TEST(open_by_another_process_is_refused)
{
    int status;
    pid_t pid;

    open_store();
    append_numbered(0, 1);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct err err = {0};

        _exit(store_rocks_open(&t.config, &status, &err) == NULL &&
                      status == E_FORMAT
                  ? 0
                  : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    append_numbered(1, 2);
    assert_numbered(0, 2);
    test_store_close(&t);
}
END_TEST

START_TEST(foreign_directory_is_left_alone)
{
    test_store_prepare(&t, STORE_ROCKS);
    ck_assert_int_eq(mkdir(t.data_dir, 0700), 0);
    files_write(t.data_dir, "notes", "mine");
    assert_refused_untouched(E_FORMAT, "not a data directory of dedupd");
    test_store_close(&t);
}
END_TEST

START_TEST(newer_format_is_left_alone)
{
    open_store();
    append_numbered(0, 3);
    test_store_shut(&t);
    files_write(t.data_dir, "FORMAT",
                "dedupd data, format 7\nreadable from format 7 on\n");
    assert_refused_untouched(E_FORMAT, "newer version of dedupd");
    test_store_close(&t);
}
END_TEST

START_TEST(a_lost_database_is_not_made_again)
{
    open_store();
    append_numbered(0, 3);
    test_store_shut(&t);
    temp_dir_remove(db);
    assert_refused_untouched(E_DATA, "database is lost");
    test_store_close(&t);
}
END_TEST

START_TEST(a_lost_current_file_is_not_made_again)
{
    char path[PATH_MAX + 32];

    open_store();
    append_numbered(0, 3);
    test_store_shut(&t);
    snprintf(path, sizeof(path), "%s/CURRENT", db);
    ck_assert_int_eq(unlink(path), 0);
    assert_refused_untouched(E_DATA, "database is lost");
    test_store_close(&t);
}
END_TEST

START_TEST(an_unfinished_creation_is_started_again)
{
    char from[PATH_MAX + 32];
    char to[PATH_MAX + 32];

    open_store();
    append_numbered(0, 3);
    test_store_shut(&t);
    snprintf(from, sizeof(from), "%s/FORMAT", t.data_dir);
    snprintf(to, sizeof(to), "%s/FORMAT.new", t.data_dir);
    ck_assert_int_eq(rename(from, to), 0);
    ck_assert_int_eq(test_store_try(&t, NULL), 0);
    ck_assert_uint_eq(test_head(t.session, numbered(0)).next, 0);
    ck_assert_int_eq(access(to, F_OK), -1);
    append_numbered(0, 3);
    test_store_reopen(&t);
    assert_numbered(0, 3);
    test_store_close(&t);
}
END_TEST

START_TEST(the_info_log_is_not_on_the_data_disk)
{
    char *data;
    char *log;

    open_store();
    data = files_snapshot(t.data_dir);
    log = files_snapshot(t.log_dir);
    ck_assert_ptr_null(strstr(data, "LOG"));
    ck_assert_ptr_nonnull(strstr(log, "LOG"));
    free(data);
    free(log);
    test_store_close(&t);
}
END_TEST

START_TEST(an_unusable_log_directory_is_refused_before_all_else)
{
    struct err err = {0};

    test_store_prepare(&t, STORE_ROCKS);
    snprintf(t.log_dir, sizeof(t.log_dir), "%s/no/log", t.dir);
    ck_assert_int_eq(test_store_try(&t, &err), E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, t.log_dir));
    ck_assert_int_eq(access(t.data_dir, F_OK), -1);
    test_store_close(&t);
}
END_TEST

START_TEST(version_of_the_library_is_known)
{
    const char *version = store_rocks_version();

    ck_assert_msg(version[0] >= '1' && version[0] <= '9', "%s", version);
    ck_assert_ptr_nonnull(strchr(version, '.'));
    ck_assert_ptr_eq(store_rocks_version(), version);
}
END_TEST

/* --- lost writes ---------------------------------------------------------- */

START_TEST(a_deleted_log_file_is_noticed)
{
    open_store();
    append_numbered(0, 20);
    test_store_shut(&t);
    ck_assert_int_eq(unlink(files_largest(db, ".log")), 0);
    assert_refused_untouched(E_DATA, "lost writes");
    assert_refused_untouched(E_DATA, "lost writes");
    test_store_close(&t);
}
END_TEST

START_TEST(a_log_file_that_was_cut_is_noticed)
{
    const char *wal;

    open_store();
    append_numbered(0, 20);
    test_store_shut(&t);
    wal = files_largest(db, ".log");
    ck_assert_int_eq(truncate(wal, (off_t)files_size(wal) - 50), 0);
    assert_refused_untouched(E_DATA, "lost writes");
    test_store_close(&t);
}
END_TEST

START_TEST(a_flipped_bit_in_the_log_is_refused)
{
    const char *wal;

    open_store();
    append_numbered(0, 200);
    test_store_shut(&t);
    wal = files_largest(db, ".log");
    files_flip(wal, files_size(wal) / 2);
    assert_refused_untouched(E_DATA, "Corruption");
    test_store_close(&t);
}
END_TEST

START_TEST(a_database_older_than_its_note_is_refused)
{
    struct data_dir dir;
    struct synced synced;

    open_store();
    append_numbered(0, 3);
    test_store_shut(&t);
    ck_assert_int_eq(data_dir_open(&dir, t.data_dir, NULL), 0);
    synced = data_dir_synced(&dir);
    synced.sequence++;
    data_dir_set_synced(&dir, synced);
    data_dir_close(&dir);
    assert_refused_untouched(E_DATA, "lost writes");
    ck_assert_int_eq(data_dir_open(&dir, t.data_dir, NULL), 0);
    synced.sequence--;
    data_dir_set_synced(&dir, synced);
    data_dir_close(&dir);
    ck_assert_int_eq(test_store_try(&t, NULL), 0);
    assert_numbered(0, 3);
    test_store_close(&t);
}
END_TEST

START_TEST(a_missing_note_is_made_again)
{
    char path[PATH_MAX + 32];

    open_store();
    append_numbered(0, 3);
    test_store_shut(&t);
    snprintf(path, sizeof(path), "%s/SYNCED", t.data_dir);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(test_store_try(&t, NULL), 0);
    append_numbered(3, 4);
    test_store_shut(&t);
    ck_assert_int_eq(unlink(files_largest(db, ".log")), 0);
    assert_refused_untouched(E_DATA, "lost writes");
    test_store_close(&t);
}
END_TEST

START_TEST(a_damaged_manifest_is_refused)
{
    char name[64];
    char path[PATH_MAX + 128];
    size_t len;

    open_store();
    append_numbered(0, 3);
    test_store_shut(&t);
    len = files_read(db, "CURRENT", name, sizeof(name) - 1);
    name[len - 1] = '\0';
    snprintf(path, sizeof(path), "%s/%s", db, name);
    files_flip(path, 20);
    assert_refused_untouched(E_DATA, "Corruption");
    test_store_close(&t);
}
END_TEST

START_TEST(a_lost_table_file_is_refused)
{
    open_store();
    append_numbered(0, 3);
    test_store_reopen(&t);
    test_store_shut(&t);
    ck_assert_int_eq(unlink(files_largest(db, ".sst")), 0);
    assert_refused(E_DATA, "No such file");
    assert_refused(E_DATA, "No such file");
    test_store_close(&t);
}
END_TEST

/* --- damaged rows --------------------------------------------------------- */

START_TEST(a_damaged_row_is_corrupt_and_stops_nobody_else)
{
    struct stream bad = numbered(1);
    struct append items[] = {
        {.stream = bad, .expect = {1, 2}, .record = test_release(2, 1, 1)},
        {.stream = numbered(2),
         .expect = {1, 3},
         .record = test_release(3, 1, 1)},
    };

    open_store();
    append_numbered(0, 3);
    test_store_shut(&t);
    ldb("rows", row_key_last(bad), slice_str("not a record"));
    ck_assert_int_eq(test_store_try(&t, NULL), 0);
    ck_assert_int_eq(test_head(t.session, bad).status, E_CORRUPT);
    ck_assert_uint_eq(counters_get(&t.counters, COUNTER_ROWS_CORRUPT), 1);
    ck_assert_str_ne(OPS(&t)->trouble(t.session), "");
    ck_assert_int_eq(OPS(&t)->trouble_status(t.session), E_IO);
    assert_numbered(0, 1);
    assert_numbered(2, 3);
    ck_assert_int_eq(OPS(&t)->append(t.session, items, 2, NULL), 0);
    ck_assert_int_eq(items[0].status, E_CORRUPT);
    ck_assert_int_eq(items[1].status, 0);
    ck_assert_int_eq(test_head(t.session, bad).status, E_CORRUPT);
    test_store_close(&t);
}
END_TEST

START_TEST(an_empty_row_is_corrupt_and_not_absent)
{
    static const uint8_t one[1] = {0};

    open_store();
    append_numbered(0, 2);
    test_store_shut(&t);
    ldb("rows", row_key_last(numbered(0)), slice_of(one, 1));
    ck_assert_int_eq(test_store_try(&t, NULL), 0);
    ck_assert_int_eq(test_head(t.session, numbered(0)).status, E_CORRUPT);
    assert_numbered(1, 2);
    test_store_close(&t);
}
END_TEST

START_TEST(removal_of_a_corrupt_stream_keeps_it_for_a_day)
{
    struct removal items[] = {
        {.stream = numbered(0), .expect = {1, 1}, .drop = true},
        {.stream = numbered(1), .expect = {1, 2}, .drop = true},
    };
    struct due due;

    open_store();
    append_numbered(0, 2);
    test_store_shut(&t);
    ldb("rows", row_key_last(numbered(0)), slice_str("nonsense"));
    ck_assert_int_eq(test_store_try(&t, NULL), 0);
    ck_assert_int_eq(OPS(&t)->due(t.session, 2000, 100, &due), 0);
    ck_assert_uint_eq(due.count, 2);
    ck_assert_int_eq(OPS(&t)->remove(t.session, items, 2, NULL), 0);
    ck_assert_int_eq(items[0].status, E_CORRUPT);
    ck_assert_int_eq(items[1].status, 0);
    ck_assert_int_eq(test_head(t.session, numbered(0)).status, E_CORRUPT);
    ck_assert_int_eq(OPS(&t)->due(t.session, 2000 + DAY_MS, 100, &due), 0);
    ck_assert_uint_eq(due.count, 0);
    ck_assert_int_eq(OPS(&t)->due(t.session, 2001 + DAY_MS, 100, &due), 0);
    ck_assert_uint_eq(due.count, 1);
    test_store_close(&t);
}
END_TEST

START_TEST(a_damaged_index_entry_is_counted_and_passed_over)
{
    uint8_t key[DUE_KEY_BYTES];
    struct due due;

    open_store();
    append_numbered(0, 2);
    test_store_shut(&t);
    due_key_encode(key, 1400, 12345678);
    ldb("due", slice_of(key, sizeof(key)), slice_str("nonsense"));
    ck_assert_int_eq(test_store_try(&t, NULL), 0);
    ck_assert_int_eq(OPS(&t)->due(t.session, 2000, 100, &due), 0);
    ck_assert_uint_eq(due.count, 2);
    ck_assert_uint_eq(due.damaged, 1);
    test_store_close(&t);
}
END_TEST

static void no_visit(void *arg, uint64_t sequence, const struct record *record)
{
    (void)record;
    *(uint64_t *)arg += sequence;
}

START_TEST(a_missing_older_row_is_corrupt_history_of_a_sound_stream)
{
    struct stream stream = numbered(0);
    struct buf key = {0};
    uint64_t sum = 0;

    open_store();
    for (uint64_t fence = 1; fence <= 4; fence++) {
        test_append(t.session, stream, test_claim(fence, 1, 1));
    }
    test_store_shut(&t);
    ldb("rows", row_key_older(&key, stream, 1), (struct slice){0});
    buf_release(&key);
    ck_assert_int_eq(test_store_try(&t, NULL), 0);
    ck_assert_int_eq(test_head(t.session, stream).status, 0);
    ck_assert_int_eq(OPS(&t)->history(t.session, stream, no_visit, &sum),
                     E_CORRUPT);
    ck_assert_uint_eq(sum, 3 + 2 + 0);
    ck_assert_str_ne(OPS(&t)->trouble(t.session), "");
    test_store_close(&t);
}
END_TEST

START_TEST(an_older_row_in_the_wrong_place_is_corrupt)
{
    struct stream stream = numbered(0);
    struct record claim = test_claim(1, 1, 1);
    struct buf key = {0};
    struct buf value = {0};
    uint64_t sum = 0;

    open_store();
    for (uint64_t fence = 1; fence <= 4; fence++) {
        test_append(t.session, stream, test_claim(fence, 1, 1));
    }
    test_store_shut(&t);
    record_encode(&value, stream, (struct place){1, 1}, &claim);
    ldb("rows", row_key_older(&key, stream, 2), buf_slice(&value));
    buf_release(&key);
    buf_release(&value);
    ck_assert_int_eq(test_store_try(&t, NULL), 0);
    ck_assert_int_eq(OPS(&t)->history(t.session, stream, no_visit, &sum),
                     E_CORRUPT);
    ck_assert_uint_eq(sum, 3 + 1 + 0);
    test_store_close(&t);
}
END_TEST

START_TEST(damaged_marks_or_version_are_refused)
{
    open_store();
    append_numbered(0, 1);
    test_store_shut(&t);
    ldb("default", meta_key_marks(), slice_str("nonsense"));
    assert_refused_untouched(E_DATA, "marks");
    ldb("default", meta_key_format(), slice_str("nonsense"));
    assert_refused_untouched(E_DATA, "format");
    test_store_close(&t);
}
END_TEST

START_TEST(a_flipped_bit_in_a_table_file_is_corrupt_and_never_absent)
{
    static uint8_t noise[300000];
    struct stream stream = numbered(0);
    const char *sst;
    uint64_t state = 1;

    open_store();
    for (size_t i = 0; i < sizeof(noise); i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        noise[i] = (uint8_t)(state >> 56);
    }
    test_append(t.session, stream,
                test_completion(1, 1, 1, slice_of(noise, sizeof(noise))));
    test_store_reopen(&t);
    test_store_shut(&t);
    sst = files_largest(db, ".sst");
    ck_assert_uint_gt(files_size(sst), sizeof(noise));
    files_flip(sst, files_size(sst) / 2);
    ck_assert_int_eq(test_store_try(&t, NULL), 0);
    ck_assert_int_eq(test_head(t.session, stream).status, E_CORRUPT);
    ck_assert_ptr_nonnull(strstr(OPS(&t)->trouble(t.session), "checksum"));
    test_store_close(&t);
}
END_TEST

START_TEST(no_row_is_left_behind)
{
    struct stream stream = numbered(0);
    struct removal removal = {.stream = stream, .expect = {9, 9}, .drop = true};
    struct due due;

    test_store_open_history(&t, STORE_ROCKS, 4);
    snprintf(db, sizeof(db), "%s/db", t.data_dir);
    for (uint64_t fence = 1; fence <= 9; fence++) {
        test_append(t.session, stream, test_claim(fence, 1, 1));
    }
    test_store_shut(&t);
    ck_assert_uint_eq(rows_of("rows"), 4);
    ck_assert_uint_eq(rows_of("due"), 1);
    ck_assert_int_eq(test_store_try(&t, NULL), 0);
    ck_assert_int_eq(OPS(&t)->due(t.session, 100, 100, &due), 0);
    ck_assert_int_eq(OPS(&t)->remove(t.session, &removal, 1, NULL), 0);
    ck_assert_int_eq(removal.status, 0);
    test_store_shut(&t);
    ck_assert_uint_eq(rows_of("rows"), 0);
    ck_assert_uint_eq(rows_of("due"), 0);
    ck_assert_uint_eq(rows_of("default"), 1);
    test_store_close(&t);
}
END_TEST

/* --- failing writes ------------------------------------------------------- */

/* Takes the place of libc's for RocksDB too, which syncs its log by it. */
static _Atomic unsigned syncs_made;
static _Atomic bool syncs_fail;

int fdatasync(int fd)
{
    syncs_made++;
    if (syncs_fail) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

START_TEST(every_write_is_synced_before_it_is_answered)
{
    struct marks marks = {.live_keys = 1};

    open_store();
    for (uint64_t n = 0; n < 10; n++) {
        unsigned before = syncs_made;

        append_numbered(n, n + 1);
        ck_assert_uint_gt(syncs_made, before);
        before = syncs_made;
        ck_assert_int_eq(OPS(&t)->remove(t.session, NULL, 0, &marks), 0);
        ck_assert_uint_gt(syncs_made, before);
    }
    test_store_close(&t);
}
END_TEST

START_TEST(a_write_whose_sync_failed_is_not_readable)
{
    struct append item = {.stream = numbered(3), .record = test_claim(4, 1, 1)};

    open_store();
    append_numbered(0, 3);
    syncs_fail = true;
    ck_assert_int_eq(OPS(&t)->append(t.session, &item, 1, NULL),
                     E_INDETERMINATE);
    syncs_fail = false;
    ck_assert_int_eq(OPS(&t)->trouble_status(t.session), E_IO);
    ck_assert_str_ne(OPS(&t)->trouble(t.session), "");
    ck_assert_uint_eq(test_head(t.session, numbered(3)).next, 0);
    test_store_reopen(&t);
    assert_numbered(0, 3);
    append_numbered(5, 6);
    test_store_close(&t);
}
END_TEST

static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(after_a_failed_write_no_other_is_tried)
{
    static uint8_t large[100000];
    struct append item = {
        .record = test_completion(9, 1, 1, slice_of(large, sizeof(large)))};
    struct marks marks = {.live_keys = 1};
    uint64_t done = 0;
    uint64_t syncs;

    open_store();
    append_numbered(0, 5);
    ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    limit_file_size(files_size(files_largest(db, ".log")) + 250000);
    for (;; done++) {
        item.stream = numbered(100 + done);
        if (OPS(&t)->append(t.session, &item, 1, NULL) != 0) {
            break;
        }
        ck_assert_uint_lt(done, 10);
    }
    ck_assert_uint_gt(done, 0);
    ck_assert_int_eq(OPS(&t)->trouble_status(t.session), E_IO);
    ck_assert_str_ne(OPS(&t)->trouble(t.session), "");
    limit_file_size(RLIM_INFINITY);
    syncs = counters_get(&t.counters, COUNTER_SYNCS);
    ck_assert_int_eq(OPS(&t)->append(t.session, NULL, 0, &marks),
                     E_INDETERMINATE);
    ck_assert_int_eq(OPS(&t)->remove(t.session, NULL, 0, &marks),
                     E_INDETERMINATE);
    ck_assert_str_ne(OPS(&t)->trouble(t.session), "");
    ck_assert_uint_eq(counters_get(&t.counters, COUNTER_SYNCS), syncs);
    test_store_reopen(&t);
    assert_numbered(0, 5);
    for (uint64_t i = 0; i < done; i++) {
        ck_assert_uint_eq(test_head(t.session, numbered(100 + i)).next, 1);
    }
    append_numbered(5, 6);
    test_store_close(&t);
}
END_TEST

/* --- kill ----------------------------------------------------------------- */

/* RocksDB's threads do not survive a fork: the parent of these never opens the
 * store. */
static pid_t start(int *read_fd)
{
    int fds[2];
    pid_t pid;

    ck_assert_int_eq(pipe(fds), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    close(fds[pid == 0 ? 0 : 1]);
    *read_fd = fds[pid == 0 ? 1 : 0];
    return pid;
}

static _Noreturn void append_until_killed(int pipe_fd, uint64_t from)
{
    if (test_store_try(&t, NULL) != 0) {
        _exit(1);
    }
    for (uint64_t n = from;; n++) {
        append_numbered(n, n + 1);
        if (write(pipe_fd, &n, sizeof(n)) != sizeof(n)) {
            _exit(1);
        }
    }
}

/* Returns how many records the child says are durable. */
static uint64_t run_and_kill(uint64_t from, uint64_t at_least)
{
    uint64_t done = from;
    uint64_t n;
    int fd;
    pid_t pid = start(&fd);

    if (pid == 0) {
        append_until_killed(fd, from);
    }
    while (read(fd, &n, sizeof(n)) == sizeof(n)) {
        done = n + 1;
        if (done == from + at_least) {
            ck_assert_int_eq(kill(pid, SIGKILL), 0);
        }
    }
    close(fd);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_uint_ge(done, from + at_least);
    return done;
}

/* Says how many records are there, from the first one on without a gap; one
 * that cannot be read as it was written counts as a gap. */
static _Noreturn void count_records(int pipe_fd)
{
    uint64_t n = 0;
    struct head head;

    if (test_store_try(&t, NULL) != 0) {
        _exit(1);
    }
    for (;; n++) {
        head = test_head(t.session, numbered(n));
        if (head.status != 0 || head.next != 1 || head.record.fence != n + 1) {
            break;
        }
    }
    test_store_shut(&t);
    _exit(write(pipe_fd, &n, sizeof(n)) == sizeof(n) ? 0 : 1);
}

static uint64_t reopen_and_count(void)
{
    uint64_t n = 0;
    int status;
    int fd;
    pid_t pid = start(&fd);

    if (pid == 0) {
        count_records(fd);
    }
    ck_assert_int_eq(read(fd, &n, sizeof(n)), sizeof(n));
    close(fd);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    return n;
}

START_TEST(what_was_durable_survives_kill_9)
{
    uint64_t there = 0;

    test_store_prepare(&t, STORE_ROCKS);
    for (uint64_t round = 1; round <= 6; round++) {
        uint64_t done = run_and_kill(there, round * 17);

        there = reopen_and_count();
        ck_assert_uint_ge(there, done);
        /* One more may be durable that nobody was told of. */
        ck_assert_uint_le(there, done + 1);
    }
    test_store_close(&t);
}
END_TEST

SUITE(store_rocks, 60, second_open_of_a_directory_is_refused,
      open_by_another_process_is_refused, foreign_directory_is_left_alone,
      newer_format_is_left_alone, a_lost_database_is_not_made_again,
      a_lost_current_file_is_not_made_again,
      an_unfinished_creation_is_started_again,
      the_info_log_is_not_on_the_data_disk,
      an_unusable_log_directory_is_refused_before_all_else,
      version_of_the_library_is_known, a_deleted_log_file_is_noticed,
      a_log_file_that_was_cut_is_noticed, a_flipped_bit_in_the_log_is_refused,
      a_database_older_than_its_note_is_refused, a_missing_note_is_made_again,
      a_damaged_manifest_is_refused, a_lost_table_file_is_refused,
      a_damaged_row_is_corrupt_and_stops_nobody_else,
      an_empty_row_is_corrupt_and_not_absent,
      removal_of_a_corrupt_stream_keeps_it_for_a_day,
      a_damaged_index_entry_is_counted_and_passed_over,
      a_missing_older_row_is_corrupt_history_of_a_sound_stream,
      damaged_marks_or_version_are_refused,
      a_flipped_bit_in_a_table_file_is_corrupt_and_never_absent,
      no_row_is_left_behind, every_write_is_synced_before_it_is_answered,
      a_write_whose_sync_failed_is_not_readable,
      an_older_row_in_the_wrong_place_is_corrupt,
      after_a_failed_write_no_other_is_tried, what_was_durable_survives_kill_9)
