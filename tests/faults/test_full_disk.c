/* Full disks: a small tmpfs that somebody else fills. */
#include "base/banned.h"
#include "tests/faults/life.h"
#include "tests/faults/plan.h"
#include "tests/faults/small_disk.h"
#include "tests/lib/load.h"
#include "tests/lib/runner.h"

#include <poll.h>
#include <signal.h>

enum {
    EXIT_FULL = 75,
    MIB = 1 << 20,
    DISK_MIB = 64,
    BALLAST_BYTES = DISK_MIB * MIB / 8,
    RESTART_MS = 2000, /* dedupd.service: RestartSec */
    BACK_MS_MAX = 10000,
    ROUNDS = 8,
};

struct stand {
    struct site site;
    struct small_disk disk;
    struct daemon daemon;
    struct client client;
    struct life life;
};

static struct stand *stand_make(void)
{
    struct stand *stand = calloc(1, sizeof(*stand));

    ck_assert_ptr_nonnull(stand);
    site_make(&stand->site);
    if (!small_disk_make(&stand->disk, &stand->site, DISK_MIB)) {
        site_remove(&stand->site);
        free(stand);
        return NULL;
    }
    return stand;
}

static void stand_free(struct stand *stand)
{
    small_disk_remove(&stand->disk);
    site_remove(&stand->site);
    free(stand);
}

#define OPTIONS(stand, min_free)                                               \
    LIST((stand)->disk.data_option, "write_buffer=1MiB", "min_free=" min_free)

static void start(struct stand *stand)
{
    daemon_start(&stand->daemon, &stand->site, OPTIONS(stand, "4MiB"));
    client_open(&stand->client, &stand->daemon);
}

static void await_ballast(const struct stand *stand)
{
    uint64_t until_ms = now_ms() + WAIT_MS;

    while (small_disk_ballast(&stand->disk) < BALLAST_BYTES) {
        ck_assert_int_gt(left_ms(until_ms), 0);
        pace();
    }
}

/* Claims one new key after the other until the answer is that. Returns how long
 * it took. */
static uint64_t await_claim(struct stand *stand, const char *answer)
{
    static unsigned number;
    uint64_t since_ms = now_ms();
    char request[32];

    do {
        ck_assert_uint_lt(now_ms() - since_ms, WAIT_MS);
        pace();
        snprintf(request, sizeof(request), "CLAIM new-%u", number++);
    } while (!begins(client_ask(&stand->client, request), answer));
    return now_ms() - since_ms;
}

static void say_ms(const char *what, uint64_t ms)
{
    printf("%s: %llu ms\n", what, (unsigned long long)ms);
    (void)fflush(stdout);
}

/* Claims keys that are completed later. */
static void claim_held(struct stand *stand, unsigned count)
{
    char request[32];

    for (unsigned i = 0; i < count; i++) {
        snprintf(request, sizeof(request), "CLAIM held-%u", i);
        expect_begins(client_ask(&stand->client, request), "CLAIMED ");
    }
}

/* Completes one of them with 4 KiB. */
static const char *complete_held(struct stand *stand, unsigned number)
{
    char request[4200];

    snprintf(request, sizeof(request), "COMPLETE held-%u %04000u", number, 7u);
    return client_ask(&stand->client, request);
}

/* Completes until the daemon gives up; the number of the one that failed. */
static unsigned complete_until_over(struct stand *stand, unsigned from,
                                    unsigned to)
{
    const char *reply = "OK";

    while (begins(reply, "OK") && from < to) {
        reply = complete_held(stand, from++);
    }
    ck_assert_msg(reply == NULL || begins(reply, "ERR INDETERMINATE "),
                  "completions do not fill the disk: %s", reply);
    return from - 1;
}

static void expect_end(struct stand *stand)
{
    int code = process_wait_for(&stand->daemon.process, WAIT_MS);

    ck_assert_msg(code == EXIT_FULL, "exit code %d: %.4000s", code,
                  process_err(&stand->daemon.process));
    process_release(&stand->daemon.process);
    client_close(&stand->client);
}

