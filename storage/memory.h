/* Memory of the stores, which never say that there is none.
 *
 * RocksDB ends the process when memory runs out, so nothing would be gained by
 * going on here: these functions log it and abort. To the data that is one more
 * crash, and a crash loses nothing that was answered. */
#ifndef STORAGE_MEMORY_H
#define STORAGE_MEMORY_H

#include "base/buf.h"

/* Ends the process. */
_Noreturn void memory_exhausted(void);

/* Zeroed; never NULL; freed with free(). */
void *memory_get(size_t count, size_t item_bytes);

/* Makes `array`, which has room for *cap items, hold at least `count` of them.
 * What it held is kept, what is new is not initialised. Returns the array. */
void *memory_grow(void *array, size_t *cap, size_t count, size_t item_bytes);

/* A copy to free(); NULL for no bytes. */
uint8_t *memory_copy(struct slice bytes);

/* Ends the process if the buf ran out of memory. */
void memory_check(const struct buf *buf);

#endif
