#include "storage/view.h"

#include "storage/layout.h"
#include "storage/memory.h"

static void drop_rows(struct view *view)
{
    HASH_CLEAR(hh, view->by_id);
    for (size_t i = 0; i < view->missed_count; i++) {
        view->tables->ops->release(view->tables, &view->cells[i]);
    }
    view->count = 0;
    view->missed_count = 0;
    buf_clear(&view->ids);
    buf_clear(&view->rows_cached);
}

/* Makes all the room at once: rows and ids do not move while the hash table
 * points to them. */
static void make_room(struct view *view, const struct stream *streams,
                      size_t count)
{
    size_t id_bytes = 0;

    for (size_t i = 0; i < count; i++) {
        id_bytes += streams[i].id.len;
    }
    buf_reserve(&view->ids, id_bytes);
    memory_check(&view->ids);
    buf_reserve(&view->rows_cached, count * HEAD_CACHE_BYTES_MAX);
    memory_check(&view->rows_cached);
    view->missed = memory_grow(view->missed, &view->missed_cap, count,
                               sizeof(*view->missed));
    view->rows =
        memory_grow(view->rows, &view->rows_cap, count, sizeof(*view->rows));
    view->row_of = memory_grow(view->row_of, &view->row_of_cap, count,
                               sizeof(*view->row_of));
    view->cells =
        memory_grow(view->cells, &view->cells_cap, count, sizeof(*view->cells));
    view->keys =
        memory_grow(view->keys, &view->keys_cap, count, sizeof(*view->keys));
}

static struct view_row *find_hashed(struct view *view, struct stream stream,
                                    uint64_t hash)
{
    struct view_row *row;

    HASH_FIND_BYHASHVALUE(hh, view->by_id, stream.id.data, stream.id.len,
                          (unsigned)hash, row);
    return row;
}

static struct view_row *add_row(struct view *view, struct stream stream)
{
    uint64_t hash = stream_hash(stream);
    struct view_row *row = find_hashed(view, stream, hash);
    uint8_t *id;

    if (row != NULL) {
        return row;
    }
    id = buf_reserve(&view->ids, stream.id.len);
    CHECK(id != NULL);
    row = &view->rows[view->count++];
    *row =
        (struct view_row){.stream = {slice_copy(id, stream.id)}, .hash = hash};
    buf_commit(&view->ids, stream.id.len);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, view->by_id, row->stream.id.data,
                                row->stream.id.len, (unsigned)hash, row);
    return row;
}

static void decode_row(struct view_row *row, struct err *trouble)
{
    row->status =
        record_decode(row->value, row->stream, &row->place, &row->record);
    if (row->status != 0) {
        err_set(trouble, 0, "a row that is not a record of its stream");
    }
}

/* The cache changes while the view is in use: what it has is copied. */
static bool take_cached(struct view *view, const struct head_cache *cache,
                        struct view_row *row)
{
    struct slice value = head_cache_get(cache, row->stream, row->hash);
    uint8_t *copy;

    if (value.len == 0) {
        return false;
    }
    copy = buf_reserve(&view->rows_cached, value.len);
    CHECK(copy != NULL);
    row->found = true;
    row->value = slice_copy(copy, value);
    buf_commit(&view->rows_cached, value.len);
    return true;
}

static void read_missed(struct view *view, struct err *trouble)
{
    view->tables->ops->read(view->tables, TABLE_ROWS, view->keys, view->cells,
                            view->missed_count, trouble);
    for (size_t i = 0; i < view->missed_count; i++) {
        struct view_row *row = view->missed[i];
        const struct cell *cell = &view->cells[i];

        row->status = cell->status != 0 ? E_CORRUPT : 0;
        row->found = cell->found;
        row->value = cell->value;
    }
}

/* Only what could be decoded: what could not is read anew each time, since
 * somebody may have repaired it. */
static void keep_missed(const struct view *view, struct head_cache *cache)
{
    for (size_t i = 0; i < view->missed_count; i++) {
        const struct view_row *row = view->missed[i];

        if (row->status == 0 && row->found) {
            head_cache_set(cache, row->stream, row->hash, row->value);
        }
    }
}

struct view_tally view_read(struct view *view, struct tables *tables,
                            struct head_cache *cache,
                            const struct stream *streams, size_t count,
                            struct err *trouble)
{
    struct view_tally tally = {0};

    drop_rows(view);
    view->tables = tables;
    make_room(view, streams, count);
    for (size_t i = 0; i < count; i++) {
        view->row_of[i] = add_row(view, streams[i]);
    }
    for (size_t i = 0; i < view->count; i++) {
        struct view_row *row = &view->rows[i];

        if (!take_cached(view, cache, row)) {
            view->keys[view->missed_count] = row_key_last(row->stream);
            view->missed[view->missed_count++] = row;
        }
    }
    read_missed(view, trouble);
    for (size_t i = 0; i < view->count; i++) {
        struct view_row *row = &view->rows[i];

        if (row->status == 0 && row->found) {
            decode_row(row, trouble);
        }
        tally.found += row->found;
        tally.corrupt += row->status != 0;
    }
    keep_missed(view, cache);
    return tally;
}

struct view_row *view_find(struct view *view, struct stream stream)
{
    return find_hashed(view, stream, stream_hash(stream));
}

void view_release(struct view *view)
{
    drop_rows(view);
    buf_release(&view->ids);
    free(view->rows);
    buf_release(&view->rows_cached);
    free(view->row_of);
    free(view->missed);
    free(view->cells);
    free(view->keys);
    *view = (struct view){0};
}
