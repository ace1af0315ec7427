/* The MANIFEST of the database, in which RocksDB notes which table files it
 * has: how far it was written, and whether that much of it is still so.
 *
 * RocksDB takes a damaged end of it for the torn end of a write that nobody was
 * told of. The table files that it names are then forgotten, while the log
 * files that they were made of are gone. */
#ifndef STORAGE_MANIFEST_H
#define STORAGE_MANIFEST_H

#include "base/err.h"
#include "base/status.h"

#include <stdint.h>

/* So many first bytes of the MANIFEST of that number have this hash. Zeroed:
 * nothing is known. */
struct manifest_mark {
    uint64_t number;
    uint64_t bytes;
    uint64_t hash; /* XXH3-64 */
};

/* Follows the MANIFEST of a database that is open. Zeroed: not yet. */
struct manifest {
    int fd; /* meaningful if `state` is set */
    struct XXH3_state_s *state;
    struct manifest_mark mark;
};

/* Moves the mark to the end of what is written, which it syncs; cheap as long
 * as nothing was added. 0 · E_FULL, E_IO: the mark stays, and nothing is known
 * about the disk. */
must_check int manifest_follow(struct manifest *manifest, const char *db_path,
                               struct err *err);

void manifest_release(struct manifest *manifest);

/* Whether the database still has what was marked. 0, also where a newer
 * MANIFEST has taken its place · E_DATA · E_IO: cannot be read. */
must_check int manifest_check(const char *db_path,
                              const struct manifest_mark *mark,
                              struct err *err);

#endif
