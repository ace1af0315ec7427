#include "storage/data_dir.h"

#include "base/check.h"
#include "base/log.h"
#include "base/units.h"
#include "storage/codec.h"
#include "storage/layout.h"
#include "storage/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { FORMAT_TEXT_BYTES = 128, SYNCED_BYTES = 4 * 8 + 4 };

static int status_of_errno(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
        return E_FULL;
    case ENOENT:
    case ENOTDIR:
    case EACCES:
    case EPERM:
    case EROFS:
    case ENAMETOOLONG:
    case ELOOP:
        return E_FORMAT;
    default:
        return E_IO;
    }
}

/* To be called right after what failed. */
static int fail(struct err *err, const char *what)
{
    int error = errno;

    return err_set(err, status_of_errno(error), "%s: %s", what,
                   strerror(error));
}

/* --- FORMAT ------------------------------------------------------------- */

static void format_text(char out[FORMAT_TEXT_BYTES])
{
    snprintf(out, FORMAT_TEXT_BYTES,
             "dedupd data, format %d\nreadable from format %d on\n",
             FORMAT_VERSION, FORMAT_READER);
}

/* Cuts `before`, a number and `after` off the front of the text. */
static bool cut_number(struct slice *text, const char *before,
                       const char *after, uint64_t *out)
{
    struct slice head = slice_str(before);
    struct slice tail = slice_str(after);
    const uint8_t *end;
    struct slice digits;

    if (text->len < head.len || memcmp(text->data, head.data, head.len) != 0) {
        return false;
    }
    end = memmem(text->data + head.len, text->len - head.len, tail.data,
                 tail.len);
    if (end == NULL) {
        return false;
    }
    digits =
        slice_of(text->data + head.len, (size_t)(end - text->data) - head.len);
    end += tail.len;
    *text = slice_of(end, text->len - (size_t)(end - text->data));
    return units_parse_number(digits, out) == 0;
}

static int check_format(struct slice text, struct err *err)
{
    uint64_t written;
    uint64_t reader;

    if (!cut_number(&text, "dedupd data, format ", "\n", &written) ||
        !cut_number(&text, "readable from format ", " on\n", &reader) ||
        text.len != 0 || reader > written || reader == 0) {
        return err_set(err, E_FORMAT, "its file FORMAT is not one of dedupd's");
    }
    if (reader > FORMAT_VERSION) {
        return err_set(err, E_FORMAT,
                       "it was written by a newer version of dedupd, and this "
                       "one cannot read it");
    }
    return 0;
}

