/* Histories good and bad for each rule, the bad ones one op away. */
#include "tests/lib/runner.h"
#include "tests/torture/samples.h"

/* A claim of key 0, granted at 0. */
#define CLAIMED_5                                                              \
    "0 0 CLAIM lease=10000 -> CLAIMED fence=5 lease=10000 attempt=1"
#define OWNED_5                                                                \
    "0 0 CLAIM lease=10000 owner=7 -> CLAIMED fence=5 lease=10000 attempt=1"
#define COMPLETED_5 "10 10 COMPLETE fence=5 receipt=9 -> OK"

/* --- provenance ----------------------------------------------------------- */

START_TEST(foreign_bytes_are_caught)
{
    GOOD(CLAIMED_5, COMPLETED_5,
         "20 20 LOOKUP -> COMPLETED fence=5 receipt=9 age=10 ttl=59990");
    BAD(FOREIGN, BOTH, CLAIMED_5, COMPLETED_5,
        "20 20 LOOKUP -> COMPLETED fence=5 receipt=foreign age=10 ttl=59990");
    GOOD(OWNED_5, "10 10 LOOKUP -> INFLIGHT fence=5 attempt=1 age=10 "
                  "lease=9990 retry=10991 owner=7");
    BAD(FOREIGN, BOTH, OWNED_5,
        "10 10 LOOKUP -> INFLIGHT fence=5 attempt=1 age=10 "
        "lease=9990 retry=10991 owner=foreign");
}
END_TEST

START_TEST(answers_of_another_verb_are_caught)
{
    BAD(ANSWER, BOTH, "0 0 CLAIM -> OK");
    BAD(ANSWER, BOTH, "0 0 CLAIM -> ERR NOT_FOUND");
    BAD(ANSWER, BOTH, "0 0 RELEASE -> ERR NOT_FOUND");
    BAD(ANSWER, BOTH, "0 0 LOOKUP -> ERR STALE");
    BAD(ANSWER, BOTH, CLAIMED_5, "1 1 RELEASE -> ERR STALE");
    BAD(ANSWER, BOTH, CLAIMED_5, "1 1 COMPLETE receipt=1 -> ERR MISMATCH");
    BAD(ANSWER, BOTH, CLAIMED_5, "1 1 EXTEND -> ERR NOT_FOUND");
    GOOD(CLAIMED_5, "1 1 EXTEND -> ERR FENCE_REQUIRED");
}
END_TEST

START_TEST(claim_that_gets_another_lease_than_it_asked_for_is_caught)
{
    GOOD("0 0 CLAIM lease=500 -> CLAIMED fence=5 lease=500 attempt=1");
    BAD(ANSWER, BOTH,
        "0 0 CLAIM lease=500 -> CLAIMED fence=5 lease=501 attempt=1");
    GOOD("0 0 CLAIM lease=500 ttl=300 -> CLAIMED fence=5 lease=300 attempt=1");
    GOOD("0 0 CLAIM -> CLAIMED fence=5 lease=60000 attempt=1");
    GOOD("rules grace=1000 ttl=60000 lease=20000 lease_max=9000",
         "0 0 CLAIM -> CLAIMED fence=5 lease=9000 attempt=1");
}
END_TEST

/* --- fences --------------------------------------------------------------- */

START_TEST(fence_given_twice_is_caught)
{
    BAD(FENCE_TWICE, LINEAR, CLAIMED_5,
        "0 0 CLAIM key=1 -> CLAIMED fence=5 lease=60000 attempt=1");
    BAD(FENCE_TWICE, BOTH, CLAIMED_5, "1 1 RELEASE fence=5 -> OK",
        "2 2 CLAIM -> CLAIMED fence=5 lease=60000 attempt=2");
}
END_TEST

START_TEST(fences_rise_over_all_keys_and_lives)
{
    GOOD(CLAIMED_5,
         "1 1 CLAIM key=1 life=1 -> CLAIMED fence=6 lease=60000 attempt=1");
    BAD(FENCE_ORDER, LINEAR, CLAIMED_5,
        "1 1 CLAIM key=1 -> CLAIMED fence=4 lease=60000 attempt=1");
    BAD(FENCE_ORDER, LINEAR, CLAIMED_5,
        "1 1 CLAIM key=1 life=1 -> CLAIMED fence=4 lease=60000 attempt=1");
    BAD(FENCE_ORDER, BOTH, CLAIMED_5, "1 1 RELEASE -> OK",
        "2 2 CLAIM -> CLAIMED fence=4 lease=60000 attempt=2");
}
END_TEST

START_TEST(fences_of_claims_that_overlap_have_no_order)
{
    GOOD("0 10 CLAIM -> CLAIMED fence=6 lease=60000 attempt=1",
         "5 15 CLAIM key=1 -> CLAIMED fence=5 lease=60000 attempt=1");
    BAD(FENCE_ORDER, LINEAR,
        "0 10 CLAIM -> CLAIMED fence=6 lease=60000 attempt=1",
        "11 15 CLAIM key=1 -> CLAIMED fence=5 lease=60000 attempt=1");
}
END_TEST

