/* Signals at any time: what was answered is true, what ends is in time. */
#include "base/banned.h"
#include "tests/faults/figures.h"
#include "tests/lib/load.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

#include <poll.h>
#include <signal.h>

enum { STOP_MS = 5000, HUNG_S = 3, STOPPED_MS = 3000, STOPPED_LONG_MS = 15000 };

static bool can_trace(void)
{
    struct process p;
    bool can =
        !UNDER_SANITIZER && process_run(&p, LIST("strace", "-D", "-f", "-o",
                                                 "/dev/null", "true")) == 0;

    if (!UNDER_SANITIZER) {
        process_release(&p);
    }
    if (!can) {
        skipped("strace cannot trace the daemon here");
    }
    return can;
}

/* Waits for the end; how long it took since the signal. */
static uint64_t await_end(struct rig *rig, uint64_t sent_ms, int expected)
{
    int code = process_wait(&rig->daemon.process);
    uint64_t took_ms = now_ms() - sent_ms;

    ck_assert_msg(code == expected, "exit code %d: %.2000s", code,
                  process_err(&rig->daemon.process));
    process_release(&rig->daemon.process);
    client_close(&rig->client);
    return took_ms;
}

static void start_rig(struct rig *rig)
{
    daemon_start(&rig->daemon, &rig->site, NOTHING);
    client_open(&rig->client, &rig->daemon);
}

/* --- SIGTERM under load --------------------------------------------------- */

static uint64_t stop_under_load(struct rig *rig, unsigned round)
{
    char name[16];
    struct load *load;
    uint64_t sent_ms;
    uint64_t took_ms;

    snprintf(name, sizeof(name), "s%u", round);
    load = load_new(&rig->daemon, name);
    load_run(load, 1 + random_below(4000));
    sent_ms = now_ms();
    process_signal(&rig->daemon.process, SIGTERM);
    load_drain(load);
    took_ms = await_end(rig, sent_ms, 0);
    start_rig(rig);
    load_verify(load, &rig->client);
    load_free(load);
    return took_ms;
}

START_TEST(sigterm_under_load_ends_in_time_and_every_reply_is_durable)
{
    static struct figures figures;
    unsigned rounds = how_often(40, 250);
    struct rig rig;

    rig_start(&rig, NOTHING);
    for (unsigned round = 0; round < rounds; round++) {
        figures_add(&figures, stop_under_load(&rig, round));
    }
    ck_assert_uint_lt(figures_print(&figures, "SIGTERM to exit under load"),
                      STOP_MS);
    rig_stop(&rig);
}
END_TEST

/* --- SIGTERM at a start --------------------------------------------------- */

/* Before the signals are held back the system's own answer is the end. */
static void stop_while_starting(struct rig *rig, unsigned after_ms)
{
    uint64_t sent_ms;
    int code;

    daemon_spawn(&rig->daemon, &rig->site, NOTHING, NULL, NULL);
    poll(NULL, 0, (int)after_ms);
    sent_ms = now_ms();
    process_signal(&rig->daemon.process, SIGTERM);
    code = process_wait(&rig->daemon.process);
    ck_assert_msg(code == 0 || code == 128 + SIGTERM, "exit code %d: %.2000s",
                  code, process_err(&rig->daemon.process));
    ck_assert_uint_lt(now_ms() - sent_ms, STOP_MS);
    process_release(&rig->daemon.process);
}

START_TEST(sigterm_at_any_time_of_a_start_loses_nothing)
{
    unsigned rounds = how_often(15, 100);
    struct rig rig;
    struct load *load;

    rig_start(&rig, NOTHING);
    load = load_new(&rig.daemon, "start");
    load_run(load, 30000);
    process_signal(&rig.daemon.process, SIGKILL);
    load_drain(load);
    await_end(&rig, now_ms(), 128 + SIGKILL);
    for (unsigned round = 0; round < rounds; round++) {
        stop_while_starting(&rig, random_below(200));
    }
    start_rig(&rig);
    load_verify(load, &rig.client);
    load_free(load);
    rig_stop(&rig);
}
END_TEST

