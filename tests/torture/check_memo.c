#include "tests/torture/check_memo.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

/* The finaliser of splitmix64. */
static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void memo_hash_add(struct memo_hash *hash, const void *words, size_t bytes)
{
    const uint8_t *from = words;

    CHECK(bytes % sizeof(uint64_t) == 0);
    for (size_t i = 0; i < bytes; i += sizeof(uint64_t)) {
        uint64_t word;

        memcpy(&word, from + i, sizeof(word));
        hash->a = mix(hash->a + word + UINT64_C(0x9e3779b97f4a7c15));
        hash->b = mix((hash->b ^ word) + UINT64_C(0xd1b54a32d192ed03));
    }
}

static bool is_free(const struct memo_hash *slot)
{
    return slot->a == 0 && slot->b == 0;
}

static struct memo_hash *find(const struct memo *memo, struct memo_hash hash)
{
    size_t at = hash.a & (memo->room - 1);

    while (!is_free(&memo->slots[at]) &&
           (memo->slots[at].a != hash.a || memo->slots[at].b != hash.b)) {
        at = (at + 1) & (memo->room - 1);
    }
    return &memo->slots[at];
}

static void grow(struct memo *memo)
{
    struct memo old = *memo;

    memo->room = old.room == 0 ? 256 : old.room * 2;
    memo->slots = calloc(memo->room, sizeof(*memo->slots));
    CHECK(memo->slots != NULL);
    for (size_t i = 0; i < old.room; i++) {
        if (!is_free(&old.slots[i])) {
            *find(memo, old.slots[i]) = old.slots[i];
        }
    }
    free(old.slots);
}

bool memo_add(struct memo *memo, struct memo_hash hash)
{
    struct memo_hash *slot;

    if (memo->count * 2 >= memo->room) {
        grow(memo);
    }
    slot = find(memo, hash);
    if (!is_free(slot)) {
        return false;
    }
    *slot = hash;
    memo->count++;
    return true;
}

void memo_release(struct memo *memo)
{
    free(memo->slots);
    *memo = (struct memo){.slots = NULL};
}
