#include "storage/store_mem.h"

#include "base/table.h"
#include "storage/memory.h"
#include "storage/streams.h"

struct mem_row {
    struct slice key, value; /* owned */
    bool dropped;            /* in a write: take the row away */
    UT_hash_handle hh;
};

/* Every table is a hash table; that of the index has its rows in order too. */
struct mem_tables {
    struct tables tables;
    pthread_mutex_t lock; /* guards all but the write in the making */
    struct mem_row *by_key[TABLE_COUNT];
    struct mem_row **due; /* sorted by key */
    size_t due_count, due_cap;
    uint64_t bytes;
    uint64_t serial;
    /* The write in the making: rows that are in no table yet. */
    struct mem_change {
        enum table table;
        struct mem_row *row;
    } * changes;
    size_t changes_count, changes_cap;
};

static struct mem_row *row_new(struct slice key, struct slice value)
{
    struct mem_row *row = memory_get(1, sizeof(*row));

    row->key = slice_of(memory_copy(key), key.len);
    row->value = slice_of(memory_copy(value), value.len);
    return row;
}

static void row_free(struct mem_row *row)
{
    free((void *)(uintptr_t)row->key.data);
    free((void *)(uintptr_t)row->value.data);
    free(row);
}

static uint64_t row_bytes(const struct mem_row *row)
{
    return row->key.len + row->value.len;
}

