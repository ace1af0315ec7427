#include "tests/torture/crowd.h"

#include "base/check.h"
#include "tests/lib/model.h"
#include "tests/lib/model_gen.h"

enum { NUMBER_BYTES = 8, START_US = 1000000000, RESTART_US = 100000 };

static const struct model_rules rules = {
    .grace_ms = 1000,
    .ttl_ms = 60000,
    .lease_ms_max = 3600000,
};

/* The bytes that stand for a number in the model. */
struct number {
    uint8_t bytes[NUMBER_BYTES];
};

struct run {
    const struct crowd *crowd;
    struct history *history;
    struct model *model;
    struct rng rng;
    uint64_t now_us;
    uint64_t killed_us;    /* the present life began RESTART_US later */
    uint64_t next_kill_us; /* UINT64_MAX: never */
    uint32_t life;
    struct number key;
    struct number owner;
    struct number fp;
    struct number receipt;
};

static struct slice encode(struct number *number, uint64_t value)
{
    memcpy(number->bytes, &value, NUMBER_BYTES);
    return slice_of(number->bytes, NUMBER_BYTES);
}

static uint64_t decode(struct slice bytes)
{
    uint64_t value = 0;

    CHECK(bytes.len == 0 || bytes.len == NUMBER_BYTES);
    if (bytes.len > 0) {
        memcpy(&value, bytes.data, NUMBER_BYTES);
    }
    return value;
}

/* --- what is asked -------------------------------------------------------- */

static uint32_t pick_key(struct run *run)
{
    bool hot = rng_percent(&run->rng, run->crowd->hot_percent);

    return (uint32_t)rng_below(&run->rng, hot ? 3 : run->crowd->keys);
}

static uint64_t pick_duration(struct run *run, uint64_t most_ms)
{
    return most_ms - rng_below(&run->rng, most_ms / 2 + 1);
}

static void ask_claim(struct run *run, const struct model_view *view,
                      struct op *op)
{
    op->verb = VERB_CLAIM;
    op->lease_ms = pick_duration(run, run->crowd->lease_ms);
    op->ttl_ms =
        rng_percent(&run->rng, 70) ? pick_duration(run, run->crowd->ttl_ms) : 0;
    if (rng_percent(&run->rng, 70)) {
        op->owner = rng_percent(&run->rng, 10) && view->owner.len > 0
                        ? decode(view->owner)
                        : rng_next(&run->rng) / 2 + 1;
    }
    if (rng_percent(&run->rng, 20)) {
        op->fp = 1 + rng_below(&run->rng, 2);
    }
}

static void ask_end(struct run *run, const struct model_view *view,
                    struct op *op)
{
    unsigned draw = (unsigned)rng_below(&run->rng, 10);

    op->verb = draw < 5 ? VERB_COMPLETE : draw < 8 ? VERB_RELEASE : VERB_EXTEND;
    if (rng_percent(&run->rng, 90)) {
        op->fence =
            rng_percent(&run->rng, 90) ? view->fence : view->fence_before;
    }
    if (op->verb == VERB_COMPLETE) {
        op->receipt = rng_percent(&run->rng, 20) && view->receipt.len > 0
                          ? decode(view->receipt)
                          : rng_next(&run->rng) / 2 + 1;
        op->ttl_ms = rng_percent(&run->rng, 50)
                         ? pick_duration(run, run->crowd->ttl_ms)
                         : 0;
    }
    if (op->verb == VERB_EXTEND && rng_percent(&run->rng, 50)) {
        op->lease_ms = pick_duration(run, run->crowd->lease_ms);
    }
}

static void ask(struct run *run, struct op *op)
{
    struct model_view view;
    unsigned draw = (unsigned)rng_below(&run->rng, 100);

    op->key = pick_key(run);
    view = model_view(run->model, slice_str("n"),
                      encode(&run->key, op->key + 1), run->now_us / 1000);
    if (draw < 50) {
        ask_claim(run, &view, op);
    } else if (draw < 85 && view.fence > 0) {
        ask_end(run, &view, op);
    } else {
        op->verb = VERB_LOOKUP;
    }
}

/* --- what is answered ----------------------------------------------------- */

static struct command command_of(struct run *run, const struct op *op)
{
    struct command command = {
        .verb = op->verb,
        .key = encode(&run->key, op->key + 1),
        .owner = encode(&run->owner, op->owner),
        .fp = encode(&run->fp, op->fp),
        .receipt = encode(&run->receipt, op->receipt),
        .fence = op->fence,
        .lease_ms = op->lease_ms,
        .ttl_ms = op->ttl_ms,
    };