START_TEST(fence_that_was_only_shown_counts_too)
{
    GOOD("0 9 CLAIM -> NONE",
         "1 1 LOOKUP -> INFLIGHT fence=6 attempt=1 age=1 lease=59999 "
         "retry=61000",
         "2 2 CLAIM key=1 life=1 -> CLAIMED fence=7 lease=60000 attempt=1");
    BAD(FENCE_ORDER, LINEAR, "0 9 CLAIM -> NONE",
        "1 1 LOOKUP -> INFLIGHT fence=6 attempt=1 age=1 lease=59999 "
        "retry=61000",
        "2 2 CLAIM key=1 life=1 -> CLAIMED fence=5 lease=60000 attempt=1");
}
END_TEST

START_TEST(fence_that_nobody_was_granted_is_caught)
{
    BAD(FENCE_UNKNOWN, BOTH,
        "1 1 LOOKUP -> INFLIGHT fence=6 attempt=1 age=1 lease=59999 "
        "retry=61000");
    BAD(FENCE_UNKNOWN, BOTH, CLAIMED_5, "1 1 COMPLETE fence=6 receipt=1 -> OK");
    BAD(FENCE_UNKNOWN, BOTH, CLAIMED_5,
        "1 1 EXTEND fence=6 -> EXTENDED lease=10000");
    GOOD("1 1 RELEASE fence=6 -> OK");
}
END_TEST

START_TEST(error_that_nothing_was_done_did_nothing)
{
    GOOD("0 1 CLAIM -> ERR INDETERMINATE",
         "2 2 LOOKUP -> INFLIGHT fence=6 attempt=1 age=1 lease=59999 "
         "retry=61000");
    BAD(FENCE_UNKNOWN, BOTH, "0 1 CLAIM -> ERR BUSY",
        "2 2 LOOKUP -> INFLIGHT fence=6 attempt=1 age=1 lease=59999 "
        "retry=61000");
    BAD(FENCE_UNKNOWN, BOTH, "0 1 CLAIM -> ERR NO_SPACE",
        "2 2 LOOKUP -> INFLIGHT fence=6 attempt=1 age=1 lease=59999 "
        "retry=61000");
    BAD(RECEIPT_UNSENT, BOTH, CLAIMED_5,
        "1 1 COMPLETE fence=5 receipt=9 -> ERR SHUTTING_DOWN",
        "2 2 LOOKUP -> COMPLETED fence=5 receipt=9 age=1 ttl=59999");
    BAD(LOST_CLAIM, BOTH, CLAIMED_5, "1 1 RELEASE fence=5 -> ERR BUSY",
        "2 2 LOOKUP -> NOT_FOUND");
}
END_TEST

START_TEST(errors_that_do_nothing_are_no_fault)
{
    GOOD("0 0 CLAIM -> ERR CORRUPT", "1 1 CLAIM -> ERR NO_SPACE",
         "2 2 CLAIM -> ERR BUSY", "3 3 CLAIM -> ERR SHUTTING_DOWN",
         "4 4 LOOKUP -> NOT_FOUND", "5 5 LOOKUP -> ERR CORRUPT");
    GOOD(CLAIMED_5, COMPLETED_5, "11 11 LOOKUP -> ERR CORRUPT",
         "12 12 CLAIM -> ERR BUSY",
         "20 20 LOOKUP -> COMPLETED fence=5 receipt=9 age=10 ttl=59990");
}
END_TEST

START_TEST(each_unknown_claim_makes_one_fence_at_most)
{
    GOOD("0 9 CLAIM lease=1 -> NONE", "0 9 CLAIM lease=1 -> NONE",
         "2000 2000 LOOKUP -> EXPIRED fence=6 attempt=1 age=2000",
         "2001 2001 LOOKUP -> EXPIRED fence=6 attempt=1 age=2001");
    BAD(FENCE_UNKNOWN, BOTH, "0 5000 CLAIM lease=1 -> NONE",
        "2000 2000 LOOKUP -> EXPIRED fence=6 attempt=1 age=2000",
        "4000 4000 LOOKUP -> EXPIRED fence=7 attempt=2 age=1900");
    GOOD("0 5000 CLAIM lease=1 -> NONE", "0 5000 CLAIM lease=1 -> NONE",
         "2000 2000 LOOKUP -> EXPIRED fence=6 attempt=1 age=2000",
         "4000 4000 LOOKUP -> EXPIRED fence=7 attempt=2 age=1900");
}
END_TEST

START_TEST(older_claim_does_not_come_back)
{
    BAD(OLD_FENCE, BOTH, CLAIMED_5, "1 1 RELEASE fence=5 -> OK",
        "2 2 CLAIM lease=1 -> CLAIMED fence=6 lease=1 attempt=2",
        "3 3 LOOKUP -> INFLIGHT fence=5 attempt=1 age=3 lease=9997 "
        "retry=10998");
}
END_TEST

