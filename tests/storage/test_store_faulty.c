#include "tests/lib/store_faulty.h"
#include "tests/lib/stores.h"

#define OPS(t) ((t)->store->ops)

static struct test_store t;

static int append_status(struct stream stream, struct record record)
{
    struct append item = {.stream = stream, .record = record};

    return OPS(&t)->append(t.session, &item, 1, NULL);
}

static uint64_t inner_next(struct stream stream)
{
    struct store *inner = store_faulty_inner(t.store);
    struct session *session = inner->ops->session_open(inner);
    uint64_t next = test_head(session, stream).next;

    inner->ops->session_close(session);
    return next;
}

START_TEST(a_failed_append_does_not_reach_the_store)
{
    struct stream a = test_stream("ns", "a");
    struct stream b = test_stream("ns", "b");

    test_store_open(&t, STORE_FAULTY);
    store_faulty_fail(t.store, FAULTY_APPEND, 2);
    ck_assert_int_eq(append_status(a, test_claim(1, 1, 1)), 0);
    ck_assert_int_eq(append_status(b, test_claim(2, 1, 1)), E_INDETERMINATE);
    ck_assert_uint_eq(inner_next(a), 1);
    ck_assert_uint_eq(inner_next(b), 0);
    ck_assert_str_ne(OPS(&t)->trouble(t.session), "");
    ck_assert_int_eq(OPS(&t)->trouble_status(t.session), E_IO);
    test_store_close(&t);
}
END_TEST

START_TEST(a_lost_answer_is_of_a_write_that_was_made)
{
    struct stream stream = test_stream("ns", "a");

    test_store_open(&t, STORE_FAULTY);
    store_faulty_trouble(t.store, E_FULL);
    store_faulty_lose_answer(t.store, FAULTY_APPEND, 1);
    ck_assert_int_eq(append_status(stream, test_claim(1, 1, 1)),
                     E_INDETERMINATE);
    ck_assert_uint_eq(inner_next(stream), 1);
    ck_assert_int_eq(OPS(&t)->trouble_status(t.session), E_FULL);
    test_store_close(&t);
}
END_TEST

START_TEST(after_a_fault_every_write_is_refused)
{
    struct stream stream = test_stream("ns", "a");
    struct marks marks = {.live_keys = 1};

    test_store_open(&t, STORE_FAULTY);
    store_faulty_fail(t.store, FAULTY_REMOVE, 1);
    ck_assert_int_eq(OPS(&t)->remove(t.session, NULL, 0, &marks),
                     E_INDETERMINATE);
    ck_assert_int_eq(append_status(stream, test_claim(1, 1, 1)),
                     E_INDETERMINATE);
    ck_assert_uint_eq(inner_next(stream), 0);
    store_faulty_heal(t.store);
    ck_assert_int_eq(append_status(stream, test_claim(1, 1, 1)), 0);
    test_store_close(&t);
}
END_TEST

START_TEST(a_stream_can_be_made_unreadable)
{
    struct stream bad = test_stream("ns", "bad");
    struct stream good = test_stream("ns", "good");
    struct append items[] = {
        {.stream = bad, .expect = {1, 1}, .record = test_release(1, 1, 1)},
        {.stream = good, .expect = {0, 0}, .record = test_claim(2, 1, 1)},
    };
    struct removal removal = {.stream = bad, .expect = {1, 1}, .drop = true};

    test_store_open(&t, STORE_FAULTY);
    test_append(t.session, bad, test_claim(1, 1, 1));
    store_faulty_corrupt(t.store, bad);
    ck_assert_int_eq(test_head(t.session, bad).status, E_CORRUPT);
    ck_assert_int_eq(test_head(t.session, good).status, 0);
    ck_assert_int_eq(OPS(&t)->append(t.session, items, 2, NULL), 0);
    ck_assert_int_eq(items[0].status, E_CORRUPT);
    ck_assert_int_eq(items[1].status, 0);
    ck_assert_int_eq(OPS(&t)->remove(t.session, &removal, 1, NULL), 0);
    ck_assert_int_eq(removal.status, E_CORRUPT);
    ck_assert_uint_eq(inner_next(bad), 1);
    store_faulty_heal(t.store);
    ck_assert_int_eq(test_head(t.session, bad).status, 0);
    test_store_close(&t);
}
END_TEST

