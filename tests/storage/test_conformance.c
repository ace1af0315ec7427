/* What every store does with rows; test_conformance_sweep.c has the index. */
#include "tests/lib/stores.h"

#include <pthread.h>
#include <stdio.h>

#define OPS(t) ((t)->store->ops)

static struct test_store t;

static void open_store(int kind)
{
    test_store_open(&t, (enum store_kind)kind);
}

static uint64_t count_of(enum counter counter)
{
    return counters_get(&t.counters, counter);
}

/* What history() showed. */
struct seen {
    uint64_t sequences[64];
    uint64_t fences[64];
    size_t count;
};

static void see(void *arg, uint64_t sequence, const struct record *record)
{
    struct seen *seen = arg;

    ck_assert_uint_lt(seen->count, 64);
    seen->sequences[seen->count] = sequence;
    seen->fences[seen->count++] = record->fence;
}

static struct seen history_of(struct stream stream)
{
    struct seen seen = {0};

    ck_assert_int_eq(OPS(&t)->history(t.session, stream, see, &seen), 0);
    return seen;
}

/* --- reading and appending ---------------------------------------------- */

START_TEST(stream_never_seen_has_no_rows)
{
    struct head head;

    open_store(_i);
    head = test_head(t.session, test_stream("ns", "k"));
    ck_assert_int_eq(head.status, 0);
    ck_assert_uint_eq(head.next, 0);
    ck_assert_uint_eq(head_expect(&head).fence, 0);
    ck_assert_uint_eq(count_of(COUNTER_ROWS_READ), 0);
    ck_assert_uint_eq(history_of(test_stream("ns", "k")).count, 0);
    test_store_close(&t);
}
END_TEST

START_TEST(appended_record_is_read_back)
{
    struct stream stream = test_stream("ns", "k");
    struct record claim = test_claim(17, 1000, 60000);
    struct head head;

    open_store(_i);
    claim.owner = slice_str("worker");
    claim.fp = slice_str("print");
    test_append(t.session, stream, claim);
    head = test_head(t.session, stream);
    ck_assert_uint_eq(head.next, 1);
    ck_assert(record_equal(&head.record, &claim));
    ck_assert_uint_eq(count_of(COUNTER_ROWS_APPENDED), 1);
    ck_assert_uint_eq(count_of(COUNTER_SYNCS), 1);
    test_store_close(&t);
}
END_TEST

START_TEST(heads_are_those_of_their_streams)
{
    struct stream asked[5];
    struct head heads[5];

    open_store(_i);
    for (uint64_t i = 0; i < 5; i++) {
        char key[2] = {(char)('a' + i), 0};

        asked[i] = test_stream("ns", key);
        if (i != 2) {
            test_append(t.session, asked[i], test_claim(10 + i, 1, 1));
        }
    }
    asked[4] = asked[0];
    ck_assert_int_eq(OPS(&t)->heads(t.session, asked, heads, 5), 0);
    ck_assert_uint_eq(heads[0].record.fence, 10);
    ck_assert_uint_eq(heads[1].record.fence, 11);
    ck_assert_uint_eq(heads[2].next, 0);
    ck_assert_uint_eq(heads[3].record.fence, 13);
    ck_assert_uint_eq(heads[4].record.fence, 10);
    ck_assert_int_eq(OPS(&t)->heads(t.session, NULL, NULL, 0), 0);
    test_store_close(&t);
}
END_TEST

START_TEST(many_heads_are_read_at_once)
{
    enum { MANY = 1000 };
    static struct stream streams[MANY];
    static struct append items[MANY];
    static struct head heads[MANY];

    open_store(_i);
    for (uint64_t i = 0; i < MANY; i++) {
        char key[16];

        snprintf(key, sizeof(key), "key-%u", (unsigned)i);
        streams[i] = test_stream("ns", key);
        items[i] = (struct append){.stream = streams[i],
                                   .record = test_claim(i + 1, 5, 5)};
    }
    ck_assert_int_eq(OPS(&t)->append(t.session, items, MANY, NULL), 0);
    ck_assert_int_eq(OPS(&t)->heads(t.session, streams, heads, MANY), 0);
    for (uint64_t i = 0; i < MANY; i++) {
        ck_assert_int_eq(items[i].status, 0);
        ck_assert_uint_eq(heads[i].next, 1);
        ck_assert_uint_eq(heads[i].record.fence, i + 1);
    }
    ck_assert_uint_eq(count_of(COUNTER_ROWS_READ), MANY);
    ck_assert_uint_eq(count_of(COUNTER_SYNCS), 1);
    test_store_close(&t);
}
END_TEST

