#include "base/banned.h"
#include "tests/lib/load.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

#include <signal.h>

enum { DRAIN_MS = 5000 };

START_TEST(an_idle_daemon_ends_with_0)
{
    struct rig rig;

    rig_start(&rig, NOTHING);
    process_signal(&rig.daemon.process, SIGTERM);
    expect_closed(&rig.client);
    ck_assert_int_eq(process_wait_for(&rig.daemon.process, DRAIN_MS), 0);
    process_release(&rig.daemon.process);
    client_close(&rig.client);
    site_remove(&rig.site);
}
END_TEST

START_TEST(sigint_ends_it_as_sigterm_does)
{
    struct rig rig;

    rig_start(&rig, NOTHING);
    process_signal(&rig.daemon.process, SIGINT);
    ck_assert_int_eq(process_wait_for(&rig.daemon.process, DRAIN_MS), 0);
    process_release(&rig.daemon.process);
    client_close(&rig.client);
    site_remove(&rig.site);
}
END_TEST

START_TEST(half_a_request_and_a_deaf_reader_do_not_delay_the_end)
{
    struct rig rig;
    struct client half;
    struct client deaf;
    struct buf requests = {0};

    rig_start(&rig, NOTHING);
    client_open(&half, &rig.daemon);
    client_send(&half, "CLAIM hal");
    client_open(&deaf, &rig.daemon);
    for (int i = 0; i < 20000; i++) {
        buf_append_str(&requests, "HELP\n");
    }
    client_push(&deaf, buf_slice(&requests));
    expect_is(client_ask(&rig.client, "PING"), "PONG");
    process_signal(&rig.daemon.process, SIGTERM);
    ck_assert_int_eq(process_wait_for(&rig.daemon.process, 2 * DRAIN_MS), 0);
    process_release(&rig.daemon.process);
    client_close(&half);
    client_close(&deaf);
    client_close(&rig.client);
    buf_release(&requests);
    site_remove(&rig.site);
}
END_TEST

START_TEST(more_requests_than_may_be_begun_do_not_delay_the_end)
{
    struct rig rig;
    struct buf requests = {0};

    rig_start(&rig, NOTHING);
    for (int i = 0; i < 3000; i++) {
        buf_append_str(&requests, "CLAIM key-");
        buf_append_u64(&requests, (uint64_t)i);
        buf_append_str(&requests, "\n");
    }
    client_push(&rig.client, buf_slice(&requests));
    process_signal(&rig.daemon.process, SIGTERM);
    client_rest(&rig.client);
    ck_assert_int_eq(process_wait_for(&rig.daemon.process, DRAIN_MS), 0);
    process_release(&rig.daemon.process);
    client_close(&rig.client);
    buf_release(&requests);
    site_remove(&rig.site);
}
END_TEST

START_TEST(postponed_replies_do_not_delay_the_end)
{
    struct rig rig;
    struct client deaf;
    struct buf requests = {0};

    rig_start(&rig, LIST("output_limit=64KiB"));
    expect_begins(client_ask(&rig.client, "CLAIM k"), "CLAIMED ");
    buf_append_str(&requests, "COMPLETE k ");
    for (int i = 0; i < 60000; i++) {
        buf_append_byte(&requests, 'r');
    }
    buf_append_str(&requests, "\n");
    client_send_bytes(&rig.client, buf_slice(&requests));
    expect_is(client_line(&rig.client), "OK");
    client_open(&deaf, &rig.daemon);
    buf_clear(&requests);
    for (int i = 0; i < 500; i++) {
        buf_append_str(&requests, "LOOKUP k\n");
    }
    client_push(&deaf, buf_slice(&requests));
    expect_is(client_ask(&rig.client, "PING"), "PONG");
    process_signal(&rig.daemon.process, SIGTERM);
    ck_assert_int_eq(process_wait_for(&rig.daemon.process, 2 * DRAIN_MS), 0);
    process_release(&rig.daemon.process);
    client_close(&deaf);
    client_close(&rig.client);
    buf_release(&requests);
    site_remove(&rig.site);
}
END_TEST

START_TEST(every_reply_before_a_stop_under_load_is_true_after_it)
{
    static const unsigned replies[] = {50, 900, 4000};
    struct rig rig;

    rig_start(&rig, NOTHING);
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        char name[16];
        struct load *load;
        uint64_t sent_ms;

        snprintf(name, sizeof(name), "t%zu", i);
        load = load_new(&rig.daemon, name);
        load_run(load, replies[i]);
        process_signal(&rig.daemon.process, SIGTERM);
        sent_ms = now_ms();
        load_drain(load);
        ck_assert_int_eq(process_wait_for(&rig.daemon.process, DRAIN_MS), 0);
        ck_assert_uint_lt(now_ms() - sent_ms, DRAIN_MS);
        process_release(&rig.daemon.process);
        client_close(&rig.client);
        daemon_start(&rig.daemon, &rig.site, NOTHING);
        client_open(&rig.client, &rig.daemon);
        load_verify(load, &rig.client);
        load_free(load);
    }
    rig_stop(&rig);
}
END_TEST

START_TEST(the_log_has_one_line_an_event_with_a_priority)
{
    struct rig rig;
    const char *line;

    rig_start(&rig, NOTHING);
    client_ask(&rig.client, "nonsense");
    process_signal(&rig.daemon.process, SIGTERM);
    ck_assert_int_eq(process_wait(&rig.daemon.process), 0);
    line = process_err(&rig.daemon.process);
    ck_assert_str_ne(line, "");
    while (*line != '\0') {
        ck_assert_msg(line[0] == '<' && line[1] >= '0' && line[1] <= '7' &&
                          line[2] == '>',
                      "no priority: %s", line);
        line += strcspn(line, "\n");
        ck_assert_int_eq(*line, '\n');
        line++;
    }
    process_release(&rig.daemon.process);
    client_close(&rig.client);
    site_remove(&rig.site);
}
END_TEST

SUITE(shutdown, 60, an_idle_daemon_ends_with_0, sigint_ends_it_as_sigterm_does,
      more_requests_than_may_be_begun_do_not_delay_the_end,
      postponed_replies_do_not_delay_the_end,
      half_a_request_and_a_deaf_reader_do_not_delay_the_end,
      every_reply_before_a_stop_under_load_is_true_after_it,
      the_log_has_one_line_an_event_with_a_priority)