START_TEST(unknown_claim_takes_effect_before_its_process_ends_or_never)
{
    GOOD("0 100 CLAIM -> NONE", "200 200 LOOKUP -> NOT_FOUND",
         "300 300 LOOKUP -> NOT_FOUND");
    BAD(ORDER, EXACT, "0 100 CLAIM -> NONE", "200 200 LOOKUP -> NOT_FOUND",
        "300 300 LOOKUP -> INFLIGHT fence=6 attempt=1 age=250 lease=59750 "
        "retry=60751");
    GOOD("0 400 CLAIM -> NONE", "200 200 LOOKUP -> NOT_FOUND",
         "300 300 LOOKUP -> INFLIGHT fence=6 attempt=1 age=50 lease=59950 "
         "retry=60951");
}
END_TEST

/* --- what is shown of a claim --------------------------------------------- */

START_TEST(owner_and_attempt_stay_those_of_the_claim)
{
    GOOD(OWNED_5, "10 10 LOOKUP -> INFLIGHT fence=5 attempt=1 age=10 "
                  "lease=9990 retry=10991 owner=7");
    BAD(CLAIM_CHANGED, BOTH, OWNED_5,
        "10 10 LOOKUP -> INFLIGHT fence=5 attempt=1 age=10 lease=9990 "
        "retry=10991 owner=8");
    BAD(CLAIM_CHANGED, BOTH, OWNED_5,
        "10 10 LOOKUP -> INFLIGHT fence=5 attempt=1 age=10 lease=9990 "
        "retry=10991");
    BAD(CLAIM_CHANGED, BOTH, OWNED_5,
        "10 10 LOOKUP -> INFLIGHT fence=5 attempt=2 age=10 lease=9990 "
        "retry=10991 owner=7");
}
END_TEST

START_TEST(claim_is_repeated_to_its_owner_alone)
{
    GOOD(OWNED_5, "10 10 CLAIM owner=7 -> CLAIMED again=1 fence=5 attempt=1 "
                  "lease=9990");
    BAD(CLAIM_CHANGED, BOTH, OWNED_5,
        "10 10 CLAIM owner=8 -> CLAIMED again=1 fence=5 attempt=1 lease=9990");
    BAD(CLAIM_CHANGED, BOTH, CLAIMED_5,
        "10 10 CLAIM owner=8 -> CLAIMED again=1 fence=5 attempt=1 lease=9990");
    BAD(CLAIM_CHANGED, BOTH, OWNED_5,
        "10 10 CLAIM owner=7 -> CLAIMED again=1 fence=5 attempt=2 lease=9990");
    BAD(ORDER, EXACT, OWNED_5,
        "10 10 CLAIM owner=7 -> INFLIGHT fence=5 attempt=1 age=10 lease=9990 "
        "retry=10991");
}
END_TEST

START_TEST(claim_whose_answer_was_lost_is_repeated_to_its_owner)
{
    GOOD("0 50 CLAIM owner=7 -> NONE",
         "100 100 CLAIM owner=7 -> CLAIMED again=1 fence=5 attempt=1 "
         "lease=59920");
    GOOD("0 50 CLAIM owner=7 -> NONE",
         "100 100 CLAIM owner=7 -> CLAIMED fence=5 attempt=1 lease=60000");
    BAD(CLAIM_CHANGED, BOTH, "0 50 CLAIM owner=8 -> NONE",
        "100 100 CLAIM owner=7 -> CLAIMED again=1 fence=5 attempt=1 "
        "lease=59920");
    BAD(CLAIM_CHANGED, BOTH, "0 50 CLAIM owner=8 -> NONE",
        "100 100 LOOKUP -> INFLIGHT fence=5 attempt=1 age=80 lease=59920 "
        "retry=60921 owner=7");
}
END_TEST

/* --- receipts ------------------------------------------------------------- */

START_TEST(first_receipt_wins)
{
    GOOD(CLAIMED_5, COMPLETED_5,
         "11 11 COMPLETE fence=5 receipt=8 -> ERR CONFLICT",
         "12 12 COMPLETE fence=5 receipt=9 -> OK",
         "20 20 CLAIM -> COMPLETED fence=5 receipt=9 age=10 ttl=59990");
    BAD(RECEIPT_CHANGED, BOTH, CLAIMED_5, COMPLETED_5,
        "11 11 COMPLETE fence=5 receipt=8 -> OK");
    BAD(RECEIPT_CHANGED, BOTH, CLAIMED_5, COMPLETED_5,
        "11 11 COMPLETE fence=5 receipt=8 -> ERR CONFLICT",
        "20 20 CLAIM -> COMPLETED fence=5 receipt=8 age=10 ttl=59990");
    BAD(RECEIPT_CHANGED, BOTH, CLAIMED_5, COMPLETED_5,
        "11 30 COMPLETE fence=5 receipt=8 -> NONE",
        "20 20 CLAIM -> COMPLETED fence=5 receipt=9 age=10 ttl=59990",
        "21 21 CLAIM -> COMPLETED fence=5 receipt=8 age=11 ttl=59989");
}
END_TEST

