/* Stored bytes: whatever a disk gives back is read within its bounds, and what
 * is taken for a value is exactly what this code writes for it. */
#include "base/check.h"
#include "storage/codec.h"
#include "storage/due_entry.h"
#include "storage/layout.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/taker.h"
#include "tests/lib/proto_io.h"

#include <check.h>

/* The value under test, which ends at an unmapped page. Where `sealed`, with a
 * seal that fits: otherwise nearly nothing would get past it. */
static struct slice make_value(struct slice bytes, struct slice context,
                               bool sealed)
{
    static struct buf value;

    buf_clear(&value);
    buf_append_slice(&value, bytes);
    if (sealed && bytes.len > 0) {
        encode_seal(&value, 0, context);
    }
    ck_assert(!buf_failed(&value));
    return slice_copy(guarded_room(GUARDED_INPUT, buf_len(&value)),
                      buf_slice(&value));
}

static struct buf *empty_buf(void)
{
    static struct buf buf;

    buf_clear(&buf);
    return &buf;
}

static void check_same(const struct buf *written, struct slice value)
{
    ck_assert(!buf_failed(written));
    ck_assert(slice_equal(buf_slice(written), value));
}

/* --- records -------------------------------------------------------------- */

static struct stream take_stream(struct taker *from)
{
    static uint8_t id[1 + 8 + 2 + 32];
    struct slice ns = take_bytes(from, 1 + take_below(from, 8));
    struct slice key = take_bytes(from, 1 + take_below(from, 32));

    if (ns.len == 0 || key.len == 0) {
        return stream_encode(id, slice_str("default"), slice_str("k"));
    }
    return stream_encode(id, ns, key);
}

static void check_value(struct stream stream, struct slice value)
{
    struct buf *again = empty_buf();
    struct place place;
    struct record record;

    if (record_decode(value, stream, &place, &record) == 0) {
        record_encode(again, stream, place, &record);
        check_same(again, value);
    }
}

static void check_record(struct taker *from, bool sealed)
{
    struct stream stream = take_stream(from);

    check_value(stream, make_value(from->rest, stream.id, sealed));
}

static struct record take_record(struct taker *from)
{
    struct record record = {
        .type = (enum record_type)(1 + take_below(from, 3)),
        .fence = 1 + take_u64(from) % FENCE_MAX,
        .attempt = 1 + take_u64(from) % (UINT64_MAX - 1),
        .at_ms = take_u64(from),
        .ttl_ms = take_u64(from),
    };

    if (record.type == RECORD_CLAIM) {
        record.claimed_ms = record.at_ms - take_u64(from) % (record.at_ms | 1);
        record.lease_ms = take_u64(from);
        record.lease_end_ms = take_u64(from);
        record.owner = take_bytes(from, take_below(from, OWNER_BYTES_MAX + 1));
    }
    if (record.type != RECORD_RELEASE) {
        record.fp =
            take_bytes(from, take_below(from, FINGERPRINT_BYTES_MAX + 1));
    }
    if (record.type == RECORD_COMPLETION) {
        record.receipt = from->rest;
    }
    return record;
}

static bool record_equal(const struct record *a, const struct record *b)
{
    return a->type == b->type && a->fence == b->fence &&
           a->attempt == b->attempt && a->at_ms == b->at_ms &&
           a->ttl_ms == b->ttl_ms && a->claimed_ms == b->claimed_ms &&
           a->lease_ms == b->lease_ms && a->lease_end_ms == b->lease_end_ms &&
           slice_equal(a->owner, b->owner) && slice_equal(a->fp, b->fp) &&
           slice_equal(a->receipt, b->receipt);
}

/* Any record there can be reads back as itself, and no longer once a bit of it
 * has changed. */
static void check_written_record(struct taker *from)
{
    struct stream stream = take_stream(from);
    uint64_t sequence = take_u64(from) % UINT64_MAX;
    struct place place = {sequence, take_u64(from) % (sequence | 1)};
    size_t flip = take_byte(from);
    struct record record = take_record(from);
    struct buf *value = empty_buf();
    struct place place_read;
    struct record read;

    record_encode(value, stream, place, &record);
    ck_assert_int_eq(
        record_decode(buf_slice(value), stream, &place_read, &read), 0);
    ck_assert(record_equal(&record, &read));
    ck_assert(place.sequence == place_read.sequence &&
              place.kept == place_read.kept);
    value->data[flip / 8 % buf_len(value)] ^= (uint8_t)(1U << flip % 8);
    ck_assert_int_eq(
        record_decode(buf_slice(value), stream, &place_read, &read), E_CORRUPT);
}

