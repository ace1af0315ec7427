/* Which of a few ops can come first, as far as their answers tell without any
 * search: it saves most of the search where many ops overlap. */
#ifndef TESTS_TORTURE_CHECK_ORDER_H
#define TESTS_TORTURE_CHECK_ORDER_H

#include "tests/torture/check_inner.h"

#include <limits.h>

/* What is least among ops that are still to come. */
struct least_told {
    uint64_t fence;  /* UINT64_MAX: none tells of one */
    unsigned phase;  /* of those with that fence */
    uint64_t age_ms; /* of those of that phase; UINT64_MAX: none shows one */
};

#define LEAST_NONE ((struct least_told){UINT64_MAX, UINT_MAX, UINT64_MAX})

void least_add(struct least_told *least, const struct op *op);

/* Another of the ops must come before this one. */
bool must_wait(const struct least_told *least, const struct op *op);

/* Both only read, and whatever state explains the one explains the other: of
 * two that can be next, the one that ended first need only be tried. */
bool are_twins(const struct op *a, const struct op *b);

#endif
