/* Judges a history: whether one dedupd that keeps its promises can have given
 * these answers.
 *
 * Two passes, both a key at a time. The linear one checks rules that need no
 * search, over everything. The exact one looks for an order of the operations
 * that explains every answer (Wing and Gong's search with Lowe's memory of
 * states seen, as Porcupine does it), on windows that are small enough. */
#ifndef TESTS_TORTURE_CHECK_H
#define TESTS_TORTURE_CHECK_H

#include "tests/torture/history.h"

struct verdict {
    bool valid;
    size_t ops; /* looked at by the linear pass */
    size_t keys;
    size_t exact_keys;   /* of them, searched; the others had no window that
                            was small enough or were not drawn */
    size_t exact_unsure; /* searched, and given up for time */
    struct buf report;   /* invalid: which promise, which key, and the ops that
                            show it, for a person to read */
};

struct check_options {
    uint64_t exact_ms;     /* a key's search is given up after as long; 0: no
                              exact pass */
    unsigned exact_one_in; /* so many keys; 1: all. Keys that the linear pass
                              finds fault with are always searched too */
};

/* Ops may be in any order. Memory running out aborts. */
void check_history(const struct history *history,
                   const struct check_options *options,
                   struct verdict *verdict);
void verdict_release(struct verdict *verdict);

#endif
