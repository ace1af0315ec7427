#include "tests/lib/site.h"

#include "base/banned.h"
#include "base/key_hash.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATHS = 8, DEPTH_FDS = 16 };

/* Room for one more text of those that are handed out and never freed. */
static char *next_text(void)
{
    /* cppcheck-suppress constVariable ; it is written by who asks for it */
    static char texts[PATHS][2 * SITE_PATH_BYTES];
    static unsigned next;

    return texts[next++ % PATHS];
}

const char *site_path(const struct site *site, const char *name)
{
    char *path = next_text();

    snprintf(path, 2 * SITE_PATH_BYTES, "%s/%s", site->dir, name);
    return path;
}

const char *site_option(const struct site *site, const char *name,
                        const char *value)
{
    char *option = next_text();

    snprintf(option, 2 * SITE_PATH_BYTES, "%s=%s/%s", name, site->dir, value);
    return option;
}

void site_make(struct site *site)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(site->dir, SITE_PATH_BYTES - 32, "%s/dedupd-daemon-XXXXXX",
             tmp != NULL ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(site->dir));
    snprintf(site->data, SITE_PATH_BYTES, "%.200s/data", site->dir);
    snprintf(site->runtime, SITE_PATH_BYTES, "%.200s/run", site->dir);
    directory_make(site->runtime);
}

void site_remove(struct site *site)
{
    directory_remove(site->dir);
}

bool file_exists(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0;
}

void file_write(const char *path, struct slice content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, content.data, content.len),
                     (ssize_t)content.len);
    close(fd);
}

void file_read(const char *path, struct buf *content)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;

    ck_assert_msg(fd >= 0, "cannot open %s: %s", path, strerror(errno));
    while ((got = read(fd, buf_reserve(content, 65536), 65536)) > 0) {
        buf_commit(content, (size_t)got);
    }
    ck_assert_int_eq(got, 0);
    *buf_reserve(content, 1) = 0;
    close(fd);
}

void directory_make(const char *path)
{
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

static int remove_one(const char *path, const struct stat *status, int type,
                      struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

void directory_remove(const char *path)
{
    ck_assert_int_eq(nftw(path, remove_one, DEPTH_FDS, FTW_DEPTH | FTW_PHYS),
                     0);
}

/* nftw() has no argument for its callback. */
static struct {
    uint64_t digest;
    const char *suffix;
    off_t bytes;
    char path[2 * SITE_PATH_BYTES];
} walk;

/* A sum, so that the order in which a directory is read does not matter. */
static int digest_one(const char *path, const struct stat *status, int type,
                      struct FTW *where)
{
    struct buf content = {0};

    (void)status;
    (void)where;
    buf_append_str(&content, path);
    if (type == FTW_F) {
        file_read(path, &content);
    }
    walk.digest += key_hash(buf_slice(&content));
    buf_release(&content);
    return 0;
}

uint64_t directory_digest(const char *path)
{
    walk.digest = 0;
    ck_assert_int_eq(nftw(path, digest_one, DEPTH_FDS, FTW_PHYS), 0);
    return walk.digest;
}

static int larger_one(const char *path, const struct stat *status, int type,
                      struct FTW *where)
{
    size_t len = strlen(path);
    size_t suffix = strlen(walk.suffix);

    (void)where;
    if (type == FTW_F && len > suffix && status->st_size > walk.bytes &&
        strcmp(path + len - suffix, walk.suffix) == 0) {
        walk.bytes = status->st_size;
        snprintf(walk.path, sizeof(walk.path), "%s", path);
    }
    return 0;
}

const char *directory_largest(const char *path, const char *suffix)
{
    walk.suffix = suffix;
    walk.bytes = 0;
    ck_assert_int_eq(nftw(path, larger_one, DEPTH_FDS, FTW_PHYS), 0);
    ck_assert_int_gt(walk.bytes, 0);
    return walk.path;
}
