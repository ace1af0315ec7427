#include "storage/codec.h"
#include "storage/record.h"
#include "tests/lib/stores.h"

#include <stdio.h>

#define NOW_US UINT64_C(1760000000123456)
#define NOW_MS (NOW_US / 1000)

static struct record full_claim(void)
{
    struct record record = test_claim(NOW_US, NOW_MS, 86400000);

    record.attempt = 3;
    record.lease_ms = 300000;
    record.at_ms += 1000;
    record.lease_end_ms = NOW_MS + 301000;
    record.owner = slice_str("9f2c77");
    record.fp = slice_str("body-hash");
    return record;
}

static struct record full_completion(void)
{
    struct record record =
        test_completion(NOW_US, NOW_MS + 1234, 60000, slice_str("[1,2,3]"));

    record.fp = slice_str("fp");
    return record;
}

static void encode(struct buf *to, struct stream stream, struct place place,
                   const struct record *record)
{
    buf_clear(to);
    record_encode(to, stream, place, record);
    ck_assert(!buf_failed(to));
}

static void assert_round_trip(struct place place, struct record record)
{
    struct stream stream = test_stream("ns", "key");
    struct buf buf = {0};
    struct place place_back;
    struct record back;

    encode(&buf, stream, place, &record);
    ck_assert_int_eq(record_decode(buf_slice(&buf), stream, &place_back, &back),
                     0);
    ck_assert(record_equal(&record, &back));
    ck_assert_uint_eq(place.sequence, place_back.sequence);
    ck_assert_uint_eq(place.kept, place_back.kept);
    buf_release(&buf);
}

START_TEST(every_type_comes_back)
{
    assert_round_trip((struct place){0, 0}, full_claim());
    assert_round_trip((struct place){1, 1}, full_completion());
    assert_round_trip((struct place){600, 15},
                      test_release(NOW_US, NOW_MS + 5, 60000));
}
END_TEST

START_TEST(extremes_come_back)
{
    static uint8_t longest[64];
    struct record record = test_claim(1, 0, UINT64_MAX);

    assert_round_trip((struct place){0, 0}, record);
    record = test_claim(FENCE_MAX, UINT64_MAX, UINT64_MAX);
    record.claimed_ms = 0;
    record.lease_ms = UINT64_MAX;
    record.lease_end_ms = 0;
    record.attempt = UINT64_MAX;
    memset(longest, 0xff, sizeof(longest));
    record.owner = slice_of(longest, sizeof(longest));
    record.fp = slice_of(longest, sizeof(longest));
    assert_round_trip((struct place){UINT64_MAX - 1, UINT64_MAX - 1}, record);
    record.lease_end_ms = UINT64_MAX;
    assert_round_trip((struct place){UINT64_MAX - 1, 0}, record);
    record = test_release(FENCE_MAX, 0, 0);
    assert_round_trip((struct place){0, 0}, record);
}
END_TEST

START_TEST(empty_and_largest_receipts_come_back)
{
    static uint8_t large[1 << 20];

    memset(large, 0xa5, sizeof(large));
    assert_round_trip((struct place){1, 1},
                      test_completion(7, 1, 1, (struct slice){0}));
    assert_round_trip((struct place){1, 1},
                      test_completion(7, 1, 1, slice_of(large, sizeof(large))));
}
END_TEST

START_TEST(a_usual_claim_is_small)
{
    struct record record = test_claim(NOW_US, NOW_MS, 86400000);
    struct buf buf = {0};

    record.lease_ms = 300000;
    record.lease_end_ms = NOW_MS + 300000;
    encode(&buf, test_stream("default", "key"), (struct place){0, 0}, &record);
    ck_assert_uint_le(buf_len(&buf), 28);
    buf_release(&buf);
}
END_TEST

/* --- golden bytes: these are on disks, and stay as they are -------------- */

