/* What one run is like: drawn from its seed, so that some runs have much of
 * what others have none of. */
#ifndef TESTS_SIM_PLAN_H
#define TESTS_SIM_PLAN_H

#include "tests/lib/model_gen.h"

struct plan {
    size_t clients;
    size_t keys;
    size_t hot; /* of them, asked for half of the time */
    uint64_t history;
    uint64_t grace_ms;
    uint64_t ttl_ms;   /* where a CLAIM names none; others lie around it */
    uint64_t lease_ms; /* likewise */
    bool lease_set;    /* of the rules; else a lease is as long as the ttl */
    bool require_fence;
    size_t reply_bytes; /* of receipts that end a turn */
    uint64_t step_us;   /* between two things that happen, about */
    /* Of 1000 turns, sweeps or steps: */
    unsigned cuts, failures, stops, jumps, damages, heals, spaces;
    /* Of 100: */
    unsigned lost, late, retries, edges, sweeps, rivals, reboots, pipelined;
};

void plan_draw(struct plan *plan, struct rng *rng);

#endif
