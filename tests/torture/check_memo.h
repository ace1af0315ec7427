/* A set of what a search has seen, by 128 bits of hash: two different things
 * that agree in all of them (not expected in 10^15 searches) would be taken for
 * one. */
#ifndef TESTS_TORTURE_CHECK_MEMO_H
#define TESTS_TORTURE_CHECK_MEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memo_hash {
    uint64_t a;
    uint64_t b;
};

/* Zeroed: empty. */
struct memo {
    struct memo_hash *slots; /* owned; zeroed: free */
    size_t room;             /* a power of two, or 0 */
    size_t count;
};

/* Of whole words; start from a zeroed hash. */
void memo_hash_add(struct memo_hash *hash, const void *words, size_t bytes);

/* False if it was there already. Memory running out aborts. */
bool memo_add(struct memo *memo, struct memo_hash hash);

void memo_release(struct memo *memo);

#endif
