#include "base/check.h"
#include "tests/lib/proto_io.h"
#include "tests/lib/runner.h"

START_TEST(every_verb_is_read_in_both_framings)
{
    ck_reads("CLAIM k", "CLAIM key=\"k\"");
    ck_reads("COMPLETE k r", "COMPLETE key=\"k\" receipt=\"r\"");
    ck_reads("RELEASE k", "RELEASE key=\"k\"");
    ck_reads("EXTEND k fence=7", "EXTEND key=\"k\" fence=7");
    ck_reads("LOOKUP k", "LOOKUP key=\"k\"");
    ck_reads("NAMESPACE a.b", "NAMESPACE name=\"a.b\"");
    ck_reads("SWEEP", "SWEEP");
    ck_reads("PING", "PING");
    ck_reads("STATS", "STATS");
    ck_reads("HELP", "HELP");
    ck_reads("QUIT", "QUIT");
}
END_TEST

START_TEST(every_verb_takes_all_its_options_in_any_order)
{
    ck_reads("CLAIM k lease=1s ttl=2s owner=o fp=f",
             "CLAIM key=\"k\" lease=1000 ttl=2000 owner=\"o\" fp=\"f\"");
    ck_reads("claim k fp=f owner=o ttl=2s lease=1s",
             "CLAIM key=\"k\" lease=1000 ttl=2000 owner=\"o\" fp=\"f\"");
    ck_reads("COMPLETE k r fence=9 ttl=1m fp=f",
             "COMPLETE key=\"k\" receipt=\"r\" ttl=60000 fp=\"f\" fence=9");
    ck_reads("RELEASE k fence=1", "RELEASE key=\"k\" fence=1");
    ck_reads("EXTEND k lease=50s fence=3",
             "EXTEND key=\"k\" lease=50000 fence=3");
}
END_TEST

START_TEST(verbs_and_option_names_have_no_case)
{
    ck_reads("cLaIm k LEASE=5 Ttl=6 oWNER=O FP=F",
             "CLAIM key=\"k\" lease=5 ttl=6 owner=\"O\" fp=\"F\"");
    ck_reads("extend K FENCE=1", "EXTEND key=\"K\" fence=1");
}
END_TEST

START_TEST(extend_without_a_fence_is_well_formed)
{
    ck_reads("EXTEND k", "EXTEND key=\"k\"");
}
END_TEST

START_TEST(too_few_arguments_are_syntax)
{
    ck_reads("CLAIM", "CLAIM ERR SYNTAX");
    ck_reads("COMPLETE", "COMPLETE ERR SYNTAX");
    ck_reads("COMPLETE k", "COMPLETE ERR SYNTAX");
    ck_reads("RELEASE", "RELEASE ERR SYNTAX");
    ck_reads("EXTEND", "EXTEND ERR SYNTAX");
    ck_reads("LOOKUP", "LOOKUP ERR SYNTAX");
    ck_reads("NAMESPACE", "NAMESPACE ERR SYNTAX");
}
END_TEST

START_TEST(too_many_arguments_are_syntax)
{
    ck_reads("CLAIM k x", "CLAIM ERR SYNTAX");
    ck_reads("CLAIM k ttl=1 x", "CLAIM ERR SYNTAX");
    ck_reads("COMPLETE k r x", "COMPLETE ERR SYNTAX");
    ck_reads("RELEASE k x", "RELEASE ERR SYNTAX");
    ck_reads("EXTEND k 7", "EXTEND ERR SYNTAX");
    ck_reads("LOOKUP k x", "LOOKUP ERR SYNTAX");
    ck_reads("NAMESPACE a b", "NAMESPACE ERR SYNTAX");
    ck_reads("SWEEP x", "SWEEP ERR SYNTAX");
    ck_reads("PING x", "PING ERR SYNTAX");
    ck_reads("STATS x", "STATS ERR SYNTAX");
    ck_reads("HELP x", "HELP ERR SYNTAX");
    ck_reads("QUIT x", "QUIT ERR SYNTAX");
}
END_TEST

