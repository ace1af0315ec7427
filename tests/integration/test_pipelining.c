#include "base/banned.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

enum { MANY = 3000 };

START_TEST(thousands_of_commands_in_one_write_are_answered_in_order)
{
    struct rig rig;
    struct buf all = {0};
    char text[64];
    uint64_t last = 0;

    rig_start(&rig, NOTHING);
    for (int i = 0; i < MANY; i++) {
        snprintf(text, sizeof(text),
                 "CLAIM k%d\nCOMPLETE k%d r%d\nLOOKUP k%d\n", i, i, i, i);
        buf_append_str(&all, text);
    }
    client_send_bytes(&rig.client, buf_slice(&all));
    for (int i = 0; i < MANY; i++) {
        const char *reply = client_line(&rig.client);

        expect_begins(reply, "CLAIMED ");
        ck_assert_uint_gt(fence_of(reply), last);
        last = fence_of(reply);
        expect_is(client_line(&rig.client), "OK");
        snprintf(text, sizeof(text), "COMPLETED \"r%d\" fence=%ju ", i,
                 (uintmax_t)last);
        expect_begins(client_line(&rig.client), text);
    }
    buf_release(&all);
    rig_stop(&rig);
}
END_TEST

START_TEST(commands_on_one_key_take_effect_in_order)
{
    enum { ROUNDS = 300 };
    struct rig rig;
    struct buf all = {0};
    uint64_t last = 0;

    rig_start(&rig, NOTHING);
    for (int i = 0; i < ROUNDS; i++) {
        buf_append_str(&all, "CLAIM k\nLOOKUP k\nRELEASE k\nLOOKUP k\n");
    }
    client_send_bytes(&rig.client, buf_slice(&all));
    for (int i = 0; i < ROUNDS; i++) {
        const char *reply = client_line(&rig.client);

        expect_begins(reply, "CLAIMED ");
        ck_assert_uint_gt(fence_of(reply), last);
        last = fence_of(reply);
        ck_assert_uint_eq(number_of(reply, "attempt"), (unsigned)i + 1);
        reply = client_line(&rig.client);
        expect_begins(reply, "INFLIGHT ");
        ck_assert_uint_eq(fence_of(reply), last);
        expect_is(client_line(&rig.client), "OK");
        expect_is(client_line(&rig.client), "NOT_FOUND");
    }
    buf_release(&all);
    rig_stop(&rig);
}
END_TEST

START_TEST(errors_and_answers_keep_their_places)
{
    struct rig rig;
    struct client *c = &rig.client;

    rig_start(&rig, NOTHING);
    client_send(c, "CLAIM k\nnonsense\nPING\nCLAIM k ttl=0\nLOOKUP k\nPING x\n"
                   "RELEASE k\nCLAIM\nLOOKUP k\nCOMPLETE k x\nPING\n");
    expect_begins(client_line(c), "CLAIMED ");
    expect_begins(client_line(c), "ERR UNKNOWN_COMMAND ");
    expect_is(client_line(c), "PONG");
    expect_begins(client_line(c), "ERR LIMIT ");
    expect_begins(client_line(c), "INFLIGHT ");
    expect_begins(client_line(c), "ERR SYNTAX ");
    expect_is(client_line(c), "OK");
    expect_begins(client_line(c), "ERR SYNTAX ");
    expect_is(client_line(c), "NOT_FOUND");
    expect_begins(client_line(c), "ERR NOT_FOUND ");
    expect_is(client_line(c), "PONG");
    rig_stop(&rig);
}
END_TEST

START_TEST(a_namespace_binds_what_follows_it)
{
    struct rig rig;
    struct client *c = &rig.client;

    rig_start(&rig, NOTHING);
    client_send(c, "CLAIM k\nNAMESPACE a\nLOOKUP k\nCLAIM k\nNAMESPACE a.b\n"
                   "LOOKUP k\nNAMESPACE a0\nLOOKUP k\nNAMESPACE a\nRELEASE k\n"
                   "NAMESPACE default\nLOOKUP k\n");
    expect_begins(client_line(c), "CLAIMED ");
    expect_is(client_line(c), "OK");
    expect_is(client_line(c), "NOT_FOUND");
    expect_begins(client_line(c), "CLAIMED ");
    expect_is(client_line(c), "OK");
    expect_is(client_line(c), "NOT_FOUND");
    expect_is(client_line(c), "OK");
    expect_is(client_line(c), "NOT_FOUND");
    expect_is(client_line(c), "OK");
    expect_is(client_line(c), "OK");
    expect_is(client_line(c), "OK");
    expect_begins(client_line(c), "INFLIGHT ");
    rig_stop(&rig);
}
END_TEST