START_TEST(a_head_is_valid_until_the_next_heads_whatever_is_written)
{
    struct stream stream = test_stream("ns", "k");
    struct head head;

    open_store(_i);
    test_append(t.session, stream,
                test_completion(1, 1, 1, slice_str("receipt")));
    head = test_head(t.session, stream);
    for (uint64_t fence = 1; fence < 40; fence++) {
        ck_assert_int_eq(test_append_at(t.session, stream, fence, fence,
                                        test_claim(fence + 1, 1, 1), NULL),
                         0);
    }
    ck_assert(slice_equal(head.record.receipt, slice_str("receipt")));
    test_store_close(&t);
}
END_TEST

START_TEST(nothing_to_append_writes_nothing)
{
    open_store(_i);
    ck_assert_int_eq(OPS(&t)->append(t.session, NULL, 0, NULL), 0);
    ck_assert_int_eq(OPS(&t)->remove(t.session, NULL, 0, NULL), 0);
    ck_assert_uint_eq(count_of(COUNTER_SYNCS), 0);
    test_store_close(&t);
}
END_TEST

/* --- the compare ---------------------------------------------------------- */

START_TEST(append_compares_the_next_sequence)
{
    struct stream stream = test_stream("ns", "k");
    uint64_t actual = 99;

    open_store(_i);
    ck_assert_int_eq(test_append_at(t.session, stream, 1, 5,
                                    test_claim(6, 1, 1), &actual),
                     E_SEQUENCE);
    ck_assert_uint_eq(actual, 0);
    test_append(t.session, stream, test_claim(5, 1, 1));
    ck_assert_int_eq(test_append_at(t.session, stream, 0, 0,
                                    test_claim(6, 1, 1), &actual),
                     E_SEQUENCE);
    ck_assert_uint_eq(actual, 1);
    ck_assert_int_eq(test_append_at(t.session, stream, 2, 5,
                                    test_claim(6, 1, 1), &actual),
                     E_SEQUENCE);
    ck_assert_uint_eq(test_head(t.session, stream).record.fence, 5);
    ck_assert_uint_eq(count_of(COUNTER_SEQUENCE_CONFLICTS), 3);
    ck_assert_uint_eq(count_of(COUNTER_SYNCS), 1);
    test_store_close(&t);
}
END_TEST

START_TEST(append_compares_the_fence)
{
    struct stream stream = test_stream("ns", "k");
    uint64_t actual = 99;

    open_store(_i);
    test_append(t.session, stream, test_claim(5, 1, 1));
    ck_assert_int_eq(test_append_at(t.session, stream, 1, 4,
                                    test_claim(6, 1, 1), &actual),
                     E_SEQUENCE);
    ck_assert_uint_eq(actual, 1);
    ck_assert_int_eq(test_append_at(t.session, stream, 1, 0,
                                    test_claim(6, 1, 1), &actual),
                     E_SEQUENCE);
    ck_assert_int_eq(
        test_append_at(t.session, stream, 1, 5, test_claim(6, 1, 1), NULL), 0);
    test_store_close(&t);
}
END_TEST

START_TEST(stream_begun_again_is_not_taken_for_the_old_one)
{
    struct stream stream = test_stream("ns", "k");
    struct removal removal = {.stream = stream, .expect = {1, 5}, .drop = true};

    open_store(_i);
    test_append(t.session, stream, test_claim(5, 1, 1));
    ck_assert_int_eq(OPS(&t)->remove(t.session, &removal, 1, NULL), 0);
    ck_assert_int_eq(removal.status, 0);
    ck_assert_uint_eq(test_head(t.session, stream).next, 0);
    test_append(t.session, stream, test_claim(9, 1, 1));
    ck_assert_int_eq(test_append_at(t.session, stream, 1, 5,
                                    test_release(5, 1, 1), NULL),
                     E_SEQUENCE);
    ck_assert_int_eq(OPS(&t)->remove(t.session, &removal, 1, NULL), 0);
    ck_assert_int_eq(removal.status, E_SEQUENCE);
    ck_assert_uint_eq(test_head(t.session, stream).record.fence, 9);
    test_store_close(&t);
}
END_TEST