START_TEST(options_come_behind_the_arguments)
{
    ck_reads_line("CLAIM ttl=5 k", "CLAIM ERR SYNTAX");
    ck_reads_line("COMPLETE k ttl=5 r", "COMPLETE ERR SYNTAX");
    ck_reads_resp((const char *const[]){"CLAIM", "ttl=5", "k", NULL},
                  "CLAIM ERR SYNTAX");
}
END_TEST

START_TEST(an_option_of_another_verb_is_syntax)
{
    ck_reads("CLAIM k fence=1", "CLAIM ERR SYNTAX");
    ck_reads("COMPLETE k r lease=1", "COMPLETE ERR SYNTAX");
    ck_reads("COMPLETE k r owner=o", "COMPLETE ERR SYNTAX");
    ck_reads("RELEASE k owner=o", "RELEASE ERR SYNTAX");
    ck_reads("RELEASE k ttl=1", "RELEASE ERR SYNTAX");
    ck_reads("EXTEND k fence=1 ttl=1", "EXTEND ERR SYNTAX");
    ck_reads("LOOKUP k fence=1", "LOOKUP ERR SYNTAX");
    ck_reads("NAMESPACE a ttl=1", "NAMESPACE ERR SYNTAX");
    ck_reads("PING fp=1", "PING ERR SYNTAX");
    ck_reads("SWEEP ttl=1", "SWEEP ERR SYNTAX");
}
END_TEST

START_TEST(unknown_options_are_syntax)
{
    ck_reads("CLAIM k bogus=1", "CLAIM ERR SYNTAX");
    ck_reads("CLAIM k =1", "CLAIM ERR SYNTAX");
    ck_reads("CLAIM k leases=1", "CLAIM ERR SYNTAX");
    ck_reads("CLAIM k ttl:5", "CLAIM ERR SYNTAX");
    ck_reads("CLAIM k ttl", "CLAIM ERR SYNTAX");
    ck_reads_line("CLAIM k ttl =5", "CLAIM ERR SYNTAX");
    ck_reads_line("CLAIM k \"ttl\"=5", "CLAIM ERR SYNTAX");
    ck_reads_resp((const char *const[]){"CLAIM", "k", "ttl =5", NULL},
                  "CLAIM ERR SYNTAX");
    ck_reads_resp((const char *const[]){"CLAIM", "k", "", NULL},
                  "CLAIM ERR SYNTAX");
}
END_TEST

START_TEST(repeated_options_are_syntax)
{
    ck_reads("CLAIM k lease=1 lease=1", "CLAIM ERR SYNTAX");
    ck_reads("CLAIM k ttl=1 TTL=2", "CLAIM ERR SYNTAX");
    ck_reads("CLAIM k owner=a fp=f owner=a", "CLAIM ERR SYNTAX");
    ck_reads("COMPLETE k r fp=f fp=f", "COMPLETE ERR SYNTAX");
    ck_reads("RELEASE k fence=1 fence=1", "RELEASE ERR SYNTAX");
}
END_TEST

START_TEST(an_options_value_is_all_behind_the_first_equals_sign)
{
    ck_reads("CLAIM k owner=a=b", "CLAIM key=\"k\" owner=\"a=b\"");
    ck_reads("CLAIM k fp==", "CLAIM key=\"k\" fp=\"=\"");
}
END_TEST

