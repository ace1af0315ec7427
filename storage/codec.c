#include "storage/codec.h"

#include "base/check.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static void store_u32(uint8_t to[4], uint32_t number)
{
    for (int i = 3; i >= 0; i--) {
        to[i] = (uint8_t)number;
        number >>= 8;
    }
}

void store_u64(uint8_t to[8], uint64_t number)
{
    store_u32(to, (uint32_t)(number >> 32));
    store_u32(to + 4, (uint32_t)number);
}

uint64_t load_u64(const uint8_t from[8])
{
    uint64_t number = 0;

    for (int i = 0; i < 8; i++) {
        number = number << 8 | from[i];
    }
    return number;
}

static void hash_slice(XXH3_state_t *state, struct slice bytes)
{
    if (bytes.len > 0) {
        XXH3_64bits_update(state, bytes.data, bytes.len);
    }
}

static void seal(uint8_t to[SEAL_BYTES], struct slice context,
                 struct slice value)
{
    XXH3_state_t state;

    XXH3_INITSTATE(&state);
    XXH3_64bits_reset(&state);
    hash_slice(&state, context);
    hash_slice(&state, value);
    store_u32(to, (uint32_t)XXH3_64bits_digest(&state));
}

void encode_varint(struct buf *to, uint64_t number)
{
    while (number >= 0x80) {
        buf_append_byte(to, (uint8_t)(number | 0x80));
        number >>= 7;
    }
    buf_append_byte(to, (uint8_t)number);
}

void encode_distance(struct buf *to, uint64_t base, uint64_t number)
{
    uint64_t distance = number - base;
    uint64_t sign = distance >> 63;

    encode_varint(to, (distance << 1) ^ (0 - sign));
}

void encode_bytes(struct buf *to, struct slice bytes)
{
    encode_varint(to, bytes.len);
    buf_append_slice(to, bytes);
}

void encode_seal(struct buf *to, size_t from, struct slice context)
{
    uint8_t bytes[SEAL_BYTES];
    struct slice all = buf_slice(to);

    if (buf_failed(to)) {
        return;
    }
    CHECK(from < all.len);
    seal(bytes, context, slice_of(all.data + from, all.len - from));
    buf_append(to, bytes, sizeof(bytes));
}

struct decoder decode_sealed(struct slice value, struct slice context)
{
    uint8_t expected[SEAL_BYTES];
    struct slice inner;

    if (value.len < SEAL_BYTES) {
        return (struct decoder){.bad = true};
    }
    inner = slice_of(value.data, value.len - SEAL_BYTES);
    seal(expected, context, inner);
    if (memcmp(expected, value.data + inner.len, SEAL_BYTES) != 0) {
        return (struct decoder){.bad = true};
    }
    return (struct decoder){.rest = inner};
}

static void decode_fail(struct decoder *from)
{
    *from = (struct decoder){.bad = true};
}

static struct slice take(struct decoder *from, size_t len)
{
    struct slice taken;

    if (from->bad || len > from->rest.len) {
        decode_fail(from);
        return (struct slice){0};
    }
    taken = slice_of(from->rest.data, len);
    from->rest = slice_of(from->rest.data + len, from->rest.len - len);
    return taken;
}

uint8_t decode_byte(struct decoder *from)
{
    struct slice byte = take(from, 1);

    return byte.len == 1 ? byte.data[0] : 0;
}

uint64_t decode_varint(struct decoder *from)
{
    uint64_t number = 0;
    uint8_t byte;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        byte = decode_byte(from);
        if (byte == 0 && shift > 0) {
            break; /* cut off, or not the shortest form */
        }
        if (shift == 63 && byte > 1) {
            break;
        }
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return number;
        }
    }
    decode_fail(from);
    return 0;
}

uint64_t decode_distance(struct decoder *from, uint64_t base)
{
    uint64_t folded = decode_varint(from);

    return base + ((folded >> 1) ^ (0 - (folded & 1)));
}

struct slice decode_bytes(struct decoder *from, size_t len_max)
{
    uint64_t len = decode_varint(from);

    if (len > len_max) {
        decode_fail(from);
        return (struct slice){0};
    }
    return take(from, (size_t)len);
}

struct slice decode_rest(struct decoder *from)
{
    return take(from, from->rest.len);
}

bool decode_done(const struct decoder *from)
{
    return !from->bad && from->rest.len == 0;
}
