#include "base/key_hash.h"

#define FNV_OFFSET_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME        UINT64_C(0x100000001b3)

/* The multiplication is meant to wrap. */
#if defined(__clang__)
__attribute__((no_sanitize("unsigned-integer-overflow")))
#endif
uint64_t
key_hash(struct slice key)
{
    uint64_t hash = FNV_OFFSET_BASIS;

    for (size_t i = 0; i < key.len; i++) {
        hash = (hash ^ key.data[i]) * FNV_PRIME;
    }
    return hash;
}

void key_hash_text(uint64_t hash, char out[KEY_HASH_DIGITS + 1])
{
    for (int i = KEY_HASH_DIGITS - 1; i >= 0; i--) {
        out[i] = "0123456789abcdef"[hash & 15];
        hash >>= 4;
    }
    out[KEY_HASH_DIGITS] = '\0';
}
