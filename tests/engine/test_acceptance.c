/* The protocol's acceptance cases, on every kind of store, with a clock that
 * the test owns. */
#include "base/key_hash.h"
#include "tests/lib/bench.h"
#include "tests/lib/store_faulty.h"

#include <stdio.h>
#include <stdlib.h>

#define BENCH(b)                                                               \
    struct bench b;                                                            \
    bench_open(&b, (enum store_kind)_i)

static uint64_t appended(struct bench *b)
{
    return counters_get(&b->store.counters, COUNTER_ROWS_APPENDED);
}

static uint64_t rows_read(struct bench *b)
{
    return counters_get(&b->store.counters, COUNTER_ROWS_READ);
}

struct rows {
    size_t count;
    uint64_t sequences[64];
    struct record newest;
};

static void take_row(void *arg, uint64_t sequence, const struct record *record)
{
    struct rows *rows = arg;

    if (rows->count == 0) {
        rows->newest = *record;
    }
    ck_assert_uint_lt(rows->count, 64);
    rows->sequences[rows->count++] = sequence;
}

static struct rows rows_of(struct bench *b, const char *key)
{
    struct rows rows = {.count = 0};
    int status = b->store.store->ops->history(b->store.session,
                                              test_stream("default", key),
                                              take_row, &rows);

    ck_assert_int_eq(status, 0);
    return rows;
}

START_TEST(claim_then_claim_is_inflight_without_append)
{
    BENCH(b);
    struct reply first;
    struct reply second;

    bench_at(&b, 1000);
    first = bench_run(&b, claim("k"));
    ck_reply(first, "CLAIMED");
    bench_at(&b, 3000);
    second = bench_run(&b, claim("k"));
    ck_reply(second, "INFLIGHT");
    ck_assert_uint_eq(second.fence, first.fence);
    ck_assert_uint_eq(second.age_ms, 2000);
    ck_assert_uint_eq(second.lease_ms, 58000);
    ck_assert_uint_eq(second.retry_ms, 59001);
    ck_assert_uint_eq(appended(&b), 1);
    bench_close(&b);
}
END_TEST

START_TEST(claim_of_completed_key_gets_the_receipt_without_append)
{
    BENCH(b);

    bench_at(&b, 1000);
    ck_reply(bench_run(&b, claim("k")), "CLAIMED");
    ck_reply(bench_run(&b, complete("k", "[1,2,3]")), "OK");
    ck_reply(bench_run(&b, claim("k")), "COMPLETED [1,2,3]");
    ck_assert_uint_eq(appended(&b), 2);
    bench_close(&b);
}
END_TEST

START_TEST(completion_is_a_second_row_with_receipt_and_time)
{
    BENCH(b);
    struct rows rows;

    bench_at(&b, 1000);
    bench_run(&b, claim("k"));
    bench_at(&b, 4000);
    bench_run(&b, complete("k", "done"));
    rows = rows_of(&b, "k");
    ck_assert_uint_eq(rows.count, 2);
    ck_assert_uint_eq(rows.sequences[0], 1);
    ck_assert_int_eq(rows.newest.type, RECORD_COMPLETION);
    ck_assert_uint_eq(rows.newest.at_ms, 4000);
    ck_assert_uint_eq(rows.newest.ttl_ms, 60000);
    ck_reply(bench_run(&b, lookup("k")), "COMPLETED done");
    bench_close(&b);
}
END_TEST

START_TEST(first_receipt_wins_over_the_same_and_over_another)
{
    BENCH(b);

    bench_run(&b, claim("k"));
    bench_run(&b, complete("k", "one"));
    ck_reply(bench_run(&b, complete("k", "one")), "OK");
    ck_reply(bench_run(&b, complete("k", "two")), "CONFLICT");
    ck_assert_uint_eq(appended(&b), 2);
    ck_reply(bench_run(&b, lookup("k")), "COMPLETED one");
    bench_close(&b);
}
END_TEST

START_TEST(complete_of_unseen_or_released_key_is_not_found)
{
    BENCH(b);

    ck_reply(bench_run(&b, complete("k", "r")), "NOT_FOUND");
    bench_run(&b, claim("k"));
    bench_run(&b, release("k"));
    ck_reply(bench_run(&b, complete("k", "r")), "NOT_FOUND");
    bench_close(&b);
}
END_TEST

