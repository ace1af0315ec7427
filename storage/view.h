/* The last records of some streams as one read found them, by stream.
 *
 * Owns what it read: the values, and copies of the streams' ids. Used by one
 * thread. A zeroed view is an empty one. */
#ifndef STORAGE_VIEW_H
#define STORAGE_VIEW_H

#include "base/table.h"
#include "storage/head_cache.h"
#include "storage/tables.h"

/* One stream. */
struct view_row {
    struct stream stream;
    uint64_t hash;        /* of the stream */
    int status;           /* 0 · E_CORRUPT: cannot be read or decoded */
    bool found;           /* false: the stream has no rows */
    struct slice value;   /* the row as it is stored */
    struct place place;   /* found, with status 0, as is `record` */
    struct record record; /* borrows the value */
    size_t note;          /* for whoever uses the view; 0 after view_read() */
    UT_hash_handle hh;
};

struct view {
    struct tables *tables;    /* borrowed */
    struct view_row *rows;    /* each stream once */
    struct view_row *by_id;   /* hash table over them */
    size_t count;             /* of them */
    struct view_row **row_of; /* of the i-th stream that was asked for */
    /* Those that were not in the cache, and what the tables said. */
    struct view_row **missed;
    struct slice *keys;
    struct cell *cells;
    size_t missed_count;
    struct buf ids;
    struct buf rows_cached; /* copies of what was in it */
    size_t rows_cap, row_of_cap, missed_cap, cells_cap, keys_cap;
};

/* What a read came across. */
struct view_tally {
    size_t found;
    size_t corrupt;
};

/* Drops what the view holds and reads the streams, which may repeat, from the
 * cache or else from the tables into the cache. When one cannot be read,
 * `trouble` says why. */
struct view_tally view_read(struct view *view, struct tables *tables,
                            struct head_cache *cache,
                            const struct stream *streams, size_t count,
                            struct err *trouble);

/* The row of a stream, or NULL if the last read did not ask for it. */
struct view_row *view_find(struct view *view, struct stream stream);

/* Drops everything, frees the memory. */
void view_release(struct view *view);

/* Where the stream stands; the row's status is 0. */
static inline struct expect view_row_expect(const struct view_row *row)
{
    return row->found
               ? (struct expect){row->place.sequence + 1, row->record.fence}
               : (struct expect){0, 0};
}

#endif
