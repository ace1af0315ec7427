#include "tests/torture/words.h"

#include "tests/lib/model_gen.h"
#include "tests/torture/history.h"

enum {
    NUMBER_BYTES = 8,
    ELSEWHERE_ONE_IN = 16,
    TAIL_BYTES = 64, /* of receipts, their usual most */
    LONG_ONE_IN = 16,
    LONG_BYTES = 2048,
    HUGE_ONE_IN = 1024,
};

const char word_namespace[] = "torture";
const char word_other_namespace[] = "torture.other";

static void append_number(struct buf *to, uint64_t number)
{
    uint8_t bytes[NUMBER_BYTES];

    memcpy(bytes, &number, sizeof(bytes));
    buf_append(to, bytes, sizeof(bytes));
}

static uint64_t number_of(struct slice bytes)
{
    uint64_t number = 0;

    CHECK(bytes.len >= sizeof(number));
    memcpy(&number, bytes.data, sizeof(number));
    return number;
}

/* `len` bytes that follow from the number. */
static void append_tail(struct buf *to, uint64_t number, size_t len)
{
    struct rng rng = {.state = number};

    for (; len >= NUMBER_BYTES; len -= NUMBER_BYTES) {
        append_number(to, rng_next(&rng));
    }
    for (uint64_t rest = rng_next(&rng); len > 0; len--, rest >>= 8) {
        buf_append_byte(to, (uint8_t)rest);
    }
}

/* --- keys ----------------------------------------------------------------- */

bool word_key_is_elsewhere(uint32_t key)
{
    return key % ELSEWHERE_ONE_IN == 1;
}

void word_key(uint32_t key, struct buf *to)
{
    uint32_t number = word_key_is_elsewhere(key) ? key - 1 : key;
    struct rng rng = {.state = number};
    size_t tail =
        rng_percent(&rng, 90) ? rng_below(&rng, 24) : rng_below(&rng, 256);

    buf_append_str(to, "k");
    buf_append_u64(to, number);
    if (tail > 0) {
        buf_append_byte(to, '/');
        append_tail(to, number, tail);
    }
}

/* --- owners and fingerprints ---------------------------------------------- */

void word_owner(uint64_t owner, struct buf *to)
{
    append_number(to, owner);
    append_tail(to, owner, owner % (WORD_OWNER_BYTES - NUMBER_BYTES + 1));
}

uint64_t word_owner_number(struct slice owner)
{
    struct buf right = {0};
    uint64_t number = HISTORY_FOREIGN;

    if (owner.len == 0) {
        return 0;
    }
    if (owner.len >= NUMBER_BYTES) {
        word_owner(number_of(owner), &right);
        number = slice_equal(buf_slice(&right), owner) ? number_of(owner)
                                                       : HISTORY_FOREIGN;
    }
    buf_release(&right);
    return number;
}

void word_fp(uint64_t fp, struct buf *to)
{
    buf_append_str(to, "fp");
    buf_append_u64(to, fp);
}

/* --- receipts ------------------------------------------------------------- */

static size_t tail_bytes(uint64_t receipt)
{
    struct rng rng = {.state = receipt};

    if (rng_below(&rng, HUGE_ONE_IN) == 0) {
        return rng_below(&rng, WORD_RECEIPT_BYTES_MAX - NUMBER_BYTES + 1);
    }
    return rng_below(&rng, rng_below(&rng, LONG_ONE_IN) == 0 ? LONG_BYTES
                                                             : TAIL_BYTES);
}

void word_receipt(uint64_t receipt, struct buf *to)
{
    if (receipt != WORD_RECEIPT_EMPTY) {
        append_number(to, receipt);
        append_tail(to, receipt, tail_bytes(receipt));
    }
}

uint64_t word_receipt_number(struct slice receipt)
{
    struct buf right = {0};
    uint64_t number = HISTORY_FOREIGN;

    if (receipt.len == 0) {
        return WORD_RECEIPT_EMPTY;
    }
    if (receipt.len >= NUMBER_BYTES &&
        number_of(receipt) != WORD_RECEIPT_EMPTY && number_of(receipt) != 0) {
        word_receipt(number_of(receipt), &right);
        number = slice_equal(buf_slice(&right), receipt) ? number_of(receipt)
                                                         : HISTORY_FOREIGN;
    }
    buf_release(&right);
    return number;
}

uint64_t word_receipt_of(uint32_t key, uint64_t fence, uint64_t worker)
{
    struct rng rng = {.state = fence};
    struct rng mixed = {.state = rng_next(&rng) ^ ((uint64_t)key << 32)};
    struct rng last = {.state = rng_next(&mixed) ^ worker};
    uint64_t receipt = rng_next(&last) / 4;

    return receipt % 64 == 0 ? WORD_RECEIPT_EMPTY : receipt + 2;
}
