#include "storage/stream.h"
#include "tests/lib/stores.h"

START_TEST(id_has_lengths_before_bytes)
{
    static const uint8_t expected[] = "\x02"
                                      "ns\x00\x03key";

    ck_assert(slice_equal(test_stream("ns", "key").id,
                          slice_of(expected, sizeof(expected) - 1)));
}
END_TEST

START_TEST(namespace_and_key_come_back)
{
    const uint8_t binary[] = {0, 0xff, '\n', 0};
    struct slice key = slice_of(binary, sizeof(binary));
    struct stream stream = test_stream_bytes(slice_str("a.b"), key);

    ck_assert(slice_equal(stream_namespace(stream), slice_str("a.b")));
    ck_assert(slice_equal(stream_key(stream), key));
}
END_TEST

START_TEST(longest_namespace_and_key_come_back)
{
    static uint8_t ns[NAMESPACE_BYTES_MAX];
    static uint8_t key[STREAM_KEY_BYTES_MAX];
    struct stream stream;

    memset(ns, 'n', sizeof(ns));
    memset(key, 'k', sizeof(key));
    stream =
        test_stream_bytes(slice_of(ns, sizeof(ns)), slice_of(key, sizeof(key)));
    ck_assert(slice_equal(stream_namespace(stream), slice_of(ns, sizeof(ns))));
    ck_assert(slice_equal(stream_key(stream), slice_of(key, sizeof(key))));
}
END_TEST

START_TEST(no_id_is_a_prefix_of_another)
{
    struct stream streams[] = {
        test_stream("a", "k"),  test_stream("a", "kk"),
        test_stream("ak", "k"), test_stream("a.b", "k"),
        test_stream("a0", "k"), test_stream("a", ".bk"),
    };
    size_t count = sizeof(streams) / sizeof(streams[0]);

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            struct slice a = streams[i].id;
            struct slice b = streams[j].id;

            ck_assert(i == j || a.len > b.len ||
                      memcmp(a.data, b.data, a.len) != 0);
        }
    }
}
END_TEST

START_TEST(take_cuts_whole_ids_off_the_front)
{
    struct stream one = test_stream("a", "k");
    struct stream two = test_stream("b", "longer");
    uint8_t both[64];
    struct slice rest = slice_of(both, one.id.len + two.id.len);
    struct stream taken;

    slice_copy(both, one.id);
    slice_copy(both + one.id.len, two.id);
    ck_assert(stream_take(&rest, &taken));
    ck_assert(stream_equal(taken, one));
    ck_assert(stream_take(&rest, &taken));
    ck_assert(stream_equal(taken, two));
    ck_assert_uint_eq(rest.len, 0);
    ck_assert(!stream_take(&rest, &taken));
}
END_TEST

START_TEST(take_refuses_every_cut_id)
{
    struct stream whole = test_stream("name", "key");

    for (size_t len = 0; len < whole.id.len; len++) {
        struct slice cut = slice_of(whole.id.data, len);
        struct stream taken;

        ck_assert(!stream_take(&cut, &taken));
        ck_assert_uint_eq(cut.len, len);
    }
}
END_TEST

START_TEST(take_refuses_lengths_out_of_bounds)
{
    const uint8_t no_namespace[] = {0, 0, 1, 'k'};
    const uint8_t no_key[] = {1, 'n', 0, 0, 'k'};
    uint8_t long_namespace[128] = {NAMESPACE_BYTES_MAX + 1};
    struct slice bytes = slice_of(no_namespace, sizeof(no_namespace));
    struct stream taken;

    ck_assert(!stream_take(&bytes, &taken));
    bytes = slice_of(no_key, sizeof(no_key));
    ck_assert(!stream_take(&bytes, &taken));
    long_namespace[NAMESPACE_BYTES_MAX + 3] = 1;
    bytes = slice_of(long_namespace, sizeof(long_namespace));
    ck_assert(!stream_take(&bytes, &taken));
}
END_TEST

START_TEST(hash_depends_on_namespace_and_key)
{
    uint64_t hash = stream_hash(test_stream("a", "k"));

    ck_assert_uint_eq(hash, stream_hash(test_stream("a", "k")));
    ck_assert_uint_ne(hash, stream_hash(test_stream("b", "k")));
    ck_assert_uint_ne(hash, stream_hash(test_stream("a", "l")));
}
END_TEST

SUITE(stream, 10, id_has_lengths_before_bytes, namespace_and_key_come_back,
      longest_namespace_and_key_come_back, no_id_is_a_prefix_of_another,
      take_cuts_whole_ids_off_the_front, take_refuses_every_cut_id,
      take_refuses_lengths_out_of_bounds, hash_depends_on_namespace_and_key)
