#include "base/banned.h"
#include "base/command.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

START_TEST(a_session_with_netcat_is_answered_line_by_line)
{
    struct rig rig;
    uint64_t fence;
    const char *reply;

    rig_start(&rig, NOTHING);
    client_send(&rig.client,
                "CLAIM k\nCOMPLETE k \"it is done\"\nCLAIM k\nQUIT\n");
    reply = client_line(&rig.client);
    expect_begins(reply, "CLAIMED fence=");
    fence = fence_of(reply);
    ck_assert_uint_eq(number_of(reply, "attempt"), 1);
    expect_is(client_line(&rig.client), "OK");
    reply = client_line(&rig.client);
    expect_begins(reply, "COMPLETED \"it is done\" fence=");
    ck_assert_uint_eq(fence_of(reply), fence);
    expect_is(client_line(&rig.client), "BYE");
    expect_closed(&rig.client);
    rig_stop(&rig);
}
END_TEST

START_TEST(claim_of_a_claimed_key_is_inflight_with_the_same_fence)
{
    struct rig rig;
    uint64_t fence;
    const char *reply;

    rig_start(&rig, NOTHING);
    reply = client_ask(&rig.client, "CLAIM k lease=60s ttl=1h");
    expect_begins(reply, "CLAIMED ");
    ck_assert_uint_eq(number_of(reply, "lease"), 60000);
    fence = fence_of(reply);
    reply = client_ask(&rig.client, "claim k");
    expect_begins(reply, "INFLIGHT ");
    ck_assert_uint_eq(fence_of(reply), fence);
    ck_assert_uint_le(number_of(reply, "lease"), 60000);
    ck_assert_uint_gt(number_of(reply, "retry"), number_of(reply, "lease"));
    rig_stop(&rig);
}
END_TEST

START_TEST(release_makes_the_key_claimable_with_a_higher_fence)
{
    struct rig rig;
    uint64_t fence;
    const char *reply;

    rig_start(&rig, NOTHING);
    fence = fence_of(client_ask(&rig.client, "CLAIM k"));
    expect_is(client_ask(&rig.client, "RELEASE k"), "OK");
    expect_is(client_ask(&rig.client, "LOOKUP k"), "NOT_FOUND");
    expect_is(client_ask(&rig.client, "RELEASE k"), "OK");
    reply = client_ask(&rig.client, "CLAIM k");
    ck_assert_uint_gt(fence_of(reply), fence);
    ck_assert_uint_eq(number_of(reply, "attempt"), 2);
    rig_stop(&rig);
}
END_TEST

START_TEST(extend_answers_what_is_left_of_the_lease)
{
    struct rig rig;
    char request[64];
    uint64_t lease_ms;

    rig_start(&rig, NOTHING);
    snprintf(request, sizeof(request), "EXTEND k fence=%ju lease=5m",
             (uintmax_t)fence_of(client_ask(&rig.client, "CLAIM k lease=1m")));
    lease_ms = number_of(client_ask(&rig.client, request), "lease");
    ck_assert_uint_gt(lease_ms, 60000);
    ck_assert_uint_le(lease_ms, 300000);
    expect_begins(client_ask(&rig.client, "EXTEND k"), "ERR FENCE_REQUIRED ");
    expect_begins(client_ask(&rig.client, "EXTEND k fence=1"), "ERR STALE ");
    expect_begins(client_ask(&rig.client, "EXTEND x fence=1"),
                  "ERR NOT_FOUND ");
    rig_stop(&rig);
}
END_TEST

START_TEST(an_owner_repeats_its_claim_and_needs_its_fence)
{
    struct rig rig;
    char request[64];
    uint64_t fence;
    const char *reply;

    rig_start(&rig, NOTHING);
    fence = fence_of(client_ask(&rig.client, "CLAIM k owner=\"a 1\""));
    reply = client_ask(&rig.client, "CLAIM k owner=\"a 1\"");
    expect_begins(reply, "CLAIMED ");
    ck_assert_uint_eq(fence_of(reply), fence);
    ck_assert_uint_eq(number_of(reply, "again"), 1);
    expect_begins(client_ask(&rig.client, "CLAIM k owner=b"), "INFLIGHT ");
    reply = client_ask(&rig.client, "LOOKUP k");
    ck_assert_ptr_nonnull(strstr(reply, " owner=\"a 1\""));
    expect_begins(client_ask(&rig.client, "COMPLETE k done"),
                  "ERR FENCE_REQUIRED ");
    snprintf(request, sizeof(request), "COMPLETE k done fence=%ju",
             (uintmax_t)fence);
    expect_is(client_ask(&rig.client, request), "OK");
    rig_stop(&rig);
}
END_TEST

