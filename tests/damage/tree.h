/* Directories of data as a whole, and single files in them. */
#ifndef TESTS_DAMAGE_TREE_H
#define TESTS_DAMAGE_TREE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum { TREE_FILES_MAX = 64, TREE_NAME_BYTES = 64 };

/* The plain files below a data directory, by their paths from it, in order. */
struct tree {
    char names[TREE_FILES_MAX][TREE_NAME_BYTES];
    size_t sizes[TREE_FILES_MAX];
    size_t count;
};

void tree_list(struct tree *tree, const char *dir);

/* Copies `from` to `to`, which does not exist yet. Holes and times are not
 * kept. */
void tree_copy(const char *from, const char *to);

/* Where the one file whose path contains `part` stands in the list; the test
 * fails if there is none. */
size_t tree_find(const struct tree *tree, const char *part);

/* "dir/name"; static storage, valid until the fourth next call. */
const char *tree_path(const char *dir, const char *name);

#endif
