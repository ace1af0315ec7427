/* A simulated disk with a store's three tables on it. It outlives the stores
 * that are opened on it, and knows what a power cut would leave.
 *
 * Its owner decides the fate of every commit. A commit that fails is written
 * but not synced: nobody reads it before the next start, which keeps as many of
 * those as its owner says, from the first on, each as a whole. Rows may be made
 * unreadable or wrong, and be healed.
 *
 * Used by one thread. Memory running out aborts. */
#ifndef TESTS_SIM_DISK_H
#define TESTS_SIM_DISK_H

#include "storage/tables.h"

struct disk;

/* Says what becomes of the commit that is about to be made: 0, E_IO or
 * E_FULL. */
typedef int disk_fate(void *arg);

struct disk *disk_new(disk_fate *fate, void *arg);
void disk_free(struct disk *disk);

/* The disk as a backend, one at a time; closing it leaves the disk as it is. */
struct tables *disk_tables(struct disk *disk);

/* --- power cuts ----------------------------------------------------------- */

/* Commits that were not synced. */
size_t disk_unsynced(const struct disk *disk);

/* No tables are open: the first `count` of them are there, the others not. */
void disk_keep(struct disk *disk, size_t count);

/* --- damage --------------------------------------------------------------- */

enum damage { DAMAGE_NONE, DAMAGE_UNREADABLE, DAMAGE_FLIPPED };

/* Rows of TABLE_DUE cannot be unreadable. A row that is written again is as
 * good as new. False: there is no such row. `byte` is reduced to the row's
 * length. */
bool disk_damage(struct disk *disk, enum table table, struct slice key,
                 enum damage damage, size_t byte);
enum damage disk_damage_of(struct disk *disk, enum table table,
                           struct slice key);

/* How many rows of the table are damaged. */
size_t disk_damaged(const struct disk *disk, enum table table);

/* Repairs all. */
void disk_heal(struct disk *disk);

/* From now on (not) every scan fails. */
void disk_fail_scans(struct disk *disk, bool fail);

/* --- looking at it -------------------------------------------------------- */

/* Every row as it was written, damaged or not; of TABLE_DUE in order. The
 * visitor changes nothing and returns true to go on. */
void disk_each(struct disk *disk, enum table table, table_visit *visit,
               void *arg);

/* As it was written; false: there is no such row. */
bool disk_read(struct disk *disk, enum table table, struct slice key,
               struct slice *value);

#endif
