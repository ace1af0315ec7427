#include "tests/lib/bench.h"
#include "tests/lib/store_faulty.h"

#include <stdio.h>

#define BENCH(b)                                                               \
    struct bench b;                                                            \
    bench_open(&b, (enum store_kind)_i)

enum { REQUESTS_MAX = 64 };

/* Several commands for one turn, in order. */
struct batch {
    struct request_list list;
    struct request *requests[REQUESTS_MAX];
    size_t count;
};

static void batch_init(struct batch *batch)
{
    STAILQ_INIT(&batch->list);
    batch->count = 0;
}

static void batch_add(struct batch *batch, struct command command)
{
    struct request *request = bench_request("default", command);

    ck_assert_uint_lt(batch->count, REQUESTS_MAX);
    batch->requests[batch->count++] = request;
    STAILQ_INSERT_TAIL(&batch->list, request, link);
}

static void batch_run(struct bench *b, struct batch *batch)
{
    int status = turn_run(&b->turn, &batch->list);

    ck_assert_int_eq(status, 0);
}

START_TEST(commands_of_one_turn_see_each_other_in_order)
{
    BENCH(b);
    struct batch batch;
    uint64_t syncs;

    batch_init(&batch);
    batch_add(&batch, claim("k"));
    batch_add(&batch, claim("k"));
    batch_add(&batch, release("k"));
    batch_add(&batch, lookup("k"));
    batch_add(&batch, claim("k"));
    batch_add(&batch, complete("k", "r"));
    batch_add(&batch, complete("k", "other"));
    batch_add(&batch, claim("k"));
    syncs = counters_get(&b.store.counters, COUNTER_SYNCS);
    batch_run(&b, &batch);
    ck_reply(batch.requests[0]->reply, "CLAIMED");
    ck_reply(batch.requests[1]->reply, "INFLIGHT");
    ck_reply(batch.requests[2]->reply, "OK");
    ck_reply(batch.requests[3]->reply, "NOT_FOUND");
    ck_reply(batch.requests[4]->reply, "CLAIMED");
    ck_assert_uint_eq(batch.requests[4]->reply.attempt, 2);
    ck_reply(batch.requests[5]->reply, "OK");
    ck_reply(batch.requests[6]->reply, "CONFLICT");
    ck_reply(batch.requests[7]->reply, "COMPLETED r");
    ck_assert_uint_le(counters_get(&b.store.counters, COUNTER_SYNCS) - syncs,
                      1);
    ck_assert_uint_eq(counters_get(&b.store.counters, COUNTER_TURNS), 1);
    ck_assert_uint_eq(counters_get(&b.store.counters, COUNTER_TURN_COMMANDS),
                      8);
    ck_reply(bench_run(&b, lookup("k")), "COMPLETED r");
    bench_close(&b);
}
END_TEST

START_TEST(one_turn_has_one_read_and_one_write)
{
    struct bench b;
    struct batch batch;
    struct store *store;

    bench_open(&b, STORE_FAULTY);
    store = b.store.store;
    bench_run(&b, claim("done"));
    bench_run(&b, complete("done", "r"));
    batch_init(&batch);
    batch_add(&batch, claim("a"));
    batch_add(&batch, claim("b"));
    batch_add(&batch, claim("done"));
    batch_add(&batch, claim("a"));
    {
        size_t reads = store_faulty_calls(store, FAULTY_HEADS);
        size_t items = store_faulty_items(store, FAULTY_HEADS);
        size_t writes = store_faulty_calls(store, FAULTY_APPEND);

        batch_run(&b, &batch);
        ck_assert_uint_eq(store_faulty_calls(store, FAULTY_HEADS) - reads, 1);
        ck_assert_uint_eq(store_faulty_items(store, FAULTY_HEADS) - items, 3);
        ck_assert_uint_eq(store_faulty_calls(store, FAULTY_APPEND) - writes, 1);
    }
    bench_close(&b);
}
END_TEST

