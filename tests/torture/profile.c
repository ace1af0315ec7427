#include "tests/torture/profile.h"

#include <stddef.h>

enum { SECOND_MS = 1000, HOUR_MS = 3600 * SECOND_MS };

static const struct profile profile_long = {
    .name = "long",
    .lease_ms = {HOUR_MS, 2 * HOUR_MS},
    .ttl_ms = {12 * HOUR_MS, 24 * HOUR_MS},
    .grace_ms = SECOND_MS,
    .sweep_ms = {SECOND_MS, 20},
    .ttl_default_ms = 24 * HOUR_MS,
    .lease_default_ms = HOUR_MS,
};

static const struct profile profile_short = {
    .name = "short",
    .lease_ms = {50, 800},
    .ttl_ms = {300, 4000},
    .grace_ms = 100,
    .sweep_ms = {SECOND_MS, 10},
    .ttl_default_ms = 2 * SECOND_MS,
    .lease_default_ms = 500,
};

static const struct profile profile_tiny = {
    .name = "tiny",
    .lease_ms = {1, 30},
    .ttl_ms = {20, 400},
    .grace_ms = 10,
    .sweep_ms = {50, 1},
    .ttl_default_ms = 200,
    .lease_default_ms = 20,
};

const struct profile *const profiles[] = {&profile_long, &profile_short,
                                          &profile_tiny, NULL};

const struct profile *profile_named(const char *name)
{
    size_t i = 0;

    while (profiles[i] != NULL && strcmp(profiles[i]->name, name) != 0) {
        i++;
    }
    return profiles[i];
}

struct history_rules profile_rules(const struct profile *profile)
{
    return (struct history_rules){
        .grace_ms = profile->grace_ms,
        .ttl_ms = profile->ttl_default_ms,
        .lease_ms = profile->lease_default_ms,
    };
}
