/* However a stream is cut into pieces, it reads the same. */
#include "base/check.h"
#include "tests/lib/proto_io.h"
#include "tests/lib/runner.h"

/* As text; a NUL stands in none of them, escapes and RESP words below do. */
static const char *const streams[] = {
    "CLAIM k lease=5s ttl=1m owner=\"9f2c 77\" fp=f\r\nPING\n",
    "COMPLETE \"k \\x00\\n\" {\"a\":1} fence=17\nCOMPLETE k \"\"\n",
    "RELEASE k\r\nRELEASE k fence=3\n",
    "EXTEND k fence=3 lease=1s\nEXTEND k\n",
    "LOOKUP \"\\\\\\\"\"\nLOOKUP \x80\xff\n",
    "NAMESPACE a.b\nNAMESPACE .\n",
    "SWEEP\nSTATS\nHELP\nQUIT\n",
    "\n\r\n \t\r\nPING\n\n",
    "FROB \"x\n\"PING\"\nCLAIM \"\" bogus=1\nLOOKUP \"\"\n\r\r\n",
    "*1\r\n$4\r\nPING\r\nPING\n*0\r\n*1\r\n$4\r\nPING\r\n",
    "*2\r\n$6\r\nLOOKUP\r\n$4\r\n\r\n\r\n\r\n*1\r\n$4\r\nPING\r\n",
    "*3\r\n$8\r\nCOMPLETE\r\n$1\r\nk\r\n$0\r\n\r\nPING\r\n",
    "*6\r\n$5\r\nCLAIM\r\n$1\r\nk\r\n$7\r\nlease=1\r\n$5\r\nttl=2\r\n"
    "$7\r\nowner=o\r\n$4\r\nfp=f\r\n*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n",
    "*14\r\n$4\r\nFROB\r\n$0\r\n\r\n$0\r\n\r\n$0\r\n\r\n$0\r\n\r\n$0\r\n\r\n"
    "$0\r\n\r\n$0\r\n\r\n$0\r\n\r\n$0\r\n\r\n$0\r\n\r\n$2\r\nab\r\n"
    "$11\r\nabcdefghijk\r\n$1\r\nx\r\nPING\n",
    "PING\n*-1\r\nPING\n",
    "*1\r\n$-1\r\nPING\n",
    "*1\r\n$4\r\nPINGxPING\n",
    "*1\r\n$4\r\nPING\rxPING\n",
    "*1\n$4\nPING\n",
    "*2\r\n$4\r\nPING\r\n:1\r\nPING\n",
    "*999999\r\nPING\n",
    "*1\r\n$9223372036854775807\r\nPING\n",
    "*1\r\n$111111111111111111111111111111111111111\r\nPING\n",
    "*1\r\n$007\r\nPING\n",
    "LOOKUP k\nPING",
    "*1\r\n$4\r\nPIN",
};

static void ck_same(const struct buf *whole, struct slice stream, size_t first,
                    size_t step)
{
    struct buf pieces = {0};

    proto_io_read(&pieces, stream, first, step, &proto_io_limits);
    ck_assert_msg(slice_equal(buf_slice(whole), buf_slice(&pieces)),
                  "%zu bytes, then %zu at a time: %s instead of %s", first,
                  step, (const char *)pieces.data, (const char *)whole->data);
    buf_release(&pieces);
}

static void ck_same_at_every_cut(struct slice stream)
{
    struct buf whole = {0};

    proto_io_read(&whole, stream, stream.len, 1, &proto_io_limits);
    for (size_t first = 0; first <= stream.len; first++) {
        ck_same(&whole, stream, first, stream.len);
        ck_same(&whole, stream, first, 1);
    }
    for (size_t step = 2; step < 9; step++) {
        ck_same(&whole, stream, step, step);
    }
    buf_release(&whole);
}

START_TEST(every_stream_reads_the_same_at_every_cut)
{
    ck_same_at_every_cut(slice_str(streams[_i]));
}
END_TEST

/* Every prefix is a stream too: what is whole in it reads as before. */
START_TEST(every_prefix_reads_as_the_beginning_of_the_whole)
{
    struct slice stream = slice_str(streams[_i]);
    struct buf whole = {0};

    proto_io_read(&whole, stream, stream.len, 1, &proto_io_limits);
    for (size_t len = 0; len < stream.len; len++) {
        struct buf prefix = {0};
        const char *more;
        size_t known;

        proto_io_read(&prefix, slice_of(stream.data, len), len, 1,
                      &proto_io_limits);
        more = strstr((const char *)prefix.data, "more ");
        known = more == NULL ? buf_len(&prefix)
                             : (size_t)(more - (const char *)prefix.data);
        ck_assert_uint_le(known, buf_len(&whole));
        ck_assert_int_eq(memcmp(prefix.data, whole.data, known), 0);
        buf_release(&prefix);
    }
    buf_release(&whole);
}
END_TEST

START_TEST(words_of_all_bytes_read_the_same_at_every_cut)
{
    uint8_t all[32];
    struct buf stream = {0};

    for (size_t part = 0; part < 8; part++) {
        for (size_t i = 0; i < sizeof(all); i++) {
            all[i] = (uint8_t)(part * sizeof(all) + i);
        }
        resp_append_count(&stream, 4);
        resp_append_word(&stream, slice_str("COMPLETE"));
        resp_append_word(&stream, slice_of(all, 16));
        resp_append_word(&stream, slice_of(all, sizeof(all)));
        resp_append_word(&stream, slice_str("fp=\r\n$1\r\n"));
        ck_same_at_every_cut(buf_slice(&stream));
        buf_clear(&stream);
    }
    buf_release(&stream);
}
END_TEST

START_TEST(a_line_that_is_too_long_is_so_at_every_cut)
{
    struct buf stream = {0};
    struct buf whole = {0};

    while (buf_len(&stream) < 4 * 4096) {
        buf_append_byte(&stream, 'x');
    }
    proto_io_read(&whole, buf_slice(&stream), buf_len(&stream), 1,
                  &proto_io_limits);
    ck_assert_str_eq((const char *)whole.data, "hopeless LIMIT\n");
    ck_same(&whole, buf_slice(&stream), 1, 1);
    ck_same(&whole, buf_slice(&stream), 4287, 1);
    ck_same(&whole, buf_slice(&stream), 4288, 1);
    ck_same(&whole, buf_slice(&stream), 4289, 1);
    ck_same(&whole, buf_slice(&stream), 100, 100);
    buf_release(&whole);
    buf_release(&stream);
}
END_TEST

suite_fn suite_cuts;
Suite *suite_cuts(void)
{
    int count = (int)(sizeof(streams) / sizeof(streams[0]));
    Suite *suite = suite_create("cuts");
    TCase *tcase = tcase_create("cuts");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, every_stream_reads_the_same_at_every_cut, 0,
                        count);
    tcase_add_loop_test(tcase, every_prefix_reads_as_the_beginning_of_the_whole,
                        0, count);
    tcase_add_test(tcase, words_of_all_bytes_read_the_same_at_every_cut);
    tcase_add_test(tcase, a_line_that_is_too_long_is_so_at_every_cut);
    suite_add_tcase(suite, tcase);
    return suite;
}
