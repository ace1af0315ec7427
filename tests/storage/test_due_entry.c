#include "storage/codec.h"
#include "storage/due_entry.h"
#include "tests/lib/stores.h"

struct entry {
    uint8_t key[DUE_KEY_BYTES];
    struct buf value;
};

static struct entry entry_of(uint64_t due_ms, uint64_t number,
                             const struct stream *streams, size_t count)
{
    struct entry entry = {0};

    due_key_encode(entry.key, due_ms, number);
    due_value_encode(&entry.value, entry.key, streams, count);
    return entry;
}

static int decode(const struct entry *entry, uint64_t *due_ms,
                  struct slice *ids)
{
    return due_entry_decode(slice_of(entry->key, DUE_KEY_BYTES),
                            buf_slice(&entry->value), due_ms, ids);
}

START_TEST(entry_comes_back_with_its_streams_in_order)
{
    struct stream streams[] = {test_stream("a", "1"), test_stream("b", "22")};
    struct entry entry = entry_of(UINT64_MAX, 7, streams, 2);
    struct stream taken;
    struct slice ids;
    uint64_t due_ms;

    ck_assert_int_eq(decode(&entry, &due_ms, &ids), 0);
    ck_assert_uint_eq(due_ms, UINT64_MAX);
    ck_assert(stream_take(&ids, &taken) && stream_equal(taken, streams[0]));
    ck_assert(stream_take(&ids, &taken) && stream_equal(taken, streams[1]));
    ck_assert_uint_eq(ids.len, 0);
    buf_release(&entry.value);
}
END_TEST

START_TEST(entry_under_another_key_is_corrupt)
{
    struct stream stream = test_stream("a", "1");
    struct entry entry = entry_of(1000, 7, &stream, 1);
    struct slice ids;
    uint64_t due_ms;

    due_key_encode(entry.key, 1001, 7);
    ck_assert_int_eq(decode(&entry, &due_ms, &ids), E_CORRUPT);
    ck_assert_int_eq(due_entry_decode(slice_of(entry.key, DUE_KEY_BYTES - 1),
                                      buf_slice(&entry.value), &due_ms, &ids),
                     E_CORRUPT);
    buf_release(&entry.value);
}
END_TEST

static int decode_sealed_value(const void *bytes, size_t len)
{
    struct entry entry = {0};
    struct slice ids;
    uint64_t due_ms;
    int status;

    due_key_encode(entry.key, 1, 1);
    buf_append(&entry.value, bytes, len);
    encode_seal(&entry.value, 0, slice_of(entry.key, DUE_KEY_BYTES));
    status = decode(&entry, &due_ms, &ids);
    buf_release(&entry.value);
    return status;
}

START_TEST(sealed_nonsense_is_corrupt)
{
    const uint8_t good[] = {1, 1, 'n', 0, 1, 'k'};
    const uint8_t version[] = {2, 1, 'n', 0, 1, 'k'};
    const uint8_t none[] = {1};
    const uint8_t cut[] = {1, 1, 'n', 0, 2, 'k'};
    const uint8_t trailing[] = {1, 1, 'n', 0, 1, 'k', 0};

    ck_assert_int_eq(decode_sealed_value(good, sizeof(good)), 0);
    ck_assert_int_eq(decode_sealed_value(version, sizeof(version)), E_CORRUPT);
    ck_assert_int_eq(decode_sealed_value(none, sizeof(none)), E_CORRUPT);
    ck_assert_int_eq(decode_sealed_value(cut, sizeof(cut)), E_CORRUPT);
    ck_assert_int_eq(decode_sealed_value(trailing, sizeof(trailing)),
                     E_CORRUPT);
}
END_TEST

START_TEST(entry_of_more_streams_than_are_written_is_corrupt)
{
    static const uint8_t id[] = {1, 'n', 0, 1, 'k'};
    uint8_t bytes[1 + (DUE_STREAMS_MAX + 1) * sizeof(id)] = {1};

    for (size_t i = 1; i < sizeof(bytes); i += sizeof(id)) {
        memcpy(bytes + i, id, sizeof(id));
    }
    ck_assert_int_eq(decode_sealed_value(bytes, sizeof(bytes) - sizeof(id)), 0);
    ck_assert_int_eq(decode_sealed_value(bytes, sizeof(bytes)), E_CORRUPT);
}
END_TEST

START_TEST(keys_sort_by_time_then_number_and_bounds_between)
{
    uint8_t keys[3][DUE_KEY_BYTES];
    uint8_t bound[DUE_TIME_BYTES];

    due_key_encode(keys[0], 255, UINT64_MAX);
    due_key_encode(keys[1], 256, 0);
    due_key_encode(keys[2], 256, 1);
    due_bound_encode(bound, 256);
    ck_assert_int_lt(memcmp(keys[0], keys[1], DUE_KEY_BYTES), 0);
    ck_assert_int_lt(memcmp(keys[1], keys[2], DUE_KEY_BYTES), 0);
    ck_assert_int_lt(memcmp(keys[0], bound, DUE_TIME_BYTES), 0);
    ck_assert_int_eq(memcmp(keys[1], bound, DUE_TIME_BYTES), 0);
}
END_TEST

SUITE(due_entry, 10, entry_comes_back_with_its_streams_in_order,
      entry_under_another_key_is_corrupt, sealed_nonsense_is_corrupt,
      entry_of_more_streams_than_are_written_is_corrupt,
      keys_sort_by_time_then_number_and_bounds_between)
