/* What every store does with the index of what expires. */
#include "storage/due_entry.h"
#include "tests/lib/stores.h"

#include <stdio.h>

#define OPS(t) ((t)->store->ops)

enum { ALL = 1000000 };

static struct test_store t;

static void open_store(int kind)
{
    test_store_open(&t, (enum store_kind)kind);
}

static struct due due_of(uint64_t before_ms, size_t limit)
{
    struct due due;

    ck_assert_int_eq(OPS(&t)->due(t.session, before_ms, limit, &due), 0);
    ck_assert_uint_eq(due.damaged, 0);
    return due;
}

static void assert_none_due(uint64_t before_ms)
{
    struct due due = due_of(before_ms, ALL);

    ck_assert_uint_eq(due.count, 0);
    ck_assert(!due.more);
}

static void assert_one_due(uint64_t before_ms, struct stream stream)
{
    struct due due = due_of(before_ms, ALL);

    ck_assert_uint_eq(due.count, 1);
    ck_assert(stream_equal(due.streams[0], stream));
}

/* Settles one stream that the last due() named. */
static int settle(struct removal removal)
{
    ck_assert_int_eq(OPS(&t)->remove(t.session, &removal, 1, NULL), 0);
    return removal.status;
}

static int drop(struct stream stream, uint64_t next, uint64_t fence)
{
    return settle((struct removal){
        .stream = stream, .expect = {next, fence}, .drop = true});
}

static int keep(struct stream stream, uint64_t again_ms)
{
    return settle((struct removal){.stream = stream, .again_ms = again_ms});
}

/* --- due ------------------------------------------------------------------ */

START_TEST(empty_store_has_nothing_due)
{
    open_store(_i);
    assert_none_due(0);
    assert_none_due(UINT64_MAX);
    test_store_close(&t);
}
END_TEST

START_TEST(a_stream_is_due_strictly_after_its_deadline)
{
    struct stream stream = test_stream("ns", "k");

    open_store(_i);
    test_append(t.session, stream, test_claim(1, 1000, 500));
    assert_none_due(1500);
    assert_one_due(1501, stream);
    assert_one_due(1501, stream);
    test_store_close(&t);
}
END_TEST

START_TEST(streams_are_due_earliest_first)
{
    struct stream late = test_stream("ns", "late");
    struct stream early = test_stream("ns", "early");
    struct stream middle = test_stream("ns", "middle");
    struct append items[] = {
        {.stream = late, .record = test_claim(1, 1000, 70000)},
        {.stream = early, .record = test_claim(2, 1000, 100)},
        {.stream = middle, .record = test_claim(3, 1000, 300)},
    };
    struct due due;

    open_store(_i);
    ck_assert_int_eq(OPS(&t)->append(t.session, items, 3, NULL), 0);
    due = due_of(UINT64_MAX, ALL);
    ck_assert_uint_eq(due.count, 3);
    ck_assert(stream_equal(due.streams[0], early));
    ck_assert(stream_equal(due.streams[1], middle));
    ck_assert(stream_equal(due.streams[2], late));
    test_store_close(&t);
}
END_TEST

START_TEST(the_limit_ends_a_slice_and_says_that_there_is_more)
{
    struct stream streams[3];
    struct due due;

    open_store(_i);
    for (uint64_t i = 0; i < 3; i++) {
        char key[2] = {(char)('a' + i), 0};

        streams[i] = test_stream("ns", key);
        test_append(t.session, streams[i], test_claim(i + 1, i, 10));
    }
    for (uint64_t i = 0; i < 3; i++) {
        due = due_of(1000, 1);
        ck_assert_uint_eq(due.count, 1);
        ck_assert(due.more);
        ck_assert(stream_equal(due.streams[0], streams[i]));
        ck_assert_int_eq(drop(streams[i], 1, i + 1), 0);
    }
    assert_none_due(1000);
    test_store_close(&t);
}
END_TEST

