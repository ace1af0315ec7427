/* The model as a judge: right answers pass, every wrong field is named. */
#include "tests/engine/model_cases.h"
#include "tests/lib/mirror.h"
#include "tests/lib/runner.h"

static const struct slice ns = {.data = (const uint8_t *)"default", .len = 7};

/* Fails unless the model refuses the answer for a reason that has `word`. */
static void refused(struct command command, uint64_t now_ms,
                    struct reply actual, const char *word)
{
    struct err why = {.text = ""};

    command.key = TEXT("key");
    ck_assert(!model_check(m, ns, &command, now_ms, &actual, &why));
    ck_assert_msg(strstr(why.text, word) != NULL, "%s", why.text);
}

static void accepted(struct command command, uint64_t now_ms,
                     struct reply actual)
{
    struct err why = {.text = ""};

    command.key = TEXT("key");
    ck_assert_msg(model_check(m, ns, &command, now_ms, &actual, &why), "%s",
                  why.text);
}

#define CMD(...) ((struct command){.verb = VERB_##__VA_ARGS__})
#define REP(...) ((struct reply){.kind = REPLY_##__VA_ARGS__})

START_TEST(fresh_fence_must_be_larger_than_all_before)
{
    begin(&usual);
    refused(CMD(CLAIM), 0, REP(CLAIMED, .lease_ms = 60000, .attempt = 1),
            "not larger");
    accepted(CMD(CLAIM), 0,
             REP(CLAIMED, .fence = 7, .lease_ms = 60000, .attempt = 1));
    accepted(CMD(RELEASE), 0, REP(OK));
    for (uint64_t fence = 6; fence <= 7; fence++) {
        refused(CMD(CLAIM), 0,
                REP(CLAIMED, .fence = fence, .lease_ms = 60000, .attempt = 2),
                "not larger");
    }
    accepted(CMD(CLAIM), 0,
             REP(CLAIMED, .fence = 8, .lease_ms = 60000, .attempt = 2));
    ck_assert_uint_eq(model_last_fence(m), 8);
    end();
}
END_TEST

START_TEST(fresh_fence_must_be_within_bounds)
{
    begin(&usual);
    refused(CMD(CLAIM), 0,
            REP(CLAIMED, .fence = FENCE_MAX + 1, .lease_ms = 60000,
                .attempt = 1),
            "2^53");
    accepted(CMD(CLAIM), 0,
             REP(CLAIMED, .fence = FENCE_MAX, .lease_ms = 60000, .attempt = 1));
    end();
}
END_TEST

START_TEST(fresh_fence_follows_the_time_where_that_is_known)
{
    struct model_rules rules = usual;

    rules.fence_follows_time = true;
    begin(&rules);
    refused(CMD(CLAIM), 5,
            REP(CLAIMED, .fence = 4999, .lease_ms = 60000, .attempt = 1),
            "before the time");
    accepted(CMD(CLAIM), 5,
             REP(CLAIMED, .fence = 5000, .lease_ms = 60000, .attempt = 1));
    end();
}
END_TEST

START_TEST(every_wrong_field_of_a_held_key_is_named)
{
    struct reply right =
        REP(INFLIGHT, .fence = 1, .age_ms = 10, .lease_ms = 59990,
            .retry_ms = 60991, .attempt = 1, .owner = TEXT("x"));
    struct reply wrong = right;

    begin(&usual);
    DO(0, CLAIM, .owner = TEXT("x"));
    refused(CMD(LOOKUP), 10, REP(NOT_FOUND), "NOT_FOUND, should be INFLIGHT");
    refused(CMD(LOOKUP), 10, reply_error(E_BUSY), "ERR BUSY");
    wrong.fence = 2;
    refused(CMD(LOOKUP), 10, wrong, "fence is 2, should be 1");
    wrong = right;
    wrong.age_ms++;
    refused(CMD(LOOKUP), 10, wrong, "age");
    wrong = right;
    wrong.lease_ms++;
    refused(CMD(LOOKUP), 10, wrong, "lease");
    wrong = right;
    wrong.retry_ms--;
    refused(CMD(LOOKUP), 10, wrong, "retry");
    wrong = right;
    wrong.attempt++;
    refused(CMD(LOOKUP), 10, wrong, "attempt");
    wrong = right;
    wrong.owner = TEXT("y");
    refused(CMD(LOOKUP), 10, wrong, "owner");
    wrong = right;
    wrong.ttl_ms = 1;
    refused(CMD(LOOKUP), 10, wrong, "ttl");
    wrong = right;
    wrong.again = true;
    refused(CMD(LOOKUP), 10, wrong, "again");
    wrong = right;
    wrong.swept_scanned = 1;
    refused(CMD(LOOKUP), 10, wrong, "scanned");
    accepted(CMD(LOOKUP), 10, right);
    end();
}
END_TEST

START_TEST(other_receipt_and_other_error_are_named)
{
    struct command other = CMD(COMPLETE, RECEIPT("s"));
    struct reply right =
        REP(COMPLETED, .fence = 1, .ttl_ms = 60000, .receipt = TEXT("a\0b"));
    struct reply wrong = right;

    begin(&usual);
    DO(0, CLAIM);
    DO(0, COMPLETE, RECEIPT("a\0b"));
    wrong.receipt = TEXT("a\0c");
    refused(CMD(LOOKUP), 0, wrong, "receipt");
    wrong.receipt = TEXT("a");
    refused(CMD(LOOKUP), 0, wrong, "receipt");
    accepted(CMD(LOOKUP), 0, right);
    refused(other, 0, reply_error(E_STALE),
            "ERR STALE, should be ERR CONFLICT");
    refused(other, 0, REP(OK), "OK, should be ERR CONFLICT");
    accepted(other, 0, reply_error(E_CONFLICT));
    end();
}
END_TEST