/* The first start makes the directory. */
START_TEST(sigterm_while_the_data_is_made_does_no_harm)
{
    unsigned rounds = how_often(10, 100);
    struct rig rig;

    site_make(&rig.site);
    for (unsigned round = 0; round < rounds; round++) {
        stop_while_starting(&rig, random_below(100));
        if (round % 3 == 2 && file_exists(rig.site.data)) {
            start_rig(&rig);
            expect_begins(client_ask(&rig.client, "CLAIM k lease=1h"),
                          "CLAIMED ");
            await_end(&rig, now_ms(),
                      (process_signal(&rig.daemon.process, SIGTERM), 0));
            directory_remove(rig.site.data);
        }
    }
    start_rig(&rig);
    expect_is(client_ask(&rig.client, "LOOKUP k"), "NOT_FOUND");
    rig_stop(&rig);
}
END_TEST

/* --- a disk that hangs ---------------------------------------------------- */

/* The nth sync of a thread takes seconds. */
static void start_on_slow_disk(struct rig *rig, const char *when)
{
    char inject[128];

    site_make(&rig->site);
    daemon_start(&rig->daemon, &rig->site, NOTHING);
    daemon_stop(&rig->daemon);
    snprintf(inject, sizeof(inject), "inject=fdatasync:delay_enter=%ds:when=%s",
             HUNG_S, when);
    daemon_spawn(&rig->daemon, &rig->site, NOTHING,
                 LIST("strace", "-D", "-f", "-o", "/dev/null", "-e",
                      "trace=fdatasync", "-e", inject),
                 NULL);
    ck_assert(daemon_await_ready(&rig->daemon, 1));
    client_open(&rig->client, &rig->daemon);
}

/* Claims one key after the other until an answer does not come; how many keys
 * were begun. */
static unsigned claim_until_it_hangs(struct client *c)
{
    struct pollfd fd = {.fd = c->fd, .events = POLLIN};
    char request[32];
    unsigned key = 0;

    do {
        ck_assert_uint_lt(key, 100);
        snprintf(request, sizeof(request), "CLAIM k%u lease=1h\n", key++);
        client_send(c, request);
        if (poll(&fd, 1, HUNG_S * 500) == 0) {
            return key;
        }
        expect_begins(client_line(c), "CLAIMED ");
    } while (true);
}

START_TEST(sigterm_while_the_disk_hangs_waits_for_the_write_and_ends)
{
    struct rig rig;
    char request[32];
    uint64_t sent_ms;
    unsigned keys;

    if (!can_trace()) {
        return;
    }
    start_on_slow_disk(&rig, "12");
    keys = claim_until_it_hangs(&rig.client);
    sent_ms = now_ms();
    process_signal(&rig.daemon.process, SIGTERM);
    expect_begins(client_line(&rig.client), "CLAIMED ");
    expect_closed(&rig.client);
    printf("SIGTERM while a sync takes %d s: %llu ms\n", HUNG_S,
           (unsigned long long)await_end(&rig, sent_ms, 0));
    start_rig(&rig);
    for (unsigned key = 0; key < keys; key++) {
        snprintf(request, sizeof(request), "LOOKUP k%u", key);
        expect_begins(client_ask(&rig.client, request), "INFLIGHT ");
    }
    rig_stop(&rig);
}
END_TEST

/* The first one stops a listener that nobody can connect to any more; then the
 * deaf client keeps the process for seconds, in which the second one comes. */
START_TEST(a_second_sigterm_ends_a_daemon_that_still_waits)
{
    struct rig rig;
    struct client deaf;
    struct buf requests = {0};
    uint64_t sent_ms;

    rig_start(&rig, NOTHING);
    client_open(&deaf, &rig.daemon);
    for (int i = 0; i < 20000; i++) {
        buf_append_str(&requests, "HELP\n");
    }
    client_push(&deaf, buf_slice(&requests));
    expect_begins(client_ask(&rig.client, "CLAIM k lease=1h"), "CLAIMED ");
    process_signal(&rig.daemon.process, SIGTERM);
    ck_assert(process_await(&rig.daemon.process, "signal 15: stopping", 1));
    client_rest(&rig.client);
    sent_ms = now_ms();
    process_signal(&rig.daemon.process, SIGTERM);
    await_end(&rig, sent_ms, 128 + SIGTERM);
    client_close(&deaf);
    buf_release(&requests);
    start_rig(&rig);
    expect_begins(client_ask(&rig.client, "LOOKUP k"), "INFLIGHT ");
    rig_stop(&rig);
}
END_TEST

/* --- SIGSTOP -------------------------------------------------------------- */

static void stand_still(struct rig *rig, int stopped_ms)
{
    process_signal(&rig->daemon.process, SIGSTOP);
    poll(NULL, 0, stopped_ms);
    process_signal(&rig->daemon.process, SIGCONT);
}