/* Reads a small file whole. 1: there is none. */
static int read_small(const struct data_dir *dir, const char *name, char *to,
                      size_t room, size_t *len, struct err *err)
{
    int fd = openat(dir->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t got;
    int status = 0;

    *len = 0;
    if (fd < 0) {
        return errno == ENOENT ? 1 : fail(err, name);
    }
    got = read(fd, to, room);
    if (got < 0) {
        status = fail(err, name);
    } else {
        *len = (size_t)got;
    }
    close(fd);
    return status;
}

/* --- what the directory is ---------------------------------------------- */

struct contents {
    bool unfinished; /* there is a FORMAT.new */
    bool ours;       /* files of the names that we make */
    bool others;     /* any other file */
};

static bool is_one_of(const char *name, const char *const list[])
{
    for (size_t i = 0; list[i] != NULL; i++) {
        if (strcmp(name, list[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void note_entry(struct contents *contents, const char *name)
{
    static const char *const ignored[] = {".", "..", "lost+found", NULL};
    static const char *const ours[] = {"SYNCED", "ballast", "db", NULL};

    if (is_one_of(name, ignored)) {
        return;
    }
    if (strcmp(name, "FORMAT.new") == 0) {
        contents->unfinished = true;
    } else if (is_one_of(name, ours)) {
        contents->ours = true;
    } else {
        contents->others = true;
    }
}

static int list_contents(const struct data_dir *dir, struct contents *contents,
                         struct err *err)
{
    int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    *contents = (struct contents){0};
    if (list == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return fail(err, "cannot be listed");
    }
    errno = 0;
    while ((entry = readdir(list)) != NULL) {
        note_entry(contents, entry->d_name);
    }
    if (errno != 0) {
        int status = fail(err, "cannot be listed");

        closedir(list);
        return status;
    }
    closedir(list);
    return 0;
}

/* Whether FORMAT.new is what a crash of ours leaves behind: the text or the
 * beginning of it. */
static bool unfinished_is_ours(const struct data_dir *dir)
{
    char ours[FORMAT_TEXT_BYTES];
    char text[FORMAT_TEXT_BYTES];
    size_t len;

    format_text(ours);
    return read_small(dir, "FORMAT.new", text, sizeof(text), &len, NULL) == 0 &&
           len <= strlen(ours) && memcmp(text, ours, len) == 0;
}

static int look_without_format(struct data_dir *dir, struct err *err)
{
    struct contents contents;
    int status = list_contents(dir, &contents, err);

    if (status != 0) {
        return status;
    }
    if (contents.others || (contents.ours && !contents.unfinished) ||
        (contents.unfinished && !unfinished_is_ours(dir))) {
        return err_set(err, E_FORMAT,
                       "it is not empty and has no file FORMAT, so it is not a "
                       "data directory of dedupd");
    }
    dir->is_new = true;
    return 0;
}

static int look(struct data_dir *dir, struct err *err)
{
    char text[FORMAT_TEXT_BYTES];
    size_t len;
    int status = read_small(dir, "FORMAT", text, sizeof(text), &len, err);

    dir->has_db = faccessat(dir->fd, "db", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    if (status == 1) {
        return look_without_format(dir, err);
    }
    if (status == 0) {
        status = check_format(slice_of(text, len), err);
    }
    if (status == 0 && faccessat(dir->fd, "db/CURRENT", F_OK, 0) < 0) {
        return errno == ENOENT
                   ? err_set(err, E_DATA,
                             "its database is lost: db/CURRENT is missing")
                   : fail(err, "cannot look at db/CURRENT");
    }
    return status;
}

/* --- opening ------------------------------------------------------------ */

static int open_dir(const char *path, int *fd, struct err *err)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

    *fd = open(path, flags);
    if (*fd < 0 && errno == ENOENT) {
        if (mkdir(path, 0700) < 0) {
            return fail(err, "cannot be made");
        }
        *fd = open(path, flags);
    }
    return *fd < 0 ? fail(err, "cannot be opened") : 0;
}

static int lock(const struct data_dir *dir, struct err *err)
{
    if (flock(dir->fd, LOCK_EX | LOCK_NB) == 0) {
        return 0;
    }
    return errno == EWOULDBLOCK
               ? err_set(err, E_FORMAT, "it is in use by another process")
               : fail(err, "cannot be locked");
}

int data_dir_open(struct data_dir *dir, const char *path, struct err *err)
{
    int status;

    *dir = (struct data_dir){.fd = -1, .synced_fd = -1};
    if (strlen(path) + sizeof("/db") > sizeof(dir->db_path)) {
        return err_set(err, E_FORMAT, "its path is too long");
    }
    snprintf(dir->db_path, sizeof(dir->db_path), "%s/db", path);
    status = open_dir(path, &dir->fd, err);
    if (status == 0) {
        status = lock(dir, err);
    }
    if (status == 0) {
        status = look(dir, err);
    }
    if (status != 0) {
        data_dir_close(dir);
    }
    return status;
}

void data_dir_close(struct data_dir *dir)
{
    if (dir->synced_fd >= 0) {
        close(dir->synced_fd);
    }
    if (dir->fd >= 0) {
        close(dir->fd);
    }
    dir->fd = -1;
    dir->synced_fd = -1;
}

uint64_t data_dir_free_bytes(const struct data_dir *dir)
{
    struct statvfs fs;

    if (fstatvfs(dir->fd, &fs) < 0) {
        return UINT64_MAX;
    }
    return (uint64_t)fs.f_bavail * fs.f_frsize;
}

/* --- making ------------------------------------------------------------- */

static int sync_dir(const struct data_dir *dir, struct err *err)
{
    return fsync(dir->fd) < 0 ? fail(err, "cannot be synced") : 0;
}

/* Also where the directory was there: a start that made it may have ended
 * before this. Who may not read the parent has all of the file system synced.
 */
static int sync_parent(const struct data_dir *dir, struct err *err)
{
    int fd = openat(dir->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int status = 0;

    if ((fd < 0 ? syncfs(dir->fd) : fsync(fd)) < 0) {
        status = fail(err, "its parent cannot be synced");
    }
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

static int write_file(const struct data_dir *dir, const char *name,
                      struct slice content, struct err *err)
{
    int fd =
        openat(dir->fd, name,
               O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    int status = 0;

    if (fd < 0) {
        return fail(err, "a file cannot be made");
    }
    errno = ENOSPC; /* what a short write means */
    if (write(fd, content.data, content.len) != (ssize_t)content.len ||
        fsync(fd) < 0) {
        status = fail(err, "a file cannot be written");
    }
    close(fd);
    return status;
}

int data_dir_make(struct data_dir *dir, struct err *err)
{
    char text[FORMAT_TEXT_BYTES];
    int status;

    CHECK(dir->is_new);
    format_text(text);
    status = write_file(dir, "FORMAT.new", slice_str(text), err);
    if (status == 0) {
        status = sync_dir(dir, err);
    }
    return status == 0 ? sync_parent(dir, err) : status;
}

/* --- SYNCED ------------------------------------------------------------- */

static void synced_encode(uint8_t to[SYNCED_BYTES], struct synced synced)
{
    struct buf value = {0};
    uint8_t numbers[32];

    store_u64(numbers, synced.sequence);
    store_u64(numbers + 8, synced.manifest.number);
    store_u64(numbers + 16, synced.manifest.bytes);
    store_u64(numbers + 24, synced.manifest.hash);
    buf_append(&value, numbers, sizeof(numbers));
    encode_seal(&value, 0, slice_str("SYNCED"));
    memory_check(&value);
    CHECK(buf_len(&value) == SYNCED_BYTES);
    slice_copy(to, buf_slice(&value));
    buf_release(&value);
}

/* The first number alone is what earlier versions wrote. */
static bool synced_decode(struct slice bytes, struct synced *synced)
{
    struct decoder from = decode_sealed(bytes, slice_str("SYNCED"));
    struct slice numbers = decode_rest(&from);

    if (!decode_done(&from) || (numbers.len != 8 && numbers.len != 32)) {
        return false;
    }
    synced->sequence = load_u64(numbers.data);
    if (numbers.len == 32) {
        synced->manifest.number = load_u64(numbers.data + 8);
        synced->manifest.bytes = load_u64(numbers.data + 16);
        synced->manifest.hash = load_u64(numbers.data + 24);
    }
    return true;
}

int data_dir_made(struct data_dir *dir, struct err *err)
{
    uint8_t bytes[SYNCED_BYTES];
    int status;

    synced_encode(bytes, (struct synced){0});
    status = write_file(dir, "SYNCED", slice_of(bytes, sizeof(bytes)), err);
    if (status == 0 && renameat(dir->fd, "FORMAT.new", dir->fd, "FORMAT") < 0) {
        status = fail(err, "FORMAT cannot be made");
    }
    if (status == 0) {
        status = sync_dir(dir, err);
    }
    dir->is_new = status != 0;
    return status;
}

struct synced data_dir_synced(struct data_dir *dir)
{
    char bytes[SYNCED_BYTES + 1];
    struct synced synced = {0};
    size_t len = 0;
    int status = read_small(dir, "SYNCED", bytes, sizeof(bytes), &len, NULL);

    if (status != 0 || !synced_decode(slice_of(bytes, len), &synced)) {
        log_warn("the file SYNCED of the data directory is missing or "
                 "damaged: lost writes would not be noticed this time");
    }
    return synced;
}

/* -1: cannot be opened; writing it then fails. */
static int open_synced(const struct data_dir *dir)
{
    int fd = openat(dir->fd, "SYNCED",
                    O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    struct stat found;

    /* Nothing but a damage makes it longer, and would never go away. */
    if (fd >= 0 && fstat(fd, &found) == 0 && found.st_size > SYNCED_BYTES &&
        ftruncate(fd, 0) < 0) {
        log_warn("cannot cut the file SYNCED of the data directory: %s",
                 strerror(errno));
    }
    return fd;
}

void data_dir_set_synced(struct data_dir *dir, struct synced synced)
{
    uint8_t bytes[SYNCED_BYTES];

    if (dir->synced_fd < 0) {
        dir->synced_fd = open_synced(dir);
    }
    synced_encode(bytes, synced);
    if (dir->synced_fd >= 0 &&
        pwrite(dir->synced_fd, bytes, sizeof(bytes), 0) == SYNCED_BYTES) {
        dir->failing = false;
    } else if (!dir->failing) {
        log_warn("cannot write the file SYNCED of the data directory: %s",
                 strerror(errno));
        dir->failing = true;
    }
}
