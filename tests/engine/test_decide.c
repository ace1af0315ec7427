#include "engine/decide.h"

#include "base/units.h"
#include "tests/lib/runner.h"

enum { GRACE_MS = 1000, TTL_MS = 60000, LEASE_MS = 10000, T0_MS = 1000 };

static const struct rules rules = {
    .grace_ms = GRACE_MS,
    .ttl_ms = TTL_MS,
    .lease_ms_max = 3600000,
};

static struct situation at(uint64_t now_ms)
{
    return (struct situation){.rules = &rules,
                              .now_ms = now_ms,
                              .next_fence = now_ms * 1000 + 7};
}

static const struct head absent = {.next = 0};

/* A claim made at T0_MS with LEASE_MS and TTL_MS. */
static struct head claimed(void)
{
    return (struct head){
        .next = 1,
        .record = {.type = RECORD_CLAIM,
                   .fence = 500,
                   .attempt = 3,
                   .at_ms = T0_MS,
                   .ttl_ms = TTL_MS,
                   .claimed_ms = T0_MS,
                   .lease_ms = LEASE_MS,
                   .lease_end_ms = T0_MS + LEASE_MS},
    };
}

static struct head completed(void)
{
    return (struct head){
        .next = 2,
        .record = {.type = RECORD_COMPLETION,
                   .fence = 500,
                   .attempt = 3,
                   .at_ms = T0_MS,
                   .ttl_ms = TTL_MS,
                   .receipt = slice_str("done")},
    };
}

static struct head released(void)
{
    struct head head = completed();

    head.record.type = RECORD_RELEASE;
    head.record.receipt = slice_of(NULL, 0);
    return head;
}

static struct command command(enum verb verb, unsigned given)
{
    return (struct command){.verb = verb,
                            .given = given,
                            .key = slice_str("k"),
                            .receipt = slice_str("done"),
                            .fence = 500,
                            .owner = slice_str("me"),
                            .fp = slice_str("print"),
                            .lease_ms = 5000,
                            .ttl_ms = 30000};
}

static struct decision run(uint64_t now_ms, struct head head, enum verb verb,
                           unsigned given)
{
    struct situation situation = at(now_ms);
    struct command c = command(verb, given);

    return decide(&situation, &head, &c);
}

#define ck_error(made, status)                                                 \
    do {                                                                       \
        struct decision decision_ = (made);                                    \
        ck_assert_int_eq(decision_.reply.kind, REPLY_ERROR);                   \
        ck_assert_str_eq(status_name(decision_.reply.error),                   \
                         status_name(status));                                 \
        ck_assert(!decision_.append);                                          \
    } while (0)

#define ck_kind(made, kind_, append_)                                          \
    do {                                                                       \
        struct decision decision_ = (made);                                    \
        ck_assert_int_eq(decision_.reply.kind, kind_);                         \
        ck_assert(decision_.append == (append_));                              \
    } while (0)

START_TEST(duration_runs_out_after_its_end_and_the_grace)
{
    ck_assert(!has_run_out(62000, 1000, 60000, 1000));
    ck_assert(has_run_out(62001, 1000, 60000, 1000));
    ck_assert(!has_run_out(UINT64_MAX, 1000, UINT64_MAX, 1000));
    ck_assert(!has_run_out(UINT64_MAX, 1000, UINT64_MAX - 1500, 1000));
    ck_assert(has_run_out(1, 0, 0, 0));
    ck_assert(!has_run_out(0, 0, 0, 0));
}
END_TEST

START_TEST(states_change_one_millisecond_after_the_grace)
{
    struct head claim = claimed();
    struct head receipt = completed();

    ck_assert_int_eq(key_state(&absent, 0, GRACE_MS), KEY_ABSENT);
    ck_assert_int_eq(key_state(&claim, 12000, GRACE_MS), KEY_INFLIGHT);
    ck_assert_int_eq(key_state(&claim, 12001, GRACE_MS), KEY_EXPIRED);
    ck_assert_int_eq(key_state(&claim, 62000, GRACE_MS), KEY_EXPIRED);
    ck_assert_int_eq(key_state(&claim, 62001, GRACE_MS), KEY_ABSENT);
    ck_assert_int_eq(key_state(&receipt, 62000, GRACE_MS), KEY_COMPLETED);
    ck_assert_int_eq(key_state(&receipt, 62001, GRACE_MS), KEY_ABSENT);
}
END_TEST