START_TEST(fences_of_one_turn_rise_in_order)
{
    BENCH(b);
    struct batch batch;

    batch_init(&batch);
    batch_add(&batch, claim("a"));
    batch_add(&batch, claim("b"));
    batch_add(&batch, claim("c"));
    batch_run(&b, &batch);
    ck_assert_uint_ge(batch.requests[0]->reply.fence, 1);
    for (int i = 1; i < 3; i++) {
        ck_assert_uint_eq(batch.requests[i]->reply.fence,
                          batch.requests[i - 1]->reply.fence + 1);
    }
    bench_close(&b);
}
END_TEST

START_TEST(live_keys_and_inflight_are_counted)
{
    BENCH(b);

    bench_run(&b, claim("a"));
    bench_run(&b, claim("b"));
    bench_run(&b, claim("c"));
    bench_run(&b, complete("a", "r"));
    bench_run(&b, release("b"));
    ck_assert_uint_eq(counters_get(&b.store.counters, COUNTER_LIVE_KEYS), 3);
    ck_assert_uint_eq(counters_get(&b.store.counters, COUNTER_INFLIGHT), 1);
    bench_at(&b, 100000);
    bench_sweep(&b);
    ck_assert_uint_eq(counters_get(&b.store.counters, COUNTER_LIVE_KEYS), 0);
    ck_assert_uint_eq(counters_get(&b.store.counters, COUNTER_INFLIGHT), 0);
    bench_close(&b);
}
END_TEST

START_TEST(unknown_outcome_is_told_to_everybody_in_the_turn)
{
    struct bench b;
    struct batch batch;
    int status;

    bench_open(&b, STORE_FAULTY);
    bench_run(&b, claim("done"));
    bench_run(&b, complete("done", "r"));
    store_faulty_lose_answer(b.store.store, FAULTY_APPEND, 1);
    batch_init(&batch);
    batch_add(&batch, claim("a"));
    batch_add(&batch, lookup("done"));
    batch_add(&batch, lookup("a"));
    status = turn_run(&b.turn, &batch.list);
    ck_assert_int_eq(status, E_INDETERMINATE);
    for (int i = 0; i < 3; i++) {
        ck_reply(batch.requests[i]->reply, "INDETERMINATE");
    }
    bench_close(&b);
}
END_TEST

START_TEST(unreadable_key_stops_nobody_else)
{
    struct bench b;
    struct batch batch;

    bench_open(&b, STORE_FAULTY);
    bench_run(&b, claim("bad"));
    store_faulty_corrupt(b.store.store, test_stream("default", "bad"));
    batch_init(&batch);
    batch_add(&batch, claim("bad"));
    batch_add(&batch, claim("good"));
    batch_add(&batch, lookup("bad"));
    batch_run(&b, &batch);
    ck_reply(batch.requests[0]->reply, "CORRUPT");
    ck_reply(batch.requests[1]->reply, "CLAIMED");
    ck_reply(batch.requests[2]->reply, "CORRUPT");
    bench_close(&b);
}
END_TEST

/* --- conflicts ------------------------------------------------------------ */

static void append_behind(struct bench *b, const char *key,
                          struct record record)
{
    struct store *inner = store_faulty_inner(b->store.store);
    struct session *session = inner->ops->session_open(inner);

    test_append(session, test_stream("default", key), record);
    inner->ops->session_close(session);
}

static void claim_k_behind(void *arg)
{
    struct bench *b = arg;

    append_behind(b, "k", test_claim(700000000, bench_now_ms(b), 60000));
}

START_TEST(claim_that_loses_the_race_is_told_inflight)
{
    struct bench b;
    struct batch batch;

    bench_open(&b, STORE_FAULTY);
    bench_at(&b, 1000);
    store_faulty_before(b.store.store, FAULTY_APPEND, 1, false, claim_k_behind,
                        &b);
    batch_init(&batch);
    batch_add(&batch, claim("other"));
    batch_add(&batch, claim("k"));
    batch_add(&batch, lookup("k"));
    batch_run(&b, &batch);
    ck_reply(batch.requests[0]->reply, "CLAIMED");
    ck_reply(batch.requests[1]->reply, "INFLIGHT");
    ck_assert_uint_eq(batch.requests[1]->reply.fence, 700000000);
    /* It had been decided on a claim that was never made. */
    ck_reply(batch.requests[2]->reply, "INFLIGHT");
    ck_assert_uint_eq(batch.requests[2]->reply.fence, 700000000);
    bench_close(&b);
}
END_TEST

