#include "tests/power/load_plan.h"

#include "base/banned.h"

enum {
    HOT_KEYS = 32,
    FRESH_KEYS = 200000, /* of a life */
    LEASE_MS = 600000,   /* outlives the run, as the default ttl does */
    SHORT_MS = 300,      /* of leases and ttls that run out in it */
};

uint64_t plan_draw(struct plan *plan, uint64_t bound)
{
    uint64_t z = (plan->random += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % bound;
}

static uint64_t next_number(struct plan *plan)
{
    return ((uint64_t)plan->life + 1) << 32 | ++plan->numbers;
}

static uint32_t draw_hot(struct plan *plan)
{
    return 1 + (uint32_t)plan_draw(plan, HOT_KEYS);
}

static uint32_t next_fresh(struct plan *plan)
{
    return HOT_KEYS + 1 + plan->life * FRESH_KEYS + plan->fresh++ % FRESH_KEYS;
}

static struct op claim(struct plan *plan, uint32_t key)
{
    struct op op = {.verb = VERB_CLAIM, .key = key, .lease_ms = LEASE_MS};

    if (plan_draw(plan, 4) > 0) {
        op.owner = next_number(plan);
    }
    if (plan_draw(plan, 16) == 0) {
        op.lease_ms = SHORT_MS;
        op.ttl_ms = 2 * (uint64_t)SHORT_MS;
    }
    return op;
}

/* Hot keys are to be claimed again soon. */
static struct op complete(struct plan *plan, const struct plan_claim *of)
{
    bool is_short = of->key <= HOT_KEYS || plan_draw(plan, 32) == 0;

    return (struct op){.verb = VERB_COMPLETE,
                       .key = of->key,
                       .fence = of->fence,
                       .receipt = next_number(plan),
                       .ttl_ms = is_short ? SHORT_MS : 0};
}

static struct op on_claim(struct plan *plan, const struct plan_claim *of)
{
    uint64_t drawn = plan_draw(plan, 100);
    struct op op = {.key = of->key, .fence = of->fence};

    if (drawn < 45) {
        return complete(plan, of);
    }
    if (drawn < 60) {
        op.verb = VERB_RELEASE;
    } else if (drawn < 75) {
        op.verb = VERB_EXTEND;
        op.lease_ms = LEASE_MS + plan_draw(plan, LEASE_MS);
    } else if (drawn < 85) {
        op.verb = VERB_LOOKUP;
        op.fence = 0;
    } else if (drawn < 95 || of->fence < 2) {
        op.verb = VERB_CLAIM;
        op.fence = 0;
        op.lease_ms = LEASE_MS;
        op.owner = of->owner;
    } else {
        op.verb = VERB_RELEASE;
        op.fence--; /* stale */
    }
    return op;
}

/* One claim in four may be named again after it was completed or released. */
static void forget_soon(struct plan *plan, size_t at)
{
    if (plan_draw(plan, 4) > 0) {
        plan->claims[at] = plan->claims[--plan->claims_count];
    }
}

struct op plan_next(struct plan *plan)
{
    uint64_t drawn = plan_draw(plan, 100);
    size_t at;
    struct op op;

    if (drawn < 40 || plan->claims_count == 0) {
        return claim(plan, next_fresh(plan));
    }
    if (drawn < 50) {
        return claim(plan, draw_hot(plan));
    }
    at = (size_t)plan_draw(plan, plan->claims_count);
    op = on_claim(plan, &plan->claims[at]);
    if (op.verb == VERB_COMPLETE || op.verb == VERB_RELEASE) {
        forget_soon(plan, at);
    }
    return op;
}

void plan_learn(struct plan *plan, const struct op *op)
{
    struct plan_claim told = {.key = op->key, .fence = op->got_fence};
    size_t at = plan->claims_count;

    if (op->verb == VERB_CLAIM && op->kind == REPLY_CLAIMED) {
        told.owner = op->owner;
    } else if (op->verb == VERB_LOOKUP && op->kind == REPLY_INFLIGHT &&
               op->got_owner != HISTORY_FOREIGN) {
        told.owner = op->got_owner;
    } else {
        return;
    }
    if (at == PLAN_CLAIMS_MAX) {
        at = (size_t)plan_draw(plan, PLAN_CLAIMS_MAX);
    } else {
        plan->claims_count++;
    }
    plan->claims[at] = told;
}
