/* The generator: it meets every case often enough, within the limits, and the
 * same again. */
#include "tests/lib/command_bytes.h"
#include "tests/lib/model_gen.h"
#include "tests/lib/runner.h"

#include <inttypes.h>
#include <stdlib.h>

enum { STEPS = 100000, OFTEN = 100, ERRORS = STATUS_WIRE_COUNT + 1 };

static const struct model_rules usual_rules = {.grace_ms = 1000,
                                               .ttl_ms = 60000,
                                               .lease_ms_max = 3600000};
static const struct model_gen_options usual_options = {
    .seed = 20, .start_ms = 1000000, .sweeps = true, .receipt_len_max = 100};

/* How often a verb met a state and got an answer; error 0 is none. */
struct tally {
    uint64_t met[VERB_COUNT][MODEL_STATES][REPLY_ERROR + 1][ERRORS];
    uint64_t again;
    uint64_t again_in_grace;
    uint64_t inflight_in_grace;
    uint64_t receipt_in_grace;
    uint64_t retry_1;
    uint64_t later_attempt_of_absent;
    uint64_t empty_receipt;
    uint64_t swept;
};

static void count_special(struct tally *tally, enum model_state state,
                          const struct reply *reply)
{
    bool claimed = reply->kind == REPLY_CLAIMED;
    bool inflight = reply->kind == REPLY_INFLIGHT;
    bool completed = reply->kind == REPLY_COMPLETED;

    tally->again += reply->again;
    tally->again_in_grace += reply->again && reply->lease_ms == 0;
    tally->inflight_in_grace += inflight && reply->lease_ms == 0;
    tally->receipt_in_grace += completed && reply->ttl_ms == 0;
    tally->retry_1 += inflight && reply->retry_ms == 1;
    tally->later_attempt_of_absent +=
        claimed && state == MODEL_ABSENT && reply->attempt > 1;
    tally->empty_receipt += completed && reply->receipt.len == 0;
    tally->swept += reply->swept_expired;
}

static void count(struct tally *tally, enum verb verb, enum model_state state,
                  const struct reply *reply)
{
    int error =
        reply->kind == REPLY_ERROR ? STATUS_WIRE_INDEX(reply->error) + 1 : 0;

    tally->met[verb][state][reply->kind][error]++;
    count_special(tally, state, reply);
}

/* One step of a model that answers itself. */
static void step_alone(struct model_gen *gen, struct model *model,
                       struct tally *tally)
{
    struct model_step step;
    struct model_view view;
    struct reply reply;
    struct err why = {.text = ""};

    model_gen_next(gen, model, &step);
    view = model_view(model, step.ns, step.command.key, step.now_ms);
    reply = model_predict(model, step.ns, &step.command, step.now_ms,
                          model_last_fence(model) + 1);
    count(tally, step.command.verb, view.state, &reply);
    ck_assert_msg(model_check(model, step.ns, &step.command, step.now_ms,
                              &reply, &why),
                  "%s", why.text);
}

static struct tally *run_alone(const struct model_rules *rules,
                               const struct model_gen_options *options)
{
    struct tally *tally = calloc(1, sizeof(*tally));
    struct model *model = model_new(rules);
    struct model_gen *gen = model_gen_new(options);

    ck_assert_ptr_nonnull(tally);
    for (int i = 0; i < STEPS; i++) {
        step_alone(gen, model, tally);
    }
    model_gen_free(gen);
    model_free(model);
    return tally;
}

/* --- distribution --------------------------------------------------------- */