START_TEST(several_items_of_one_stream_build_on_each_other)
{
    struct stream stream = test_stream("ns", "k");
    struct stream other = test_stream("ns", "other");
    struct append items[] = {
        {.stream = stream, .expect = {0, 0}, .record = test_claim(1, 1, 9)},
        {.stream = other, .expect = {0, 0}, .record = test_claim(2, 1, 9)},
        {.stream = stream, .expect = {1, 1}, .record = test_release(1, 2, 9)},
        {.stream = stream, .expect = {2, 1}, .record = test_claim(3, 3, 9)},
    };
    struct seen seen;

    open_store(_i);
    ck_assert_int_eq(OPS(&t)->append(t.session, items, 4, NULL), 0);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(items[i].status, 0);
    }
    ck_assert_uint_eq(test_head(t.session, stream).next, 3);
    ck_assert_uint_eq(test_head(t.session, other).next, 1);
    seen = history_of(stream);
    ck_assert_uint_eq(seen.count, 3);
    ck_assert_uint_eq(seen.fences[0], 3);
    ck_assert_uint_eq(seen.fences[2], 1);
    ck_assert_uint_eq(count_of(COUNTER_ROWS_APPENDED), 4);
    ck_assert_uint_eq(count_of(COUNTER_SYNCS), 1);
    test_store_close(&t);
}
END_TEST

START_TEST(a_conflict_in_a_call_leaves_the_other_items)
{
    struct stream stream = test_stream("ns", "k");
    struct stream other = test_stream("ns", "other");
    struct stream third = test_stream("ns", "third");
    struct append items[] = {
        {.stream = stream, .expect = {0, 0}, .record = test_claim(1, 1, 9)},
        {.stream = other, .expect = {4, 4}, .record = test_claim(5, 1, 9)},
        {.stream = stream, .expect = {0, 0}, .record = test_claim(6, 1, 9)},
        {.stream = third, .expect = {0, 0}, .record = test_claim(7, 1, 9)},
    };

    open_store(_i);
    ck_assert_int_eq(OPS(&t)->append(t.session, items, 4, NULL), 0);
    ck_assert_int_eq(items[0].status, 0);
    ck_assert_int_eq(items[1].status, E_SEQUENCE);
    ck_assert_uint_eq(items[1].actual_next, 0);
    ck_assert_int_eq(items[2].status, E_SEQUENCE);
    ck_assert_uint_eq(items[2].actual_next, 1);
    ck_assert_int_eq(items[3].status, 0);
    ck_assert_uint_eq(test_head(t.session, stream).next, 1);
    ck_assert_uint_eq(test_head(t.session, other).next, 0);
    ck_assert_uint_eq(test_head(t.session, third).next, 1);
    test_store_close(&t);
}
END_TEST

START_TEST(items_on_top_of_a_conflict_conflict_too)
{
    struct stream stream = test_stream("ns", "k");
    /* A release and a claim, decided on the claim; meanwhile it was completed,
     * which leaves the sequence and the fence that the claim expects. */
    struct append items[] = {
        {.stream = stream, .expect = {1, 5}, .record = test_release(5, 2, 9)},
        {.stream = stream, .expect = {2, 5}, .record = test_claim(6, 2, 9)},
    };

    open_store(_i);
    test_append(t.session, stream, test_claim(5, 1, 9));
    test_append(t.session, stream,
                test_completion(5, 1, 9, slice_str("receipt")));
    ck_assert_int_eq(OPS(&t)->append(t.session, items, 2, NULL), 0);
    ck_assert_int_eq(items[0].status, E_SEQUENCE);
    ck_assert_int_eq(items[1].status, E_SEQUENCE);
    ck_assert_uint_eq(items[1].actual_next, 2);
    ck_assert_int_eq(test_head(t.session, stream).record.type,
                     RECORD_COMPLETION);
    test_store_close(&t);
}
END_TEST

START_TEST(after_a_conflict_the_actual_state_can_be_appended_to)
{
    struct stream stream = test_stream("ns", "k");
    struct head head;

    open_store(_i);
    test_append(t.session, stream, test_claim(5, 1, 1));
    head = test_head(t.session, stream);
    ck_assert_int_eq(test_append_at(t.session, stream, 0, 0,
                                    test_claim(6, 1, 1), NULL),
                     E_SEQUENCE);
    ck_assert_int_eq(test_append_at(t.session, stream, head.next,
                                    head.record.fence, test_claim(6, 1, 1),
                                    NULL),
                     0);
    ck_assert_uint_eq(test_head(t.session, stream).next, 2);
    test_store_close(&t);
}
END_TEST

