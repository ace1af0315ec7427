/* The longest replies, and receipts that come back as what they were. */
#include "base/check.h"
#include "base/counters.h"
#include "proto/proto.h"
#include "tests/lib/proto_io.h"
#include "tests/lib/runner.h"

static const enum proto_framing framings[] = {FRAMING_LINE, FRAMING_RESP};

static size_t reply_bytes(enum proto_framing framing, const struct reply *reply,
                          const struct proto_stats *stats)
{
    struct buf out = {0};
    size_t len;

    proto_reply(&out, framing, reply, stats);
    ck_assert(!buf_failed(&out));
    len = buf_len(&out);
    buf_release(&out);
    return len;
}

/* Every number and slice at its longest; owner and receipt of bytes that take
 * the most room in quotes. */
static struct reply longest_reply(enum reply_kind kind, struct slice receipt)
{
    static const uint8_t owner[OWNER_BYTES_MAX];

    return (struct reply){.kind = kind,
                          .fence = UINT64_MAX,
                          .attempt = UINT64_MAX,
                          .age_ms = UINT64_MAX,
                          .lease_ms = UINT64_MAX,
                          .retry_ms = UINT64_MAX,
                          .ttl_ms = UINT64_MAX,
                          .again = true,
                          .receipt = receipt,
                          .owner = slice_of(owner, sizeof(owner)),
                          .swept_scanned = UINT64_MAX,
                          .swept_expired = UINT64_MAX,
                          .swept_retained = UINT64_MAX};
}

START_TEST(no_state_is_longer_than_its_bound)
{
    static const enum reply_kind kinds[] = {
        REPLY_OK,      REPLY_EXTENDED,  REPLY_CLAIMED,   REPLY_INFLIGHT,
        REPLY_EXPIRED, REPLY_COMPLETED, REPLY_NOT_FOUND, REPLY_SWEPT,
        REPLY_PONG,    REPLY_BYE,
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct reply reply = longest_reply(kinds[i], slice_of(NULL, 0));

        for (size_t f = 0; f < 2; f++) {
            ck_assert_uint_le(reply_bytes(framings[f], &reply, NULL),
                              PROTO_REPLY_BYTES_MAX);
        }
    }
}
END_TEST

START_TEST(no_error_is_longer_than_its_bound)
{
    for (int i = 0; i < STATUS_WIRE_COUNT; i++) {
        struct reply reply = reply_error(STATUS_FIRST_ + 1 + i);

        for (size_t f = 0; f < 2; f++) {
            ck_assert_uint_le(reply_bytes(framings[f], &reply, NULL),
                              PROTO_REPLY_BYTES_MAX);
        }
    }
}
END_TEST

START_TEST(no_receipt_is_longer_than_its_bound)
{
    static const size_t lens[] = {0, 1, 255, 256, 257, 1000, 65536, 1 << 20};
    static const uint8_t fills[] = {0x00, '"', '\n', 'x', 0x7f, 0xff};
    uint8_t *bytes = guarded_room(GUARDED_INPUT, 1 << 20);

    for (size_t c = 0; c < sizeof(fills); c++) {
        memset(bytes, fills[c], 1 << 20);
        for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
            struct reply reply =
                longest_reply(REPLY_COMPLETED, slice_of(bytes, lens[i]));

            for (size_t f = 0; f < 2; f++) {
                ck_assert_uint_le(reply_bytes(framings[f], &reply, NULL),
                                  PROTO_REPLY_BYTES_MAX +
                                      proto_receipt_bytes_max(framings[f],
                                                              lens[i]));
            }
        }
    }
}
END_TEST

START_TEST(the_bound_of_a_receipt_is_not_idle)
{
    ck_assert_uint_eq(proto_receipt_bytes_max(FRAMING_LINE, 100), 400);
    ck_assert_uint_eq(proto_receipt_bytes_max(FRAMING_RESP, 100), 100);
}
END_TEST

START_TEST(help_is_within_its_bound)
{
    struct reply reply = {.kind = REPLY_HELP};

    for (size_t f = 0; f < 2; f++) {
        ck_assert_uint_le(reply_bytes(framings[f], &reply, NULL),
                          PROTO_LIST_BYTES_MAX);
    }
}
END_TEST

enum { STATS_MAX = 128, NAME_BYTES = 64 };

struct collected {
    struct proto_stat stats[STATS_MAX];
    char names[STATS_MAX][NAME_BYTES];
    size_t count;
};

static void collect(void *arg, const char *name, uint64_t value)
{
    struct collected *to = arg;

    ck_assert_uint_lt(to->count, STATS_MAX - 1);
    snprintf(to->names[to->count], NAME_BYTES, "%s", name);
    to->stats[to->count] =
        (struct proto_stat){to->names[to->count], NULL, value | UINT64_MAX};
    to->count++;
}

START_TEST(all_counters_at_their_longest_are_within_the_bound)
{
    static struct collected all;
    static struct counters counters;
    struct reply reply = {.kind = REPLY_STATS};
    struct proto_stats stats;

    counters_each(&counters, collect, &all);
    all.stats[all.count++] = (struct proto_stat){"version", "100.100.100", 0};
    stats = (struct proto_stats){all.stats, all.count};
    for (size_t f = 0; f < 2; f++) {
        ck_assert_uint_le(reply_bytes(framings[f], &reply, &stats),
                          PROTO_LIST_BYTES_MAX);
    }
}
END_TEST