/* Everything that may happen. */
static const struct {
    enum verb verb;
    enum model_state state;
    enum reply_kind kind;
    int error;
} cases[] = {
    {VERB_CLAIM, MODEL_ABSENT, REPLY_CLAIMED, 0},
    {VERB_CLAIM, MODEL_INFLIGHT, REPLY_CLAIMED, 0},
    {VERB_CLAIM, MODEL_INFLIGHT, REPLY_INFLIGHT, 0},
    {VERB_CLAIM, MODEL_INFLIGHT, REPLY_ERROR, E_MISMATCH},
    {VERB_CLAIM, MODEL_EXPIRED, REPLY_CLAIMED, 0},
    {VERB_CLAIM, MODEL_EXPIRED, REPLY_ERROR, E_MISMATCH},
    {VERB_CLAIM, MODEL_COMPLETED, REPLY_COMPLETED, 0},
    {VERB_CLAIM, MODEL_COMPLETED, REPLY_ERROR, E_MISMATCH},
    {VERB_COMPLETE, MODEL_ABSENT, REPLY_ERROR, E_NOT_FOUND},
    {VERB_COMPLETE, MODEL_INFLIGHT, REPLY_OK, 0},
    {VERB_COMPLETE, MODEL_INFLIGHT, REPLY_ERROR, E_STALE},
    {VERB_COMPLETE, MODEL_INFLIGHT, REPLY_ERROR, E_MISMATCH},
    {VERB_COMPLETE, MODEL_INFLIGHT, REPLY_ERROR, E_FENCE_REQUIRED},
    {VERB_COMPLETE, MODEL_EXPIRED, REPLY_OK, 0},
    {VERB_COMPLETE, MODEL_EXPIRED, REPLY_ERROR, E_STALE},
    {VERB_COMPLETE, MODEL_EXPIRED, REPLY_ERROR, E_MISMATCH},
    {VERB_COMPLETE, MODEL_EXPIRED, REPLY_ERROR, E_FENCE_REQUIRED},
    {VERB_COMPLETE, MODEL_COMPLETED, REPLY_OK, 0},
    {VERB_COMPLETE, MODEL_COMPLETED, REPLY_ERROR, E_CONFLICT},
    {VERB_COMPLETE, MODEL_COMPLETED, REPLY_ERROR, E_STALE},
    {VERB_COMPLETE, MODEL_COMPLETED, REPLY_ERROR, E_MISMATCH},
    {VERB_RELEASE, MODEL_ABSENT, REPLY_OK, 0},
    {VERB_RELEASE, MODEL_INFLIGHT, REPLY_OK, 0},
    {VERB_RELEASE, MODEL_INFLIGHT, REPLY_ERROR, E_STALE},
    {VERB_RELEASE, MODEL_INFLIGHT, REPLY_ERROR, E_FENCE_REQUIRED},
    {VERB_RELEASE, MODEL_EXPIRED, REPLY_OK, 0},
    {VERB_RELEASE, MODEL_EXPIRED, REPLY_ERROR, E_STALE},
    {VERB_RELEASE, MODEL_EXPIRED, REPLY_ERROR, E_FENCE_REQUIRED},
    {VERB_RELEASE, MODEL_COMPLETED, REPLY_OK, 0},
    {VERB_EXTEND, MODEL_ABSENT, REPLY_ERROR, E_NOT_FOUND},
    {VERB_EXTEND, MODEL_ABSENT, REPLY_ERROR, E_FENCE_REQUIRED},
    {VERB_EXTEND, MODEL_INFLIGHT, REPLY_EXTENDED, 0},
    {VERB_EXTEND, MODEL_INFLIGHT, REPLY_ERROR, E_STALE},
    {VERB_EXTEND, MODEL_INFLIGHT, REPLY_ERROR, E_FENCE_REQUIRED},
    {VERB_EXTEND, MODEL_EXPIRED, REPLY_EXTENDED, 0},
    {VERB_EXTEND, MODEL_EXPIRED, REPLY_ERROR, E_STALE},
    {VERB_EXTEND, MODEL_EXPIRED, REPLY_ERROR, E_FENCE_REQUIRED},
    {VERB_EXTEND, MODEL_COMPLETED, REPLY_ERROR, E_CONFLICT},
    {VERB_EXTEND, MODEL_COMPLETED, REPLY_ERROR, E_STALE},
    {VERB_EXTEND, MODEL_COMPLETED, REPLY_ERROR, E_FENCE_REQUIRED},
    {VERB_LOOKUP, MODEL_ABSENT, REPLY_NOT_FOUND, 0},
    {VERB_LOOKUP, MODEL_INFLIGHT, REPLY_INFLIGHT, 0},
    {VERB_LOOKUP, MODEL_EXPIRED, REPLY_EXPIRED, 0},
    {VERB_LOOKUP, MODEL_COMPLETED, REPLY_COMPLETED, 0},
    {VERB_SWEEP, MODEL_ABSENT, REPLY_SWEPT, 0},
};

enum { CASES = sizeof(cases) / sizeof(cases[0]) };