START_TEST(a_daemon_that_stood_still_closes_nobody_who_is_innocent)
{
    int stopped_ms = (int)how_often(STOPPED_MS, STOPPED_LONG_MS);
    struct rig rig;
    struct client idle;
    struct client half;
    struct client late;

    rig_start(&rig, LIST("request_timeout=1s", "idle_timeout=2s"));
    client_open(&idle, &rig.daemon);
    expect_is(client_ask(&idle, "PING"), "PONG");
    client_open(&half, &rig.daemon);
    client_send(&half, "CLAIM ha");
    client_open(&late, &rig.daemon);
    process_signal(&rig.daemon.process, SIGSTOP);
    client_push(&half, slice_str("lf\n"));
    client_push(&late, slice_str("PING\n"));
    client_push(&idle, slice_str("PING\n"));
    poll(NULL, 0, stopped_ms);
    process_signal(&rig.daemon.process, SIGCONT);
    expect_begins(client_line(&half), "CLAIMED ");
    expect_is(client_line(&late), "PONG");
    expect_is(client_line(&idle), "PONG");
    client_close(&idle);
    client_close(&half);
    client_close(&late);
    rig_stop(&rig);
}
END_TEST

/* Takes a reply to CLAIM that is about a newer claim than `fence`; whether it
 * is a grant. */
static bool is_granted_after(struct client *c, uint64_t fence)
{
    const char *reply = client_line(c);

    ck_assert_uint_gt(fence_of(reply), fence);
    if (begins(reply, "CLAIMED ")) {
        return true;
    }
    expect_begins(reply, "INFLIGHT ");
    return false;
}

START_TEST(a_lease_that_ran_out_while_it_stood_still_is_granted_once)
{
    struct rig rig;
    struct client other;
    char request[64];
    uint64_t first;
    bool granted;

    rig_start(&rig, NOTHING);
    client_open(&other, &rig.daemon);
    first = fence_of(client_ask(&rig.client, "CLAIM k lease=500ms ttl=1h"));
    stand_still(&rig, STOPPED_MS);
    client_send(&other, "CLAIM k lease=1h\n");
    client_send(&rig.client, "CLAIM k lease=1h\n");
    granted = is_granted_after(&other, first);
    ck_assert(is_granted_after(&rig.client, first) != granted);
    snprintf(request, sizeof(request), "COMPLETE k late fence=%llu",
             (unsigned long long)first);
    expect_begins(client_ask(&rig.client, request), "ERR STALE ");
    client_close(&other);
    rig_stop(&rig);
}
END_TEST

START_TEST(stops_and_continues_under_load_lose_nothing)
{
    unsigned rounds = how_often(10, 100);
    struct rig rig;

    rig_start(&rig, NOTHING);
    for (unsigned round = 0; round < rounds; round++) {
        char name[16];
        struct load *load;

        snprintf(name, sizeof(name), "c%u", round);
        load = load_new(&rig.daemon, name);
        load_run(load, 1 + random_below(2000));
        stand_still(&rig, (int)random_below(100));
        load_run(load, 1000);
        process_signal(&rig.daemon.process, SIGSTOP);
        process_signal(&rig.daemon.process, SIGTERM);
        process_signal(&rig.daemon.process, SIGCONT);
        load_drain(load);
        await_end(&rig, now_ms(), 0);
        start_rig(&rig);
        load_verify(load, &rig.client);
        load_free(load);
    }
    rig_stop(&rig);
}
END_TEST

START_TEST(sigpipe_is_ignored)
{
    struct rig rig;

    rig_start(&rig, NOTHING);
    process_signal(&rig.daemon.process, SIGPIPE);
    expect_is(client_ask(&rig.client, "PING"), "PONG");
    rig_stop(&rig);
}
END_TEST

SUITE(signals, 1200, sigterm_under_load_ends_in_time_and_every_reply_is_durable,
      sigterm_at_any_time_of_a_start_loses_nothing,
      sigterm_while_the_data_is_made_does_no_harm,
      sigterm_while_the_disk_hangs_waits_for_the_write_and_ends,
      a_second_sigterm_ends_a_daemon_that_still_waits,
      a_daemon_that_stood_still_closes_nobody_who_is_innocent,
      a_lease_that_ran_out_while_it_stood_still_is_granted_once,
      stops_and_continues_under_load_lose_nothing, sigpipe_is_ignored)
