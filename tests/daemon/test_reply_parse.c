/* The reader of replies judges the daemon, so it is judged itself: it reads
 * what proto/ writes, waits for the rest of what is cut, and takes nothing
 * else. */
#include "proto/proto.h"
#include "tests/lib/reply_parse.h"
#include "tests/lib/runner.h"

#define BYTES(text)                                                            \
    {                                                                          \
        (const uint8_t *)(text), sizeof(text) - 1                              \
    }
#define BIG UINT64_MAX

static const struct reply replies[] = {
    {.kind = REPLY_OK},
    {.kind = REPLY_PONG},
    {.kind = REPLY_BYE},
    {.kind = REPLY_NOT_FOUND},
    {.kind = REPLY_HELP},
    {.kind = REPLY_EXTENDED, .lease_ms = 0},
    {.kind = REPLY_EXTENDED, .lease_ms = BIG},
    {.kind = REPLY_CLAIMED, .fence = 1, .attempt = 1},
    {.kind = REPLY_CLAIMED,
     .fence = FENCE_MAX,
     .lease_ms = BIG,
     .attempt = BIG,
     .again = true},
    {.kind = REPLY_INFLIGHT, .fence = 10, .attempt = 2, .lease_ms = 100},
    {.kind = REPLY_INFLIGHT,
     .fence = 7,
     .age_ms = 5,
     .lease_ms = 6,
     .retry_ms = 8,
     .attempt = 9,
     .owner = BYTES("o \"\\\n\r\t\x01\x7f\x80\xff")},
    {.kind = REPLY_EXPIRED, .fence = 7, .age_ms = BIG, .attempt = 3},
    {.kind = REPLY_EXPIRED, .fence = 7, .attempt = 3, .owner = BYTES("\n")},
    {.kind = REPLY_COMPLETED, .fence = 3, .age_ms = 1, .ttl_ms = 2},
    {.kind = REPLY_COMPLETED,
     .fence = 3,
     .receipt = BYTES("\r\n\"} fence=9\\x00\0\n $3\r\n\x1f\x7f\xc3\xa4")},
    {.kind = REPLY_SWEPT,
     .swept_scanned = 3,
     .swept_expired = 2,
     .swept_retained = 1},
    {.kind = REPLY_ERROR, .error = E_SYNTAX},
    {.kind = REPLY_ERROR, .error = E_UNKNOWN_COMMAND},
    {.kind = REPLY_ERROR, .error = E_NOT_FOUND},
    {.kind = REPLY_ERROR, .error = E_SHUTTING_DOWN, .sentence = "so it is"},
};

enum { REPLIES = sizeof(replies) / sizeof(replies[0]) };

static bool same(const struct reply *a, const struct reply *b)
{
    return a->kind == b->kind && a->error == b->error && a->fence == b->fence &&
           a->attempt == b->attempt && a->age_ms == b->age_ms &&
           a->lease_ms == b->lease_ms && a->retry_ms == b->retry_ms &&
           a->ttl_ms == b->ttl_ms && a->again == b->again &&
           slice_equal(a->receipt, b->receipt) &&
           slice_equal(a->owner, b->owner) &&
           a->swept_scanned == b->swept_scanned &&
           a->swept_expired == b->swept_expired &&
           a->swept_retained == b->swept_retained;
}

/* All of it, all of it with more behind, and each beginning of it. */
static void reads_back(const struct reply *reply, bool resp)
{
    struct parsed parsed = {.used = 0};
    struct buf bytes = {0};
    size_t len;

    proto_reply(&bytes, resp ? FRAMING_RESP : FRAMING_LINE, reply, NULL);
    len = buf_len(&bytes);
    buf_append_str(&bytes, "\"\n ");
    for (size_t more = 0; more <= 3; more++) {
        struct slice input = slice_of(buf_slice(&bytes).data, len + more);

        ck_assert_int_eq((int)reply_parse(&parsed, resp, input),
                         (int)PARSE_REPLY);
        ck_assert_uint_eq(parsed.used, len);
        ck_assert(same(&parsed.reply, reply));
    }
    for (size_t cut = 0; cut < len; cut++) {
        struct slice input = slice_of(buf_slice(&bytes).data, cut);

        ck_assert_int_eq((int)reply_parse(&parsed, resp, input),
                         (int)PARSE_MORE);
    }
    parsed_release(&parsed);
    buf_release(&bytes);
}

START_TEST(every_reply_is_read_back)
{
    for (size_t i = 0; i < REPLIES; i++) {
        reads_back(&replies[i], false);
        reads_back(&replies[i], true);
    }
}
END_TEST

START_TEST(sentences_are_read)
{
    struct parsed parsed = {.used = 0};

    ck_assert_int_eq((int)reply_parse(&parsed, false,
                                      slice_str("ERR LIMIT too long\nERR")),
                     (int)PARSE_REPLY);
    ck_assert(slice_equal(parsed.sentence, slice_str("too long")));
    ck_assert_int_eq((int)reply_parse(&parsed, true,
                                      slice_str("-BUSY not now\r\n")),
                     (int)PARSE_REPLY);
    ck_assert(slice_equal(parsed.sentence, slice_str("not now")));
    ck_assert_int_eq(parsed.reply.error, E_BUSY);
    parsed_release(&parsed);
}
END_TEST

