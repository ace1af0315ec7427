/* The model by cases worked out by hand: how claims end, fences, fingerprints.
 */
#include "tests/engine/model_cases.h"
#include "tests/lib/runner.h"

/* --- complete and release ------------------------------------------------- */

START_TEST(first_receipt_wins_and_is_not_refreshed)
{
    begin(&usual);
    DO(0, CLAIM);
    is(DO(5, COMPLETE, RECEIPT("[1,2,3]")), REPLY_OK);
    is(DO(105, COMPLETE, .ttl_ms = 1, RECEIPT("[1,2,3]")), REPLY_OK);
    fails(DO(105, COMPLETE, RECEIPT("[1,2,4]")), E_CONFLICT);
    fails(DO(105, COMPLETE, RECEIPT("")), E_CONFLICT);
    completed(DO(105, CLAIM), "[1,2,3]", 100, 59900);
    end();
}
END_TEST

START_TEST(receipt_keeps_the_ttl_of_its_claim_or_its_own)
{
    begin(&usual);
    DO(0, CLAIM, .ttl_ms = 9000);
    DO(100, COMPLETE, RECEIPT("r"));
    completed(DO(200, LOOKUP), "r", 100, 8900);
    DO(200, CLAIM, .key = TEXT("b"), .ttl_ms = 9000);
    DO(300, COMPLETE, .key = TEXT("b"), RECEIPT(""), .ttl_ms = 70000);
    completed(DO(400, LOOKUP, .key = TEXT("b")), "", 100, 69900);
    end();
}
END_TEST

START_TEST(nothing_to_complete_is_not_found)
{
    begin(&usual);
    fails(DO(0, COMPLETE, RECEIPT("r")), E_NOT_FOUND);
    fails(DO(0, COMPLETE, RECEIPT("r"), .fence = 7), E_NOT_FOUND);
    DO(0, CLAIM);
    DO(0, RELEASE);
    fails(DO(0, COMPLETE, RECEIPT("r"), .fence = 1), E_NOT_FOUND);
    DO(0, CLAIM);
    fails(DO(61001, COMPLETE, RECEIPT("r"), .fence = 2), E_NOT_FOUND);
    end();
}
END_TEST

START_TEST(expired_claim_can_still_be_finished)
{
    begin(&usual);
    DO(0, CLAIM, .lease_ms = 10);
    is(DO(1011, COMPLETE, RECEIPT("r")), REPLY_OK);
    completed(DO(1011, CLAIM), "r", 0, 60000);
    DO(1011, CLAIM, .key = TEXT("b"), .lease_ms = 10);
    is(DO(2022, LOOKUP, .key = TEXT("b")), REPLY_EXPIRED);
    is(DO(2022, RELEASE, .key = TEXT("b")), REPLY_OK);
    is(DO(2022, LOOKUP, .key = TEXT("b")), REPLY_NOT_FOUND);
    end();
}
END_TEST

START_TEST(release_makes_room_for_a_new_claim)
{
    begin(&usual);
    DO(0, CLAIM);
    is(DO(0, RELEASE, .fence = 1), REPLY_OK);
    is(DO(0, RELEASE, .fence = 1), REPLY_OK);
    is(DO(0, RELEASE, .fence = 99), REPLY_OK);
    claimed(DO(0, CLAIM), 60000, 2);
    fails(DO(0, RELEASE, .fence = 1), E_STALE);
    is(DO(0, LOOKUP), REPLY_INFLIGHT);
    end();
}
END_TEST

START_TEST(release_of_an_absent_key_stores_nothing)
{
    begin(&usual);
    is(DO(0, RELEASE), REPLY_OK);
    sweeps(UINT64_MAX, 0);
    end();
}
END_TEST

START_TEST(receipt_is_never_released)
{
    begin(&usual);
    DO(0, CLAIM, .owner = TEXT("x"));
    DO(0, COMPLETE, .fence = 1, RECEIPT("r"));
    is(DO(0, RELEASE, .fence = 1), REPLY_OK);
    is(DO(0, RELEASE, .fence = 99), REPLY_OK);
    is(DO(0, RELEASE), REPLY_OK);
    completed(DO(0, CLAIM), "r", 0, 60000);
    end();
}
END_TEST

/* --- extend --------------------------------------------------------------- */