START_TEST(every_case_is_met_often)
{
    struct tally *tally = run_alone(&usual_rules, &usual_options);
    uint64_t sum = 0;

    for (size_t i = 0; i < CASES; i++) {
        int error =
            cases[i].error == 0 ? 0 : STATUS_WIRE_INDEX(cases[i].error) + 1;
        uint64_t met =
            tally->met[cases[i].verb][cases[i].state][cases[i].kind][error];

        ck_assert_msg(met >= OFTEN, "case %zu is met %" PRIu64 " times", i,
                      met);
        sum += met;
    }
    /* Nothing happens that is not in the list. */
    ck_assert_uint_eq(sum, STEPS);
    free(tally);
}
END_TEST

START_TEST(edges_are_met_often)
{
    struct tally *tally = run_alone(&usual_rules, &usual_options);

    ck_assert_uint_ge(tally->again, OFTEN);
    ck_assert_uint_ge(tally->again_in_grace, OFTEN);
    ck_assert_uint_ge(tally->inflight_in_grace, OFTEN);
    ck_assert_uint_ge(tally->receipt_in_grace, OFTEN);
    ck_assert_uint_ge(tally->retry_1, OFTEN);
    ck_assert_uint_ge(tally->later_attempt_of_absent, OFTEN);
    ck_assert_uint_ge(tally->empty_receipt, OFTEN);
    ck_assert_uint_ge(tally->swept, OFTEN);
    free(tally);
}
END_TEST

START_TEST(frozen_run_lets_nothing_run_out)
{
    struct model_gen_options options = usual_options;
    struct model_rules rules = usual_rules;
    struct tally *tally;

    options.frozen = true;
    rules.ttl_ms = 86400000;
    rules.lease_ms_max = 86400000;
    tally = run_alone(&rules, &options);
    for (size_t verb = 0; verb < VERB_COUNT; verb++) {
        for (size_t kind = 0; kind <= REPLY_ERROR; kind++) {
            for (size_t error = 0; error < ERRORS; error++) {
                ck_assert_uint_eq(tally->met[verb][MODEL_EXPIRED][kind][error],
                                  0);
            }
        }
    }
    ck_assert_uint_eq(tally->swept, 0);
    free(tally);
}
END_TEST

/* --- one command ---------------------------------------------------------- */

static void check_limits(const struct model_step *step)
{
    const struct command *command = &step->command;

    if (command->verb == VERB_SWEEP) {
        return;
    }
    ck_assert(command->key.len >= 1 && command->key.len <= 512);
    ck_assert(slice_equal(command->key, model_gen_key(step->identity)));
    ck_assert(slice_equal(step->ns, model_gen_ns(step->identity)));
    ck_assert(command->receipt.len <= 100);
    if ((command->given & OPTION_OWNER) != 0) {
        ck_assert(command->owner.len >= 1);
        ck_assert(command->owner.len <= OWNER_BYTES_MAX);
    }
    if ((command->given & OPTION_FP) != 0) {
        ck_assert(command->fp.len >= 1);
        ck_assert(command->fp.len <= FINGERPRINT_BYTES_MAX);
    }
    if ((command->given & OPTION_FENCE) != 0) {
        ck_assert(command->fence >= 1 && command->fence <= FENCE_MAX);
    }
    if ((command->given & OPTION_LEASE) != 0) {
        ck_assert(command->lease_ms >= 1 && command->lease_ms <= 3600000);
    }
    if ((command->given & OPTION_TTL) != 0) {
        ck_assert(command->ttl_ms >= 1 && command->ttl_ms <= 7200000);
    }
}

START_TEST(commands_are_within_the_limits_and_time_never_goes_back)
{
    struct model *model = model_new(&usual_rules);
    struct model_gen_options options = usual_options;
    struct model_gen *gen;
    uint64_t before_ms = 0;

    options.ttl_ms_max = 7200000;
    gen = model_gen_new(&options);
    for (uint64_t i = 1; i <= 20000; i++) {
        struct model_step step;

        model_gen_next(gen, model, &step);
        check_limits(&step);
        ck_assert_uint_ge(step.now_ms, before_ms);
        before_ms = step.now_ms;
        model_apply(model, step.ns, &step.command, step.now_ms, i);
    }
    model_gen_free(gen);
    model_free(model);
}
END_TEST

/* Everything that a run says, as text. */
static struct buf transcript(uint64_t seed)
{
    struct model *model = model_new(&usual_rules);
    struct model_gen_options options = usual_options;
    struct model_gen *gen;
    struct buf text = {0};

