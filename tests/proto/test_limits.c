#include "base/check.h"
#include "proto/proto.h"
#include "tests/lib/runner.h"

START_TEST(longest_request_follows_from_key_and_receipt)
{
    struct proto_limits limits = {.key_bytes_max = 512,
                                  .receipt_bytes_max = 65536};

    ck_assert_uint_eq(proto_request_bytes_max(&limits), 268288);
    limits = (struct proto_limits){0};
    ck_assert_uint_eq(proto_request_bytes_max(&limits), 4096);
}
END_TEST

START_TEST(namespaces_are_names)
{
    ck_assert(proto_is_namespace(slice_str("default")));
    ck_assert(proto_is_namespace(slice_str("a")));
    ck_assert(proto_is_namespace(slice_str("0")));
    ck_assert(proto_is_namespace(slice_str("a.b_c-D9")));
    ck_assert(proto_is_namespace(slice_str("Z...---___")));
}
END_TEST

START_TEST(other_things_are_no_namespaces)
{
    ck_assert(!proto_is_namespace(slice_of(NULL, 0)));
    ck_assert(!proto_is_namespace(slice_str(".a")));
    ck_assert(!proto_is_namespace(slice_str("_a")));
    ck_assert(!proto_is_namespace(slice_str("-a")));
    ck_assert(!proto_is_namespace(slice_str("a b")));
    ck_assert(!proto_is_namespace(slice_str("a/b")));
    ck_assert(!proto_is_namespace(slice_str("a:b")));
    ck_assert(!proto_is_namespace(slice_str("\xc3\xa4")));
    ck_assert(!proto_is_namespace(slice_of("a\0b", 3)));
}
END_TEST

START_TEST(a_namespace_is_64_bytes_at_most)
{
    uint8_t name[NAMESPACE_BYTES_MAX + 1];

    memset(name, 'n', sizeof(name));
    ck_assert(proto_is_namespace(slice_of(name, NAMESPACE_BYTES_MAX - 1)));
    ck_assert(proto_is_namespace(slice_of(name, NAMESPACE_BYTES_MAX)));
    ck_assert(!proto_is_namespace(slice_of(name, NAMESPACE_BYTES_MAX + 1)));
}
END_TEST

START_TEST(every_byte_is_or_is_not_of_a_namespace)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz"
                                  "0123456789._-";

    for (unsigned c = 0; c < 256; c++) {
        uint8_t name[2] = {'a', (uint8_t)c};
        bool in = memchr(allowed, (int)c, sizeof(allowed) - 1) != NULL;

        ck_assert_int_eq(proto_is_namespace(slice_of(name, 2)), in);
    }
}
END_TEST

SUITE(limits, 10, longest_request_follows_from_key_and_receipt,
      namespaces_are_names, other_things_are_no_namespaces,
      a_namespace_is_64_bytes_at_most, every_byte_is_or_is_not_of_a_namespace)