START_TEST(receipt_stored_without_a_fence_counts_too)
{
    GOOD(CLAIMED_5, "10 10 COMPLETE receipt=9 -> OK",
         "20 20 CLAIM -> COMPLETED fence=5 receipt=9 age=10 ttl=59990");
    BAD(RECEIPT_CHANGED, BOTH, CLAIMED_5, "10 10 COMPLETE receipt=9 -> OK",
        "11 15 COMPLETE receipt=8 -> NONE",
        "20 20 CLAIM -> COMPLETED fence=5 receipt=8 age=10 ttl=59990");
    BAD(LOST_COMPLETION, BOTH, CLAIMED_5, "10 10 COMPLETE receipt=9 -> OK",
        "20 20 LOOKUP -> NOT_FOUND");
}
END_TEST

START_TEST(receipt_that_was_not_sent_for_the_claim_is_caught)
{
    BAD(RECEIPT_UNSENT, BOTH, CLAIMED_5,
        "20 20 CLAIM -> COMPLETED fence=5 receipt=9 age=10 ttl=59990");
    BAD(RECEIPT_UNSENT, BOTH, CLAIMED_5,
        "1 1 COMPLETE fence=4 receipt=9 -> ERR STALE",
        "20 20 CLAIM -> COMPLETED fence=5 receipt=9 age=19 ttl=59981");
    BAD(RECEIPT_UNSENT, BOTH, CLAIMED_5,
        "20 20 CLAIM -> COMPLETED fence=5 receipt=9 age=10 ttl=59990",
        "30 30 COMPLETE fence=5 receipt=9 -> OK");
}
END_TEST

START_TEST(stored_completion_is_not_lost)
{
    GOOD(CLAIMED_5, COMPLETED_5,
         "61010 61010 LOOKUP -> COMPLETED fence=5 "
         "receipt=9 age=61000 ttl=0");
    BAD(LOST_COMPLETION, BOTH, CLAIMED_5, COMPLETED_5,
        "61010 61010 LOOKUP -> NOT_FOUND");
    GOOD(CLAIMED_5, COMPLETED_5, "61011 61011 LOOKUP -> NOT_FOUND");
    BAD(LOST_COMPLETION, BOTH, CLAIMED_5, COMPLETED_5,
        "20 20 CLAIM life=1 -> CLAIMED fence=6 lease=60000 attempt=1");
    BAD(LOST_COMPLETION, BOTH, CLAIMED_5, COMPLETED_5,
        "20 20 CLAIM life=1 -> INFLIGHT fence=5 attempt=1 age=20 lease=9980 "
        "retry=10981");
    BAD(LOST_COMPLETION, BOTH, CLAIMED_5, COMPLETED_5,
        "20 20 COMPLETE fence=5 receipt=9 -> ERR NOT_FOUND");
    BAD(LOST_COMPLETION, BOTH, CLAIMED_5, COMPLETED_5,
        "20000 20000 LOOKUP -> EXPIRED fence=5 attempt=1 age=20000");
}
END_TEST

START_TEST(shown_completion_is_not_lost)
{
    GOOD(CLAIMED_5, "10 40 COMPLETE fence=5 receipt=9 -> NONE",
         "20 20 CLAIM -> COMPLETED fence=5 receipt=9 age=10 ttl=59990",
         "50 50 CLAIM life=1 -> COMPLETED fence=5 receipt=9 age=40 ttl=59960");
    BAD(LOST_COMPLETION, BOTH, CLAIMED_5,
        "10 40 COMPLETE fence=5 receipt=9 -> NONE",
        "20 20 CLAIM -> COMPLETED fence=5 receipt=9 age=10 ttl=59990",
        "50 50 CLAIM life=1 -> INFLIGHT fence=5 attempt=1 age=50 lease=9950 "
        "retry=10951");
    GOOD(CLAIMED_5, "10 40 COMPLETE fence=5 receipt=9 -> NONE",
         "50 50 CLAIM life=1 -> INFLIGHT fence=5 attempt=1 age=50 lease=9950 "
         "retry=10951");
}
END_TEST

START_TEST(completion_lives_as_long_as_its_own_ttl)
{
    GOOD(CLAIMED_5, "10 10 COMPLETE fence=5 receipt=9 ttl=100 -> OK",
         "1111 1111 LOOKUP -> NOT_FOUND");
    BAD(LOST_COMPLETION, BOTH, CLAIMED_5,
        "10 10 COMPLETE fence=5 receipt=9 ttl=100 -> OK",
        "1110 1110 LOOKUP -> NOT_FOUND");
    BAD(ORDER, EXACT, CLAIMED_5,
        "10 10 COMPLETE fence=5 receipt=9 ttl=100 -> OK",
        "1111 1111 LOOKUP -> COMPLETED fence=5 receipt=9 age=1101 ttl=0");
}
END_TEST

