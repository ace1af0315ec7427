#include "storage/record.h"

#include "base/check.h"
#include "base/units.h"
#include "storage/codec.h"

enum { RECORD_VERSION = 1 };

uint64_t record_deadline_ms(const struct record *record)
{
    return add_saturating(record->at_ms, record->ttl_ms);
}

/* A fence is usually the steady time of its claim in µs, which makes the
 * distance from it to a claim's own time 0. */
static uint64_t fence_ms(const struct record *record)
{
    return record->fence / 1000;
}

static void encode_claim(struct buf *to, const struct record *record)
{
    CHECK(record->claimed_ms <= record->at_ms);
    CHECK(record->owner.len <= OWNER_BYTES_MAX);
    encode_varint(to, record->at_ms - record->claimed_ms);
    encode_varint(to, record->lease_ms);
    encode_distance(to, record->at_ms + record->lease_ms, record->lease_end_ms);
    encode_bytes(to, record->owner);
    encode_bytes(to, record->fp);
}

static void encode_by_type(struct buf *to, const struct record *record)
{
    switch (record->type) {
    case RECORD_CLAIM:
        encode_claim(to, record);
        break;
    case RECORD_COMPLETION:
        encode_bytes(to, record->fp);
        buf_append_slice(to, record->receipt);
        break;
    case RECORD_RELEASE:
        break;
    }
}

/* The value of a row, version 1:
 *
 *     version × 16 + type         1 byte
 *     sequence, kept, fence       numbers
 *     at                          distance from fence / 1000
 *     attempt, ttl                numbers
 *     claim:
 *         at - claimed, lease     numbers
 *         lease end               distance from at + lease
 *         owner, fp               length and bytes each
 *     completion:
 *         fp                      length and bytes
 *         receipt                 all bytes up to the seal
 *     seal                        4 bytes, its context is the stream's id
 *
 * Numbers, distances and the seal are those of codec.h. A claim with the usual
 * options and no owner takes 27 to 30 bytes.
 *
 * To change the format: give the new layout the next version and write that
 * alone; keep decoding every older version; add bytes of the new one to the
 * golden records of tests/storage/test_record.c and leave those of the older
 * ones as they are. An older daemon that must not open such data is kept out by
 * FORMAT_READER in layout.h: docs/storage.md has the whole recipe. */
void record_encode(struct buf *to, struct stream stream, struct place place,
                   const struct record *record)
{
    size_t from = buf_len(to);

    CHECK(record->type >= RECORD_CLAIM && record->type <= RECORD_RELEASE);
    CHECK(record->fence >= 1 && record->fence <= FENCE_MAX);
    CHECK(record->attempt >= 1);
    CHECK(record->fp.len <= FINGERPRINT_BYTES_MAX);
    CHECK(place.kept <= place.sequence && place.sequence < UINT64_MAX);
    buf_append_byte(to, (uint8_t)(RECORD_VERSION << 4 | record->type));
    encode_varint(to, place.sequence);
    encode_varint(to, place.kept);
    encode_varint(to, record->fence);
    encode_distance(to, fence_ms(record), record->at_ms);
    encode_varint(to, record->attempt);
    encode_varint(to, record->ttl_ms);
    encode_by_type(to, record);
    encode_seal(to, from, stream.id);
}

static void decode_claim(struct decoder *from, struct record *out)
{
    uint64_t age_ms = decode_varint(from);

    if (age_ms > out->at_ms) {
        from->bad = true;
    }
    out->claimed_ms = out->at_ms - age_ms;
    out->lease_ms = decode_varint(from);
    out->lease_end_ms = decode_distance(from, out->at_ms + out->lease_ms);
    out->owner = decode_bytes(from, OWNER_BYTES_MAX);
    out->fp = decode_bytes(from, FINGERPRINT_BYTES_MAX);
}

/* False: no version 1 has this first byte. */
static bool decode_by_type(struct decoder *from, uint8_t first,
                           struct record *out)
{
    switch (first) {
    case RECORD_VERSION << 4 | RECORD_CLAIM:
        out->type = RECORD_CLAIM;
        decode_claim(from, out);
        return true;
    case RECORD_VERSION << 4 | RECORD_COMPLETION:
        out->type = RECORD_COMPLETION;
        out->fp = decode_bytes(from, FINGERPRINT_BYTES_MAX);
        out->receipt = decode_rest(from);
        return true;
    case RECORD_VERSION << 4 | RECORD_RELEASE:
        out->type = RECORD_RELEASE;
        return true;
    default:
        return false;
    }
}

static bool within_bounds(const struct place *place,
                          const struct record *record)
{
    return place->kept <= place->sequence && place->sequence < UINT64_MAX &&
           record->fence >= 1 && record->fence <= FENCE_MAX &&
           record->attempt >= 1;
}

int record_decode(struct slice value, struct stream stream, struct place *place,
                  struct record *record)
{
    struct decoder from = decode_sealed(value, stream.id);
    uint8_t first = decode_byte(&from);
    struct record out = {0};

    place->sequence = decode_varint(&from);
    place->kept = decode_varint(&from);
    out.fence = decode_varint(&from);
    out.at_ms = decode_distance(&from, fence_ms(&out));
    out.attempt = decode_varint(&from);
    out.ttl_ms = decode_varint(&from);
    if (!decode_by_type(&from, first, &out) || !decode_done(&from) ||
        !within_bounds(place, &out)) {
        return E_CORRUPT;
    }
    *record = out;
    return 0;
}