START_TEST(another_session_between_read_and_append_is_a_conflict)
{
    struct stream stream = test_stream("ns", "k");
    struct session *other;
    struct head head;
    uint64_t actual;

    open_store(_i);
    other = OPS(&t)->session_open(t.store);
    test_append(t.session, stream, test_claim(5, 1, 1));
    head = test_head(t.session, stream);
    test_append(other, stream, test_release(5, 2, 1));
    ck_assert_int_eq(test_append_at(t.session, stream, head.next,
                                    head.record.fence, test_claim(7, 1, 1),
                                    &actual),
                     E_SEQUENCE);
    ck_assert_uint_eq(actual, 2);
    ck_assert_int_eq(test_head(t.session, stream).record.type, RECORD_RELEASE);
    OPS(&t)->session_close(other);
    test_store_close(&t);
}
END_TEST

START_TEST(what_one_session_appends_another_reads)
{
    struct stream stream = test_stream("ns", "k");
    struct session *other;

    open_store(_i);
    other = OPS(&t)->session_open(t.store);
    ck_assert_uint_eq(test_head(other, stream).next, 0);
    test_append(t.session, stream, test_claim(5, 1, 1));
    ck_assert_uint_eq(test_head(other, stream).next, 1);
    test_append(other, stream, test_claim(6, 1, 1));
    ck_assert_uint_eq(test_head(t.session, stream).next, 2);
    OPS(&t)->session_close(other);
    test_store_close(&t);
}
END_TEST

enum { RACERS = 3, RACE_ROUNDS = 100 };

/* Returns how many appends succeeded, as a pointer's worth of number. */
static void *race(void *arg)
{
    struct stream stream = *(const struct stream *)arg;
    struct session *session = OPS(&t)->session_open(t.store);
    uintptr_t won = 0;

    for (int i = 0; i < RACE_ROUNDS; i++) {
        struct head head;
        struct append item = {.stream = stream};

        OPS(&t)->heads(session, &stream, &head, 1);
        item.expect = head_expect(&head);
        item.record = test_claim(head.next + 1, 1, 1);
        if (OPS(&t)->append(session, &item, 1, NULL) == 0 && item.status == 0) {
            won++;
        }
    }
    OPS(&t)->session_close(session);
    return (void *)won;
}

START_TEST(of_racing_sessions_one_wins_each_sequence)
{
    struct stream stream = test_stream("ns", "k");
    pthread_t threads[RACERS];
    uint64_t total = 0;

    open_store(_i);
    for (int i = 0; i < RACERS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, race, &stream), 0);
    }
    for (int i = 0; i < RACERS; i++) {
        void *won;

        ck_assert_int_eq(pthread_join(threads[i], &won), 0);
        total += (uintptr_t)won;
    }
    ck_assert_uint_gt(total, 0);
    ck_assert_uint_eq(test_head(t.session, stream).next, total);
    ck_assert_uint_eq(count_of(COUNTER_ROWS_APPENDED), total);
    ck_assert_uint_eq(count_of(COUNTER_SEQUENCE_CONFLICTS),
                      RACERS * RACE_ROUNDS - total);
    test_store_close(&t);
}
END_TEST

/* --- history -------------------------------------------------------------- */

static void rounds(struct stream stream, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct head head = test_head(t.session, stream);

        ck_assert_int_eq(test_append_at(t.session, stream, head.next,
                                        head_expect(&head).fence,
                                        test_claim(head.next + 1, 1, 1), NULL),
                         0);
    }
}

START_TEST(history_is_newest_first_and_bounded)
{
    struct stream stream = test_stream("ns", "k");
    struct seen seen;

    test_store_open_history(&t, (enum store_kind)_i, 4);
    for (uint64_t n = 1; n <= 7; n++) {
        rounds(stream, 1);
        seen = history_of(stream);
        ck_assert_uint_eq(seen.count, n < 4 ? n : 4);
        for (uint64_t i = 0; i < seen.count; i++) {
            ck_assert_uint_eq(seen.sequences[i], n - 1 - i);
            ck_assert_uint_eq(seen.fences[i], n - i);
        }
    }
    test_store_close(&t);
}
END_TEST