START_TEST(an_unreadable_index_is_an_error)
{
    struct due due;

    test_store_open(&t, STORE_FAULTY);
    store_faulty_fail(t.store, FAULTY_DUE, 1);
    ck_assert_int_eq(OPS(&t)->due(t.session, 1, 1, &due), E_IO);
    ck_assert_uint_eq(due.count, 0);
    ck_assert_int_eq(OPS(&t)->due(t.session, 1, 1, &due), 0);
    test_store_close(&t);
}
END_TEST

struct racer {
    struct stream stream;
    uint64_t fence;
};

static void race(void *arg)
{
    struct racer *racer = arg;
    struct store *inner = store_faulty_inner(t.store);
    struct session *session = inner->ops->session_open(inner);

    test_append(session, racer->stream, test_claim(racer->fence++, 1, 1));
    inner->ops->session_close(session);
}

START_TEST(a_racing_writer_makes_a_conflict)
{
    struct stream stream = test_stream("ns", "a");
    struct racer racer = {.stream = stream, .fence = 100};
    struct head head;
    uint64_t actual;

    test_store_open(&t, STORE_FAULTY);
    store_faulty_before(t.store, FAULTY_APPEND, 1, false, race, &racer);
    head = test_head(t.session, stream);
    ck_assert_uint_eq(head.next, 0);
    ck_assert_int_eq(test_append_at(t.session, stream, 0, 0,
                                    test_claim(5, 1, 1), &actual),
                     E_SEQUENCE);
    ck_assert_uint_eq(actual, 1);
    test_append(t.session, stream, test_claim(6, 1, 1));
    ck_assert_uint_eq(racer.fence, 101);
    test_store_close(&t);
}
END_TEST

START_TEST(a_repeated_race_conflicts_every_time)
{
    struct stream stream = test_stream("ns", "a");
    struct racer racer = {.stream = stream, .fence = 100};

    test_store_open(&t, STORE_FAULTY);
    store_faulty_before(t.store, FAULTY_APPEND, 2, true, race, &racer);
    test_append(t.session, stream, test_claim(1, 1, 1));
    for (uint64_t i = 1; i < 4; i++) {
        struct head head = test_head(t.session, stream);

        ck_assert_int_eq(test_append_at(t.session, stream, head.next,
                                        head.record.fence, test_claim(9, 1, 1),
                                        NULL),
                         E_SEQUENCE);
    }
    ck_assert_uint_eq(racer.fence, 103);
    test_store_close(&t);
}
END_TEST

START_TEST(calls_and_items_are_counted)
{
    struct stream stream = test_stream("ns", "a");

    test_store_open(&t, STORE_FAULTY);
    test_append(t.session, stream, test_claim(1, 1, 1));
    test_head(t.session, stream);
    ck_assert_uint_eq(store_faulty_calls(t.store, FAULTY_HEADS), 2);
    ck_assert_uint_eq(store_faulty_calls(t.store, FAULTY_APPEND), 1);
    ck_assert_uint_eq(store_faulty_items(t.store, FAULTY_APPEND), 1);
    ck_assert_uint_eq(store_faulty_calls(t.store, FAULTY_DUE), 0);
    test_store_close(&t);
}
END_TEST

SUITE(store_faulty, 10, a_failed_append_does_not_reach_the_store,
      a_lost_answer_is_of_a_write_that_was_made,
      after_a_fault_every_write_is_refused, a_stream_can_be_made_unreadable,
      an_unreadable_index_is_an_error, a_racing_writer_makes_a_conflict,
      a_repeated_race_conflicts_every_time, calls_and_items_are_counted)
