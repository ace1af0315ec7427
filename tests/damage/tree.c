#include "tests/damage/tree.h"

#include "base/banned.h"
#include "tests/lib/site.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

enum { PATHS = 4 };

const char *tree_path(const char *dir, const char *name)
{
    static char paths[PATHS][2 * PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % PATHS];

    snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
    return path;
}

static void add_file(struct tree *tree, const char *name, size_t size)
{
    ck_assert_uint_lt(tree->count, TREE_FILES_MAX);
    ck_assert_uint_lt(strlen(name), TREE_NAME_BYTES);
    snprintf(tree->names[tree->count], TREE_NAME_BYTES, "%s", name);
    tree->sizes[tree->count++] = size;
}

static void list_below(struct tree *tree, const char *dir, const char *below)
{
    struct dirent **entries;
    int count = scandir(tree_path(dir, below), &entries, NULL, alphasort);

    ck_assert_int_ge(count, 0);
    for (int i = 0; i < count; i++) {
        char name[PATH_MAX];
        struct stat found;

        snprintf(name, sizeof(name), "%s%s%s", below,
                 below[0] == '\0' ? "" : "/", entries[i]->d_name);
        if (lstat(tree_path(dir, name), &found) != 0) {
            ck_assert_msg(errno == ENOENT, "%s: %s", name, strerror(errno));
        } else if (S_ISREG(found.st_mode)) {
            add_file(tree, name, (size_t)found.st_size);
        } else if (entries[i]->d_name[0] != '.') {
            list_below(tree, dir, name);
        }
        free(entries[i]);
    }
    free(entries);
}

void tree_list(struct tree *tree, const char *dir)
{
    tree->count = 0;
    list_below(tree, dir, "");
}

void tree_copy(const char *from, const char *to)
{
    struct tree tree;
    struct buf content = {0};

    tree_list(&tree, from);
    directory_make(to);
    directory_make(tree_path(to, "db"));
    for (size_t i = 0; i < tree.count; i++) {
        struct slice bytes;

        buf_clear(&content);
        file_read(tree_path(from, tree.names[i]), &content);
        bytes = slice_of(buf_slice(&content).data, tree.sizes[i]);
        file_write(tree_path(to, tree.names[i]), bytes);
    }
    buf_release(&content);
}

size_t tree_find(const struct tree *tree, const char *part)
{
    for (size_t i = 0; i < tree->count; i++) {
        if (strstr(tree->names[i], part) != NULL) {
            return i;
        }
    }
    ck_abort_msg("no file like %s", part);
    return 0;
}
