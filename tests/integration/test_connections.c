#include "base/banned.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

#include <poll.h>
#include <sys/stat.h>

/* Asks until the number is what it has to become. */
static void await_stat(struct client *client, const char *name, uint64_t value)
{
    uint64_t until_ms = now_ms() + WAIT_MS;

    while (stat_of(client, name) != value) {
        ck_assert_msg(left_ms(until_ms) > 0, "%s never becomes %ju", name,
                      (uintmax_t)value);
        pace();
    }
}

START_TEST(a_connection_too_many_is_told_busy)
{
    enum { MAX = 4 };
    struct rig rig;
    struct client more[MAX];

    rig_start(&rig, LIST("max_connections=4"));
    for (int i = 1; i < MAX; i++) {
        client_open(&more[i], &rig.daemon);
        expect_is(client_ask(&more[i], "PING"), "PONG");
    }
    client_open(&more[0], &rig.daemon);
    expect_begins(client_line(&more[0]), "ERR BUSY ");
    expect_closed(&more[0]);
    client_close(&more[0]);
    for (int i = 1; i < MAX; i++) {
        expect_is(client_ask(&more[i], "PING"), "PONG");
    }
    ck_assert_uint_eq(stat_of(&rig.client, "connections_refused"), 1);
    ck_assert_uint_eq(stat_of(&rig.client, "connections"), MAX);
    client_close(&more[1]);
    await_stat(&rig.client, "connections", MAX - 1);
    client_open(&more[1], &rig.daemon);
    expect_is(client_ask(&more[1], "PING"), "PONG");
    for (int i = 1; i < MAX; i++) {
        client_close(&more[i]);
    }
    rig_stop(&rig);
}
END_TEST

START_TEST(a_request_that_does_not_end_is_closed_in_time)
{
    static const char *const halves[] = {"CLAIM k", "*2\r\n$5\r\nCLA",
                                         "PING\nPIN", "*"};
    enum { HALVES = sizeof(halves) / sizeof(halves[0]) };
    struct rig rig;
    struct client slow[HALVES];

    rig_start(&rig, LIST("request_timeout=200ms"));
    expect_is(client_ask(&rig.client, "PING"), "PONG");
    for (size_t i = 0; i < HALVES; i++) {
        client_open(&slow[i], &rig.daemon);
        client_send(&slow[i], halves[i]);
    }
    expect_is(client_line(&slow[2]), "PONG");
    for (size_t i = 0; i < HALVES; i++) {
        const char *rest = client_rest(&slow[i]);

        ck_assert(*rest == '\0' || begins(rest, "ERR ") || begins(rest, "-"));
        client_close(&slow[i]);
    }
    /* It is idle, but nothing of it is unfinished. */
    expect_is(client_ask(&rig.client, "LOOKUP k"), "NOT_FOUND");
    rig_stop(&rig);
}
END_TEST

START_TEST(a_byte_now_and_then_does_not_move_the_deadline)
{
    struct rig rig;
    struct client slow;
    uint64_t until_ms = now_ms() + WAIT_MS;

    rig_start(&rig, LIST("request_timeout=200ms"));
    client_open(&slow, &rig.daemon);
    client_send(&slow, "CLAIM ");
    while (client_poll(&slow)) {
        struct pollfd fd = {.fd = slow.fd, .events = POLLIN};

        client_send(&slow, "k");
        poll(&fd, 1, 20);
        ck_assert_int_gt(left_ms(until_ms), 0);
    }
    client_close(&slow);
    expect_is(client_ask(&rig.client, "PING"), "PONG");
    rig_stop(&rig);
}
END_TEST

START_TEST(an_idle_connection_is_closed_where_that_is_asked_for)
{
    struct rig rig;
    struct client idle;

    rig_start(&rig, LIST("idle_timeout=300ms"));
    client_open(&idle, &rig.daemon);
    expect_is(client_ask(&idle, "PING"), "PONG");
    expect_closed(&idle);
    client_close(&idle);
    rig_stop(&rig);
}
END_TEST

