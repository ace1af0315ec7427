#include "base/check.h"
#include "tests/lib/proto_io.h"
#include "tests/lib/runner.h"

static void ck_reads_text(const char *stream, const char *expected)
{
    ck_reads_bytes(slice_str(stream), expected);
}

/* Each reads so, alone and with `behind` it. */
static void ck_all_read(const char *const streams[], const char *behind,
                        const char *expected)
{
    char stream[256];

    for (size_t i = 0; streams[i] != NULL; i++) {
        ck_reads_text(streams[i], expected);
        snprintf(stream, sizeof(stream), "%s%s", streams[i], behind);
        ck_reads_text(stream, expected);
    }
}

START_TEST(malformed_counts_are_hopeless)
{
    static const char *const streams[] = {
        "*-1\r\n",  "*-",     "*+1\r\n", "* 1\r\n", "*1 \r\n",
        "*\r\n",    "*x",     "*0x1",    "*01\r\n", "*00\r\n",
        "*1\n",     "*1\r\r", "*1\rx",   "**",      "*-9223372036854775808",
        "*1.0\r\n", "*\"1\"", "*1$4",    NULL,
    };

    ck_all_read(streams, "\r\nPING\n", "hopeless SYNTAX\n");
}
END_TEST

START_TEST(malformed_lengths_are_hopeless)
{
    static const char *const streams[] = {
        "*1\r\n$-1\r\n", "*1\r\n$+5\r\n", "*1\r\n$0x10\r\n", "*1\r\n$ 4\r\n",
        "*1\r\n$04\r\n", "*1\r\n$00",     "*1\r\n$\r\n",     "*1\r\n$4\n",
        "*1\r\n$4\rP",   "*1\r\n$4 \r\n", "*1\r\n$4x",       NULL,
    };

    ck_all_read(streams, "PING\r\n", "hopeless SYNTAX\n");
}
END_TEST

START_TEST(words_that_are_no_bulk_strings_are_hopeless)
{
    static const char *const streams[] = {
        "*1\r\n:4\r\n", "*1\r\n+PING\r\n",
        "*1\r\n*1\r\n", "*1\r\nPING\r\n",
        "*1\r\n\r\n",   "*1\r\n\n",
        "*1\r\n4\r\n",  "*2\r\n$4\r\nPING\r\n\r\n",
        NULL,
    };

    ck_all_read(streams, "$4\r\nPING\r\n", "hopeless SYNTAX\n");
}
END_TEST

START_TEST(a_word_must_end_where_its_length_says)
{
    static const char *const streams[] = {
        "*1\r\n$3\r\nPING\r\n",
        "*1\r\n$4\r\nPING\n",
        "*1\r\n$4\r\nPING\rx",
        "*1\r\n$4\r\nPINGx",
        "*1\r\n$5\r\nPING\r\n*",
        "*1\r\n$0\r\n$",
        NULL,
    };

    ck_all_read(streams, "PING\r\n", "hopeless SYNTAX\n");
}
END_TEST

START_TEST(only_crlf_ends_a_header)
{
    ck_reads_text("*1\n$4\nPING\n", "hopeless SYNTAX\n");
}
END_TEST

START_TEST(an_empty_array_means_nothing)
{
    ck_reads_text("*0\r\n*0\r\nPING\n", "nothing\nnothing\nPING\n");
}
END_TEST

START_TEST(huge_counts_are_over_the_limit_at_once)
{
    static const char *const streams[] = {
        "*9223372036854775807\r\n",
        "*18446744073709551615\r\n",
        "*18446744073709551616\r\n",
        "*18446744073709551617\r\n",
        "*4294967296\r\n",
        "*4294967297\r\n",
        "*99999999999999999999999999999\r\n",
        NULL,
    };

    ck_all_read(streams, "$4\r\nPING\r\n", "hopeless LIMIT\n");
}
END_TEST

START_TEST(huge_lengths_are_over_the_limit_at_once)
{
    static const char *const streams[] = {
        "*1\r\n$9223372036854775807\r\n",
        "*1\r\n$18446744073709551615\r\n",
        "*1\r\n$18446744073709551616\r\n",
        "*1\r\n$18446744073709551606\r\n",
        "*1\r\n$4294967296\r\n",
        "*1\r\n$4294967300\r\n",
        "*2\r\n$4\r\nPING\r\n$9223372036854775807\r\n",
        "*1\r\n$99999999999999999999999999999\r\n",
        NULL,
    };

    ck_all_read(streams, "PING\r\n", "hopeless LIMIT\n");
}
END_TEST