START_TEST(more_items_in_a_call_than_history_keeps)
{
    enum { ITEMS = 9 };
    struct stream stream = test_stream("ns", "k");
    struct append items[ITEMS];
    struct seen seen;

    test_store_open_history(&t, (enum store_kind)_i, 3);
    rounds(stream, 2);
    for (uint64_t i = 0; i < ITEMS; i++) {
        items[i] = (struct append){.stream = stream,
                                   .expect = {i + 2, i + 2},
                                   .record = test_claim(i + 3, 1, 1)};
    }
    ck_assert_int_eq(OPS(&t)->append(t.session, items, ITEMS, NULL), 0);
    ck_assert_int_eq(items[ITEMS - 1].status, 0);
    seen = history_of(stream);
    ck_assert_uint_eq(seen.count, 3);
    ck_assert_uint_eq(seen.sequences[0], 10);
    ck_assert_uint_eq(seen.sequences[1], 9);
    ck_assert_uint_eq(seen.sequences[2], 8);
    rounds(stream, 1);
    ck_assert_uint_eq(history_of(stream).count, 3);
    test_store_close(&t);
}
END_TEST

START_TEST(as_many_rows_are_read_after_600_rounds_as_after_1)
{
    struct stream stream = test_stream("ns", "k");
    uint64_t before;
    uint64_t after_one;

    open_store(_i);
    rounds(stream, 1);
    before = count_of(COUNTER_ROWS_READ);
    rounds(stream, 1);
    after_one = count_of(COUNTER_ROWS_READ) - before;
    rounds(stream, 598);
    before = count_of(COUNTER_ROWS_READ);
    rounds(stream, 1);
    ck_assert_uint_eq(count_of(COUNTER_ROWS_READ) - before, after_one);
    ck_assert_uint_eq(after_one, 1);
    ck_assert_uint_eq(history_of(stream).count, 16);
    test_store_close(&t);
}
END_TEST

/* --- identities and contents ---------------------------------------------- */

static void assert_independent(const struct stream *streams, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(test_head(t.session, streams[i]).next, 0);
        for (size_t n = 0; n <= i; n++) {
            struct head head = test_head(t.session, streams[i]);

            ck_assert_uint_eq(head.next, n);
            test_append(t.session, streams[i],
                        test_claim(100 * i + n + 1, 1, 1));
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct seen seen = history_of(streams[i]);

        ck_assert_uint_eq(seen.count, i + 1);
        ck_assert_uint_eq(seen.fences[0], 100 * i + i + 1);
        ck_assert_uint_eq(seen.fences[i], 100 * i + 1);
    }
}

START_TEST(keys_with_equal_hashes_are_independent)
{
    struct stream streams[] = {
        test_stream("ns", "8yn0iYCKYHlIj4-BwPqk"),
        test_stream("ns", "GReLUrM4wMqfg9yzV3KQ"),
        test_stream("ns", "77kepQFQ8Kl"),
        test_stream("ns", "!0IC=VloaY"),
    };

    open_store(_i);
    assert_independent(streams, 4);
    test_store_close(&t);
}
END_TEST

START_TEST(namespaces_are_independent)
{
    struct stream streams[] = {
        test_stream("a", "k"),  test_stream("a.b", "k"), test_stream("a0", "k"),
        test_stream("a", ".b"), test_stream("A", "k"),
    };

    open_store(_i);
    assert_independent(streams, 5);
    test_store_close(&t);
}
END_TEST

START_TEST(binary_keys_and_prefixes_are_independent)
{
    static const uint8_t bytes[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff};
    struct slice ns = slice_str("ns");
    struct stream streams[] = {
        test_stream_bytes(ns, slice_of(bytes, 1)),
        test_stream_bytes(ns, slice_of(bytes, 2)),
        test_stream_bytes(ns, slice_of(bytes, 9)),
        test_stream_bytes(ns, slice_of(bytes, 10)),
        test_stream_bytes(ns, slice_of("\r\n\"\\ ", 5)),
        test_stream("ns", "k"),
        test_stream("ns", "ke"),
        test_stream("ns", "key"),
    };

    open_store(_i);
    assert_independent(streams, 8);
    test_store_close(&t);
}
END_TEST

