#include "base/check.h"
#include "proto/proto.h"
#include "proto/verbs.h"
#include "tests/lib/runner.h"

#include <signal.h>

static void ck_framed(enum proto_framing framing, const struct reply *reply,
                      const struct proto_stats *stats, const char *expected)
{
    struct buf out = {0};

    proto_reply(&out, framing, reply, stats);
    ck_assert(!buf_failed(&out));
    buf_append_byte(&out, '\0');
    ck_assert_str_eq((const char *)buf_slice(&out).data, expected);
    buf_release(&out);
}

static void ck_reply(struct reply reply, const char *line, const char *resp)
{
    ck_framed(FRAMING_LINE, &reply, NULL, line);
    ck_framed(FRAMING_RESP, &reply, NULL, resp);
}

#define BULK_FENCE_17 "$5\r\nfence\r\n:17\r\n"

START_TEST(ok_pong_and_bye_are_single_words)
{
    ck_reply((struct reply){.kind = REPLY_OK}, "OK\n", "+OK\r\n");
    ck_reply((struct reply){.kind = REPLY_PONG}, "PONG\n", "+PONG\r\n");
    ck_reply((struct reply){.kind = REPLY_BYE}, "BYE\n", "+BYE\r\n");
}
END_TEST

START_TEST(extended_shows_the_lease)
{
    ck_reply((struct reply){.kind = REPLY_EXTENDED, .lease_ms = 300000},
             "OK lease=300000\n",
             "*3\r\n$2\r\nOK\r\n$5\r\nlease\r\n:300000\r\n");
}
END_TEST

START_TEST(claimed_shows_fence_lease_and_attempt)
{
    ck_reply((struct reply){.kind = REPLY_CLAIMED,
                            .fence = 17,
                            .lease_ms = 300000,
                            .attempt = 1},
             "CLAIMED fence=17 lease=300000 attempt=1\n",
             "*7\r\n$7\r\nCLAIMED\r\n" BULK_FENCE_17
             "$5\r\nlease\r\n:300000\r\n$7\r\nattempt\r\n:1\r\n");
}
END_TEST

START_TEST(claimed_again_says_so_at_the_end)
{
    ck_reply((struct reply){.kind = REPLY_CLAIMED,
                            .fence = 17,
                            .lease_ms = 0,
                            .attempt = 2,
                            .again = true},
             "CLAIMED fence=17 lease=0 attempt=2 again=1\n",
             "*9\r\n$7\r\nCLAIMED\r\n" BULK_FENCE_17
             "$5\r\nlease\r\n:0\r\n$7\r\nattempt\r\n:2\r\n"
             "$5\r\nagain\r\n:1\r\n");
}
END_TEST

START_TEST(inflight_shows_five_numbers)
{
    ck_reply((struct reply){.kind = REPLY_INFLIGHT,
                            .fence = 17,
                            .age_ms = 1,
                            .lease_ms = 2,
                            .retry_ms = 3,
                            .attempt = 4},
             "INFLIGHT fence=17 age=1 lease=2 retry=3 attempt=4\n",
             "*11\r\n$8\r\nINFLIGHT\r\n" BULK_FENCE_17
             "$3\r\nage\r\n:1\r\n$5\r\nlease\r\n:2\r\n$5\r\nretry\r\n:3\r\n"
             "$7\r\nattempt\r\n:4\r\n");
}
END_TEST

START_TEST(an_owner_is_the_last_field)
{
    struct slice owner = slice_of("a \"\x01", 4);

    ck_reply((struct reply){.kind = REPLY_INFLIGHT,
                            .fence = 17,
                            .attempt = 1,
                            .owner = owner},
             "INFLIGHT fence=17 age=0 lease=0 retry=0 attempt=1 "
             "owner=\"a \\\"\\x01\"\n",
             "*13\r\n$8\r\nINFLIGHT\r\n" BULK_FENCE_17
             "$3\r\nage\r\n:0\r\n$5\r\nlease\r\n:0\r\n$5\r\nretry\r\n:0\r\n"
             "$7\r\nattempt\r\n:1\r\n$5\r\nowner\r\n$4\r\na \"\x01\r\n");
    ck_reply((struct reply){.kind = REPLY_EXPIRED,
                            .fence = 17,
                            .age_ms = 9,
                            .attempt = 1,
                            .owner = slice_str("me")},
             "EXPIRED fence=17 age=9 attempt=1 owner=\"me\"\n",
             "*9\r\n$7\r\nEXPIRED\r\n" BULK_FENCE_17
             "$3\r\nage\r\n:9\r\n$7\r\nattempt\r\n:1\r\n"
             "$5\r\nowner\r\n$2\r\nme\r\n");
}
END_TEST

