/* Streams over a backend that fails on command. */
#include "storage/layout.h"
#include "storage/memory.h"
#include "storage/streams.h"
#include "tests/lib/stores.h"

#include <stdlib.h>

/* Keeps one row of TABLE_META, forgets the others. */
struct fake {
    struct tables tables;
    struct buf format;
    struct buf marks;
    size_t puts, commits, scans;
    int commit_status; /* of every commit from now on */
    bool unreadable;
};

static struct fake *fake_of(struct tables *tables)
{
    return (struct fake *)tables;
}

static struct buf *meta_of(struct fake *fake, struct slice key)
{
    return slice_equal(key, meta_key_format()) ? &fake->format : &fake->marks;
}

static void fake_read(struct tables *tables, enum table table,
                      const struct slice *keys, struct cell *cells,
                      size_t count, struct err *trouble)
{
    struct fake *fake = fake_of(tables);

    for (size_t i = 0; i < count; i++) {
        cells[i] = (struct cell){0};
        if (fake->unreadable) {
            cells[i].status = err_set(trouble, E_CORRUPT, "cannot\nread");
        } else if (table == TABLE_META) {
            cells[i].value = buf_slice(meta_of(fake, keys[i]));
            cells[i].found = cells[i].value.len > 0;
        }
    }
}

static void fake_release(struct tables *tables, struct cell *cell)
{
    (void)tables;
    (void)cell;
}

static int fake_scan(struct tables *tables, struct slice from,
                     struct slice before, table_visit *visit, void *arg,
                     struct err *trouble)
{
    (void)from;
    (void)before;
    (void)visit;
    (void)arg;
    fake_of(tables)->scans++;
    return fake_of(tables)->unreadable
               ? err_set(trouble, E_IO, "cannot be scanned")
               : 0;
}

static void fake_put(struct tables *tables, enum table table, struct slice key,
                     struct slice value)
{
    fake_of(tables)->puts++;
    if (table == TABLE_META) {
        buf_clear(meta_of(fake_of(tables), key));
        buf_append_slice(meta_of(fake_of(tables), key), value);
    }
}

static void fake_drop(struct tables *tables, enum table table, struct slice key)
{
    (void)table;
    (void)key;
    fake_of(tables)->puts++;
}

static int fake_commit(struct tables *tables, struct err *trouble)
{
    struct fake *fake = fake_of(tables);

    fake->commits++;
    return fake->commit_status == 0
               ? 0
               : err_set(trouble, fake->commit_status, "No space left");
}

static uint64_t fake_serial(struct tables *tables)
{
    return fake_of(tables)->puts;
}

static void fake_stats(struct tables *tables, struct store_stats *out)
{
    (void)tables;
    *out = (struct store_stats){0};
}

static void fake_close(struct tables *tables)
{
    buf_release(&fake_of(tables)->format);
    buf_release(&fake_of(tables)->marks);
    free(tables);
}

static const struct tables_ops fake_ops = {
    .read = fake_read,
    .release = fake_release,
    .scan = fake_scan,
    .put = fake_put,
    .drop = fake_drop,
    .commit = fake_commit,
    .serial = fake_serial,
    .stats = fake_stats,
    .close = fake_close,
};

static struct counters counters;
static const struct store_config config = {.history = 4, .counters = &counters};
static struct fake *below;
static struct store *store;
static struct session *session;

static struct fake *new_fake(void)
{
    struct fake *made = memory_get(1, sizeof(*made));

    made->tables.ops = &fake_ops;
    return made;
}

static void open_store(void)
{
    int status;

    below = new_fake();
    store = streams_open(&below->tables, true, &config, &status, NULL);
    ck_assert_int_eq(status, 0);
    session = store->ops->session_open(store);
}

static void close_store(void)
{
    store->ops->session_close(session);
    store->ops->close(store);
}

static int append_one(const struct marks *marks)
{
    struct append item = {.stream = test_stream("ns", "k"),
                          .record = test_claim(1, 1, 1)};

    return store->ops->append(session, &item, 1, marks);
}

