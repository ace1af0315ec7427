#include "tests/lib/runner.h"
#include "tests/torture/history.h"
#include "tests/torture/words.h"

enum { KEYS = 5000, NUMBERS = 20000 };

static int by_bytes(const void *a, const void *b)
{
    const struct buf *x = a;
    const struct buf *y = b;
    size_t len = buf_len(x) < buf_len(y) ? buf_len(x) : buf_len(y);
    int order = memcmp(buf_slice(x).data, buf_slice(y).data, len);

    return order != 0 ? order : (int)buf_len(x) - (int)buf_len(y);
}

START_TEST(every_key_has_bytes_of_its_own)
{
    static struct buf all[KEYS];
    size_t count = 0;

    for (uint32_t key = 1; key <= KEYS; key++) {
        if (!word_key_is_elsewhere(key)) {
            word_key(key, &all[count]);
            ck_assert_uint_ge(buf_len(&all[count]), 1);
            ck_assert_uint_le(buf_len(&all[count]), WORD_KEY_BYTES_MAX);
            count++;
        }
    }
    qsort(all, count, sizeof(all[0]), by_bytes);
    for (size_t i = 1; i < count; i++) {
        ck_assert_int_ne(by_bytes(&all[i - 1], &all[i]), 0);
    }
}
END_TEST

START_TEST(some_keys_differ_in_nothing_but_the_namespace)
{
    struct buf here = {0};
    struct buf elsewhere = {0};

    ck_assert(!word_key_is_elsewhere(16));
    ck_assert(word_key_is_elsewhere(17));
    word_key(16, &here);
    word_key(17, &elsewhere);
    ck_assert(slice_equal(buf_slice(&here), buf_slice(&elsewhere)));
    buf_release(&here);
    buf_release(&elsewhere);
}
END_TEST

START_TEST(owners_and_receipts_are_read_back)
{
    for (uint64_t i = 1; i <= NUMBERS; i++) {
        uint64_t number = i * UINT64_C(0x123456789abcd) + 1;
        struct buf owner = {0};
        struct buf receipt = {0};

        word_owner(number, &owner);
        ck_assert_uint_le(buf_len(&owner), WORD_OWNER_BYTES);
        ck_assert_uint_eq(word_owner_number(buf_slice(&owner)), number);
        word_receipt(number, &receipt);
        ck_assert_uint_le(buf_len(&receipt), WORD_RECEIPT_BYTES_MAX);
        ck_assert_uint_eq(word_receipt_number(buf_slice(&receipt)), number);
        buf_release(&owner);
        buf_release(&receipt);
    }
}
END_TEST

START_TEST(no_owner_is_nobody_and_no_byte_is_the_empty_receipt)
{
    struct buf empty = {0};

    word_receipt(WORD_RECEIPT_EMPTY, &empty);
    ck_assert_uint_eq(buf_len(&empty), 0);
    ck_assert_uint_eq(word_receipt_number(slice_str("")), WORD_RECEIPT_EMPTY);
    ck_assert_uint_eq(word_owner_number(slice_str("")), 0);
}
END_TEST

static bool is_foreign(struct slice receipt)
{
    return word_receipt_number(receipt) == HISTORY_FOREIGN;
}

START_TEST(bytes_that_nobody_sent_are_foreign)
{
    struct buf receipt = {0};

    ck_assert(is_foreign(slice_str("short")));
    ck_assert(word_owner_number(slice_str("short")) == HISTORY_FOREIGN);
    for (uint64_t number = 1000; number < 1100; number++) {
        buf_clear(&receipt);
        word_receipt(number, &receipt);
        buf_append_byte(&receipt, 0);
        ck_assert(is_foreign(buf_slice(&receipt)));
        ck_assert(word_owner_number(buf_slice(&receipt)) == HISTORY_FOREIGN);
        receipt.data[buf_len(&receipt) / 2] ^= 1;
        ck_assert(is_foreign(
            slice_of(buf_slice(&receipt).data, buf_len(&receipt) - 1)));
    }
    buf_release(&receipt);
}
END_TEST

START_TEST(receipts_follow_from_key_fence_and_worker)
{
    uint64_t receipt = word_receipt_of(1, 2, 3);

    ck_assert_uint_eq(word_receipt_of(1, 2, 3), receipt);
    ck_assert_uint_ne(word_receipt_of(2, 2, 3), receipt);
    ck_assert_uint_ne(word_receipt_of(1, 3, 3), receipt);
    ck_assert_uint_ne(word_receipt_of(1, 2, 4), receipt);
}
END_TEST

SUITE(words, 60, every_key_has_bytes_of_its_own,
      some_keys_differ_in_nothing_but_the_namespace,
      owners_and_receipts_are_read_back,
      no_owner_is_nobody_and_no_byte_is_the_empty_receipt,
      bytes_that_nobody_sent_are_foreign,
      receipts_follow_from_key_fence_and_worker)
