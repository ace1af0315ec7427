#include "engine/engine.h"

#include "tests/lib/bench.h"
#include "tests/lib/store_faulty.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>

/* An engine with its thread, and where what it returns is waited for. */
struct rig {
    struct test_store store;
    struct test_clock time;
    struct clock clock;
    struct engine *engine;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct request_list returned; /* under lock, as all below */
    size_t returned_count;
    int failed;
    char why[128];
};

static void on_returned(void *arg, struct request_list *list)
{
    struct rig *rig = arg;
    struct request *request;

    pthread_mutex_lock(&rig->lock);
    STAILQ_FOREACH (request, list, link) {
        rig->returned_count++;
    }
    STAILQ_CONCAT(&rig->returned, list);
    pthread_cond_broadcast(&rig->changed);
    pthread_mutex_unlock(&rig->lock);
}

static void on_failed(void *arg, int status, const char *why)
{
    struct rig *rig = arg;

    pthread_mutex_lock(&rig->lock);
    ck_assert_int_eq(rig->failed, 0); /* called once */
    rig->failed = status;
    snprintf(rig->why, sizeof(rig->why), "%s", why);
    pthread_cond_broadcast(&rig->changed);
    pthread_mutex_unlock(&rig->lock);
}

static void rig_start(struct rig *rig, uint64_t min_free_bytes)
{
    struct engine_config config = {
        .rules = {.grace_ms = 1000, .ttl_ms = 60000, .lease_ms_max = 600000},
        .min_free_bytes = min_free_bytes,
        .receipt_bytes_max = 65536,
    };
    struct engine_callbacks callbacks = {on_returned, on_failed, rig};
    struct err err = {""};
    int status = 0;

    pthread_mutex_init(&rig->lock, NULL);
    pthread_cond_init(&rig->changed, NULL);
    STAILQ_INIT(&rig->returned);
    rig->clock = test_clock_source(&rig->time);
    rig->time.boot_us = 1000000;
    rig->store.store->ops->session_close(rig->store.session);
    rig->store.session = NULL;
    rig->engine = engine_start(rig->store.store, &rig->clock, "boot", &config,
                               &callbacks, &rig->store.counters, &status, &err);
    ck_assert_msg(rig->engine != NULL, "%s", err.text);
}

static void rig_open(struct rig *rig, enum store_kind kind)
{
    memset(rig, 0, sizeof(*rig));
    test_store_open(&rig->store, kind);
    rig_start(rig, 0);
}

/* The engine is stopped; the test store wants its session back. */
static void rig_shut(struct rig *rig)
{
    rig->store.session = rig->store.store->ops->session_open(rig->store.store);
    test_store_close(&rig->store);
}

static void rig_close(struct rig *rig, int expected)
{
    ck_assert_int_eq(engine_stop(rig->engine), expected);
    rig_shut(rig);
}

static void rig_await(struct rig *rig, size_t count)
{
    pthread_mutex_lock(&rig->lock);
    while (rig->returned_count < count) {
        pthread_cond_wait(&rig->changed, &rig->lock);
    }
    pthread_mutex_unlock(&rig->lock);
}

static struct request *rig_submit(struct rig *rig, struct command command)
{
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);
    struct request *request = bench_request("default", command);

    STAILQ_INSERT_TAIL(&list, request, link);
    engine_submit(rig->engine, &list);
    return request;
}

static struct reply rig_run(struct rig *rig, struct command command)
{
    size_t before = rig->returned_count;
    struct request *request = rig_submit(rig, command);

    rig_await(rig, before + 1);
    return request->reply;
}

static struct command bare(enum verb verb)
{
    return (struct command){.verb = verb, .key = slice_str("none")};
}

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
    ck_reply(rig_run(&rig, bare(VERB_SWEEP)), "SWEPT 0 0 0");
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
    ck_assert_int_eq(rig_run(&rig, bare(VERB_STATS)).kind, REPLY_STATS);
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
    rig_submit(&rig, bare(VERB_SWEEP));
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
    ck_reply(rig_run(&rig, bare(VERB_SWEEP)), "SHUTTING_DOWN");
    ck_reply(rig_run(&rig, bare(VERB_STATS)), "SHUTTING_DOWN");
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
    ck_reply(rig_run(&rig, bare(VERB_SWEEP)), "INDETERMINATE");
    ck_assert_int_eq(rig.failed, E_IO);
    rig_close(&rig, E_INDETERMINATE);
}
END_TEST

