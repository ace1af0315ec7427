#include "storage/head_cache.h"
#include "tests/lib/stores.h"

#include <stdio.h>

static struct slice get(const struct head_cache *cache, struct stream stream)
{
    return head_cache_get(cache, stream, stream_hash(stream));
}

static void set(struct head_cache *cache, struct stream stream,
                struct slice row)
{
    head_cache_set(cache, stream, stream_hash(stream), row);
}

START_TEST(what_was_set_comes_back)
{
    struct head_cache cache;

    head_cache_init(&cache);
    ck_assert_uint_eq(get(&cache, test_stream("n", "a")).len, 0);
    set(&cache, test_stream("n", "a"), slice_str("row a"));
    set(&cache, test_stream("n", "b"), slice_str("row b"));
    ck_assert(
        slice_equal(get(&cache, test_stream("n", "a")), slice_str("row a")));
    ck_assert(
        slice_equal(get(&cache, test_stream("n", "b")), slice_str("row b")));
    ck_assert_uint_eq(get(&cache, test_stream("m", "a")).len, 0);
    head_cache_release(&cache);
}
END_TEST

START_TEST(newer_row_replaces_the_older)
{
    struct head_cache cache;
    struct stream stream = test_stream("n", "a");

    head_cache_init(&cache);
    set(&cache, stream, slice_str("old"));
    set(&cache, stream, slice_str("newer"));
    ck_assert(slice_equal(get(&cache, stream), slice_str("newer")));
    set(&cache, stream, slice_of(NULL, 0));
    ck_assert_uint_eq(get(&cache, stream).len, 0);
    head_cache_release(&cache);
}
END_TEST

START_TEST(row_that_is_too_long_takes_the_older_one_away)
{
    static const uint8_t bytes[HEAD_CACHE_BYTES_MAX];
    struct head_cache cache;
    struct stream stream = test_stream("n", "a");
    size_t fits = HEAD_CACHE_BYTES_MAX - stream.id.len;

    head_cache_init(&cache);
    set(&cache, stream, slice_of(bytes, fits));
    ck_assert_uint_eq(get(&cache, stream).len, fits);
    set(&cache, stream, slice_of(bytes, fits + 1));
    ck_assert_uint_eq(get(&cache, stream).len, 0);
    head_cache_release(&cache);
}
END_TEST

START_TEST(streams_with_one_hash_are_told_apart)
{
    struct head_cache cache;

    head_cache_init(&cache);
    head_cache_set(&cache, test_stream("n", "a"), 7, slice_str("row a"));
    head_cache_set(&cache, test_stream("n", "b"), 7, slice_str("row b"));
    ck_assert(slice_equal(head_cache_get(&cache, test_stream("n", "a"), 7),
                          slice_str("row a")));
    ck_assert(slice_equal(head_cache_get(&cache, test_stream("n", "b"), 7),
                          slice_str("row b")));
    ck_assert_uint_eq(head_cache_get(&cache, test_stream("n", "c"), 7).len, 0);
    head_cache_release(&cache);
}
END_TEST

START_TEST(of_too_many_alike_only_some_are_kept_and_none_is_wrong)
{
    struct head_cache cache;
    char key[16];
    size_t kept = 0;

    head_cache_init(&cache);
    for (int i = 0; i < 10; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        head_cache_set(&cache, test_stream("n", key), 7, slice_str(key));
    }
    for (int i = 0; i < 10; i++) {
        struct slice row;

        snprintf(key, sizeof(key), "k%d", i);
        row = head_cache_get(&cache, test_stream("n", key), 7);
        ck_assert(row.len == 0 || slice_equal(row, slice_str(key)));
        kept += row.len > 0;
    }
    ck_assert_uint_eq(kept, HEAD_CACHE_WAYS);
    head_cache_release(&cache);
}
END_TEST

START_TEST(cleared_cache_has_nothing)
{
    struct head_cache cache;

    head_cache_init(&cache);
    set(&cache, test_stream("n", "a"), slice_str("row"));
    head_cache_clear(&cache);
    ck_assert_uint_eq(get(&cache, test_stream("n", "a")).len, 0);
    set(&cache, test_stream("n", "a"), slice_str("again"));
    ck_assert(
        slice_equal(get(&cache, test_stream("n", "a")), slice_str("again")));
    head_cache_release(&cache);
}
END_TEST

SUITE(head_cache, 10, what_was_set_comes_back, newer_row_replaces_the_older,
      row_that_is_too_long_takes_the_older_one_away,
      streams_with_one_hash_are_told_apart,
      of_too_many_alike_only_some_are_kept_and_none_is_wrong,
      cleared_cache_has_nothing)
