/* Of two things that are wrong with a request the one that comes first in
 * UNKNOWN_COMMAND, SYNTAX, LIMIT is told, wherever they stand. */
#include "base/check.h"
#include "tests/lib/proto_io.h"
#include "tests/lib/runner.h"

#define LONG_KEY "12345678901234567"

START_TEST(unknown_command_comes_before_syntax)
{
    ck_reads_line("FROB \"unterminated", "- ERR UNKNOWN_COMMAND");
    ck_reads_line("FROB \"\\q\"", "- ERR UNKNOWN_COMMAND");
    ck_reads_line("FROB a\x01", "- ERR UNKNOWN_COMMAND");
    ck_reads("FROB bogus=1 bogus=1", "- ERR UNKNOWN_COMMAND");
    ck_reads("FROB 1 2 3 4 5 6 7 8 9 10 11 12 13 14", "- ERR UNKNOWN_COMMAND");
}
END_TEST

START_TEST(unknown_command_comes_before_limit)
{
    ck_reads("FROB " LONG_KEY, "- ERR UNKNOWN_COMMAND");
    ck_reads("FROB k ttl=0", "- ERR UNKNOWN_COMMAND");
    ck_reads_line("FROB \"\"", "- ERR UNKNOWN_COMMAND");
}
END_TEST

START_TEST(syntax_behind_a_broken_limit_comes_first)
{
    ck_reads_line("CLAIM \"\" bogus=1", "CLAIM ERR SYNTAX");
    ck_reads("CLAIM " LONG_KEY " bogus=1", "CLAIM ERR SYNTAX");
    ck_reads("CLAIM " LONG_KEY " x", "CLAIM ERR SYNTAX");
    ck_reads("CLAIM " LONG_KEY " fence=1", "CLAIM ERR SYNTAX");
    ck_reads("CLAIM k ttl=0 ttl=1", "CLAIM ERR SYNTAX");
    ck_reads("CLAIM k ttl=0 lease=x", "CLAIM ERR SYNTAX");
    ck_reads("CLAIM k owner= fp", "CLAIM ERR SYNTAX");
    ck_reads("COMPLETE " LONG_KEY, "COMPLETE ERR SYNTAX");
    ck_reads("COMPLETE k r ttl=0 fence=x", "COMPLETE ERR SYNTAX");
    ck_reads("NAMESPACE .a .b", "NAMESPACE ERR SYNTAX");
    ck_reads_line("CLAIM \"\" \"", "CLAIM ERR SYNTAX");
    ck_reads_line("CLAIM \"\" owner=\"\\q\"", "CLAIM ERR SYNTAX");
    ck_reads_line("CLAIM \"\" 1 2 3 4 5 6 7 8 9 10 11 12", "CLAIM ERR SYNTAX");
    ck_reads_line("CLAIM \"\" a\x7f", "CLAIM ERR SYNTAX");
}
END_TEST

START_TEST(syntax_before_a_broken_limit_comes_first)
{
    ck_reads("CLAIM k bogus=1 ttl=0", "CLAIM ERR SYNTAX");
    ck_reads("CLAIM k lease=x ttl=0", "CLAIM ERR SYNTAX");
    ck_reads("RELEASE k fence=x owner=", "RELEASE ERR SYNTAX");
    ck_reads_line("COMPLETE ttl=1 \"123456789012345678901234567890123\"",
                  "COMPLETE ERR SYNTAX");
}
END_TEST

START_TEST(two_broken_limits_are_one)
{
    ck_reads("CLAIM " LONG_KEY " ttl=0 lease=0 owner= fp=", "CLAIM ERR LIMIT");
}
END_TEST

/* What the first broken bound says is what a client is told. */
START_TEST(the_first_broken_limit_is_explained)
{
    struct slice input = slice_str("CLAIM " LONG_KEY " owner=\n");
    struct proto_frame frame = {0};
    uint8_t scratch[64];
    struct command command;
    const char *sentence;
    int status;

    ck_assert_int_eq(proto_frame(&frame, input, &proto_io_limits, &status),
                     PROTO_REQUEST);
    ck_assert_int_eq(proto_command(&frame, input, &proto_io_limits, scratch,
                                   &command, &sentence),
                     E_LIMIT);
    ck_assert_ptr_nonnull(sentence);
    ck_assert_ptr_nonnull(strstr(sentence, "key"));
}
END_TEST

START_TEST(an_option_in_an_arguments_place_says_that_it_may_be_quoted)
{
    struct slice input = slice_str("COMPLETE k fence=12\n");
    struct proto_frame frame = {0};
    uint8_t scratch[64];
    struct command command;
    const char *sentence;
    int status;

    ck_assert_int_eq(proto_frame(&frame, input, &proto_io_limits, &status),
                     PROTO_REQUEST);
    ck_assert_int_eq(proto_command(&frame, input, &proto_io_limits, scratch,
                                   &command, &sentence),
                     E_SYNTAX);
    ck_assert_ptr_nonnull(sentence);
    ck_assert_ptr_nonnull(strstr(sentence, "quote it"));
    ck_assert_ptr_null(strstr(sentence, "12"));
}
END_TEST

SUITE(precedence, 10, unknown_command_comes_before_syntax,
      unknown_command_comes_before_limit,
      syntax_behind_a_broken_limit_comes_first,
      syntax_before_a_broken_limit_comes_first, two_broken_limits_are_one,
      the_first_broken_limit_is_explained,
      an_option_in_an_arguments_place_says_that_it_may_be_quoted)
