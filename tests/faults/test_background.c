/* What RocksDB does on threads of its own, flushes and merges, fails. */
#include "base/banned.h"
#include "tests/faults/life.h"
#include "tests/faults/plan.h"
#include "tests/lib/runner.h"

#include <errno.h>
#include <signal.h>

enum {
    EXIT_IO = 74,
    EXIT_FULL = 75,
    BATCHES_MAX = 900, /* of which eight make a flush */
    BATCH_KEYS = 8,
    RECEIPT_BYTES = 16384,
};

static const char flushes[] = "rocksdb:high";
static const char merges[] = "rocksdb:low";

/* A daemon under a plan, with one client. */
struct stand {
    struct site site;
    struct fail_plan *plan;
    struct daemon daemon;
    struct client client;
    struct life life;
};

/* A memtable is an eighth of the write buffer. */
#define OPTIONS LIST("write_buffer=1MiB", "min_free=1MiB")

static struct stand *stand_start(const char *thread)
{
    struct stand *stand = calloc(1, sizeof(*stand));

    ck_assert_ptr_nonnull(stand);
    site_make(&stand->site);
    stand->plan = plan_make(&stand->site);
    snprintf(stand->plan->thread, sizeof(stand->plan->thread), "%s", thread);
    plan_spawn(&stand->daemon, &stand->site, OPTIONS);
    ck_assert(daemon_await_ready(&stand->daemon, 1));
    client_open(&stand->client, &stand->daemon);
    return stand;
}

/* Until the daemon gives up, or the batches are used up. */
static void live(struct stand *stand, unsigned batches)
{
    for (unsigned i = 0; i < batches && !stand->life.over; i++) {
        life_batch(&stand->life, &stand->client, BATCH_KEYS, RECEIPT_BYTES);
    }
}

/* Starts without failures, asks for everything and ends. */
static void stand_end(struct stand *stand, const char *what)
{
    client_close(&stand->client);
    daemon_start(&stand->daemon, &stand->site, OPTIONS);
    client_open(&stand->client, &stand->daemon);
    life_verify(&stand->life, &stand->client, what);
    client_close(&stand->client);
    daemon_stop(&stand->daemon);
    plan_free(stand->plan);
    site_remove(&stand->site);
    free(stand);
}

static void ends(const char *thread, enum fail_call call, int error)
{
    struct stand *stand = stand_start(thread);
    char what[128];
    int code;

    snprintf(what, sizeof(what), "%s on %s", fail_call_name(call), thread);
    plan_fail(stand->plan, call, error, 1, true);
    live(stand, BATCHES_MAX);
    ck_assert_msg(stand->life.over, "%s: it goes on", what);
    code = process_wait(&stand->daemon.process);
    ck_assert_msg(code == (error == EIO ? EXIT_IO : EXIT_FULL),
                  "%s: exit code %d: %.4000s", what, code,
                  process_err(&stand->daemon.process));
    process_release(&stand->daemon.process);
    stand_end(stand, what);
}

START_TEST(a_quota_that_is_used_up_is_a_full_disk)
{
    if (plan_is_possible()) {
        ends("", FAIL_write, EDQUOT);
    }
}
END_TEST

/* What a flush writes is too short for the last. */
static const enum fail_call calls[] = {FAIL_write, FAIL_open, FAIL_fsync,
                                       FAIL_fdatasync, FAIL_sync_file_range};

enum { MERGE_CALLS = sizeof(calls) / sizeof(calls[0]) };
enum { FLUSH_CALLS = MERGE_CALLS - 1 };

START_TEST(a_flush_that_fails_ends_the_daemon)
{
    if (plan_is_possible()) {
        ends(flushes, calls[_i], EIO);
        ends(flushes, calls[_i], ENOSPC);
    }
}
END_TEST

START_TEST(a_merge_that_fails_ends_the_daemon)
{
    if (plan_is_possible()) {
        ends(merges, calls[_i], EIO);
    }
}
END_TEST

/* Claims a key until that is answered so. */
static void await_claim(struct stand *stand, const char *key,
                        const char *answer)
{
    char request[32];
    uint64_t until_ms = now_ms() + WAIT_MS;

    snprintf(request, sizeof(request), "CLAIM %s", key);
    while (!begins(client_ask(&stand->client, request), answer)) {
        ck_assert_int_gt(left_ms(until_ms), 0);
        pace();
    }
}

/* The disk is full for merges alone, as one is on which what is free is less
 * than what they merge. */
START_TEST(merges_without_room_stop_new_claims_and_nothing_else)
{
    struct stand *stand;
    char request[32];
    const char *reply = "";
    uint64_t healed_ms;

    if (!plan_is_possible()) {
        return;
    }
    stand = stand_start(merges);
    snprintf(stand->plan->suffix, sizeof(stand->plan->suffix), ".sst");
    expect_begins(client_ask(&stand->client, "CLAIM held"), "CLAIMED ");
    plan_fail(stand->plan, FAIL_write, ENOSPC, 1, true);
    for (int i = 0; i < BATCHES_MAX && !begins(reply, "ERR NO_SPACE "); i++) {
        life_batch(&stand->life, &stand->client, BATCH_KEYS, RECEIPT_BYTES);
        ck_assert(!stand->life.over);
        snprintf(request, sizeof(request), "CLAIM probe-%d", i);
        reply = client_ask(&stand->client, request);
    }
    expect_begins(reply, "ERR NO_SPACE ");
    expect_is(client_ask(&stand->client, "COMPLETE held done"), "OK");
    expect_begins(client_ask(&stand->client, "LOOKUP k0"), "COMPLETED ");
    atomic_store(&stand->plan->at, 0);
    healed_ms = now_ms();
    await_claim(stand, "after", "CLAIMED ");
    printf("room for merges to the first claim: %llu ms\n",
           (unsigned long long)(now_ms() - healed_ms));
    (void)fflush(stdout);
    daemon_stop(&stand->daemon);
    stand_end(stand, "after merges without room");
}
END_TEST

Suite *suite_background(void);
Suite *suite_background(void)
{
    Suite *suite = suite_create("background");
    TCase *tcase = tcase_create("background");

    tcase_set_timeout(tcase, 300);
    tcase_add_test(tcase, a_quota_that_is_used_up_is_a_full_disk);
    tcase_add_loop_test(tcase, a_flush_that_fails_ends_the_daemon, 0,
                        FLUSH_CALLS);
    tcase_add_loop_test(tcase, a_merge_that_fails_ends_the_daemon, 0,
                        MERGE_CALLS);
    tcase_add_test(tcase, merges_without_room_stop_new_claims_and_nothing_else);
    suite_add_tcase(suite, tcase);
    return suite;
}