START_TEST(release_makes_claimable_and_never_clobbers)
{
    BENCH(b);

    ck_reply(bench_run(&b, release("k")), "OK");
    ck_assert_uint_eq(rows_of(&b, "k").count, 0);
    bench_run(&b, claim("k"));
    ck_reply(bench_run(&b, release("k")), "OK");
    ck_reply(bench_run(&b, release("k")), "OK");
    ck_assert_uint_eq(appended(&b), 2);
    ck_reply(bench_run(&b, claim("k")), "CLAIMED");
    bench_run(&b, complete("k", "r"));
    ck_reply(bench_run(&b, release("k")), "OK");
    ck_reply(bench_run(&b, claim("k")), "COMPLETED r");
    bench_close(&b);
}
END_TEST

/* Another writer, between the engine's read and its append. */
struct intruder {
    struct bench *b;
    const char *key;
    uint64_t fence;
};

static struct session *behind_the_back(struct bench *b)
{
    struct store *inner = store_faulty_inner(b->store.store);

    return inner->ops->session_open(inner);
}

/* Releases the claim and makes another. */
static void take_over(void *arg)
{
    struct intruder *intruder = arg;
    struct session *session = behind_the_back(intruder->b);
    struct stream stream = test_stream("default", intruder->key);
    struct head head = test_head(session, stream);
    uint64_t now_ms = bench_now_ms(intruder->b);

    test_append(session, stream,
                test_release(head.record.fence, now_ms, 60000));
    test_append(session, stream, test_claim(intruder->fence, now_ms, 60000));
    session->store->ops->session_close(session);
}

static void let_go(void *arg)
{
    struct intruder *intruder = arg;
    struct session *session = behind_the_back(intruder->b);
    struct stream stream = test_stream("default", intruder->key);
    struct head head = test_head(session, stream);

    test_append(session, stream,
                test_release(head.record.fence, bench_now_ms(intruder->b),
                             60000));
    session->store->ops->session_close(session);
}

START_TEST(release_that_meets_a_newer_claim_is_stale)
{
    struct bench b;
    struct intruder intruder = {&b, "k", 900000000};

    bench_open(&b, STORE_FAULTY);
    bench_at(&b, 1000);
    bench_run(&b, claim("k"));
    store_faulty_before(b.store.store, FAULTY_APPEND, 1, false, take_over,
                        &intruder);
    ck_reply(bench_run(&b, release("k")), "STALE");
    ck_assert_uint_eq(
        counters_get(&b.store.counters, COUNTER_SEQUENCE_CONFLICTS), 1);
    ck_reply(bench_run(&b, lookup("k")), "INFLIGHT");
    ck_assert_uint_eq(bench_run(&b, lookup("k")).fence, 900000000);
    ck_reply(bench_run(&b, complete("k", "theirs")), "OK");
    ck_reply(bench_run(&b, with_fence(release("k"), 1)), "OK");
    ck_reply(bench_run(&b, lookup("k")), "COMPLETED theirs");
    bench_close(&b);
}
END_TEST

START_TEST(stale_append_is_a_conflict_at_the_store)
{
    BENCH(b);
    struct stream stream = test_stream("default", "k");
    uint64_t fence;
    uint64_t actual = 0;

    bench_at(&b, 1000);
    fence = bench_run(&b, claim("k")).fence;
    bench_run(&b, release("k"));
    bench_run(&b, claim("k"));
    ck_assert_int_eq(test_append_at(b.store.session, stream, 1, fence,
                                    test_release(fence, 1000, 60000), &actual),
                     E_SEQUENCE);
    ck_assert_uint_eq(actual, 3);
    ck_reply(bench_run(&b, lookup("k")), "INFLIGHT");
    bench_close(&b);
}
END_TEST

START_TEST(claim_that_meets_a_conflict_on_a_free_key_is_claimed)
{
    struct bench b;
    struct intruder intruder = {&b, "k", 0};

    bench_open(&b, STORE_FAULTY);
    bench_at(&b, 1000);
    bench_run(&b, with_lease(claim("k"), 1000));
    bench_at(&b, 5000);
    store_faulty_before(b.store.store, FAULTY_APPEND, 1, false, let_go,
                        &intruder);
    ck_reply(bench_run(&b, claim("k")), "CLAIMED");
    ck_assert_uint_eq(rows_of(&b, "k").count, 3);
    bench_close(&b);
}
END_TEST