static void churn_k_behind(void *arg)
{
    struct bench *b = arg;
    static uint64_t fence = 800000000;

    fence++;
    append_behind(b, "k", test_release(fence, bench_now_ms(b), 60000));
}

START_TEST(endless_conflicts_end_in_busy_with_nothing_done)
{
    struct bench b;
    size_t writes;

    bench_open(&b, STORE_FAULTY);
    bench_at(&b, 1000);
    store_faulty_before(b.store.store, FAULTY_APPEND, 1, true, churn_k_behind,
                        &b);
    writes = store_faulty_calls(b.store.store, FAULTY_APPEND);
    ck_reply(bench_run(&b, claim("k")), "BUSY");
    ck_assert_uint_eq(store_faulty_calls(b.store.store, FAULTY_APPEND) - writes,
                      TURN_ROUNDS_MAX);
    store_faulty_heal(b.store.store);
    ck_reply(bench_run(&b, lookup("k")), "NOT_FOUND");
    bench_close(&b);
}
END_TEST

static void take_over_k_behind(void *arg)
{
    struct bench *b = arg;

    append_behind(b, "k", test_release(1, bench_now_ms(b), 60000));
    append_behind(b, "k", test_claim(700000000, bench_now_ms(b), 60000));
}

START_TEST(complete_without_fence_never_hits_a_claim_it_did_not_meet)
{
    struct bench b;

    bench_open(&b, STORE_FAULTY);
    bench_at(&b, 1000);
    bench_run(&b, claim("k"));
    store_faulty_before(b.store.store, FAULTY_APPEND, 1, false,
                        take_over_k_behind, &b);
    ck_reply(bench_run(&b, complete("k", "mine")), "STALE");
    ck_reply(bench_run(&b, lookup("k")), "INFLIGHT");
    bench_close(&b);
}
END_TEST

/* As an EXTEND of the same claim by another session does. */
static void extend_k_behind(void *arg)
{
    struct bench *b = arg;
    struct store *inner = store_faulty_inner(b->store.store);
    struct session *session = inner->ops->session_open(inner);
    struct stream stream = test_stream("default", "k");
    struct head head = test_head(session, stream);
    uint64_t actual;

    head.record.lease_end_ms++;
    /* In one go: what the record borrows ends with the next read. */
    ck_assert_int_eq(test_append_at(session, stream, head.next,
                                    head.record.fence, head.record, &actual),
                     0);
    inner->ops->session_close(session);
}

/* A RELEASE without a fence, which is decided again because the EXTEND before
 * it met a conflict. */
static struct reply release_behind_extend(struct bench *b,
                                          struct command first_claim)
{
    struct batch batch;
    uint64_t fence = bench_run(b, first_claim).fence;

    store_faulty_before(b->store.store, FAULTY_APPEND, 1, false,
                        extend_k_behind, b);
    batch_init(&batch);
    batch_add(&batch, extend("k", fence));
    batch_add(&batch, release("k"));
    batch_run(b, &batch);
    ck_reply(batch.requests[0]->reply, "EXTENDED");
    return batch.requests[1]->reply;
}

START_TEST(release_that_meets_the_same_claim_after_a_conflict_ends_it)
{
    struct bench b;

    bench_open(&b, STORE_FAULTY);
    bench_at(&b, 1000);
    ck_reply(release_behind_extend(&b, claim("k")), "OK");
    ck_reply(bench_run(&b, lookup("k")), "NOT_FOUND");
    bench_close(&b);
}
END_TEST

