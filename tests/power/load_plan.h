/* What the load asks next: a mixture over fresh and hot keys, and over claims
 * that it was told of, in this life or in an earlier one. */
#ifndef TESTS_POWER_LOAD_PLAN_H
#define TESTS_POWER_LOAD_PLAN_H

#include "tests/torture/history.h"

enum { PLAN_CLAIMS_MAX = 1024 };

struct plan_claim {
    uint32_t key;
    uint64_t fence;
    uint64_t owner;
};

struct plan {
    uint64_t random;  /* the seed at first */
    uint32_t life;    /* makes keys, owners and receipts its own */
    uint32_t fresh;   /* keys of this life so far */
    uint64_t numbers; /* owners and receipts of this life so far */
    struct plan_claim claims[PLAN_CLAIMS_MAX];
    size_t claims_count;
};

/* A number below `bound`. */
uint64_t plan_draw(struct plan *plan, uint64_t bound);

/* Everything that is asked in the next op; the rest is 0. */
struct op plan_next(struct plan *plan);

/* Takes note of a claim that an answer tells of. */
void plan_learn(struct plan *plan, const struct op *op);

#endif
