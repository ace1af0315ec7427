#include "storage/streams.h"
#include "tests/lib/runner.h"
#include "tests/sim/disk.h"

#include <stdio.h>

/* The fates of the next commits; 0 after the last. */
struct fates {
    int status[4];
    size_t next;
};

static int next_fate(void *arg)
{
    struct fates *fates = arg;

    return fates->next < 4 ? fates->status[fates->next++] : 0;
}

static void put(struct disk *disk, enum table table, const char *key,
                const char *value)
{
    struct tables *tables = disk_tables(disk);

    tables->ops->put(tables, table, slice_str(key), slice_str(value));
}

static int commit(struct disk *disk)
{
    struct err trouble;

    return disk_tables(disk)->ops->commit(disk_tables(disk), &trouble);
}

static void write(struct disk *disk, const char *key, const char *value,
                  int status)
{
    put(disk, TABLE_ROWS, key, value);
    ck_assert_int_eq(commit(disk), status);
}

/* What a store reads: "-" for no row, "!" for one that cannot be read. */
static const char *get(struct disk *disk, const char *key)
{
    static char text[64];
    struct tables *tables = disk_tables(disk);
    struct slice name = slice_str(key);
    struct err trouble;
    struct cell cell;
    int status;

    tables->ops->read(tables, TABLE_ROWS, &name, &cell, 1, &trouble);
    snprintf(text, sizeof(text), "%.*s", (int)cell.value.len,
             (const char *)cell.value.data);
    status = cell.status;
    tables->ops->release(tables, &cell);
    return status != 0 ? "!" : text[0] == '\0' ? "-" : text;
}

START_TEST(commit_that_returned_is_there)
{
    struct fates fates = {{0}, 0};
    struct disk *disk = disk_new(next_fate, &fates);

    write(disk, "a", "1", 0);
    disk_tables(disk)->ops->close(disk_tables(disk));
    disk_keep(disk, 0);
    ck_assert_str_eq(get(disk, "a"), "1");
    disk_free(disk);
}
END_TEST

START_TEST(failed_commit_is_read_by_nobody_and_may_be_there_later)
{
    for (size_t kept = 0; kept <= 1; kept++) {
        struct fates fates = {{0, E_IO}, 0};
        struct disk *disk = disk_new(next_fate, &fates);

        write(disk, "a", "1", 0);
        write(disk, "a", "2", E_IO);
        ck_assert_str_eq(get(disk, "a"), "1");
        disk_keep(disk, kept);
        ck_assert_str_eq(get(disk, "a"), kept > 0 ? "2" : "1");
        disk_free(disk);
    }
}
END_TEST

START_TEST(of_failed_commits_a_prefix_is_kept_each_as_a_whole)
{
    struct fates fates = {{E_IO, E_FULL, E_IO}, 0};
    struct disk *disk = disk_new(next_fate, &fates);

    put(disk, TABLE_ROWS, "a", "1");
    write(disk, "b", "1", E_IO);
    put(disk, TABLE_ROWS, "a", "2");
    write(disk, "c", "2", E_FULL);
    write(disk, "a", "3", E_IO);
    ck_assert_uint_eq(disk_unsynced(disk), 3);
    disk_keep(disk, 2);
    ck_assert_str_eq(get(disk, "a"), "2");
    ck_assert_str_eq(get(disk, "b"), "1");
    ck_assert_str_eq(get(disk, "c"), "2");
    ck_assert_uint_eq(disk_unsynced(disk), 0);
    disk_free(disk);
}
END_TEST

START_TEST(damaged_row_is_not_absent_and_can_be_healed)
{
    struct fates fates = {{0}, 0};
    struct disk *disk = disk_new(next_fate, &fates);

    write(disk, "a", "1234", 0);
    write(disk, "b", "1", 0);
    ck_assert(
        !disk_damage(disk, TABLE_ROWS, slice_str("c"), DAMAGE_UNREADABLE, 0));
    ck_assert(
        disk_damage(disk, TABLE_ROWS, slice_str("a"), DAMAGE_UNREADABLE, 0));
    ck_assert_str_eq(get(disk, "a"), "!");
    ck_assert_str_eq(get(disk, "b"), "1");
    ck_assert(disk_damage(disk, TABLE_ROWS, slice_str("a"), DAMAGE_FLIPPED, 6));
    ck_assert_str_eq(get(disk, "a"), "12#4");
    ck_assert_uint_eq(disk_damaged(disk, TABLE_ROWS), 1);
    disk_heal(disk);
    ck_assert_str_eq(get(disk, "a"), "1234");
    ck_assert_uint_eq(disk_damaged(disk, TABLE_ROWS), 0);
    disk_free(disk);
}
END_TEST