/* Completes the key k with a receipt of so many bytes. */
static void complete_long(struct client *client, size_t receipt_bytes)
{
    struct buf request = {0};

    expect_begins(client_ask(client, "CLAIM k"), "CLAIMED ");
    buf_append_str(&request, "COMPLETE k ");
    memset(buf_reserve(&request, receipt_bytes), 'r', receipt_bytes);
    buf_commit(&request, receipt_bytes);
    buf_append_str(&request, "\n");
    client_send_bytes(client, buf_slice(&request));
    expect_is(client_line(client), "OK");
    buf_release(&request);
}

START_TEST(a_reader_that_never_reads_costs_bounded_memory)
{
    enum { REQUESTS = 20000, RECEIPT_BYTES = 65536, KIB_MAX = 8192 };
    struct rig rig;
    struct client deaf;
    struct buf requests = {0};
    long before_kib;

    rig_start(&rig, LIST("store=memory"));
    complete_long(&rig.client, RECEIPT_BYTES);
    for (int i = 0; i < 100; i++) {
        client_ask(&rig.client, "LOOKUP k");
    }
    before_kib = process_rss_kib(&rig.daemon.process);
    for (int i = 0; i < REQUESTS; i++) {
        buf_append_str(&requests, "LOOKUP k\n");
    }
    client_open(&deaf, &rig.daemon);
    client_push(&deaf, buf_slice(&requests));
    for (int i = 0; i < 500; i++) {
        expect_begins(client_ask(&rig.client, "LOOKUP k"), "COMPLETED \"r");
    }
    ck_assert(UNDER_SANITIZER ||
              process_rss_kib(&rig.daemon.process) - before_kib < KIB_MAX);
    client_reset(&deaf);
    await_stat(&rig.client, "connections", 1);
    buf_release(&requests);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_reader_that_never_reads_is_closed_in_the_end)
{
    struct rig rig;
    struct client deaf;
    struct buf requests = {0};

    rig_start(&rig, LIST("store=memory"));
    for (int i = 0; i < 20000; i++) {
        buf_append_str(&requests, "HELP\n");
    }
    client_open(&deaf, &rig.daemon);
    client_push(&deaf, buf_slice(&requests));
    await_stat(&rig.client, "connections", 2);
    await_stat(&rig.client, "connections", 1);
    client_close(&deaf);
    buf_release(&requests);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_late_reader_gets_every_reply)
{
    enum { REQUESTS = 300, RECEIPT_BYTES = 60000 };
    struct rig rig;
    struct client late;
    struct buf request = {0};

    rig_start(&rig, LIST("store=memory"));
    complete_long(&rig.client, RECEIPT_BYTES);
    for (int i = 0; i < REQUESTS; i++) {
        buf_append_str(&request, "LOOKUP k\nPING\n");
    }
    client_open(&late, &rig.daemon);
    client_push(&late, buf_slice(&request));
    for (int i = 0; i < 100; i++) {
        expect_is(client_ask(&rig.client, "PING"), "PONG");
    }
    for (int i = 0; i < REQUESTS; i++) {
        const char *reply = client_line(&late);

        expect_begins(reply, "COMPLETED \"r");
        ck_assert_uint_gt(strlen(reply), RECEIPT_BYTES);
        expect_is(client_line(&late), "PONG");
    }
    client_close(&late);
    buf_release(&request);
    rig_stop(&rig);
}
END_TEST

START_TEST(the_tightest_settings_still_answer_a_pipeline)
{
    enum { REQUESTS = 100, RECEIPT_BYTES = 1 << 20 };
    struct rig rig;
    struct client *c = &rig.client;
    struct buf requests = {0};

    rig_start(&rig, LIST("store=memory", "max_inflight=1", "max_receipt=1MiB",
                         "output_limit=64KiB"));
    complete_long(c, RECEIPT_BYTES);
    for (int i = 0; i < REQUESTS; i++) {
        buf_append_str(&requests, "LOOKUP k\nPING\nLOOKUP x\n");
    }
    client_send_bytes(c, buf_slice(&requests));
    for (int i = 0; i < REQUESTS; i++) {
        ck_assert_uint_gt(strlen(client_line(c)), RECEIPT_BYTES);
        expect_is(client_line(c), "PONG");
        expect_is(client_line(c), "NOT_FOUND");
    }
    buf_release(&requests);
    rig_stop(&rig);
}
END_TEST

