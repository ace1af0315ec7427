#include "base/check.h"
#include "tests/lib/proto_io.h"
#include "tests/lib/runner.h"

/* One line of any bytes but LF. */
static void ck_reads_line_bytes(const char *line, size_t len,
                                const char *expected)
{
    struct buf stream = {0};
    struct buf text = {0};

    buf_append(&stream, line, len);
    buf_append_byte(&stream, '\n');
    buf_append_str(&text, expected);
    buf_append(&text, "\n", 2);
    ck_reads_bytes(buf_slice(&stream), (const char *)buf_slice(&text).data);
    buf_release(&stream);
    buf_release(&text);
}

START_TEST(words_are_separated_by_any_blanks)
{
    ck_reads_line("\t CLAIM \t k\t\tttl=5  ", "CLAIM key=\"k\" ttl=5");
}
END_TEST

START_TEST(bare_words_hold_quotes_and_backslashes_as_they_are)
{
    ck_reads_line("COMPLETE k {\"a\":1}",
                  "COMPLETE key=\"k\" receipt=\"{\\x22a\\x22:1}\"");
    ck_reads_line("LOOKUP a\\n\\x00", "LOOKUP key=\"a\\x5cn\\x5cx00\"");
    ck_reads_line("LOOKUP a\"", "LOOKUP key=\"a\\x22\"");
    ck_reads_line("CLAIM k owner=a\"b", "CLAIM key=\"k\" owner=\"a\\x22b\"");
}
END_TEST

START_TEST(bare_words_hold_bytes_beyond_ascii)
{
    ck_reads_line("LOOKUP \x80\xff", "LOOKUP key=\"\\x80\\xff\"");
}
END_TEST

START_TEST(bare_words_of_other_names_are_no_options)
{
    ck_reads_line("LOOKUP a=b", "LOOKUP key=\"a=b\"");
    ck_reads_line("LOOKUP =", "LOOKUP key=\"=\"");
    ck_reads_line("LOOKUP leas=\"x", "LOOKUP key=\"leas=\\x22x\"");
    ck_reads_line("LOOKUP xttl=1", "LOOKUP key=\"xttl=1\"");
    ck_reads_line("LOOKUP ttl", "LOOKUP key=\"ttl\"");
}
END_TEST

START_TEST(quoted_words_hold_blanks_and_escapes)
{
    ck_reads_line("LOOKUP \"a b\"", "LOOKUP key=\"a b\"");
    ck_reads_line("LOOKUP \"\\\"\\\\\\n\\r\\t\"",
                  "LOOKUP key=\"\\x22\\x5c\\x0a\\x0d\\x09\"");
    ck_reads_line("LOOKUP \"\\x00\\x0a\\xfF\\xAb\"",
                  "LOOKUP key=\"\\x00\\x0a\\xff\\xab\"");
    ck_reads_line("COMPLETE \"k\" \"\"", "COMPLETE key=\"k\" receipt=\"\"");
}
END_TEST

START_TEST(quoted_words_hold_bytes_beyond_ascii)
{
    ck_reads_line("LOOKUP \"\x80\xff\"", "LOOKUP key=\"\\x80\\xff\"");
}
END_TEST

START_TEST(unknown_and_short_escapes_are_syntax)
{
    static const char *const lines[] = {
        "LOOKUP \"\\a\"",   "LOOKUP \"\\0\"",   "LOOKUP \"\\'\"",
        "LOOKUP \"\\x\"",   "LOOKUP \"\\x0\"",  "LOOKUP \"\\x0",
        "LOOKUP \"\\xg0\"", "LOOKUP \"\\x0g\"", "LOOKUP \"\\X00\"",
        "LOOKUP \"\\N\"",   "LOOKUP \"\\x-1\"", "LOOKUP \"\\ \"",
        "LOOKUP \"\\x 1\"", "LOOKUP \"\\",      "LOOKUP \"\\\"",
        "LOOKUP \"\\x",
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        ck_reads_line(lines[i], "LOOKUP ERR SYNTAX");
    }
}
END_TEST

START_TEST(a_quote_must_be_closed)
{
    ck_reads_line("LOOKUP \"", "LOOKUP ERR SYNTAX");
    ck_reads_line("LOOKUP \"k", "LOOKUP ERR SYNTAX");
    ck_reads_line("LOOKUP \"k\\\"", "LOOKUP ERR SYNTAX");
    ck_reads_line("CLAIM k owner=\"x", "CLAIM ERR SYNTAX");
    ck_reads_line("CLAIM k owner=\"", "CLAIM ERR SYNTAX");
}
END_TEST

START_TEST(a_closing_quote_must_end_its_word)
{
    ck_reads_line("LOOKUP \"k\"x", "LOOKUP ERR SYNTAX");
    ck_reads_line("LOOKUP \"k\"\"x\"", "LOOKUP ERR SYNTAX");
    ck_reads_line("CLAIM k owner=\"x\"y", "CLAIM ERR SYNTAX");
    ck_reads_line("CLAIM k owner=\"x\"fp=f", "CLAIM ERR SYNTAX");
    ck_reads_line("LOOKUP \"k\"\r", "LOOKUP key=\"k\"");
    ck_reads_line("LOOKUP \"k\"\t", "LOOKUP key=\"k\"");
}
END_TEST

