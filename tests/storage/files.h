/* Files as the tests of the data directory look at and damage them. */
#ifndef TESTS_STORAGE_FILES_H
#define TESTS_STORAGE_FILES_H

#include <stddef.h>
#include <stdint.h>

/* What is below a directory: a line for each file with its name, size and a
 * hash of its bytes. To be freed. */
char *files_snapshot(const char *dir);

/* ck_asserts that the directory is as it was, and frees the snapshot. */
void files_assert_unchanged(const char *dir, char *snapshot);

/* Replaces or makes a file. */
void files_write(const char *dir, const char *name, const char *text);

/* Reads at most `room` bytes and returns how many there were. */
size_t files_read(const char *dir, const char *name, void *to, size_t room);

/* The path of the largest file whose name ends in `suffix`. */
const char *files_largest(const char *dir, const char *suffix);

/* Flips a bit of the byte at `offset`. */
void files_flip(const char *path, size_t offset);

size_t files_size(const char *path);

#endif