START_TEST(unfinished_claim_is_gone_after_ttl_and_grace)
{
    BENCH(b);

    bench_at(&b, 1000);
    bench_run(&b, with_lease(with_ttl(claim("k"), 60000), 60000));
    bench_at(&b, 60999);
    ck_reply(bench_sweep(&b), "SWEPT 0 0 0");
    ck_reply(bench_run(&b, lookup("k")), "INFLIGHT");
    bench_at(&b, 61001);
    ck_reply(bench_run(&b, lookup("k")), "INFLIGHT");
    bench_at(&b, 62000);
    ck_reply(bench_run(&b, lookup("k")), "INFLIGHT");
    ck_reply(bench_sweep(&b), "SWEPT 0 0 0");
    bench_at(&b, 62001);
    ck_reply(bench_run(&b, lookup("k")), "NOT_FOUND");
    ck_reply(bench_sweep(&b), "SWEPT 1 1 0");
    ck_assert_uint_eq(rows_of(&b, "k").count, 0);
    ck_reply(bench_sweep(&b), "SWEPT 0 0 0");
    bench_close(&b);
}
END_TEST

START_TEST(late_completion_restarts_the_ttl)
{
    BENCH(b);
    uint64_t fence;

    bench_at(&b, 1000);
    fence = bench_run(&b, claim("k")).fence;
    bench_at(&b, 62000);
    ck_reply(bench_run(&b, with_fence(complete("k", "r"), fence)), "OK");
    bench_at(&b, 122999);
    ck_reply(bench_run(&b, lookup("k")), "COMPLETED r");
    ck_reply(bench_sweep(&b), "SWEPT 1 0 1");
    bench_at(&b, 123001);
    ck_reply(bench_run(&b, lookup("k")), "NOT_FOUND");
    ck_reply(bench_sweep(&b), "SWEPT 1 1 0");
    ck_assert_uint_eq(rows_of(&b, "k").count, 0);
    bench_close(&b);
}
END_TEST

START_TEST(stale_worker_cannot_touch_the_next_claim)
{
    BENCH(b);
    uint64_t old;
    uint64_t new;

    bench_at(&b, 1000);
    old = bench_run(&b, with_lease(claim("k"), 1000)).fence;
    bench_at(&b, 3001);
    new = bench_run(&b, with_lease(claim("k"), 9000)).fence;
    ck_assert_uint_gt(new, old);
    ck_reply(bench_run(&b, with_fence(complete("k", "a"), old)), "STALE");
    ck_reply(bench_run(&b, with_fence(release("k"), old)), "STALE");
    ck_reply(bench_run(&b, extend("k", old)), "STALE");
    ck_reply(bench_run(&b, extend("k", new)), "EXTENDED");
    ck_reply(bench_run(&b, with_fence(complete("k", "b"), new)), "OK");
    ck_reply(bench_run(&b, lookup("k")), "COMPLETED b");
    bench_close(&b);
}
END_TEST

START_TEST(lost_answer_is_repeated_with_the_same_owner)
{
    BENCH(b);
    struct reply first;
    struct reply again;

    bench_at(&b, 1000);
    first = bench_run(&b, with_owner(claim("k"), "x"));
    again = bench_run(&b, with_owner(claim("k"), "x"));
    ck_reply(again, "CLAIMED again");
    ck_assert_uint_eq(again.fence, first.fence);
    ck_reply(bench_run(&b, with_owner(claim("k"), "y")), "INFLIGHT");
    ck_reply(bench_run(&b, complete("k", "r")), "FENCE_REQUIRED");
    ck_reply(bench_run(&b, with_fence(complete("k", "r"), first.fence)), "OK");
    bench_close(&b);
}
END_TEST

START_TEST(extend_long_then_short_keeps_the_long_one)
{
    BENCH(b);
    uint64_t fence = bench_run(&b, with_lease(claim("k"), 5000)).fence;

    bench_run(&b, with_lease(extend("k", fence), 50000));
    ck_assert_uint_eq(
        bench_run(&b, with_lease(extend("k", fence), 10)).lease_ms, 50000);
    bench_at(&b, 40000);
    ck_reply(bench_run(&b, claim("k")), "INFLIGHT");
    bench_close(&b);
}
END_TEST

