#include "tests/engine/rig.h"

#include "tests/lib/store_faulty.h"

#include <sched.h>
#include <stdio.h>

START_TEST(what_is_submitted_comes_back_in_order)
{
    struct rig rig;
    struct request *request;
    struct request *expected[200];
    char keys[200][16];
    size_t i = 0;

    rig_open(&rig, (enum store_kind)_i);
    for (i = 0; i < 200; i++) {
        snprintf(keys[i], sizeof(keys[i]), "k%zu", i % 50);
        expected[i] = rig_submit(&rig, claim(keys[i]));
    }
    rig_await(&rig, 200);
    i = 0;
    STAILQ_FOREACH (request, &rig.returned, link) {
        ck_assert_ptr_eq(request, expected[i]);
        ck_reply(request->reply, i < 50 ? "CLAIMED" : "INFLIGHT");
        i++;
    }
    rig_close(&rig, 0);
}
END_TEST

START_TEST(sweep_answers_when_all_that_was_due_is_gone)
{
    struct rig rig;

    rig_open(&rig, (enum store_kind)_i);
    ck_reply(rig_run(&rig, with_ttl(claim("a"), 1000)), "CLAIMED");
    ck_reply(rig_run(&rig, with_ttl(claim("b"), 1000)), "CLAIMED");
    ck_reply(rig_run(&rig, claim("c")), "CLAIMED");
    ck_reply(rig_run(&rig, rig_bare(VERB_SWEEP)), "SWEPT 0 0 0");
    rig_close(&rig, 0);
}
END_TEST

START_TEST(stats_have_fresh_gauges)
{
    struct rig rig;

    rig_open(&rig, (enum store_kind)_i);
    rig_run(&rig, claim("a"));
    rig_run(&rig, claim("b"));
    rig_run(&rig, complete("a", "r"));
    ck_assert_int_eq(rig_run(&rig, rig_bare(VERB_STATS)).kind, REPLY_STATS);
    ck_assert_uint_eq(counters_get(&rig.store.counters, COUNTER_LIVE_KEYS), 2);
    ck_assert_uint_eq(counters_get(&rig.store.counters, COUNTER_INFLIGHT), 1);
    rig_close(&rig, 0);
}
END_TEST

START_TEST(stop_answers_what_was_submitted_before)
{
    struct rig rig;
    struct request *request;
    char keys[100][16];
    size_t count = 0;

    rig_open(&rig, (enum store_kind)_i);
    for (size_t i = 0; i < 100; i++) {
        snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
        rig_submit(&rig, claim(keys[i]));
    }
    rig_submit(&rig, rig_bare(VERB_SWEEP));
    ck_assert_int_eq(engine_stop(rig.engine), 0);
    STAILQ_FOREACH (request, &rig.returned, link) {
        if (request->command.verb == VERB_CLAIM) {
            ck_reply(request->reply, "CLAIMED");
        } else if (request->reply.kind != REPLY_SWEPT) {
            ck_reply(request->reply, "SHUTTING_DOWN");
        }
        count++;
    }
    ck_assert_uint_eq(count, 101);
    rig_shut(&rig);
}
END_TEST

START_TEST(stop_stores_the_counts)
{
    struct rig rig;
    struct marks marks;

    rig_open(&rig, STORE_MEM);
    rig_run(&rig, claim("a"));
    rig_run(&rig, claim("b"));
    rig_run(&rig, complete("b", "r"));
    ck_assert_int_eq(engine_stop(rig.engine), 0);
    rig.store.store->ops->marks(rig.store.store, &marks);
    ck_assert_uint_eq(marks.live_keys, 2);
    ck_assert_uint_eq(marks.inflight, 1);
    rig_shut(&rig);
}
END_TEST

START_TEST(failed_write_ends_everything_with_the_right_answers)
{
    struct rig rig;

    rig_open(&rig, STORE_FAULTY);
    ck_reply(rig_run(&rig, claim("before")), "CLAIMED");
    store_faulty_trouble(rig.store.store, E_FULL);
    store_faulty_fail(rig.store.store, FAULTY_APPEND, 1);
    ck_reply(rig_run(&rig, claim("k")), "INDETERMINATE");
    ck_assert_int_eq(rig.failed, E_FULL);
    ck_reply(rig_run(&rig, claim("later")), "SHUTTING_DOWN");
    ck_reply(rig_run(&rig, lookup("before")), "SHUTTING_DOWN");
    ck_reply(rig_run(&rig, rig_bare(VERB_SWEEP)), "SHUTTING_DOWN");
    ck_reply(rig_run(&rig, rig_bare(VERB_STATS)), "SHUTTING_DOWN");
    rig_close(&rig, E_INDETERMINATE);
}
END_TEST

START_TEST(failed_removal_ends_everything_too)
{
    struct rig rig;

    rig_open(&rig, STORE_FAULTY);
    ck_reply(rig_run(&rig, with_ttl(claim("k"), 1)), "CLAIMED");
    store_faulty_fail(rig.store.store, FAULTY_REMOVE, 1);
    /* The thread is idle and reads the clock for its next request only. */
    rig.time.boot_us += 10000000;
    ck_reply(rig_run(&rig, rig_bare(VERB_SWEEP)), "INDETERMINATE");
    ck_assert_int_eq(rig.failed, E_IO);
    rig_close(&rig, E_INDETERMINATE);
}
END_TEST

