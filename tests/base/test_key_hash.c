#include "base/key_hash.h"

#include "base/check.h"
#include "tests/lib/runner.h"

static void ck_hash(const char *key, const char *expected)
{
    char text[KEY_HASH_DIGITS + 1];

    key_hash_text(key_hash(slice_str(key)), text);
    ck_assert_str_eq(text, expected);
}

START_TEST(known_keys_have_their_known_hashes)
{
    ck_hash("", "cbf29ce484222325");
    ck_hash("a", "af63dc4c8601ec8c");
    ck_hash("key", "3dc94a19365b10ec");
    ck_hash("key-a", "71132af295f22d16");
    ck_hash("same-key", "c328f079565e13a9");
    ck_hash("foobar", "85944171f73967e8");
}
END_TEST

START_TEST(the_colliding_pairs_collide)
{
    ck_hash("8yn0iYCKYHlIj4-BwPqk", "4eac0c95540867e4");
    ck_hash("GReLUrM4wMqfg9yzV3KQ", "4eac0c95540867e4");
    ck_hash("77kepQFQ8Kl", "0000000000000000");
    ck_hash("!0IC=VloaY", "0000000000000000");
}
END_TEST

START_TEST(every_byte_of_a_key_counts)
{
    uint64_t nul = key_hash(slice_of("\0", 1));

    ck_assert_uint_ne(nul, key_hash(slice_of("", 0)));
    ck_assert_uint_ne(nul, key_hash(slice_of("\0\0", 2)));
    ck_assert_uint_ne(key_hash(slice_of("a\0b", 3)),
                      key_hash(slice_of("a\0c", 3)));
    ck_assert_uint_ne(key_hash(slice_of("\xff", 1)), nul);
    ck_assert_uint_eq(key_hash(slice_of(NULL, 0)), key_hash(slice_str("")));
}
END_TEST

START_TEST(a_hash_is_16_lower_case_digits)
{
    char text[KEY_HASH_DIGITS + 1];

    key_hash_text(0, text);
    ck_assert_str_eq(text, "0000000000000000");
    key_hash_text(UINT64_MAX, text);
    ck_assert_str_eq(text, "ffffffffffffffff");
    key_hash_text(UINT64_C(0x0123456789abcdef), text);
    ck_assert_str_eq(text, "0123456789abcdef");
}
END_TEST

SUITE(key_hash, 10, known_keys_have_their_known_hashes,
      the_colliding_pairs_collide, every_byte_of_a_key_counts,
      a_hash_is_16_lower_case_digits)