START_TEST(repeated_completion_changes_no_ttl)
{
    GOOD(CLAIMED_5, "10 10 COMPLETE fence=5 receipt=9 ttl=100 -> OK",
         "20 20 COMPLETE fence=5 receipt=9 ttl=90000 -> OK",
         "1111 1111 LOOKUP -> NOT_FOUND");
    BAD(ORDER, EXACT, CLAIMED_5,
        "10 10 COMPLETE fence=5 receipt=9 ttl=100 -> OK",
        "20 20 COMPLETE fence=5 receipt=9 ttl=90000 -> OK",
        "1111 1111 LOOKUP -> COMPLETED fence=5 receipt=9 age=1101 ttl=88909");
}
END_TEST

START_TEST(times_shown_of_a_completion_are_its_own)
{
    BAD(ORDER, EXACT, CLAIMED_5, COMPLETED_5,
        "20 20 CLAIM -> COMPLETED fence=5 receipt=9 age=20 ttl=59990");
    BAD(ORDER, EXACT, CLAIMED_5, COMPLETED_5,
        "20 20 CLAIM -> COMPLETED fence=5 receipt=9 age=10 ttl=59980");
    GOOD(CLAIMED_5, "10 40 COMPLETE fence=5 receipt=9 -> OK",
         "50 60 CLAIM -> COMPLETED fence=5 receipt=9 age=10 ttl=59990");
    BAD(ORDER, EXACT, CLAIMED_5, "10 40 COMPLETE fence=5 receipt=9 -> OK",
        "50 60 CLAIM -> COMPLETED fence=5 receipt=9 age=51 ttl=59949");
}
END_TEST

/* --- leases --------------------------------------------------------------- */

START_TEST(second_grant_inside_a_lease_is_caught)
{
    GOOD(CLAIMED_5,
         "11001 11001 CLAIM -> CLAIMED fence=6 lease=60000 attempt=2");
    BAD(DOUBLE_GRANT, BOTH, CLAIMED_5,
        "11000 11000 CLAIM -> CLAIMED fence=6 lease=60000 attempt=2");
    BAD(DOUBLE_GRANT, BOTH, CLAIMED_5,
        "20 20 CLAIM life=1 -> CLAIMED fence=6 lease=60000 attempt=1");
    GOOD("0 10 CLAIM lease=10 -> CLAIMED fence=5 lease=10 attempt=1",
         "1010 1011 CLAIM -> CLAIMED fence=6 lease=60000 attempt=2");
}
END_TEST

START_TEST(second_grant_that_only_a_reader_saw_is_caught)
{
    BAD(DOUBLE_GRANT, BOTH, CLAIMED_5, "10 20 CLAIM -> NONE",
        "30 30 LOOKUP -> INFLIGHT fence=6 attempt=2 age=15 lease=59985 "
        "retry=60986");
    GOOD(CLAIMED_5, "10 20 CLAIM -> NONE", "12 18 RELEASE fence=5 -> NONE",
         "30 30 LOOKUP -> INFLIGHT fence=6 attempt=2 age=15 lease=59985 "
         "retry=60986");
}
END_TEST

START_TEST(grant_after_a_release_is_right)
{
    GOOD(CLAIMED_5, "10 10 RELEASE fence=5 -> OK",
         "20 20 CLAIM -> CLAIMED fence=6 lease=60000 attempt=2");
    GOOD(CLAIMED_5, "10 10 RELEASE fence=5 -> NONE",
         "20 20 CLAIM -> CLAIMED fence=6 lease=60000 attempt=2");
    BAD(DOUBLE_GRANT, BOTH, CLAIMED_5, "10 10 RELEASE fence=4 -> ERR STALE",
        "20 20 CLAIM -> CLAIMED fence=6 lease=60000 attempt=2");
    BAD(DOUBLE_GRANT, BOTH, CLAIMED_5, "10 40 RELEASE fence=4 -> NONE",
        "20 20 CLAIM -> CLAIMED fence=6 lease=60000 attempt=2");
    BAD(DOUBLE_GRANT, BOTH, CLAIMED_5,
        "20 20 CLAIM -> CLAIMED fence=6 lease=60000 attempt=2",
        "30 30 RELEASE fence=5 -> ERR STALE");
}
END_TEST

START_TEST(grant_after_completion_and_its_ttl_is_right)
{
    GOOD("0 0 CLAIM lease=50000 -> CLAIMED fence=5 lease=50000 attempt=1",
         "10 10 COMPLETE fence=5 receipt=9 ttl=1 -> OK",
         "1012 1012 CLAIM -> CLAIMED fence=6 lease=60000 attempt=1");
    BAD(ORDER, BOTH,
        "0 0 CLAIM lease=50000 -> CLAIMED fence=5 lease=50000 attempt=1",
        "10 10 COMPLETE fence=5 receipt=9 ttl=1 -> OK",
        "1011 1011 CLAIM -> CLAIMED fence=6 lease=60000 attempt=1");
}
END_TEST

