/* Bytes of a connection: lines, RESP, and one after the other. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/recipe.h"
#include "tests/fuzz/requests.h"

#include <check.h>

static const struct proto_limits limits[] = {
    {.key_bytes_max = 16,
     .receipt_bytes_max = 32,
     .ttl_ms_max = 100000,
     .lease_ms_max = 50000},
    {.key_bytes_max = 1,
     .receipt_bytes_max = 0,
     .ttl_ms_max = 1,
     .lease_ms_max = UINT64_MAX},
    {.key_bytes_max = 512,
     .receipt_bytes_max = 65536,
     .ttl_ms_max = UINT64_C(2592000000),
     .lease_ms_max = UINT64_C(2592000000)},
    {.key_bytes_max = 64,
     .receipt_bytes_max = 1024,
     .ttl_ms_max = UINT64_MAX,
     .lease_ms_max = 1},
};

/* The first three bytes choose; the others are the stream or make it. */
static void check_input(struct slice input, bool resp)
{
    static struct buf stream;
    struct taker taker = {input};
    uint8_t choice = take_byte(&taker);
    size_t first = take_byte(&taker);
    size_t step = 1 + (size_t)take_byte(&taker);

    buf_clear(&stream);
    if ((choice & 4) != 0) {
        recipe_stream(&stream, &taker, resp);
    } else {
        buf_append_slice(&stream, taker.rest);
    }
    ck_assert(!buf_failed(&stream));
    requests_check(buf_slice(&stream), first, step, &limits[choice & 3]);
}

void fuzz_line(struct slice input)
{
    check_input(input, false);
}

void fuzz_resp(struct slice input)
{
    check_input(input, true);
}
