/* What a key is, as far as answers tell, and whether it can give the next
 * answer: the table of the protocol, read a third time, over times that are
 * only known to lie between bounds. */
#ifndef TESTS_TORTURE_CHECK_STATE_H
#define TESTS_TORTURE_CHECK_STATE_H

#include "tests/torture/check_inner.h"

struct span {
    int64_t lo_us;
    int64_t hi_us;
};

enum last { LAST_NONE, LAST_CLAIM, LAST_COMPLETION, LAST_RELEASE };

/* How a reader finds the key. OUT: nothing was ever there, or its ttl has run
 * out. TOMBSTONE: released, and its attempts are still counted. */
enum found {
    FOUND_OUT,
    FOUND_TOMBSTONE,
    FOUND_INFLIGHT,
    FOUND_EXPIRED,
    FOUND_COMPLETED,
    FOUND_KINDS
};

/* The last record of a key, and how late it is. Fields that the record does not
 * have are 0, and all are 8 bytes, so that equal states are equal bytes. */
struct state {
    uint64_t last;       /* enum last */
    uint64_t fence;      /* 0: nobody was told */
    uint64_t fence_over; /* an unknown fence is larger than this */
    uint64_t attempt;
    uint64_t owner;
    uint64_t fp;
    uint64_t receipt;
    uint64_t lease_ms; /* of the claim */
    uint64_t ttl_ms;
    uint64_t extended;
    struct span since;    /* of the claim or completion: what age counts from */
    struct span ttl_from; /* what the ttl counts from */
    struct span lease_end; /* without grace */
    uint64_t since_life;   /* in which the three are bounded; only where time */
    uint64_t ttl_life;     /* leaps between lives */
    uint64_t lease_life;
    int64_t now_us; /* it is not earlier */
};

/* Whether `op`, deciding at some moment from state->now_us and its call to
 * `until_us` and its end, can have found the key so and been answered so; then
 * `next` is what becomes of the key. An op of unknown outcome can if it has an
 * effect: without one it need not be looked at. */
bool state_explains(const struct history_rules *rules,
                    const struct state *state, const struct op *op,
                    enum found found, int64_t until_us, struct state *next);

#endif
