#include "base/banned.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

enum {
    KEY_BYTES_MAX = 512,
    RECEIPT_BYTES_MAX = 65536,
    LINE_BYTES_MAX = 4 * (KEY_BYTES_MAX + RECEIPT_BYTES_MAX) + 4096,
};

static void append_times(struct buf *to, char byte, size_t times)
{
    memset(buf_reserve(to, times), byte, times);
    buf_commit(to, times);
}

/* Sends `before`, then `count` times `x`, then `after`, and returns
 * the reply. */
static const char *ask_long(struct client *c, const char *before, size_t count,
                            const char *after)
{
    struct buf request = {0};

    buf_append_str(&request, before);
    append_times(&request, 'x', count);
    buf_append_str(&request, after);
    client_send_bytes(c, buf_slice(&request));
    buf_release(&request);
    return client_line(c);
}

START_TEST(a_key_may_have_its_limit_and_not_a_byte_more)
{
    struct rig rig;
    struct client *c = &rig.client;

    rig_start(&rig, NOTHING);
    expect_begins(ask_long(c, "CLAIM ", KEY_BYTES_MAX, "\n"), "CLAIMED ");
    expect_begins(ask_long(c, "CLAIM ", KEY_BYTES_MAX, "\n"), "INFLIGHT ");
    expect_begins(ask_long(c, "CLAIM ", KEY_BYTES_MAX + 1, "\n"), "ERR LIMIT ");
    expect_begins(ask_long(c, "CLAIM \"", KEY_BYTES_MAX + 1, "\"\n"),
                  "ERR LIMIT ");
    expect_begins(client_ask(c, "CLAIM \"\""), "ERR LIMIT ");
    expect_is(ask_long(c, "RELEASE ", KEY_BYTES_MAX, "\n"), "OK");
    client_send(c, "*2\r\n$6\r\nLOOKUP\r\n$513\r\n");
    expect_begins(ask_long(c, "", KEY_BYTES_MAX + 1, "\r\n"), "-LIMIT ");
    client_send(c, "*2\r\n$6\r\nLOOKUP\r\n$512\r\n");
    expect_begins(ask_long(c, "", KEY_BYTES_MAX, "\r\n"), "*1");
    rig_stop(&rig);
}
END_TEST

START_TEST(a_receipt_may_have_its_limit_and_not_a_byte_more)
{
    struct rig rig;
    struct client *c = &rig.client;
    const char *reply;

    rig_start(&rig, NOTHING);
    client_ask(c, "CLAIM k");
    expect_begins(ask_long(c, "COMPLETE k ", RECEIPT_BYTES_MAX + 1, "\n"),
                  "ERR LIMIT ");
    expect_is(ask_long(c, "COMPLETE k ", RECEIPT_BYTES_MAX, "\n"), "OK");
    reply = client_ask(c, "LOOKUP k");
    expect_begins(reply, "COMPLETED \"x");
    ck_assert_uint_eq(strspn(reply + strlen("COMPLETED \""), "x"),
                      RECEIPT_BYTES_MAX);
    rig_stop(&rig);
}
END_TEST

START_TEST(limits_follow_their_settings)
{
    struct rig rig;
    struct client *c = &rig.client;

    rig_start(&rig, LIST("max_key=16", "max_receipt=1MiB", "max_ttl=1h",
                         "max_lease=1m", "ttl=30m", "lease=30s"));
    expect_begins(ask_long(c, "CLAIM ", 17, "\n"), "ERR LIMIT ");
    expect_begins(client_ask(c, "CLAIM k ttl=61m"), "ERR LIMIT ");
    expect_begins(client_ask(c, "CLAIM k lease=61s"), "ERR LIMIT ");
    ck_assert_uint_eq(number_of(client_ask(c, "CLAIM k"), "lease"), 30000);
    expect_is(ask_long(c, "COMPLETE k ", 1 << 20, "\n"), "OK");
    expect_begins(client_ask(c, "LOOKUP k"), "COMPLETED \"xxx");
    rig_stop(&rig);
}
END_TEST

START_TEST(owner_and_fingerprint_have_limits)
{
    struct rig rig;
    struct client *c = &rig.client;

    rig_start(&rig, NOTHING);
    expect_begins(ask_long(c, "CLAIM k owner=", 65, "\n"), "ERR LIMIT ");
    expect_begins(ask_long(c, "CLAIM k fp=", 65, "\n"), "ERR LIMIT ");
    expect_begins(client_ask(c, "CLAIM k owner=\"\""), "ERR LIMIT ");
    expect_begins(ask_long(c, "NAMESPACE ", 65, "\n"), "ERR LIMIT ");
    expect_is(ask_long(c, "NAMESPACE ", 64, "\n"), "OK");
    expect_begins(ask_long(c, "CLAIM k owner=", 64, "\n"), "CLAIMED ");
    expect_begins(ask_long(c, "CLAIM k owner=", 64, "\n"), "CLAIMED ");
    rig_stop(&rig);
}
END_TEST

