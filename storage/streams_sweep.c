/* due() and remove(): the index of what expires. */
#include "base/check.h"
#include "base/mutex.h"
#include "base/units.h"
#include "storage/layout.h"
#include "storage/memory.h"
#include "storage/streams.h"

/* --- due ---------------------------------------------------------------- */

static void list_clear(struct due_list *list)
{
    buf_clear(&list->ids);
    list->count = 0;
    list->keys_count = 0;
    list->damaged = 0;
    list->is_cut = false;
}

static void list_add_ids(struct due_list *list, struct slice ids)
{
    struct stream stream;

    buf_append_slice(&list->ids, ids);
    memory_check(&list->ids);
    while (stream_take(&ids, &stream)) {
        list->count++;
    }
}

static bool list_add(void *arg, struct slice key, struct slice value)
{
    struct due_list *list = arg;
    struct slice ids;

    if (due_entry_decode(key, value, &list->last_ms, &ids) != 0) {
        list->damaged++;
        return true;
    }
    list->keys = memory_grow(list->keys, &list->keys_cap, list->keys_count + 1,
                             DUE_KEY_BYTES);
    slice_copy(list->keys + list->keys_count * DUE_KEY_BYTES, key);
    list->keys_count++;
    list_add_ids(list, ids);
    return list->count < list->limit;
}

/* Names the streams once the ids have stopped moving. */
static void list_name_streams(struct due_list *list)
{
    struct slice ids = buf_slice(&list->ids);

    list->streams = memory_grow(list->streams, &list->streams_cap, list->count,
                                sizeof(*list->streams));
    for (size_t i = 0; i < list->count; i++) {
        CHECK(stream_take(&ids, &list->streams[i]));
    }
}

static int scan(struct streams_session *session, uint64_t from_ms,
                uint64_t before_ms, table_visit *visit, void *arg)
{
    struct tables *tables = streams_of(session)->tables;
    uint8_t from[DUE_TIME_BYTES];
    uint8_t before[DUE_TIME_BYTES];

    due_bound_encode(from, from_ms);
    due_bound_encode(before, before_ms);
    return tables->ops->scan(tables, slice_of(from, sizeof(from)),
                             slice_of(before, sizeof(before)), visit, arg,
                             &session->trouble);
}

static bool see_one(void *arg, struct slice key, struct slice value)
{
    (void)arg;
    (void)key;
    (void)value;
    return false;
}

/* The earliest time after the cursor from which the index can be read again, up
 * to `before_ms`; found in steps that double, and then halve. */
