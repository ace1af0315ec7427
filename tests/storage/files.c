#include "tests/storage/files.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/key_hash.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static void path_of(char out[PATH_MAX], const char *dir, const char *name)
{
    snprintf(out, PATH_MAX, "%s/%s", dir, name);
}

size_t files_size(const char *path)
{
    struct stat st;

    ck_assert_int_eq(stat(path, &st), 0);
    return (size_t)st.st_size;
}

static void add_file(struct buf *to, const char *path)
{
    char digits[KEY_HASH_DIGITS + 1];
    size_t size = files_size(path);
    uint8_t *bytes = malloc(size + 1);
    FILE *file = fopen(path, "rb");

    ck_assert_ptr_nonnull(bytes);
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fread(bytes, 1, size, file), size);
    key_hash_text(key_hash(slice_of(bytes, size)), digits);
    buf_append_str(to, path);
    buf_append_str(to, " ");
    buf_append_u64(to, size);
    buf_append_str(to, " ");
    buf_append_str(to, digits);
    buf_append_str(to, "\n");
    ck_assert_int_eq(fclose(file), 0);
    free(bytes);
}

static void add_dir(struct buf *to, const char *dir)
{
    struct dirent **entries;
    int count = scandir(dir, &entries, NULL, alphasort);

    ck_assert_int_ge(count, 0);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        char path[PATH_MAX];
        struct stat st;

        path_of(path, dir, name);
        ck_assert_int_eq(lstat(path, &st), 0);
        if (S_ISREG(st.st_mode)) {
            add_file(to, path);
        } else if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
            buf_append_str(to, path);
            buf_append_str(to, "/\n");
            add_dir(to, path);
        }
        free(entries[i]);
    }
    free(entries);
}

char *files_snapshot(const char *dir)
{
    struct buf buf = {0};
    char *text;

    add_dir(&buf, dir);
    buf_append_byte(&buf, 0);
    ck_assert(!buf_failed(&buf));
    text = strdup((const char *)buf_slice(&buf).data);
    buf_release(&buf);
    return text;
}

void files_assert_unchanged(const char *dir, char *snapshot)
{
    char *now = files_snapshot(dir);

    ck_assert_str_eq(now, snapshot);
    free(now);
    free(snapshot);
}

void files_write(const char *dir, const char *name, const char *text)
{
    char path[PATH_MAX];
    FILE *file;

    path_of(path, dir, name);
    file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

size_t files_read(const char *dir, const char *name, void *to, size_t room)
{
    char path[PATH_MAX];
    FILE *file;
    size_t len;

    path_of(path, dir, name);
    file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    len = fread(to, 1, room, file);
    ck_assert_int_eq(fclose(file), 0);
    return len;
}

static bool ends_in(const char *name, const char *suffix)
{
    size_t len = strlen(name);
    size_t tail = strlen(suffix);

    return len >= tail && strcmp(name + len - tail, suffix) == 0;
}

const char *files_largest(const char *dir, const char *suffix)
{
    static char found[PATH_MAX];
    size_t largest = 0;
    DIR *list = opendir(dir);
    const struct dirent *entry;

    ck_assert_ptr_nonnull(list);
    found[0] = '\0';
    while ((entry = readdir(list)) != NULL) {
        char path[PATH_MAX];

        path_of(path, dir, entry->d_name);
        if (ends_in(entry->d_name, suffix) && files_size(path) >= largest) {
            largest = files_size(path);
            path_of(found, dir, entry->d_name);
        }
    }
    closedir(list);
    ck_assert_str_ne(found, "");
    return found;
}

void files_flip(const char *path, size_t offset)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    uint8_t byte;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pread(fd, &byte, 1, (off_t)offset), 1);
    byte ^= 0x10;
    ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)offset), 1);
    close(fd);
}
