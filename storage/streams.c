#include "storage/streams.h"

#include "base/check.h"
#include "base/mutex.h"
#include "storage/layout.h"
#include "storage/memory.h"

/* --- sessions ----------------------------------------------------------- */

void session_begin(struct streams_session *session)
{
    session->trouble.text[0] = '\0';
    session->trouble_status = 0;
}

void session_read(struct streams_session *session, struct view *view,
                  const struct stream *streams, size_t count)
{
    struct streams *store = streams_of(session);
    uint64_t writes = atomic_load(&store->writes);
    struct view_tally tally;

    if (session->cache_writes != writes) {
        head_cache_clear(&session->cache);
        session->cache_writes = writes;
    }
    tally = view_read(view, store->tables, &session->cache, streams, count,
                      &session->trouble);
    counters_add(store->counters, COUNTER_ROWS_READ, tally.found);
    counters_add(store->counters, COUNTER_ROWS_CORRUPT, tally.corrupt);
    if (tally.corrupt > 0) {
        session->trouble_status = E_IO;
    }
}

static bool has_seen(struct streams_session *session, size_t count)
{
    if (atomic_load(&streams_of(session)->writes) != session->seen_writes) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        session->rows[i] = view_find(&session->seen, session->names[i]);
        if (session->rows[i] == NULL) {
            return false;
        }
    }
    return true;
}

void session_rows(struct streams_session *session, size_t count)
{
    session->rows = memory_grow(session->rows, &session->rows_cap, count,
                                sizeof(struct view_row *));
    if (has_seen(session, count)) {
        return;
    }
    session_read(session, &session->fresh, session->names, count);
    for (size_t i = 0; i < count; i++) {
        session->rows[i] = session->fresh.row_of[i];
    }
}

static int streams_heads(struct session *base, const struct stream *streams,
                         struct head *heads, size_t count)
{
    struct streams_session *session = (struct streams_session *)base;
    struct view *seen = &session->seen;

    session_begin(session);
    /* Before the read: a write that ends while it runs makes it too old. */
    session->seen_writes = atomic_load(&streams_of(session)->writes);
    session_read(session, seen, streams, count);
    for (size_t i = 0; i < count; i++) {
        const struct view_row *row = seen->row_of[i];

        heads[i] = (struct head){.status = row->status};
        if (row->status == 0 && row->found) {
            heads[i].next = view_row_expect(row).next;
            heads[i].record = row->record;
        }
    }
    return 0;
}

static struct session *streams_session_open(struct store *store)
{
    struct streams_session *session = memory_get(1, sizeof(*session));

    session->session.store = store;
    session->seen_writes = UINT64_MAX;
    head_cache_init(&session->cache);
    return &session->session;
}

static void streams_session_close(struct session *base)
{
    struct streams_session *session = (struct streams_session *)base;

    view_release(&session->seen);
    view_release(&session->fresh);
    buf_release(&session->due.ids);
    free(session->due.streams);
    free(session->due.keys);
    head_cache_release(&session->cache);
    free(session->row_changes);
    buf_release(&session->new_rows);
    free(session->names);
    free(session->rows);
    free(session->wishes);
    free(session->changes);
    free(session->chain);
    free(session->group);
    buf_release(&session->key);
    buf_release(&session->value);
    free(session);
}

static const char *streams_trouble(struct session *base)
{
    return ((struct streams_session *)base)->trouble.text;
}

static int streams_trouble_status(struct session *base)
{
    return ((struct streams_session *)base)->trouble_status;
}

/* --- the store ---------------------------------------------------------- */

static void streams_marks(struct store *base, struct marks *out)
{
    struct streams *store = (struct streams *)base;

    mutex_lock(&store->marks_lock);
    *out = store->marks;
    mutex_unlock(&store->marks_lock);
}

static void streams_stats(struct store *base, struct store_stats *out)
{
    struct tables *tables = ((struct streams *)base)->tables;

    tables->ops->stats(tables, out);
}

static void streams_upkeep(struct store *base)
{
    struct tables *tables = ((struct streams *)base)->tables;

    tables->ops->upkeep(tables);
}

static void streams_close(struct store *base)
{
    struct streams *store = (struct streams *)base;

    store->tables->ops->close(store->tables);
    pthread_mutex_destroy(&store->write_lock);
    pthread_mutex_destroy(&store->marks_lock);
    free(store);
}

static const struct store_ops streams_ops = {
    .heads = streams_heads,
    .append = streams_append,
    .due = streams_due,
    .remove = streams_remove,
    .history = streams_history,
    .session_open = streams_session_open,
    .session_close = streams_session_close,
    .marks = streams_marks,
    .stats = streams_stats,
    .upkeep = streams_upkeep,
    .trouble = streams_trouble,
    .trouble_status = streams_trouble_status,
    .close = streams_close,
};

static int write_format(struct tables *tables, struct err *err)
{
    struct buf value = {0};
    struct err trouble = {0};
    int status;

    meta_format_encode(&value);
    memory_check(&value);
    tables->ops->put(tables, TABLE_META, meta_key_format(), buf_slice(&value));
    buf_release(&value);
    status = tables->ops->commit(tables, &trouble);
    return status == 0 ? 0
                       : err_set(err, status, "cannot write: %s", trouble.text);
}

static int check_meta(const struct cell *format, const struct cell *marks,
                      struct marks *out, const struct err *trouble,
                      struct err *err)
{
    int status;

    status = format->status != 0 ? format->status : marks->status;
    if (status != 0) {
        return err_set(err, status == E_IO ? E_IO : E_DATA,
                       "cannot be read: %s", trouble->text);
    }
    status = format->found ? meta_format_check(format->value) : E_DATA;
    if (status == E_FORMAT) {
        return err_set(err, status, "was written by a newer version of dedupd");
    }
    if (status != 0) {
        return err_set(err, status, "the row \"format\" is missing or damaged");
    }
    if (marks->found && meta_marks_decode(marks->value, out) != 0) {
        return err_set(err, E_DATA, "the row \"marks\" is damaged");
    }
    return 0;
}

static int read_meta(struct tables *tables, struct marks *out, struct err *err)
{
    const struct slice keys[] = {meta_key_format(), meta_key_marks()};
    struct cell cells[2];
    struct err trouble = {0};
    int status;

    tables->ops->read(tables, TABLE_META, keys, cells, 2, &trouble);
    status = check_meta(&cells[0], &cells[1], out, &trouble, err);
    tables->ops->release(tables, &cells[0]);
    tables->ops->release(tables, &cells[1]);
    return status;
}

int streams_check(struct tables *tables, struct err *err)
{
    struct marks marks = {0};

    return read_meta(tables, &marks, err);
}

struct store *streams_open(struct tables *tables, bool create,
                           const struct store_config *config, int *status,
                           struct err *err)
{
    struct marks marks = {0};
    struct streams *store;

    CHECK(config->history >= 2);
    *status = create ? write_format(tables, err) : 0;
    if (*status == 0) {
        *status = read_meta(tables, &marks, err);
    }
    if (*status != 0) {
        tables->ops->close(tables);
        return NULL;
    }
    store = memory_get(1, sizeof(*store));
    store->store.ops = &streams_ops;
    store->tables = tables;
    store->counters = config->counters;
    store->history = config->history;
    store->due_number = tables->ops->serial(tables);
    store->marks = marks;
    pthread_mutex_init(&store->write_lock, NULL);
    pthread_mutex_init(&store->marks_lock, NULL);
    return &store->store;
}
