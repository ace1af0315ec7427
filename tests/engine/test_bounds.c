#include "tests/lib/bench.h"
#include "tests/lib/memory_fault.h"
#include "tests/lib/store_faulty.h"

#include <stdio.h>

/* A list of commands, each on a key of its own. */
static void make_list(struct request_list *list, struct request *requests[],
                      size_t count, const char *prefix)
{
    STAILQ_INIT(list);
    for (size_t i = 0; i < count; i++) {
        char *key = malloc(32); /* the process is short */

        ck_assert_ptr_nonnull(key);
        snprintf(key, 32, "%s%zu", prefix, i);
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): see above */
        requests[i] = bench_request("default", claim(key));
        STAILQ_INSERT_TAIL(list, requests[i], link);
    }
}

/* --- memory --------------------------------------------------------------- */

START_TEST(a_turn_without_memory_for_itself_is_busy_and_does_nothing)
{
    struct bench b;
    struct request_list list;
    struct request *requests[2];
    struct request_list again;
    struct request *third[3];

    bench_open(&b, STORE_MEM);
    bench_run(&b, claim("one"));
    make_list(&list, requests, 2, "two");
    memory_fail((unsigned)_i);
    ck_assert_int_eq(turn_run(&b.turn, &list), 0);
    ck_assert(memory_has_failed());
    ck_reply(requests[0]->reply, "BUSY");
    ck_reply(requests[1]->reply, "BUSY");
    ck_reply(bench_run(&b, lookup("two0")), "NOT_FOUND");
    make_list(&again, third, 3, "three");
    ck_assert_int_eq(turn_run(&b.turn, &again), 0);
    ck_reply(third[2]->reply, "CLAIMED");
    bench_close(&b);
}
END_TEST

START_TEST(what_cannot_have_memory_does_not_begin)
{
    struct bench b;
    struct turn turn;
    struct sweeper sweeper;

    bench_open(&b, STORE_MEM);
    memory_fail(1);
    ck_assert_int_eq(turn_init(&turn, b.store.session, &b.steady, &b.turn.marks,
                               &b.rules, &b.store.counters),
                     E_MEMORY);
    turn_release(&turn);
    memory_fail(1);
    ck_assert_int_eq(sweeper_init(&sweeper, &b.turn), E_MEMORY);
    sweeper_release(&sweeper);
    bench_close(&b);
}
END_TEST

START_TEST(a_receipt_without_memory_for_its_copy_is_busy)
{
    struct bench b;
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);
    struct request *request = bench_request("default", lookup("k"));
    unsigned used;
    int status;

    bench_open(&b, STORE_MEM);
    bench_run(&b, claim("k"));
    bench_run(&b, complete("k", "receipt"));
    STAILQ_INSERT_TAIL(&list, request, link);
    memory_fail(1000);
    status = turn_run(&b.turn, &list);
    used = 1000 - memory_left();
    ck_assert_int_eq(status, 0);
    ck_reply(request->reply, "COMPLETED receipt");
    free(request->owned);
    request->owned = NULL;

    memory_fail(used); /* the copy is the last one */
    status = turn_run(&b.turn, &list);
    ck_assert(memory_has_failed());
    ck_assert_int_eq(status, 0);
    ck_reply(request->reply, "BUSY");
    ck_reply(bench_run(&b, lookup("k")), "COMPLETED receipt");
    bench_close(&b);
}
END_TEST

START_TEST(a_sweep_without_memory_ends_and_the_next_one_does_its_work)
{
    struct bench b;

    bench_open(&b, STORE_MEM);
    bench_run(&b, claim("k"));
    bench_at(&b, 61001);
    bench_sweep(&b);
    bench_run(&b, claim("l"));
    bench_run(&b, claim("m"));
    bench_at(&b, 122002);
    sweeper_begin(&b.sweeper);
    memory_fail((unsigned)_i);
    ck_assert_int_eq(sweeper_slice(&b.sweeper), E_MEMORY);
    ck_assert(!b.sweeper.running);
    ck_assert_uint_eq(bench_sweep(&b).swept_expired, 2);
    bench_close(&b);
}
END_TEST

/* --- turns ---------------------------------------------------------------- */

START_TEST(unreadable_keys_are_logged_once_a_second)
{
    struct bench b;

    bench_open(&b, STORE_FAULTY);
    bench_at(&b, 1000);
    store_faulty_corrupt(b.store.store, test_stream("default", "k"));
    ck_reply(bench_run(&b, lookup("k")), "CORRUPT");
    ck_assert_uint_eq(b.turn.warned_us, 1000000);
    bench_at(&b, 2000);
    ck_reply(bench_run(&b, lookup("k")), "CORRUPT");
    ck_assert_uint_eq(b.turn.warned_us, 1000000);
    bench_at(&b, 2001);
    ck_reply(bench_run(&b, lookup("k")), "CORRUPT");
    ck_assert_uint_eq(b.turn.warned_us, 2001000);
    bench_close(&b);
}
END_TEST