static int compare(struct slice a, struct slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.data, b.data, len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Where in the index the first key stands that is not less. */
static size_t due_position(const struct mem_tables *tables, struct slice key)
{
    size_t low = 0;
    size_t high = tables->due_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare(tables->due[middle]->key, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void due_insert(struct mem_tables *tables, struct mem_row *row)
{
    size_t at = due_position(tables, row->key);

    tables->due = memory_grow(tables->due, &tables->due_cap,
                              tables->due_count + 1, sizeof(*tables->due));
    memmove(tables->due + at + 1, tables->due + at,
            (tables->due_count - at) * sizeof(*tables->due));
    tables->due[at] = row;
    tables->due_count++;
}

static void due_erase(struct mem_tables *tables, const struct mem_row *row)
{
    size_t at = due_position(tables, row->key);

    CHECK(tables->due[at] == row);
    tables->due_count--;
    memmove(tables->due + at, tables->due + at + 1,
            (tables->due_count - at) * sizeof(*tables->due));
}

static unsigned hash_of(struct slice key)
{
    return (unsigned)stream_hash((struct stream){key});
}

static struct mem_row *find(struct mem_tables *tables, enum table table,
                            struct slice key)
{
    struct mem_row *row;

    HASH_FIND_BYHASHVALUE(hh, tables->by_key[table], key.data, key.len,
                          hash_of(key), row);
    return row;
}

static void erase(struct mem_tables *tables, enum table table,
                  struct mem_row *row)
{
    if (table == TABLE_DUE) {
        due_erase(tables, row);
    }
    HASH_DEL(tables->by_key[table], row);
    tables->bytes -= row_bytes(row);
    row_free(row);
}

static void insert(struct mem_tables *tables, enum table table,
                   struct mem_row *row)
{
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, tables->by_key[table], row->key.data,
                                row->key.len, hash_of(row->key), row);
    tables->bytes += row_bytes(row);
    if (table == TABLE_DUE) {
        due_insert(tables, row);
    }
}

/* --- what tables.h asks for --------------------------------------------- */

static void mem_read(struct tables *base, enum table table,
                     const struct slice *keys, struct cell *cells, size_t count,
                     struct err *trouble)
{
    struct mem_tables *tables = (struct mem_tables *)base;

    (void)trouble;
    pthread_mutex_lock(&tables->lock);
    for (size_t i = 0; i < count; i++) {
        const struct mem_row *row = find(tables, table, keys[i]);

        cells[i] = (struct cell){.found = row != NULL};
        if (row != NULL) {
            cells[i].hold = memory_copy(row->value);
            cells[i].value = slice_of(cells[i].hold, row->value.len);
        }
    }
    pthread_mutex_unlock(&tables->lock);
}

static void mem_release(struct tables *tables, struct cell *cell)
{
    (void)tables;
    free(cell->hold);
    *cell = (struct cell){0};
}

static int mem_scan(struct tables *base, struct slice from, struct slice before,
                    table_visit *visit, void *arg, struct err *trouble)
{
    struct mem_tables *tables = (struct mem_tables *)base;

    (void)trouble;
    pthread_mutex_lock(&tables->lock);
    for (size_t i = due_position(tables, from); i < tables->due_count; i++) {
        const struct mem_row *row = tables->due[i];

        if (compare(row->key, before) >= 0 ||
            !visit(arg, row->key, row->value)) {
            break;
        }
    }
    pthread_mutex_unlock(&tables->lock);
    return 0;
}

static void add_change(struct mem_tables *tables, enum table table,
                       struct mem_row *row)
{
    tables->changes =
        memory_grow(tables->changes, &tables->changes_cap,
                    tables->changes_count + 1, sizeof(*tables->changes));
    tables->changes[tables->changes_count++] =
        (struct mem_change){.table = table, .row = row};
}

static void mem_put(struct tables *tables, enum table table, struct slice key,
                    struct slice value)
{
    add_change((struct mem_tables *)tables, table, row_new(key, value));
}

static void mem_drop(struct tables *tables, enum table table, struct slice key)
{
    struct mem_row *row = row_new(key, (struct slice){0});

    row->dropped = true;
    add_change((struct mem_tables *)tables, table, row);
}

static void apply(struct mem_tables *tables, const struct mem_change *change)
{
    struct mem_row *old = find(tables, change->table, change->row->key);

    if (old != NULL) {
        erase(tables, change->table, old);
    }
    if (change->row->dropped) {
        row_free(change->row);
    } else {
        insert(tables, change->table, change->row);
    }
}

static int mem_commit(struct tables *base, struct err *trouble)
{
    struct mem_tables *tables = (struct mem_tables *)base;

    (void)trouble;
    pthread_mutex_lock(&tables->lock);
    for (size_t i = 0; i < tables->changes_count; i++) {
        apply(tables, &tables->changes[i]);
    }
    tables->serial += tables->changes_count;
    tables->changes_count = 0;
    pthread_mutex_unlock(&tables->lock);
    return 0;
}

static uint64_t mem_serial(struct tables *base)
{
    return ((struct mem_tables *)base)->serial;
}

static void mem_stats(struct tables *base, struct store_stats *out)
{
    struct mem_tables *tables = (struct mem_tables *)base;

    pthread_mutex_lock(&tables->lock);
    *out =
        (struct store_stats){.bytes = tables->bytes, .free_bytes = UINT64_MAX};
    pthread_mutex_unlock(&tables->lock);
}

static void mem_upkeep(struct tables *tables)
{
    (void)tables;
}

static void mem_close(struct tables *base)
{
    struct mem_tables *tables = (struct mem_tables *)base;

    for (size_t i = 0; i < tables->changes_count; i++) {
        row_free(tables->changes[i].row);
    }
    for (enum table table = 0; table < TABLE_COUNT; table++) {
        struct mem_row *row, *next;

        HASH_ITER (hh, tables->by_key[table], row, next) {
            /* The analyzer does not see that the table goes with the last row.
             * NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
            HASH_DEL(tables->by_key[table], row);
            row_free(row);
        }
    }
    pthread_mutex_destroy(&tables->lock);
    free(tables->due);
    free(tables->changes);
    free(tables);
}

static const struct tables_ops mem_ops = {
    .read = mem_read,
    .release = mem_release,
    .scan = mem_scan,
    .put = mem_put,
    .drop = mem_drop,
    .commit = mem_commit,
    .serial = mem_serial,
    .stats = mem_stats,
    .upkeep = mem_upkeep,
    .close = mem_close,
};

struct store *store_mem_open(const struct store_config *config, int *status,
                             struct err *err)
{
    struct mem_tables *tables = memory_get(1, sizeof(*tables));

    tables->tables.ops = &mem_ops;
    pthread_mutex_init(&tables->lock, NULL);
    return streams_open(&tables->tables, true, config, status, err);
}
