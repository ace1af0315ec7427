#include "tests/sim/disk.h"

#include "base/table.h"
#include "storage/memory.h"
#include "storage/stream.h"

#include <stdlib.h>

/* A row stays in memory as long as somebody holds it. */
struct row {
    struct slice key, value; /* behind the struct */
    unsigned holders;        /* cells, and the table itself */
    enum damage damage;
    size_t flipped; /* byte of the value */
    bool drop;      /* in a write: take the row away */
    enum table table;
    UT_hash_handle hh;
    uint8_t bytes[];
};

struct change_list {
    struct row **rows;
    size_t count, room;
    size_t *ends; /* of commits, in `rows` */
    size_t ends_count, ends_room;
};

struct disk {
    struct tables tables;
    disk_fate *fate;
    void *fate_arg;
    struct row *by_key[TABLE_COUNT];
    struct row **due; /* sorted by key */
    size_t due_count, due_room;
    size_t damaged[TABLE_COUNT];
    uint64_t serial;
    bool scans_fail;
    struct change_list write;    /* in the making */
    struct change_list unsynced; /* after each other */
};

/* --- rows ----------------------------------------------------------------- */

static struct row *row_new(enum table table, struct slice key,
                           struct slice value)
{
    struct row *row = malloc(sizeof(*row) + key.len + value.len);

    CHECK(row != NULL);
    memset(row, 0, sizeof(*row));
    row->table = table;
    row->holders = 1;
    row->key = slice_copy(row->bytes, key);
    row->value = slice_copy(row->bytes + key.len, value);
    return row;
}

static void row_drop(struct row *row)
{
    if (--row->holders == 0) {
        free(row);
    }
}

static unsigned hash_of(struct slice key)
{
    return (unsigned)stream_hash((struct stream){key});
}

static struct row *find(const struct disk *disk, enum table table,
                        struct slice key)
{
    struct row *row;

    HASH_FIND_BYHASHVALUE(hh, disk->by_key[table], key.data, key.len,
                          hash_of(key), row);
    return row;
}

