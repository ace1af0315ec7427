#include "storage/manifest.h"

#include "base/units.h"
#include "storage/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { CHUNK_BYTES = 65536, NAME_BYTES = 64, PATH_BYTES = 4096 + NAME_BYTES };

static int fail(struct err *err, const char *what)
{
    int error = errno;

    return err_set(err, error == ENOSPC || error == EDQUOT ? E_FULL : E_IO,
                   "the MANIFEST in db cannot be %s: %s", what,
                   strerror(error));
}

static int open_in(const char *db_path, const char *name)
{
    char path[PATH_BYTES];

    snprintf(path, sizeof(path), "%s/%s", db_path, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* Opens the MANIFEST that CURRENT names, "MANIFEST-000055\n". */
static int open_current(const char *db_path, uint64_t *number, struct err *err)
{
    static const char prefix[] = "MANIFEST-";
    const size_t skip = sizeof(prefix) - 1;
    char name[NAME_BYTES];
    int fd = open_in(db_path, "CURRENT");
    ssize_t len = fd < 0 ? -1 : read(fd, name, sizeof(name));

    if (fd >= 0) {
        close(fd);
    }
    if (len < 0) {
        fail(err, "found");
        return -1;
    }
    if ((size_t)len <= skip || memcmp(name, prefix, skip) != 0 ||
        name[len - 1] != '\n' ||
        units_parse_number(slice_of(name + skip, (size_t)len - skip - 1),
                           number) != 0) {
        err_set(err, E_IO, "db/CURRENT names no MANIFEST");
        return -1;
    }
    name[len - 1] = '\0';
    fd = open_in(db_path, name);
    if (fd < 0) {
        fail(err, "opened");
    }
    return fd;
}

/* Hashes the bytes [from, to) of the file; how many there were, or less than 0
 * where it cannot be read. */
static int64_t hash_more(XXH3_state_t *state, int fd, uint64_t from,
                         uint64_t to)
{
    uint8_t chunk[CHUNK_BYTES];
    uint64_t began = from;
    ssize_t got = 1;

    while (from < to && got > 0) {
        size_t some = to - from < CHUNK_BYTES ? to - from : CHUNK_BYTES;

        got = pread(fd, chunk, some, (off_t)from);
        if (got > 0) {
            XXH3_64bits_update(state, chunk, (size_t)got);
            from += (uint64_t)got;
        }
    }
    return got < 0 ? -1 : (int64_t)(from - began);
}

static XXH3_state_t *new_state(void)
{
    XXH3_state_t *state = XXH3_createState();

    if (state == NULL) {
        memory_exhausted();
    }
    XXH3_64bits_reset(state);
    return state;
}

/* --- following ------------------------------------------------------------ */

void manifest_release(struct manifest *manifest)
{
    if (manifest->state != NULL) {
        close(manifest->fd);
        XXH3_freeState(manifest->state);
    }
    *manifest = (struct manifest){0};
}

/* RocksDB begins another one when it is long, and deletes this one. */
static bool is_current(const struct manifest *manifest, struct stat *found)
{
    return manifest->state != NULL && fstat(manifest->fd, found) == 0 &&
           found->st_nlink > 0;
}

static int begin(struct manifest *manifest, const char *db_path,
                 struct stat *found, struct err *err)
{
    manifest_release(manifest);
    manifest->fd = open_current(db_path, &manifest->mark.number, err);
    if (manifest->fd < 0) {
        return E_IO;
    }
    manifest->state = new_state();
    return fstat(manifest->fd, found) == 0 ? 0 : fail(err, "looked at");
}

int manifest_follow(struct manifest *manifest, const char *db_path,
                    struct err *err)
{
    struct manifest_mark *mark = &manifest->mark;
    struct stat found;
    uint64_t bytes;
    int status = 0;

    if (!is_current(manifest, &found)) {
        status = begin(manifest, db_path, &found, err);
    }
    bytes = status == 0 ? (uint64_t)found.st_size : 0;
    if (status != 0 || bytes <= mark->bytes) {
        return status;
    }
    /* RocksDB may be about to: a mark never leads what is on the disk. */
    if (fdatasync(manifest->fd) != 0) {
        return fail(err, "synced");
    }
    if (hash_more(manifest->state, manifest->fd, mark->bytes, bytes) !=
        (int64_t)(bytes - mark->bytes)) {
        return fail(err, "read");
    }
    mark->bytes = bytes;
    mark->hash = XXH3_64bits_digest(manifest->state);
    return 0;
}

/* --- checking ------------------------------------------------------------- */

int manifest_check(const char *db_path, const struct manifest_mark *mark,
                   struct err *err)
{
    uint64_t number = 0;
    int fd = open_current(db_path, &number, err);
    XXH3_state_t *state;
    int64_t bytes;
    bool is_same;
    int status = 0;

    if (fd < 0) {
        return E_IO;
    }
    state = new_state();
    bytes = hash_more(state, fd, 0, mark->bytes);
    is_same = number == mark->number && bytes == (int64_t)mark->bytes &&
              XXH3_64bits_digest(state) == mark->hash;
    if (bytes < 0) {
        status = fail(err, "read");
    } else if (!is_same && number <= mark->number) {
        status = err_set(err, E_DATA,
                         "lost table files: the MANIFEST in db was damaged, "
                         "cut, or is an older one");
    }
    XXH3_freeState(state);
    close(fd);
    return status;
}
