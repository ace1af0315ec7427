/* The bytes that stand for the numbers of a history, and back.
 *
 * A key is made from its number, an owner and a receipt carry theirs in front
 * and go on with bytes that follow from it, so that bytes of a reply are either
 * exactly those of one number or nobody ever sent them. Keys, owners and
 * receipts are of many lengths and of any bytes. */
#ifndef TESTS_TORTURE_WORDS_H
#define TESTS_TORTURE_WORDS_H

#include "base/buf.h"

enum {
    WORD_KEY_BYTES_MAX = 300,
    WORD_OWNER_BYTES = 64,
    WORD_RECEIPT_EMPTY = 1,         /* the receipt without a byte */
    WORD_RECEIPT_BYTES_MAX = 32768, /* of all others */
};

/* The key with this number. One in sixteen has the same bytes as the number
 * before it, in another namespace. */
void word_key(uint32_t key, struct buf *to);
bool word_key_is_elsewhere(uint32_t key);

/* What word_key_is_elsewhere() means. */
extern const char word_namespace[];       /* of all others */
extern const char word_other_namespace[]; /* of those */

/* Numbers are from 1 to HISTORY_FOREIGN - 1. */
void word_owner(uint64_t owner, struct buf *to);
void word_fp(uint64_t fp, struct buf *to);
void word_receipt(uint64_t receipt, struct buf *to);

/* The number, 0 for no bytes; HISTORY_FOREIGN if these are the bytes of none.
 * An empty receipt is WORD_RECEIPT_EMPTY. */
uint64_t word_owner_number(struct slice owner);
uint64_t word_receipt_number(struct slice receipt);

/* The receipt of one worker's work. Any other of the three gives another. */
uint64_t word_receipt_of(uint32_t key, uint64_t fence, uint64_t worker);

#endif