START_TEST(resets_at_any_moment_hurt_nobody)
{
    enum { ROUNDS = 200 };
    struct rig rig;

    rig_start(&rig, NOTHING);
    for (int i = 0; i < ROUNDS; i++) {
        struct client c;
        char text[128];
        int len = snprintf(text, sizeof(text),
                           "CLAIM r%d\nCOMPLETE r%d done\n"
                           "*2\r\n$6\r\nLOOKUP\r\n$2\r\nr1\r\nSTATS\n",
                           i, i);

        client_open(&c, &rig.daemon);
        client_send_bytes(&c, slice_of(text, (size_t)(i * 7919 % (len + 1))));
        if (i % 3 == 0) {
            /* Some are reset while the daemon works for them. */
            expect_is(client_ask(&rig.client, "PING"), "PONG");
        }
        client_reset(&c);
    }
    await_stat(&rig.client, "connections", 1);
    expect_is(client_ask(&rig.client, "PING"), "PONG");
    rig_stop(&rig);
}
END_TEST

START_TEST(hundreds_of_clients_at_once_are_all_served)
{
    enum { CLIENTS = 500 };
    static struct client clients[CLIENTS];
    struct rig rig;
    char text[32];

    rig_start(&rig, NOTHING);
    for (int i = 0; i < CLIENTS; i++) {
        snprintf(text, sizeof(text), "CLAIM c%d\n", i);
        client_open(&clients[i], &rig.daemon);
        client_send(&clients[i], text);
    }
    for (int i = 0; i < CLIENTS; i++) {
        expect_begins(client_line(&clients[i]), "CLAIMED ");
    }
    ck_assert_uint_eq(stat_of(&rig.client, "connections"), CLIENTS + 1);
    for (int i = 0; i < CLIENTS; i++) {
        client_close(&clients[i]);
    }
    await_stat(&rig.client, "connections", 1);
    rig_stop(&rig);
}
END_TEST

START_TEST(one_key_has_one_holder_among_many_clients)
{
    enum { CLIENTS = 50 };
    struct rig rig;
    struct client clients[CLIENTS];
    unsigned holders = 0;

    rig_start(&rig, NOTHING);
    for (int i = 0; i < CLIENTS; i++) {
        client_open(&clients[i], &rig.daemon);
        client_send(&clients[i], "CLAIM k\n");
    }
    for (int i = 0; i < CLIENTS; i++) {
        const char *reply = client_line(&clients[i]);

        holders += begins(reply, "CLAIMED ");
        ck_assert(begins(reply, "CLAIMED ") || begins(reply, "INFLIGHT "));
        client_close(&clients[i]);
    }
    ck_assert_uint_eq(holders, 1);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_unix_socket_serves_beside_tcp)
{
    struct rig rig;
    struct client local;
    struct stat status;
    char listen[2 * SITE_PATH_BYTES];
    const char *path;

    site_make(&rig.site);
    path = site_path(&rig.site, "sock");
    snprintf(listen, sizeof(listen), "listen=unix:%s,127.0.0.1:0", path);
    daemon_start_listeners(&rig.daemon, &rig.site, LIST(listen), 2);
    client_open(&rig.client, &rig.daemon);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode, S_IFSOCK | 0600);
    client_open_unix(&local, path);
    expect_begins(client_ask(&local, "CLAIM k"), "CLAIMED ");
    expect_begins(client_ask(&rig.client, "LOOKUP k"), "INFLIGHT ");
    client_close(&local);
    rig_stop(&rig);
}
END_TEST

SUITE(connections, 60, a_connection_too_many_is_told_busy,
      a_request_that_does_not_end_is_closed_in_time,
      a_byte_now_and_then_does_not_move_the_deadline,
      an_idle_connection_is_closed_where_that_is_asked_for,
      a_reader_that_never_reads_costs_bounded_memory,
      a_reader_that_never_reads_is_closed_in_the_end,
      a_late_reader_gets_every_reply,
      the_tightest_settings_still_answer_a_pipeline,
      resets_at_any_moment_hurt_nobody,
      hundreds_of_clients_at_once_are_all_served,
      one_key_has_one_holder_among_many_clients,
      a_unix_socket_serves_beside_tcp)
