#include "tests/lib/runner.h"
#include "tests/torture/workload.h"

enum { OPS = 20000 };

/* What a daemon without memory might say, so that there are fences. */
static void grant(struct workload *workload, struct op *op, uint64_t fence)
{
    if (op->verb == VERB_CLAIM) {
        op->kind = REPLY_CLAIMED;
        op->got_fence = fence;
    } else if (op->verb == VERB_LOOKUP && op->key % 2 == 0) {
        op->kind = REPLY_COMPLETED;
        op->got_fence = fence;
        op->got_receipt = fence;
    }
    workload_learn(workload, op);
}

START_TEST(same_seed_and_answers_ask_the_same)
{
    struct workload one;
    struct workload other;

    workload_init(&one, profiles[0], 7);
    workload_init(&other, profiles[0], 7);
    for (uint64_t i = 1; i <= OPS; i++) {
        struct op a;
        struct op b;

        workload_next(&one, i % 16, &a);
        workload_next(&other, i % 16, &b);
        ck_assert_uint_eq(a.key, b.key);
        ck_assert_uint_eq(a.verb, b.verb);
        ck_assert_uint_eq(a.fence, b.fence);
        ck_assert_uint_eq(a.owner, b.owner);
        ck_assert_uint_eq(a.receipt, b.receipt);
        grant(&one, &a, i);
        grant(&other, &b, i);
    }
    workload_release(&one);
    workload_release(&other);
}
END_TEST

START_TEST(every_verb_is_asked_with_right_older_and_wrong_fences)
{
    struct workload workload;
    size_t verbs[VERB_COUNT] = {0};
    size_t right = 0;
    size_t before = 0;
    size_t other = 0;

    workload_init(&workload, profiles[1], 1);
    for (uint64_t i = 1; i <= OPS; i++) {
        struct key_view view;
        struct op op;

        workload_next(&workload, i % 16, &op);
        view = workload.views[op.key];
        verbs[op.verb]++;
        right += op.fence != 0 && op.fence == view.fence;
        before += op.fence != 0 && op.fence == view.fence_before;
        other += op.fence != 0 && op.fence != view.fence &&
                 op.fence != view.fence_before;
        grant(&workload, &op, i * 10);
    }
    for (enum verb verb = VERB_CLAIM; verb <= VERB_LOOKUP; verb++) {
        ck_assert_uint_gt(verbs[verb], OPS / 50);
    }
    ck_assert_uint_gt(right, OPS / 10);
    ck_assert_uint_gt(before, OPS / 200);
    ck_assert_uint_gt(other, OPS / 200);
    workload_release(&workload);
}
END_TEST

START_TEST(next_life_reads_what_this_one_has_touched)
{
    struct workload workload;
    struct op op;
    size_t reads = 0;

    workload_init(&workload, profiles[0], 3);
    for (uint64_t i = 1; i <= 100; i++) {
        workload_next(&workload, i, &op);
    }
    ck_assert(!workload_next_unread(&workload, &op));
    workload_next_life(&workload, false);
    while (workload_next_unread(&workload, &op)) {
        ck_assert_int_eq(op.verb, VERB_LOOKUP);
        reads++;
    }
    ck_assert_uint_eq(reads, workload.keys);
    /* This read was lost with its answer. */
    workload_lose(&workload, &op);
    workload_next_life(&workload, false);
    ck_assert(workload_next_unread(&workload, &op));
    ck_assert(!workload_next_unread(&workload, &op));
    workload_release(&workload);
}
END_TEST

SUITE(workload, 60, same_seed_and_answers_ask_the_same,
      every_verb_is_asked_with_right_older_and_wrong_fences,
      next_life_reads_what_this_one_has_touched)
