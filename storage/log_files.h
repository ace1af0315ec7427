/* RocksDB's write-ahead log files, as far as it takes to see whether each write
 * in them follows on the one before.
 *
 * RocksDB reads a log file up to its end, or up to something in its last block
 * that looks like the torn end of a write, and goes on with the next file: what
 * is missing in between it does not notice. */
#ifndef STORAGE_LOG_FILES_H
#define STORAGE_LOG_FILES_H

#include "base/err.h"
#include "base/status.h"

#include <stdint.h>

/* Looks at the files of `db_path` whose number is at least `first`. Damage that
 * leaves no gap is for RocksDB to find.
 * 0 · E_DATA: a write is missing · E_IO: a file cannot be read. */
must_check int log_files_check(const char *db_path, uint64_t first,
                               struct err *err);

#endif