START_TEST(receipts_of_any_bytes_come_back_as_they_were)
{
    BENCH(b);
    struct slice odd = slice_of("a\0b\n\"\\\xff\r", 8);
    struct reply reply;

    bench_run(&b, claim("empty"));
    bench_run(&b, complete("empty", ""));
    reply = bench_run(&b, claim("empty"));
    ck_assert_int_eq(reply.kind, REPLY_COMPLETED);
    ck_assert_uint_eq(reply.receipt.len, 0);
    ck_reply(bench_run(&b, complete("empty", "x")), "CONFLICT");
    bench_run(&b, claim("odd"));
    bench_run(&b, with_receipt(complete("odd", ""), odd));
    ck_assert(slice_equal(bench_run(&b, lookup("odd")).receipt, odd));
    bench_close(&b);
}
END_TEST

START_TEST(a_command_costs_the_same_after_600_rounds)
{
    BENCH(b);
    uint64_t reads[2];

    for (int round = 1; round <= 600; round++) {
        ck_reply(bench_run(&b, claim("k")), "CLAIMED");
        ck_reply(bench_run(&b, release("k")), "OK");
        if (round == 1 || round == 600) {
            uint64_t before = rows_read(&b);

            bench_run(&b, lookup("k"));
            bench_run(&b, claim("k"));
            bench_run(&b, release("k"));
            reads[round == 600] = rows_read(&b) - before;
        }
    }
    ck_assert_uint_eq(reads[0], reads[1]);
    ck_assert_uint_eq(rows_of(&b, "k").count, 16);
    bench_close(&b);
}
END_TEST

static const char *numbered(char *out, size_t room, int number)
{
    snprintf(out, room, "key-%d", number);
    return out;
}

static void sweep_of(int store_kind, int keys)
{
    struct bench b;
    char name[32];
    char expected[64];

    bench_open(&b, (enum store_kind)store_kind);
    for (int i = 0; i < keys; i++) {
        struct command c = claim(numbered(name, sizeof(name), i));
        struct reply reply;

        /* Two deadlines, so that several index entries are followed. */
        c = with_ttl(c, 1000 + (uint64_t)(i % 2));
        reply = bench_run(&b, c);
        ck_assert_int_eq(reply.kind, REPLY_CLAIMED);
    }
    ck_reply(bench_run(&b, claim("kept")), "CLAIMED");
    bench_at(&b, 3000);
    snprintf(expected, sizeof(expected), "SWEPT %d %d 0", keys, keys);
    ck_reply(bench_sweep(&b), expected);
    for (int i = 0; i < keys; i += keys / 7 + 1) {
        ck_assert_uint_eq(rows_of(&b, numbered(name, sizeof(name), i)).count,
                          0);
    }
    ck_reply(bench_run(&b, lookup("kept")), "INFLIGHT");
    ck_assert_uint_eq(b.turn.marks.live_keys, 1);
    bench_close(&b);
}

START_TEST(sweep_of_none_one_two_and_slice_boundaries_removes_all)
{
    static const int counts[] = {
        0,
        1,
        2,
        SWEEP_SLICE_KEYS,
        SWEEP_SLICE_KEYS + 1,
        3 * SWEEP_SLICE_KEYS + 5,
    };

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        sweep_of(_i, counts[i]);
    }
}
END_TEST

START_TEST(completion_between_two_slices_survives_the_sweep)
{
    BENCH(b);
    char name[32];
    int keys = 2 * SWEEP_SLICE_KEYS;
    char last[32];
    int status;

    for (int i = 0; i < keys; i++) {
        bench_run(&b, with_ttl(claim(numbered(name, sizeof(name), i)),
                               1000 + (uint64_t)i));
    }
    numbered(last, sizeof(last), keys - 1);
    bench_at(&b, 1000 + (uint64_t)keys - 1 + 1000); /* the last still lives */
    sweeper_begin(&b.sweeper);
    status = sweeper_slice(&b.sweeper);
    ck_assert_int_eq(status, 0);
    ck_assert(b.sweeper.running);
    ck_reply(bench_run(&b, complete(last, "in time")), "OK");
    bench_at(&b, bench_now_ms(&b) + 500);
    while (b.sweeper.running) {
        status = sweeper_slice(&b.sweeper);
        ck_assert_int_eq(status, 0);
    }
    ck_assert_uint_eq(b.sweeper.expired, (uint64_t)keys - 1);
    ck_reply(bench_run(&b, lookup(last)), "COMPLETED in time");
    bench_close(&b);
}
END_TEST