START_TEST(a_fence_is_1_to_16_digits)
{
    ck_reads("RELEASE k fence=0", "RELEASE key=\"k\" fence=0");
    ck_reads("RELEASE k fence=0000000000000007", "RELEASE key=\"k\" fence=7");
    ck_reads("RELEASE k fence=999999999999999",
             "RELEASE key=\"k\" fence=999999999999999");
    ck_reads("RELEASE k fence=9999999999999999",
             "RELEASE key=\"k\" fence=9999999999999999");
    ck_reads("RELEASE k fence=99999999999999999", "RELEASE ERR SYNTAX");
    ck_reads("RELEASE k fence=00000000000000007", "RELEASE ERR SYNTAX");
    ck_reads("RELEASE k fence=99999999999999999999", "RELEASE ERR SYNTAX");
    ck_reads("RELEASE k fence=", "RELEASE ERR SYNTAX");
    ck_reads("RELEASE k fence=-1", "RELEASE ERR SYNTAX");
    ck_reads("RELEASE k fence=+1", "RELEASE ERR SYNTAX");
    ck_reads("RELEASE k fence=0x10", "RELEASE ERR SYNTAX");
    ck_reads("RELEASE k fence=1s", "RELEASE ERR SYNTAX");
    ck_reads("RELEASE k fence=1.0", "RELEASE ERR SYNTAX");
    ck_reads_line("RELEASE k fence=\" 1\"", "RELEASE ERR SYNTAX");
}
END_TEST

START_TEST(durations_have_units)
{
    ck_reads("CLAIM k ttl=250ms", "CLAIM key=\"k\" ttl=250");
    ck_reads("CLAIM k ttl=30s", "CLAIM key=\"k\" ttl=30000");
    ck_reads("CLAIM k ttl=1m", "CLAIM key=\"k\" ttl=60000");
    ck_reads("CLAIM k ttl=77", "CLAIM key=\"k\" ttl=77");
    ck_reads("CLAIM k ttl=007", "CLAIM key=\"k\" ttl=7");
}
END_TEST

START_TEST(malformed_durations_are_syntax)
{
    static const char *const values[] = {
        "",     "s",   "ms",    "-1",  "+1",   "1.5s", "1S",
        "1sec", "0x1", "1m30s", "1e3", "five", "1w",   "99999999999999999999x",
    };
    char line[64];

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        snprintf(line, sizeof(line), "CLAIM k lease=%s", values[i]);
        ck_reads(line, "CLAIM ERR SYNTAX");
        snprintf(line, sizeof(line), "COMPLETE k r ttl=%s", values[i]);
        ck_reads(line, "COMPLETE ERR SYNTAX");
    }
    ck_reads_line("CLAIM k ttl=\"1 s\"", "CLAIM ERR SYNTAX");
}
END_TEST

START_TEST(a_lease_is_bounded_by_its_own_maximum)
{
    ck_reads("CLAIM k lease=0", "CLAIM ERR LIMIT");
    ck_reads("CLAIM k lease=0d", "CLAIM ERR LIMIT");
    ck_reads("CLAIM k lease=1", "CLAIM key=\"k\" lease=1");
    ck_reads("CLAIM k lease=49998", "CLAIM key=\"k\" lease=49998");
    ck_reads("CLAIM k lease=49999", "CLAIM key=\"k\" lease=49999");
    ck_reads("CLAIM k lease=50000", "CLAIM key=\"k\" lease=50000");
    ck_reads("CLAIM k lease=50001", "CLAIM ERR LIMIT");
    ck_reads("CLAIM k lease=50002", "CLAIM ERR LIMIT");
    ck_reads("EXTEND k fence=1 lease=50s",
             "EXTEND key=\"k\" lease=50000 fence=1");
    ck_reads("EXTEND k fence=1 lease=51s", "EXTEND ERR LIMIT");
}
END_TEST

