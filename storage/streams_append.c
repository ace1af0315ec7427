/* append() and history(): the rows of a stream. */
#include "base/check.h"
#include "storage/layout.h"
#include "storage/memory.h"
#include "storage/streams.h"

/* What one append() does to one stream. Items are counted from 1. */
struct change {
    struct view_row *row; /* as it was read */
    struct expect now;    /* after the items that were taken so far */
    struct place place;   /* of the last of them */
    size_t first, last; /* of them; session->chain leads from one to the next */
    bool has_failed;    /* an item did not fit */
};

static struct place next_place(const struct streams *store, uint64_t next,
                               struct place last)
{
    uint64_t kept_max = store->history - 1;

    if (next == 0) {
        return (struct place){0, 0};
    }
    return (struct place){.sequence = next,
                          .kept =
                              last.kept < kept_max ? last.kept + 1 : kept_max};
}

static struct change *change_of(struct streams_session *session,
                                size_t *changes_count, struct view_row *row)
{
    if (row->note == 0) {
        session->changes =
            memory_grow(session->changes, &session->changes_cap,
                        *changes_count + 1, sizeof(*session->changes));
        session->changes[*changes_count] = (struct change){
            .row = row, .now = view_row_expect(row), .place = row->place};
        row->note = ++*changes_count;
    }
    return &session->changes[row->note - 1];
}

static void take(struct streams_session *session, struct change *change,
                 size_t item, const struct record *record)
{
    if (change->last == 0) {
        change->first = item;
    } else {
        session->chain[change->last - 1] = item;
    }
    change->last = item;
    session->chain[item - 1] = 0;
    change->place =
        next_place(streams_of(session), change->now.next, change->place);
    change->now = (struct expect){change->place.sequence + 1, record->fence};
}

/* Compares one item, and takes it if it fits. What follows on one that did not
 * fit was decided on a state that never was: it may fit by accident, since a
 * record that ends a claim has the claim's fence. */
static void decide(struct streams_session *session, size_t *changes_count,
                   struct view_row *row, struct append *items, size_t item)
{
    struct append *it = &items[item - 1];
    struct change *change;

    it->actual_next = 0;
    it->status = row->status;
    if (it->status != 0) {
        return;
    }
    change = change_of(session, changes_count, row);
    if (change->has_failed || it->expect.next != change->now.next ||
        it->expect.fence != change->now.fence) {
        change->has_failed = true;
        it->status = E_SEQUENCE;
        it->actual_next = change->now.next;
        counters_add(streams_of(session)->counters, COUNTER_SEQUENCE_CONFLICTS,
                     1);
        return;
    }
    take(session, change, item, &it->record);
}

/* Moves the last row among the older ones, and drops those that fall off. */
static void put_older(struct streams_session *session,
                      const struct view_row *row, uint64_t oldest)
{
    struct streams *store = streams_of(session);
    uint64_t last = row->place.sequence;

    for (uint64_t n = last - row->place.kept; n < last && n < oldest; n++) {
        write_drop(store, TABLE_ROWS,
                   row_key_older(&session->key, row->stream, n));
    }
    if (last >= oldest) {
        write_put(store, TABLE_ROWS,
                  row_key_older(&session->key, row->stream, last), row->value);
    }
}

static void put_record(struct streams_session *session,
                       const struct view_row *row, struct place place,
                       const struct record *record, bool is_last)
{
    buf_clear(&session->value);
    record_encode(&session->value, row->stream, place, record);
    memory_check(&session->value);
    if (is_last) {
        write_last_row(session, row, buf_slice(&session->value));
    } else {
        write_put(streams_of(session), TABLE_ROWS,
                  row_key_older(&session->key, row->stream, place.sequence),
                  buf_slice(&session->value));
    }
}

/* An entry is due no later than the record before; that is early enough, unless
 * the stream is new or its last record is now due earlier. */
static void wish_for(struct streams_session *session,
                     const struct view_row *row, const struct record *record)
{
    uint64_t due_ms = record_deadline_ms(record);

    if (!row->found || due_ms < record_deadline_ms(&row->record)) {
        write_wish(session, due_ms, row->stream);
    }
}

