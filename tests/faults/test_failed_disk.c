/* A disk that fails under load, and one that fails while nobody asks. */
#include "base/banned.h"
#include "tests/faults/plan.h"
#include "tests/lib/load.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

#include <errno.h>
#include <signal.h>

enum { EXIT_IO = 74, ROUNDS = 10 };

static uint64_t spawn_and_open(struct rig *rig)
{
    plan_spawn(&rig->daemon, &rig->site, NOTHING);
    ck_assert(daemon_await_ready(&rig->daemon, 1));
    client_open(&rig->client, &rig->daemon);
    return now_ms();
}

/* How long after the failure the daemon had ended. */
static uint64_t await_end(struct rig *rig, const struct fail_plan *plan)
{
    int code = process_wait(&rig->daemon.process);
    uint64_t ns = now_ns() - plan->failed_ns;

    ck_assert_msg(code == EXIT_IO, "exit code %d: %.4000s", code,
                  process_err(&rig->daemon.process));
    ck_assert(plan_has_failed(plan));
    process_release(&rig->daemon.process);
    client_close(&rig->client);
    return ns / 1000000;
}

static void say_ms(const char *what, uint64_t ms)
{
    printf("%s: %llu ms\n", what, (unsigned long long)ms);
    (void)fflush(stdout);
}

/* Load on several connections until a sync fails; the daemon ends, and what it
 * has said is true. */
static uint64_t fail_under_load(struct rig *rig, struct fail_plan *plan,
                                unsigned round)
{
    struct load *load;
    char name[16];
    uint64_t ms;

    plan_reset(plan);
    spawn_and_open(rig);
    snprintf(name, sizeof(name), "e%u", round);
    load = load_new(&rig->daemon, name);
    plan_fail(plan, FAIL_fdatasync, EIO,
              plan_count(plan, FAIL_fdatasync) + 1 + 13 * round, round % 2 > 0);
    load_run(load, 2 * LOAD_CLIENTS * LOAD_KEYS);
    load_drain(load);
    ms = await_end(rig, plan);
    daemon_start(&rig->daemon, &rig->site, NOTHING);
    client_open(&rig->client, &rig->daemon);
    load_verify(load, &rig->client);
    client_close(&rig->client);
    daemon_stop(&rig->daemon);
    load_free(load);
    return ms;
}

START_TEST(a_failed_commit_under_load_ends_the_daemon_and_loses_nothing)
{
    struct rig rig;
    struct fail_plan *plan;
    uint64_t longest_ms = 0;

    if (!plan_is_possible()) {
        return;
    }
    site_make(&rig.site);
    plan = plan_make(&rig.site);
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t ms = fail_under_load(&rig, plan, round);

        longest_ms = ms > longest_ms ? ms : longest_ms;
    }
    say_ms("under load, failed commit to exit, longest", longest_ms);
    plan_free(plan);
    site_remove(&rig.site);
}
END_TEST

START_TEST(an_idle_daemon_notices_that_its_disk_has_failed)
{
    struct rig rig;
    struct fail_plan *plan;
    uint64_t since_ms;

    if (!plan_is_possible()) {
        return;
    }
    site_make(&rig.site);
    plan = plan_make(&rig.site);
    since_ms = spawn_and_open(&rig);
    plan_fail(plan, FAIL_fdatasync, EIO, plan_count(plan, FAIL_fdatasync) + 1,
              true);
    await_end(&rig, plan);
    say_ms("idle, failed disk to exit", now_ms() - since_ms);
    plan_free(plan);
    site_remove(&rig.site);
}
END_TEST

/* Starts with the nth call failing; whether that was met. */
static bool start_failing(const struct site *site, struct fail_plan *plan,
                          enum fail_call call, uint64_t nth)
{
    struct daemon daemon;
    int code = 0;

    plan_reset(plan);
    plan_fail(plan, call, EIO, nth, false);
    plan_spawn(&daemon, site, NOTHING);
    if (daemon_await_ready(&daemon, 1)) {
        daemon_kill(&daemon);
        return plan_has_failed(plan);
    }
    code = process_wait(&daemon.process);
    ck_assert_msg(code == EXIT_IO, "%s %llu, of %s: exit code %d: %.4000s",
                  fail_call_name(call), (unsigned long long)nth,
                  plan->failed_path, code, process_err(&daemon.process));
    process_release(&daemon.process);
    return true;
}

static const enum fail_call reads[] = {FAIL_open, FAIL_read, FAIL_pread};

enum { READS = sizeof(reads) / sizeof(reads[0]) };

/* The service manager would not start it again. */
START_TEST(a_read_that_fails_at_the_start_is_not_taken_for_damage)
{
    enum fail_call call = reads[_i];
    struct rig rig;
    struct fail_plan *plan;
    uint64_t nth = 1;

    if (!plan_is_possible()) {
        return;
    }
    rig_start(&rig, NOTHING);
    client_ask(&rig.client, "CLAIM k");
    rig_restart(&rig, SIGTERM, NOTHING);
    client_close(&rig.client);
    daemon_kill(&rig.daemon);
    plan = plan_make(&rig.site);
    while (nth <= 300 && start_failing(&rig.site, plan, call, nth)) {
        nth++;
    }
    ck_assert_uint_gt(nth, 1);
    printf("start: %s, each of %llu failed\n", fail_call_name(call),
           (unsigned long long)(nth - 1));
    (void)fflush(stdout);
    plan_free(plan);
    site_remove(&rig.site);
}
END_TEST

Suite *suite_failed_disk(void);
Suite *suite_failed_disk(void)
{
    Suite *suite = suite_create("failed_disk");
    TCase *tcase = tcase_create("failed_disk");

    tcase_set_timeout(tcase, 300);
    tcase_add_test(
        tcase, a_failed_commit_under_load_ends_the_daemon_and_loses_nothing);
    tcase_add_test(tcase, an_idle_daemon_notices_that_its_disk_has_failed);
    tcase_add_loop_test(tcase,
                        a_read_that_fails_at_the_start_is_not_taken_for_damage,
                        0, READS);
    suite_add_tcase(suite, tcase);
    return suite;
}