START_TEST(the_estimate_of_claims_in_flight_is_never_negative)
{
    struct bench b;

    bench_open(&b, STORE_MEM);
    bench_run(&b, claim("k"));
    b.turn.marks.inflight = 0; /* as after a crash before it was stored */
    ck_reply(bench_run(&b, complete("k", "r")), "OK");
    ck_assert_uint_eq(b.turn.marks.inflight, 0);
    bench_run(&b, claim("l"));
    b.turn.marks.inflight = 0;
    b.turn.marks.live_keys = 0;
    bench_at(&b, 61001);
    ck_assert_uint_eq(bench_sweep(&b).swept_expired, 2);
    ck_assert_uint_eq(b.turn.marks.inflight, 0);
    ck_assert_uint_eq(b.turn.marks.live_keys, 0);
    bench_close(&b);
}
END_TEST

/* Another writer that is there before every append to `k`, twice. */
static void complete_k_behind(void *arg)
{
    struct bench *b = arg;
    struct store *inner = store_faulty_inner(b->store.store);
    struct session *session = inner->ops->session_open(inner);
    struct head head = test_head(session, test_stream("default", "k"));

    if (head.record.type == RECORD_CLAIM) {
        test_append(session, test_stream("default", "k"),
                    test_completion(head.record.fence, bench_now_ms(b), 60000,
                                    slice_str("theirs")));
    }
    inner->ops->session_close(session);
}

START_TEST(room_for_a_receipt_is_given_back_when_it_is_decided_again)
{
    struct bench b;
    struct window window = {.limit_bytes = 1000};
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);
    struct request *finish;
    struct request *show;

    bench_open(&b, STORE_FAULTY);
    bench_at(&b, 1000);
    bench_run(&b, claim("k"));
    finish = bench_request("default", complete("k", "my receipt"));
    show = bench_request("default", lookup("k"));
    finish->window = show->window = &window;
    finish->bytes_per_receipt_byte = show->bytes_per_receipt_byte = 4;
    STAILQ_INSERT_TAIL(&list, finish, link);
    STAILQ_INSERT_TAIL(&list, show, link);
    store_faulty_before(b.store.store, FAULTY_APPEND, 1, false,
                        complete_k_behind, &b);
    ck_assert_int_eq(turn_run(&b.turn, &list), 0);
    ck_reply(finish->reply, "CONFLICT");
    ck_reply(show->reply, "COMPLETED theirs");
    ck_assert_uint_eq(atomic_load(&window.held_bytes), 4 * strlen("theirs"));
    bench_close(&b);
}
END_TEST

static void add(struct request_list *list, struct request *request,
                struct window *window)
{
    request->window = window;
    request->bytes_per_receipt_byte = 4;
    STAILQ_INSERT_TAIL(list, request, link);
}

START_TEST(a_postponed_command_stays_so_when_the_write_fails)
{
    struct bench b;
    struct window window = {.limit_bytes = 10};
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);
    struct request *show[2];
    struct request *take;

    bench_open(&b, STORE_FAULTY);
    bench_run(&b, claim("k"));
    bench_run(&b, complete("k", "receipt"));
    take = bench_request("default", claim("new"));
    show[0] = bench_request("default", lookup("k"));
    show[1] = bench_request("default", lookup("k"));
    add(&list, take, NULL);
    add(&list, show[0], &window);
    add(&list, show[1], &window);
    store_faulty_fail(b.store.store, FAULTY_APPEND, 1);
    ck_assert_int_eq(turn_run(&b.turn, &list), E_INDETERMINATE);
    ck_reply(take->reply, "INDETERMINATE");
    ck_reply(show[0]->reply, "INDETERMINATE");
    ck_assert(show[1]->postponed);
    bench_close(&b);
}
END_TEST

START_TEST(what_is_postponed_is_not_decided_again_after_a_conflict)
{
    struct bench b;
    struct window window = {.limit_bytes = 10};
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);
    struct request *finish[2];
    struct request *show;

    bench_open(&b, STORE_FAULTY);
    bench_at(&b, 1000);
    bench_run(&b, claim("k"));
    bench_run(&b, claim("full"));
    bench_run(&b, complete("full", "receipt"));
    finish[0] = bench_request("default", release("k"));
    finish[1] = bench_request("default", claim("k"));
    show = bench_request("default", lookup("k"));
    add(&list, finish[0], NULL);
    add(&list, finish[1], NULL);
    add(&list, bench_request("default", lookup("full")), &window);
    add(&list, bench_request("default", lookup("full")), &window);
    add(&list, show, &window);
    store_faulty_before(b.store.store, FAULTY_APPEND, 1, false,
                        complete_k_behind, &b);
    ck_assert_int_eq(turn_run(&b.turn, &list), 0);
    ck_reply(finish[0]->reply, "OK"); /* a receipt is not clobbered */
    ck_reply(finish[1]->reply, "COMPLETED theirs");
    ck_assert(show->postponed);
    bench_close(&b);
}
END_TEST

