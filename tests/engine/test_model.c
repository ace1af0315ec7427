/* The engine against an independent model: random commands, time that jumps to
 * every boundary, restarts; answer by answer. */
#include "tests/lib/bench.h"
#include "tests/lib/mirror.h"

struct run {
    struct bench bench;
    struct rng rng;
    unsigned restart_percent;
};

static void ask(void *arg, struct slice ns, const struct command *command,
                uint64_t now_ms, struct reply *reply)
{
    struct run *run = arg;

    if (rng_percent(&run->rng, run->restart_percent)) {
        bench_restart(&run->bench);
    }
    bench_at(&run->bench, now_ms);
    *reply = command->verb == VERB_SWEEP
                 ? bench_sweep(&run->bench)
                 : bench_run_in(&run->bench, ns, *command);
}

static void compare(enum store_kind kind, const struct rules *rules,
                    uint64_t seed, uint64_t steps)
{
    struct run run = {.rng = {seed}, .restart_percent = 1};
    struct mirror_system system = {ask, &run};
    struct model_rules model_rules = {
        .grace_ms = rules->grace_ms,
        .ttl_ms = rules->ttl_ms,
        .lease_ms = rules->lease_ms,
        .lease_ms_max = rules->lease_ms_max,
        .require_fence = rules->require_fence,
        .fence_follows_time = true,
    };
    struct model_gen_options options = {
        .seed = seed,
        .start_ms = 1000,
        .ttl_ms_max = 14400000,
        .receipt_len_max = 3000,
        .sweeps = true,
    };
    struct buf report = {0};

    bench_open_rules(&run.bench, kind, rules);
    if (!mirror_run(&model_rules, &options, steps, &system, &report)) {
        ck_abort_msg("%.*s", (int)buf_len(&report),
                     (const char *)buf_slice(&report).data);
    }
    bench_close(&run.bench);
    buf_release(&report);
}

static const struct rules usual = {.grace_ms = 1000,
                                   .ttl_ms = 60000,
                                   .lease_ms_max = 14400000};

START_TEST(engine_agrees_with_the_model)
{
    uint64_t steps = _i >= STORE_FIRST_LASTING ? 4000 : 30000;

    for (uint64_t seed = 1; seed <= 4; seed++) {
        compare((enum store_kind)_i, &usual, seed, steps);
    }
}
END_TEST

START_TEST(engine_agrees_with_the_model_without_grace_and_with_short_leases)
{
    struct rules rules = usual;

    rules.grace_ms = 0;
    rules.lease_ms = 700;
    compare((enum store_kind)_i, &rules, 11, 3000);
}
END_TEST

START_TEST(engine_agrees_with_the_model_where_fences_are_required)
{
    struct rules rules = usual;

    rules.require_fence = true;
    rules.lease_ms_max = 5000;
    compare((enum store_kind)_i, &rules, 12, 3000);
}
END_TEST

SUITE_OF_STORES(
    model, 120, engine_agrees_with_the_model,
    engine_agrees_with_the_model_without_grace_and_with_short_leases,
    engine_agrees_with_the_model_where_fences_are_required)
