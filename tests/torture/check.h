/* Judges a history: whether one dedupd that keeps its promises can have given
 * these answers.
 *
 * Two passes, both a key at a time. The linear one checks rules that need no
 * search, over everything. The exact one looks for an order of the operations
 * that explains every answer (Wing and Gong's search with Lowe's memory of
 * states seen, as Porcupine does it).
 *
 * Never a false alarm: what a daemon that keeps its promises can answer is
 * valid. Where the checker cannot know enough it lets pass, and its files say
 * what. */
#ifndef TESTS_TORTURE_CHECK_H
#define TESTS_TORTURE_CHECK_H

#include "tests/torture/history.h"

/* The one list of what a report can say is broken: X(NAME, sentence). ORDER is
 * the exact pass's, all others are the linear one's. */
#define PROMISE_MAP(X)                                                         \
    X(FOREIGN, "bytes were shown that nobody ever sent")                       \
    X(ANSWER, "no state of the key gives such an answer")                      \
    X(FENCE_TWICE, "a fence was given to two claims")                          \
    X(FENCE_ORDER, "a later claim was given a lower fence")                    \
    X(FENCE_UNKNOWN, "a fence was shown that nobody can have been granted")    \
    X(OLD_FENCE, "a claim came back after a newer one")                        \
    X(CLAIM_CHANGED, "owner or attempt of a claim were shown differently")     \
    X(RECEIPT_CHANGED, "a receipt was replaced")                               \
    X(RECEIPT_UNSENT, "a receipt was shown that was not stored for the claim") \
    X(LOST_COMPLETION, "a completion was lost")                                \
    X(DOUBLE_GRANT, "a second claim was granted inside a lease")               \
    X(LOST_CLAIM, "a claim was lost inside its lease")                         \
    X(LEASE_SHORT, "a lease ended early")                                      \
    X(LEASE_LONG, "a lease went on after its end")                             \
    X(RELEASE_UNDONE, "a released claim came back")                            \
    X(TABLE, "the answer is not that of the state the key is in")              \
    X(ORDER, "no order of the commands explains the answers")

enum promise {
#define X(name, sentence) PROMISE_##name,
    PROMISE_MAP(X)
#undef X
        PROMISES
};

struct verdict {
    bool valid;
    size_t ops; /* looked at by the linear pass */
    size_t keys;
    size_t exact_keys;       /* of them, searched */
    size_t exact_unsure;     /* of those, given up: for time, or because more
                                commands overlap than the search can hold */
    size_t broken[PROMISES]; /* how often each was found broken */
    struct buf report;       /* invalid: which promise, which key, and the ops
                                that show it, for a person to read */
};

struct check_options {
    uint64_t exact_ms;     /* a key's search is given up after as long; 0: no
                              exact pass */
    unsigned exact_one_in; /* so many keys; 1: all; 0: none. Keys that the
                              linear pass finds fault with are always searched
                              too */
};

/* Ops may be in any order. Memory running out aborts. */
void check_history(const struct history *history,
                   const struct check_options *options,
                   struct verdict *verdict);
void verdict_release(struct verdict *verdict);

#endif