START_TEST(a_full_disk_refuses_claims_and_a_start_on_it_still_serves)
{
    enum { HELD = 2000 };
    struct stand *stand = stand_make();
    unsigned next;

    if (stand == NULL) {
        return;
    }
    start(stand);
    life_batch(&stand->life, &stand->client, 64, 4000);
    claim_held(stand, HELD);
    await_ballast(stand);
    small_disk_fill(&stand->disk, 0);
    await_claim(stand, "ERR NO_SPACE ");
    expect_begins(client_ask(&stand->client, "LOOKUP k0"), "COMPLETED ");
    expect_is(client_ask(&stand->client, "RELEASE held-0"), "OK");
    next = complete_until_over(stand, 1, HELD);
    expect_end(stand);
    /* The log that ended gives a little back, and others take it. */
    small_disk_fill(&stand->disk, 0);
    ck_assert_uint_eq(small_disk_ballast(&stand->disk), BALLAST_BYTES);
    start(stand);
    ck_assert_uint_eq(small_disk_ballast(&stand->disk), 0);
    await_claim(stand, "ERR NO_SPACE ");
    expect_begins(client_ask(&stand->client, "LOOKUP k0"), "COMPLETED ");
    expect_is(complete_held(stand, next), "OK");
    expect_is(client_ask(&stand->client, "RELEASE held-1999"), "OK");
    small_disk_empty(&stand->disk);
    say_ms("serving, space to the first claim", await_claim(stand, "CLAIMED "));
    await_ballast(stand);
    life_verify(&stand->life, &stand->client, "after a full disk");
    client_close(&stand->client);
    daemon_stop(&stand->daemon);
    stand_free(stand);
}
END_TEST

/* As the service manager does it. */
static void start_until_ready(struct stand *stand)
{
    uint64_t until_ms = now_ms() + BACK_MS_MAX + WAIT_MS;

    for (;;) {
        int code;

        daemon_spawn(&stand->daemon, &stand->site, OPTIONS(stand, "4MiB"), NULL,
                     NULL);
        if (daemon_await_ready(&stand->daemon, 1)) {
            return;
        }
        code = process_wait(&stand->daemon.process);
        ck_assert_msg(code == EXIT_FULL, "exit code %d: %.4000s", code,
                      process_err(&stand->daemon.process));
        process_release(&stand->daemon.process);
        ck_assert_int_gt(left_ms(until_ms), 0);
        poll(NULL, 0, RESTART_MS);
    }
}

/* No ballast is left, and nothing can be written at all. */
START_TEST(without_ballast_the_start_waits_for_space)
{
    struct stand *stand = stand_make();
    struct process first;
    uint64_t freed_ms;

    if (stand == NULL) {
        return;
    }
    start(stand);
    life_batch(&stand->life, &stand->client, 64, 4000);
    daemon_kill(&stand->daemon);
    client_close(&stand->client);
    small_disk_drop_ballast(&stand->disk);
    small_disk_fill(&stand->disk, 0);
    daemon_spawn(&stand->daemon, &stand->site, OPTIONS(stand, "4MiB"), NULL,
                 NULL);
    ck_assert(!daemon_await_ready(&stand->daemon, 1));
    first = stand->daemon.process;
    ck_assert_int_eq(process_wait(&first), EXIT_FULL);
    process_release(&first);
    small_disk_empty(&stand->disk);
    freed_ms = now_ms();
    poll(NULL, 0, RESTART_MS);
    start_until_ready(stand);
    client_open(&stand->client, &stand->daemon);
    await_claim(stand, "CLAIMED ");
    say_ms("restarting, space to the first claim", now_ms() - freed_ms);
    ck_assert_uint_lt(now_ms() - freed_ms, BACK_MS_MAX);
    life_verify(&stand->life, &stand->client, "after a start without space");
    client_close(&stand->client);
    daemon_stop(&stand->daemon);
    stand_free(stand);
}
END_TEST

/* --- under load --------------------------------------------------------------
 */

/* What the daemon says at its end: that it was asked to, or that the disk is
 * full. */
