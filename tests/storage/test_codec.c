#include "storage/codec.h"
#include "tests/lib/runner.h"

static struct decoder decoder_of(const void *bytes, size_t len)
{
    return (struct decoder){.rest = slice_of(bytes, len)};
}

START_TEST(numbers_come_back_from_their_shortest_form)
{
    static const struct {
        uint64_t number;
        size_t bytes;
    } cases[] = {{0, 1},
                 {127, 1},
                 {128, 2},
                 {16383, 2},
                 {16384, 3},
                 {UINT64_C(1) << 62, 9},
                 {UINT64_C(1) << 63, 10},
                 {UINT64_MAX, 10}};
    struct buf buf = {0};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct decoder from;

        buf_clear(&buf);
        encode_varint(&buf, cases[i].number);
        ck_assert_uint_eq(buf_len(&buf), cases[i].bytes);
        from = (struct decoder){.rest = buf_slice(&buf)};
        ck_assert_uint_eq(decode_varint(&from), cases[i].number);
        ck_assert(decode_done(&from));
    }
    buf_release(&buf);
}
END_TEST

START_TEST(longer_forms_of_a_number_are_refused)
{
    struct decoder zero = decoder_of("\x80\x00", 2);
    struct decoder one = decoder_of("\x81\x80\x00", 3);

    decode_varint(&zero);
    ck_assert(zero.bad);
    decode_varint(&one);
    ck_assert(one.bad);
}
END_TEST

START_TEST(numbers_beyond_64_bits_are_refused)
{
    struct decoder large =
        decoder_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10);
    struct decoder endless =
        decoder_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);

    decode_varint(&large);
    ck_assert(large.bad);
    decode_varint(&endless);
    ck_assert(endless.bad);
}
END_TEST

START_TEST(a_number_that_is_cut_off_is_refused)
{
    struct decoder cut = decoder_of("\x80", 1);
    struct decoder none = decoder_of("", 0);

    decode_varint(&cut);
    ck_assert(cut.bad);
    decode_varint(&none);
    ck_assert(none.bad);
}
END_TEST

START_TEST(distances_wrap_and_are_short_on_either_side)
{
    static const uint64_t pairs[][2] = {
        {0, 0},          {100, 99},
        {100, 163},      {0, UINT64_MAX},
        {UINT64_MAX, 0}, {UINT64_MAX, UINT64_MAX},
        {1, UINT64_MAX}, {0, UINT64_C(1) << 63},
    };
    struct buf buf = {0};

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct decoder from;

        buf_clear(&buf);
        encode_distance(&buf, pairs[i][0], pairs[i][1]);
        ck_assert(i > 2 || buf_len(&buf) == 1);
        from = (struct decoder){.rest = buf_slice(&buf)};
        ck_assert_uint_eq(decode_distance(&from, pairs[i][0]), pairs[i][1]);
        ck_assert(decode_done(&from));
    }
    buf_release(&buf);
}
END_TEST

START_TEST(bytes_longer_than_allowed_or_than_there_are_are_refused)
{
    struct decoder allowed = decoder_of("\x03xyz", 4);
    struct decoder long_ = decoder_of("\x03xyz", 4);
    struct decoder cut = decoder_of("\x03xy", 3);

    ck_assert(slice_equal(decode_bytes(&allowed, 3), slice_str("xyz")));
    ck_assert(decode_done(&allowed));
    decode_bytes(&long_, 2);
    ck_assert(long_.bad);
    decode_bytes(&cut, 3);
    ck_assert(cut.bad);
}
END_TEST

START_TEST(a_bad_decoder_stays_bad_and_reads_nothing)
{
    struct decoder from = decoder_of("\x03xy", 3);

    decode_bytes(&from, 3);
    ck_assert_uint_eq(decode_byte(&from), 0);
    ck_assert_uint_eq(decode_rest(&from).len, 0);
    ck_assert(!decode_done(&from));
}
END_TEST

START_TEST(a_seal_binds_the_value_to_its_context)
{
    struct buf buf = {0};
    struct decoder from;

    buf_append_str(&buf, "before");
    buf_append_str(&buf, "value");
    encode_seal(&buf, 6, slice_str("context"));
    buf_take(&buf, 6);
    from = decode_sealed(buf_slice(&buf), slice_str("context"));
    ck_assert(slice_equal(decode_rest(&from), slice_str("value")));
    ck_assert(decode_done(&from));
    ck_assert(decode_sealed(buf_slice(&buf), slice_str("contexu")).bad);
    ck_assert(decode_sealed(slice_str("abc"), slice_str("context")).bad);
    buf_release(&buf);
}
END_TEST

START_TEST(stored_numbers_sort_as_numbers_do)
{
    uint8_t small[8];
    uint8_t large[8];

    store_u64(small, 0x00ff);
    store_u64(large, 0x0100);
    ck_assert_int_lt(memcmp(small, large, 8), 0);
    ck_assert_uint_eq(load_u64(large), 0x0100);
    store_u64(large, UINT64_C(0x0123456789abcdef));
    ck_assert_mem_eq(large, "\x01\x23\x45\x67\x89\xab\xcd\xef", 8);
    ck_assert_uint_eq(load_u64(large), UINT64_C(0x0123456789abcdef));
}
END_TEST

SUITE(codec, 10, numbers_come_back_from_their_shortest_form,
      longer_forms_of_a_number_are_refused, numbers_beyond_64_bits_are_refused,
      a_number_that_is_cut_off_is_refused,
      distances_wrap_and_are_short_on_either_side,
      bytes_longer_than_allowed_or_than_there_are_are_refused,
      a_bad_decoder_stays_bad_and_reads_nothing,
      a_seal_binds_the_value_to_its_context, stored_numbers_sort_as_numbers_do)