START_TEST(an_entry_is_never_cut_but_entries_are_bounded)
{
    enum { MANY = DUE_STREAMS_MAX + 10 };
    static struct append items[MANY];
    struct due due;

    open_store(_i);
    for (uint64_t i = 0; i < MANY; i++) {
        char key[16];

        snprintf(key, sizeof(key), "%u", (unsigned)i);
        items[i] = (struct append){.stream = test_stream("ns", key),
                                   .record = test_claim(i + 1, 7, 7)};
    }
    ck_assert_int_eq(OPS(&t)->append(t.session, items, MANY, NULL), 0);
    due = due_of(1000, 1);
    ck_assert(due.more);
    ck_assert_uint_eq(due.count, DUE_STREAMS_MAX);
    due = due_of(1000, ALL);
    ck_assert(!due.more);
    ck_assert_uint_eq(due.count, MANY);
    test_store_close(&t);
}
END_TEST

START_TEST(a_due_time_at_the_end_of_time_is_never_reached)
{
    open_store(_i);
    test_append(t.session, test_stream("ns", "k"),
                test_claim(1, 1000, UINT64_MAX));
    assert_none_due(UINT64_MAX);
    test_store_close(&t);
}
END_TEST

/* --- which entries are written -------------------------------------------- */

START_TEST(a_later_deadline_is_found_alive_once_and_indexed_again)
{
    struct stream stream = test_stream("ns", "k");

    open_store(_i);
    test_append(t.session, stream, test_claim(1, 1000, 500));
    test_append(t.session, stream,
                test_completion(1, 1400, 5000, slice_str("r")));
    assert_one_due(2000, stream);
    ck_assert_int_eq(keep(stream, 6400), 0);
    assert_none_due(6400);
    assert_one_due(6401, stream);
    ck_assert_int_eq(drop(stream, 2, 1), 0);
    assert_none_due(UINT64_MAX);
    ck_assert_uint_eq(test_head(t.session, stream).next, 0);
    test_store_close(&t);
}
END_TEST

START_TEST(an_earlier_deadline_gets_an_entry_of_its_own)
{
    struct stream stream = test_stream("ns", "k");

    open_store(_i);
    test_append(t.session, stream, test_claim(1, 1000, 60000));
    test_append(t.session, stream,
                test_completion(1, 1400, 100, slice_str("r")));
    assert_none_due(1500);
    assert_one_due(1501, stream);
    ck_assert_int_eq(drop(stream, 2, 1), 0);
    /* The claim's entry is still there and names a stream that is gone. */
    assert_one_due(UINT64_MAX, stream);
    ck_assert_int_eq(keep(stream, 0), 0);
    assert_none_due(UINT64_MAX);
    test_store_close(&t);
}
END_TEST

START_TEST(within_a_call_only_the_last_record_counts_for_the_index)
{
    struct stream stream = test_stream("ns", "k");
    struct append items[] = {
        {.stream = stream, .expect = {0, 0}, .record = test_claim(1, 10, 10)},
        {.stream = stream, .expect = {1, 1}, .record = test_release(1, 10, 99)},
    };

    open_store(_i);
    ck_assert_int_eq(OPS(&t)->append(t.session, items, 2, NULL), 0);
    assert_none_due(109);
    assert_one_due(110, stream);
    test_store_close(&t);
}
END_TEST

START_TEST(a_stream_begun_again_has_an_entry_again)
{
    struct stream stream = test_stream("ns", "k");

    open_store(_i);
    test_append(t.session, stream, test_claim(1, 1000, 500));
    assert_one_due(2000, stream);
    ck_assert_int_eq(drop(stream, 1, 1), 0);
    test_append(t.session, stream, test_claim(2, 3000, 500));
    assert_none_due(3500);
    assert_one_due(3501, stream);
    test_store_close(&t);
}
END_TEST

START_TEST(a_deadline_that_the_sweep_has_passed_is_not_missed)
{
    struct stream first = test_stream("ns", "first");
    struct stream behind = test_stream("ns", "behind");

    open_store(_i);
    test_append(t.session, first, test_claim(1, 1000, 500));
    assert_one_due(2000, first);
    ck_assert_int_eq(drop(first, 1, 1), 0);
    test_append(t.session, behind, test_claim(2, 10, 10));
    assert_one_due(2000, behind);
    test_store_close(&t);
}
END_TEST