START_TEST(empty_and_largest_receipts_are_kept)
{
    static uint8_t large[1 << 20];
    struct stream empty = test_stream("ns", "empty");
    struct stream full = test_stream("ns", "full");
    struct head head;

    open_store(_i);
    for (size_t i = 0; i < sizeof(large); i++) {
        large[i] = (uint8_t)(i * 7 >> 3);
    }
    test_append(t.session, empty, test_completion(1, 1, 1, (struct slice){0}));
    test_append(t.session, full,
                test_completion(2, 1, 1, slice_of(large, sizeof(large))));
    test_store_reopen(&t);
    head = test_head(t.session, empty);
    ck_assert_int_eq(head.record.type, RECORD_COMPLETION);
    ck_assert_uint_eq(head.record.receipt.len, 0);
    head = test_head(t.session, full);
    ck_assert(slice_equal(head.record.receipt, slice_of(large, sizeof(large))));
    test_append(t.session, full, test_claim(3, 1, 1));
    ck_assert_uint_eq(history_of(full).count, 2);
    test_store_close(&t);
}
END_TEST

/* --- marks and stats ------------------------------------------------------ */

static struct marks some_marks(uint64_t n)
{
    struct marks marks = {
        .clock = {.boot_id = "0b00-7",
                  .offset_us = -5,
                  .floor_ms = n + 4,
                  .stored_ms = n + 5,
                  .high_water_ms = n},
        .fence_high_water = n + 1,
        .live_keys = n + 2,
        .inflight = n + 3,
    };

    return marks;
}

static void assert_marks(const struct marks *expected)
{
    struct marks got;

    OPS(&t)->marks(t.store, &got);
    ck_assert_mem_eq(&got, expected, sizeof(got));
}

START_TEST(marks_are_zero_until_stored_and_then_the_last_ones)
{
    struct marks zero = {0};
    struct marks first = some_marks(10);
    struct marks second = some_marks(20);
    struct append item = {.stream = test_stream("ns", "k"),
                          .record = test_claim(1, 1, 1)};
    struct removal removal = {.stream = item.stream};

    open_store(_i);
    assert_marks(&zero);
    ck_assert_int_eq(OPS(&t)->append(t.session, &item, 1, &first), 0);
    assert_marks(&first);
    ck_assert_int_eq(OPS(&t)->remove(t.session, &removal, 1, NULL), 0);
    assert_marks(&first);
    ck_assert_int_eq(OPS(&t)->remove(t.session, NULL, 0, &second), 0);
    assert_marks(&second);
    ck_assert_uint_eq(count_of(COUNTER_SYNCS), 2);
    ck_assert_int_eq(OPS(&t)->append(t.session, NULL, 0, &first), 0);
    ck_assert_uint_eq(count_of(COUNTER_SYNCS), 3);
    assert_marks(&first);
    test_store_close(&t);
}
END_TEST

START_TEST(marks_are_stored_when_every_item_conflicts)
{
    struct marks marks = some_marks(1);
    struct append item = {.stream = test_stream("ns", "k"),
                          .expect = {3, 3},
                          .record = test_claim(1, 1, 1)};

    open_store(_i);
    ck_assert_int_eq(OPS(&t)->append(t.session, &item, 1, &marks), 0);
    ck_assert_int_eq(item.status, E_SEQUENCE);
    assert_marks(&marks);
    test_store_close(&t);
}
END_TEST

START_TEST(stats_grow_with_what_is_stored)
{
    static uint8_t large[1 << 20];
    struct store_stats before;
    struct store_stats after;

    open_store(_i);
    OPS(&t)->stats(t.store, &before);
    test_append(t.session, test_stream("ns", "k"),
                test_completion(1, 1, 1, slice_of(large, sizeof(large))));
    OPS(&t)->stats(t.store, &after);
    ck_assert_uint_ge(after.bytes, before.bytes + sizeof(large));
    ck_assert_uint_gt(after.free_bytes, 0);
    test_store_close(&t);
}
END_TEST

START_TEST(a_call_without_trouble_says_none)
{
    open_store(_i);
    test_append(t.session, test_stream("ns", "k"), test_claim(1, 1, 1));
    ck_assert_str_eq(OPS(&t)->trouble(t.session), "");
    ck_assert_int_eq(OPS(&t)->trouble_status(t.session), 0);
    test_store_close(&t);
}
END_TEST