START_TEST(unreadable_index_fails_the_sweep_and_nothing_else)
{
    struct rig rig;

    rig_open(&rig, STORE_FAULTY);
    store_faulty_fail(rig.store.store, FAULTY_DUE, 1);
    ck_reply(rig_run(&rig, bare(VERB_SWEEP)), "CORRUPT");
    ck_reply(rig_run(&rig, claim("k")), "CLAIMED");
    ck_reply(rig_run(&rig, bare(VERB_SWEEP)), "SWEPT 0 0 0");
    rig_close(&rig, 0);
}
END_TEST

START_TEST(store_that_fails_at_once_refuses_the_start)
{
    struct rig rig;
    struct engine_config config = {.receipt_bytes_max = 1};
    struct engine_callbacks callbacks = {on_returned, on_failed, &rig};
    struct err err = {""};
    int status = 0;

    memset(&rig, 0, sizeof(rig));
    test_store_open(&rig.store, STORE_FAULTY);
    rig.clock = test_clock_source(&rig.time);
    store_faulty_fail(rig.store.store, FAULTY_APPEND, 1);
    ck_assert_ptr_null(engine_start(rig.store.store, &rig.clock, "", &config,
                                    &callbacks, &rig.store.counters, &status,
                                    &err));
    ck_assert_int_eq(status, E_IO);
    ck_assert_str_ne(err.text, "");
    test_store_close(&rig.store);
}
END_TEST

START_TEST(almost_full_disk_refuses_new_claims_until_there_is_room)
{
    struct rig rig;

    memset(&rig, 0, sizeof(rig));
    test_store_open(&rig.store, STORE_ROCKS);
    rig_start(&rig, UINT64_MAX); /* no disk has so much */
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

static struct request *run_now(struct rig *rig, struct command command,
                               bool expected)
{
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);
    struct request *request = bench_request("default", command);

    STAILQ_INSERT_TAIL(&list, request, link);
    ck_assert_int_eq(engine_run_now(rig->engine, &list), expected);
    ck_assert_ptr_eq(STAILQ_FIRST(&list), request);
    return request;
}

/* Until the engine's thread has begun to wait for work. */
static struct reply run_now_soon(struct rig *rig, struct command command)
{
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);
    struct request *request = bench_request("default", command);

    STAILQ_INSERT_TAIL(&list, request, link);
    while (!engine_run_now(rig->engine, &list)) {
        sched_yield();
    }
    return request->reply;
}

START_TEST(turn_on_the_callers_thread_is_one_like_any_other)
{
    struct rig rig;

    rig_open(&rig, (enum store_kind)_i);
    ck_reply(run_now_soon(&rig, claim("a")), "CLAIMED");
    ck_reply(rig_run(&rig, claim("a")), "INFLIGHT");
    ck_reply(rig_run(&rig, claim("b")), "CLAIMED");
    ck_reply(run_now_soon(&rig, claim("b")), "INFLIGHT");
    ck_assert_uint_eq(rig.returned_count, 2);
    rig_close(&rig, 0);
}
END_TEST

START_TEST(failed_write_on_the_callers_thread_ends_everything)
{
    struct rig rig;

    rig_open(&rig, STORE_FAULTY);
    ck_reply(run_now_soon(&rig, claim("before")), "CLAIMED");
    store_faulty_fail(rig.store.store, FAULTY_APPEND, 1);
    ck_reply(run_now_soon(&rig, claim("k")), "INDETERMINATE");
    ck_assert_int_eq(rig.failed, E_IO);
    run_now(&rig, claim("later"), false);
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
    sweep = rig_submit(&rig, bare(VERB_SWEEP));
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
                sweep_ends_while_commands_come)

SUITE(engine_faults, 30, stop_stores_the_counts,
      failed_write_ends_everything_with_the_right_answers,
      failed_removal_ends_everything_too,
      unreadable_index_fails_the_sweep_and_nothing_else,
      store_that_fails_at_once_refuses_the_start,
      almost_full_disk_refuses_new_claims_until_there_is_room, ticks_are_served,
      failed_write_on_the_callers_thread_ends_everything)