/* A record of which some bytes were changed before it was sealed. */
static void check_changed_record(struct taker *from)
{
    struct stream stream = take_stream(from);
    uint64_t sequence = take_byte(from);
    size_t changes = take_below(from, 4);
    struct slice places = take_bytes(from, 2 * changes);
    struct record record = take_record(from);
    struct buf *bytes = empty_buf();

    record_encode(bytes, stream, (struct place){sequence, 0}, &record);
    bytes->end -= SEAL_BYTES;
    for (size_t i = 0; i + 1 < places.len; i += 2) {
        bytes->data[places.data[i] % buf_len(bytes)] = places.data[i + 1];
    }
    check_value(stream, make_value(buf_slice(bytes), stream.id, true));
}

static uint64_t take_number(struct taker *from)
{
    static const uint64_t numbers[] = {
        0,
        1,
        2,
        127,
        128,
        1000,
        FENCE_MAX,
        FENCE_MAX + 1,
        UINT64_C(1) << 63,
        UINT64_MAX,
        UINT64_MAX - 1,
    };
    uint8_t choice = take_byte(from);

    return choice < 200 ? numbers[choice % (sizeof(numbers) / sizeof(*numbers))]
                        : take_u64(from);
}

/* Appends so many bytes as owner or fp; false: more than there may be. */
static bool append_token(struct buf *to, uint8_t len, size_t bytes_max)
{
    static const uint8_t bytes[UINT8_MAX];

    encode_bytes(to, slice_of(bytes, len));
    return len <= bytes_max;
}

/* What only a claim has; false: one of it is out of bounds. */
static bool append_claim(struct buf *to, struct taker *from, uint64_t at_ms)
{
    uint64_t age_ms = take_number(from);

    encode_varint(to, age_ms);
    encode_varint(to, take_number(from));
    encode_varint(to, take_number(from));
    return append_token(to, take_byte(from), OWNER_BYTES_MAX) &&
           age_ms <= at_ms;
}

/* A value in the form of a record, of any numbers: it is one if, and only if,
 * they are within their bounds. */
static void check_any_record(struct taker *from)
{
    struct stream stream = take_stream(from);
    uint8_t type = (uint8_t)(1 + take_below(from, 3));
    uint64_t sequence = take_number(from);
    uint64_t kept = take_number(from);
    uint64_t fence = take_number(from);
    uint64_t at_ms = take_number(from);
    uint64_t attempt = take_number(from);
    struct buf *bytes = empty_buf();
    bool good = kept <= sequence && sequence < UINT64_MAX && fence >= 1 &&
                fence <= FENCE_MAX && attempt >= 1;
    struct place place;
    struct record record;

    buf_append_byte(bytes, (uint8_t)(1 << 4 | type));
    encode_varint(bytes, sequence);
    encode_varint(bytes, kept);
    encode_varint(bytes, fence);
    encode_distance(bytes, fence / 1000, at_ms);
    encode_varint(bytes, attempt);
    encode_varint(bytes, take_number(from));
    if (type == RECORD_CLAIM) {
        good = append_claim(bytes, from, at_ms) && good;
    }
    if (type != RECORD_RELEASE) {
        good =
            append_token(bytes, take_byte(from), FINGERPRINT_BYTES_MAX) && good;
    }
    if (type == RECORD_COMPLETION) {
        buf_append_slice(bytes, from->rest);
    }
    encode_seal(bytes, 0, stream.id);
    ck_assert_int_eq(
        record_decode(buf_slice(bytes), stream, &place, &record) == 0, good);
}

/* --- entries of the index --------------------------------------------------
 */