START_TEST(unreadable_index_fails_the_sweep_and_nothing_else)
{
    struct rig rig;

    rig_open(&rig, STORE_FAULTY);
    store_faulty_fail(rig.store.store, FAULTY_DUE, 1);
    ck_reply(rig_run(&rig, rig_bare(VERB_SWEEP)), "CORRUPT");
    ck_reply(rig_run(&rig, claim("k")), "CLAIMED");
    ck_reply(rig_run(&rig, rig_bare(VERB_SWEEP)), "SWEPT 0 0 0");
    rig_close(&rig, 0);
}
END_TEST

START_TEST(store_that_fails_at_once_refuses_the_start)
{
    struct rig rig;
    struct err err = {""};

    rig_prepare(&rig, STORE_FAULTY);
    store_faulty_fail(rig.store.store, FAULTY_APPEND, 1);
    ck_assert_int_eq(rig_try(&rig, &err), E_IO);
    ck_assert_str_ne(err.text, "");
    rig_shut(&rig);
}
END_TEST

START_TEST(almost_full_disk_refuses_new_claims)
{
    struct rig rig;
    struct err err = {""};

    rig_prepare(&rig, STORE_ROCKS);
    rig.config.min_free_bytes = UINT64_MAX; /* no disk has so much */
    ck_assert_int_eq(rig_try(&rig, &err), 0);
    ck_reply(rig_run(&rig, claim("k")), "NO_SPACE");
    ck_reply(rig_run(&rig, lookup("k")), "NOT_FOUND");
    rig_close(&rig, 0);
}
END_TEST

START_TEST(ticks_are_served)
{
    struct rig rig;

    rig_open(&rig, STORE_MEM);
    ck_assert_uint_eq(engine_ticks_served(rig.engine), 0);
    engine_tick(rig.engine);
    engine_sweep(rig.engine);
    rig_run(&rig, claim("k"));
    ck_assert_uint_eq(engine_ticks_served(rig.engine), 1);
    rig_close(&rig, 0);
}
END_TEST

/* Rings once and waits until that was served. */
static void rig_tick(struct rig *rig)
{
    uint64_t before = engine_ticks_served(rig->engine);

    engine_tick(rig->engine);
    while (engine_ticks_served(rig->engine) == before) {
        sched_yield();
    }
}

static size_t rig_appends(struct rig *rig)
{
    return store_faulty_calls(rig->store.store, FAULTY_APPEND);
}

START_TEST(nothing_written_for_five_seconds_makes_a_tick_write)
{
    struct rig rig;
    size_t before;

    rig_open(&rig, STORE_FAULTY);
    before = rig_appends(&rig);
    rig.time.boot_us += 4999999;
    rig_tick(&rig);
    ck_assert_uint_eq(rig_appends(&rig), before);
    rig.time.boot_us += 1;
    rig_tick(&rig);
    ck_assert_uint_eq(rig_appends(&rig), before + 1);
    rig.time.boot_us += 4999999;
    rig_tick(&rig);
    ck_assert_uint_eq(rig_appends(&rig), before + 1);
    rig_run(&rig, claim("k"));
    rig.time.boot_us += 4999999;
    rig_tick(&rig);
    ck_assert_uint_eq(rig_appends(&rig), before + 2);
    rig_close(&rig, 0);
}
END_TEST

START_TEST(an_idle_engine_notices_a_failed_disk)
{
    struct rig rig;

    rig_open(&rig, STORE_FAULTY);
    ck_reply(rig_run(&rig, claim("k")), "CLAIMED");
    store_faulty_fail(rig.store.store, FAULTY_APPEND, 1);
    rig.time.boot_us += 5000000;
    rig_tick(&rig);
    ck_assert_int_eq(rig.failed, E_IO);
    ck_reply(rig_run(&rig, lookup("k")), "SHUTTING_DOWN");
    rig.time.boot_us += 5000000;
    rig_tick(&rig);
    rig_close(&rig, E_INDETERMINATE);
}
END_TEST

START_TEST(turn_on_the_callers_thread_is_one_like_any_other)
{
    struct rig rig;

    rig_open(&rig, (enum store_kind)_i);
    ck_reply(rig_run_now(&rig, claim("a")), "CLAIMED");
    ck_reply(rig_run(&rig, claim("a")), "INFLIGHT");
    ck_reply(rig_run(&rig, claim("b")), "CLAIMED");
    ck_reply(rig_run_now(&rig, claim("b")), "INFLIGHT");
    ck_assert_uint_eq(rig.returned_count, 2);
    rig_close(&rig, 0);
}
END_TEST