START_TEST(a_namespace_is_the_connections_own)
{
    struct rig rig;
    struct client other;

    rig_start(&rig, LIST("namespace=home"));
    client_open(&other, &rig.daemon);
    expect_is(client_ask(&other, "NAMESPACE home"), "OK");
    expect_begins(client_ask(&other, "CLAIM k"), "CLAIMED ");
    expect_begins(client_ask(&rig.client, "LOOKUP k"), "INFLIGHT ");
    expect_is(client_ask(&other, "NAMESPACE away"), "OK");
    expect_is(client_ask(&other, "LOOKUP k"), "NOT_FOUND");
    expect_begins(client_ask(&other, "NAMESPACE /"), "ERR LIMIT ");
    expect_is(client_ask(&other, "LOOKUP k"), "NOT_FOUND");
    expect_begins(client_ask(&rig.client, "LOOKUP k"), "INFLIGHT ");
    client_close(&other);
    rig_stop(&rig);
}
END_TEST

START_TEST(nothing_runs_after_quit)
{
    struct rig rig;
    struct client other;

    rig_start(&rig, NOTHING);
    client_open(&other, &rig.daemon);
    client_send(&other, "CLAIM before\nQUIT\nCLAIM after\nPING\n");
    expect_begins(client_line(&other), "CLAIMED ");
    expect_is(client_line(&other), "BYE");
    expect_closed(&other);
    expect_begins(client_ask(&rig.client, "LOOKUP before"), "INFLIGHT ");
    expect_is(client_ask(&rig.client, "LOOKUP after"), "NOT_FOUND");
    client_close(&other);
    rig_stop(&rig);
}
END_TEST

START_TEST(everything_complete_before_a_half_close_is_answered)
{
    struct rig rig;
    struct client other;
    struct buf all = {0};
    char text[64];

    rig_start(&rig, NOTHING);
    client_open(&other, &rig.daemon);
    for (int i = 0; i < 500; i++) {
        snprintf(text, sizeof(text), "CLAIM h%d\n", i);
        buf_append_str(&all, text);
    }
    buf_append_str(&all, "CLAIM cut");
    client_send_bytes(&other, buf_slice(&all));
    client_half_close(&other);
    for (int i = 0; i < 500; i++) {
        expect_begins(client_line(&other), "CLAIMED ");
    }
    expect_closed(&other);
    expect_begins(client_ask(&rig.client, "LOOKUP h499"), "INFLIGHT ");
    expect_is(client_ask(&rig.client, "LOOKUP cut"), "NOT_FOUND");
    client_close(&other);
    buf_release(&all);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_half_close_in_resp_drops_the_request_that_was_cut)
{
    struct rig rig;
    struct client other;

    rig_start(&rig, NOTHING);
    client_open(&other, &rig.daemon);
    client_send(&other, "*2\r\n$5\r\nCLAIM\r\n$1\r\na\r\n"
                        "*2\r\n$5\r\nCLAIM\r\n$3\r\ncut");
    client_half_close(&other);
    expect_begins(client_resp(&other), "[\"CLAIMED\",");
    expect_closed(&other);
    expect_is(client_ask(&rig.client, "LOOKUP cut"), "NOT_FOUND");
    client_close(&other);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_connection_without_a_request_may_just_end)
{
    struct rig rig;
    struct client other;

    rig_start(&rig, NOTHING);
    client_open(&other, &rig.daemon);
    client_half_close(&other);
    expect_closed(&other);
    client_close(&other);
    expect_is(client_ask(&rig.client, "PING"), "PONG");
    rig_stop(&rig);
}
END_TEST

SUITE(pipelining, 60, thousands_of_commands_in_one_write_are_answered_in_order,
      commands_on_one_key_take_effect_in_order,
      errors_and_answers_keep_their_places, a_namespace_binds_what_follows_it,
      a_namespace_is_the_connections_own, nothing_runs_after_quit,
      everything_complete_before_a_half_close_is_answered,
      a_half_close_in_resp_drops_the_request_that_was_cut,
      a_connection_without_a_request_may_just_end)
