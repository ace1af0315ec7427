/* The store on RocksDB: one directory, one process, one synced write a call.
 *
 * The directory is created only if it is missing or empty. E_FORMAT for one
 * that is not ours, is in use, or was written by a newer format; E_DATA where
 * something is damaged or was lost: nothing in it is written then. E_FULL and
 * E_IO when the disk says so. E_CONFIG or E_FULL where log_dir, which is made
 * if it is missing, cannot be used. docs/storage.md has the layout and the
 * reasons.
 *
 * This is the only place that knows RocksDB. */
#ifndef STORAGE_STORE_ROCKS_H
#define STORAGE_STORE_ROCKS_H

#include "storage/store.h"

struct store *store_rocks_open(const struct store_config *config, int *status,
                               struct err *err);

/* Version of the library in use, "7.8.3"; static storage. */
const char *store_rocks_version(void);

#endif