static size_t from_hex(const char *hex, uint8_t *out)
{
    size_t len = strlen(hex) / 2;

    for (size_t i = 0; i < len; i++) {
        unsigned byte;

        /* NOLINTNEXTLINE(cert-err34-c): two digits always fit */
        ck_assert_int_eq(sscanf(hex + 2 * i, "%2x", &byte), 1);
        out[i] = (uint8_t)byte;
    }
    return len;
}

static void assert_decodes(const char *hex, struct place place,
                           const struct record *record)
{
    uint8_t bytes[256];
    size_t len = from_hex(hex, bytes);
    struct place place_back;
    struct record back;

    ck_assert_int_eq(record_decode(slice_of(bytes, len),
                                   test_stream("golden", "key"), &place_back,
                                   &back),
                     0);
    ck_assert(record_equal(&back, record));
    ck_assert_uint_eq(place_back.sequence, place.sequence);
    ck_assert_uint_eq(place_back.kept, place.kept);
}

/* For the newest version only: what is written now. */
static void assert_encodes(const char *hex, struct place place,
                           const struct record *record)
{
    uint8_t bytes[256];
    size_t len = from_hex(hex, bytes);
    struct buf buf = {0};

    encode(&buf, test_stream("golden", "key"), place, record);
    ck_assert(slice_equal(buf_slice(&buf), slice_of(bytes, len)));
    buf_release(&buf);
}

START_TEST(version_1_has_these_bytes)
{
    struct record records[] = {full_claim(), full_completion(),
                               test_release(NOW_US, NOW_MS + 5, 60000)};
    const struct place places[] = {{2, 2}, {3, 3}, {600, 15}};
    static const char claim[] =
        "110202c0c4bff6de969003d00f0380b89929e807e0a7"
        "12000639663263373709626f64792d68617368aca52e18";
    static const char completion[] =
        "120303c0c4bff6de969003a41301e0d4030266705b312c322c335da2ba8a6a";
    static const char release[] = "13d8040fc0c4bff6de9690030a01e0d40386851f5c";
    const char *const golden[] = {claim, completion, release};

    for (size_t i = 0; i < 3; i++) {
        assert_decodes(golden[i], places[i], &records[i]);
        assert_encodes(golden[i], places[i], &records[i]);
    }
}
END_TEST

/* --- damage -------------------------------------------------------------- */

static int decode(struct slice value, struct stream stream)
{
    struct place place;
    struct record record;

    return record_decode(value, stream, &place, &record);
}

static void assert_changes_are_corrupt(struct record record)
{
    struct stream stream = test_stream("ns", "key");
    struct buf buf = {0};
    uint8_t bytes[256];
    size_t len;

    encode(&buf, stream, (struct place){5, 3}, &record);
    len = slice_copy(bytes, buf_slice(&buf)).len;
    for (size_t i = 0; i < len; i++) {
        for (unsigned change = 1; change < 256; change++) {
            bytes[i] = (uint8_t)(bytes[i] ^ change);
            ck_assert_int_eq(decode(slice_of(bytes, len), stream), E_CORRUPT);
            bytes[i] = (uint8_t)(bytes[i] ^ change);
        }
    }
    ck_assert_int_eq(decode(slice_of(bytes, len), stream), 0);
    buf_release(&buf);
}

START_TEST(every_change_of_one_byte_is_corrupt)
{
    assert_changes_are_corrupt(full_claim());
    assert_changes_are_corrupt(full_completion());
    assert_changes_are_corrupt(test_release(NOW_US, NOW_MS, 60000));
}
END_TEST

START_TEST(every_cut_and_a_byte_more_are_corrupt)
{
    struct stream stream = test_stream("ns", "key");
    struct record record = full_completion();
    struct buf buf = {0};
    size_t whole;

    encode(&buf, stream, (struct place){1, 1}, &record);
    whole = buf_len(&buf);
    for (size_t len = 0; len < whole; len++) {
        ck_assert_int_eq(decode(slice_of(buf_slice(&buf).data, len), stream),
                         E_CORRUPT);
    }
    buf_append_byte(&buf, 0);
    ck_assert_int_eq(decode(buf_slice(&buf), stream), E_CORRUPT);
    buf_release(&buf);
}
END_TEST

