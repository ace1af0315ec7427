/* Random histories, answered by the model: valid as they are, and however their
 * ops are made to overlap; one answer changed, and they are found out. */
#include "tests/lib/model_gen.h"
#include "tests/lib/runner.h"
#include "tests/torture/check.h"

#include "base/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Fences rise by FENCE_STEP at most. */
enum { START_MS = 1000000, NUMBERS = 4096, FENCE_STEP = 3 };

static const struct model_rules rules = {
    .grace_ms = 1000,
    .ttl_ms = 60000,
    .lease_ms_max = 3600000,
};

/* Bytes that were seen, and their numbers. */
struct names {
    struct buf bytes[NUMBERS];
    size_t count;
};

static uint64_t name_of(struct names *names, struct slice bytes)
{
    size_t i = 0;

    while (i < names->count &&
           !slice_equal(buf_slice(&names->bytes[i]), bytes)) {
        i++;
    }
    if (i == names->count) {
        CHECK(i < NUMBERS);
        buf_append_slice(&names->bytes[i], bytes);
        names->count++;
    }
    return i + 1;
}

static void names_release(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        buf_release(&names->bytes[i]);
    }
    names->count = 0;
}

static bool given(const struct command *command, unsigned option)
{
    return (command->given & option) != 0;
}

static void set_asked(struct op *op, const struct command *command,
                      struct names *names)
{
    op->verb = command->verb;
    op->fence = given(command, OPTION_FENCE) ? command->fence : 0;
    op->lease_ms = given(command, OPTION_LEASE) ? command->lease_ms : 0;
    op->ttl_ms = given(command, OPTION_TTL) ? command->ttl_ms : 0;
    op->owner =
        given(command, OPTION_OWNER) ? name_of(names, command->owner) : 0;
    op->fp = given(command, OPTION_FP) ? name_of(names, command->fp) : 0;
    op->receipt =
        command->verb == VERB_COMPLETE ? name_of(names, command->receipt) : 0;
}

static void set_answered(struct op *op, const struct reply *reply,
                         struct names *names)
{
    op_set_answer(op, reply);
    op->got_receipt =
        reply->kind == REPLY_COMPLETED ? name_of(names, reply->receipt) : 0;
    op->got_owner = reply->owner.len > 0 ? name_of(names, reply->owner) : 0;
}

/* One step: asks the model, does it, and writes down what it said. */
static void take_step(struct model *model, const struct model_step *step,
                      struct names *names, struct history *history)
{
    uint64_t fence = model_last_fence(model) + 1 + step->now_ms % FENCE_STEP;
    struct reply reply =
        model_predict(model, step->ns, &step->command, step->now_ms, fence);
    struct op op = {
        .key = (uint32_t)step->identity,
        .called_us = step->now_ms * 1000,
        .ended_us = step->now_ms * 1000,
        .called_seq = history->count * 2 + 1,
        .ended_seq = history->count * 2 + 2,
    };

    set_asked(&op, &step->command, names);
    set_answered(&op, &reply, names);
    history_add(history, &op);
    model_apply(model, step->ns, &step->command, step->now_ms, fence);
}

static void make_history(uint64_t seed, size_t count, struct history *history)
{
    static struct names names;
    struct model_gen_options options = {.seed = seed, .start_ms = START_MS};
    struct model_gen *gen = model_gen_new(&options);
    struct model *model = model_new(&rules);

    *history = (struct history){.rules = {.grace_ms = rules.grace_ms,
                                          .ttl_ms = rules.ttl_ms,
                                          .lease_ms_max = rules.lease_ms_max}};
    for (size_t i = 0; i < count; i++) {
        struct model_step step;

        model_gen_next(gen, model, &step);
        take_step(model, &step, &names, history);
    }
    names_release(&names);
    model_free(model);
    model_gen_free(gen);
}

static void judge(const struct history *history, struct verdict *verdict)
{
    const struct check_options options = {.exact_ms = 20000, .exact_one_in = 1};

    check_history(history, &options, verdict);
}

