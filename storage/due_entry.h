/* One entry of the index of what expires: a due time and the streams that are
 * to be looked at then.
 *
 *     key     due time, ms    8 bytes, big-endian
 *             number          8 bytes, big-endian
 *     value   version         1 byte
 *             ids             of one stream after the other
 *             seal            4 bytes, its context is the key
 *
 * Keys sort by due time. The number tells apart entries that are due in the
 * same millisecond; see streams.h for why it never repeats. */
#ifndef STORAGE_DUE_ENTRY_H
#define STORAGE_DUE_ENTRY_H

#include "base/buf.h"
#include "storage/stream.h"

enum {
    DUE_KEY_BYTES = 16,
    DUE_TIME_BYTES = 8,
    /* More streams than that get a second entry, since an entry is settled as a
     * whole and a slice of the sweep has to stay small. */
    DUE_STREAMS_MAX = 64,
};

void due_key_encode(uint8_t key[DUE_KEY_BYTES], uint64_t due_ms,
                    uint64_t number);

/* The bound of a scan: sorts before every key that is due at `due_ms` and after
 * every key that is due earlier. */
void due_bound_encode(uint8_t bound[DUE_TIME_BYTES], uint64_t due_ms);

/* Appends the value; count is 1 to DUE_STREAMS_MAX. */
void due_value_encode(struct buf *to, const uint8_t key[DUE_KEY_BYTES],
                      const struct stream *streams, size_t count);

/* Checks a whole entry. `ids` then holds 1 to DUE_STREAMS_MAX streams and
 * nothing else, to be cut off by stream_take(); it borrows the value.
 * 0 · E_CORRUPT. */
must_check int due_entry_decode(struct slice key, struct slice value,
                                uint64_t *due_ms, struct slice *ids);

#endif