START_TEST(a_call_is_one_commit)
{
    struct marks marks = {.live_keys = 7};

    open_store();
    ck_assert_uint_eq(below->commits, 1); /* the version */
    ck_assert_int_eq(append_one(&marks), 0);
    ck_assert_uint_eq(below->commits, 2);
    ck_assert_uint_eq(below->puts, 1 + 3); /* record, index entry, marks */
    close_store();
}
END_TEST

START_TEST(after_a_failed_commit_the_backend_is_left_alone)
{
    struct marks marks = {.live_keys = 7};
    struct marks got;
    struct session *other;

    open_store();
    other = store->ops->session_open(store);
    below->commit_status = E_FULL;
    ck_assert_int_eq(append_one(&marks), E_INDETERMINATE);
    ck_assert_str_eq(store->ops->trouble(session), "No space left");
    ck_assert_int_eq(store->ops->trouble_status(session), E_FULL);
    store->ops->marks(store, &got);
    ck_assert_uint_eq(got.live_keys, 0);
    below->commit_status = 0;
    below->commits = 0;
    below->puts = 0;
    ck_assert_int_eq(append_one(NULL), E_INDETERMINATE);
    ck_assert_int_eq(store->ops->append(session, NULL, 0, NULL),
                     E_INDETERMINATE);
    ck_assert_int_eq(store->ops->remove(other, NULL, 0, &marks),
                     E_INDETERMINATE);
    ck_assert_str_eq(store->ops->trouble(other), "No space left");
    ck_assert_int_eq(store->ops->trouble_status(other), E_FULL);
    ck_assert_uint_eq(below->commits + below->puts, 0);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_SYNCS), 0);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_ROWS_APPENDED), 0);
    store->ops->session_close(other);
    close_store();
}
END_TEST

START_TEST(an_unreadable_head_is_corrupt_and_takes_nothing)
{
    struct append item = {.stream = test_stream("ns", "k"),
                          .record = test_claim(1, 1, 1)};

    open_store();
    below->unreadable = true;
    ck_assert_int_eq(test_head(session, item.stream).status, E_CORRUPT);
    ck_assert_int_eq(store->ops->append(session, &item, 1, NULL), 0);
    ck_assert_int_eq(item.status, E_CORRUPT);
    ck_assert_uint_eq(below->commits, 1);
    close_store();
}
END_TEST

START_TEST(an_unreadable_index_is_an_error_and_names_nothing)
{
    struct due due = {.count = 1};

    open_store();
    below->unreadable = true;
    ck_assert_int_eq(store->ops->due(session, 1, 1, &due), E_IO);
    ck_assert_uint_eq(due.count, 0);
    ck_assert_str_eq(store->ops->trouble(session), "cannot be scanned");
    ck_assert_int_eq(store->ops->trouble_status(session), E_IO);
    ck_assert_int_eq(store->ops->due(session, 0, 1, &due), 0);
    ck_assert_uint_eq(below->scans, 1);
    close_store();
}
END_TEST

static int open_status(struct fake *tables, bool create)
{
    struct err err = {0};
    int status = 1;

    ck_assert_ptr_null(
        streams_open(&tables->tables, create, &config, &status, &err));
    ck_assert_str_ne(err.text, "");
    return status;
}

START_TEST(opening_fails_where_the_backend_does)
{
    struct fake *full = new_fake();
    struct fake *unreadable = new_fake();
    struct fake *unversioned = new_fake();

    full->commit_status = E_FULL;
    ck_assert_int_eq(open_status(full, true), E_FULL);
    unreadable->unreadable = true;
    ck_assert_int_eq(open_status(unreadable, false), E_DATA);
    ck_assert_int_eq(open_status(unversioned, false), E_DATA);
}
END_TEST

SUITE(streams, 10, a_call_is_one_commit,
      after_a_failed_commit_the_backend_is_left_alone,
      an_unreadable_head_is_corrupt_and_takes_nothing,
      an_unreadable_index_is_an_error_and_names_nothing,
      opening_fails_where_the_backend_does)