START_TEST(claim_of_absent_key_gets_the_next_fence_and_attempt_one)
{
    struct decision d = run(5000, absent, VERB_CLAIM, 0);

    ck_kind(d, REPLY_CLAIMED, true);
    ck_assert_uint_eq(d.reply.fence, 5000007);
    ck_assert_uint_eq(d.reply.attempt, 1);
    ck_assert_uint_eq(d.reply.lease_ms, TTL_MS); /* as long as the ttl */
    ck_assert(!d.reply.again);
    ck_assert_uint_eq(d.record.at_ms, 5000);
    ck_assert_uint_eq(d.record.ttl_ms, TTL_MS);
    ck_assert_uint_eq(d.record.lease_end_ms, 65000);
}
END_TEST

START_TEST(lease_is_cut_to_the_ttl_and_to_the_largest_lease)
{
    struct situation situation = at(5000);
    struct rules short_leases = rules;
    struct command c = command(VERB_CLAIM, OPTION_LEASE | OPTION_TTL);
    struct decision d;

    c.lease_ms = 40000;
    d = decide(&situation, &absent, &c);
    ck_assert_uint_eq(d.reply.lease_ms, 30000);
    short_leases.lease_ms_max = 2000;
    situation.rules = &short_leases;
    c.given = 0;
    d = decide(&situation, &absent, &c);
    ck_assert_uint_eq(d.reply.lease_ms, 2000);
}
END_TEST

START_TEST(configured_lease_applies_where_a_claim_names_none)
{
    struct situation situation = at(5000);
    struct rules with_lease = rules;
    struct command c = command(VERB_CLAIM, 0);

    with_lease.lease_ms = 7000;
    situation.rules = &with_lease;
    ck_assert_uint_eq(decide(&situation, &absent, &c).reply.lease_ms, 7000);
    c.given = OPTION_LEASE;
    ck_assert_uint_eq(decide(&situation, &absent, &c).reply.lease_ms, 5000);
}
END_TEST

START_TEST(claim_of_released_key_counts_the_attempt_while_the_tombstone_lives)
{
    ck_assert_uint_eq(run(62000, released(), VERB_CLAIM, 0).reply.attempt, 4);
    ck_assert_uint_eq(run(62001, released(), VERB_CLAIM, 0).reply.attempt, 1);
}
END_TEST

START_TEST(claim_of_expired_key_takes_over_with_a_higher_fence)
{
    struct decision d = run(12001, claimed(), VERB_CLAIM, 0);

    ck_kind(d, REPLY_CLAIMED, true);
    ck_assert_uint_eq(d.reply.attempt, 4);
    ck_assert_uint_gt(d.reply.fence, 500);
}
END_TEST

START_TEST(claim_after_the_ttl_of_an_unfinished_one_starts_anew)
{
    ck_assert_uint_eq(run(62001, claimed(), VERB_CLAIM, 0).reply.attempt, 1);
}
END_TEST

START_TEST(inflight_says_when_a_claim_can_succeed)
{
    struct decision d = run(3000, claimed(), VERB_CLAIM, 0);

    ck_kind(d, REPLY_INFLIGHT, false);
    ck_assert_uint_eq(d.reply.age_ms, 2000);
    ck_assert_uint_eq(d.reply.lease_ms, 8000);
    ck_assert_uint_eq(d.reply.retry_ms, 9001);
    ck_assert_uint_eq(d.reply.attempt, 3);
    ck_assert_uint_eq(d.reply.owner.len, 0);
    d = run(12000, claimed(), VERB_CLAIM, 0);
    ck_assert_uint_eq(d.reply.lease_ms, 0);
    ck_assert_uint_eq(d.reply.retry_ms, 1);
}
END_TEST