static void assert_valid(const struct history *history, uint64_t seed)
{
    struct verdict verdict;
    struct slice report;

    judge(history, &verdict);
    report = buf_slice(&verdict.report);
    ck_assert_msg(verdict.valid, "seed %" PRIu64 ": %.*s", seed,
                  (int)report.len, (const char *)report.data);
    ck_assert_msg(verdict.exact_unsure == 0, "seed %" PRIu64 ": %zu unsure",
                  seed, verdict.exact_unsure);
    verdict_release(&verdict);
}

/* --- valid ---------------------------------------------------------------- */

START_TEST(what_the_model_answers_is_valid)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct history history;

        make_history(seed, 1000, &history);
        assert_valid(&history, seed);
        history_release(&history);
    }
}
END_TEST

/* Earlier calls and later ends, by up to `most_ms`; without the numbers, which
 * would say what came first. */
static void widen(struct history *history, struct rng *rng, uint64_t most_ms)
{
    for (size_t i = 0; i < history->count; i++) {
        struct op *op = &history->ops[i];

        op->called_us -= rng_below(rng, most_ms * 1000 + 1);
        op->ended_us += rng_below(rng, most_ms * 1000 + 1);
        op->called_seq = 0;
        op->ended_seq = 0;
    }
}

/* Steps happen at one moment in runs, so that time has to be spread first, or
 * too much overlaps. */
static void spread(struct history *history)
{
    for (size_t i = 0; i < history->count; i++) {
        history->ops[i].called_us += i;
        history->ops[i].ended_us += i;
    }
}

START_TEST(ops_that_are_made_to_overlap_stay_valid)
{
    struct rng rng = {.state = 7};

    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct history history;

        make_history(seed, 150, &history);
        spread(&history);
        widen(&history, &rng, seed % 3 == 0 ? 1000 : 2);
        assert_valid(&history, seed);
        history_release(&history);
    }
}
END_TEST

/* Some answers were lost, and the daemon ended some time later. */
static void lose_answers(struct history *history, struct rng *rng)
{
    for (size_t i = 0; i < history->count; i++) {
        struct op *op = &history->ops[i];
        struct op lost = {
            .key = op->key,
            .verb = op->verb,
            .fence = op->fence,
            .lease_ms = op->lease_ms,
            .ttl_ms = op->ttl_ms,
            .owner = op->owner,
            .fp = op->fp,
            .receipt = op->receipt,
            .called_us = op->called_us,
            .ended_us = op->ended_us + rng_below(rng, 100000),
        };

        if (rng_percent(rng, 5)) {
            *op = lost;
        }
    }
}

START_TEST(lost_answers_stay_valid)
{
    struct rng rng = {.state = 8};

    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct history history;

        make_history(seed, 300, &history);
        spread(&history);
        widen(&history, &rng, 1);
        lose_answers(&history, &rng);
        assert_valid(&history, seed);
        history_release(&history);
    }
}
END_TEST

/* --- mutated -------------------------------------------------------------- */

/* Changes one answer of an op; false if it has none of this kind. */
typedef bool mutate_fn(struct op *op);

static bool other_receipt(struct op *op)
{
    op->got_receipt++;
    return op->kind == REPLY_COMPLETED;
}

static bool lower_fence(struct op *op)
{
    bool has_lower = op->kind == REPLY_CLAIMED && op->got_fence > FENCE_STEP;

    op->got_fence -= FENCE_STEP;
    return has_lower;
}

static bool other_fence(struct op *op)
{
    op->got_fence++;
    return op->got_fence > 1;
}

static bool other_attempt(struct op *op)
{
    op->got_attempt++;
    return op->got_attempt > 1;
}

static bool refused_ok(struct op *op)
{
    bool was_ok = op->kind == REPLY_OK || op->kind == REPLY_EXTENDED;

    op->kind = REPLY_ERROR;
    op->error = E_STALE;
    op->got_lease_ms = 0;
    return was_ok;
}

static bool ok_refused(struct op *op)
{
    bool was_refused = op->kind == REPLY_ERROR &&
                       (op->verb == VERB_COMPLETE || op->verb == VERB_RELEASE);

    op->kind = REPLY_OK;
    op->error = 0;
    return was_refused;
}

