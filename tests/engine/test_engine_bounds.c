#include "engine/mailbox.h"
#include "tests/engine/rig.h"
#include "tests/lib/memory_fault.h"
#include "tests/lib/store_faulty.h"
#include "tests/lib/thread_fault.h"

#include <stdio.h>

enum { MANY = 5000 }; /* several turns */

/* Lists `count` commands of a kind, each on a key of its own. */
static void list_many(struct request_list *list, size_t count,
                      struct command (*make)(const char *key))
{
    STAILQ_INIT(list);
    for (size_t i = 0; i < count; i++) {
        char *key = malloc(32); /* the process is short */
        struct request *request;

        ck_assert_ptr_nonnull(key);
        snprintf(key, 32, "many%zu", i);
        request = bench_request("default", make(key));
        STAILQ_INSERT_TAIL(list, request, link);
    }
}

/* --- starts that fail ----------------------------------------------------- */

/* How many allocations an engine's start makes behind its first write. */
static unsigned tail_allocations;

static void count_from_here(void *arg)
{
    (void)arg;
    memory_fail(1000000);
}

static void fail_nth_from_here(void *arg)
{
    memory_fail(*(unsigned *)arg);
}

static void measure_start(void)
{
    struct rig rig;
    struct err err = {""};
    int status;

    rig_prepare(&rig, STORE_FAULTY);
    store_faulty_before(rig.store.store, FAULTY_APPEND, 1, false,
                        count_from_here, NULL);
    status = rig_try(&rig, &err);
    tail_allocations = 1000000 - memory_left();
    memory_fail(0);
    ck_assert_int_eq(status, 0);
    rig_close(&rig, 0);
}

static void expect_no_memory(struct rig *rig)
{
    struct err err = {""};
    int status = rig_try(rig, &err);

    ck_assert(memory_has_failed());
    ck_assert_int_eq(status, E_MEMORY);
    ck_assert_str_ne(err.text, "");
}

/* The first two allocations are the engine and its session, the last two what
 * turns and sweeper work with. */
START_TEST(a_start_without_memory_is_refused_and_may_be_tried_again)
{
    struct rig rig;
    struct err err = {""};
    unsigned nth;

    measure_start();
    rig_prepare(&rig, STORE_FAULTY);
    for (nth = 1; nth <= 2; nth++) {
        memory_fail(nth);
        expect_no_memory(&rig);
    }
    for (nth = tail_allocations - 1; nth <= tail_allocations; nth++) {
        store_faulty_before(rig.store.store, FAULTY_APPEND, 1, false,
                            fail_nth_from_here, &nth);
        expect_no_memory(&rig);
    }
    ck_assert_int_eq(rig_try(&rig, &err), 0);
    ck_reply(rig_run(&rig, claim("k")), "CLAIMED");
    rig_close(&rig, 0);
}
END_TEST

START_TEST(a_start_without_locks_or_threads_is_refused_and_may_be_tried_again)
{
    struct rig rig;
    struct err err = {""};
    unsigned failures = 0;

    rig_prepare(&rig, STORE_MEM);
    for (unsigned nth = 1;; nth++) {
        thread_fail(nth);
        if (rig_try(&rig, &err) == 0) {
            break;
        }
        ck_assert(thread_has_failed());
        failures++;
    }
    thread_fail(0);
    ck_assert_uint_eq(failures, 5);
    ck_reply(rig_run(&rig, claim("k")), "CLAIMED");
    rig_close(&rig, 0);
}
END_TEST

/* --- turns ---------------------------------------------------------------- */

START_TEST(more_than_a_turn_takes_is_answered_before_the_stop)
{
    struct rig rig;
    struct request_list list;
    struct request *request;

    rig_open(&rig, STORE_MEM);
    list_many(&list, MANY, claim);
    engine_submit(rig.engine, &list);
    ck_assert_int_eq(engine_stop(rig.engine), 0);
    ck_assert_uint_eq(rig.returned_count, MANY);
    STAILQ_FOREACH (request, &rig.returned, link) {
        ck_reply(request->reply, "CLAIMED");
    }
    rig_shut(&rig);
}
END_TEST

static struct command complete_large(const char *key)
{
    static uint8_t receipt[256 * 1024];

    return with_receipt(complete(key, ""), slice_of(receipt, sizeof(receipt)));
}

/* Asks for many receipts, and says how many turns that took. */
static uint64_t turns_of_lookups(struct rig *rig, size_t count)
{
    uint64_t before = counters_get(&rig->store.counters, COUNTER_TURNS);
    size_t returned = rig->returned_count;
    struct request_list list;

    list_many(&list, count, lookup);
    engine_submit(rig->engine, &list);
    rig_await(rig, returned + count);
    return counters_get(&rig->store.counters, COUNTER_TURNS) - before;
}