START_TEST(the_first_receipt_wins)
{
    struct rig rig;

    rig_start(&rig, NOTHING);
    expect_begins(client_ask(&rig.client, "COMPLETE k one"), "ERR NOT_FOUND ");
    client_ask(&rig.client, "CLAIM k fp=f1");
    expect_begins(client_ask(&rig.client, "COMPLETE k one fp=f2"),
                  "ERR MISMATCH ");
    expect_begins(client_ask(&rig.client, "COMPLETE k one fence=1"),
                  "ERR STALE ");
    expect_is(client_ask(&rig.client, "COMPLETE k one"), "OK");
    expect_is(client_ask(&rig.client, "COMPLETE k one"), "OK");
    expect_begins(client_ask(&rig.client, "COMPLETE k two"), "ERR CONFLICT ");
    expect_is(client_ask(&rig.client, "RELEASE k"), "OK");
    expect_begins(client_ask(&rig.client, "LOOKUP k"), "COMPLETED \"one\" ");
    rig_stop(&rig);
}
END_TEST

START_TEST(receipts_come_back_byte_for_byte)
{
    struct rig rig;

    rig_start(&rig, NOTHING);
    client_ask(&rig.client, "CLAIM k");
    expect_is(client_ask(&rig.client, "COMPLETE k "
                                      "\"\\x00\\n\\\"\\\\ \\x7F\\r\\t\\xff\""),
              "OK");
    expect_begins(client_ask(&rig.client, "LOOKUP k"),
                  "COMPLETED \"\\x00\\n\\\"\\\\ \\x7f\\r\\t\xff\" fence=");
    expect_begins(client_resp_ask(&rig.client, "LOOKUP k"),
                  "[\"COMPLETED\",\"\\x00\\x0a\\x22\\x5c \\x7f\\x0d\\x09\\xff"
                  "\",\"fence\",");
    client_ask(&rig.client, "CLAIM empty");
    expect_is(client_ask(&rig.client, "COMPLETE empty \"\""), "OK");
    expect_begins(client_ask(&rig.client, "CLAIM empty"), "COMPLETED \"\" ");
    client_ask(&rig.client, "CLAIM json");
    expect_is(client_ask(&rig.client, "COMPLETE json {\"a\":1}"), "OK");
    expect_begins(client_ask(&rig.client, "CLAIM json"),
                  "COMPLETED \"{\\\"a\\\":1}\" ");
    rig_stop(&rig);
}
END_TEST

START_TEST(blank_lines_and_line_ends_do_not_matter)
{
    struct rig rig;

    rig_start(&rig, NOTHING);
    client_send(&rig.client, "\n\r\n  \t\n");
    expect_is(client_ask(&rig.client, "PING\r"), "PONG");
    expect_is(client_ask(&rig.client, "  ping\t"), "PONG");
    expect_is(client_ask(&rig.client, "\n\nPiNg"), "PONG");
    expect_begins(client_ask(&rig.client, "PING\r\r"), "ERR ");
    rig_stop(&rig);
}
END_TEST

START_TEST(help_lists_every_verb)
{
    struct rig rig;
    struct buf all = {0};
    const char *reply;
    unsigned long lines;

    rig_start(&rig, NOTHING);
    reply = client_ask(&rig.client, "HELP");
    expect_begins(reply, "HELP ");
    lines = strtoul(reply + strlen("HELP "), NULL, 10);
    ck_assert_uint_gt(lines, 0);
    for (unsigned long i = 0; i < lines; i++) {
        buf_append_str(&all, client_line(&rig.client));
        buf_append_byte(&all, '\n');
    }
    buf_append_byte(&all, 0);
#define X(name, arguments, options, usage, help)                               \
    ck_assert_ptr_nonnull(strstr((const char *)buf_slice(&all).data, usage));
    VERB_MAP(X)
#undef X
    expect_is(client_ask(&rig.client, "PING"), "PONG");
    buf_release(&all);
    rig_stop(&rig);
}
END_TEST

