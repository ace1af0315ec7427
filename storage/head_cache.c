#include "storage/head_cache.h"

#include "base/check.h"
#include "storage/memory.h"

struct head_cache_entry {
    uint8_t id_len; /* 0: unused */
    uint8_t row_len;
    uint8_t bytes[HEAD_CACHE_BYTES_MAX]; /* of the id, then of the row */
};

_Static_assert(sizeof(struct head_cache_entry) == HEAD_CACHE_ENTRY_BYTES,
               "an entry fills two cache lines");

void head_cache_init(struct head_cache *cache)
{
    *cache = (struct head_cache){
        .hashes = memory_get(HEAD_CACHE_ENTRIES, sizeof(*cache->hashes)),
        .entries = memory_get(HEAD_CACHE_ENTRIES, sizeof(*cache->entries)),
    };
}

void head_cache_release(struct head_cache *cache)
{
    free(cache->hashes);
    free(cache->entries);
    *cache = (struct head_cache){0};
}

/* The first of the entries where a stream may be. */
static size_t place_of(uint64_t hash)
{
    return hash % (HEAD_CACHE_ENTRIES / HEAD_CACHE_WAYS) * HEAD_CACHE_WAYS;
}

static struct head_cache_entry *find(const struct head_cache *cache,
                                     struct stream stream, uint64_t hash)
{
    size_t first = place_of(hash);

    for (size_t i = first; i < first + HEAD_CACHE_WAYS; i++) {
        struct head_cache_entry *entry = &cache->entries[i];

        if (cache->hashes[i] == hash + cache->age &&
            entry->id_len == stream.id.len &&
            memcmp(entry->bytes, stream.id.data, stream.id.len) == 0) {
            return entry;
        }
    }
    return NULL;
}

struct slice head_cache_get(const struct head_cache *cache,
                            struct stream stream, uint64_t hash)
{
    const struct head_cache_entry *entry = find(cache, stream, hash);

    return entry == NULL
               ? slice_of(NULL, 0)
               : slice_of(entry->bytes + entry->id_len, entry->row_len);
}

static struct head_cache_entry *make_way(struct head_cache *cache,
                                         uint64_t hash)
{
    size_t first = place_of(hash);
    size_t at = first + cache->next_way++ % HEAD_CACHE_WAYS;

    for (size_t i = first; i < first + HEAD_CACHE_WAYS; i++) {
        if (cache->entries[i].id_len == 0) {
            at = i;
            break;
        }
    }
    cache->hashes[at] = hash + cache->age;
    return &cache->entries[at];
}

void head_cache_set(struct head_cache *cache, struct stream stream,
                    uint64_t hash, struct slice row)
{
    struct head_cache_entry *entry = find(cache, stream, hash);

    if (row.len == 0 || stream.id.len + row.len > HEAD_CACHE_BYTES_MAX) {
        if (entry != NULL) {
            entry->id_len = 0;
        }
        return;
    }
    if (entry == NULL) {
        entry = make_way(cache, hash);
    }
    entry->id_len = (uint8_t)stream.id.len;
    entry->row_len = (uint8_t)row.len;
    slice_copy(entry->bytes, stream.id);
    slice_copy(entry->bytes + stream.id.len, row);
}

/* The ids of two entries are equal only if their hashes are, so one that was
 * kept at another age is never found; it gives way in its turn. */
void head_cache_clear(struct head_cache *cache)
{
    cache->age++;
}