START_TEST(same_owner_is_told_claimed_again_and_nothing_is_written)
{
    struct head head = claimed();
    struct decision d;

    head.record.owner = slice_str("me");
    d = run(3000, head, VERB_CLAIM, OPTION_OWNER);
    ck_kind(d, REPLY_CLAIMED, false);
    ck_assert(d.reply.again);
    ck_assert_uint_eq(d.reply.fence, 500);
    ck_assert_uint_eq(d.reply.lease_ms, 8000);
    ck_assert_uint_eq(d.reply.attempt, 3);
    ck_kind(run(3000, head, VERB_CLAIM, 0), REPLY_INFLIGHT, false);
    ck_kind(run(3000, claimed(), VERB_CLAIM, OPTION_OWNER), REPLY_INFLIGHT,
            false);
    head.record.owner = slice_str("me2");
    ck_kind(run(3000, head, VERB_CLAIM, OPTION_OWNER), REPLY_INFLIGHT, false);
}
END_TEST

START_TEST(owner_of_an_expired_claim_claims_like_anybody)
{
    struct head head = claimed();
    struct decision d;

    head.record.owner = slice_str("me");
    d = run(12001, head, VERB_CLAIM, OPTION_OWNER);
    ck_kind(d, REPLY_CLAIMED, true);
    ck_assert(!d.reply.again);
    ck_assert_uint_eq(d.reply.attempt, 4);
}
END_TEST

START_TEST(completion_keeps_ttl_fence_attempt_and_fingerprint_of_the_claim)
{
    struct head head = claimed();
    struct decision d;

    head.record.fp = slice_str("print");
    d = run(3000, head, VERB_COMPLETE, OPTION_FENCE);
    ck_kind(d, REPLY_OK, true);
    ck_assert_int_eq(d.record.type, RECORD_COMPLETION);
    ck_assert_uint_eq(d.record.fence, 500);
    ck_assert_uint_eq(d.record.attempt, 3);
    ck_assert_uint_eq(d.record.at_ms, 3000);
    ck_assert_uint_eq(d.record.ttl_ms, TTL_MS);
    ck_assert(slice_equal(d.record.fp, slice_str("print")));
    ck_assert(slice_equal(d.record.receipt, slice_str("done")));
    ck_assert_uint_eq(d.record.owner.len, 0);
    d = run(3000, claimed(), VERB_COMPLETE, OPTION_TTL | OPTION_FP);
    ck_assert_uint_eq(d.record.ttl_ms, 30000);
    ck_assert_uint_eq(d.record.fp.len, 0); /* COMPLETE stores none */
}
END_TEST

START_TEST(late_completion_succeeds_while_nobody_else_took_the_key)
{
    ck_kind(run(62000, claimed(), VERB_COMPLETE, OPTION_FENCE), REPLY_OK, true);
    ck_error(run(62001, claimed(), VERB_COMPLETE, OPTION_FENCE), E_NOT_FOUND);
}
END_TEST

START_TEST(first_receipt_wins)
{
    struct head head = completed();

    ck_kind(run(3000, head, VERB_COMPLETE, 0), REPLY_OK, false);
    head.record.receipt = slice_str("other");
    ck_error(run(3000, head, VERB_COMPLETE, 0), E_CONFLICT);
    head.record.receipt = slice_of(NULL, 0);
    ck_error(run(3000, head, VERB_COMPLETE, 0), E_CONFLICT);
}
END_TEST

START_TEST(release_frees_a_claim_and_never_a_receipt)
{
    struct decision d = run(3000, claimed(), VERB_RELEASE, OPTION_FENCE);

    ck_kind(d, REPLY_OK, true);
    ck_assert_int_eq(d.record.type, RECORD_RELEASE);
    ck_assert_uint_eq(d.record.at_ms, 3000);
    ck_assert_uint_eq(d.record.ttl_ms, TTL_MS);
    ck_kind(run(3000, completed(), VERB_RELEASE, 0), REPLY_OK, false);
    ck_kind(run(3000, absent, VERB_RELEASE, OPTION_FENCE), REPLY_OK, false);
    ck_kind(run(3000, released(), VERB_RELEASE, OPTION_FENCE), REPLY_OK, false);
}
END_TEST