START_TEST(stats_are_read_in_both_framings)
{
    static const struct proto_stat stats[] = {{"turns", NULL, 17},
                                              {"syncs", NULL, 0},
                                              {"version", "1.2", 0}};
    const struct proto_stats page = {stats, 3};
    struct reply reply = {.kind = REPLY_STATS};
    struct parsed parsed = {.used = 0};

    for (int resp = 0; resp < 2; resp++) {
        struct buf bytes = {0};

        proto_reply(&bytes, resp ? FRAMING_RESP : FRAMING_LINE, &reply, &page);
        ck_assert_int_eq((int)reply_parse(&parsed, resp, buf_slice(&bytes)),
                         (int)PARSE_REPLY);
        ck_assert_uint_eq(parsed.used, buf_len(&bytes));
        ck_assert_uint_eq(parsed.items_count, 3);
        ck_assert(slice_equal(parsed.items[0].name, slice_str("turns")));
        ck_assert(slice_equal(parsed.items[0].value, slice_str("17")));
        ck_assert(slice_equal(parsed.items[2].name, slice_str("version")));
        ck_assert(slice_equal(parsed.items[2].value, slice_str("1.2")));
        buf_release(&bytes);
    }
    parsed_release(&parsed);
}
END_TEST

static void is_wrong(bool resp, const char *text)
{
    struct parsed parsed = {.used = 0};
    enum parse_state state = reply_parse(&parsed, resp, slice_str(text));

    ck_assert_msg(state == PARSE_WRONG, "taken: %s", text);
    ck_assert_uint_eq(parsed.used, 0);
    ck_assert_ptr_nonnull(parsed.wrong);
    parsed_release(&parsed);
}

START_TEST(lines_that_are_not_quite_right_are_wrong)
{
    static const char *const lines[] = {
        "OK\r\n",
        " OK\n",
        "ok\n",
        "OK \n",
        "\n",
        "+OK\n",
        "OK fence=1\n",
        "OK lease=1 more=2\n",
        "OK lease=01\n",
        "OK lease=\n",
        "OK lease=-1\n",
        "OK lease=18446744073709551616\n",
        "OK  lease=1\n",
        "PONG \n",
        "NOT_FOUND x\n",
        "CLAIMED\n",
        "CLAIMED fence=0 lease=1 attempt=1\n",
        "CLAIMED fence=9007199254740992 lease=1 attempt=1\n",
        "CLAIMED lease=1 fence=1 attempt=1\n",
        "CLAIMED fence=1 lease=1 attempt=0\n",
        "CLAIMED fence=1 lease=1 attempt=1 again=0\n",
        "CLAIMED fence=1 lease=1 attempt=1 again=1 x=1\n",
        "CLAIMED fence=1 lease=1 attempt=1 owner=\"o\"\n",
        "INFLIGHT fence=1 age=1 lease=1 attempt=1\n",
        "INFLIGHT fence=1 age=1 lease=1 retry=1 attempt=1 owner=\"\"\n",
        "EXPIRED fence=1 age=1 attempt=1 owner=o\n",
        "COMPLETED fence=1 age=1 ttl=1\n",
        "COMPLETED r fence=1 age=1 ttl=1\n",
        "COMPLETED \"r\"fence=1 age=1 ttl=1\n",
        "COMPLETED \"\\x41\" fence=1 age=1 ttl=1\n",
        "COMPLETED \"\\x0A\" fence=1 age=1 ttl=1\n",
        "COMPLETED \"\\x0a\" fence=1 age=1 ttl=1\n",
        "COMPLETED \"\\xff\" fence=1 age=1 ttl=1\n",
        "COMPLETED \"\\a\" fence=1 age=1 ttl=1\n",
        "COMPLETED \"\t\" fence=1 age=1 ttl=1\n",
        "COMPLETED \"\x7f\" fence=1 age=1 ttl=1\n",
        "SWEPT scanned=1 expired=1\n",
        "ERR\n",
        "ERR SYNTAX\n",
        "ERR SYNTAX \n",
        "ERR syntax no\n",
        "ERR IO no\n",
        "ERR LIMIT one\r\n",
        "-LIMIT one\n",
        "STATS 1\nturns\n",
        "STATS 01\nturns 1\n",
        "STATS 1\nturns 1 2\n",
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        is_wrong(false, lines[i]);
    }
}
END_TEST

START_TEST(resp_that_is_not_quite_right_is_wrong)
{
    static const char *const texts[] = {
        "OK\r\n",
        "+OK\n",
        "+OK \r\n",
        "+CLAIMED\r\n",
        ":1\r\n",
        "$2\r\nOK\r\n",
        "*0\r\n",
        "*-1\r\n",
        "*1\r\n$2\r\nOK\r\n",
        "*1\r\n$4\r\nPONG\r\n:1\r\n",
        "*01\r\n$9\r\nNOT_FOUND\r\n",
        "*2\r\n$9\r\nNOT_FOUND\r\n:1\r\n",
        "*1\r\n$9\r\nNOT_FOUNDx\r\n",
        "*3\r\n$2\r\nOK\r\n$5\r\nlease\r\n$1\r\n1\r\n",
        "*3\r\n$2\r\nOK\r\n+lease\r\n:1\r\n",
        "*3\r\n$2\r\nOK\r\n$5\r\nlease\r\n:01\r\n",
        "*3\r\n$2\r\nOK\r\n$5\r\nfence\r\n:1\r\n",
        "*5\r\n$2\r\nOK\r\n$5\r\nlease\r\n:1\r\n$1\r\nx\r\n:1\r\n",
        "*3\r\n$7\r\nCLAIMED\r\n$5\r\nfence\r\n:1\r\n",
        "-ERR Unknown command\r\n",
        "-ERR unknown command 'x'\r\n",
        "-UNKNOWN_COMMAND no\r\n",
        "-LIMIT\r\n",
        "-LIMIT one\n",
        "-limit one\r\n",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        is_wrong(true, texts[i]);
    }
}
END_TEST

SUITE(reply_parse, 10, every_reply_is_read_back, sentences_are_read,
      stats_are_read_in_both_framings, lines_that_are_not_quite_right_are_wrong,
      resp_that_is_not_quite_right_is_wrong)