    options.seed = seed;
    gen = model_gen_new(&options);
    for (uint64_t i = 1; i <= 2000; i++) {
        struct model_step step;

        model_gen_next(gen, model, &step);
        buf_append_u64(&text, step.now_ms);
        buf_append_slice(&text, step.ns);
        command_line(&text, &step.command);
        model_apply(model, step.ns, &step.command, step.now_ms, i);
    }
    model_gen_free(gen);
    model_free(model);
    ck_assert(!buf_failed(&text));
    return text;
}

START_TEST(same_seed_gives_the_same_run)
{
    struct buf a = transcript(7);
    struct buf b = transcript(7);
    struct buf c = transcript(8);

    ck_assert(slice_equal(buf_slice(&a), buf_slice(&b)));
    ck_assert(!slice_equal(buf_slice(&a), buf_slice(&c)));
    buf_release(&a);
    buf_release(&b);
    buf_release(&c);
}
END_TEST

START_TEST(identities_are_distinct)
{
    for (size_t i = 0; i < MODEL_GEN_IDENTITIES; i++) {
        for (size_t k = 0; k < i; k++) {
            ck_assert(!slice_equal(model_gen_ns(i), model_gen_ns(k)) ||
                      !slice_equal(model_gen_key(i), model_gen_key(k)));
        }
    }
}
END_TEST

/* --- bytes ---------------------------------------------------------------- */

typedef void writer_fn(struct buf *to, const struct command *command);

static void writes(writer_fn *writer, struct command command,
                   const char *expected)
{
    struct buf buf = {0};

    writer(&buf, &command);
    buf_append_byte(&buf, 0);
    ck_assert_str_eq((const char *)buf.data, expected);
    buf_release(&buf);
}

START_TEST(line_quotes_and_escapes)
{
    struct command command = {
        .verb = VERB_COMPLETE,
        .given = OPTION_FENCE | OPTION_TTL | OPTION_FP,
        .key = slice_of("a \"\\\n\r\t\0\x1f\x7f\xff~", 12),
        .receipt = slice_of(NULL, 0),
        .fence = 9007199254740991,
        .ttl_ms = 250,
        .fp = slice_str("f"),
    };

    writes(command_line, command,
           "COMPLETE \"a \\\"\\\\\\n\\r\\t\\x00\\x1f\\x7f\xff~\" \"\""
           " ttl=250 fence=9007199254740991 fp=\"f\"\n");
}
END_TEST

START_TEST(line_has_the_options_that_were_given)
{
    writes(command_line,
           (struct command){.verb = VERB_CLAIM,
                            .given = OPTION_LEASE | OPTION_OWNER,
                            .key = slice_str("k"),
                            .lease_ms = 5,
                            .ttl_ms = 6,
                            .owner = slice_str("o o")},
           "CLAIM \"k\" lease=5 owner=\"o o\"\n");
    writes(command_line, (struct command){.verb = VERB_SWEEP}, "SWEEP\n");
    writes(command_line,
           (struct command){.verb = VERB_NAMESPACE, .name = slice_str("a.b")},
           "NAMESPACE a.b\n");
}
END_TEST

START_TEST(resp_is_an_array_of_words)
{
    writes(command_resp,
           (struct command){.verb = VERB_CLAIM,
                            .given = OPTION_LEASE | OPTION_OWNER,
                            .key = slice_str("k\r\n"),
                            .lease_ms = 500,
                            .owner = slice_str("o o")},
           "*4\r\n$5\r\nCLAIM\r\n$3\r\nk\r\n\r\n$9\r\nlease=500\r\n"
           "$9\r\nowner=o o\r\n");
    writes(command_resp,
           (struct command){.verb = VERB_COMPLETE, .key = slice_str("k")},
           "*3\r\n$8\r\nCOMPLETE\r\n$1\r\nk\r\n$0\r\n\r\n");
    writes(command_resp,
           (struct command){.verb = VERB_NAMESPACE, .name = slice_str("a0")},
           "*2\r\n$9\r\nNAMESPACE\r\n$2\r\na0\r\n");
}
END_TEST

SUITE(model_gen, 60, every_case_is_met_often, edges_are_met_often,
      frozen_run_lets_nothing_run_out,
      commands_are_within_the_limits_and_time_never_goes_back,
      same_seed_gives_the_same_run, identities_are_distinct,
      line_quotes_and_escapes, line_has_the_options_that_were_given,
      resp_is_an_array_of_words)