/* Completes the key while the sweeper is about to remove it. */
static void complete_behind(void *arg)
{
    struct intruder *intruder = arg;
    struct session *session = behind_the_back(intruder->b);
    struct stream stream = test_stream("default", intruder->key);
    struct head head = test_head(session, stream);

    test_append(session, stream,
                test_completion(head.record.fence, bench_now_ms(intruder->b),
                                60000, slice_str("raced")));
    session->store->ops->session_close(session);
}

START_TEST(completion_that_races_the_removal_wins_and_is_counted_retained)
{
    struct bench b;
    struct intruder intruder = {&b, "k", 0};

    bench_open(&b, STORE_FAULTY);
    bench_run(&b, with_ttl(claim("k"), 1000));
    bench_run(&b, with_ttl(claim("other"), 1000));
    bench_at(&b, 2001);
    store_faulty_before(b.store.store, FAULTY_REMOVE, 1, false, complete_behind,
                        &intruder);
    ck_assert_uint_eq(bench_sweep(&b).swept_expired, 1);
    ck_reply(bench_run(&b, lookup("k")), "COMPLETED raced");
    ck_assert_uint_ge(b.sweeper.retained, 1);
    bench_at(&b, 2001 + 61001);
    ck_assert_uint_eq(bench_sweep(&b).swept_expired, 1);
    bench_close(&b);
}
END_TEST

START_TEST(restart_continues_states_leases_and_fences)
{
    BENCH(b);
    uint64_t last;
    uint64_t before;

    bench_at(&b, 1000);
    bench_run(&b, claim("claimed"));
    bench_run(&b, claim("completed"));
    bench_run(&b, complete("completed", "r"));
    bench_run(&b, claim("released"));
    last = bench_run(&b, claim("last")).fence;
    bench_run(&b, release("released"));
    bench_restart(&b);
    before = rows_read(&b);
    bench_at(&b, 11000);
    ck_reply(bench_run(&b, lookup("claimed")), "INFLIGHT");
    ck_assert_uint_eq(bench_run(&b, lookup("claimed")).lease_ms, 50000);
    ck_reply(bench_run(&b, lookup("completed")), "COMPLETED r");
    ck_reply(bench_run(&b, lookup("released")), "NOT_FOUND");
    ck_assert_uint_eq(rows_read(&b) - before, 4); /* none at the start */
    ck_assert_uint_gt(bench_run(&b, claim("new")).fence, last);
    ck_assert_uint_eq(bench_run(&b, claim("released")).attempt, 2);
    bench_close(&b);
}
END_TEST

START_TEST(fences_rise_over_sweep_and_restart)
{
    BENCH(b);
    uint64_t last = 0;

    for (uint64_t round = 0; round < 5; round++) {
        uint64_t fence;

        /* Time stands still, so that only the counter can raise them. */
        for (int i = 0; i < 3; i++) {
            fence = bench_run(&b, with_ttl(claim("k"), 1)).fence;
            ck_assert_uint_gt(fence, last);
            last = fence;
            bench_run(&b, release("k"));
        }
        bench_at(&b, bench_now_ms(&b) + 2000);
        bench_sweep(&b);
        ck_assert_uint_eq(rows_of(&b, "k").count, 0);
        bench_restart(&b);
    }
    bench_close(&b);
}
END_TEST

static void copy_dir(const char *from, const char *to)
{
    char line[2 * PATH_MAX + 32];
    int status;

    snprintf(line, sizeof(line), "cp -a '%s' '%s'", from, to);
    status = system(line); /* NOLINT(cert-env33-c): paths of our own */
    ck_assert_int_eq(status, 0);
}