/* What a COMPLETED line shows in quotes, sent as the receipt of a COMPLETE. */
static void ck_comes_back(struct slice receipt)
{
    struct proto_limits limits = {512, 1024, 1000, 1000};
    struct reply reply = {.kind = REPLY_COMPLETED, .receipt = receipt};
    struct buf out = {0};
    struct buf line = {0};
    struct slice quoted;
    struct proto_frame frame = {0};
    struct command command;
    const char *sentence;
    int status;

    proto_reply(&out, FRAMING_LINE, &reply, NULL);
    quoted = slice_of(out.data + strlen("COMPLETED "),
                      buf_len(&out) - strlen("COMPLETED ") -
                          strlen(" fence=0 age=0 ttl=0\n"));
    buf_append_str(&line, "COMPLETE k ");
    buf_append_slice(&line, quoted);
    buf_append_byte(&line, '\n');
    ck_assert_int_eq(proto_frame(&frame, buf_slice(&line), &limits, &status),
                     PROTO_REQUEST);
    ck_assert_uint_eq(frame.bytes, buf_len(&line));
    ck_assert_int_eq(proto_command(&frame, buf_slice(&line), &limits,
                                   guarded_room(GUARDED_SCRATCH, frame.bytes),
                                   &command, &sentence),
                     0);
    ck_assert(slice_equal(command.receipt, receipt));
    buf_release(&out);
    buf_release(&line);
}

START_TEST(every_byte_comes_back_from_quotes)
{
    uint8_t all[256];

    for (size_t i = 0; i < sizeof(all); i++) {
        all[i] = (uint8_t)i;
        ck_comes_back(slice_of(&all[i], 1));
    }
    ck_comes_back(slice_of(all, sizeof(all)));
    ck_comes_back(slice_of(NULL, 0));
}
END_TEST

/* Long receipts are not looked at byte by byte. */
START_TEST(every_byte_comes_back_wherever_it_stands)
{
    uint8_t bytes[24];

    for (unsigned c = 0; c < 256; c++) {
        for (size_t i = 0; i < sizeof(bytes); i++) {
            memset(bytes, 0xa2, sizeof(bytes));
            bytes[i] = (uint8_t)c;
            ck_comes_back(slice_of(bytes, sizeof(bytes)));
        }
    }
}
END_TEST

START_TEST(every_pair_of_a_special_byte_comes_back_from_quotes)
{
    static const char special[] = "\"\\nrtx0 \t\r\n=";

    for (size_t i = 0; i < sizeof(special); i++) {
        for (unsigned c = 0; c < 256; c++) {
            uint8_t pair[] = {(uint8_t)special[i], (uint8_t)c,
                              (uint8_t)special[i]};

            ck_comes_back(slice_of(pair, sizeof(pair)));
        }
    }
}
END_TEST

START_TEST(quotes_show_what_the_protocol_says)
{
    struct reply reply = {.kind = REPLY_COMPLETED,
                          .receipt =
                              slice_of("\0\t\n\r\x1f !\"\\~\x7f\x80\xff", 13)};
    struct buf out = {0};

    proto_reply(&out, FRAMING_LINE, &reply, NULL);
    buf_append_byte(&out, '\0');
    ck_assert_str_eq((const char *)out.data,
                     "COMPLETED \"\\x00\\t\\n\\r\\x1f !\\\"\\\\~\\x7f\x80\xff\""
                     " fence=0 age=0 ttl=0\n");
    buf_release(&out);
}
END_TEST

START_TEST(every_byte_stands_in_a_bulk_string_as_it_is)
{
    uint8_t all[256];
    struct reply reply = {.kind = REPLY_COMPLETED,
                          .receipt = slice_of(all, sizeof(all))};
    const char *before = "*8\r\n$9\r\nCOMPLETED\r\n$256\r\n";
    struct buf out = {0};

    for (size_t i = 0; i < sizeof(all); i++) {
        all[i] = (uint8_t)i;
    }
    proto_reply(&out, FRAMING_RESP, &reply, NULL);
    ck_assert_uint_gt(buf_len(&out), strlen(before) + sizeof(all));
    ck_assert_int_eq(memcmp(out.data, before, strlen(before)), 0);
    ck_assert_int_eq(memcmp(out.data + strlen(before), all, sizeof(all)), 0);
    buf_release(&out);
}
END_TEST

SUITE(reply_bounds, 30, no_state_is_longer_than_its_bound,
      no_error_is_longer_than_its_bound, no_receipt_is_longer_than_its_bound,
      the_bound_of_a_receipt_is_not_idle, help_is_within_its_bound,
      all_counters_at_their_longest_are_within_the_bound,
      every_byte_comes_back_from_quotes,
      every_byte_comes_back_wherever_it_stands,
      every_pair_of_a_special_byte_comes_back_from_quotes,
      quotes_show_what_the_protocol_says,
      every_byte_stands_in_a_bulk_string_as_it_is)
