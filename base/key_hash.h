/* key_hash: FNV-1a, 64 bits, over the bytes of an idempotency key.
 *
 * Source of the function and its constants: Fowler, Noll, Vo,
 * draft-eastlake-fnv. */
#ifndef BASE_KEY_HASH_H
#define BASE_KEY_HASH_H

#include "base/slice.h"

enum { KEY_HASH_DIGITS = 16 };

uint64_t key_hash(struct slice key);

/* Writes 16 lower-case hex digits and a terminator. */
void key_hash_text(uint64_t hash, char out[KEY_HASH_DIGITS + 1]);

#endif