START_TEST(refused_answer_changes_nothing)
{
    begin(&usual);
    DO(0, CLAIM);
    refused(CMD(RELEASE), 0, reply_error(E_BUSY), "should be OK");
    is(DO(0, LOOKUP), REPLY_INFLIGHT);
    refused(CMD(SWEEP), 61001, REP(SWEPT), "expired is 0, should be 1");
    ck_assert_uint_eq(model_due(m, 61001), 1);
    end();
}
END_TEST

START_TEST(sweep_must_add_up)
{
    begin(&usual);
    DO(0, CLAIM);
    refused(CMD(SWEEP), 61001,
            REP(SWEPT, .swept_scanned = 2, .swept_expired = 1), "scanned");
    accepted(CMD(SWEEP), 61001,
             REP(SWEPT, .swept_scanned = 3, .swept_expired = 1,
                 .swept_retained = 2));
    accepted(CMD(SWEEP), 61001, REP(SWEPT));
    end();
}
END_TEST

START_TEST(commands_without_a_key_have_their_answers)
{
    begin(&usual);
    accepted(CMD(PING), 0, REP(PONG));
    accepted(CMD(QUIT), 0, REP(BYE));
    accepted(CMD(STATS), 0, REP(STATS));
    accepted(CMD(HELP), 0, REP(HELP));
    accepted(CMD(NAMESPACE), 0, REP(OK));
    refused(CMD(PING), 0, REP(OK), "OK, should be PONG");
    end();
}
END_TEST

static bool masked(struct command command, uint64_t now_ms, struct reply actual)
{
    command.key = TEXT("key");
    return model_check_masked(m, ns, &command, now_ms, &actual, NULL);
}

START_TEST(masked_check_forgives_times_alone)
{
    begin(&usual);
    ck_assert(!masked(CMD(CLAIM), 0,
                      REP(CLAIMED, .fence = 1, .lease_ms = 1, .attempt = 1)));
    ck_assert(
        masked(CMD(CLAIM), 0,
               REP(CLAIMED, .fence = 1, .lease_ms = 60000, .attempt = 1)));
    ck_assert(masked(CMD(CLAIM), 0,
                     REP(INFLIGHT, .fence = 1, .lease_ms = 9, .age_ms = 9,
                         .retry_ms = 9, .attempt = 1)));
    ck_assert(!masked(CMD(CLAIM), 0, REP(INFLIGHT, .fence = 1, .attempt = 2)));
    ck_assert(!masked(CMD(CLAIM), 0, REP(INFLIGHT, .fence = 2, .attempt = 1)));
    ck_assert(masked(CMD(SWEEP), 0, REP(SWEPT)));
    ck_assert(!masked(CMD(SWEEP), 0,
                      REP(SWEPT, .swept_scanned = 1, .swept_expired = 1)));
    end();
}
END_TEST

/* --- mirror --------------------------------------------------------------- */

/* A second model as the system; it may lie once. */
struct twin {
    struct model *model;
    uint64_t asked;
    uint64_t lie_at;
    uint64_t fence;
};

static void twin_ask(void *arg, struct slice in, const struct command *command,
                     uint64_t now_ms, struct reply *reply)
{
    struct twin *twin = arg;
    uint64_t fence = twin->fence + 1 + twin->asked % 3;

    *reply = model_predict(twin->model, in, command, now_ms, fence);
    if (reply->kind == REPLY_CLAIMED && !reply->again) {
        twin->fence = fence;
    }
    model_apply(twin->model, in, command, now_ms, fence);
    if (twin->asked++ == twin->lie_at) {
        reply->attempt += 1000;
    }
}

static bool run_twin(const struct model_gen_options *options, uint64_t steps,
                     uint64_t lie_at, struct buf *report)
{
    struct twin twin = {.model = model_new(&usual), .lie_at = lie_at};
    struct mirror_system system = {.ask = twin_ask, .arg = &twin};
    bool agreed = mirror_run(&usual, options, steps, &system, report);

    model_free(twin.model);
    return agreed;
}

START_TEST(mirror_of_a_twin_agrees)
{
    struct model_gen_options options = {
        .seed = 1, .start_ms = 1000, .sweeps = true, .receipt_len_max = 300};
    struct buf report = {0};

    ck_assert(run_twin(&options, 20000, UINT64_MAX, &report));
    ck_assert_uint_eq(buf_len(&report), 0);
}
END_TEST

START_TEST(mirror_reports_the_first_lie)
{
    struct model_gen_options options = {.seed = 42, .start_ms = 1000};
    struct buf report = {0};

    ck_assert(!run_twin(&options, 20000, 777, &report));
    buf_append_byte(&report, 0);
    ck_assert(!buf_failed(&report));
    ck_assert_ptr_nonnull(
        strstr((const char *)report.data, "seed 42, step 777;"));
    ck_assert_ptr_nonnull(strstr((const char *)report.data, "attempt is 1"));
    buf_release(&report);
}
END_TEST

SUITE(model_check, 30, fresh_fence_must_be_larger_than_all_before,
      fresh_fence_must_be_within_bounds,
      fresh_fence_follows_the_time_where_that_is_known,
      every_wrong_field_of_a_held_key_is_named,
      other_receipt_and_other_error_are_named, refused_answer_changes_nothing,
      sweep_must_add_up, commands_without_a_key_have_their_answers,
      masked_check_forgives_times_alone, mirror_of_a_twin_agrees,
      mirror_reports_the_first_lie)