START_TEST(a_header_has_a_longest_length)
{
    char count[64] = "*";
    char length[64] = "*1\r\n$";

    memset(count + 1, '9', 29);
    memset(length + 5, '9', 29);
    ck_reads_text(count, "more 30\n");
    ck_reads_text(length, "more 34\n");
    count[30] = '9';
    length[34] = '9';
    ck_reads_text(count, "hopeless SYNTAX\n");
    ck_reads_text(length, "hopeless SYNTAX\n");
}
END_TEST

/* `FROB` and `count` - 1 empty words. */
static void ck_reads_many(size_t count, size_t present, const char *expected)
{
    struct buf stream = {0};

    resp_append_count(&stream, count);
    if (present > 0) {
        resp_append_word(&stream, slice_str("FROB"));
    }
    for (size_t i = 1; i < present; i++) {
        resp_append_word(&stream, slice_of(NULL, 0));
    }
    if (count == present) {
        buf_append_str(&stream, "PING\n");
    }
    ck_reads_bytes(buf_slice(&stream), expected);
    buf_release(&stream);
}

START_TEST(a_count_that_cannot_fit_is_over_the_limit_at_once)
{
    /* 4288 bytes: `*713` and CRLF are 6, each word at least 6, FROB 4 more. */
    ck_assert_uint_eq(proto_request_bytes_max(&proto_io_limits), 4288);
    ck_reads_many(713, 0, "more 6\n");
    ck_reads_many(714, 0, "hopeless LIMIT\n");
    ck_reads_many(715, 0, "hopeless LIMIT\n");
    ck_reads_many(713, 713, "- ERR UNKNOWN_COMMAND\nPING\n");
    ck_reads_many(713, 712, "more 4282\n");
}
END_TEST

/* LOOKUP and a key of so many bytes, all of them there or none. */
static void ck_reads_length(size_t len, bool present, const char *expected)
{
    struct buf stream = {0};

    resp_append_count(&stream, 2);
    resp_append_word(&stream, slice_str("LOOKUP"));
    if (present) {
        struct buf key = {0};

        for (size_t i = 0; i < len; i++) {
            buf_append_byte(&key, '\n');
        }
        resp_append_word(&stream, buf_slice(&key));
        buf_release(&key);
    } else {
        buf_append_byte(&stream, '$');
        buf_append_u64(&stream, len);
        buf_append_str(&stream, "\r\n");
    }
    ck_reads_bytes(buf_slice(&stream), expected);
    buf_release(&stream);
}

START_TEST(a_length_that_cannot_fit_is_over_the_limit_at_once)
{
    size_t around = sizeof("*2\r\n$6\r\nLOOKUP\r\n$4200\r\n\r\n") - 1;
    size_t max = proto_request_bytes_max(&proto_io_limits) - around;

    ck_reads_length(max - 2, true, "LOOKUP ERR LIMIT\n");
    ck_reads_length(max - 1, true, "LOOKUP ERR LIMIT\n");
    ck_reads_length(max, true, "LOOKUP ERR LIMIT\n");
    ck_reads_length(max, false, "more 23\n");
    ck_reads_length(max + 1, false, "hopeless LIMIT\n");
    ck_reads_length(max + 2, false, "hopeless LIMIT\n");
}
END_TEST

START_TEST(a_length_must_leave_room_for_the_words_behind_it)
{
    /* Around 4263 bytes stand `*3`, their length, three CRLF and two empty
     * words: 25 bytes. */
    ck_reads_text("*3\r\n$4263\r\n", "more 11\n");
    ck_reads_text("*3\r\n$4264\r\n", "hopeless LIMIT\n");
}
END_TEST

START_TEST(words_are_any_bytes)
{
    uint8_t receipt[] = {0, '\n', '\r', '"', '\\', 0xff, ' ', '=', 0x7f};
    struct buf stream = {0};

    resp_append_count(&stream, 4);
    resp_append_word(&stream, slice_str("complete"));
    resp_append_word(&stream, slice_of("\r\n\0*", 4));
    resp_append_word(&stream, slice_of(receipt, sizeof(receipt)));
    resp_append_word(&stream, slice_of("fp=\0\n=", 6));
    ck_reads_bytes(buf_slice(&stream),
                   "COMPLETE key=\"\\x0d\\x0a\\x00*\" "
                   "receipt=\"\\x00\\x0a\\x0d\\x22\\x5c\\xff =\\x7f\" "
                   "fp=\"\\x00\\x0a=\"\n");
    buf_release(&stream);
}
END_TEST

START_TEST(nothing_is_unescaped)
{
    ck_reads_resp((const char *const[]){"LOOKUP", "\"a\\n\"", NULL},
                  "LOOKUP key=\"\\x22a\\x5cn\\x22\"");
    ck_reads_resp((const char *const[]){"CLAIM", "k", "owner=\"x\"", NULL},
                  "CLAIM key=\"k\" owner=\"\\x22x\\x22\"");
}
END_TEST