START_TEST(extend_never_shortens_and_restarts_the_ttl)
{
    struct head head = claimed();
    struct decision d = run(3000, head, VERB_EXTEND, OPTION_FENCE);

    ck_kind(d, REPLY_EXTENDED, true);
    ck_assert_uint_eq(d.reply.lease_ms, LEASE_MS); /* the claim's own lease */
    ck_assert_uint_eq(d.record.at_ms, 3000);
    ck_assert_uint_eq(d.record.claimed_ms, T0_MS);
    ck_assert_uint_eq(d.record.lease_end_ms, 13000);
    head.record = d.record;
    d = run(3001, head, VERB_EXTEND, OPTION_FENCE | OPTION_LEASE); /* 5 s */
    ck_assert_uint_eq(d.record.lease_end_ms, 13000);
    ck_assert_uint_eq(d.reply.lease_ms, 9999);
    ck_assert_uint_eq(d.record.lease_ms, LEASE_MS);
}
END_TEST

START_TEST(extend_is_cut_to_the_ttl_from_now)
{
    struct situation situation = at(3000);
    struct head head = claimed();
    struct command c = command(VERB_EXTEND, OPTION_FENCE | OPTION_LEASE);

    c.lease_ms = 3600000;
    ck_assert_uint_eq(decide(&situation, &head, &c).reply.lease_ms, TTL_MS);
}
END_TEST

START_TEST(extend_revives_an_expired_claim_that_nobody_took)
{
    struct decision d = run(20000, claimed(), VERB_EXTEND, OPTION_FENCE);

    ck_kind(d, REPLY_EXTENDED, true);
    ck_assert_uint_eq(d.record.lease_end_ms, 30000);
}
END_TEST

START_TEST(extend_of_nothing_or_of_a_receipt_fails)
{
    ck_error(run(3000, absent, VERB_EXTEND, OPTION_FENCE), E_NOT_FOUND);
    ck_error(run(3000, released(), VERB_EXTEND, OPTION_FENCE), E_NOT_FOUND);
    ck_error(run(3000, completed(), VERB_EXTEND, OPTION_FENCE), E_CONFLICT);
}
END_TEST

START_TEST(extend_needs_a_fence_whatever_the_state)
{
    struct head corrupt = {.status = E_CORRUPT};

    ck_error(run(3000, absent, VERB_EXTEND, 0), E_FENCE_REQUIRED);
    ck_error(run(3000, claimed(), VERB_EXTEND, 0), E_FENCE_REQUIRED);
    ck_error(run(3000, corrupt, VERB_EXTEND, 0), E_FENCE_REQUIRED);
    ck_error(run(3000, corrupt, VERB_EXTEND, OPTION_FENCE), E_CORRUPT);
}
END_TEST

START_TEST(unreadable_key_is_never_absent)
{
    struct head corrupt = {.status = E_CORRUPT};

    ck_error(run(3000, corrupt, VERB_CLAIM, 0), E_CORRUPT);
    ck_error(run(3000, corrupt, VERB_LOOKUP, 0), E_CORRUPT);
    ck_error(run(3000, corrupt, VERB_COMPLETE, 0), E_CORRUPT);
    ck_error(run(3000, corrupt, VERB_RELEASE, 0), E_CORRUPT);
}
END_TEST

START_TEST(wrong_fence_is_stale_but_for_release_of_a_receipt)
{
    struct head claim = claimed();
    struct head receipt = completed();

    claim.record.fence = 501;
    receipt.record.fence = 501;
    ck_error(run(3000, claim, VERB_COMPLETE, OPTION_FENCE), E_STALE);
    ck_error(run(3000, claim, VERB_RELEASE, OPTION_FENCE), E_STALE);
    ck_error(run(3000, claim, VERB_EXTEND, OPTION_FENCE), E_STALE);
    ck_error(run(20000, claim, VERB_COMPLETE, OPTION_FENCE), E_STALE);
    ck_error(run(3000, receipt, VERB_COMPLETE, OPTION_FENCE), E_STALE);
    ck_error(run(3000, receipt, VERB_EXTEND, OPTION_FENCE), E_STALE);
    ck_kind(run(3000, receipt, VERB_RELEASE, OPTION_FENCE), REPLY_OK, false);
    /* Absent: no fence is looked at. */
    ck_error(run(70000, claim, VERB_COMPLETE, OPTION_FENCE), E_NOT_FOUND);
    ck_kind(run(70000, claim, VERB_RELEASE, OPTION_FENCE), REPLY_OK, false);
}
END_TEST