START_TEST(a_ttl_is_bounded_by_its_own_maximum)
{
    ck_reads("CLAIM k ttl=0", "CLAIM ERR LIMIT");
    ck_reads("CLAIM k ttl=1", "CLAIM key=\"k\" ttl=1");
    ck_reads("CLAIM k ttl=99998", "CLAIM key=\"k\" ttl=99998");
    ck_reads("CLAIM k ttl=99999", "CLAIM key=\"k\" ttl=99999");
    ck_reads("CLAIM k ttl=100000", "CLAIM key=\"k\" ttl=100000");
    ck_reads("CLAIM k ttl=100001", "CLAIM ERR LIMIT");
    ck_reads("CLAIM k ttl=100002", "CLAIM ERR LIMIT");
    ck_reads("COMPLETE k r ttl=0", "COMPLETE ERR LIMIT");
    ck_reads("COMPLETE k r ttl=100s",
             "COMPLETE key=\"k\" receipt=\"r\" ttl=100000");
    ck_reads("COMPLETE k r ttl=101s", "COMPLETE ERR LIMIT");
}
END_TEST

START_TEST(durations_beyond_64_bits_are_over_the_limit)
{
    ck_reads("CLAIM k ttl=18446744073709551615", "CLAIM ERR LIMIT");
    ck_reads("CLAIM k ttl=18446744073709551616", "CLAIM ERR LIMIT");
    ck_reads("CLAIM k ttl=18446744073709551617ms", "CLAIM ERR LIMIT");
    ck_reads("CLAIM k ttl=213503982335d", "CLAIM ERR LIMIT");
    /* 384 modulo 2^64 */
    ck_reads("CLAIM k ttl=18446744073709552s", "CLAIM ERR LIMIT");
    ck_reads("CLAIM k lease=99999999999999999999999d", "CLAIM ERR LIMIT");
}
END_TEST

static char *repeat(char *to, char c, size_t len)
{
    memset(to, c, len);
    to[len] = '\0';
    return to;
}

/* A line with `len` bytes between its two parts is within its limits or not,
 * and nothing else is wrong with it. */
static void ck_limit(const char *before, size_t len, const char *behind,
                     bool within)
{
    char bytes[128];
    char line[256];
    struct buf transcript = {0};

    snprintf(line, sizeof(line), "%s%s%s\n", before, repeat(bytes, 'x', len),
             behind);
    proto_io_read(&transcript, slice_str(line), strlen(line), 1,
                  &proto_io_limits);
    ck_assert_int_eq(strstr((const char *)transcript.data, "ERR LIMIT") == NULL,
                     within);
    ck_assert_ptr_null(strstr((const char *)transcript.data, "ERR SYNTAX"));
    buf_release(&transcript);
}

START_TEST(a_key_is_1_to_max_key_bytes)
{
    ck_limit("LOOKUP \"", 0, "\"", false);
    ck_limit("LOOKUP \"", 1, "\"", true);
    for (int at = -2; at <= 2; at++) {
        ck_limit("CLAIM ", (size_t)(16 + at), "", at <= 0);
        ck_limit("COMPLETE \"", (size_t)(16 + at), "\" r", at <= 0);
        ck_limit("RELEASE ", (size_t)(16 + at), "", at <= 0);
        ck_limit("EXTEND ", (size_t)(16 + at), " fence=1", at <= 0);
        ck_limit("LOOKUP ", (size_t)(16 + at), "", at <= 0);
    }
    ck_reads_resp((const char *const[]){"CLAIM", "", NULL}, "CLAIM ERR LIMIT");
    ck_reads_resp((const char *const[]){"CLAIM", "1234567890123456", NULL},
                  "CLAIM key=\"1234567890123456\"");
    ck_reads_resp((const char *const[]){"CLAIM", "12345678901234567", NULL},
                  "CLAIM ERR LIMIT");
}
END_TEST

START_TEST(a_key_is_measured_without_its_escapes)
{
    ck_reads_line("LOOKUP \"\\x61\\x61\\x61\\x61\\x61\\x61\\x61\\x61"
                  "\\x61\\x61\\x61\\x61\\x61\\x61\\x61\\x61\"",
                  "LOOKUP key=\"aaaaaaaaaaaaaaaa\"");
}
END_TEST