static bool was_full(struct stand *stand)
{
    int code = process_wait(&stand->daemon.process);

    ck_assert_msg(code == 0 || code == EXIT_FULL, "exit code %d: %.4000s", code,
                  process_err(&stand->daemon.process));
    process_release(&stand->daemon.process);
    return code == EXIT_FULL;
}

/* Fills the disk somewhere in a load; whether the daemon has ended by it. */
static bool fill_under_load(struct stand *stand, struct load *load)
{
    load_run(load, 400 + (unsigned)random() % 20000);
    small_disk_fill(&stand->disk, (uint64_t)random() % 4 * 65536);
    load_run(load, 60000);
    process_signal(&stand->daemon.process, SIGTERM);
    load_drain(load);
    return was_full(stand);
}

static void verify_load(struct stand *stand, const struct load *load)
{
    client_open(&stand->client, &stand->daemon);
    load_verify(load, &stand->client);
    client_close(&stand->client);
}

/* A start on the full disk shows everything or says that it cannot. Whether it
 * could. */
static bool start_on_full_disk(struct stand *stand, const struct load *load)
{
    bool is_ready;

    daemon_spawn(&stand->daemon, &stand->site, OPTIONS(stand, "4MiB"), NULL,
                 NULL);
    is_ready = daemon_await_ready(&stand->daemon, 1);
    if (is_ready) {
        verify_load(stand, load);
        process_signal(&stand->daemon.process, SIGTERM);
    }
    was_full(stand);
    return is_ready;
}

static uint64_t empty_and_return(struct stand *stand, const struct load *load)
{
    uint64_t freed_ms;

    small_disk_empty(&stand->disk);
    freed_ms = now_ms();
    poll(NULL, 0, RESTART_MS);
    start_until_ready(stand);
    client_open(&stand->client, &stand->daemon);
    await_claim(stand, "CLAIMED ");
    freed_ms = now_ms() - freed_ms;
    client_close(&stand->client);
    verify_load(stand, load);
    daemon_stop(&stand->daemon);
    return freed_ms;
}

static void start_round(struct stand *stand, unsigned round)
{
    /* Mostly without a limit, so that the disk is hit and not only feared. */
    if (round % 4 == 0) {
        daemon_start(&stand->daemon, &stand->site, OPTIONS(stand, "4MiB"));
    } else {
        daemon_start(&stand->daemon, &stand->site, OPTIONS(stand, "0"));
    }
}

static unsigned rounds(void)
{
    return getenv("FAULTS_ALL") != NULL ? 10 * ROUNDS : ROUNDS;
}

START_TEST(a_disk_that_fills_under_load_loses_nothing)
{
    struct stand *stand = stand_make();
    unsigned seed = (unsigned)now_ns();
    unsigned ended = 0;
    unsigned served = 0;
    uint64_t longest_ms = 0;

    if (stand == NULL) {
        return;
    }
    srandom(seed);
    printf("full disk: seed %u\n", seed);
    (void)fflush(stdout);
    for (unsigned round = 0; round < rounds(); round++) {
        struct load *load;
        char name[16];
        uint64_t ms;

        if (round > 0 && round % ROUNDS == 0) {
            directory_remove(site_path(&stand->site, "disk/data"));
        }
        start_round(stand, round);
        snprintf(name, sizeof(name), "f%u", round);
        load = load_new(&stand->daemon, name);
        ended += fill_under_load(stand, load);
        served += start_on_full_disk(stand, load);
        ms = empty_and_return(stand, load);
        longest_ms = ms > longest_ms ? ms : longest_ms;
        load_free(load);
    }
    printf("full disk: %u rounds, %u ended with 75, %u served while full\n",
           rounds(), ended, served);
    say_ms("restarting, space to the first claim, longest", longest_ms);
    ck_assert_uint_lt(longest_ms, BACK_MS_MAX);
    ck_assert_uint_gt(ended, 0);
    stand_free(stand);
}
END_TEST

SUITE(full_disk, 7200,
      a_full_disk_refuses_claims_and_a_start_on_it_still_serves,
      without_ballast_the_start_waits_for_space,
      a_disk_that_fills_under_load_loses_nothing)