static size_t put_change(struct streams_session *session,
                         const struct change *change,
                         const struct append *items)
{
    const struct view_row *row = change->row;
    uint64_t oldest = change->place.sequence - change->place.kept;
    uint64_t next = view_row_expect(row).next;
    struct place place = row->place;
    size_t count = 0;

    if (row->found) {
        put_older(session, row, oldest);
    }
    for (size_t i = change->first; i != 0; i = session->chain[i - 1]) {
        place = next_place(streams_of(session), next, place);
        next = place.sequence + 1;
        if (place.sequence >= oldest) {
            put_record(session, row, place, &items[i - 1].record,
                       i == change->last);
        }
        count++;
    }
    wish_for(session, row, &items[change->last - 1].record);
    return count;
}

static int by_stream(const void *a, const void *b)
{
    struct slice x = ((const struct change *)a)->row->stream.id;
    struct slice y = ((const struct change *)b)->row->stream.id;
    int order = memcmp(x.data, y.data, x.len < y.len ? x.len : y.len);

    return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
}

/* Puts all rows of the call and returns how many records were taken. */
static size_t put_items(struct streams_session *session, struct append *items,
                        size_t count)
{
    size_t changes_count = 0;
    size_t taken = 0;

    session->names = memory_grow(session->names, &session->names_cap, count,
                                 sizeof(*session->names));
    session->chain = memory_grow(session->chain, &session->chain_cap, count,
                                 sizeof(*session->chain));
    for (size_t i = 0; i < count; i++) {
        session->names[i] = items[i].stream;
    }
    session_rows(session, count);
    for (size_t i = 0; i < count; i++) {
        decide(session, &changes_count, session->rows[i], items, i + 1);
    }
    /* In the order of their keys: a tree takes them faster so. */
    if (changes_count > 1) {
        qsort(session->changes, changes_count, sizeof(*session->changes),
              by_stream);
    }
    for (size_t i = 0; i < changes_count; i++) {
        struct change *change = &session->changes[i];

        change->row->note = 0;
        if (change->last != 0) {
            taken += put_change(session, change, items);
        }
    }
    return taken;
}

int streams_append(struct session *base, struct append *items, size_t count,
                   const struct marks *marks)
{
    struct streams_session *session = (struct streams_session *)base;
    size_t taken;
    int status;

    session_begin(session);
    status = write_begin(session);
    if (status == 0) {
        taken = put_items(session, items, count);
        status = write_commit(session, marks);
        if (status == 0) {
            counters_add(streams_of(session)->counters, COUNTER_ROWS_APPENDED,
                         taken);
        }
    }
    return write_end(session, status, marks);
}

/* --- history ------------------------------------------------------------ */

static int read_older(struct streams_session *session, struct stream stream,
                      uint64_t sequence, store_visit *visit, void *arg)
{
    struct streams *store = streams_of(session);
    struct slice key = row_key_older(&session->key, stream, sequence);
    struct place place;
    struct record record;
    struct cell cell;
    int status;

    store->tables->ops->read(store->tables, TABLE_ROWS, &key, &cell, 1,
                             &session->trouble);
    status = cell.status != 0 || !cell.found
                 ? E_CORRUPT
                 : record_decode(cell.value, stream, &place, &record);
    if (status == 0 && place.sequence == sequence) {
        counters_add(store->counters, COUNTER_ROWS_READ, 1);
        visit(arg, sequence, &record);
    } else {
        counters_add(store->counters, COUNTER_ROWS_CORRUPT, 1);
        session->trouble_status = E_IO;
        if (session->trouble.text[0] == '\0') {
            err_set(&session->trouble, 0, "an older row is missing or damaged");
        }
        status = E_CORRUPT;
    }
    store->tables->ops->release(store->tables, &cell);
    return status;
}

int streams_history(struct session *base, struct stream stream,
                    store_visit *visit, void *arg)
{
    struct streams_session *session = (struct streams_session *)base;
    const struct view_row *row;
    int status = 0;

    session_begin(session);
    session_read(session, &session->fresh, &stream, 1);
    row = session->fresh.row_of[0];
    if (row->status != 0 || !row->found) {
        return row->status;
    }
    visit(arg, row->place.sequence, &row->record);
    for (uint64_t back = 1; back <= row->place.kept; back++) {
        int one =
            read_older(session, stream, row->place.sequence - back, visit, arg);

        status = one != 0 ? one : status;
    }
    return status;
}
