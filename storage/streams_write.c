/* The frame of every write: lock, rows, entries of the index, marks, commit. */
#include "storage/streams.h"

#include "base/check.h"
#include "base/mutex.h"
#include "storage/layout.h"
#include "storage/memory.h"

static int poisoned(struct streams_session *session)
{
    const struct streams *store = streams_of(session);

    session->trouble = store->poison_text;
    session->trouble_status = store->poison;
    return E_INDETERMINATE;
}

int write_begin(struct streams_session *session)
{
    struct streams *store = streams_of(session);

    mutex_lock(&store->write_lock);
    session->wishes_count = 0;
    session->row_changes_count = 0;
    buf_clear(&session->new_rows);
    store->changes = 0;
    return store->poison == 0 ? 0 : poisoned(session);
}

void write_put(struct streams *store, enum table table, struct slice key,
               struct slice value)
{
    store->tables->ops->put(store->tables, table, key, value);
    store->changes++;
}

void write_drop(struct streams *store, enum table table, struct slice key)
{
    store->tables->ops->drop(store->tables, table, key);
    store->changes++;
}

void write_last_row(struct streams_session *session, const struct view_row *row,
                    struct slice value)
{
    struct slice key = row_key_last(row->stream);

    if (value.len > 0) {
        write_put(streams_of(session), TABLE_ROWS, key, value);
    } else {
        write_drop(streams_of(session), TABLE_ROWS, key);
    }
    session->row_changes =
        memory_grow(session->row_changes, &session->row_changes_cap,
                    session->row_changes_count + 1,
                    sizeof(*session->row_changes));
    if (value.len > HEAD_CACHE_BYTES_MAX) {
        value.len = 0; /* the cache forgets the old one */
    }
    session->row_changes[session->row_changes_count++] =
        (struct row_change){row, buf_len(&session->new_rows), value.len};
    buf_append_slice(&session->new_rows, value);
    memory_check(&session->new_rows);
}

void write_wish(struct streams_session *session, uint64_t due_ms,
                struct stream stream)
{
    uint64_t floor_ms = streams_of(session)->due_floor_ms;

    session->wishes =
        memory_grow(session->wishes, &session->wishes_cap,
                    session->wishes_count + 1, sizeof(*session->wishes));
    session->wishes[session->wishes_count++] =
        (struct due_wish){.due_ms = due_ms > floor_ms ? due_ms : floor_ms,
                          .stream = stream};
}

static int by_due(const void *a, const void *b)
{
    const struct due_wish *x = a;
    const struct due_wish *y = b;

    return x->due_ms < y->due_ms ? -1 : x->due_ms > y->due_ms;
}

/* Puts one entry for the wishes from the i-th on that are due together, and
 * returns how many those are. */
static size_t put_entry(struct streams_session *session, size_t i)
{
    struct streams *store = streams_of(session);
    uint64_t due_ms = session->wishes[i].due_ms;
    uint8_t key[DUE_KEY_BYTES];
    size_t count = 0;

    session->group = memory_grow(session->group, &session->group_cap,
                                 DUE_STREAMS_MAX, sizeof(*session->group));
    while (count < DUE_STREAMS_MAX && i + count < session->wishes_count &&
           session->wishes[i + count].due_ms == due_ms) {
        session->group[count] = session->wishes[i + count].stream;
        count++;
    }
    due_key_encode(key, due_ms, ++store->due_number);
    buf_clear(&session->value);
    due_value_encode(&session->value, key, session->group, count);
    memory_check(&session->value);
    write_put(store, TABLE_DUE, slice_of(key, sizeof(key)),
              buf_slice(&session->value));
    return count;
}

static void put_entries(struct streams_session *session)
{
    if (session->wishes_count > 1) {
        qsort(session->wishes, session->wishes_count, sizeof(*session->wishes),
              by_due);
    }
    for (size_t i = 0; i < session->wishes_count;) {
        i += put_entry(session, i);
    }
}

static void put_marks(struct streams_session *session,
                      const struct marks *marks)
{
    buf_clear(&session->value);
    meta_marks_encode(&session->value, marks);
    memory_check(&session->value);
    write_put(streams_of(session), TABLE_META, meta_key_marks(),
              buf_slice(&session->value));
}

static struct slice new_row(const struct streams_session *session,
                            const struct row_change *change)
{
    return change->len == 0
               ? slice_of(NULL, 0)
               : slice_of(buf_slice(&session->new_rows).data + change->from,
                          change->len);
}

/* After a write that succeeded: the cache follows it, unless somebody else has
 * written before; then it is emptied by the next read. */
static void follow_write(struct streams_session *session)
{
    uint64_t writes = atomic_fetch_add(&streams_of(session)->writes, 1);

    if (writes != session->cache_writes) {
        return;
    }
    session->cache_writes = writes + 1;
    for (size_t i = 0; i < session->row_changes_count; i++) {
        const struct row_change *change = &session->row_changes[i];

        head_cache_set(&session->cache, change->row->stream, change->row->hash,
                       new_row(session, change));
    }
}

int write_commit(struct streams_session *session, const struct marks *marks)
{
    struct streams *store = streams_of(session);

    put_entries(session);
    if (marks != NULL) {
        put_marks(session, marks);
    }
    if (store->changes == 0) {
        return 0;
    }
    store->poison =
        store->tables->ops->commit(store->tables, &store->poison_text);
    if (store->poison != 0) {
        return poisoned(session);
    }
    counters_add(store->counters, COUNTER_SYNCS, 1);
    follow_write(session);
    return 0;
}

static void publish_marks(struct streams *store, uint64_t write,
                          const struct marks *marks)
{
    mutex_lock(&store->marks_lock);
    if (write > store->marks_write) {
        store->marks = *marks;
        store->marks_write = write;
    }
    mutex_unlock(&store->marks_lock);
}

int write_end(struct streams_session *session, int status,
              const struct marks *marks)
{
    struct streams *store = streams_of(session);
    uint64_t write = atomic_load(&store->writes);

    mutex_unlock(&store->write_lock);
    if (status == 0 && marks != NULL) {
        publish_marks(store, write, marks);
    }
    return status;
}
