#include "storage/codec.h"
#include "storage/layout.h"
#include "tests/lib/stores.h"

static struct marks extreme_marks(void)
{
    struct marks marks = {
        .clock = {.offset_us = INT64_MIN,
                  .floor_ms = UINT64_MAX - 1,
                  .stored_ms = UINT64_MAX - 2,
                  .high_water_ms = UINT64_MAX},
        .fence_high_water = FENCE_MAX,
        .live_keys = UINT64_MAX,
        .inflight = 3,
    };

    memset(marks.clock.boot_id, 'b', BOOT_ID_BYTES - 1);
    return marks;
}

START_TEST(marks_come_back)
{
    struct marks marks = extreme_marks();
    struct marks zero = {0};
    struct marks back;
    struct buf buf = {0};

    meta_marks_encode(&buf, &marks);
    ck_assert_int_eq(meta_marks_decode(buf_slice(&buf), &back), 0);
    ck_assert_mem_eq(&marks, &back, sizeof(marks));
    buf_clear(&buf);
    meta_marks_encode(&buf, &zero);
    ck_assert_int_eq(meta_marks_decode(buf_slice(&buf), &back), 0);
    ck_assert_mem_eq(&zero, &back, sizeof(zero));
    buf_release(&buf);
}
END_TEST

START_TEST(damaged_marks_are_refused)
{
    struct marks marks = extreme_marks();
    struct marks back;
    struct buf buf = {0};

    meta_marks_encode(&buf, &marks);
    for (size_t len = 0; len < buf_len(&buf); len++) {
        ck_assert_int_eq(meta_marks_decode(slice_of(buf_slice(&buf).data, len),
                                           &back),
                         E_DATA);
    }
    buf.data[buf.start + 5] ^= 1;
    ck_assert_int_eq(meta_marks_decode(buf_slice(&buf), &back), E_DATA);
    buf_release(&buf);
}
END_TEST

START_TEST(marks_with_a_boot_id_that_is_no_text_are_refused)
{
    struct marks marks = extreme_marks();
    struct marks back;
    struct buf buf = {0};

    meta_marks_encode(&buf, &marks);
    buf.end -= SEAL_BYTES;
    buf.data[buf.start + 5] = '\0';
    encode_seal(&buf, 0, meta_key_marks());
    ck_assert_int_eq(meta_marks_decode(buf_slice(&buf), &back), E_DATA);
    buf_release(&buf);
}
END_TEST

static int check_format(uint8_t version, uint8_t written, uint8_t reader)
{
    struct buf buf = {0};
    int status;

    buf_append_byte(&buf, version);
    encode_varint(&buf, written);
    encode_varint(&buf, reader);
    encode_seal(&buf, 0, meta_key_format());
    status = meta_format_check(buf_slice(&buf));
    buf_release(&buf);
    return status;
}

START_TEST(format_that_this_code_writes_is_readable)
{
    struct buf buf = {0};

    meta_format_encode(&buf);
    ck_assert_int_eq(meta_format_check(buf_slice(&buf)), 0);
    buf_release(&buf);
}
END_TEST

START_TEST(newer_format_is_read_if_it_says_so)
{
    ck_assert_int_eq(check_format(1, 9, 1), 0);
    ck_assert_int_eq(check_format(1, 9, 2), E_FORMAT);
    ck_assert_int_eq(check_format(1, 1, 2), E_DATA);
    ck_assert_int_eq(check_format(2, 1, 1), E_DATA);
    ck_assert_int_eq(meta_format_check(slice_str("")), E_DATA);
}
END_TEST

START_TEST(older_row_follows_its_stream_and_ends_in_the_sequence)
{
    struct stream stream = test_stream("n", "k");
    struct buf buf = {0};
    struct slice key = row_key_older(&buf, stream, 258);

    ck_assert_uint_eq(key.len, stream.id.len + 8);
    ck_assert_mem_eq(key.data, stream.id.data, stream.id.len);
    ck_assert_mem_eq(key.data + stream.id.len, "\0\0\0\0\0\0\x01\x02", 8);
    ck_assert(slice_equal(row_key_last(stream), stream.id));
    buf_release(&buf);
}
END_TEST

SUITE(layout, 10, marks_come_back, damaged_marks_are_refused,
      marks_with_a_boot_id_that_is_no_text_are_refused,
      format_that_this_code_writes_is_readable,
      newer_format_is_read_if_it_says_so,
      older_row_follows_its_stream_and_ends_in_the_sequence)
