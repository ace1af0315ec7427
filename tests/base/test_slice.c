#include "base/slice.h"

#include "base/check.h"
#include "tests/lib/runner.h"

START_TEST(slices_of_the_same_bytes_are_equal)
{
    ck_assert(slice_equal(slice_str("ab"), slice_of("abc", 2)));
    ck_assert(slice_equal(slice_of("a\0b", 3), slice_of("a\0b", 3)));
    ck_assert(slice_equal(slice_of(NULL, 0), slice_str("")));
}
END_TEST

START_TEST(slices_of_other_bytes_or_lengths_are_not)
{
    ck_assert(!slice_equal(slice_str("ab"), slice_str("ac")));
    ck_assert(!slice_equal(slice_str("ab"), slice_str("abc")));
    ck_assert(!slice_equal(slice_of("a\0b", 3), slice_of("a\0c", 3)));
    ck_assert(!slice_equal(slice_str("a"), slice_of(NULL, 0)));
}
END_TEST

START_TEST(a_copy_has_the_bytes_and_its_own_memory)
{
    uint8_t to[4] = "....";
    struct slice copy = slice_copy(to, slice_str("abc"));

    ck_assert_ptr_eq(copy.data, to);
    ck_assert(slice_equal(copy, slice_str("abc")));
    ck_assert_int_eq(to[3], '.');
    ck_assert_uint_eq(slice_copy(to, slice_of(NULL, 0)).len, 0);
}
END_TEST

SUITE(slice, 10, slices_of_the_same_bytes_are_equal,
      slices_of_other_bytes_or_lengths_are_not,
      a_copy_has_the_bytes_and_its_own_memory)
