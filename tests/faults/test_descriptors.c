/* Descriptors run out: who is connected is served, who comes is told, and
 * RocksDB always has what it needs. */
#include "base/banned.h"
#include "tests/faults/figures.h"
#include "tests/lib/load.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>

enum {
    EXIT_CONFIGURATION = 78,
    CROWD = 800,
    WATCHED_MS = 2000,
    /* Of the time, in thousandths, that an idle daemon may use. */
    SPIN_MAX = 100,
};

static bool has_prlimit(void)
{
    struct process p;
    bool has = process_run(&p, LIST("prlimit", "--nofile=64:64", "true")) == 0;

    process_release(&p);
    if (!has) {
        skipped("no prlimit");
    }
    return has;
}

static void start_limited(struct rig *rig, const char *limit)
{
    site_make(&rig->site);
    daemon_spawn(&rig->daemon, &rig->site, NOTHING, LIST("prlimit", limit),
                 NULL);
}

START_TEST(too_few_descriptors_for_the_store_are_refused_at_the_start)
{
    static const char *const limits[] = {"--nofile=64:64", "--nofile=256:256",
                                         "--nofile=500:500"};

    if (!has_prlimit()) {
        return;
    }
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct rig rig;

        start_limited(&rig, limits[i]);
        ck_assert_int_eq(process_wait(&rig.daemon.process), EXIT_CONFIGURATION);
        ck_assert_ptr_nonnull(
            strstr(process_err(&rig.daemon.process), "descriptors"));
        process_release(&rig.daemon.process);
        ck_assert(!file_exists(rig.site.data));
        site_remove(&rig.site);
    }
}
END_TEST

/* Connects many; the first line of each tells. How many were told BUSY. */
static unsigned crowd_in(struct client *crowd, const struct daemon *daemon)
{
    unsigned busy = 0;

    for (unsigned i = 0; i < CROWD; i++) {
        const char *reply;

        client_open(&crowd[i], daemon);
        client_push(&crowd[i], slice_str("PING\n"));
        reply = client_line(&crowd[i]);
        busy += reply == NULL || begins(reply, "ERR BUSY ");
        ck_assert(reply == NULL || begins(reply, "ERR BUSY ") ||
                  strcmp(reply, "PONG") == 0);
    }
    return busy;
}

START_TEST(connections_that_descriptors_do_not_suffice_for_are_told_busy)
{
    static struct client crowd[CROWD];
    struct rig rig;
    struct load *load;
    unsigned busy;

    if (!has_prlimit()) {
        return;
    }
    start_limited(&rig, "--nofile=1024:1024");
    ck_assert(daemon_await_ready(&rig.daemon, 1));
    client_open(&rig.client, &rig.daemon);
    load = load_new(&rig.daemon, "d");
    load_run(load, 1000);
    busy = crowd_in(crowd, &rig.daemon);
    printf("1024 descriptors: %u of %d connections served\n", CROWD - busy,
           CROWD);
    ck_assert_uint_gt(busy, 0);
    ck_assert_uint_lt(busy, CROWD);
    load_run(load, 20000);
    expect_is(client_ask(&rig.client, "PING"), "PONG");
    for (unsigned i = 0; i < CROWD; i++) {
        client_close(&crowd[i]);
    }
    /* They are gone once the daemon has seen them go. */
    while (stat_of(&rig.client, "connections") > 1 + LOAD_CLIENTS) {
        pace();
    }
    ck_assert_uint_lt(crowd_in(crowd, &rig.daemon), CROWD);
    load_verify(load, &rig.client);
    load_free(load);
    rig_stop(&rig);
}
END_TEST

static void limit_running(const struct rig *rig, rlim_t limit)
{
    struct rlimit was;
    struct rlimit now;

    ck_assert_int_eq(
        prlimit(rig->daemon.process.pid, RLIMIT_NOFILE, NULL, &was), 0);
    now = (struct rlimit){limit, was.rlim_max};
    ck_assert_int_eq(
        prlimit(rig->daemon.process.pid, RLIMIT_NOFILE, &now, NULL), 0);
}

/* Processor time it uses while nobody asks anything. */
static uint64_t watch(const struct rig *rig)
{
    uint64_t from_ms = process_cpu_ms(&rig->daemon.process);
    uint64_t began_ms = now_ms();

    poll(NULL, 0, WATCHED_MS);
    return (process_cpu_ms(&rig->daemon.process) - from_ms) * 1000 /
           (now_ms() - began_ms);
}

/* The limit is taken away under its feet: accept() itself fails then. */
START_TEST(a_failing_accept_leaves_others_alone_and_does_not_spin)
{
    struct client waiting[20];
    struct rig rig;
    uint64_t used;

    rig_start(&rig, NOTHING);
    expect_is(client_ask(&rig.client, "PING"), "PONG");
    limit_running(&rig, 8);
    for (size_t i = 0; i < 20; i++) {
        client_open(&waiting[i], &rig.daemon);
    }
    expect_begins(client_ask(&rig.client, "CLAIM k"), "CLAIMED ");
    used = watch(&rig);
    printf("accept fails: %llu thousandths of a processor\n",
           (unsigned long long)used);
    ck_assert_uint_lt(used, SPIN_MAX);
    expect_is(client_ask(&rig.client, "COMPLETE k done"), "OK");
    limit_running(&rig, 1024);
    for (size_t i = 0; i < 20; i++) {
        client_close(&waiting[i]);
    }
    client_open(&waiting[0], &rig.daemon);
    expect_begins(client_ask(&waiting[0], "LOOKUP k"), "COMPLETED ");
    client_close(&waiting[0]);
    rig_stop(&rig);
}
END_TEST

/* One accept4() in a row of them fails, with each error that says so. */
START_TEST(an_accept_that_failed_once_is_tried_again)
{
    static const char *const errors[] = {"EMFILE", "ENFILE", "ENOBUFS",
                                         "ENOMEM", "ECONNABORTED"};
    struct process p;
    bool can =
        !UNDER_SANITIZER && process_run(&p, LIST("strace", "-D", "-f", "-o",
                                                 "/dev/null", "true")) == 0;

    if (!can) {
        skipped("strace cannot trace the daemon here");
        return;
    }
    process_release(&p);
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct rig rig;
        char inject[64];

        site_make(&rig.site);
        snprintf(inject, sizeof(inject), "inject=accept4:error=%s:when=3",
                 errors[i]);
        daemon_spawn(&rig.daemon, &rig.site, NOTHING,
                     LIST("strace", "-D", "-f", "-o", "/dev/null", "-e",
                          "trace=accept4", "-e", inject),
                     NULL);
        ck_assert(daemon_await_ready(&rig.daemon, 1));
        client_open(&rig.client, &rig.daemon);
        expect_begins(client_ask(&rig.client, "CLAIM k"), "CLAIMED ");
        for (int n = 0; n < 6; n++) {
            struct client c;

            client_open(&c, &rig.daemon);
            client_push(&c, slice_str("PING\n"));
            client_line(&c); /* PONG, or closed if it was the one */
            client_close(&c);
        }
        expect_is(client_ask(&rig.client, "COMPLETE k done"), "OK");
        rig_stop(&rig);
    }
}
END_TEST

SUITE(descriptors, 240,
      too_few_descriptors_for_the_store_are_refused_at_the_start,
      connections_that_descriptors_do_not_suffice_for_are_told_busy,
      a_failing_accept_leaves_others_alone_and_does_not_spin,
      an_accept_that_failed_once_is_tried_again)
