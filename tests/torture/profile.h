/* Kinds of torture: by which durations the clients live, and by which settings
 * the daemon. */
#ifndef TESTS_TORTURE_PROFILE_H
#define TESTS_TORTURE_PROFILE_H

#include "tests/torture/history.h"

/* Durations in milliseconds, each drawn between the two. */
struct profile {
    const char *name;
    uint64_t lease_ms[2];
    uint64_t ttl_ms[2];
    uint64_t grace_ms;
    uint64_t sweep_ms[2]; /* one of the two is the daemon's sweep_interval */
    uint64_t ttl_default_ms;
    uint64_t lease_default_ms;
};

/* long: nothing runs out. short: leases and ttls run out all the time. tiny:
 * most leases are over before their holder comes back. NULL at the end. */
extern const struct profile *const profiles[];

/* NULL: there is none of that name. */
const struct profile *profile_named(const char *name);

/* The rules of a history of it. */
struct history_rules profile_rules(const struct profile *profile);

#endif
