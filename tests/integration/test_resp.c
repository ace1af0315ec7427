#include "base/banned.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

/* The reply with its numbers masked; valid until the client's next call. */
static const char *masked(const char *reply)
{
    static char text[1024];

    ck_assert_ptr_nonnull(reply);
    snprintf(text, sizeof(text), "%s", reply);
    mask_numbers(text);
    return text;
}

START_TEST(every_verb_answers_in_resp)
{
    struct rig rig;
    struct client *c = &rig.client;

    rig_start(&rig, NOTHING);
    expect_is(client_resp_ask(c, "PING"), "PONG");
    expect_is(client_resp_ask(c, "LOOKUP k"), "[\"NOT_FOUND\"]");
    expect_is(masked(client_resp_ask(c, "CLAIM k lease=1m")),
              "[\"CLAIMED\",\"fence\",#,\"lease\",#,\"attempt\",1]");
    expect_is(masked(client_resp_ask(c, "claim k")),
              "[\"INFLIGHT\",\"fence\",#,\"age\",#,\"lease\",#,\"retry\",#,"
              "\"attempt\",1]");
    expect_is(client_resp_ask(c, "COMPLETE k done"), "OK");
    expect_is(masked(client_resp_ask(c, "LOOKUP k")),
              "[\"COMPLETED\",\"done\",\"fence\",#,\"age\",#,\"ttl\",#]");
    expect_is(client_resp_ask(c, "RELEASE k"), "OK");
    expect_is(client_resp_ask(c, "NAMESPACE other"), "OK");
    expect_is(client_resp_ask(c, "LOOKUP k"), "[\"NOT_FOUND\"]");
    expect_begins(client_resp_ask(c, "SWEEP"), "[\"SWEPT\",\"scanned\",");
    expect_begins(client_resp_ask(c, "STATS"), "[\"uptime_ms\",");
    ck_assert_ptr_nonnull(strstr(client_resp_ask(c, "HELP"), "LOOKUP key"));
    expect_is(client_resp_ask(c, "QUIT"), "BYE");
    expect_closed(c);
    rig_stop(&rig);
}
END_TEST

START_TEST(extend_and_an_owner_in_resp)
{
    struct rig rig;
    struct client *c = &rig.client;
    char words[64];
    uint64_t fence;

    rig_start(&rig, NOTHING);
    fence = fence_of(client_ask(c, "CLAIM k lease=1m owner=me"));
    snprintf(words, sizeof(words), "EXTEND k FENCE=%ju lease=2m",
             (uintmax_t)fence);
    expect_is(masked(client_resp_ask(c, words)), "[\"OK\",\"lease\",#]");
    expect_is(masked(client_resp_ask(c, "LOOKUP k")),
              "[\"INFLIGHT\",\"fence\",#,\"age\",#,\"lease\",#,\"retry\",#,"
              "\"attempt\",1,\"owner\",\"me\"]");
    expect_is(masked(client_resp_ask(c, "CLAIM k owner=me")),
              "[\"CLAIMED\",\"fence\",#,\"lease\",#,\"attempt\",1,"
              "\"again\",1]");
    rig_stop(&rig);
}
END_TEST

START_TEST(errors_in_resp_carry_their_code)
{
    struct rig rig;
    struct client *c = &rig.client;

    rig_start(&rig, NOTHING);
    expect_begins(client_resp_ask(c, "HELLO 3"), "-ERR unknown command");
    expect_begins(client_resp_ask(c, "zqxjw"), "-ERR unknown command");
    expect_begins(client_resp_ask(c, "CLAIM"), "-SYNTAX ");
    expect_begins(client_resp_ask(c, "CLAIM k zqxjw"), "-SYNTAX ");
    expect_begins(client_resp_ask(c, "CLAIM k ttl=0"), "-LIMIT ");
    expect_begins(client_resp_ask(c, "COMPLETE k x"), "-NOT_FOUND ");
    expect_begins(client_resp_ask(c, "EXTEND k"), "-FENCE_REQUIRED ");
    expect_begins(client_resp_ask(c, "NAMESPACE zq/xjw"), "-LIMIT ");
    ck_assert_ptr_null(strstr(client_resp_ask(c, "zqxjw zqxjw"), "zqxjw"));
    expect_is(client_resp_ask(c, "PING"), "PONG");
    rig_stop(&rig);
}
END_TEST