/* The marker stands where each error would repeat it. */
START_TEST(the_body_of_a_browsers_post_is_not_carried_out)
{
    struct rig rig;
    struct client browser;

    rig_start(&rig, NOTHING);
    client_open(&browser, &rig.daemon);
    client_send(&browser, "POST / HTTP/1.1\r\n"
                          "Host: 127.0.0.1:7411\r\n"
                          "Content-Type: text/plain\r\n"
                          "Content-Length: 15\r\n"
                          "\r\n"
                          "CLAIM evil\r\n\r\n");
    expect_begins(client_line(&browser), "ERR UNKNOWN_COMMAND ");
    expect_closed(&browser);
    client_close(&browser);
    expect_is(client_ask(&rig.client, "LOOKUP evil"), "NOT_FOUND");
    rig_stop(&rig);
}
END_TEST

START_TEST(malformed_lines_get_their_error_and_hurt_nobody)
{
    static const char *const cases[][2] = {
        {"zqxjw", "UNKNOWN_COMMAND"},
        {"zqxjw a b=c", "UNKNOWN_COMMAND"},
        {"CLAIM", "SYNTAX"},
        {"CLAIM k zqxjw", "SYNTAX"},
        {"CLAIM k zqxjw=1", "SYNTAX"},
        {"CLAIM k owner=zqxjw owner=zqxjw", "SYNTAX"},
        {"CLAIM k fence=1", "SYNTAX"},
        {"CLAIM k ttl=zqxjw", "SYNTAX"},
        {"CLAIM k ttl=-1", "SYNTAX"},
        {"CLAIM k ttl=0", "LIMIT"},
        {"CLAIM k ttl=31d", "LIMIT"},
        {"CLAIM k lease=99999999999999999999", "LIMIT"},
        {"CLAIM lease=5s", "SYNTAX"},
        {"CLAIM \"zqxjw", "SYNTAX"},
        {"CLAIM \"zqxjw\"x", "SYNTAX"},
        {"CLAIM \"\\q\"", "SYNTAX"},
        {"CLAIM \"\\x0\"", "SYNTAX"},
        {"CLAIM zq\x01xjw", "SYNTAX"},
        {"CLAIM zq\x7fxjw", "SYNTAX"},
        {"COMPLETE k", "SYNTAX"},
        {"COMPLETE k FENCE=12", "SYNTAX"},
        {"COMPLETE k zqxjw fence=12345678901234567", "SYNTAX"},
        {"COMPLETE k zqxjw fence=+5", "SYNTAX"},
        {"COMPLETE k zqxjw fence=0x10", "SYNTAX"},
        {"LOOKUP k zqxjw", "SYNTAX"},
        {"NAMESPACE .zqxjw", "LIMIT"},
        {"NAMESPACE zq/xjw", "LIMIT"},
        {"NAMESPACE", "SYNTAX"},
        {"PING zqxjw", "SYNTAX"},
        {"QUIT zqxjw", "SYNTAX"},
    };
    struct rig rig;
    char expected[64];

    rig_start(&rig, NOTHING);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *reply = client_ask(&rig.client, cases[i][0]);

        snprintf(expected, sizeof(expected), "ERR %s ", cases[i][1]);
        ck_assert_msg(begins(reply, expected), "%s: expected %s, got %s",
                      cases[i][0], expected, reply);
        ck_assert_ptr_null(strstr(reply, "zqxjw"));
    }
    expect_is(client_ask(&rig.client, "LOOKUP k"), "NOT_FOUND");
    client_close(&rig.client);
    process_signal(&rig.daemon.process, 15);
    ck_assert_int_eq(process_wait(&rig.daemon.process), 0);
    ck_assert_ptr_null(strstr(process_err(&rig.daemon.process), "zqxjw"));
    process_release(&rig.daemon.process);
    site_remove(&rig.site);
}
END_TEST

SUITE(lines, 30, a_session_with_netcat_is_answered_line_by_line,
      claim_of_a_claimed_key_is_inflight_with_the_same_fence,
      release_makes_the_key_claimable_with_a_higher_fence,
      extend_answers_what_is_left_of_the_lease,
      an_owner_repeats_its_claim_and_needs_its_fence, the_first_receipt_wins,
      receipts_come_back_byte_for_byte, blank_lines_and_line_ends_do_not_matter,
      help_lists_every_verb, the_body_of_a_browsers_post_is_not_carried_out,
      malformed_lines_get_their_error_and_hurt_nobody)
