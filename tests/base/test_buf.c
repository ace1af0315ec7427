#include "base/buf.h"

#include "base/check.h"
#include "tests/lib/runner.h"

#include <signal.h>

static void ck_content(const struct buf *buf, const char *expected)
{
    ck_assert_uint_eq(buf_len(buf), strlen(expected));
    ck_assert(slice_equal(buf_slice(buf), slice_str(expected)));
}

START_TEST(a_zeroed_buf_is_empty)
{
    struct buf buf = {0};

    ck_assert_uint_eq(buf_len(&buf), 0);
    ck_assert_uint_eq(buf_slice(&buf).len, 0);
    ck_assert(!buf_failed(&buf));
    buf_take(&buf, 0);
    buf_clear(&buf);
    buf_release(&buf);
}
END_TEST

START_TEST(appended_bytes_are_taken_in_order)
{
    struct buf buf = {0};

    buf_append_str(&buf, "abc");
    buf_append_u64(&buf, 0);
    buf_append_u64(&buf, UINT64_MAX);
    buf_take(&buf, 2);
    ck_content(&buf, "c018446744073709551615");
    buf_release(&buf);
}
END_TEST

START_TEST(every_kind_of_append_adds_its_bytes)
{
    struct buf buf = {0};

    buf_append(&buf, "a\0b", 3);
    buf_append_slice(&buf, slice_str("cd"));
    buf_append_byte(&buf, 0xff);
    buf_append_str(&buf, "");
    buf_append_u64(&buf, 9);
    buf_append_u64(&buf, 10);
    ck_assert(slice_equal(buf_slice(&buf), slice_of("a\0bcd\xff"
                                                    "910",
                                                    9)));
    buf_release(&buf);
}
END_TEST

START_TEST(nothing_can_be_appended)
{
    struct buf buf = {0};

    buf_append(&buf, NULL, 0);
    buf_append_slice(&buf, slice_of(NULL, 0));
    ck_assert_uint_eq(buf_len(&buf), 0);
    ck_assert(!buf_failed(&buf));
    buf_append_str(&buf, "a");
    buf_append(&buf, NULL, 0);
    ck_content(&buf, "a");
    buf_release(&buf);
}
END_TEST

/* The byte that stands at `at` in an endless pattern without a short period. */
static uint8_t pattern(size_t at)
{
    return (uint8_t)(at * 7 + at / 251);
}

START_TEST(content_survives_growth)
{
    struct buf buf = {0};
    size_t len = 100000;

    for (size_t i = 0; i < len; i++) {
        buf_append_byte(&buf, pattern(i));
    }
    ck_assert_uint_eq(buf_len(&buf), len);
    for (size_t i = 0; i < len; i++) {
        ck_assert_uint_eq(buf_slice(&buf).data[i], pattern(i));
    }
    buf_release(&buf);
}
END_TEST

START_TEST(content_survives_taking_and_appending_in_turn)
{
    struct buf buf = {0};
    size_t appended = 0;
    size_t taken = 0;

    for (size_t round = 0; round < 20000; round++) {
        for (size_t i = 0; i < round % 97; i++) {
            buf_append_byte(&buf, pattern(appended++));
        }
        for (size_t i = 0; i < round % 89 && taken < appended; i++) {
            ck_assert_uint_eq(buf_slice(&buf).data[0], pattern(taken++));
            buf_take(&buf, 1);
        }
        ck_assert_uint_eq(buf_len(&buf), appended - taken);
    }
    buf_release(&buf);
}
END_TEST

START_TEST(a_buf_that_is_drained_does_not_grow)
{
    struct buf buf = {0};
    size_t cap;

    buf_append(&buf, "0123456789", 10);
    cap = buf.cap;
    for (int i = 0; i < 10000; i++) {
        buf_append(&buf, "0123456789", 10);
        buf_take(&buf, 10);
    }
    ck_content(&buf, "0123456789");
    ck_assert_uint_eq(buf.cap, cap);
    buf_release(&buf);
}
END_TEST

/* Moving all of the content for each byte that was taken would cost the square
 * of its length. */
START_TEST(a_full_buf_grows_rather_than_moves_for_little_room)
{
    struct buf buf = {0};
    size_t cap;

    buf_append_byte(&buf, 'a');
    cap = buf.cap;
    while (buf_len(&buf) < cap) {
        buf_append_byte(&buf, 'a');
    }
    buf_take(&buf, 1);
    buf_append_byte(&buf, 'b');
    ck_assert_uint_gt(buf.cap, cap);
    ck_assert_uint_eq(buf_len(&buf), cap);
    ck_assert_ptr_nonnull(buf.data);
    ck_assert_int_eq(buf_slice(&buf).data[cap - 1], 'b');
    buf_release(&buf);
}
END_TEST