START_TEST(fence_met_before_a_conflict_is_none_that_was_given)
{
    struct rules rules = {.grace_ms = 1000,
                          .ttl_ms = 60000,
                          .lease_ms_max = 60000,
                          .require_fence = true};
    struct bench b;

    bench_open(&b, STORE_FAULTY);
    bench_at(&b, 1000);
    ck_reply(release_behind_extend(&b, with_owner(claim("k"), "o")),
             "FENCE_REQUIRED");
    ck_reply(bench_run(&b, lookup("k")), "INFLIGHT");
    bench_close(&b);
    bench_open_rules(&b, STORE_FAULTY, &rules);
    bench_at(&b, 1000);
    ck_reply(release_behind_extend(&b, claim("k")), "FENCE_REQUIRED");
    ck_reply(bench_run(&b, lookup("k")), "INFLIGHT");
    bench_close(&b);
}
END_TEST

/* --- windows -------------------------------------------------------------- */

static void add_windowed(struct batch *batch, struct window *window,
                         struct command command)
{
    batch_add(batch, command);
    batch->requests[batch->count - 1]->window = window;
    batch->requests[batch->count - 1]->bytes_per_receipt_byte = 4;
}

START_TEST(answers_that_do_not_fit_are_postponed_with_all_later_ones)
{
    BENCH(b);
    struct window window = {.limit_bytes = 100};
    struct batch batch;

    bench_run(&b, claim("k"));
    bench_run(&b, complete("k", "0123456789")); /* 40 bytes of reply each */
    batch_init(&batch);
    add_windowed(&batch, &window, claim("k"));
    add_windowed(&batch, &window, claim("k"));
    add_windowed(&batch, &window, claim("k"));
    add_windowed(&batch, &window, claim("new"));
    batch_run(&b, &batch);
    ck_reply(batch.requests[0]->reply, "COMPLETED 0123456789");
    ck_reply(batch.requests[1]->reply, "COMPLETED 0123456789");
    ck_assert(batch.requests[2]->postponed);
    ck_assert(batch.requests[3]->postponed);
    ck_assert_uint_eq(atomic_load(&window.held_bytes), 80);
    ck_reply(bench_run(&b, lookup("new")), "NOT_FOUND"); /* nothing was done */

    /* The replies have left, the rest is submitted again. */
    STAILQ_INIT(&batch.list);
    window.postponing = false;
    atomic_store(&window.held_bytes, 0);
    STAILQ_INSERT_TAIL(&batch.list, batch.requests[2], link);
    STAILQ_INSERT_TAIL(&batch.list, batch.requests[3], link);
    batch_run(&b, &batch);
    ck_assert(!batch.requests[2]->postponed);
    ck_reply(batch.requests[2]->reply, "COMPLETED 0123456789");
    ck_reply(batch.requests[3]->reply, "CLAIMED");
    bench_close(&b);
}
END_TEST

START_TEST(one_answer_always_fits_into_an_empty_window)
{
    BENCH(b);
    struct window window = {.limit_bytes = 10};
    struct window other = {.limit_bytes = 10};
    struct batch batch;

    bench_run(&b, claim("k"));
    bench_run(&b, complete("k", "0123456789"));
    batch_init(&batch);
    add_windowed(&batch, &window, claim("k"));
    add_windowed(&batch, &window, claim("k"));
    add_windowed(&batch, &other, claim("k"));
    batch_run(&b, &batch);
    ck_reply(batch.requests[0]->reply, "COMPLETED 0123456789");
    ck_assert(batch.requests[1]->postponed);
    ck_reply(batch.requests[2]->reply, "COMPLETED 0123456789");
    bench_close(&b);
}
END_TEST

/* --- marks ---------------------------------------------------------------- */

START_TEST(no_time_is_used_before_its_high_water_mark_is_stored)
{
    BENCH(b);
    struct marks marks;

    for (uint64_t now_ms = 500; now_ms < 20000; now_ms += 777) {
        bench_at(&b, now_ms);
        bench_run(&b, lookup("k"));
        b.store.store->ops->marks(b.store.store, &marks);
        ck_assert_uint_ge(marks.clock.high_water_ms, now_ms);
        ck_assert_uint_le(marks.clock.high_water_ms, now_ms + b.rules.grace_ms);
    }
    bench_close(&b);
}
END_TEST

