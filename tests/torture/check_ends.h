/* When a claim may have ended at the earliest: by a RELEASE, or by a COMPLETE
 * and the end of the receipt's ttl.
 *
 * A command ends the claim whose fence it names; one that names none may end
 * any claim that was made without an owner. One that ended before the claim
 * was last seen held did not end it. */
#ifndef TESTS_TORTURE_CHECK_ENDS_H
#define TESTS_TORTURE_CHECK_ENDS_H

#include "tests/torture/check_grants.h"

/* Of one claim. UINT64_MAX, TIME_FAR_US: never. */
struct ending {
    uint64_t release; /* in the order of the run */
    uint64_t complete;
    int64_t gone_us; /* completed, and the receipt's ttl has run out */
};

/* One for each of grants->all, to be freed. */
struct ending *endings_new(const struct history_rules *rules,
                           const struct key_ops *key,
                           const struct grants *grants);

/* The least ttl that a claim of this key may have. */
int64_t least_ttl_us(const struct history_rules *rules,
                     const struct key_ops *key);

/* The ttl of the claim with this fence, as far as it is known. */
int64_t grant_ttl_us(const struct history_rules *rules,
                     const struct grant *grant, int64_t least_us);

#endif