static void check_due(struct taker *from, bool sealed)
{
    static struct stream streams[DUE_STREAMS_MAX];
    size_t key_len = sealed ? DUE_KEY_BYTES : take_below(from, 2 * 16);
    struct slice key = take_bytes(from, key_len);
    struct slice value = make_value(from->rest, key, sealed);
    struct buf *again = empty_buf();
    struct slice ids;
    uint64_t due_ms;
    size_t count = 0;

    if (due_entry_decode(key, value, &due_ms, &ids) < 0) {
        return;
    }
    ck_assert_uint_eq(key.len, DUE_KEY_BYTES);
    ck_assert_uint_eq(due_ms, load_u64(key.data));
    while (ids.len > 0) {
        ck_assert_uint_lt(count, DUE_STREAMS_MAX);
        ck_assert(stream_take(&ids, &streams[count++]));
    }
    due_value_encode(again, key.data, streams, count);
    check_same(again, value);
}

/* Namespace and key of an id make the same id. */
static void check_ids(struct taker *from)
{
    static uint8_t id[1 << 16];
    struct slice ids = make_value(from->rest, (struct slice){0}, false);
    struct stream stream;

    while (stream_take(&ids, &stream) && stream.id.len <= sizeof(id)) {
        struct stream again =
            stream_encode(id, stream_namespace(stream), stream_key(stream));

        ck_assert(stream_equal(stream, again));
    }
}

/* --- rows of the meta table ------------------------------------------------
 */

static void check_format(struct taker *from, bool sealed)
{
    struct slice value = make_value(from->rest, meta_key_format(), sealed);
    struct decoder decoder = decode_sealed(value, meta_key_format());
    struct buf *again = empty_buf();
    int status = meta_format_check(value);

    if (status == E_DATA) {
        return;
    }
    ck_assert(status == 0 || status == E_FORMAT);
    buf_append_byte(again, decode_byte(&decoder));
    encode_varint(again, decode_varint(&decoder));
    encode_varint(again, decode_varint(&decoder));
    encode_seal(again, 0, meta_key_format());
    check_same(again, value);
}

static void check_marks(struct taker *from, bool sealed)
{
    struct slice value = make_value(from->rest, meta_key_marks(), sealed);
    struct buf *again = empty_buf();
    struct marks marks;

    if (meta_marks_decode(value, &marks) == 0) {
        ck_assert(memchr(marks.clock.boot_id, 0, BOOT_ID_BYTES) != NULL);
        meta_marks_encode(again, &marks);
        check_same(again, value);
    }
}

/* --- pieces ----------------------------------------------------------------
 */

/* Reads any pieces off a value and writes them again. */
static void check_pieces(struct taker *from)
{
    struct slice choices = take_bytes(from, 16);
    struct slice value = make_value(from->rest, choices, true);
    struct decoder decoder = decode_sealed(value, choices);
    struct buf *again = empty_buf();
    size_t from_byte = 0;

    ck_assert_int_eq(decoder.bad, value.len == 0);
    for (size_t i = 0; i < choices.len && !decoder.bad; i++) {
        uint64_t base = choices.data[i] >> 2;
        struct buf *to = again;

        from_byte = buf_len(to);
        switch (choices.data[i] & 3) {
        case 0:
            buf_append_byte(to, decode_byte(&decoder));
            break;
        case 1:
            encode_varint(to, decode_varint(&decoder));
            break;
        case 2:
            encode_distance(to, base << 58,
                            decode_distance(&decoder, base << 58));
            break;
        default:
            encode_bytes(to, decode_bytes(&decoder, base));
            break;
        }
    }
    if (!decoder.bad) {
        from_byte = buf_len(again);
    }
    ck_assert(slice_equal(slice_of(buf_slice(again).data, from_byte),
                          slice_of(value.data, from_byte)));
    ck_assert(!decode_done(&decoder) || from_byte + SEAL_BYTES == value.len);
}

void fuzz_record(struct slice input)
{
    struct taker taker = {input};
    uint8_t choice = take_byte(&taker);
    bool sealed = (choice & 8) == 0;

    switch (choice & 7) {
    case 0:
        check_record(&taker, sealed);
        break;
    case 1:
        if ((choice & 16) != 0) {
            check_any_record(&taker);
        } else {
            check_changed_record(&taker);
        }
        break;
    case 2:
        check_written_record(&taker);
        break;
    case 3:
        check_due(&taker, sealed);
        break;
    case 4:
        check_format(&taker, sealed);
        break;
    case 5:
        check_marks(&taker, sealed);
        break;
    case 6:
        check_pieces(&taker);
        break;
    default:
        check_ids(&taker);
        break;
    }
}