START_TEST(a_receipt_is_0_to_max_receipt_bytes)
{
    ck_limit("COMPLETE k \"", 0, "\"", true);
    for (int at = -2; at <= 2; at++) {
        ck_limit("COMPLETE k ", (size_t)(32 + at), "", at <= 0);
        ck_limit("COMPLETE k \"", (size_t)(32 + at), "\"", at <= 0);
    }
}
END_TEST

START_TEST(owner_and_fp_are_1_to_64_bytes)
{
    ck_reads("CLAIM k owner=", "CLAIM ERR LIMIT");
    ck_reads("CLAIM k fp=", "CLAIM ERR LIMIT");
    ck_reads("COMPLETE k r fp=", "COMPLETE ERR LIMIT");
    ck_reads_line("CLAIM k owner=\"\"", "CLAIM ERR LIMIT");
    ck_limit("CLAIM k owner=", 1, "", true);
    for (int at = -2; at <= 2; at++) {
        ck_limit("CLAIM k owner=", (size_t)(64 + at), "", at <= 0);
        ck_limit("CLAIM k owner=\"", (size_t)(64 + at), "\"", at <= 0);
        ck_limit("CLAIM k fp=", (size_t)(64 + at), "", at <= 0);
        ck_limit("COMPLETE k r fp=", (size_t)(64 + at), "", at <= 0);
    }
}
END_TEST

START_TEST(a_bad_namespace_is_over_the_limit)
{
    ck_reads("NAMESPACE .a", "NAMESPACE ERR LIMIT");
    ck_reads("NAMESPACE a:b", "NAMESPACE ERR LIMIT");
    ck_reads("NAMESPACE a=b", "NAMESPACE ERR LIMIT");
    ck_reads_line("NAMESPACE \"\"", "NAMESPACE ERR LIMIT");
    for (int at = -2; at <= 2; at++) {
        ck_limit("NAMESPACE ", (size_t)(64 + at), "", at <= 0);
    }
}
END_TEST

START_TEST(slices_of_a_command_do_not_need_the_input)
{
    char line[] = "COMPLETE \"a\\n\" r fp=\"f f\"\n";
    struct slice input = slice_of(line, sizeof(line) - 1);
    uint8_t scratch[sizeof(line)];
    struct proto_frame frame = {0};
    struct command command;
    const char *sentence;
    int status;

    ck_assert_int_eq(proto_frame(&frame, input, &proto_io_limits, &status),
                     PROTO_REQUEST);
    ck_assert_int_eq(proto_command(&frame, input, &proto_io_limits, scratch,
                                   &command, &sentence),
                     0);
    memset(line, 0, sizeof(line));
    ck_assert(slice_equal(command.key, slice_str("a\n")));
    ck_assert(slice_equal(command.receipt, slice_str("r")));
    ck_assert(slice_equal(command.fp, slice_str("f f")));
}
END_TEST

SUITE(command, 10, every_verb_is_read_in_both_framings,
      every_verb_takes_all_its_options_in_any_order,
      verbs_and_option_names_have_no_case,
      extend_without_a_fence_is_well_formed, too_few_arguments_are_syntax,
      too_many_arguments_are_syntax, options_come_behind_the_arguments,
      an_option_of_another_verb_is_syntax, unknown_options_are_syntax,
      repeated_options_are_syntax,
      an_options_value_is_all_behind_the_first_equals_sign,
      a_fence_is_1_to_16_digits, durations_have_units,
      malformed_durations_are_syntax, a_lease_is_bounded_by_its_own_maximum,
      a_ttl_is_bounded_by_its_own_maximum,
      durations_beyond_64_bits_are_over_the_limit, a_key_is_1_to_max_key_bytes,
      a_key_is_measured_without_its_escapes,
      a_receipt_is_0_to_max_receipt_bytes, owner_and_fp_are_1_to_64_bytes,
      a_bad_namespace_is_over_the_limit,
      slices_of_a_command_do_not_need_the_input)