START_TEST(reserved_bytes_are_content_once_committed)
{
    struct buf buf = {0};
    uint8_t *room = buf_reserve(&buf, 1000);

    ck_assert_ptr_nonnull(room);
    memcpy(room, "abcdef", 6);
    ck_assert_uint_eq(buf_len(&buf), 0);
    buf_commit(&buf, 4);
    ck_content(&buf, "abcd");
    ck_assert_ptr_eq(buf_slice(&buf).data, room);
    buf_release(&buf);
}
END_TEST

START_TEST(taking_all_makes_room_at_the_front)
{
    struct buf buf = {0};

    buf_append_str(&buf, "abc");
    buf_take(&buf, 3);
    ck_assert_uint_eq(buf_len(&buf), 0);
    ck_assert_uint_eq(buf.start, 0);
    buf_append_str(&buf, "d");
    ck_content(&buf, "d");
    buf_release(&buf);
}
END_TEST

START_TEST(an_impossible_reserve_fails_for_good)
{
    static const size_t extras[] = {SIZE_MAX / 2, SIZE_MAX, SIZE_MAX - 1,
                                    SIZE_MAX / 4 + 1};

    for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++) {
        struct buf buf = {0};

        buf_append_str(&buf, "abc");
        ck_assert_ptr_null(buf_reserve(&buf, extras[i]));
        ck_assert(buf_failed(&buf));
        ck_assert_ptr_null(buf_reserve(&buf, 1));
        buf_append_str(&buf, "def");
        buf_append_byte(&buf, 'g');
        buf_append_u64(&buf, 1);
        ck_content(&buf, "abc");
        buf_release(&buf);
    }
}
END_TEST

START_TEST(clearing_and_releasing_end_a_failure)
{
    struct buf buf = {0};

    buf_append_str(&buf, "abc");
    ck_assert_ptr_null(buf_reserve(&buf, SIZE_MAX / 2));
    buf_clear(&buf);
    ck_assert(!buf_failed(&buf));
    buf_append_str(&buf, "d");
    ck_content(&buf, "d");
    ck_assert_ptr_null(buf_reserve(&buf, SIZE_MAX / 2));
    buf_release(&buf);
    ck_assert(!buf_failed(&buf));
    buf_append_str(&buf, "e");
    ck_content(&buf, "e");
    buf_release(&buf);
}
END_TEST

START_TEST(clearing_keeps_the_memory)
{
    struct buf buf = {0};
    uint8_t *data;

    buf_append_str(&buf, "abc");
    data = buf.data;
    buf_clear(&buf);
    ck_assert_uint_eq(buf_len(&buf), 0);
    buf_append_str(&buf, "d");
    ck_assert_ptr_eq(buf.data, data);
    buf_release(&buf);
}
END_TEST

START_TEST(taking_more_than_there_is_ends_the_program)
{
    struct buf buf = {0};

    buf_append_str(&buf, "abc");
    buf_take(&buf, 4);
}
END_TEST

START_TEST(committing_more_than_was_reserved_ends_the_program)
{
    struct buf buf = {0};

    buf_append_str(&buf, "abc");
    buf_commit(&buf, buf.cap);
}
END_TEST

SUITE(buf, 10, a_zeroed_buf_is_empty, appended_bytes_are_taken_in_order,
      every_kind_of_append_adds_its_bytes, nothing_can_be_appended,
      content_survives_growth, content_survives_taking_and_appending_in_turn,
      a_buf_that_is_drained_does_not_grow,
      a_full_buf_grows_rather_than_moves_for_little_room,
      reserved_bytes_are_content_once_committed,
      taking_all_makes_room_at_the_front, an_impossible_reserve_fails_for_good,
      clearing_and_releasing_end_a_failure, clearing_keeps_the_memory)

suite_fn suite_buf_misuse;
Suite *suite_buf_misuse(void)
{
    Suite *suite = suite_create("buf_misuse");
    TCase *tcase = tcase_create("buf_misuse");

    tcase_add_test_raise_signal(tcase,
                                taking_more_than_there_is_ends_the_program,
                                SIGABRT);
    tcase_add_test_raise_signal(
        tcase, committing_more_than_was_reserved_ends_the_program, SIGABRT);
    suite_add_tcase(suite, tcase);
    return suite;
}