START_TEST(the_longest_line_is_answered)
{
    struct rig rig;
    struct client *c = &rig.client;

    rig_start(&rig, NOTHING);
    expect_begins(ask_long(c, "CLAIM ", LINE_BYTES_MAX - 6, "\n"),
                  "ERR LIMIT ");
    expect_is(client_ask(c, "PING"), "PONG");
    rig_stop(&rig);
}
END_TEST

START_TEST(a_longer_line_closes_and_nothing_behind_it_runs)
{
    static const size_t too_long[] = {LINE_BYTES_MAX - 6 + 1,
                                      LINE_BYTES_MAX - 6 + 2, 4 << 20};
    struct rig rig;

    rig_start(&rig, NOTHING);
    for (size_t i = 0; i < sizeof(too_long) / sizeof(too_long[0]); i++) {
        struct client c;

        client_open(&c, &rig.daemon);
        expect_begins(ask_long(&c, "CLAIM ", too_long[i],
                               "\nCLAIM evil\nPING\n"),
                      "ERR LIMIT ");
        expect_closed(&c);
        client_close(&c);
    }
    expect_is(client_ask(&rig.client, "LOOKUP evil"), "NOT_FOUND");
    rig_stop(&rig);
}
END_TEST

START_TEST(an_endless_line_is_cut_off_without_being_kept)
{
    struct rig rig;
    struct client c;
    long before_kib;

    rig_start(&rig, NOTHING);
    client_open(&c, &rig.daemon);
    expect_is(client_ask(&rig.client, "PING"), "PONG");
    before_kib = process_rss_kib(&rig.daemon.process);
    expect_begins(ask_long(&c, "", 64 << 20, ""), "ERR LIMIT ");
    expect_closed(&c);
    expect_is(client_ask(&rig.client, "PING"), "PONG");
    ck_assert(UNDER_SANITIZER ||
              process_rss_kib(&rig.daemon.process) - before_kib < 8192);
    client_close(&c);
    rig_stop(&rig);
}
END_TEST

START_TEST(what_came_before_the_bad_request_is_still_answered)
{
    struct rig rig;
    struct client c;

    rig_start(&rig, NOTHING);
    client_open(&c, &rig.daemon);
    client_send(&c, "CLAIM a\nCOMPLETE a done\nLOOKUP a\n*-5\r\nCLAIM evil\n");
    expect_begins(client_line(&c), "CLAIMED ");
    expect_is(client_line(&c), "OK");
    expect_begins(client_line(&c), "COMPLETED \"done\" ");
    expect_begins(client_line(&c), "-SYNTAX ");
    expect_closed(&c);
    expect_is(client_ask(&rig.client, "LOOKUP evil"), "NOT_FOUND");
    client_close(&c);
    rig_stop(&rig);
}
END_TEST

/* A generator of its own, so that every run sends the same. */
static uint8_t next_byte(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return (uint8_t)(*state >> 24);
}

START_TEST(binary_garbage_gets_errors_and_nothing_else)
{
    struct rig rig;
    uint32_t state = 7;

    rig_start(&rig, NOTHING);
    for (int round = 0; round < 50; round++) {
        struct client c;
        uint8_t bytes[2000];
        const char *reply;

        for (size_t i = 0; i < sizeof(bytes); i++) {
            bytes[i] = next_byte(&state);
        }
        client_open(&c, &rig.daemon);
        client_send_bytes(&c, slice_of(bytes, sizeof(bytes)));
        client_half_close(&c);
        while ((reply = client_line(&c)) != NULL) {
            ck_assert_msg(begins(reply, "ERR ") || begins(reply, "-"),
                          "garbage was answered with %s", reply);
        }
        client_close(&c);
    }
    expect_is(client_ask(&rig.client, "PING"), "PONG");
    ck_assert_uint_gt(stat_of(&rig.client, "errors_UNKNOWN_COMMAND") +
                          stat_of(&rig.client, "errors_SYNTAX"),
                      50);
    rig_stop(&rig);
}
END_TEST

SUITE(limits, 60, a_key_may_have_its_limit_and_not_a_byte_more,
      a_receipt_may_have_its_limit_and_not_a_byte_more,
      limits_follow_their_settings, owner_and_fingerprint_have_limits,
      the_longest_line_is_answered,
      a_longer_line_closes_and_nothing_behind_it_runs,
      an_endless_line_is_cut_off_without_being_kept,
      what_came_before_the_bad_request_is_still_answered,
      binary_garbage_gets_errors_and_nothing_else)