START_TEST(row_that_is_written_again_is_as_good_as_new)
{
    struct fates fates = {{0}, 0};
    struct disk *disk = disk_new(next_fate, &fates);

    write(disk, "a", "1", 0);
    disk_damage(disk, TABLE_ROWS, slice_str("a"), DAMAGE_FLIPPED, 0);
    write(disk, "a", "2", 0);
    ck_assert_str_eq(get(disk, "a"), "2");
    ck_assert_uint_eq(disk_damaged(disk, TABLE_ROWS), 0);
    ck_assert_int_eq(disk_damage_of(disk, TABLE_ROWS, slice_str("a")),
                     DAMAGE_NONE);
    disk_free(disk);
}
END_TEST

static bool note_key(void *arg, struct slice key, struct slice value)
{
    (void)value;
    buf_append_slice(arg, key);
    return true;
}

/* The keys of a scan, one after the other. */
static int scan(struct disk *disk, const char *from, const char *before,
                struct buf *out)
{
    struct tables *tables = disk_tables(disk);
    struct err trouble;

    buf_clear(out);
    return tables->ops->scan(tables, slice_str(from), slice_str(before),
                             note_key, out, &trouble);
}

START_TEST(scan_is_in_order_or_fails)
{
    struct fates fates = {{0}, 0};
    struct disk *disk = disk_new(next_fate, &fates);
    struct buf keys = {0};

    put(disk, TABLE_DUE, "c", "");
    put(disk, TABLE_DUE, "a", "");
    put(disk, TABLE_DUE, "d", "");
    put(disk, TABLE_DUE, "b", "");
    ck_assert_int_eq(commit(disk), 0);
    ck_assert_int_eq(scan(disk, "b", "d", &keys), 0);
    ck_assert(slice_equal(buf_slice(&keys), slice_str("bc")));
    disk_fail_scans(disk, true);
    ck_assert_int_eq(scan(disk, "b", "d", &keys), E_IO);
    disk_fail_scans(disk, false);
    ck_assert_int_eq(scan(disk, "a", "z", &keys), 0);
    ck_assert(slice_equal(buf_slice(&keys), slice_str("abcd")));
    buf_release(&keys);
    disk_free(disk);
}
END_TEST

/* --- a store on it -------------------------------------------------------- */

static struct head head_of(struct session *session, struct stream stream)
{
    struct head head;
    int status = session->store->ops->heads(session, &stream, &head, 1);

    ck_assert_int_eq(status, 0);
    return head;
}

START_TEST(row_that_was_repaired_is_read_again)
{
    struct fates fates = {{0}, 0};
    struct disk *disk = disk_new(next_fate, &fates);
    struct counters counters = {0};
    struct store_config config = {.history = 2, .counters = &counters};
    uint8_t id[16];
    struct stream stream = stream_encode(id, slice_str("n"), slice_str("k"));
    struct append item = {
        .stream = stream,
        .record = {.type = RECORD_RELEASE,
                   .fence = 7,
                   .attempt = 1,
                   .ttl_ms = 1},
    };
    struct session *session;
    struct store *store;
    struct err err;
    int status;

    store = streams_open(disk_tables(disk), true, &config, &status, &err);
    ck_assert_ptr_nonnull(store);
    session = store->ops->session_open(store);
    ck_assert_int_eq(store->ops->append(session, &item, 1, NULL), 0);
    store->ops->session_close(session);
    session = store->ops->session_open(store); /* with nothing in memory */
    disk_damage(disk, TABLE_ROWS, stream.id, DAMAGE_FLIPPED, 3);
    ck_assert_int_eq(head_of(session, stream).status, E_CORRUPT);
    disk_heal(disk);
    ck_assert_int_eq(head_of(session, stream).status, 0);
    ck_assert_uint_eq(head_of(session, stream).record.fence, 7);
    store->ops->session_close(session);
    store->ops->close(store);
    disk_free(disk);
}
END_TEST

SUITE(disk, 10, commit_that_returned_is_there,
      failed_commit_is_read_by_nobody_and_may_be_there_later,
      of_failed_commits_a_prefix_is_kept_each_as_a_whole,
      damaged_row_is_not_absent_and_can_be_healed,
      row_that_is_written_again_is_as_good_as_new, scan_is_in_order_or_fails,
      row_that_was_repaired_is_read_again)
