/* A daemon whose calls on its data directory fail by plan. */
#ifndef TESTS_FAULTS_PLAN_H
#define TESTS_FAULTS_PLAN_H

#include "tests/faults/preload/fail_plan.h"
#include "tests/lib/daemon.h"

/* False, and says so, where the daemon cannot be run with a preloaded
 * library. */
bool plan_is_possible(void);

/* A plan for the site's data directory, shared with the daemons that are
 * started on it; nothing fails yet. */
struct fail_plan *plan_make(const struct site *site);
void plan_free(struct fail_plan *plan);

/* Nothing fails and nothing is counted. */
void plan_reset(struct fail_plan *plan);

/* The nth call from the last reset on fails, or all from then on. */
void plan_fail(struct fail_plan *plan, enum fail_call call, int error,
               uint64_t nth, bool lasting);

uint64_t plan_count(const struct fail_plan *plan, enum fail_call call);
bool plan_has_failed(const struct fail_plan *plan);

const char *fail_call_name(enum fail_call call);

/* Starts a daemon under the plan, without waiting. */
void plan_spawn(struct daemon *daemon, const struct site *site,
                const char *const options[]);

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t now_ns(void);

#endif
