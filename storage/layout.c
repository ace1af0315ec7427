#include "storage/layout.h"

#include "base/check.h"
#include "storage/codec.h"
#include "storage/memory.h"

enum { META_VERSION = 1 };

struct slice row_key_last(struct stream stream)
{
    return stream.id;
}

struct slice row_key_older(struct buf *buf, struct stream stream,
                           uint64_t sequence)
{
    uint8_t number[8];

    store_u64(number, sequence);
    buf_clear(buf);
    buf_append_slice(buf, stream.id);
    buf_append(buf, number, sizeof(number));
    memory_check(buf);
    return buf_slice(buf);
}

struct slice meta_key_format(void)
{
    return slice_str("format");
}

struct slice meta_key_marks(void)
{
    return slice_str("marks");
}

void meta_format_encode(struct buf *to)
{
    size_t from = buf_len(to);

    buf_append_byte(to, META_VERSION);
    encode_varint(to, FORMAT_VERSION);
    encode_varint(to, FORMAT_READER);
    encode_seal(to, from, meta_key_format());
}

int meta_format_check(struct slice value)
{
    struct decoder from = decode_sealed(value, meta_key_format());
    uint8_t version = decode_byte(&from);
    uint64_t written = decode_varint(&from);
    uint64_t reader = decode_varint(&from);

    if (!decode_done(&from) || version != META_VERSION || reader > written) {
        return E_DATA;
    }
    return reader > FORMAT_VERSION ? E_FORMAT : 0;
}

void meta_marks_encode(struct buf *to, const struct marks *marks)
{
    size_t from = buf_len(to);
    const struct clock_marks *clock = &marks->clock;

    buf_append_byte(to, META_VERSION);
    encode_bytes(to, slice_of(clock->boot_id,
                              strnlen(clock->boot_id, BOOT_ID_BYTES - 1)));
    encode_distance(to, 0, (uint64_t)clock->offset_us);
    encode_varint(to, clock->floor_ms);
    encode_varint(to, clock->stored_ms);
    encode_varint(to, clock->high_water_ms);
    encode_varint(to, marks->fence_high_water);
    encode_varint(to, marks->live_keys);
    encode_varint(to, marks->inflight);
    encode_seal(to, from, meta_key_marks());
}

int meta_marks_decode(struct slice value, struct marks *marks)
{
    struct decoder from = decode_sealed(value, meta_key_marks());
    uint8_t version = decode_byte(&from);
    struct slice boot_id = decode_bytes(&from, BOOT_ID_BYTES - 1);

    /* It is a text: a NUL would hide what follows it. */
    if (boot_id.len > 0 && memchr(boot_id.data, '\0', boot_id.len) != NULL) {
        from.bad = true;
    }
    *marks = (struct marks){0};
    slice_copy((uint8_t *)marks->clock.boot_id, boot_id);
    marks->clock.offset_us = (int64_t)decode_distance(&from, 0);
    marks->clock.floor_ms = decode_varint(&from);
    marks->clock.stored_ms = decode_varint(&from);
    marks->clock.high_water_ms = decode_varint(&from);
    marks->fence_high_water = decode_varint(&from);
    marks->live_keys = decode_varint(&from);
    marks->inflight = decode_varint(&from);
    return decode_done(&from) && version == META_VERSION ? 0 : E_DATA;
}
