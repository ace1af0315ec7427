/* Three ordered tables of bytes with one atomic write: what the streams of
 * streams.h need of a backend, and all that a backend needs to know.
 *
 * A backend understands neither keys nor values. Reads may come from any thread
 * at any time; a write is made and committed by one thread at a time, its
 * caller sees to that. */
#ifndef STORAGE_TABLES_H
#define STORAGE_TABLES_H

#include "storage/store.h"

enum table { TABLE_META, TABLE_ROWS, TABLE_DUE, TABLE_COUNT };

/* One answer of read(). */
struct cell {
    int status; /* 0, or whether there is a row cannot be read: E_CORRUPT, or
                   E_IO where the disk said so */
    bool found;
    struct slice value; /* valid until the cell is released */
    void *hold;         /* the backend's; what keeps the value */
};

/* Sees one row of a scan; the slices are borrowed for the call. False ends the
 * scan. */
typedef bool table_visit(void *arg, struct slice key, struct slice value);

struct tables;

struct tables_ops {
    /* Reads rows by key. Where one cannot be read, `trouble` says why. Keys may
     * not repeat. Every cell has to be released. */
    void (*read)(struct tables *tables, enum table table,
                 const struct slice *keys, struct cell *cells, size_t count,
                 struct err *trouble);
    void (*release)(struct tables *tables, struct cell *cell);

    /* Visits the rows of TABLE_DUE with from <= key < before, in order. 0, or
     * E_IO and why. */
    int (*scan)(struct tables *tables, struct slice from, struct slice before,
                table_visit *visit, void *arg, struct err *trouble);

    /* Add to the write in the making; the bytes are copied. */
    void (*put)(struct tables *tables, enum table table, struct slice key,
                struct slice value);
    void (*drop)(struct tables *tables, enum table table, struct slice key);

    /* Makes that write: all of it is durable, and only now readable, when this
     * returns 0. Otherwise the outcome is unknown, and it is E_FULL or E_IO and
     * why. */
    int (*commit)(struct tables *tables, struct err *trouble);

    /* Not less than the number of put() and drop() ever committed, before the
     * last open too. */
    uint64_t (*serial)(struct tables *tables);

    /* Any thread. */
    void (*stats)(struct tables *tables, struct store_stats *out);

    /* As store.h says. */
    void (*upkeep)(struct tables *tables);

    /* Frees everything. No cell is held. */
    void (*close)(struct tables *tables);
};

/* The first member of every backend. */
struct tables {
    const struct tables_ops *ops;
};

#endif
