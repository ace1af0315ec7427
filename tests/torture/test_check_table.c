/* Every cell of the protocol's table: its answer is right, and all other
 * answers that the verb can get are found out by the search. */
#include "tests/lib/runner.h"
#include "tests/torture/samples.h"

#include <stdio.h>

enum { ABSENT, INFLIGHT, EXPIRED, COMPLETED, STATES };

enum { LINES = 3, KINDS_MAX = 6, LINE_BYTES = 256 };

/* How the key gets there. The claim is by owner 7, of fp 3, its fence is 5; all
 * is asked at 12 s. */
static const char *const before[STATES][LINES] = {
    [ABSENT] = {NULL},
    [INFLIGHT] = {"2000 2000 CLAIM lease=20000 owner=7 fp=3 -> CLAIMED fence=5 "
                  "lease=20000 attempt=1"},
    [EXPIRED] = {"2000 2000 CLAIM lease=100 owner=7 fp=3 -> CLAIMED fence=5 "
                 "lease=100 attempt=1"},
    [COMPLETED] = {"2000 2000 CLAIM lease=100 owner=7 fp=3 -> CLAIMED fence=5 "
                   "lease=100 attempt=1",
                   "4000 4000 COMPLETE fence=5 receipt=9 -> OK"},
};

/* What each state answers where it shows itself. */
#define SHOWN_INFLIGHT                                                         \
    "INFLIGHT fence=5 attempt=1 age=10000 lease=10000 retry=11001"
#define SHOWN_EXPIRED   "EXPIRED fence=5 attempt=1 age=10000"
#define SHOWN_COMPLETED "COMPLETED fence=5 receipt=9 age=8000 ttl=52000"

/* A command, its answer in each state, and what else it might have said. */
struct row {
    const char *asked;
    const char *right[STATES];
    const char *kinds[KINDS_MAX];
};

#define CLAIM_KINDS                                                            \
    {                                                                          \
        "CLAIMED fence=6 lease=60000 attempt=1",                               \
            "CLAIMED fence=6 lease=60000 attempt=2", SHOWN_INFLIGHT,           \
            SHOWN_COMPLETED, "CLAIMED again=1 fence=5 attempt=1 lease=10000"   \
    }
#define COMPLETE_KINDS                                                         \
    {                                                                          \
        "OK", "ERR NOT_FOUND", "ERR CONFLICT", "ERR STALE", "ERR MISMATCH",    \
            "ERR FENCE_REQUIRED"                                               \
    }
#define RELEASE_KINDS                                                          \
    {                                                                          \
        "OK", "ERR STALE", "ERR FENCE_REQUIRED"                                \
    }
#define EXTEND_KINDS                                                           \
    {                                                                          \
        "EXTENDED lease=30000", "ERR NOT_FOUND", "ERR CONFLICT", "ERR STALE",  \
            "ERR FENCE_REQUIRED"                                               \
    }