START_TEST(no_fence_is_given_beyond_the_stored_high_water_mark)
{
    BENCH(b);
    struct marks marks;
    uint64_t fence;

    for (int i = 0; i < 50; i++) {
        bench_at(&b, (uint64_t)i * 300);
        fence = bench_run(&b, claim("k")).fence;
        bench_run(&b, release("k"));
        b.store.store->ops->marks(b.store.store, &marks);
        ck_assert_uint_le(fence, marks.fence_high_water);
    }
    bench_close(&b);
}
END_TEST

START_TEST(reading_alone_writes_no_more_than_the_clock_needs)
{
    BENCH(b);
    uint64_t syncs;

    bench_at(&b, 1000);
    bench_run(&b, claim("k"));
    syncs = counters_get(&b.store.counters, COUNTER_SYNCS);
    for (int i = 0; i < 100; i++) {
        bench_run(&b, lookup("k"));
    }
    ck_assert_uint_eq(counters_get(&b.store.counters, COUNTER_SYNCS), syncs);
    bench_close(&b);
}
END_TEST

START_TEST(wall_clock_set_back_over_a_reboot_revives_nothing)
{
    BENCH(b);

    b.time.wall_us += 1000000;
    bench_at(&b, 10000);
    bench_run(&b, with_ttl(claim("k"), 5000));
    bench_at(&b, 17000);
    ck_reply(bench_run(&b, lookup("k")), "NOT_FOUND");
    if (_i < STORE_FIRST_LASTING) {
        bench_close(&b);
        return;
    }
    snprintf(b.boot_id, sizeof(b.boot_id), "boot-2");
    b.time.wall_us = 0;
    b.time.boot_us = 0;
    bench_restart(&b);
    ck_assert_uint_ge(bench_now_ms(&b), 17000);
    ck_assert_uint_le(bench_now_ms(&b), 17000 + b.rules.grace_ms);
    ck_reply(bench_run(&b, lookup("k")), "NOT_FOUND");
    bench_close(&b);
}
END_TEST

START_TEST(wall_clock_step_within_a_boot_moves_nothing)
{
    BENCH(b);

    bench_at(&b, 10000);
    bench_run(&b, claim("k"));
    b.time.wall_us += UINT64_C(315360000000000); /* ten years */
    ck_reply(bench_run(&b, lookup("k")), "INFLIGHT");
    if (_i >= STORE_FIRST_LASTING) {
        bench_restart(&b);
        ck_assert_uint_eq(bench_now_ms(&b), 10000);
        ck_reply(bench_run(&b, lookup("k")), "INFLIGHT");
    }
    bench_close(&b);
}
END_TEST

SUITE_OF_STORES(turn, 30, commands_of_one_turn_see_each_other_in_order,
                fences_of_one_turn_rise_in_order,
                live_keys_and_inflight_are_counted,
                answers_that_do_not_fit_are_postponed_with_all_later_ones,
                one_answer_always_fits_into_an_empty_window,
                no_time_is_used_before_its_high_water_mark_is_stored,
                no_fence_is_given_beyond_the_stored_high_water_mark,
                reading_alone_writes_no_more_than_the_clock_needs,
                wall_clock_set_back_over_a_reboot_revives_nothing,
                wall_clock_step_within_a_boot_moves_nothing)

SUITE(turn_faults, 20, one_turn_has_one_read_and_one_write,
      unknown_outcome_is_told_to_everybody_in_the_turn,
      unreadable_key_stops_nobody_else,
      claim_that_loses_the_race_is_told_inflight,
      endless_conflicts_end_in_busy_with_nothing_done,
      complete_without_fence_never_hits_a_claim_it_did_not_meet,
      release_that_meets_the_same_claim_after_a_conflict_ends_it,
      fence_met_before_a_conflict_is_none_that_was_given)