/* A turn ends at 512 KiB of receipts, which are two of these; the next one has
 * no more commands, but for the least there is, and each one after it up to 16
 * more, up to what the largest receipt allows. */
START_TEST(turns_get_shorter_while_they_show_large_receipts)
{
    enum { KEYS = 100, LEAST = 16 };
    const size_t most = _i == 0 ? 64 * 1024 * 1024 / (64 * 1024 + 1) : LEAST;
    struct rig rig;
    struct err err = {""};
    struct request_list list;

    rig_prepare(&rig, STORE_MEM);
    rig.config.receipt_bytes_max = _i == 0 ? 64 * 1024 : 64 * 1024 * 1024;
    ck_assert_int_eq(rig_try(&rig, &err), 0);
    ck_assert_uint_eq(engine_turn_commands(rig.engine), most);
    list_many(&list, KEYS, claim);
    engine_submit(rig.engine, &list);
    list_many(&list, KEYS, complete_large);
    engine_submit(rig.engine, &list);
    rig_await(&rig, 2 * KEYS);
    ck_assert_uint_eq(turns_of_lookups(&rig, KEYS), KEYS / 2);
    ck_assert_uint_eq(engine_turn_commands(rig.engine), LEAST);
    for (size_t i = 0; i < most; i += LEAST) {
        rig_run(&rig, lookup("small")); /* lets them grow again */
    }
    ck_assert_uint_eq(engine_turn_commands(rig.engine), most);
    rig_close(&rig, 0);
}
END_TEST

/* --- the disk ------------------------------------------------------------- */

static void tick(struct rig *rig)
{
    engine_tick(rig->engine);
    rig_run(rig, rig_bare(VERB_STATS));
}

START_TEST(claims_are_taken_again_once_there_is_room_on_the_disk)
{
    struct rig rig;
    struct err err = {""};

    rig_prepare(&rig, STORE_FAULTY);
    rig.config.min_free_bytes = 1000;
    ck_assert_int_eq(rig_try(&rig, &err), 0);
    ck_reply(rig_run(&rig, claim("a")), "CLAIMED");
    store_faulty_free_bytes(rig.store.store, 999);
    tick(&rig);
    tick(&rig);
    ck_reply(rig_run(&rig, claim("b")), "NO_SPACE");
    store_faulty_free_bytes(rig.store.store, 1000);
    tick(&rig);
    tick(&rig);
    ck_reply(rig_run(&rig, claim("b")), "CLAIMED");
    rig_close(&rig, 0);
}
END_TEST

/* --- failures ------------------------------------------------------------- */

START_TEST(a_failed_write_without_a_reason_counts_as_a_failed_disk)
{
    struct rig rig;

    rig_open(&rig, STORE_FAULTY);
    store_faulty_trouble(rig.store.store, 0);
    store_faulty_fail(rig.store.store, FAULTY_APPEND, 1);
    ck_reply(rig_run(&rig, claim("k")), "INDETERMINATE");
    ck_assert_int_eq(rig.failed, E_IO);
    engine_sweep(rig.engine);
    engine_tick(rig.engine);
    ck_reply(rig_run(&rig, claim("k")), "SHUTTING_DOWN");
    rig_close(&rig, E_INDETERMINATE);
}
END_TEST

START_TEST(marks_that_cannot_be_stored_at_the_stop_are_a_failure)
{
    struct rig rig;

    rig_open(&rig, STORE_FAULTY);
    ck_reply(rig_run(&rig, claim("k")), "CLAIMED");
    store_faulty_fail(rig.store.store, FAULTY_APPEND, 1);
    rig_close(&rig, E_INDETERMINATE);
    ck_assert_int_eq(rig.failed, E_IO);
}
END_TEST

START_TEST(an_index_that_stays_unreadable_is_asked_again_each_time)
{
    struct rig rig;

    rig_open(&rig, STORE_FAULTY);
    for (int i = 0; i < 3; i++) {
        store_faulty_fail(rig.store.store, FAULTY_DUE, 1);
        ck_reply(rig_run(&rig, rig_bare(VERB_SWEEP)), "CORRUPT");
    }
    ck_reply(rig_run(&rig, rig_bare(VERB_SWEEP)), "SWEPT 0 0 0");
    rig_close(&rig, 0);
}
END_TEST

/* Claims `count` keys and lets them expire. */
static void claim_and_expire(struct rig *rig, size_t count)
{
    size_t before = rig->returned_count;
    struct request_list list;

    list_many(&list, count, claim);
    engine_submit(rig->engine, &list);
    rig_await(rig, before + count);
    rig->time.boot_us += UINT64_C(100000000);
}