START_TEST(a_deadline_between_scan_and_settling_is_not_missed)
{
    struct stream first = test_stream("ns", "first");
    struct stream behind = test_stream("ns", "behind");

    open_store(_i);
    test_append(t.session, first, test_claim(1, 1000, 500));
    assert_one_due(2000, first);
    test_append(t.session, behind, test_claim(2, 10, 10));
    ck_assert_int_eq(drop(first, 1, 1), 0);
    assert_one_due(2000, behind);
    test_store_close(&t);
}
END_TEST

/* --- remove --------------------------------------------------------------- */

START_TEST(removed_stream_leaves_neither_rows_nor_history)
{
    struct stream stream = test_stream("ns", "k");

    test_store_open_history(&t, (enum store_kind)_i, 4);
    for (uint64_t i = 1; i <= 9; i++) {
        test_append(t.session, stream, test_claim(i, 1000, 500));
    }
    assert_one_due(2000, stream);
    ck_assert_int_eq(drop(stream, 9, 9), 0);
    ck_assert_uint_eq(test_head(t.session, stream).next, 0);
    assert_none_due(UINT64_MAX);
    test_store_close(&t);
}
END_TEST

START_TEST(a_conflict_keeps_the_stream_and_it_is_named_again)
{
    struct stream stream = test_stream("ns", "k");
    struct stream other = test_stream("ns", "other");
    struct removal items[] = {
        {.stream = stream, .expect = {1, 1}, .drop = true},
        {.stream = other, .expect = {1, 2}, .drop = true},
    };

    open_store(_i);
    test_append(t.session, stream, test_claim(1, 1000, 500));
    test_append(t.session, other, test_claim(2, 1000, 500));
    ck_assert_uint_eq(due_of(2000, ALL).count, 2);
    test_append(t.session, stream, test_completion(1, 1400, 5, slice_str("r")));
    ck_assert_int_eq(OPS(&t)->remove(t.session, items, 2, NULL), 0);
    ck_assert_int_eq(items[0].status, E_SEQUENCE);
    ck_assert_int_eq(items[1].status, 0);
    ck_assert_int_eq(test_head(t.session, stream).record.type,
                     RECORD_COMPLETION);
    ck_assert_uint_eq(test_head(t.session, other).next, 0);
    ck_assert_uint_ge(due_of(2000, ALL).count, 1);
    ck_assert(stream_equal(due_of(2000, ALL).streams[0], stream));
    ck_assert_int_eq(drop(stream, 2, 1), 0);
    assert_none_due(UINT64_MAX);
    test_store_close(&t);
}
END_TEST

START_TEST(removal_compares_the_fence)
{
    struct stream stream = test_stream("ns", "k");

    open_store(_i);
    test_append(t.session, stream, test_claim(7, 1000, 500));
    assert_one_due(2000, stream);
    ck_assert_int_eq(drop(stream, 1, 6), E_SEQUENCE);
    assert_one_due(2000, stream);
    ck_assert_int_eq(drop(stream, 1, 7), 0);
    assert_none_due(UINT64_MAX);
    test_store_close(&t);
}
END_TEST

START_TEST(removal_of_a_stream_without_rows_is_no_error)
{
    struct stream stream = test_stream("ns", "k");

    open_store(_i);
    ck_assert_int_eq(drop(stream, 0, 0), 0);
    ck_assert_uint_eq(counters_get(&t.counters, COUNTER_SYNCS), 0);
    ck_assert_int_eq(drop(stream, 1, 1), E_SEQUENCE);
    test_store_close(&t);
}
END_TEST

START_TEST(a_slice_may_keep_and_drop_at_once)
{
    struct stream gone = test_stream("ns", "gone");
    struct stream soon = test_stream("ns", "soon");
    struct stream later = test_stream("ns", "later");
    struct append appends[] = {
        {.stream = gone, .record = test_claim(1, 10, 10)},
        {.stream = soon, .record = test_claim(2, 10, 10)},
        {.stream = later, .record = test_claim(3, 10, 10)},
    };
    struct removal items[] = {
        {.stream = gone, .expect = {1, 1}, .drop = true},
        {.stream = soon, .again_ms = 500},
        {.stream = later, .again_ms = 900},
    };
    struct due due;

    open_store(_i);
    ck_assert_int_eq(OPS(&t)->append(t.session, appends, 3, NULL), 0);
    ck_assert_uint_eq(due_of(100, ALL).count, 3);
    ck_assert_int_eq(OPS(&t)->remove(t.session, items, 3, NULL), 0);
    assert_none_due(500);
    assert_one_due(501, soon);
    due = due_of(901, ALL);
    ck_assert_uint_eq(due.count, 2);
    ck_assert(stream_equal(due.streams[1], later));
    test_store_close(&t);
}
END_TEST