SUITE_OF_STORES(conformance, 60, stream_never_seen_has_no_rows,
                appended_record_is_read_back, heads_are_those_of_their_streams,
                many_heads_are_read_at_once,
                a_head_is_valid_until_the_next_heads_whatever_is_written,
                nothing_to_append_writes_nothing,
                append_compares_the_next_sequence, append_compares_the_fence,
                stream_begun_again_is_not_taken_for_the_old_one,
                several_items_of_one_stream_build_on_each_other,
                a_conflict_in_a_call_leaves_the_other_items,
                items_on_top_of_a_conflict_conflict_too,
                after_a_conflict_the_actual_state_can_be_appended_to,
                another_session_between_read_and_append_is_a_conflict,
                what_one_session_appends_another_reads,
                of_racing_sessions_one_wins_each_sequence,
                history_is_newest_first_and_bounded,
                more_items_in_a_call_than_history_keeps,
                as_many_rows_are_read_after_600_rounds_as_after_1,
                keys_with_equal_hashes_are_independent,
                namespaces_are_independent,
                binary_keys_and_prefixes_are_independent,
                empty_and_largest_receipts_are_kept,
                marks_are_zero_until_stored_and_then_the_last_ones,
                marks_are_stored_when_every_item_conflicts,
                stats_grow_with_what_is_stored,
                a_call_without_trouble_says_none)

/* --- stores that survive being closed ------------------------------------- */

START_TEST(everything_is_there_after_a_reopen)
{
    struct stream stream = test_stream("ns", "k");
    struct stream swept = test_stream("ns", "swept");
    struct marks marks = some_marks(77);
    struct removal removal = {.stream = swept, .expect = {1, 8}, .drop = true};
    struct head head;
    struct seen seen;

    open_store(_i);
    rounds(stream, 20);
    test_append(t.session, swept, test_claim(8, 1, 1));
    ck_assert_int_eq(OPS(&t)->remove(t.session, &removal, 1, &marks), 0);
    test_store_reopen(&t);
    head = test_head(t.session, stream);
    ck_assert_uint_eq(head.next, 20);
    ck_assert_uint_eq(head.record.fence, 20);
    ck_assert_uint_eq(test_head(t.session, swept).next, 0);
    seen = history_of(stream);
    ck_assert_uint_eq(seen.count, 16);
    ck_assert_uint_eq(seen.sequences[15], 4);
    assert_marks(&marks);
    test_store_close(&t);
}
END_TEST

START_TEST(a_shorter_history_drops_several_rows_at_the_next_append)
{
    struct stream stream = test_stream("ns", "k");
    struct removal removal = {.stream = stream,
                              .expect = {22, 22},
                              .drop = true};
    struct seen seen;

    open_store(_i);
    rounds(stream, 20);
    t.config.history = 3;
    test_store_reopen(&t);
    ck_assert_uint_eq(history_of(stream).count, 16);
    rounds(stream, 1);
    seen = history_of(stream);
    ck_assert_uint_eq(seen.count, 3);
    ck_assert_uint_eq(seen.sequences[2], 18);
    t.config.history = 16;
    test_store_reopen(&t);
    rounds(stream, 1);
    ck_assert_uint_eq(history_of(stream).count, 4);
    ck_assert_int_eq(OPS(&t)->remove(t.session, &removal, 1, NULL), 0);
    ck_assert_int_eq(removal.status, 0);
    rounds(stream, 1);
    ck_assert_uint_eq(history_of(stream).count, 1);
    test_store_close(&t);
}
END_TEST

START_TEST(index_is_there_after_a_reopen)
{
    struct due due;

    open_store(_i);
    test_append(t.session, test_stream("ns", "a"), test_claim(1, 1000, 500));
    test_append(t.session, test_stream("ns", "b"), test_claim(2, 1000, 500));
    test_store_reopen(&t);
    test_append(t.session, test_stream("ns", "c"), test_claim(3, 1000, 500));
    ck_assert_int_eq(OPS(&t)->due(t.session, 1501, 100, &due), 0);
    ck_assert_uint_eq(due.count, 3);
    test_store_close(&t);
}
END_TEST

SUITE_OF_STORES_FROM(STORE_FIRST_LASTING, conformance_lasting, 60,
                     everything_is_there_after_a_reopen,
                     a_shorter_history_drops_several_rows_at_the_next_append,
                     index_is_there_after_a_reopen)