START_TEST(expired_shows_three_numbers)
{
    ck_reply((struct reply){.kind = REPLY_EXPIRED,
                            .fence = 17,
                            .age_ms = 70000,
                            .attempt = 3},
             "EXPIRED fence=17 age=70000 attempt=3\n",
             "*7\r\n$7\r\nEXPIRED\r\n" BULK_FENCE_17
             "$3\r\nage\r\n:70000\r\n$7\r\nattempt\r\n:3\r\n");
}
END_TEST

START_TEST(completed_shows_the_receipt_first)
{
    ck_reply((struct reply){.kind = REPLY_COMPLETED,
                            .receipt = slice_str("r \\"),
                            .fence = 17,
                            .age_ms = 5,
                            .ttl_ms = 86400000},
             "COMPLETED \"r \\\\\" fence=17 age=5 ttl=86400000\n",
             "*8\r\n$9\r\nCOMPLETED\r\n$3\r\nr \\\r\n" BULK_FENCE_17
             "$3\r\nage\r\n:5\r\n$3\r\nttl\r\n:86400000\r\n");
}
END_TEST

START_TEST(an_empty_receipt_is_shown)
{
    ck_reply((struct reply){.kind = REPLY_COMPLETED, .fence = 17},
             "COMPLETED \"\" fence=17 age=0 ttl=0\n",
             "*8\r\n$9\r\nCOMPLETED\r\n$0\r\n\r\n" BULK_FENCE_17
             "$3\r\nage\r\n:0\r\n$3\r\nttl\r\n:0\r\n");
}
END_TEST

START_TEST(not_found_is_an_array_of_one)
{
    ck_reply((struct reply){.kind = REPLY_NOT_FOUND}, "NOT_FOUND\n",
             "*1\r\n$9\r\nNOT_FOUND\r\n");
}
END_TEST

START_TEST(swept_shows_three_counts)
{
    ck_reply((struct reply){.kind = REPLY_SWEPT,
                            .swept_scanned = 3,
                            .swept_expired = 2,
                            .swept_retained = 1},
             "SWEPT scanned=3 expired=2 retained=1\n",
             "*7\r\n$5\r\nSWEPT\r\n$7\r\nscanned\r\n:3\r\n"
             "$7\r\nexpired\r\n:2\r\n$8\r\nretained\r\n:1\r\n");
}
END_TEST

START_TEST(errors_show_code_and_sentence)
{
    ck_reply(reply_error(E_STALE),
             "ERR STALE the fence is not that of the last claim\n",
             "-STALE the fence is not that of the last claim\r\n");
    ck_reply(reply_error_because(E_LIMIT, "too long"), "ERR LIMIT too long\n",
             "-LIMIT too long\r\n");
}
END_TEST