/* --- the sweeper ---------------------------------------------------------- */

START_TEST(a_turn_ends_when_its_replies_are_enough)
{
    struct bench b;
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);
    struct request *show[3];

    bench_open(&b, STORE_MEM);
    bench_run(&b, claim("full"));
    bench_run(&b, complete("full", "receipt"));
    for (int i = 0; i < 3; i++) {
        show[i] = bench_request("default", lookup("full"));
        add(&list, show[i], NULL);
    }
    add(&list, bench_request("default", claim("k")), NULL);
    b.turn.reply_bytes_max = strlen("receipt") + 1;
    ck_assert_int_eq(turn_run(&b.turn, &list), 0);
    ck_assert_uint_eq(b.turn.taken, 2);
    ck_reply(show[1]->reply, "COMPLETED receipt");
    ck_assert_int_eq(show[2]->reply.kind, REPLY_NONE);
    ck_reply(bench_run(&b, lookup("k")), "NOT_FOUND");
    ck_assert_uint_eq(b.turn.taken, 1);
    bench_close(&b);
}
END_TEST

START_TEST(a_slice_without_a_pass_does_nothing)
{
    struct bench b;

    bench_open(&b, STORE_MEM);
    ck_assert_int_eq(sweeper_slice(&b.sweeper), 0);
    ck_assert(!b.sweeper.running);
    bench_close(&b);
}
END_TEST

START_TEST(a_key_that_cannot_be_read_is_retained_for_a_day)
{
    struct bench b;
    struct reply swept;

    bench_open(&b, STORE_FAULTY);
    bench_run(&b, claim("k"));
    bench_at(&b, 61001);
    store_faulty_corrupt(b.store.store, test_stream("default", "k"));
    swept = bench_sweep(&b);
    ck_assert_uint_eq(swept.swept_retained, 1);
    ck_assert_uint_eq(bench_sweep(&b).swept_scanned, 0);
    store_faulty_heal(b.store.store);
    bench_at(&b, 62001 + STORE_CORRUPT_AGAIN_MS);
    ck_assert_uint_eq(bench_sweep(&b).swept_scanned, 0);
    bench_at(&b, 62002 + STORE_CORRUPT_AGAIN_MS);
    ck_assert_uint_eq(bench_sweep(&b).swept_expired, 1);
    bench_close(&b);
}
END_TEST

/* A store whose index has entries that cannot be read. */
static int (*real_due)(struct session *session, uint64_t before_ms,
                       size_t limit, struct due *due);

static int due_with_damage(struct session *session, uint64_t before_ms,
                           size_t limit, struct due *due)
{
    int status = real_due(session, before_ms, limit, due);

    due->damaged = 3;
    return status;
}

START_TEST(damaged_entries_of_the_index_are_counted_and_logged_once)
{
    struct bench b;
    const struct store_ops *ops;
    struct store_ops damaged;

    bench_open(&b, STORE_MEM);
    ops = b.store.store->ops;
    damaged = *ops;
    real_due = ops->due;
    damaged.due = due_with_damage;
    b.store.store->ops = &damaged;
    bench_sweep(&b);
    ck_assert(b.sweeper.warned);
    bench_sweep(&b);
    ck_assert_uint_eq(counters_get(&b.store.counters, COUNTER_ROWS_CORRUPT), 6);
    b.store.store->ops = ops;
    bench_close(&b);
}
END_TEST

suite_fn suite_bounds;

Suite *suite_bounds(void)
{
    Suite *suite =
        suite_of("bounds", 20,
                 (const TTest *const[]){
                     what_cannot_have_memory_does_not_begin,
                     a_receipt_without_memory_for_its_copy_is_busy,
                     unreadable_keys_are_logged_once_a_second,
                     the_estimate_of_claims_in_flight_is_never_negative,
                     room_for_a_receipt_is_given_back_when_it_is_decided_again,
                     a_postponed_command_stays_so_when_the_write_fails,
                     what_is_postponed_is_not_decided_again_after_a_conflict,
                     a_turn_ends_when_its_replies_are_enough,
                     a_slice_without_a_pass_does_nothing,
                     a_key_that_cannot_be_read_is_retained_for_a_day,
                     damaged_entries_of_the_index_are_counted_and_logged_once,
                     NULL});
    TCase *loops = tcase_create("each allocation");

    tcase_set_timeout(loops, 20);
    tcase_add_loop_test(
        loops, a_turn_without_memory_for_itself_is_busy_and_does_nothing, 1, 6);
    tcase_add_loop_test(
        loops, a_sweep_without_memory_ends_and_the_next_one_does_its_work, 1,
        5);
    suite_add_tcase(suite, loops);
    return suite;
}
