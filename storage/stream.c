#include "storage/stream.h"

#include "base/check.h"
#include "storage/codec.h"

#include <pthread.h>
#include <sys/random.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

struct stream stream_encode(uint8_t *to, struct slice ns, struct slice key)
{
    CHECK(ns.len >= 1 && ns.len <= NAMESPACE_BYTES_MAX);
    CHECK(key.len >= 1 && key.len <= STREAM_KEY_BYTES_MAX);
    to[0] = (uint8_t)ns.len;
    slice_copy(to + 1, ns);
    to[1 + ns.len] = (uint8_t)(key.len >> 8);
    to[2 + ns.len] = (uint8_t)key.len;
    slice_copy(to + 3 + ns.len, key);
    return (struct stream){slice_of(to, stream_id_bytes(ns, key))};
}

static size_t key_bytes(const uint8_t *id)
{
    const uint8_t *at = id + 1 + id[0];

    return (size_t)at[0] << 8 | at[1];
}

bool stream_take(struct slice *bytes, struct stream *out)
{
    size_t len;

    if (bytes->len < 1 || bytes->data[0] < 1 ||
        bytes->data[0] > NAMESPACE_BYTES_MAX ||
        bytes->len < 3u + bytes->data[0]) {
        return false;
    }
    len = key_bytes(bytes->data);
    if (len < 1 || bytes->len - 3u - bytes->data[0] < len) {
        return false;
    }
    len += 3u + bytes->data[0];
    out->id = slice_of(bytes->data, len);
    *bytes = slice_of(bytes->data + len, bytes->len - len);
    return true;
}

struct slice stream_namespace(struct stream stream)
{
    return slice_of(stream.id.data + 1, stream.id.data[0]);
}

struct slice stream_key(struct stream stream)
{
    size_t before = 3u + stream.id.data[0];

    return slice_of(stream.id.data + before, stream.id.len - before);
}

/* Clients choose the keys, so without a secret they could choose keys that all
 * hash alike. */
static uint64_t hash_seed;

static void choose_hash_seed(void)
{
    if (getrandom(&hash_seed, sizeof(hash_seed), GRND_NONBLOCK) < 0) {
        hash_seed = (uint64_t)time(NULL);
    }
}

uint64_t stream_hash(struct stream stream)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, choose_hash_seed);
    return XXH3_64bits_withSeed(stream.id.data, stream.id.len, hash_seed);
}