START_TEST(every_error_shows_its_own_code)
{
#define X(name, sentence)                                                      \
    ck_framed(FRAMING_LINE,                                                    \
              &(struct reply){.kind = REPLY_ERROR, .error = E_##name}, NULL,   \
              "ERR " #name " " sentence "\n");                                 \
    if (E_##name != E_UNKNOWN_COMMAND) {                                       \
        ck_framed(FRAMING_RESP,                                                \
                  &(struct reply){.kind = REPLY_ERROR, .error = E_##name},     \
                  NULL, "-" #name " " sentence "\r\n");                        \
    }
    STATUS_WIRE_MAP(X)
#undef X
}
END_TEST

START_TEST(an_unknown_command_is_what_redis_clients_expect)
{
    ck_reply(reply_error(E_UNKNOWN_COMMAND),
             "ERR UNKNOWN_COMMAND no such command, try HELP\n",
             "-ERR unknown command\r\n");
    ck_reply(reply_error_because(E_UNKNOWN_COMMAND, "what"),
             "ERR UNKNOWN_COMMAND what\n", "-ERR unknown command\r\n");
}
END_TEST

START_TEST(stats_are_names_and_values)
{
    static const struct proto_stat list[] = {{"uptime_ms", NULL, 12},
                                             {"version", "0.1.0", 0}};
    struct proto_stats stats = {list, 2};
    struct reply reply = {.kind = REPLY_STATS};

    ck_framed(FRAMING_LINE, &reply, &stats,
              "STATS 2\nuptime_ms 12\nversion 0.1.0\n");
    ck_framed(FRAMING_RESP, &reply, &stats,
              "*4\r\n$9\r\nuptime_ms\r\n:12\r\n$7\r\nversion\r\n"
              "$5\r\n0.1.0\r\n");
    stats.count = 0;
    ck_framed(FRAMING_LINE, &reply, &stats, "STATS 0\n");
    ck_framed(FRAMING_RESP, &reply, &stats, "*0\r\n");
}
END_TEST

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    while ((text = strstr(text, part)) != NULL) {
        text += strlen(part);
        count++;
    }
    return count;
}

START_TEST(help_is_one_line_a_verb)
{
    struct reply reply = {.kind = REPLY_HELP};
    struct buf line = {0};
    struct buf resp = {0};

    proto_reply(&line, FRAMING_LINE, &reply, NULL);
    proto_reply(&resp, FRAMING_RESP, &reply, NULL);
    buf_append_byte(&line, '\0');
    buf_append_byte(&resp, '\0');
    ck_assert_int_eq(strncmp((const char *)line.data, "HELP 11\n", 8), 0);
    ck_assert_int_eq(strncmp((const char *)resp.data, "*11\r\n$", 6), 0);
    ck_assert_uint_eq(count_of((const char *)line.data, "\n"),
                      1 + (size_t)VERB_COUNT);
    ck_assert_uint_eq(count_of((const char *)resp.data, "\r\n"),
                      1 + 2 * (size_t)VERB_COUNT);
    ck_assert_uint_eq(count_of((const char *)resp.data, "\n$"), VERB_COUNT);
    buf_release(&line);
    buf_release(&resp);
}
END_TEST

START_TEST(help_shows_usage_and_meaning_in_columns)
{
    struct reply reply = {.kind = REPLY_HELP};
    struct buf out = {0};
    const char *text;
    size_t column = 0;

    proto_reply(&out, FRAMING_LINE, &reply, NULL);
    buf_append_byte(&out, '\0');
    text = (const char *)out.data;
    for (unsigned i = 0; i < VERB_COUNT; i++) {
        const struct verb_info *info = verb_info((enum verb)i);
        const char *help;

        text = strchr(text, '\n') + 1;
        ck_assert_int_eq(strncmp(text, info->usage, strlen(info->usage)), 0);
        help = strstr(text, info->help);
        ck_assert_ptr_nonnull(help);
        column = i == 0 ? (size_t)(help - text) : column;
        ck_assert_uint_eq((size_t)(help - text), column);
    }
    buf_release(&out);
}
END_TEST

START_TEST(replies_are_appended)
{
    struct reply reply = {.kind = REPLY_OK};
    struct buf out = {0};

    proto_reply(&out, FRAMING_LINE, &reply, NULL);
    proto_reply(&out, FRAMING_RESP, &reply, NULL);
    proto_reply(&out, FRAMING_LINE, &reply, NULL);
    ck_assert(slice_equal(buf_slice(&out), slice_str("OK\n+OK\r\nOK\n")));
    buf_release(&out);
}
END_TEST

START_TEST(a_failed_buf_stays_failed_and_empty)
{
    struct reply reply = {.kind = REPLY_COMPLETED,
                          .receipt = slice_str("receipt")};
    struct buf out = {.failed = true};

    proto_reply(&out, FRAMING_LINE, &reply, NULL);
    proto_reply(&out, FRAMING_RESP, &reply, NULL);
    ck_assert(buf_failed(&out));
    ck_assert_uint_eq(buf_len(&out), 0);
}
END_TEST

START_TEST(a_reply_that_was_not_decided_ends_the_program)
{
    struct reply reply = {.kind = REPLY_NONE};
    struct buf out = {0};

    proto_reply(&out, FRAMING_LINE, &reply, NULL);
}
END_TEST

START_TEST(an_inner_status_is_never_shown)
{
    struct reply reply = reply_error(E_MEMORY);
    struct buf out = {0};

    proto_reply(&out, FRAMING_LINE, &reply, NULL);
}
END_TEST

SUITE(reply, 10, ok_pong_and_bye_are_single_words, extended_shows_the_lease,
      claimed_shows_fence_lease_and_attempt, claimed_again_says_so_at_the_end,
      inflight_shows_five_numbers, an_owner_is_the_last_field,
      expired_shows_three_numbers, completed_shows_the_receipt_first,
      an_empty_receipt_is_shown, not_found_is_an_array_of_one,
      swept_shows_three_counts, errors_show_code_and_sentence,
      every_error_shows_its_own_code,
      an_unknown_command_is_what_redis_clients_expect,
      stats_are_names_and_values, help_is_one_line_a_verb,
      help_shows_usage_and_meaning_in_columns, replies_are_appended,
      a_failed_buf_stays_failed_and_empty)

suite_fn suite_reply_misuse;
Suite *suite_reply_misuse(void)
{
    Suite *suite = suite_create("reply_misuse");
    TCase *tcase = tcase_create("reply_misuse");

    tcase_add_test_raise_signal(tcase,
                                a_reply_that_was_not_decided_ends_the_program,
                                SIGABRT);
    tcase_add_test_raise_signal(tcase, an_inner_status_is_never_shown, SIGABRT);
    suite_add_tcase(suite, tcase);
    return suite;
}