static int compare(struct slice a, struct slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.data, b.data, len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Where in the index the first key stands that is not less. */
static size_t due_position(const struct disk *disk, struct slice key)
{
    size_t low = 0;
    size_t high = disk->due_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare(disk->due[middle]->key, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void due_insert(struct disk *disk, struct row *row)
{
    size_t at = due_position(disk, row->key);

    disk->due = memory_grow(disk->due, &disk->due_room, disk->due_count + 1,
                            sizeof(struct row *));
    memmove(disk->due + at + 1, disk->due + at,
            (disk->due_count - at) * sizeof(struct row *));
    disk->due[at] = row;
    disk->due_count++;
}

static void due_erase(struct disk *disk, const struct row *row)
{
    size_t at = due_position(disk, row->key);

    CHECK(at < disk->due_count && disk->due[at] == row);
    disk->due_count--;
    memmove(disk->due + at, disk->due + at + 1,
            (disk->due_count - at) * sizeof(struct row *));
}

static void erase(struct disk *disk, struct row *row)
{
    if (row->table == TABLE_DUE) {
        due_erase(disk, row);
    }
    disk->damaged[row->table] -= row->damage != DAMAGE_NONE;
    HASH_DEL(disk->by_key[row->table], row);
    row_drop(row);
}

static void insert(struct disk *disk, struct row *row)
{
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, disk->by_key[row->table], row->key.data,
                                row->key.len, hash_of(row->key), row);
    if (row->table == TABLE_DUE) {
        due_insert(disk, row);
    }
}

static void apply(struct disk *disk, struct row *change)
{
    struct row *old = find(disk, change->table, change->key);

    if (old != NULL) {
        erase(disk, old);
    }
    if (change->drop) {
        row_drop(change);
    } else {
        insert(disk, change);
    }
    disk->serial++;
}

/* --- writes --------------------------------------------------------------- */

static void list_add(struct change_list *list, struct row *row)
{
    list->rows = memory_grow(list->rows, &list->room, list->count + 1,
                             sizeof(struct row *));
    list->rows[list->count++] = row;
}

static void list_end(struct change_list *list)
{
    list->ends = memory_grow(list->ends, &list->ends_room, list->ends_count + 1,
                             sizeof(*list->ends));
    list->ends[list->ends_count++] = list->count;
}

static void list_release(struct change_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        row_drop(list->rows[i]);
    }
    free(list->rows);
    free(list->ends);
}

static void disk_put(struct tables *tables, enum table table, struct slice key,
                     struct slice value)
{
    list_add(&((struct disk *)tables)->write, row_new(table, key, value));
}

static void disk_drop(struct tables *tables, enum table table, struct slice key)
{
    struct row *row = row_new(table, key, slice_of(NULL, 0));

    row->drop = true;
    list_add(&((struct disk *)tables)->write, row);
}

static int disk_commit(struct tables *tables, struct err *trouble)
{
    struct disk *disk = (struct disk *)tables;
    int status = disk->fate(disk->fate_arg);

    for (size_t i = 0; i < disk->write.count; i++) {
        if (status == 0) {
            apply(disk, disk->write.rows[i]);
        } else {
            list_add(&disk->unsynced, disk->write.rows[i]);
        }
    }
    disk->write.count = 0;
    if (status != 0) {
        list_end(&disk->unsynced);
        err_set(trouble, 0, "a fault of the simulation");
    }
    return status;
}

size_t disk_unsynced(const struct disk *disk)
{
    return disk->unsynced.ends_count;
}

void disk_keep(struct disk *disk, size_t count)
{
    struct change_list *list = &disk->unsynced;
    size_t kept = count > 0 ? list->ends[count - 1] : 0;

    CHECK(count <= list->ends_count);
    for (size_t i = 0; i < list->count; i++) {
        if (i < kept) {
            apply(disk, list->rows[i]);
        } else {
            row_drop(list->rows[i]);
        }
    }
    list->count = 0;
    list->ends_count = 0;
}

/* --- reads ---------------------------------------------------------------- */

static struct row *flipped_copy(const struct row *row)
{
    struct row *copy = row_new(row->table, row->key, row->value);

    copy->bytes[row->key.len + row->flipped] ^= 0x10;
    return copy;
}

static void disk_read_cells(struct tables *tables, enum table table,
                            const struct slice *keys, struct cell *cells,
                            size_t count, struct err *trouble)
{
    for (size_t i = 0; i < count; i++) {
        struct row *row = find((struct disk *)tables, table, keys[i]);

        cells[i] = (struct cell){.found = row != NULL};
        if (row == NULL) {
            continue;
        }
        if (row->damage == DAMAGE_UNREADABLE) {
            cells[i] = (struct cell){.status = E_CORRUPT};
            err_set(trouble, 0, "a row that the simulation has damaged");
            continue;
        }
        if (row->damage == DAMAGE_FLIPPED) {
            row = flipped_copy(row);
        } else {
            row->holders++;
        }
        cells[i].hold = row;
        cells[i].value = row->value;
    }
}

static void disk_release(struct tables *tables, struct cell *cell)
{
    (void)tables;
    if (cell->hold != NULL) {
        row_drop(cell->hold);
    }
    *cell = (struct cell){0};
}

static bool visit_row(const struct row *row, table_visit *visit, void *arg)
{
    struct row *flipped;
    bool more;

    if (row->damage != DAMAGE_FLIPPED) {
        return visit(arg, row->key, row->value);
    }
    flipped = flipped_copy(row);
    more = visit(arg, flipped->key, flipped->value);
    row_drop(flipped);
    return more;
}

static int disk_scan(struct tables *tables, struct slice from,
                     struct slice before, table_visit *visit, void *arg,
                     struct err *trouble)
{
    struct disk *disk = (struct disk *)tables;

    if (disk->scans_fail) {
        return err_set(trouble, E_IO, "the simulation fails scans");
    }
    for (size_t i = due_position(disk, from); i < disk->due_count; i++) {
        const struct row *row = disk->due[i];

        if (compare(row->key, before) >= 0 || !visit_row(row, visit, arg)) {
            break;
        }
    }
    return 0;
}

/* --- the rest of tables.h ------------------------------------------------- */

static uint64_t disk_serial(struct tables *tables)
{
    return ((struct disk *)tables)->serial;
}

static void disk_stats(struct tables *tables, struct store_stats *out)
{
    (void)tables;
    *out = (struct store_stats){.free_bytes = UINT64_MAX};
}

static void disk_close(struct tables *tables)
{
    struct disk *disk = (struct disk *)tables;

    for (size_t i = 0; i < disk->write.count; i++) {
        row_drop(disk->write.rows[i]);
    }
    disk->write.count = 0;
}

static const struct tables_ops disk_ops = {
    .read = disk_read_cells,
    .release = disk_release,
    .scan = disk_scan,
    .put = disk_put,
    .drop = disk_drop,
    .commit = disk_commit,
    .serial = disk_serial,
    .stats = disk_stats,
    .close = disk_close,
};

/* --- the disk ------------------------------------------------------------- */

struct disk *disk_new(disk_fate *fate, void *arg)
{
    struct disk *disk = memory_get(1, sizeof(*disk));

    disk->tables.ops = &disk_ops;
    disk->fate = fate;
    disk->fate_arg = arg;
    return disk;
}

void disk_free(struct disk *disk)
{
    for (enum table table = 0; table < TABLE_COUNT; table++) {
        struct row *row, *next;

        HASH_ITER (hh, disk->by_key[table], row, next) {
            /* The analyzer does not see that the table goes with the last row.
             * NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
            HASH_DEL(disk->by_key[table], row);
            row_drop(row);
        }
    }
    list_release(&disk->write);
    list_release(&disk->unsynced);
    free(disk->due);
    free(disk);
}

struct tables *disk_tables(struct disk *disk)
{
    return &disk->tables;
}

bool disk_damage(struct disk *disk, enum table table, struct slice key,
                 enum damage damage, size_t byte)
{
    struct row *row = find(disk, table, key);

    CHECK(table != TABLE_DUE || damage != DAMAGE_UNREADABLE);
    if (row == NULL || row->value.len == 0) {
        return false;
    }
    disk->damaged[table] += damage != DAMAGE_NONE;
    disk->damaged[table] -= row->damage != DAMAGE_NONE;
    row->damage = damage;
    row->flipped = byte % row->value.len;
    return true;
}

enum damage disk_damage_of(struct disk *disk, enum table table,
                           struct slice key)
{
    const struct row *row =
        disk->damaged[table] > 0 ? find(disk, table, key) : NULL;

    return row == NULL ? DAMAGE_NONE : row->damage;
}

size_t disk_damaged(const struct disk *disk, enum table table)
{
    return disk->damaged[table];
}

void disk_heal(struct disk *disk)
{
    for (enum table table = 0; table < TABLE_COUNT; table++) {
        struct row *row, *next;

        if (disk->damaged[table] == 0) {
            continue;
        }
        HASH_ITER (hh, disk->by_key[table], row, next) {
            row->damage = DAMAGE_NONE;
        }
        disk->damaged[table] = 0;
    }
}

void disk_fail_scans(struct disk *disk, bool fail)
{
    disk->scans_fail = fail;
}

void disk_each(struct disk *disk, enum table table, table_visit *visit,
               void *arg)
{
    struct row *row, *next;

    if (table == TABLE_DUE) {
        for (size_t i = 0; i < disk->due_count; i++) {
            visit(arg, disk->due[i]->key, disk->due[i]->value);
        }
        return;
    }
    HASH_ITER (hh, disk->by_key[table], row, next) {
        visit(arg, row->key, row->value);
    }
}

bool disk_read(struct disk *disk, enum table table, struct slice key,
               struct slice *value)
{
    const struct row *row = find(disk, table, key);

    if (row != NULL) {
        *value = row->value;
    }
    return row != NULL;
}