START_TEST(control_bytes_are_syntax_wherever_they_stand)
{
    for (int c = 0; c < 128; c++) {
        char bare[] = "LOOKUP a_b";
        char quoted[] = "LOOKUP \"a_b\"";
        char value[] = "CLAIM k owner=\"a_b\"";

        if ((c >= ' ' && c != 0x7f) || c == '\n' || c == '\t') {
            continue;
        }
        bare[8] = (char)c;
        quoted[9] = (char)c;
        value[16] = (char)c;
        ck_reads_line_bytes(bare, sizeof(bare) - 1, "LOOKUP ERR SYNTAX");
        ck_reads_line_bytes(quoted, sizeof(quoted) - 1, "LOOKUP ERR SYNTAX");
        ck_reads_line_bytes(value, sizeof(value) - 1, "CLAIM ERR SYNTAX");
    }
    ck_reads_line("LOOKUP \"a\tb\"", "LOOKUP ERR SYNTAX");
}
END_TEST

START_TEST(a_tab_ends_a_bare_word)
{
    ck_reads_line("CLAIM k\tlease=1", "CLAIM key=\"k\" lease=1");
}
END_TEST

START_TEST(a_lf_ends_the_line_even_in_quotes)
{
    ck_reads_bytes(slice_str("LOOKUP \"a\nb\"\n"),
                   "LOOKUP ERR SYNTAX\n- ERR UNKNOWN_COMMAND\n");
}
END_TEST

START_TEST(the_verb_stands_without_quotes)
{
    ck_reads_line("\"PING\"", "- ERR SYNTAX");
    ck_reads_line("\"", "- ERR SYNTAX");
    ck_reads_line("PING\"", "- ERR UNKNOWN_COMMAND");
    ck_reads_line_bytes("PI\0NG", 5, "- ERR SYNTAX");
    ck_reads_line_bytes("PING\0", 5, "- ERR SYNTAX");
    ck_reads_line_bytes("\x16\x03\x01", 3, "- ERR SYNTAX");
}
END_TEST

START_TEST(an_options_value_may_be_quoted)
{
    ck_reads_line("CLAIM k owner=\"9f2c 77\"",
                  "CLAIM key=\"k\" owner=\"9f2c 77\"");
    ck_reads_line("CLAIM k OWNER=\"a\\x00b\" Fp=\"=\\\"\"",
                  "CLAIM key=\"k\" owner=\"a\\x00b\" fp=\"=\\x22\"");
    ck_reads_line("CLAIM k lease=\"5s\"", "CLAIM key=\"k\" lease=5000");
    ck_reads_line("RELEASE k fence=\"\\x31\\x32\"",
                  "RELEASE key=\"k\" fence=12");
    ck_reads_line("CLAIM k owner=\"a b\" fp=\"c d\" ttl=1",
                  "CLAIM key=\"k\" ttl=1 owner=\"a b\" fp=\"c d\"");
}
END_TEST

START_TEST(a_bare_argument_never_looks_like_an_option)
{
    static const char *const words[] = {
        "lease=5", "ttl=",        "owner=x",
        "fp=f",    "fence=12",    "FENCE=1",
        "Owner=",  "owner=\"x\"", "fP=\"a\\x00 b\"",
    };
    char line[64];

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        snprintf(line, sizeof(line), "CLAIM %s", words[i]);
        ck_reads_line(line, "CLAIM ERR SYNTAX");
        snprintf(line, sizeof(line), "LOOKUP %s", words[i]);
        ck_reads_line(line, "LOOKUP ERR SYNTAX");
        snprintf(line, sizeof(line), "COMPLETE k %s", words[i]);
        ck_reads_line(line, "COMPLETE ERR SYNTAX");
        snprintf(line, sizeof(line), "COMPLETE %s r", words[i]);
        ck_reads_line(line, "COMPLETE ERR SYNTAX");
        snprintf(line, sizeof(line), "NAMESPACE %s", words[i]);
        ck_reads_line(line, "NAMESPACE ERR SYNTAX");
    }
}
END_TEST

START_TEST(a_quoted_argument_may_look_like_an_option)
{
    ck_reads_line("COMPLETE \"ttl=5\" \"fence=12\" fence=12",
                  "COMPLETE key=\"ttl=5\" receipt=\"fence=12\" fence=12");
}
END_TEST

START_TEST(a_quoted_word_is_no_option)
{
    ck_reads_line("CLAIM k \"ttl=5\"", "CLAIM ERR SYNTAX");
    ck_reads_line("PING \"\"", "PING ERR SYNTAX");
}
END_TEST

START_TEST(words_beyond_those_that_are_kept_are_syntax)
{
    struct buf line = {0};

    buf_append_str(&line, "CLAIM k");
    for (int i = 1; i < 100; i++) {
        buf_append_str(&line, " x");
        buf_append_byte(&line, '\0');
        ck_reads_line((const char *)line.data, "CLAIM ERR SYNTAX");
        line.end--;
    }
    memcpy(line.data, "FLAIM", 5);
    buf_append_byte(&line, '\0');
    ck_reads_line((const char *)line.data, "- ERR UNKNOWN_COMMAND");
    buf_release(&line);
}
END_TEST

SUITE(line, 10, words_are_separated_by_any_blanks,
      bare_words_hold_quotes_and_backslashes_as_they_are,
      bare_words_hold_bytes_beyond_ascii,
      bare_words_of_other_names_are_no_options,
      quoted_words_hold_blanks_and_escapes,
      quoted_words_hold_bytes_beyond_ascii,
      unknown_and_short_escapes_are_syntax, a_quote_must_be_closed,
      a_closing_quote_must_end_its_word,
      control_bytes_are_syntax_wherever_they_stand, a_tab_ends_a_bare_word,
      a_lf_ends_the_line_even_in_quotes, the_verb_stands_without_quotes,
      an_options_value_may_be_quoted,
      a_bare_argument_never_looks_like_an_option,
      a_quoted_argument_may_look_like_an_option, a_quoted_word_is_no_option,
      words_beyond_those_that_are_kept_are_syntax)
