#include "tests/sim/plan.h"

/* 0 in one run of `none_in`, else up to `most`. */
static unsigned some(struct rng *rng, unsigned none_in, unsigned most)
{
    unsigned drawn = 1 + (unsigned)rng_below(rng, most);

    return rng_below(rng, none_in) == 0 ? 0 : drawn;
}

static uint64_t between(struct rng *rng, uint64_t least, uint64_t most)
{
    return least + rng_below(rng, most - least + 1);
}

static void draw_rules(struct plan *plan, struct rng *rng)
{
    static const uint64_t graces_ms[] = {0, 1, 100, 1000, 1000};

    plan->history = between(rng, 2, 5);
    plan->grace_ms = graces_ms[rng_below(rng, 5)];
    plan->ttl_ms = between(rng, 1, 60) * 1000;
    plan->lease_ms = plan->ttl_ms / between(rng, 1, 8);
    plan->lease_set = rng_percent(rng, 70);
    plan->require_fence = rng_percent(rng, 10);
}

static void draw_faults(struct plan *plan, struct rng *rng)
{
    plan->cuts = some(rng, 5, 25);
    plan->failures = some(rng, 3, 10);
    plan->stops = some(rng, 3, 10);
    plan->jumps = some(rng, 2, 10);
    plan->spaces = some(rng, 3, 10);
    plan->reboots = some(rng, 2, 70);
    plan->rivals = rng_percent(rng, 40) ? (unsigned)between(rng, 5, 60) : 0;
    /* A row that the one reads from memory, the other from the disk, has two
     * right answers. */
    plan->damages = plan->rivals > 0 ? 0 : some(rng, 2, 15);
    plan->heals = (unsigned)between(rng, 5, 50);
}

void plan_draw(struct plan *plan, struct rng *rng)
{
    *plan = (struct plan){
        .clients = between(rng, 2, 10),
        .keys = between(rng, 2, 24),
        .hot = between(rng, 1, 2),
    };
    draw_rules(plan, rng);
    draw_faults(plan, rng);
    plan->reply_bytes =
        rng_percent(rng, 70) ? SIZE_MAX : (size_t)between(rng, 1, 500);
    plan->step_us = plan->lease_ms * 1000 / between(rng, 2, 60) + 1;
    plan->lost = some(rng, 4, 15);
    plan->late = some(rng, 4, 60);
    plan->retries = (unsigned)between(rng, 50, 95);
    plan->edges = some(rng, 4, 40);
    plan->sweeps = some(rng, 5, 50);
    plan->pipelined = some(rng, 2, 30);
}