static const struct row rows[] = {
    {"CLAIM",
     {"CLAIMED fence=6 lease=60000 attempt=1", SHOWN_INFLIGHT,
      "CLAIMED fence=6 lease=60000 attempt=2", SHOWN_COMPLETED},
     CLAIM_KINDS},
    {"CLAIM owner=7",
     {"CLAIMED fence=6 lease=60000 attempt=1",
      "CLAIMED again=1 fence=5 attempt=1 lease=10000",
      "CLAIMED fence=6 lease=60000 attempt=2", SHOWN_COMPLETED},
     CLAIM_KINDS},
    {"CLAIM fp=4",
     {"CLAIMED fence=6 lease=60000 attempt=1", "ERR MISMATCH", "ERR MISMATCH",
      "ERR MISMATCH"},
     CLAIM_KINDS},
    {"COMPLETE fence=5 fp=3 receipt=9",
     {"ERR NOT_FOUND", "OK", "OK", "OK"},
     COMPLETE_KINDS},
    {"COMPLETE fence=5 fp=3 receipt=8",
     {"ERR NOT_FOUND", "OK", "OK", "ERR CONFLICT"},
     COMPLETE_KINDS},
    {"COMPLETE fence=4 fp=4 receipt=9",
     {"ERR NOT_FOUND", "ERR STALE", "ERR STALE", "ERR STALE"},
     COMPLETE_KINDS},
    {"COMPLETE fence=5 fp=4 receipt=8",
     {"ERR NOT_FOUND", "ERR MISMATCH", "ERR MISMATCH", "ERR MISMATCH"},
     COMPLETE_KINDS},
    {"COMPLETE fp=4 receipt=8",
     {"ERR NOT_FOUND", "ERR MISMATCH", "ERR MISMATCH", "ERR MISMATCH"},
     COMPLETE_KINDS},
    {"COMPLETE receipt=8",
     {"ERR NOT_FOUND", "ERR FENCE_REQUIRED", "ERR FENCE_REQUIRED",
      "ERR CONFLICT"},
     COMPLETE_KINDS},
    {"RELEASE fence=5", {"OK", "OK", "OK", "OK"}, RELEASE_KINDS},
    {"RELEASE fence=4", {"OK", "ERR STALE", "ERR STALE", "OK"}, RELEASE_KINDS},
    {"RELEASE",
     {"OK", "ERR FENCE_REQUIRED", "ERR FENCE_REQUIRED", "OK"},
     RELEASE_KINDS},
    {"EXTEND fence=5 lease=30000",
     {"ERR NOT_FOUND", "EXTENDED lease=30000", "EXTENDED lease=30000",
      "ERR CONFLICT"},
     EXTEND_KINDS},
    {"EXTEND fence=4 lease=30000",
     {"ERR NOT_FOUND", "ERR STALE", "ERR STALE", "ERR STALE"},
     EXTEND_KINDS},
    {"EXTEND",
     {"ERR FENCE_REQUIRED", "ERR FENCE_REQUIRED", "ERR FENCE_REQUIRED",
      "ERR FENCE_REQUIRED"},
     EXTEND_KINDS},
    {"LOOKUP",
     {"NOT_FOUND", SHOWN_INFLIGHT " owner=7", SHOWN_EXPIRED " owner=7",
      SHOWN_COMPLETED},
     {"NOT_FOUND", SHOWN_INFLIGHT " owner=7", SHOWN_EXPIRED " owner=7",
      SHOWN_COMPLETED}},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* A history that ends with this question and answer. */
static void judge(int state, const char *asked, const char *answer,
                  struct verdict *verdict)
{
    const struct check_options options = {.exact_ms = 30000, .exact_one_in = 1};
    const char *lines[LINES + 2] = {NULL};
    char line[LINE_BYTES];
    struct history history;
    size_t count = 0;

    while (before[state][count] != NULL) {
        lines[count] = before[state][count];
        count++;
    }
    snprintf(line, sizeof(line), "12000 12000 %s -> %s", asked, answer);
    lines[count] = line;
    sample_read(lines, &history);
    check_history(&history, &options, verdict);
    history_release(&history);
}

static void judge_row(const struct row *row, int state)
{
    struct verdict verdict;

    judge(state, row->asked, row->right[state], &verdict);
    ck_assert_msg(verdict.valid, "%s in state %d: %s", row->asked, state,
                  row->right[state]);
    verdict_release(&verdict);
    for (int i = 0; i < KINDS_MAX && row->kinds[i] != NULL; i++) {
        if (strcmp(row->kinds[i], row->right[state]) != 0) {
            judge(state, row->asked, row->kinds[i], &verdict);
            ck_assert_msg(verdict.broken[PROMISE_ORDER] > 0,
                          "%s in state %d: %s", row->asked, state,
                          row->kinds[i]);
            verdict_release(&verdict);
        }
    }
}

START_TEST(every_cell_of_the_table_has_one_answer)
{
    for (int row = 0; row < ROWS; row++) {
        for (int state = 0; state < STATES; state++) {
            judge_row(&rows[row], state);
        }
    }
}
END_TEST

/* --- what a tombstone and the ttl do -------------------------------------- */

START_TEST(tombstone_counts_attempts_while_its_ttl_runs)
{
    GOOD("0 0 CLAIM ttl=500 -> CLAIMED fence=5 lease=500 attempt=1",
         "100 100 RELEASE fence=5 -> OK",
         "1600 1600 CLAIM -> CLAIMED fence=6 lease=60000 attempt=2");
    BAD(ORDER, EXACT,
        "0 0 CLAIM ttl=500 -> CLAIMED fence=5 lease=500 attempt=1",
        "100 100 RELEASE fence=5 -> OK",
        "1600 1600 CLAIM -> CLAIMED fence=6 lease=60000 attempt=1");
    GOOD("0 0 CLAIM ttl=500 -> CLAIMED fence=5 lease=500 attempt=1",
         "100 100 RELEASE fence=5 -> OK",
         "1601 1601 CLAIM -> CLAIMED fence=6 lease=60000 attempt=1");
    BAD(ORDER, EXACT,
        "0 0 CLAIM ttl=500 -> CLAIMED fence=5 lease=500 attempt=1",
        "100 100 RELEASE fence=5 -> OK",
        "1601 1601 CLAIM -> CLAIMED fence=6 lease=60000 attempt=2");
}
END_TEST

START_TEST(claim_is_remembered_for_its_ttl)
{
    GOOD("0 0 CLAIM lease=1 ttl=500 -> CLAIMED fence=5 lease=1 attempt=1",
         "1500 1500 CLAIM -> CLAIMED fence=6 lease=60000 attempt=2");
    BAD(ORDER, EXACT,
        "0 0 CLAIM lease=1 ttl=500 -> CLAIMED fence=5 lease=1 attempt=1",
        "1500 1500 LOOKUP -> NOT_FOUND");
    GOOD("0 0 CLAIM lease=1 ttl=500 -> CLAIMED fence=5 lease=1 attempt=1",
         "1501 1501 LOOKUP -> NOT_FOUND");
    GOOD("0 0 CLAIM lease=1 ttl=500 -> CLAIMED fence=5 lease=1 attempt=1",
         "1400 1400 EXTEND fence=5 -> EXTENDED lease=1",
         "2900 2900 LOOKUP -> EXPIRED fence=5 attempt=1 age=2900",
         "2901 2901 LOOKUP -> NOT_FOUND");
}
END_TEST

START_TEST(absent_key_looks_at_no_fence)
{
    GOOD("0 0 CLAIM -> CLAIMED fence=5 lease=60000 attempt=1",
         "1 1 RELEASE fence=5 -> OK", "2 2 RELEASE fence=4 -> OK",
         "3 3 COMPLETE fence=4 receipt=1 -> ERR NOT_FOUND",
         "4 4 EXTEND fence=4 -> ERR NOT_FOUND");
    BAD(ORDER, EXACT, "0 0 CLAIM -> CLAIMED fence=5 lease=60000 attempt=1",
        "1 1 RELEASE fence=5 -> OK", "2 2 RELEASE fence=4 -> ERR STALE");
}
END_TEST

START_TEST(fingerprint_belongs_to_the_claim)
{
    GOOD("0 0 CLAIM fp=3 -> CLAIMED fence=5 lease=60000 attempt=1",
         "1 1 COMPLETE fence=5 receipt=9 -> OK",
         "2 2 CLAIM fp=4 -> ERR MISMATCH",
         "3 3 CLAIM fp=3 -> COMPLETED fence=5 receipt=9 age=2 ttl=59998");
    BAD(ORDER, EXACT, "0 0 CLAIM -> CLAIMED fence=5 lease=60000 attempt=1",
        "1 1 CLAIM fp=4 -> ERR MISMATCH");
    GOOD("0 0 CLAIM fp=3 -> CLAIMED fence=5 lease=60000 attempt=1",
         "1 1 RELEASE fence=5 -> OK",
         "2 2 CLAIM fp=4 -> CLAIMED fence=6 lease=60000 attempt=2");
}
END_TEST

START_TEST(required_fence_is_asked_for_in_every_state)
{
    GOOD("rules grace=1000 ttl=60000 require_fence=1",
         "0 0 RELEASE -> ERR FENCE_REQUIRED",
         "1 1 CLAIM -> CLAIMED fence=5 lease=60000 attempt=1",
         "2 2 COMPLETE receipt=9 -> ERR FENCE_REQUIRED",
         "3 3 COMPLETE fence=5 receipt=9 -> OK",
         "4 4 RELEASE -> ERR FENCE_REQUIRED");
    BAD(ANSWER, BOTH, "rules grace=1000 ttl=60000 require_fence=1",
        "0 0 RELEASE -> OK");
}
END_TEST

SUITE(check_table, 60, every_cell_of_the_table_has_one_answer,
      tombstone_counts_attempts_while_its_ttl_runs,
      claim_is_remembered_for_its_ttl, absent_key_looks_at_no_fence,
      fingerprint_belongs_to_the_claim,
      required_fence_is_asked_for_in_every_state)
