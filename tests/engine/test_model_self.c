/* The model by cases worked out by hand: time, claims, identity, sweeps. */
#include "base/key_hash.h"
#include "tests/engine/model_cases.h"
#include "tests/lib/runner.h"

/* --- time ----------------------------------------------------------------- */

START_TEST(duration_runs_until_the_end_of_its_grace)
{
    begin(&usual);
    claimed(DO(1000, CLAIM, .lease_ms = 60000), 60000, 1);
    sweeps(60999, 0);
    inflight(DO(60999, LOOKUP), 59999, 1, 1002);
    inflight(DO(61001, LOOKUP), 60001, 0, 1000);
    inflight(DO(62000, CLAIM), 61000, 0, 1);
    sweeps(62000, 0);
    is(DO(62001, LOOKUP), REPLY_NOT_FOUND);
    sweeps(62001, 1);
    sweeps(62001, 0);
    end();
}
END_TEST

START_TEST(retry_names_the_first_moment_a_claim_succeeds)
{
    begin(&usual);
    claimed(DO(1000, CLAIM, .lease_ms = 500), 500, 1);
    inflight(DO(1100, CLAIM), 100, 400, 1401);
    inflight(DO(2500, CLAIM), 1500, 0, 1);
    claimed(DO(1100 + 1401, CLAIM, .lease_ms = 500), 500, 2);
    end();
}
END_TEST

START_TEST(late_completion_is_kept_for_its_own_ttl)
{
    begin(&usual);
    claimed(DO(1000, CLAIM, .lease_ms = 60000), 60000, 1);
    is(DO(62000, COMPLETE, .fence = 1, RECEIPT("r")), REPLY_OK);
    completed(DO(122999, LOOKUP), "r", 60999, 0);
    sweeps(122999, 0);
    completed(DO(123000, CLAIM), "r", 61000, 0);
    is(DO(123001, LOOKUP), REPLY_NOT_FOUND);
    sweeps(123001, 1);
    end();
}
END_TEST

START_TEST(lease_is_the_ttl_where_none_is_named)
{
    begin(&usual);
    claimed(DO(0, CLAIM, .key = TEXT("a")), 60000, 1);
    claimed(DO(0, CLAIM, .key = TEXT("b"), .ttl_ms = 5000), 5000, 1);
    claimed(DO(0, CLAIM, .key = TEXT("c"), .ttl_ms = 9000000), 3600000, 1);
    end();
}
END_TEST

START_TEST(lease_above_the_ttl_is_cut)
{
    struct model_rules rules = usual;

    rules.lease_ms = 7000;
    begin(&rules);
    claimed(DO(0, CLAIM, .key = TEXT("a")), 7000, 1);
    claimed(DO(0, CLAIM, .key = TEXT("b"), .ttl_ms = 5000), 5000, 1);
    claimed(DO(0, CLAIM, .key = TEXT("c"), .lease_ms = 61000), 60000, 1);
    claimed(DO(0, CLAIM, .key = TEXT("d"), .lease_ms = 1), 1, 1);
    end();
}
END_TEST

START_TEST(sums_of_times_saturate)
{
    struct model_rules rules = {.grace_ms = UINT64_MAX,
                                .ttl_ms = UINT64_MAX,
                                .lease_ms_max = UINT64_MAX};

    begin(&rules);
    claimed(DO(5, CLAIM), UINT64_MAX, 1);
    inflight(DO(UINT64_MAX, LOOKUP), UINT64_MAX - 5, 0, 0);
    extended(DO(UINT64_MAX, EXTEND, .fence = 1), 0);
    is(DO(UINT64_MAX, COMPLETE, RECEIPT("")), REPLY_OK);
    completed(DO(UINT64_MAX, CLAIM), "", 0, 0);
    sweeps(UINT64_MAX, 0);
    end();
}
END_TEST

/* --- claim ---------------------------------------------------------------- */

START_TEST(second_claim_is_inflight_and_refreshes_nothing)
{
    begin(&usual);
    claimed(DO(1000, CLAIM, .lease_ms = 10000), 10000, 1);
    inflight(DO(2000, CLAIM, .lease_ms = 50000, .ttl_ms = 1), 1000, 9000,
             10001);
    inflight(DO(12000, CLAIM), 11000, 0, 1);
    claimed(DO(12001, CLAIM), 60000, 2);
    end();
}
END_TEST

