#include "tests/power/load_words.h"

#include "base/banned.h"

/* One receipt in LARGE_ONE_IN is longer than a block of RocksDB's log. */
enum { SMALL_BYTES = 100, LARGE_ONE_IN = 100, LARGE_BYTES = 33000 };

static const char *const verbs[] = {
    [VERB_CLAIM] = "CLAIM",     [VERB_COMPLETE] = "COMPLETE",
    [VERB_RELEASE] = "RELEASE", [VERB_EXTEND] = "EXTEND",
    [VERB_LOOKUP] = "LOOKUP",
};

static void append_owner(uint64_t owner, struct buf *out)
{
    buf_append_str(out, "o-");
    buf_append_u64(out, owner);
}

/* A receipt is its number and letters that follow from it, so that a part of
 * one, or two that were mixed, is told from a whole one. */
static void append_receipt(uint64_t receipt, struct buf *out)
{
    uint64_t mixed = receipt * UINT64_C(0x9e3779b97f4a7c15);
    uint64_t bytes =
        (mixed >> 32) % LARGE_ONE_IN == 0 ? LARGE_BYTES : mixed % SMALL_BYTES;

    buf_append_str(out, "r-");
    buf_append_u64(out, receipt);
    buf_append_byte(out, '-');
    for (uint64_t i = 0; i < bytes; i++) {
        mixed = mixed * UINT64_C(6364136223846793005) + 1;
        buf_append_byte(out, (uint8_t)('a' + (mixed >> 40) % 26));
    }
}

static void append_option(const char *name, uint64_t number, struct buf *out)
{
    if (number > 0) {
        buf_append_str(out, name);
        buf_append_u64(out, number);
    }
}

void words_request(const struct op *op, struct buf *out)
{
    buf_append_str(out, verbs[op->verb]);
    append_option(" key-", op->key, out);
    if (op->verb == VERB_COMPLETE) {
        buf_append_byte(out, ' ');
        append_receipt(op->receipt, out);
    }
    append_option(" fence=", op->fence, out);
    append_option(" lease=", op->lease_ms, out);
    append_option(" ttl=", op->ttl_ms, out);
    append_option(" owner=o-", op->owner, out);
    buf_append_byte(out, '\n');
}

/* The number of bytes that `append` makes of a number; 0 of none. */
static uint64_t number_of_bytes(struct slice bytes,
                                void (*append)(uint64_t, struct buf *))
{
    struct buf again = {0};
    uint64_t number = 0;
    bool same;

    for (size_t i = 2; i < bytes.len && bytes.data[i] >= '0' &&
                       bytes.data[i] <= '9' && number < UINT64_MAX / 100;
         i++) {
        number = number * 10 + (uint64_t)(bytes.data[i] - '0');
    }
    append(number, &again);
    same = slice_equal(buf_slice(&again), bytes);
    buf_release(&again);
    return same ? number : HISTORY_FOREIGN;
}

void words_answer(const struct reply *reply, struct op *op)
{
    op_set_answer(op, reply);
    if (reply->kind == REPLY_COMPLETED) {
        op->got_receipt = number_of_bytes(reply->receipt, append_receipt);
    }
    if (reply->owner.len > 0) {
        op->got_owner = number_of_bytes(reply->owner, append_owner);
    }
}