START_TEST(arguments_are_what_their_place_says)
{
    ck_reads_resp((const char *const[]){"COMPLETE", "ttl=5", "fence=12", NULL},
                  "COMPLETE key=\"ttl=5\" receipt=\"fence=12\"");
    ck_reads_resp((const char *const[]){"CLAIM", "lease=1", "lease=2", NULL},
                  "CLAIM key=\"lease=1\" lease=2");
    ck_reads_resp((const char *const[]){"COMPLETE", "k", "", NULL},
                  "COMPLETE key=\"k\" receipt=\"\"");
    ck_reads_resp((const char *const[]){"NAMESPACE", "ttl=5", NULL},
                  "NAMESPACE ERR LIMIT");
}
END_TEST

START_TEST(a_verb_of_any_bytes_is_unknown)
{
    ck_reads_resp((const char *const[]){"", NULL}, "- ERR UNKNOWN_COMMAND");
    ck_reads_resp((const char *const[]){"\"PING\"", NULL},
                  "- ERR UNKNOWN_COMMAND");
    ck_reads_resp((const char *const[]){"PING\n", NULL},
                  "- ERR UNKNOWN_COMMAND");
    ck_reads_resp((const char *const[]){" PING", NULL},
                  "- ERR UNKNOWN_COMMAND");
    ck_reads_bytes(slice_of("*1\r\n$5\r\nPING\0\r\n", 15),
                   "- ERR UNKNOWN_COMMAND\n");
}
END_TEST

START_TEST(what_redis_clients_send_first_is_unknown)
{
    ck_reads_resp((const char *const[]){"HELLO", "3", NULL},
                  "- ERR UNKNOWN_COMMAND");
    ck_reads_resp((const char *const[]){"COMMAND", "DOCS", NULL},
                  "- ERR UNKNOWN_COMMAND");
    ck_reads_resp((const char *const[]){"CONFIG", "GET", "save", NULL},
                  "- ERR UNKNOWN_COMMAND");
}
END_TEST

static void ck_reads_args(const char *verb, size_t count, const char *expected)
{
    struct buf stream = {0};

    resp_append_count(&stream, count + 1);
    resp_append_word(&stream, slice_str(verb));
    for (size_t i = 0; i < count; i++) {
        resp_append_word(&stream, slice_str("a"));
    }
    buf_append_str(&stream, "PING\n");
    ck_reads_bytes(buf_slice(&stream), expected);
    buf_release(&stream);
}

START_TEST(words_beyond_those_that_are_kept_are_counted)
{
    for (size_t count = 1; count < 40; count++) {
        ck_reads_args("FROB", count, "- ERR UNKNOWN_COMMAND\nPING\n");
        ck_reads_args("PING", count, "PING ERR SYNTAX\nPING\n");
    }
    ck_reads_args("FROB", 600, "- ERR UNKNOWN_COMMAND\nPING\n");
}
END_TEST

START_TEST(a_thousand_arguments_of_an_unknown_command_stay_in_step)
{
    struct proto_limits limits = {512, 65536, 1000, 1000};
    struct buf stream = {0};
    struct buf transcript = {0};

    resp_append_count(&stream, 1001);
    for (int i = 0; i < 1001; i++) {
        resp_append_word(&stream, slice_str("MSET"));
    }
    buf_append_str(&stream, "PING\n");
    proto_io_read(&transcript, buf_slice(&stream), 1, 997, &limits);
    ck_assert_str_eq((const char *)buf_slice(&transcript).data,
                     "- ERR UNKNOWN_COMMAND\nPING\n");
    buf_release(&stream);
    buf_release(&transcript);
}
END_TEST

SUITE(resp, 10, malformed_counts_are_hopeless, malformed_lengths_are_hopeless,
      words_that_are_no_bulk_strings_are_hopeless,
      a_word_must_end_where_its_length_says, only_crlf_ends_a_header,
      an_empty_array_means_nothing, huge_counts_are_over_the_limit_at_once,
      huge_lengths_are_over_the_limit_at_once, a_header_has_a_longest_length,
      a_count_that_cannot_fit_is_over_the_limit_at_once,
      a_length_that_cannot_fit_is_over_the_limit_at_once,
      a_length_must_leave_room_for_the_words_behind_it, words_are_any_bytes,
      nothing_is_unescaped, arguments_are_what_their_place_says,
      a_verb_of_any_bytes_is_unknown, what_redis_clients_send_first_is_unknown,
      words_beyond_those_that_are_kept_are_counted,
      a_thousand_arguments_of_an_unknown_command_stay_in_step)
