#include "storage/due_entry.h"

#include "base/check.h"
#include "storage/codec.h"

enum { DUE_VERSION = 1 };

void due_bound_encode(uint8_t bound[DUE_TIME_BYTES], uint64_t due_ms)
{
    store_u64(bound, due_ms);
}

void due_key_encode(uint8_t key[DUE_KEY_BYTES], uint64_t due_ms,
                    uint64_t number)
{
    store_u64(key, due_ms);
    store_u64(key + DUE_TIME_BYTES, number);
}

void due_value_encode(struct buf *to, const uint8_t key[DUE_KEY_BYTES],
                      const struct stream *streams, size_t count)
{
    size_t from = buf_len(to);

    CHECK(count >= 1 && count <= DUE_STREAMS_MAX);
    buf_append_byte(to, DUE_VERSION);
    for (size_t i = 0; i < count; i++) {
        buf_append_slice(to, streams[i].id);
    }
    encode_seal(to, from, slice_of(key, DUE_KEY_BYTES));
}

/* Whether they are as many whole ids as due_value_encode() writes. */
static bool are_streams(struct slice ids)
{
    struct stream stream;
    size_t count = 0;

    while (ids.len > 0) {
        if (!stream_take(&ids, &stream)) {
            return false;
        }
        count++;
    }
    return count >= 1 && count <= DUE_STREAMS_MAX;
}

int due_entry_decode(struct slice key, struct slice value, uint64_t *due_ms,
                     struct slice *ids)
{
    struct decoder from = decode_sealed(value, key);

    if (key.len != DUE_KEY_BYTES || decode_byte(&from) != DUE_VERSION) {
        return E_CORRUPT;
    }
    *ids = decode_rest(&from);
    if (!are_streams(*ids)) {
        return E_CORRUPT;
    }
    *due_ms = load_u64(key.data);
    return 0;
}