START_TEST(expired_claim_is_taken_over_with_a_higher_fence)
{
    struct reply reply;

    begin(&usual);
    DO(0, CLAIM, .lease_ms = 10, .owner = TEXT("x"), .fp = TEXT("f"));
    reply = DO(1011, LOOKUP);
    is(reply, REPLY_EXPIRED);
    ck_assert_uint_eq(reply.age_ms, 1011);
    ck_assert_uint_eq(reply.fence, 1);
    ck_assert_uint_eq(reply.attempt, 1);
    ck_assert(slice_equal(reply.owner, TEXT("x")));
    reply = DO(1011, CLAIM, .lease_ms = 10, .owner = TEXT("x"));
    claimed(reply, 10, 2);
    ck_assert_uint_eq(reply.fence, 2);
    is(DO(1011, CLAIM, .fp = TEXT("other")), REPLY_INFLIGHT);
    end();
}
END_TEST

START_TEST(tombstone_counts_attempts_while_its_ttl_runs)
{
    begin(&usual);
    claimed(DO(0, CLAIM, .lease_ms = 10, .ttl_ms = 5000), 10, 1);
    is(DO(4000, RELEASE), REPLY_OK);
    is(DO(4000, LOOKUP), REPLY_NOT_FOUND);
    sweeps(10000, 0);
    claimed(DO(10000, CLAIM, .ttl_ms = 2000), 2000, 2);
    is(DO(10000, RELEASE), REPLY_OK);
    ck_assert_uint_eq(model_due(m, 13000), 0);
    ck_assert_uint_eq(model_due(m, 13001), 1);
    claimed(DO(13001, CLAIM), 60000, 1);
    end();
}
END_TEST

START_TEST(forgotten_receipt_leaves_a_first_attempt)
{
    begin(&usual);
    DO(0, CLAIM, .lease_ms = 10);
    DO(2000, CLAIM, .lease_ms = 10);
    is(DO(2000, COMPLETE, RECEIPT("r")), REPLY_OK);
    completed(DO(63000, CLAIM), "r", 61000, 0);
    claimed(DO(63001, CLAIM), 60000, 1);
    end();
}
END_TEST

START_TEST(claim_of_the_same_owner_is_answered_again)
{
    struct reply reply;

    begin(&usual);
    DO(0, CLAIM, .lease_ms = 1000, .owner = TEXT("x"));
    reply = DO(400, CLAIM, .lease_ms = 7, .ttl_ms = 7, .owner = TEXT("x"));
    is(reply, REPLY_CLAIMED);
    ck_assert(reply.again);
    ck_assert_uint_eq(reply.fence, 1);
    ck_assert_uint_eq(reply.attempt, 1);
    ck_assert_uint_eq(reply.lease_ms, 600);
    reply = DO(2000, CLAIM, .owner = TEXT("x"));
    ck_assert(reply.again);
    ck_assert_uint_eq(reply.lease_ms, 0);
    inflight(DO(2000, CLAIM, .owner = TEXT("y")), 2000, 0, 1);
    inflight(DO(2000, CLAIM), 2000, 0, 1);
    reply = DO(2001, CLAIM, .owner = TEXT("x"));
    claimed(reply, 60000, 2);
    end();
}
END_TEST

START_TEST(claim_without_owner_never_matches)
{
    begin(&usual);
    DO(0, CLAIM);
    is(DO(0, CLAIM), REPLY_INFLIGHT);
    is(DO(0, CLAIM, .owner = TEXT("x")), REPLY_INFLIGHT);
    end();
}
END_TEST

START_TEST(owner_is_shown_by_lookup_alone)
{
    begin(&usual);
    DO(0, CLAIM, .owner = TEXT("x"));
    ck_assert(slice_equal(DO(0, LOOKUP).owner, TEXT("x")));
    ck_assert_uint_eq(DO(0, CLAIM).owner.len, 0);
    ck_assert_uint_eq(DO(0, CLAIM, .owner = TEXT("x")).owner.len, 0);
    end();
}
END_TEST