START_TEST(extend_never_shortens)
{
    begin(&usual);
    DO(0, CLAIM, .lease_ms = 10000);
    extended(DO(1000, EXTEND, .fence = 1, .lease_ms = 30000), 30000);
    extended(DO(2000, EXTEND, .fence = 1, .lease_ms = 5), 29000);
    inflight(DO(2000, CLAIM), 2000, 29000, 30001);
    end();
}
END_TEST

START_TEST(extend_names_the_claims_own_lease_by_default)
{
    begin(&usual);
    DO(0, CLAIM, .lease_ms = 10000);
    extended(DO(4000, EXTEND, .fence = 1), 10000);
    extended(DO(5000, EXTEND, .fence = 1, .lease_ms = 20000), 20000);
    extended(DO(24500, EXTEND, .fence = 1), 10000);
    end();
}
END_TEST

START_TEST(extend_is_cut_to_the_ttl_from_now)
{
    begin(&usual);
    DO(0, CLAIM, .lease_ms = 10, .ttl_ms = 500);
    extended(DO(400, EXTEND, .fence = 1, .lease_ms = 3600000), 500);
    extended(DO(600, EXTEND, .fence = 1, .lease_ms = 3600000), 500);
    inflight(DO(2100, LOOKUP), 2100, 0, 1);
    is(DO(2101, LOOKUP), REPLY_NOT_FOUND);
    end();
}
END_TEST

START_TEST(ttl_of_a_claim_runs_from_its_last_extend)
{
    begin(&usual);
    DO(0, CLAIM, .lease_ms = 10, .ttl_ms = 5000);
    extended(DO(3000, EXTEND, .fence = 1), 10);
    is(DO(9000, LOOKUP), REPLY_EXPIRED);
    sweeps(9000, 0);
    is(DO(9001, LOOKUP), REPLY_NOT_FOUND);
    sweeps(9001, 1);
    end();
}
END_TEST

START_TEST(extend_of_nothing_or_of_a_receipt_is_refused)
{
    begin(&usual);
    fails(DO(0, EXTEND), E_FENCE_REQUIRED);
    fails(DO(0, EXTEND, .fence = 1), E_NOT_FOUND);
    DO(0, CLAIM);
    fails(DO(0, EXTEND), E_FENCE_REQUIRED);
    fails(DO(0, EXTEND, .fence = 2), E_STALE);
    DO(0, COMPLETE, RECEIPT("r"));
    fails(DO(0, EXTEND, .fence = 2), E_STALE);
    fails(DO(0, EXTEND, .fence = 1), E_CONFLICT);
    fails(DO(0, EXTEND), E_FENCE_REQUIRED);
    end();
}
END_TEST

/* --- fences and fingerprints ---------------------------------------------- */

START_TEST(stale_holder_harms_nobody)
{
    begin(&usual);
    DO(0, CLAIM, .lease_ms = 10);
    DO(1011, CLAIM, .lease_ms = 10000);
    fails(DO(1011, COMPLETE, .fence = 1, RECEIPT("a")), E_STALE);
    fails(DO(1011, RELEASE, .fence = 1), E_STALE);
    fails(DO(1011, EXTEND, .fence = 1), E_STALE);
    inflight(DO(1011, LOOKUP), 0, 10000, 11001);
    extended(DO(1011, EXTEND, .fence = 2), 10000);
    is(DO(1011, COMPLETE, .fence = 2, RECEIPT("b")), REPLY_OK);
    fails(DO(1011, COMPLETE, .fence = 1, RECEIPT("b")), E_STALE);
    is(DO(1011, RELEASE, .fence = 1), REPLY_OK);
    completed(DO(1011, CLAIM), "b", 0, 60000);
    end();
}
END_TEST

START_TEST(claim_with_owner_needs_its_fence_back)
{
    begin(&usual);
    DO(0, CLAIM, .lease_ms = 10, .owner = TEXT("x"));
    fails(DO(0, COMPLETE, RECEIPT("r")), E_FENCE_REQUIRED);
    fails(DO(0, RELEASE), E_FENCE_REQUIRED);
    fails(DO(1011, COMPLETE, RECEIPT("r")), E_FENCE_REQUIRED);
    fails(DO(1011, RELEASE), E_FENCE_REQUIRED);
    is(DO(1011, COMPLETE, .fence = 1, RECEIPT("r")), REPLY_OK);
    is(DO(1011, COMPLETE, RECEIPT("r")), REPLY_OK);
    fails(DO(1011, COMPLETE, RECEIPT("s")), E_CONFLICT);
    end();
}
END_TEST