START_TEST(fingerprint_of_the_claim_is_held_against_later_ones)
{
    struct head claim = claimed();
    struct head receipt = completed();

    ck_kind(run(3000, claim, VERB_CLAIM, OPTION_FP), REPLY_INFLIGHT, false);
    claim.record.fp = slice_str("other");
    receipt.record.fp = slice_str("other");
    ck_error(run(3000, claim, VERB_CLAIM, OPTION_FP), E_MISMATCH);
    ck_error(run(20000, claim, VERB_CLAIM, OPTION_FP), E_MISMATCH);
    ck_error(run(3000, receipt, VERB_CLAIM, OPTION_FP), E_MISMATCH);
    ck_error(run(3000, receipt, VERB_COMPLETE, OPTION_FP), E_MISMATCH);
    ck_kind(run(3000, receipt, VERB_CLAIM, 0), REPLY_COMPLETED, false);
    ck_kind(run(70000, claim, VERB_CLAIM, OPTION_FP), REPLY_CLAIMED, true);
}
END_TEST

START_TEST(checks_come_in_the_protocols_order)
{
    struct head claim = claimed();

    claim.record.fence = 501;
    claim.record.fp = slice_str("other");
    claim.record.owner = slice_str("me");
    ck_error(run(3000, claim, VERB_COMPLETE, OPTION_FENCE | OPTION_FP),
             E_STALE);
    ck_error(run(3000, claim, VERB_COMPLETE, OPTION_FP), E_MISMATCH);
    ck_error(run(3000, claim, VERB_COMPLETE, 0), E_FENCE_REQUIRED);
    ck_error(run(3000, claim, VERB_CLAIM, OPTION_FP | OPTION_OWNER),
             E_MISMATCH);
}
END_TEST

START_TEST(claim_with_an_owner_is_finished_with_its_fence_only)
{
    struct head claim = claimed();
    struct head receipt = completed();

    claim.record.owner = slice_str("me");
    ck_error(run(3000, claim, VERB_RELEASE, 0), E_FENCE_REQUIRED);
    ck_error(run(20000, claim, VERB_COMPLETE, 0), E_FENCE_REQUIRED);
    ck_kind(run(3000, claim, VERB_COMPLETE, OPTION_FENCE), REPLY_OK, true);
    ck_kind(run(3000, receipt, VERB_COMPLETE, 0), REPLY_OK, false);
}
END_TEST

START_TEST(require_fence_holds_in_every_state)
{
    struct situation situation = at(3000);
    struct rules strict = rules;
    struct head heads[] = {absent, claimed(), completed(), released()};

    strict.require_fence = true;
    situation.rules = &strict;
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct command complete = command(VERB_COMPLETE, 0);
        struct command release = command(VERB_RELEASE, 0);

        ck_error(decide(&situation, &heads[i], &complete), E_FENCE_REQUIRED);
        ck_error(decide(&situation, &heads[i], &release), E_FENCE_REQUIRED);
    }
}
END_TEST

START_TEST(full_disk_refuses_only_what_would_append_a_claim)
{
    struct situation situation = at(3000);
    struct head claim = claimed();
    struct head receipt = completed();
    struct command take = command(VERB_CLAIM, 0);
    struct command finish = command(VERB_COMPLETE, OPTION_FENCE);
    struct command extend = command(VERB_EXTEND, OPTION_FENCE);

    situation.no_space = true;
    ck_error(decide(&situation, &absent, &take), E_NO_SPACE);
    ck_kind(decide(&situation, &claim, &take), REPLY_INFLIGHT, false);
    ck_kind(decide(&situation, &receipt, &take), REPLY_COMPLETED, false);
    ck_kind(decide(&situation, &claim, &finish), REPLY_OK, true);
    ck_kind(decide(&situation, &claim, &extend), REPLY_EXTENDED, true);
    situation.now_ms = 20000;
    ck_error(decide(&situation, &claim, &take), E_NO_SPACE);
}
END_TEST

