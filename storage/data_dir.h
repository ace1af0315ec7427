/* The data directory around the database: whose it is, which format it has,
 * who uses it, and how far it was written.
 *
 *     FORMAT      "dedupd data, format 1" and which readers understand it; its
 *                 presence alone says that there must be a database
 *     FORMAT.new  the same, while the directory is being made
 *     SYNCED      how far the database was written, see data_dir_set_synced()
 *     ballast     nothing, see ballast.h
 *     db/         the database
 *
 * Without FORMAT.new, a directory that lacks FORMAT is made only if it is empty
 * (but for lost+found); with FORMAT, nothing is ever made again, since a lost
 * database must not come back as an empty one. The directory is locked by
 * flock(2) as long as it is open. */
#ifndef STORAGE_DATA_DIR_H
#define STORAGE_DATA_DIR_H

#include "base/err.h"
#include "base/slice.h"
#include "base/status.h"
#include "storage/manifest.h"

#include <limits.h>

/* How far the database was written. */
struct synced {
    uint64_t sequence; /* of its last synced write */
    struct manifest_mark manifest;
};

struct data_dir {
    char db_path[PATH_MAX];
    int fd;        /* of the directory */
    int synced_fd; /* of SYNCED, -1: not open */
    bool is_new;   /* has to be made: no FORMAT yet */
    bool has_db;   /* there is something called db */
    bool failing;  /* SYNCED could not be written, and that was logged */
};

/* Opens, locks and looks at the directory; makes it if it is missing, but not
 * its parent. Nothing else is written.
 * E_FORMAT: not ours, in use, of a newer format, or not accessible · E_DATA: it
 * has no database left · E_FULL, E_IO. Then there is nothing to close. */
must_check int data_dir_open(struct data_dir *dir, const char *path,
                             struct err *err);

/* Around the making of the database, when is_new: what is between the two calls
 * may be interrupted anywhere and starts again the next time. E_FULL, E_IO. */
must_check int data_dir_make(struct data_dir *dir, struct err *err);
must_check int data_dir_made(struct data_dir *dir, struct err *err);

/* What SYNCED says; zeroed, with a warning in the log, if it is missing or
 * damaged. */
struct synced data_dir_synced(struct data_dir *dir);

/* Notes in SYNCED how far the database was written, for the database itself
 * does not notice when its newest log file, or the end of its MANIFEST, is
 * lost. Called after that write: the note may lag behind the database after a
 * power cut, but never lead. A failure is logged. */
void data_dir_set_synced(struct data_dir *dir, struct synced synced);

/* Of the file system; UINT64_MAX if that cannot be learnt. Any thread. */
uint64_t data_dir_free_bytes(const struct data_dir *dir);

/* Unlocks and closes. */
void data_dir_close(struct data_dir *dir);

#endif