    command.given = (op->fence != 0 ? (unsigned)OPTION_FENCE : 0) |
                    (op->owner != 0 ? (unsigned)OPTION_OWNER : 0) |
                    (op->fp != 0 ? (unsigned)OPTION_FP : 0) |
                    (op->lease_ms != 0 ? (unsigned)OPTION_LEASE : 0) |
                    (op->ttl_ms != 0 ? (unsigned)OPTION_TTL : 0);
    return command;
}

static void answer(struct run *run, struct op *op)
{
    struct command command = command_of(run, op);
    uint64_t fence = model_last_fence(run->model) + 1;
    uint64_t now_ms = run->now_us / 1000;
    struct reply reply;

    fence = fence > run->now_us ? fence : run->now_us;
    reply = model_predict(run->model, slice_str("n"), &command, now_ms, fence);
    op->kind = reply.kind;
    op->error = reply.error;
    op->again = reply.again;
    op->got_fence = reply.fence;
    op->got_attempt = reply.attempt;
    op->got_age_ms = reply.age_ms;
    op->got_lease_ms = reply.lease_ms;
    op->got_retry_ms = reply.retry_ms;
    op->got_ttl_ms = reply.ttl_ms;
    op->got_receipt = decode(reply.receipt);
    op->got_owner = decode(reply.owner);
    model_apply(run->model, slice_str("n"), &command, now_ms, fence);
}

static struct op unanswered(const struct op *op, uint64_t ended_us)
{
    struct op lost = *op;

    lost.ended_us = ended_us;
    lost.kind = REPLY_NONE;
    lost.error = 0;
    lost.again = false;
    lost.got_fence = lost.got_attempt = lost.got_age_ms = 0;
    lost.got_lease_ms = lost.got_retry_ms = lost.got_ttl_ms = 0;
    lost.got_receipt = lost.got_owner = 0;
    return lost;
}

/* --- the run -------------------------------------------------------------- */

static uint64_t about(struct run *run, uint64_t us)
{
    return rng_below(&run->rng, us * 2 + 1);
}

static void next_life(struct run *run)
{
    run->killed_us = run->next_kill_us;
    run->next_kill_us += RESTART_US + 1 + about(run, run->crowd->kill_each_us);
    run->now_us = run->killed_us + RESTART_US;
    run->life++;
}

/* What is decided after the kill that it was called before never happens. */
static void run_op(struct run *run)
{
    const struct crowd *crowd = run->crowd;
    uint64_t earliest_us = run->killed_us + (run->life > 0 ? RESTART_US : 0);
    struct op op = {.life = run->life};

    ask(run, &op);
    op.called_us = run->now_us - rng_below(&run->rng, crowd->latency_us + 1);
    op.called_us = op.called_us > earliest_us ? op.called_us : earliest_us;
    op.ended_us = run->now_us + rng_below(&run->rng, crowd->latency_us + 1);
    if (run->now_us <= run->next_kill_us) {
        answer(run, &op);
    }
    if (op.ended_us >= run->next_kill_us) {
        op = unanswered(&op, run->next_kill_us);
    } else if (rng_below(&run->rng, 10000) < crowd->lost_in_10000) {
        uint64_t end_us = op.ended_us + crowd->lost_us;

        op = unanswered(&op, end_us < run->next_kill_us ? end_us
                                                        : run->next_kill_us);
    }
    if (op.called_us <= run->next_kill_us) {
        history_add(run->history, &op);
    }
}

void crowd_run(const struct crowd *crowd, struct history *history)
{
    struct run run = {
        .crowd = crowd,
        .history = history,
        .model = model_new(&rules),
        .rng = {.state = crowd->seed},
        .now_us = START_US,
        .next_kill_us = UINT64_MAX,
    };

    *history = (struct history){.rules = {.grace_ms = rules.grace_ms,
                                          .ttl_ms = rules.ttl_ms,
                                          .lease_ms_max = rules.lease_ms_max}};
    if (crowd->kill_each_us > 0) {
        run.next_kill_us = START_US + about(&run, crowd->kill_each_us);
    }
    while (history->count < crowd->ops) {
        run.now_us += about(&run, crowd->each_us);
        if (run.next_kill_us != UINT64_MAX &&
            run.now_us > run.next_kill_us + crowd->latency_us) {
            next_life(&run);
        }
        run_op(&run);
    }
    model_free(run.model);
}
