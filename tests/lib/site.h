/* A directory for one test, and what is read and written there. */
#ifndef TESTS_LIB_SITE_H
#define TESTS_LIB_SITE_H

#include "base/buf.h"

enum { SITE_PATH_BYTES = 256 };

struct site {
    char dir[SITE_PATH_BYTES];
    char data[SITE_PATH_BYTES];    /* for a data directory; not made yet */
    char runtime[SITE_PATH_BYTES]; /* for a runtime directory; made */
};

/* Under $TMPDIR or /tmp. A test that fails leaves it there. */
void site_make(struct site *site);
void site_remove(struct site *site);

/* A path inside the site; static storage, valid until the eighth next call. */
const char *site_path(const struct site *site, const char *name);

/* "NAME=<site_path(value)>", stored in the same way. */
const char *site_option(const struct site *site, const char *name,
                        const char *value);

bool file_exists(const char *path);
void file_write(const char *path, struct slice content);

/* Appends it, and a terminator that is not content. */
void file_read(const char *path, struct buf *content);

void directory_make(const char *path);

/* Removes it with all that is in it. */
void directory_remove(const char *path);

/* A number over the names and contents of all files below `path`. */
uint64_t directory_digest(const char *path);

/* The largest file below `path` whose name ends with `suffix`; static storage.
 * The test fails if there is none. */
const char *directory_largest(const char *path, const char *suffix);

#endif