START_TEST(sweeping_in_slices_visits_every_stream_once)
{
    enum { MANY = 1000, SLICE = 64 };
    uint64_t left = MANY;

    open_store(_i);
    for (uint64_t i = 0; i < MANY; i += 10) {
        struct append items[10];

        for (uint64_t j = 0; j < 10; j++) {
            char key[16];

            snprintf(key, sizeof(key), "%u", (unsigned)(i + j));
            items[j] =
                (struct append){.stream = test_stream("ns", key),
                                .record = test_claim(1, i % 70, 10 + j % 3)};
        }
        ck_assert_int_eq(OPS(&t)->append(t.session, items, 10, NULL), 0);
    }
    while (left > 0) {
        struct removal items[SLICE + DUE_STREAMS_MAX];
        struct due due = due_of(1000, SLICE);

        ck_assert_uint_gt(due.count, 0);
        ck_assert_uint_lt(due.count, SLICE + DUE_STREAMS_MAX);
        for (size_t i = 0; i < due.count; i++) {
            items[i] = (struct removal){.stream = due.streams[i],
                                        .expect = {1, 1},
                                        .drop = true};
        }
        ck_assert_int_eq(OPS(&t)->remove(t.session, items, due.count, NULL), 0);
        for (size_t i = 0; i < due.count; i++) {
            ck_assert_int_eq(items[i].status, 0);
        }
        left -= due.count;
    }
    assert_none_due(UINT64_MAX);
    test_store_close(&t);
}
END_TEST

START_TEST(two_sessions_may_follow_the_index)
{
    struct stream stream = test_stream("ns", "k");
    struct removal removal = {.stream = stream, .expect = {1, 1}, .drop = true};
    struct session *other;
    struct due due;

    open_store(_i);
    other = OPS(&t)->session_open(t.store);
    test_append(t.session, stream, test_claim(1, 1000, 500));
    assert_one_due(2000, stream);
    ck_assert_int_eq(OPS(&t)->due(other, 2000, ALL, &due), 0);
    ck_assert_uint_eq(due.count, 1);
    ck_assert_int_eq(OPS(&t)->remove(other, &removal, 1, NULL), 0);
    ck_assert_int_eq(removal.status, 0);
    ck_assert_int_eq(drop(stream, 1, 1), E_SEQUENCE);
    assert_none_due(UINT64_MAX);
    OPS(&t)->session_close(other);
    test_store_close(&t);
}
END_TEST

SUITE_OF_STORES(conformance_sweep, 60, empty_store_has_nothing_due,
                a_stream_is_due_strictly_after_its_deadline,
                streams_are_due_earliest_first,
                the_limit_ends_a_slice_and_says_that_there_is_more,
                an_entry_is_never_cut_but_entries_are_bounded,
                a_due_time_at_the_end_of_time_is_never_reached,
                a_later_deadline_is_found_alive_once_and_indexed_again,
                an_earlier_deadline_gets_an_entry_of_its_own,
                within_a_call_only_the_last_record_counts_for_the_index,
                a_stream_begun_again_has_an_entry_again,
                a_deadline_that_the_sweep_has_passed_is_not_missed,
                a_deadline_between_scan_and_settling_is_not_missed,
                removed_stream_leaves_neither_rows_nor_history,
                a_conflict_keeps_the_stream_and_it_is_named_again,
                removal_compares_the_fence,
                removal_of_a_stream_without_rows_is_no_error,
                a_slice_may_keep_and_drop_at_once,
                sweeping_in_slices_visits_every_stream_once,
                two_sessions_may_follow_the_index)