START_TEST(owner_of_an_earlier_claim_asks_for_no_fence)
{
    begin(&usual);
    DO(0, CLAIM, .lease_ms = 10, .owner = TEXT("x"));
    DO(1011, CLAIM, .lease_ms = 10);
    is(DO(1011, CLAIM, .owner = TEXT("x")), REPLY_INFLIGHT);
    ck_assert_uint_eq(DO(1011, LOOKUP).owner.len, 0);
    is(DO(1011, RELEASE), REPLY_OK);
    end();
}
END_TEST

START_TEST(required_fence_is_asked_for_in_every_state)
{
    struct model_rules rules = usual;

    rules.require_fence = true;
    begin(&rules);
    fails(DO(0, COMPLETE, RECEIPT("r")), E_FENCE_REQUIRED);
    fails(DO(0, RELEASE), E_FENCE_REQUIRED);
    DO(0, CLAIM, .fp = TEXT("f"));
    fails(DO(0, COMPLETE, RECEIPT("r"), .fp = TEXT("g")), E_FENCE_REQUIRED);
    is(DO(0, COMPLETE, RECEIPT("r"), .fence = 1), REPLY_OK);
    fails(DO(0, COMPLETE, RECEIPT("r")), E_FENCE_REQUIRED);
    fails(DO(0, RELEASE), E_FENCE_REQUIRED);
    is(DO(0, CLAIM), REPLY_COMPLETED);
    end();
}
END_TEST

START_TEST(other_fingerprint_is_a_mismatch_in_every_state)
{
    begin(&usual);
    DO(0, CLAIM, .lease_ms = 10, .fp = TEXT("f"), .owner = TEXT("x"));
    fails(DO(0, CLAIM, .fp = TEXT("g"), .owner = TEXT("x")), E_MISMATCH);
    fails(DO(0, COMPLETE, .fp = TEXT("g"), RECEIPT("r")), E_MISMATCH);
    fails(DO(0, COMPLETE, .fp = TEXT("g"), .fence = 2, RECEIPT("r")), E_STALE);
    fails(DO(1011, CLAIM, .fp = TEXT("g")), E_MISMATCH);
    is(DO(1011, COMPLETE, .fence = 1, RECEIPT("r")), REPLY_OK);
    fails(DO(1011, CLAIM, .fp = TEXT("g")), E_MISMATCH);
    fails(DO(1011, COMPLETE, .fp = TEXT("g"), RECEIPT("s")), E_MISMATCH);
    is(DO(1011, CLAIM, .fp = TEXT("f")), REPLY_COMPLETED);
    is(DO(1011, CLAIM), REPLY_COMPLETED);
    end();
}
END_TEST

START_TEST(claim_without_fingerprint_has_none)
{
    begin(&usual);
    DO(0, CLAIM);
    is(DO(0, CLAIM, .fp = TEXT("f")), REPLY_INFLIGHT);
    is(DO(0, COMPLETE, .fp = TEXT("f"), RECEIPT("r")), REPLY_OK);
    is(DO(0, CLAIM, .fp = TEXT("g")), REPLY_COMPLETED);
    end();
}
END_TEST

SUITE(model_finish, 10, first_receipt_wins_and_is_not_refreshed,
      receipt_keeps_the_ttl_of_its_claim_or_its_own,
      nothing_to_complete_is_not_found, expired_claim_can_still_be_finished,
      release_makes_room_for_a_new_claim,
      release_of_an_absent_key_stores_nothing, receipt_is_never_released,
      extend_never_shortens, extend_names_the_claims_own_lease_by_default,
      extend_is_cut_to_the_ttl_from_now,
      ttl_of_a_claim_runs_from_its_last_extend,
      extend_of_nothing_or_of_a_receipt_is_refused, stale_holder_harms_nobody,
      claim_with_owner_needs_its_fence_back,
      owner_of_an_earlier_claim_asks_for_no_fence,
      required_fence_is_asked_for_in_every_state,
      other_fingerprint_is_a_mismatch_in_every_state,
      claim_without_fingerprint_has_none)