START_TEST(shown_claim_survives)
{
    BAD(LOST_CLAIM, BOTH, "0 9 CLAIM -> NONE",
        "10 10 LOOKUP -> INFLIGHT fence=5 attempt=1 age=5 lease=59995 "
        "retry=60996",
        "20 20 LOOKUP life=1 -> NOT_FOUND");
    BAD(DOUBLE_GRANT, BOTH, "0 9 CLAIM -> NONE",
        "10 10 LOOKUP -> INFLIGHT fence=5 attempt=1 age=5 lease=59995 "
        "retry=60996",
        "20 20 CLAIM life=1 -> CLAIMED fence=6 lease=60000 attempt=1");
    BAD(LOST_CLAIM, BOTH, CLAIMED_5, "20 20 LOOKUP life=1 -> NOT_FOUND");
    BAD(LOST_CLAIM, BOTH, CLAIMED_5,
        "20 20 COMPLETE life=1 fence=5 receipt=9 -> ERR NOT_FOUND");
    GOOD("0 9 CLAIM -> NONE", "20 20 LOOKUP life=1 -> NOT_FOUND");
}
END_TEST

START_TEST(lease_ends_neither_early_nor_late)
{
    GOOD(CLAIMED_5, "11000 11000 LOOKUP -> INFLIGHT fence=5 attempt=1 "
                    "age=11000 lease=0 retry=1");
    BAD(LEASE_SHORT, BOTH, CLAIMED_5,
        "11000 11000 LOOKUP -> EXPIRED fence=5 attempt=1 age=11000");
    GOOD(CLAIMED_5, "11001 11001 LOOKUP -> EXPIRED fence=5 attempt=1 "
                    "age=11001");
    BAD(LEASE_LONG, BOTH, CLAIMED_5,
        "11001 11001 LOOKUP -> INFLIGHT fence=5 attempt=1 age=11001 lease=0 "
        "retry=1");
    BAD(LEASE_LONG, BOTH, OWNED_5,
        "11001 11001 CLAIM owner=7 -> CLAIMED again=1 fence=5 attempt=1 "
        "lease=0");
}
END_TEST

START_TEST(extended_lease_is_kept)
{
    GOOD(CLAIMED_5, "5000 5000 EXTEND fence=5 -> EXTENDED lease=10000",
         "16000 16000 LOOKUP -> INFLIGHT fence=5 attempt=1 age=16000 lease=0 "
         "retry=1",
         "16001 16001 CLAIM -> CLAIMED fence=6 lease=60000 attempt=2");
    BAD(DOUBLE_GRANT, BOTH, CLAIMED_5,
        "5000 5000 EXTEND fence=5 -> EXTENDED lease=10000",
        "15998 15998 CLAIM -> CLAIMED fence=6 lease=60000 attempt=2");
    BAD(LEASE_LONG, BOTH, CLAIMED_5,
        "5000 5000 EXTEND fence=5 -> EXTENDED lease=10000",
        "16001 16001 LOOKUP -> INFLIGHT fence=5 attempt=1 age=16001 lease=0 "
        "retry=1");
}
END_TEST

START_TEST(extend_never_shortens_and_is_cut_to_the_ttl)
{
    GOOD(CLAIMED_5, "1000 1000 EXTEND fence=5 lease=5 -> EXTENDED lease=9000",
         "2000 2000 EXTEND fence=5 lease=90000 -> EXTENDED lease=60000");
    BAD(ORDER, EXACT, CLAIMED_5,
        "1000 1000 EXTEND fence=5 lease=5 -> EXTENDED lease=5");
    BAD(ORDER, EXACT, CLAIMED_5,
        "2000 2000 EXTEND fence=5 lease=90000 -> EXTENDED lease=90000");
    GOOD(CLAIMED_5, "1000 3000 EXTEND fence=5 lease=20000 -> NONE",
         "3000 3000 LOOKUP -> INFLIGHT fence=5 attempt=1 age=3000 "
         "lease=19000 retry=20001");
    GOOD(CLAIMED_5, "1000 3000 EXTEND fence=5 lease=20000 -> NONE",
         "3000 3000 LOOKUP -> INFLIGHT fence=5 attempt=1 age=3000 "
         "lease=7000 retry=8001");
}
END_TEST

START_TEST(released_claim_does_not_come_back)
{
    BAD(RELEASE_UNDONE, BOTH, CLAIMED_5, "10 10 RELEASE fence=5 -> OK",
        "20 20 LOOKUP life=1 -> INFLIGHT fence=5 attempt=1 age=20 lease=9980 "
        "retry=10981");
    GOOD(CLAIMED_5, "10 30 RELEASE fence=5 -> OK",
         "20 20 LOOKUP -> INFLIGHT fence=5 attempt=1 age=20 lease=9980 "
         "retry=10981");
    BAD(RELEASE_UNDONE, BOTH, CLAIMED_5, "10 10 RELEASE fence=5 -> OK",
        "20 20 EXTEND fence=5 -> EXTENDED lease=10000");
}
END_TEST

