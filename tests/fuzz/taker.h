/* Numbers and bytes off the front of a fuzzer's input. Where it has ended, they
 * are 0 and empty. */
#ifndef TESTS_FUZZ_TAKER_H
#define TESTS_FUZZ_TAKER_H

#include "base/slice.h"

struct taker {
    struct slice rest; /* borrowed */
};

static inline bool taker_has_more(const struct taker *taker)
{
    return taker->rest.len > 0;
}

/* As many bytes as there are, up to `len`; borrows the input. */
static inline struct slice take_bytes(struct taker *taker, size_t len)
{
    struct slice taken = taker->rest;

    taken.len = len < taken.len ? len : taken.len;
    taker->rest = slice_of(taken.data + taken.len, taker->rest.len - taken.len);
    return taken;
}

static inline uint8_t take_byte(struct taker *taker)
{
    struct slice taken = take_bytes(taker, 1);

    return taken.len == 1 ? taken.data[0] : 0;
}

/* 0 to n - 1, of one byte; n > 0. */
static inline size_t take_below(struct taker *taker, size_t n)
{
    return take_byte(taker) % n;
}

/* Eight bytes, the lowest first. */
static inline uint64_t take_u64(struct taker *taker)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < 64; i += 8) {
        number |= (uint64_t)take_byte(taker) << i;
    }
    return number;
}

#endif