static void fail_next_allocation(void *arg)
{
    (void)arg;
    memory_fail(1);
}

START_TEST(a_sweep_without_memory_is_busy_and_works_later)
{
    struct rig rig;

    rig_open(&rig, STORE_FAULTY);
    /* The store has the room for one more key, the slice has not. */
    claim_and_expire(&rig, 1);
    ck_reply(rig_run(&rig, rig_bare(VERB_SWEEP)), "SWEPT 1 1 0");
    claim_and_expire(&rig, 2);
    store_faulty_before(rig.store.store, FAULTY_DUE, 1, false,
                        fail_next_allocation, NULL);
    ck_reply(rig_run(&rig, rig_bare(VERB_SWEEP)), "BUSY");
    ck_reply(rig_run(&rig, rig_bare(VERB_SWEEP)), "SWEPT 2 2 0");
    rig_close(&rig, 0);
}
END_TEST

/* --- passes of the sweeper ------------------------------------------------ */

struct second {
    struct rig *rig;
    struct request *sweep;
};

/* On the engine's thread, between two slices of a pass. */
static void submit_second(void *arg)
{
    struct second *second = arg;

    if (second->sweep == NULL) {
        second->rig->time.boot_us += 1000000;
        second->sweep = rig_submit(second->rig, rig_bare(VERB_SWEEP));
    }
}

START_TEST(a_sweep_that_comes_during_a_pass_waits_for_the_next_one)
{
    struct rig rig;
    struct second second = {.rig = &rig};
    struct request *first;
    uint64_t before;

    rig_open(&rig, STORE_FAULTY);
    claim_and_expire(&rig, 600); /* two slices */
    before = store_faulty_calls(rig.store.store, FAULTY_DUE);
    store_faulty_before(rig.store.store, FAULTY_REMOVE, 1, false, submit_second,
                        &second);
    first = rig_submit(&rig, rig_bare(VERB_SWEEP));
    rig_await(&rig, 602);
    ck_reply(first->reply, "SWEPT 600 600 0");
    ck_assert_ptr_nonnull(second.sweep);
    ck_assert_int_eq(second.sweep->reply.kind, REPLY_SWEPT);
    ck_assert_uint_ge(store_faulty_calls(rig.store.store, FAULTY_DUE) - before,
                      3);
    rig_close(&rig, 0);
}
END_TEST

/* On the engine's thread: a slice takes so long that a rest is due. */
static void take_long(void *arg)
{
    ((struct rig *)arg)->time.boot_us += 10000;
}

/* Begins a pass right behind a turn; how many slices it has in all. */
static struct request *sweep_behind_a_turn(struct rig *rig)
{
    struct request_list list;
    struct request *sweep = bench_request("default", rig_bare(VERB_SWEEP));

    list_many(&list, 1, lookup);
    STAILQ_INSERT_TAIL(&list, sweep, link);
    engine_submit(rig->engine, &list);
    return sweep;
}

START_TEST(a_pass_rests_between_slices_while_commands_come)
{
    struct rig rig;
    struct err err = {""};
    struct request *sweep;

    rig_prepare(&rig, STORE_FAULTY);
    rig.config.receipt_bytes_max = _i == 0 ? 64 * 1024 : 1024 * 1024;
    ck_assert_int_eq(rig_try(&rig, &err), 0);
    claim_and_expire(&rig, 300);
    store_faulty_before(rig.store.store, FAULTY_REMOVE, 1, true, take_long,
                        &rig);
    sweep = sweep_behind_a_turn(&rig);
    /* Slices of at most 128 keys, and rests that do not end: the clock stands.
     */
    while (store_faulty_calls(rig.store.store, FAULTY_REMOVE) < 1) {
        sched_yield();
    }
    ck_reply(rig_run(&rig, lookup("meanwhile")), "NOT_FOUND");
    ck_assert_uint_eq(store_faulty_calls(rig.store.store, FAULTY_REMOVE), 1);
    ck_assert_int_eq(engine_stop(rig.engine), 0);
    ck_reply(sweep->reply, "SHUTTING_DOWN");
    rig_shut(&rig);
}
END_TEST

/* On the engine's thread. */
static void take_minutes(void *arg)
{
    ((struct rig *)arg)->time.boot_us += UINT64_C(200000000);
}

static size_t count_returned(struct rig *rig)
{
    size_t count;

    pthread_mutex_lock(&rig->lock);
    count = rig->returned_count;
    pthread_mutex_unlock(&rig->lock);
    return count;
}

/* Less than what makes the engine think that nobody is there. */
static void take_a_moment(void *arg)
{
    ((struct rig *)arg)->time.boot_us += 60000;
}