START_TEST(record_of_another_stream_is_corrupt)
{
    struct record record = full_claim();
    struct buf buf = {0};

    encode(&buf, test_stream("ns", "key"), (struct place){0, 0}, &record);
    ck_assert_int_eq(decode(buf_slice(&buf), test_stream("ns", "kez")),
                     E_CORRUPT);
    ck_assert_int_eq(decode(buf_slice(&buf), test_stream("nr", "key")),
                     E_CORRUPT);
    buf_release(&buf);
}
END_TEST

/* Seals bytes that no version 1 would write and expects them to be refused. */
static void assert_sealed_is_corrupt(const void *bytes, size_t len)
{
    struct stream stream = test_stream("ns", "key");
    struct buf buf = {0};

    buf_append(&buf, bytes, len);
    encode_seal(&buf, 0, stream.id);
    ck_assert_int_eq(decode(buf_slice(&buf), stream), E_CORRUPT);
    buf_release(&buf);
}

START_TEST(sealed_nonsense_is_corrupt)
{
    struct stream stream = test_stream("ns", "key");
    struct buf buf = {0};
    /* type, sequence, kept, fence, at, attempt, ttl */
    const uint8_t release[] = {0x13, 1, 1, 1, 0, 1, 0};
    const uint8_t version[] = {0x23, 1, 1, 1, 0, 1, 0};
    const uint8_t type[] = {0x14, 1, 1, 1, 0, 1, 0};
    const uint8_t kept[] = {0x13, 1, 2, 1, 0, 1, 0};
    const uint8_t fence[] = {0x13, 1, 1, 0, 0, 1, 0};
    const uint8_t attempt[] = {0x13, 1, 1, 1, 0, 0, 0};
    const uint8_t trailing[] = {0x13, 1, 1, 1, 0, 1, 0, 0};
    const uint8_t claimed[] = {0x11, 1, 1, 1, 0, 1, 0, 1, 0, 0, 0, 0};

    buf_append(&buf, release, sizeof(release));
    encode_seal(&buf, 0, stream.id);
    ck_assert_int_eq(decode(buf_slice(&buf), stream), 0);
    buf_release(&buf);
    assert_sealed_is_corrupt(version, sizeof(version));
    assert_sealed_is_corrupt(type, sizeof(type));
    assert_sealed_is_corrupt(kept, sizeof(kept));
    assert_sealed_is_corrupt(fence, sizeof(fence));
    assert_sealed_is_corrupt(attempt, sizeof(attempt));
    assert_sealed_is_corrupt(trailing, sizeof(trailing));
    assert_sealed_is_corrupt(claimed, sizeof(claimed));
}
END_TEST

START_TEST(sealed_owner_longer_than_allowed_is_corrupt)
{
    uint8_t bytes[10 + 65 + 1] = {0x11, 1, 1, 1, 0, 1, 0, 0, 0, 0};
    uint8_t with_length[1 + sizeof(bytes)];

    memcpy(with_length, bytes, 10);
    with_length[10] = 65;
    memset(with_length + 11, 'o', 65);
    with_length[76] = 0;
    assert_sealed_is_corrupt(with_length, sizeof(with_length));
}
END_TEST

START_TEST(deadline_saturates)
{
    struct record record = test_release(1, 1000, 60000);

    ck_assert_uint_eq(record_deadline_ms(&record), 61000);
    record.ttl_ms = UINT64_MAX;
    ck_assert_uint_eq(record_deadline_ms(&record), UINT64_MAX);
}
END_TEST

SUITE(record, 20, every_type_comes_back, extremes_come_back,
      empty_and_largest_receipts_come_back, a_usual_claim_is_small,
      version_1_has_these_bytes, every_change_of_one_byte_is_corrupt,
      every_cut_and_a_byte_more_are_corrupt,
      record_of_another_stream_is_corrupt, sealed_nonsense_is_corrupt,
      sealed_owner_longer_than_allowed_is_corrupt, deadline_saturates)
