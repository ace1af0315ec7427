/* Where a library may log: never on the data disk, which may be full. */
#ifndef DAEMON_RUNTIME_DIR_H
#define DAEMON_RUNTIME_DIR_H

#include "base/err.h"
#include "base/status.h"

#include <stddef.h>

/* Writes the directory to use: `setting` if it is not empty, else
 * $RUNTIME_DIRECTORY as a service manager sets it, else dedupd-UID below /tmp,
 * which is made if need be and must be this user's alone. E_CONFIG with a
 * sentence otherwise. */
must_check int runtime_dir(const char *setting, char *out, size_t out_bytes,
                           struct err *err);

#endif