START_TEST(claim_that_was_taken_over_harms_nobody)
{
    GOOD(CLAIMED_5,
         "11001 11001 CLAIM -> CLAIMED fence=6 lease=60000 "
         "attempt=2",
         "11002 11002 COMPLETE fence=5 receipt=9 -> ERR STALE",
         "11003 11003 RELEASE fence=5 -> ERR STALE",
         "11004 11004 EXTEND fence=5 -> ERR STALE",
         "11005 11005 COMPLETE fence=6 receipt=8 -> OK");
    BAD(TABLE, BOTH, CLAIMED_5,
        "11001 11001 CLAIM -> CLAIMED fence=6 lease=60000 attempt=2",
        "11003 11003 RELEASE fence=5 -> OK");
    BAD(OLD_FENCE, BOTH, CLAIMED_5,
        "11001 11001 CLAIM -> CLAIMED fence=6 lease=60000 attempt=2",
        "11002 11002 COMPLETE fence=5 receipt=9 -> OK");
    BAD(DOUBLE_GRANT, BOTH, CLAIMED_5,
        "11001 11001 CLAIM -> CLAIMED fence=6 lease=60000 attempt=2",
        "11003 11003 RELEASE fence=5 -> ERR STALE",
        "11004 11004 CLAIM -> CLAIMED fence=7 lease=60000 attempt=3");
}
END_TEST

START_TEST(times_shown_of_a_claim_are_its_own)
{
    GOOD("0 10 CLAIM lease=10000 -> CLAIMED fence=5 lease=10000 attempt=1",
         "50 60 CLAIM -> INFLIGHT fence=5 attempt=1 age=55 lease=9945 "
         "retry=10946");
    BAD(ORDER, EXACT,
        "0 10 CLAIM lease=10000 -> CLAIMED fence=5 lease=10000 attempt=1",
        "50 60 CLAIM -> INFLIGHT fence=5 attempt=1 age=65 lease=9935 "
        "retry=10936");
    BAD(ORDER, EXACT, CLAIMED_5,
        "50 50 CLAIM -> INFLIGHT fence=5 attempt=1 age=50 lease=9960 "
        "retry=10961");
    BAD(ANSWER, BOTH, CLAIMED_5,
        "50 50 CLAIM -> INFLIGHT fence=5 attempt=1 age=50 lease=9950 "
        "retry=10950");
}
END_TEST

/* --- slack, leaps, order -------------------------------------------------- */

START_TEST(slack_widens_every_duration)
{
    GOOD("rules grace=1000 ttl=60000 slack=50", CLAIMED_5,
         "10950 10951 CLAIM -> CLAIMED fence=6 lease=60000 attempt=2");
    BAD(DOUBLE_GRANT, BOTH, "rules grace=1000 ttl=60000 slack=50", CLAIMED_5,
        "10949 10950 CLAIM -> CLAIMED fence=6 lease=60000 attempt=2");
    GOOD("rules grace=1000 ttl=60000 slack=50", CLAIMED_5,
         "11050 11050 LOOKUP -> INFLIGHT fence=5 attempt=1 age=11000 lease=0 "
         "retry=1");
    BAD(LEASE_LONG, BOTH, "rules grace=1000 ttl=60000 slack=50", CLAIMED_5,
        "11051 11051 LOOKUP -> INFLIGHT fence=5 attempt=1 age=11001 lease=0 "
        "retry=1");
}
END_TEST

START_TEST(leap_between_lives_ends_durations_and_nothing_else)
{
    GOOD("rules grace=1000 ttl=60000 time_leaps=1", CLAIMED_5,
         "20 20 CLAIM life=1 -> CLAIMED fence=6 lease=60000 attempt=2",
         "30 30 LOOKUP life=2 -> NOT_FOUND");
    GOOD("rules grace=1000 ttl=60000 time_leaps=1", CLAIMED_5,
         "99000 99000 LOOKUP life=1 -> INFLIGHT fence=5 attempt=1 age=10 "
         "lease=9990 retry=10991");
    BAD(DOUBLE_GRANT, BOTH, "rules grace=1000 ttl=60000 time_leaps=1",
        CLAIMED_5, "20 20 CLAIM -> CLAIMED fence=6 lease=60000 attempt=2");
    BAD(LOST_COMPLETION, BOTH, "rules grace=1000 ttl=60000 time_leaps=1",
        CLAIMED_5, COMPLETED_5,
        "20 20 LOOKUP life=1 -> EXPIRED fence=5 attempt=1 age=20");
    BAD(DOUBLE_GRANT, BOTH, "rules grace=1000 ttl=60000 time_leaps=1",
        CLAIMED_5,
        "20 20 LOOKUP life=1 -> INFLIGHT fence=5 attempt=1 age=500 lease=9500 "
        "retry=10501",
        "30 30 CLAIM life=1 -> CLAIMED fence=6 lease=60000 attempt=2");
    /* Stored before the leap, and repeated after it. */
    GOOD("rules grace=1000 ttl=60000 time_leaps=1", CLAIMED_5,
         "15 15 COMPLETE fence=5 receipt=7 -> NONE",
         "20 20 COMPLETE life=1 fence=5 receipt=7 -> OK",
         "57000 57000 CLAIM life=1 -> CLAIMED fence=6 lease=60000 attempt=1");
    BAD(LOST_COMPLETION, BOTH, "rules grace=1000 ttl=60000 time_leaps=1",
        CLAIMED_5, "15 15 COMPLETE fence=5 receipt=7 -> NONE",
        "20 20 COMPLETE fence=5 receipt=7 -> OK",
        "57000 57000 CLAIM -> CLAIMED fence=6 lease=60000 attempt=1");
}
END_TEST

