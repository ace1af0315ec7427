/* Last rows that were read or written of late, by stream: a bounded part of
 * what the tables hold, in memory that does not grow.
 *
 * It does not know when it is out of date: its owner changes it with every
 * write of its own, and empties it after any other's, which costs nothing. Used
 * by one thread at a time. */
#ifndef STORAGE_HEAD_CACHE_H
#define STORAGE_HEAD_CACHE_H

#include "storage/stream.h"

enum {
    HEAD_CACHE_ENTRIES = 1 << 17,
    HEAD_CACHE_ENTRY_BYTES = 128,
    HEAD_CACHE_WAYS = 4, /* where a stream may be; in turn, one gives way */
    /* Of an id and its row together. Longer ones are not kept. */
    HEAD_CACHE_BYTES_MAX = HEAD_CACHE_ENTRY_BYTES - 2,
};

struct head_cache {
    uint64_t *hashes; /* of the i-th entry, plus `age` when it was kept */
    struct head_cache_entry *entries;
    unsigned next_way;
    uint64_t age; /* how often it was emptied: a hash of another age is none */
};

/* Never fails; takes its memory, 17 MiB, as it fills. */
void head_cache_init(struct head_cache *cache);
void head_cache_release(struct head_cache *cache);

/* The row, or an empty slice. Valid until the next change. `hash` is that of
 * stream_hash(), here and below. */
struct slice head_cache_get(const struct head_cache *cache,
                            struct stream stream, uint64_t hash);

/* Keeps a row in place of an older one of its stream. An empty one says that
 * there is none any more. */
void head_cache_set(struct head_cache *cache, struct stream stream,
                    uint64_t hash, struct slice row);

void head_cache_clear(struct head_cache *cache);

#endif
