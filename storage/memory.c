#include "storage/memory.h"

#include "base/check.h"
#include "base/log.h"

_Noreturn void memory_exhausted(void)
{
    log_crit("out of memory in the store");
    abort();
}

void *memory_get(size_t count, size_t item_bytes)
{
    void *memory = calloc(count == 0 ? 1 : count, item_bytes);

    if (memory == NULL) {
        memory_exhausted();
    }
    return memory;
}

void *memory_grow(void *array, size_t *cap, size_t count, size_t item_bytes)
{
    size_t to = *cap < 16 ? 16 : *cap;
    void *grown;

    if (count <= *cap) {
        return array;
    }
    while (to < count) {
        to *= 2;
    }
    grown = reallocarray(array, to, item_bytes);
    if (grown == NULL) {
        memory_exhausted();
    }
    *cap = to;
    return grown;
}

uint8_t *memory_copy(struct slice bytes)
{
    uint8_t *copy = NULL;

    if (bytes.len > 0) {
        copy = memory_get(bytes.len, 1);
        slice_copy(copy, bytes);
    }
    return copy;
}

void memory_check(const struct buf *buf)
{
    if (buf_failed(buf)) {
        memory_exhausted();
    }
}