START_TEST(failed_write_on_the_callers_thread_ends_everything)
{
    struct rig rig;

    rig_open(&rig, STORE_FAULTY);
    ck_reply(rig_run_now(&rig, claim("before")), "CLAIMED");
    store_faulty_fail(rig.store.store, FAULTY_APPEND, 1);
    ck_reply(rig_run_now(&rig, claim("k")), "INDETERMINATE");
    ck_assert_int_eq(rig.failed, E_IO);
    rig_refuse_now(&rig, claim("later"));
    ck_reply(rig_run(&rig, claim("later")), "SHUTTING_DOWN");
    rig_close(&rig, E_INDETERMINATE);
}
END_TEST

START_TEST(several_short_turns_on_the_callers_thread_keep_the_order)
{
    struct rig rig;
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);
    struct request *request;
    int i = 0;

    rig_open(&rig, (enum store_kind)_i);
    for (i = 0; i < ENGINE_NOW_COMMANDS_MAX; i++) {
        request = bench_request("default", claim("k"));
        STAILQ_INSERT_TAIL(&list, request, link);
    }
    while (!engine_run_now(rig.engine, &list)) {
        sched_yield();
    }
    i = 0;
    STAILQ_FOREACH (request, &list, link) {
        ck_reply(request->reply, i++ == 0 ? "CLAIMED" : "INFLIGHT");
    }
    ck_assert_int_eq(i, ENGINE_NOW_COMMANDS_MAX);
    rig_close(&rig, 0);
}
END_TEST

/* Submits them as one list and waits for them. */
static void rig_run_all(struct rig *rig, struct request_list *list,
                        size_t count)
{
    size_t before = rig->returned_count;

    engine_submit(rig->engine, list);
    rig_await(rig, before + count);
}

START_TEST(turns_with_long_receipts_are_short_and_keep_the_order)
{
    enum { LOOKUPS = 60 };
    static uint8_t receipt[60000];
    struct rig rig;
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);
    struct request *request;
    const struct request *last;
    size_t most;
    size_t i = 0;

    rig_open(&rig, (enum store_kind)_i);
    rig_run(&rig, claim("long"));
    most = engine_turn_commands(rig.engine);
    rig_run(&rig, with_receipt(complete("long", ""),
                               slice_of(receipt, sizeof(receipt))));
    for (i = 0; i < LOOKUPS; i++) {
        request = bench_request("default", lookup("long"));
        STAILQ_INSERT_TAIL(&list, request, link);
    }
    request = bench_request("default", claim("last"));
    last = request;
    STAILQ_INSERT_TAIL(&list, request, link);
    rig_run_all(&rig, &list, LOOKUPS + 1);
    ck_assert_uint_lt(engine_turn_commands(rig.engine), most);
    ck_assert_uint_ge(counters_get(&rig.store.counters, COUNTER_TURNS), 7);
    ck_assert_uint_eq(counters_get(&rig.store.counters, COUNTER_TURN_COMMANDS),
                      2 + LOOKUPS + 1);
    i = 0;
    STAILQ_FOREACH (request, &rig.returned, link) {
        if (i >= 2 && i < 2 + LOOKUPS) {
            ck_assert_uint_eq(request->reply.receipt.len, sizeof(receipt));
        }
        i++;
    }
    ck_assert_ptr_null(STAILQ_NEXT(last, link));
    ck_reply(last->reply, "CLAIMED");
    while (engine_turn_commands(rig.engine) < most) {
        ck_reply(rig_run(&rig, lookup("short")), "NOT_FOUND");
    }
    rig_close(&rig, 0);
}
END_TEST

START_TEST(sweep_ends_while_commands_come)
{
    struct rig rig;
    struct request *sweep;
    char key[16];

    rig_open(&rig, (enum store_kind)_i);
    for (int i = 0; i < 300; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        rig_run(&rig, with_ttl(claim(key), 1));
    }
    rig.time.boot_us += 10000000; /* the engine is idle */
    for (int i = 0; i < 300; i++) {
        rig_submit(&rig, lookup("before"));
    }
    sweep = rig_submit(&rig, rig_bare(VERB_SWEEP));
    for (int i = 0; i < 300; i++) {
        rig_submit(&rig, lookup("behind"));
    }
    rig_await(&rig, 300 + 601);
    ck_reply(sweep->reply, "SWEPT 300 300 0");
    rig_close(&rig, 0);
}
END_TEST

SUITE_OF_STORES(engine, 30, what_is_submitted_comes_back_in_order,
                sweep_answers_when_all_that_was_due_is_gone,
                stats_have_fresh_gauges, stop_answers_what_was_submitted_before,
                turn_on_the_callers_thread_is_one_like_any_other,
                several_short_turns_on_the_callers_thread_keep_the_order,
                turns_with_long_receipts_are_short_and_keep_the_order,
                sweep_ends_while_commands_come)

SUITE(engine_faults, 30, stop_stores_the_counts,
      failed_write_ends_everything_with_the_right_answers,
      failed_removal_ends_everything_too,
      unreadable_index_fails_the_sweep_and_nothing_else,
      store_that_fails_at_once_refuses_the_start,
      almost_full_disk_refuses_new_claims, ticks_are_served,
      nothing_written_for_five_seconds_makes_a_tick_write,
      an_idle_engine_notices_a_failed_disk,
      failed_write_on_the_callers_thread_ends_everything)