START_TEST(a_receipt_in_resp_is_whatever_stands_behind_the_key)
{
    struct rig rig;
    struct client *c = &rig.client;

    rig_start(&rig, NOTHING);
    client_ask(c, "CLAIM k");
    expect_is(client_resp_ask(c, "COMPLETE k fence=12"), "OK");
    expect_begins(client_ask(c, "LOOKUP k"), "COMPLETED \"fence=12\" ");
    client_ask(c, "CLAIM bin");
    client_send_bytes(c, BYTES("*3\r\n$8\r\nCOMPLETE\r\n$3\r\nbin\r\n"
                               "$6\r\n\0\r\n\"\xff*\r\n"));
    expect_is(client_resp(c), "OK");
    expect_begins(client_resp_ask(c, "LOOKUP bin"),
                  "[\"COMPLETED\",\"\\x00\\x0d\\x0a\\x22\\xff*\",");
    client_ask(c, "CLAIM empty");
    client_send(c, "*3\r\n$8\r\nCOMPLETE\r\n$5\r\nempty\r\n$0\r\n\r\n");
    expect_is(client_resp(c), "OK");
    expect_begins(client_resp_ask(c, "LOOKUP empty"), "[\"COMPLETED\",\"\",");
    rig_stop(&rig);
}
END_TEST

START_TEST(both_framings_alternate_on_one_connection)
{
    struct rig rig;
    struct client *c = &rig.client;

    rig_start(&rig, NOTHING);
    client_send(c, "PING\n*1\r\n$4\r\nPING\r\nping\n*0\r\n\n"
                   "*2\r\n$5\r\nCLAIM\r\n$1\r\nk\r\nLOOKUP k\n"
                   "*1\r\n$4\r\nQUIT\r\nPING\n");
    expect_is(client_line(c), "PONG");
    expect_is(client_resp(c), "PONG");
    expect_is(client_line(c), "PONG");
    expect_begins(client_resp(c), "[\"CLAIMED\",");
    expect_begins(client_line(c), "INFLIGHT ");
    expect_is(client_resp(c), "BYE");
    expect_closed(c);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_key_of_any_bytes_is_one_key_in_both_framings)
{
    struct rig rig;
    struct client *c = &rig.client;

    rig_start(&rig, NOTHING);
    client_send_bytes(c, BYTES("*2\r\n$5\r\nCLAIM\r\n$4\r\n\0\n \xff\r\n"));
    expect_begins(client_resp(c), "[\"CLAIMED\",");
    expect_begins(client_ask(c, "LOOKUP \"\\x00\\n \\xFF\""), "INFLIGHT ");
    expect_is(client_ask(c, "LOOKUP \"\\x00\\n \""), "NOT_FOUND");
    rig_stop(&rig);
}
END_TEST

START_TEST(a_stream_that_cannot_be_followed_is_closed)
{
    static const char *const cases[][2] = {
        {"*-1\r\n", "-SYNTAX "},
        {"*zqxjw\r\n", "-SYNTAX "},
        {"*+1\r\n", "-SYNTAX "},
        {"*0x1\r\n", "-SYNTAX "},
        {"*1\r\nzqxjw\r\n", "-SYNTAX "},
        {"*1\r\n$-1\r\n", "-SYNTAX "},
        {"*1\r\n$zqxjw\r\n", "-SYNTAX "},
        {"*1\r\n$4\r\nPINGzq", "-SYNTAX "},
        {"*3\r\n$8\r\nCOMPLETE\r\n$1\r\nk\r\n$999999999\r\n", "-LIMIT "},
        {"*2\r\n$5\r\nCLAIM\r\n$9223372036854775807\r\n", "-LIMIT "},
    };
    struct rig rig;

    rig_start(&rig, NOTHING);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct client c;
        const char *reply;

        client_open(&c, &rig.daemon);
        client_send(&c, "PING\n");
        client_send(&c, cases[i][0]);
        client_send(&c, "\r\nCLAIM evil\n");
        expect_is(client_line(&c), "PONG");
        reply = client_resp(&c);
        ck_assert_msg(begins(reply, cases[i][1]), "case %zu: got %s", i, reply);
        ck_assert_ptr_null(strstr(reply, "zqxjw"));
        expect_closed(&c);
        client_close(&c);
    }
    expect_is(client_ask(&rig.client, "LOOKUP evil"), "NOT_FOUND");
    rig_stop(&rig);
}
END_TEST

SUITE(resp, 30, every_verb_answers_in_resp, extend_and_an_owner_in_resp,
      errors_in_resp_carry_their_code,
      a_receipt_in_resp_is_whatever_stands_behind_the_key,
      both_framings_alternate_on_one_connection,
      a_key_of_any_bytes_is_one_key_in_both_framings,
      a_stream_that_cannot_be_followed_is_closed)