START_TEST(numbers_order_what_happens_at_one_moment)
{
    GOOD("0 0 CLAIM seq=1 to=2 -> CLAIMED fence=5 lease=60000 attempt=1",
         "0 0 RELEASE seq=3 to=4 -> OK",
         "0 0 CLAIM seq=5 to=6 -> CLAIMED fence=6 lease=60000 attempt=2");
    BAD(FENCE_ORDER, BOTH,
        "0 0 CLAIM seq=1 to=2 -> CLAIMED fence=6 lease=60000 attempt=1",
        "0 0 RELEASE seq=3 to=4 -> OK",
        "0 0 CLAIM seq=5 to=6 -> CLAIMED fence=5 lease=60000 attempt=2");
    BAD(ORDER, BOTH,
        "0 0 CLAIM seq=1 to=2 -> CLAIMED fence=5 lease=60000 attempt=1",
        "0 0 CLAIM seq=5 to=6 -> CLAIMED fence=6 lease=60000 attempt=2",
        "0 0 RELEASE seq=7 to=8 -> OK");
    GOOD("0 0 CLAIM -> CLAIMED fence=5 lease=60000 attempt=1",
         "0 0 CLAIM -> CLAIMED fence=6 lease=60000 attempt=2",
         "0 0 RELEASE -> OK");
}
END_TEST

START_TEST(ops_may_be_recorded_in_any_order)
{
    GOOD("20 20 LOOKUP -> COMPLETED fence=5 receipt=9 age=10 ttl=59990",
         COMPLETED_5, CLAIMED_5);
    BAD(LOST_COMPLETION, BOTH, "20 20 LOOKUP -> NOT_FOUND", COMPLETED_5,
        CLAIMED_5);
}
END_TEST

START_TEST(unknown_commands_may_have_come_in_any_order)
{
    GOOD("0 0 CLAIM lease=10 -> CLAIMED fence=5 lease=10 attempt=1",
         "1 5000 RELEASE fence=5 -> NONE",
         "2 5000 CLAIM lease=20 owner=3 -> NONE",
         "3 5000 COMPLETE fence=6 receipt=4 ttl=1000 -> NONE",
         "4 5000 CLAIM lease=30 -> NONE",
         "4900 4900 LOOKUP -> INFLIGHT fence=7 attempt=1 age=100 lease=0 "
         "retry=931");
    BAD(ORDER, EXACT,
        "0 0 CLAIM lease=10 -> CLAIMED fence=5 lease=10 attempt=1",
        "1 5000 RELEASE fence=5 -> NONE",
        "2 5000 CLAIM lease=20 owner=3 -> NONE",
        "3 5000 COMPLETE fence=6 receipt=4 ttl=1000 -> NONE",
        "4 5000 CLAIM lease=30 -> NONE",
        "4900 4900 LOOKUP -> INFLIGHT fence=7 attempt=4 age=100 lease=0 "
        "retry=931");
}
END_TEST

SUITE(
    check_rules, 60, foreign_bytes_are_caught,
    answers_of_another_verb_are_caught,
    claim_that_gets_another_lease_than_it_asked_for_is_caught,
    fence_given_twice_is_caught, fences_rise_over_all_keys_and_lives,
    fences_of_claims_that_overlap_have_no_order,
    fence_that_was_only_shown_counts_too,
    fence_that_nobody_was_granted_is_caught,
    error_that_nothing_was_done_did_nothing,
    errors_that_do_nothing_are_no_fault,
    each_unknown_claim_makes_one_fence_at_most, older_claim_does_not_come_back,
    unknown_claim_takes_effect_before_its_process_ends_or_never,
    owner_and_attempt_stay_those_of_the_claim,
    claim_is_repeated_to_its_owner_alone,
    claim_whose_answer_was_lost_is_repeated_to_its_owner, first_receipt_wins,
    receipt_stored_without_a_fence_counts_too,
    receipt_that_was_not_sent_for_the_claim_is_caught,
    stored_completion_is_not_lost, shown_completion_is_not_lost,
    completion_lives_as_long_as_its_own_ttl, repeated_completion_changes_no_ttl,
    times_shown_of_a_completion_are_its_own,
    second_grant_inside_a_lease_is_caught,
    second_grant_that_only_a_reader_saw_is_caught,
    grant_after_a_release_is_right, grant_after_completion_and_its_ttl_is_right,
    shown_claim_survives, lease_ends_neither_early_nor_late,
    extended_lease_is_kept, extend_never_shortens_and_is_cut_to_the_ttl,
    released_claim_does_not_come_back, claim_that_was_taken_over_harms_nobody,
    times_shown_of_a_claim_are_its_own, slack_widens_every_duration,
    leap_between_lives_ends_durations_and_nothing_else,
    numbers_order_what_happens_at_one_moment, ops_may_be_recorded_in_any_order,
    unknown_commands_may_have_come_in_any_order)