START_TEST(a_pass_that_has_gone_on_for_minutes_rests_no_more)
{
    struct rig rig;
    struct request *sweep;
    size_t lookups = 0;

    rig_open(&rig, STORE_FAULTY);
    claim_and_expire(&rig, 2000);
    store_faulty_before(rig.store.store, FAULTY_DUE, 1, false, take_minutes,
                        &rig);
    store_faulty_before(rig.store.store, FAULTY_HEADS, 1, true, take_a_moment,
                        &rig);
    sweep = sweep_behind_a_turn(&rig);
    rig_await(&rig, 2001);
    while (count_returned(&rig) < 2002 + lookups) {
        rig_submit(&rig, lookup("meanwhile"));
        ck_assert_uint_lt(++lookups, 1000);
        rig_await(&rig, 2001 + lookups);
    }
    ck_reply(sweep->reply, "SWEPT 2000 2000 0");
    rig_close(&rig, 0);
}
END_TEST

/* --- callers -------------------------------------------------------------- */

START_TEST(a_disk_that_is_slow_keeps_no_caller_waiting)
{
    struct rig rig;

    rig_open(&rig, STORE_FAULTY);
    ck_reply(rig_run_now(&rig, claim("a")), "CLAIMED");
    store_faulty_before(rig.store.store, FAULTY_APPEND, 1, false, take_long,
                        &rig);
    ck_reply(rig_run(&rig, claim("b")), "CLAIMED");
    rig_refuse_now(&rig, claim("c"));
    for (int i = 0; i < 20; i++) { /* quick ones, until that is forgotten */
        char key[16];

        snprintf(key, sizeof(key), "quick%d", i);
        rig_run(&rig, claim(key));
    }
    ck_reply(rig_run_now(&rig, claim("c")), "CLAIMED");
    rig_close(&rig, 0);
}
END_TEST

/* In the middle of a turn. */
static void ask_for_another(void *arg)
{
    rig_refuse_now(arg, claim("another"));
}

START_TEST(a_caller_gets_no_turn_while_one_runs)
{
    struct rig rig;

    rig_open(&rig, STORE_FAULTY);
    store_faulty_before(rig.store.store, FAULTY_APPEND, 1, false,
                        ask_for_another, &rig);
    ck_reply(rig_run(&rig, claim("k")), "CLAIMED");
    ck_reply(rig_run(&rig, lookup("another")), "NOT_FOUND");
    rig_close(&rig, 0);
}
END_TEST

START_TEST(an_empty_mailbox_is_waited_for_as_long_as_asked)
{
    struct mailbox mailbox;
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);

    ck_assert_int_eq(mailbox_init(&mailbox), 0);
    mailbox_wait(&mailbox, 1000);
    ck_assert_uint_eq(mailbox_take(&mailbox, &list), 0);
    mailbox_put(&mailbox, &list, 1 << 3);
    mailbox_wait(&mailbox, UINT64_C(3600000000));
    ck_assert_uint_eq(mailbox_take(&mailbox, &list), 1 << 3);
    ck_assert(STAILQ_EMPTY(&list));
    mailbox_release(&mailbox);
}
END_TEST

suite_fn suite_engine_bounds;

Suite *suite_engine_bounds(void)
{
    Suite *suite = suite_of(
        "engine_bounds", 30,
        (const TTest *const[]){
            a_start_without_memory_is_refused_and_may_be_tried_again,
            a_start_without_locks_or_threads_is_refused_and_may_be_tried_again,
            more_than_a_turn_takes_is_answered_before_the_stop,
            claims_are_taken_again_once_there_is_room_on_the_disk,
            a_failed_write_without_a_reason_counts_as_a_failed_disk,
            marks_that_cannot_be_stored_at_the_stop_are_a_failure,
            an_index_that_stays_unreadable_is_asked_again_each_time,
            a_sweep_without_memory_is_busy_and_works_later,
            a_sweep_that_comes_during_a_pass_waits_for_the_next_one,
            a_disk_that_is_slow_keeps_no_caller_waiting,
            a_caller_gets_no_turn_while_one_runs,
            an_empty_mailbox_is_waited_for_as_long_as_asked,
            a_pass_that_has_gone_on_for_minutes_rests_no_more, NULL});
    TCase *loops = tcase_create("long and short turns");

    tcase_set_timeout(loops, 30);
    tcase_add_loop_test(loops, turns_get_shorter_while_they_show_large_receipts,
                        0, 2);
    tcase_add_loop_test(loops, a_pass_rests_between_slices_while_commands_come,
                        0, 2);
    suite_add_tcase(suite, loops);
    return suite;
}