static bool not_there(struct op *op)
{
    struct op empty = *op;
    bool was_there = op->verb == VERB_LOOKUP && op->kind != REPLY_NOT_FOUND;

    empty.kind = REPLY_NOT_FOUND;
    empty.got_fence = empty.got_attempt = empty.got_age_ms = 0;
    empty.got_lease_ms = empty.got_retry_ms = empty.got_ttl_ms = 0;
    empty.got_receipt = empty.got_owner = 0;
    *op = empty;
    return was_there;
}

static bool claimed_once_more(struct op *op)
{
    bool was_held = op->verb == VERB_CLAIM &&
                    (op->kind == REPLY_INFLIGHT || op->kind == REPLY_COMPLETED);

    op->kind = REPLY_CLAIMED;
    op->got_fence += 1;
    op->got_attempt = 1;
    op->got_age_ms = op->got_retry_ms = op->got_ttl_ms = 0;
    op->got_receipt = 0;
    op->got_lease_ms = op->lease_ms > 0 ? op->lease_ms : rules.ttl_ms;
    return was_held;
}

static bool older(struct op *op)
{
    op->got_age_ms += 1;
    return op->kind == REPLY_COMPLETED || op->kind == REPLY_INFLIGHT ||
           op->kind == REPLY_EXPIRED;
}

static bool longer_lease(struct op *op)
{
    op->got_lease_ms += 1;
    op->got_retry_ms += op->kind == REPLY_INFLIGHT ? 1 : 0;
    return op->got_lease_ms > 1;
}

/* A fence that is one higher is right where the next one leaves room. */
struct mutation {
    const char *name;
    mutate_fn *mutate;
    unsigned least_percent; /* is caught of those made */
};

static const struct mutation mutations[] = {
    {"other receipt", other_receipt, 100},
    {"lower fence of CLAIMED", lower_fence, 100},
    {"other fence", other_fence, 70},
    {"other attempt", other_attempt, 100},
    {"OK is STALE", refused_ok, 100},
    {"refusal is OK", ok_refused, 100},
    {"state is NOT_FOUND", not_there, 100},
    {"held is CLAIMED", claimed_once_more, 100},
    {"age", older, 100},
    {"lease", longer_lease, 100},
};

static bool is_caught(const struct history *history)
{
    struct verdict verdict;
    bool valid;

    judge(history, &verdict);
    valid = verdict.valid;
    verdict_release(&verdict);
    return !valid;
}

/* Mutates some op that can be; false if there is none. */
static bool mutate_one(struct history *history, struct rng *rng,
                       mutate_fn *mutate)
{
    size_t from = rng_below(rng, history->count);

    for (size_t i = 0; i < history->count; i++) {
        struct op *op = &history->ops[(from + i) % history->count];
        struct op mutated = *op;

        if (mutate(&mutated)) {
            *op = mutated;
            return true;
        }
    }
    return false;
}

static void count_caught(const struct mutation *mutation)
{
    struct rng rng = {.state = 9};
    unsigned made = 0;
    unsigned caught = 0;

    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct history history;

        make_history(seed, 200, &history);
        if (mutate_one(&history, &rng, mutation->mutate)) {
            made++;
            caught += is_caught(&history) ? 1 : 0;
        }
        history_release(&history);
    }
    printf("mutated: %s: %u of %u caught\n", mutation->name, caught, made);
    (void)fflush(stdout);
    ck_assert_uint_gt(made, 0);
    ck_assert_uint_ge(caught * 100, made * mutation->least_percent);
}

START_TEST(changed_answers_are_caught)
{
    for (size_t i = 0; i < sizeof(mutations) / sizeof(mutations[0]); i++) {
        count_caught(&mutations[i]);
    }
}
END_TEST

SUITE(check_random, 120, what_the_model_answers_is_valid,
      ops_that_are_made_to_overlap_stay_valid, lost_answers_stay_valid,
      changed_answers_are_caught)
