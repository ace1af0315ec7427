/* The identity of a key: (namespace, idempotency key) as one run of bytes.
 *
 * A stream's id is
 *
 *     namespace length   1 byte
 *     namespace          1 to 64 bytes
 *     key length         2 bytes, big-endian
 *     key                1 to 65535 bytes
 *
 * Lengths stand before bytes, so no id is a prefix of another one: whatever is
 * appended to an id, rows of two streams never mix and two identities never
 * alias. Every store uses the id as it is. */
#ifndef STORAGE_STREAM_H
#define STORAGE_STREAM_H

#include "base/command.h"
#include "base/slice.h"

#define STREAM_KEY_BYTES_MAX 65535u

struct stream {
    struct slice id; /* borrowed */
};

/* Bytes of the id. ns is 1 to NAMESPACE_BYTES_MAX long, key 1 to
 * STREAM_KEY_BYTES_MAX. */
static inline size_t stream_id_bytes(struct slice ns, struct slice key)
{
    return 1 + ns.len + 2 + key.len;
}

/* Writes the id to `to`, which has stream_id_bytes() of room; the result
 * borrows `to`. */
struct stream stream_encode(uint8_t *to, struct slice ns, struct slice key);

/* Cuts one id off the front of `bytes`. False, and nothing changed, when they
 * do not start with a whole id. The result borrows the bytes. */
must_check bool stream_take(struct slice *bytes, struct stream *out);

struct slice stream_namespace(struct stream stream);
struct slice stream_key(struct stream stream);

/* For hash tables and for routing a key to its thread; not stored. */
uint64_t stream_hash(struct stream stream);

static inline bool stream_equal(struct stream a, struct stream b)
{
    return slice_equal(a.id, b.id);
}

#endif
