#include "storage/view.h"

#include "storage/layout.h"
#include "storage/memory.h"

static void drop_rows(struct view *view)
{
    HASH_CLEAR(hh, view->by_id);
    for (size_t i = 0; i < view->count; i++) {
        view->tables->ops->release(view->tables, &view->cells[i]);
    }
    view->count = 0;
    buf_clear(&view->ids);
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
    view->rows =
        memory_grow(view->rows, &view->rows_cap, count, sizeof(*view->rows));
    view->row_of = memory_grow(view->row_of, &view->row_of_cap, count,
                               sizeof(*view->row_of));
    view->cells =
        memory_grow(view->cells, &view->cells_cap, count, sizeof(*view->cells));
    view->keys =
        memory_grow(view->keys, &view->keys_cap, count, sizeof(*view->keys));
}

static unsigned hash_of(struct stream stream)
{
    return (unsigned)stream_hash(stream);
}

static struct view_row *find_hashed(struct view *view, struct stream stream,
                                    unsigned hash)
{
    struct view_row *row;

    HASH_FIND_BYHASHVALUE(hh, view->by_id, stream.id.data, stream.id.len, hash,
                          row);
    return row;
}

static struct view_row *add_row(struct view *view, struct stream stream)
{
    unsigned hash = hash_of(stream);
    struct view_row *row = find_hashed(view, stream, hash);
    uint8_t *id;

    if (row != NULL) {
        return row;
    }
    id = buf_reserve(&view->ids, stream.id.len);
    CHECK(id != NULL);
    row = &view->rows[view->count];
    *row = (struct view_row){.stream = {slice_copy(id, stream.id)}};
    buf_commit(&view->ids, stream.id.len);
    view->keys[view->count++] = row_key_last(row->stream);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, view->by_id, row->stream.id.data,
                                row->stream.id.len, hash, row);
    return row;
}

static void fill_row(struct view_row *row, const struct cell *cell,
                     struct err *trouble)
{
    row->status = cell->status;
    row->found = cell->found;
    row->value = cell->value;
    if (row->status == 0 && row->found) {
        row->status =
            record_decode(row->value, row->stream, &row->place, &row->record);
        if (row->status != 0) {
            err_set(trouble, 0, "a row that is not a record of its stream");
        }
    }
}

struct view_tally view_read(struct view *view, struct tables *tables,
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
    tables->ops->read(tables, TABLE_ROWS, view->keys, view->cells, view->count,
                      trouble);
    for (size_t i = 0; i < view->count; i++) {
        fill_row(&view->rows[i], &view->cells[i], trouble);
        tally.found += view->rows[i].found;
        tally.corrupt += view->rows[i].status != 0;
    }
    return tally;
}

struct view_row *view_find(struct view *view, struct stream stream)
{
    return find_hashed(view, stream, hash_of(stream));
}

void view_release(struct view *view)
{
    drop_rows(view);
    buf_release(&view->ids);
    free(view->rows);
    free(view->row_of);
    free(view->cells);
    free(view->keys);
    *view = (struct view){0};
}