static uint64_t find_readable(struct streams_session *session,
                              uint64_t before_ms)
{
    uint64_t bad = streams_of(session)->due_cursor_ms;
    uint64_t good = bad;
    uint64_t step = 1;

    do {
        bad = good;
        good = before_ms - good > step ? good + step : before_ms;
        step *= 2;
    } while (good < before_ms &&
             scan(session, good, before_ms, see_one, NULL) != 0);
    while (good - bad > 1) {
        uint64_t middle = bad + (good - bad) / 2;

        if (scan(session, middle, before_ms, see_one, NULL) == 0) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    return good;
}

/* Passes over a part of the index that cannot be read, or keys that come due
 * after it would never be freed. False if there is nothing behind it. */
static bool skip_damage(struct streams_session *session, struct due_list *list)
{
    struct streams *store = streams_of(session);
    uint64_t readable_ms = find_readable(session, list->before_ms);

    if (readable_ms >= list->before_ms) {
        return false;
    }
    store->due_cursor_ms = readable_ms;
    if (store->due_floor_ms < readable_ms) {
        store->due_floor_ms = readable_ms;
    }
    list->damaged++;
    return true;
}

/* What comes before a damage is settled first. */
static int list_from_cursor(struct streams_session *session,
                            struct due_list *list)
{
    int status;

    do {
        status = scan(session, streams_of(session)->due_cursor_ms,
                      list->before_ms, list_add, list);
        list->is_cut = status != 0 && list->count > 0;
    } while (status != 0 && !list->is_cut && skip_damage(session, list));
    return list->is_cut ? 0 : status;
}

static int list_scan(struct streams_session *session, struct due_list *list)
{
    struct streams *store = streams_of(session);
    int status = 0;

    mutex_lock(&store->write_lock);
    if (store->due_cursor_ms < list->before_ms) {
        status = list_from_cursor(session, list);
    }
    if (status == 0 && list->count > 0 && list->last_ms > store->due_floor_ms) {
        store->due_floor_ms = list->last_ms;
    }
    mutex_unlock(&store->write_lock);
    return status;
}

int streams_due(struct session *base, uint64_t before_ms, size_t limit,
                struct due *due)
{
    struct streams_session *session = (struct streams_session *)base;
    struct due_list *list = &session->due;

    CHECK(limit > 0);
    session_begin(session);
    list_clear(list);
    list->limit = limit;
    list->before_ms = before_ms;
    *due = (struct due){0};
    if (list_scan(session, list) != 0) {
        session->trouble_status = E_IO;
        list_clear(list);
        return E_IO;
    }
    list_name_streams(list);
    *due = (struct due){.streams = list->streams,
                        .count = list->count,
                        .more = list->count >= limit || list->is_cut,
                        .damaged = list->damaged};
    return 0;
}

/* --- remove ------------------------------------------------------------- */

static void drop_stream(struct streams_session *session,
                        const struct view_row *row)
{
    struct streams *store = streams_of(session);
    uint64_t last = row->place.sequence;

    for (uint64_t n = last - row->place.kept; n < last; n++) {
        write_drop(store, TABLE_ROWS,
                   row_key_older(&session->key, row->stream, n));
    }
    write_last_row(session, row, slice_of(NULL, 0));
}

static void keep_corrupt(struct streams_session *session, struct removal *item)
{
    item->status = E_CORRUPT;
    write_wish(session,
               add_saturating(session->due.before_ms, STORE_CORRUPT_AGAIN_MS),
               item->stream);
}

static void keep_changed(struct streams_session *session, struct removal *item,
                         const struct view_row *row)
{
    item->status = E_SEQUENCE;
    counters_add(streams_of(session)->counters, COUNTER_SEQUENCE_CONFLICTS, 1);
    if (row->found) {
        write_wish(session, 0, item->stream);
    }
}

static void drop_item(struct streams_session *session, struct removal *item,
                      const struct view_row *row)
{
    struct expect now = view_row_expect(row);

    if (row->status != 0) {
        keep_corrupt(session, item);
    } else if (item->expect.next != now.next ||
               item->expect.fence != now.fence) {
        keep_changed(session, item, row);
    } else if (row->found) {
        drop_stream(session, row);
    }
}

static size_t name_dropped(struct streams_session *session,
                           const struct removal *items, size_t count)
{
    size_t names = 0;

    session->names = memory_grow(session->names, &session->names_cap, count,
                                 sizeof(*session->names));
    for (size_t i = 0; i < count; i++) {
        if (items[i].drop) {
            session->names[names++] = items[i].stream;
        }
    }
    return names;
}

static void settle_items(struct streams_session *session, struct removal *items,
                         size_t count)
{
    size_t dropped = 0;

    session_rows(session, name_dropped(session, items, count));
    for (size_t i = 0; i < count; i++) {
        items[i].status = 0;
        if (items[i].drop) {
            drop_item(session, &items[i], session->rows[dropped++]);
        } else if (items[i].again_ms > 0) {
            write_wish(session, items[i].again_ms, items[i].stream);
        }
    }
}

static void settle_entries(struct streams_session *session)
{
    const struct due_list *list = &session->due;

    for (size_t i = 0; i < list->keys_count; i++) {
        write_drop(streams_of(session), TABLE_DUE,
                   slice_of(list->keys + i * DUE_KEY_BYTES, DUE_KEY_BYTES));
    }
}

static void move_cursor(struct streams_session *session)
{
    struct streams *store = streams_of(session);
    struct due_list *list = &session->due;

    if (list->keys_count > 0 && list->last_ms > store->due_cursor_ms) {
        store->due_cursor_ms = list->last_ms;
    }
    list_clear(list);
}

int streams_remove(struct session *base, struct removal *items, size_t count,
                   const struct marks *marks)
{
    struct streams_session *session = (struct streams_session *)base;
    int status;

    session_begin(session);
    status = write_begin(session);
    if (status == 0) {
        settle_items(session, items, count);
        if (count > 0) {
            settle_entries(session);
        }
        status = write_commit(session, marks);
        if (status == 0 && count > 0) {
            move_cursor(session);
        }
    }
    return write_end(session, status, marks);
}