START_TEST(fences_rise_over_a_restore)
{
    BENCH(b);
    char backup[PATH_MAX + 16];
    char lost[PATH_MAX + 16];
    uint64_t last;

    snprintf(backup, sizeof(backup), "%s/backup", b.store.dir);
    snprintf(lost, sizeof(lost), "%s/lost", b.store.dir);
    bench_at(&b, 1000);
    bench_run(&b, claim("before"));
    bench_stop(&b);
    copy_dir(b.store.data_dir, backup);
    bench_start(&b);
    bench_at(&b, 500000);
    bench_run(&b, claim("after"));
    bench_at(&b, 900000);
    last = bench_run(&b, claim("last")).fence;
    bench_stop(&b);
    ck_assert_int_eq(rename(b.store.data_dir, lost), 0);
    ck_assert_int_eq(rename(backup, b.store.data_dir), 0);
    bench_start(&b);
    bench_at(&b, 900001);
    ck_reply(bench_run(&b, lookup("after")), "NOT_FOUND");
    ck_assert_uint_gt(bench_run(&b, claim("new")).fence, last);
    bench_close(&b);
}
END_TEST

static void pair_is_independent(struct bench *b, const char *one,
                                const char *two)
{
    ck_assert_uint_eq(key_hash(slice_str(one)), key_hash(slice_str(two)));
    ck_reply(bench_run(b, claim(one)), "CLAIMED");
    ck_reply(bench_run(b, lookup(two)), "NOT_FOUND");
    ck_reply(bench_run(b, claim(two)), "CLAIMED");
    ck_reply(bench_run(b, complete(one, "first")), "OK");
    ck_reply(bench_run(b, release(two)), "OK");
    ck_reply(bench_run(b, lookup(one)), "COMPLETED first");
    ck_reply(bench_run(b, lookup(two)), "NOT_FOUND");
    ck_reply(bench_run(b, claim(two)), "CLAIMED");
    ck_reply(bench_run(b, complete(two, "second")), "OK");
    ck_reply(bench_run(b, lookup(one)), "COMPLETED first");
    ck_reply(bench_run(b, lookup(two)), "COMPLETED second");
}

START_TEST(keys_with_equal_hashes_are_independent)
{
    BENCH(b);

    pair_is_independent(&b, "8yn0iYCKYHlIj4-BwPqk", "GReLUrM4wMqfg9yzV3KQ");
    pair_is_independent(&b, "77kepQFQ8Kl", "!0IC=VloaY");
    bench_close(&b);
}
END_TEST

START_TEST(namespaces_never_see_each_other)
{
    BENCH(b);
    static const char *const names[] = {"a", "a.b", "a0", "default"};

    for (size_t i = 0; i < 4; i++) {
        ck_reply(bench_run_in(&b, slice_str(names[i]), claim("k")), "CLAIMED");
        ck_reply(bench_run_in(&b, slice_str(names[i]), complete("k", names[i])),
                 "OK");
    }
    for (size_t i = 0; i < 4; i++) {
        struct reply reply = bench_run_in(&b, slice_str(names[i]), lookup("k"));

        ck_assert(slice_equal(reply.receipt, slice_str(names[i])));
    }
    bench_close(&b);
}
END_TEST

SUITE_OF_STORES(acceptance, 60, claim_then_claim_is_inflight_without_append,
                claim_of_completed_key_gets_the_receipt_without_append,
                completion_is_a_second_row_with_receipt_and_time,
                first_receipt_wins_over_the_same_and_over_another,
                complete_of_unseen_or_released_key_is_not_found,
                release_makes_claimable_and_never_clobbers,
                stale_append_is_a_conflict_at_the_store,
                unfinished_claim_is_gone_after_ttl_and_grace,
                late_completion_restarts_the_ttl,
                stale_worker_cannot_touch_the_next_claim,
                lost_answer_is_repeated_with_the_same_owner,
                extend_long_then_short_keeps_the_long_one,
                receipts_of_any_bytes_come_back_as_they_were,
                a_command_costs_the_same_after_600_rounds,
                sweep_of_none_one_two_and_slice_boundaries_removes_all,
                completion_between_two_slices_survives_the_sweep,
                restart_continues_states_leases_and_fences,
                fences_rise_over_sweep_and_restart,
                keys_with_equal_hashes_are_independent,
                namespaces_never_see_each_other)

SUITE(acceptance_races, 20, release_that_meets_a_newer_claim_is_stale,
      claim_that_meets_a_conflict_on_a_free_key_is_claimed,
      completion_that_races_the_removal_wins_and_is_counted_retained)

SUITE_OF_STORES_FROM(STORE_FIRST_LASTING, acceptance_restore, 20,
                     fences_rise_over_a_restore)