START_TEST(lookup_shows_the_owner_and_writes_nothing)
{
    struct head claim = claimed();
    struct decision d;

    claim.record.owner = slice_str("somebody");
    d = run(3000, claim, VERB_LOOKUP, 0);
    ck_kind(d, REPLY_INFLIGHT, false);
    ck_assert(slice_equal(d.reply.owner, slice_str("somebody")));
    d = run(20000, claim, VERB_LOOKUP, 0);
    ck_kind(d, REPLY_EXPIRED, false);
    ck_assert(slice_equal(d.reply.owner, slice_str("somebody")));
    ck_assert_uint_eq(d.reply.age_ms, 19000);
    ck_assert_uint_eq(d.reply.retry_ms, 0);
    ck_kind(run(3000, absent, VERB_LOOKUP, 0), REPLY_NOT_FOUND, false);
    ck_kind(run(3000, released(), VERB_LOOKUP, 0), REPLY_NOT_FOUND, false);
    d = run(4000, completed(), VERB_LOOKUP, 0);
    ck_kind(d, REPLY_COMPLETED, false);
    ck_assert_uint_eq(d.reply.age_ms, 3000);
    ck_assert_uint_eq(d.reply.ttl_ms, 57000);
    ck_assert_uint_eq(run(62000, completed(), VERB_LOOKUP, 0).reply.ttl_ms, 0);
}
END_TEST

START_TEST(no_claim_is_made_without_a_fence_that_fits)
{
    struct situation situation = at(3000);
    struct command take = command(VERB_CLAIM, 0);

    situation.next_fence = FENCE_MAX;
    ck_kind(decide(&situation, &absent, &take), REPLY_CLAIMED, true);
    situation.next_fence = FENCE_MAX + 1;
    ck_error(decide(&situation, &absent, &take), E_LIMIT);
}
END_TEST

SUITE(decide, 10, duration_runs_out_after_its_end_and_the_grace,
      states_change_one_millisecond_after_the_grace,
      claim_of_absent_key_gets_the_next_fence_and_attempt_one,
      lease_is_cut_to_the_ttl_and_to_the_largest_lease,
      configured_lease_applies_where_a_claim_names_none,
      claim_of_released_key_counts_the_attempt_while_the_tombstone_lives,
      claim_of_expired_key_takes_over_with_a_higher_fence,
      claim_after_the_ttl_of_an_unfinished_one_starts_anew,
      inflight_says_when_a_claim_can_succeed,
      same_owner_is_told_claimed_again_and_nothing_is_written,
      owner_of_an_expired_claim_claims_like_anybody,
      completion_keeps_ttl_fence_attempt_and_fingerprint_of_the_claim,
      late_completion_succeeds_while_nobody_else_took_the_key,
      first_receipt_wins, release_frees_a_claim_and_never_a_receipt,
      extend_never_shortens_and_restarts_the_ttl,
      extend_is_cut_to_the_ttl_from_now,
      extend_revives_an_expired_claim_that_nobody_took,
      extend_of_nothing_or_of_a_receipt_fails,
      extend_needs_a_fence_whatever_the_state, unreadable_key_is_never_absent,
      wrong_fence_is_stale_but_for_release_of_a_receipt,
      fingerprint_of_the_claim_is_held_against_later_ones,
      checks_come_in_the_protocols_order,
      claim_with_an_owner_is_finished_with_its_fence_only,
      require_fence_holds_in_every_state,
      full_disk_refuses_only_what_would_append_a_claim,
      lookup_shows_the_owner_and_writes_nothing,
      no_claim_is_made_without_a_fence_that_fits)