START_TEST(claim_that_would_append_needs_space)
{
    begin(&usual);
    DO(0, CLAIM, .owner = TEXT("x"), .fp = TEXT("f"));
    model_set_no_space(m, true);
    fails(DO(0, CLAIM, .key = TEXT("other")), E_NO_SPACE);
    ck_assert(DO(0, CLAIM, .owner = TEXT("x")).again);
    fails(DO(0, CLAIM, .fp = TEXT("g")), E_MISMATCH);
    is(DO(0, COMPLETE, .fence = 1, RECEIPT("r")), REPLY_OK);
    completed(DO(0, CLAIM), "r", 0, 60000);
    fails(DO(61001, CLAIM), E_NO_SPACE);
    model_set_no_space(m, false);
    claimed(DO(61001, CLAIM), 60000, 1);
    end();
}
END_TEST

/* --- identity and sweeps -------------------------------------------------- */

static void check_independent(struct slice a, struct slice b)
{
    ck_assert_uint_eq(key_hash(a), key_hash(b));
    claimed(DO(0, CLAIM, .key = a), 60000, 1);
    claimed(DO(0, CLAIM, .key = b), 60000, 1);
    is(DO(0, COMPLETE, .key = a, RECEIPT("a")), REPLY_OK);
    is(DO(0, RELEASE, .key = b), REPLY_OK);
    completed(DO(0, LOOKUP, .key = a), "a", 0, 60000);
    is(DO(0, LOOKUP, .key = b), REPLY_NOT_FOUND);
}

START_TEST(keys_of_equal_hash_are_independent)
{
    begin(&usual);
    check_independent(TEXT("8yn0iYCKYHlIj4-BwPqk"),
                      TEXT("GReLUrM4wMqfg9yzV3KQ"));
    check_independent(TEXT("77kepQFQ8Kl"), TEXT("!0IC=VloaY"));
    end();
}
END_TEST

START_TEST(namespaces_do_not_see_each_other)
{
    begin(&usual);
    claimed(DO(0, CLAIM, .name = TEXT("a"), .key = TEXT(".bk")), 60000, 1);
    claimed(DO(0, CLAIM, .name = TEXT("a.b"), .key = TEXT("k")), 60000, 1);
    claimed(DO(0, CLAIM, .name = TEXT("a0"), .key = TEXT("k")), 60000, 1);
    is(DO(0, LOOKUP, .name = TEXT("a"), .key = TEXT("k")), REPLY_NOT_FOUND);
    sweeps(61001, 3);
    end();
}
END_TEST

START_TEST(sweep_changes_no_answer)
{
    begin(&usual);
    DO(0, CLAIM, .key = TEXT("due"));
    DO(0, CLAIM, .key = TEXT("freed"));
    DO(0, RELEASE, .key = TEXT("freed"));
    DO(60000, CLAIM, .key = TEXT("held"));
    sweeps(61001, 2);
    claimed(DO(61001, CLAIM, .key = TEXT("due")), 60000, 1);
    claimed(DO(61001, CLAIM, .key = TEXT("freed")), 60000, 1);
    is(DO(61001, CLAIM, .key = TEXT("held")), REPLY_INFLIGHT);
    sweeps(61001, 0);
    end();
}
END_TEST

SUITE(model_self, 10, duration_runs_until_the_end_of_its_grace,
      retry_names_the_first_moment_a_claim_succeeds,
      late_completion_is_kept_for_its_own_ttl,
      lease_is_the_ttl_where_none_is_named, lease_above_the_ttl_is_cut,
      sums_of_times_saturate, second_claim_is_inflight_and_refreshes_nothing,
      expired_claim_is_taken_over_with_a_higher_fence,
      tombstone_counts_attempts_while_its_ttl_runs,
      forgotten_receipt_leaves_a_first_attempt,
      claim_of_the_same_owner_is_answered_again,
      claim_without_owner_never_matches, owner_is_shown_by_lookup_alone,
      claim_that_would_append_needs_space, keys_of_equal_hash_are_independent,
      namespaces_do_not_see_each_other, sweep_changes_no_answer)
