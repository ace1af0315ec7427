/* The claims of a key, told apart by their fences, and the fences of all keys.
 *
 * A claim that nobody was told of is an orphan: its fence was shown to somebody
 * else, and some CLAIM whose outcome is unknown must have made it. */
#ifndef TESTS_TORTURE_CHECK_GRANTS_H
#define TESTS_TORTURE_CHECK_GRANTS_H

#include "tests/torture/check_inner.h"

/* Everything borrows the key's ops. */
struct grant {
    uint64_t fence;
    const struct seen *claim; /* that was told; NULL: an orphan */
    const struct seen *first; /* of those that tell of it, what ended first */
    const struct seen *alive; /* the last called that saw its lease run; NULL */
    const struct seen *held;  /* the last called that saw it neither released
                                 nor completed; NULL: the CLAIM alone */
    const struct seen *done;  /* the first ended that saw it completed; NULL */
    uint64_t begin;           /* it was not granted before */
    int64_t begin_us;
};

/* By fence. */
struct grants {
    struct grant *all; /* owned */
    size_t count;
    const struct seen **orphan_claims; /* owned; those that may have made an
                                          orphan, by begin */
    size_t orphan_claims_count;
};

/* The fence that the answer tells of as that of the key's last claim; 0. */
uint64_t told_fence(const struct op *op);

void grants_init(struct grants *grants, const struct key_ops *key);
void grants_release(struct grants *grants);

/* NULL: nothing tells of such a fence. */
const struct grant *grants_find(const struct grants *grants, uint64_t fence);

/* One fence that is known to have been given. */
struct fence {
    uint64_t fence;
    uint32_t key;
    const struct seen *claim; /* NULL: an orphan */
    const struct seen *first; /* by its end it was given */
};

/* Zeroed: none. */
struct fences {
    struct fence *all; /* owned */
    size_t count;
    size_t room;
};

void fences_add(struct fences *fences, const struct fence *fence);
void fences_release(struct fences *fences);

#endif
