/* The wall clock jumps by years, by libfaketime; boot time does not, since with
 * DONT_FAKE_MONOTONIC=1 the library (0.9.10) leaves CLOCK_BOOTTIME alone. That
 * it does move the daemon's wall clock is seen where a reboot makes it count.
 */
#include "base/banned.h"
#include "tests/faults/figures.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

#include <glob.h>
#include <signal.h>
#include <unistd.h>

#define HOUR_MS  UINT64_C(3600000)
#define GRACE_MS 1000

static const char *const far_jumps[] = {"+3650d", "-3650d", "+2h", "-2h", "+0"};

enum { JUMPS = sizeof(far_jumps) / sizeof(far_jumps[0]) };

static char library[SITE_PATH_BYTES]; /* "LD_PRELOAD=…" */

static bool can_fake(void)
{
    glob_t found;

    if (!UNDER_SANITIZER &&
        glob("/usr/lib/*/faketime/libfaketime.so.1", 0, NULL, &found) == 0) {
        snprintf(library, sizeof(library), "LD_PRELOAD=%s", found.gl_pathv[0]);
        globfree(&found);
        return true;
    }
    skipped("libfaketime is not there, or a sanitizer is");
    return false;
}

static void set_wall(const struct rig *rig, const char *jump)
{
    char text[32];

    snprintf(text, sizeof(text), "%s\n", jump);
    file_write(site_path(&rig->site, "wall"), slice_str(text));
}

/* Starts with the wall clock as the file says, in the boot of this id. */
static void start(struct rig *rig, const char *boot)
{
    char boot_id[64];

    snprintf(boot_id, sizeof(boot_id), "DEDUPD_BOOT_ID=%s", boot);
    daemon_spawn(&rig->daemon, &rig->site, NOTHING, NULL,
                 LIST(library, "DONT_FAKE_MONOTONIC=1", "FAKETIME_NO_CACHE=1",
                      site_option(&rig->site, "FAKETIME_TIMESTAMP_FILE",
                                  "wall"),
                      boot_id));
    ck_assert_msg(daemon_await_ready(&rig->daemon, 1), "%.2000s",
                  process_err(&rig->daemon.process));
    client_open(&rig->client, &rig->daemon);
}

static bool begin(struct rig *rig)
{
    if (!can_fake()) {
        return false;
    }
    site_make(&rig->site);
    set_wall(rig, "+0");
    start(rig, "aaaa");
    return true;
}

/* What the library leaves behind when its process is killed. */
static void forget_library(pid_t pid)
{
    char path[64];

    snprintf(path, sizeof(path), "/dev/shm/faketime_shm_%d", (int)pid);
    unlink(path);
    snprintf(path, sizeof(path), "/dev/shm/sem.faketime_sem_%d", (int)pid);
    unlink(path);
}

static void start_again(struct rig *rig, int signal, const char *boot)
{
    pid_t pid = rig->daemon.process.pid;

    client_close(&rig->client);
    if (signal == SIGKILL) {
        daemon_kill(&rig->daemon);
    } else {
        daemon_stop(&rig->daemon);
    }
    forget_library(pid);
    start(rig, boot);
}

/* --- what must stay as it is ---------------------------------------------- */

/* A lease and a ttl as they were seen, and when. */
struct seen {
    uint64_t lease_ms, ttl_ms;
    uint64_t fence;
    uint64_t at_ms; /* now_ms() before it was asked */
};

static struct seen look(struct client *c)
{
    struct seen seen = {.at_ms = now_ms()};
    const char *reply = client_ask(c, "LOOKUP held");

    expect_begins(reply, "INFLIGHT ");
    seen.lease_ms = number_of(reply, "lease");
    seen.fence = fence_of(reply);
    reply = client_ask(c, "LOOKUP done");
    expect_begins(reply, "COMPLETED \"receipt\" ");
    seen.ttl_ms = number_of(reply, "ttl");
    return seen;
}

static void claim_and_complete(struct client *c)
{
    expect_begins(client_ask(c, "CLAIM held lease=2h ttl=4h"), "CLAIMED ");
    expect_begins(client_ask(c, "CLAIM done"), "CLAIMED ");
    expect_is(client_ask(c, "COMPLETE done receipt ttl=3h"), "OK");
}

/* What is left has become less by what has passed, and by no more than that and
 * `slack_ms`. */
static void expect_went_on(const struct seen *before, const struct seen *after,
                           uint64_t slack_ms)
{
    uint64_t passed_ms = now_ms() - before->at_ms + slack_ms;

    ck_assert_uint_eq(after->fence, before->fence);
    ck_assert_uint_le(after->lease_ms, before->lease_ms);
    ck_assert_uint_le(after->ttl_ms, before->ttl_ms);
    ck_assert_uint_le(before->lease_ms - after->lease_ms, passed_ms);
    ck_assert_uint_le(before->ttl_ms - after->ttl_ms, passed_ms);
}

/* Claims a key that nobody has; its fence is larger than all before. */
static void expect_larger_fence(struct client *c, uint64_t *last)
{
    static unsigned number;
    char request[64];
    uint64_t fence;

    snprintf(request, sizeof(request), "CLAIM fresh-%u lease=1h", number++);
    fence = fence_of(client_ask(c, request));
    ck_assert_uint_gt(fence, *last);
    *last = fence;
}

/* --- tests ---------------------------------------------------------------- */

START_TEST(a_wall_clock_that_jumps_moves_no_lease_and_no_ttl)
{
    struct rig rig;
    struct seen before;
    uint64_t fence = 0;

    if (!begin(&rig)) {
        return;
    }
    claim_and_complete(&rig.client);
    before = look(&rig.client);
    for (size_t i = 0; i < JUMPS; i++) {
        struct seen after;

        set_wall(&rig, far_jumps[i]);
        after = look(&rig.client);
        expect_went_on(&before, &after, 2);
        expect_larger_fence(&rig.client, &fence);
        expect_begins(client_ask(&rig.client, "SWEEP"), "SWEPT ");
    }
    rig_stop(&rig);
}
END_TEST

/* Neither sooner than the lease and the grace, nor never. */
static void expect_taken_over(struct client *c, uint64_t lease_ms,
                              uint64_t claimed_ms)
{
    uint64_t until_ms = now_ms() + WAIT_MS;
    const char *reply = client_ask(c, "CLAIM short");

    while (begins(reply, "INFLIGHT ")) {
        ck_assert_int_gt(left_ms(until_ms), 0);
        pace();
        reply = client_ask(c, "CLAIM short");
    }
    expect_begins(reply, "CLAIMED ");
    ck_assert_uint_ge(now_ms() - claimed_ms, lease_ms + GRACE_MS);
}

START_TEST(a_lease_runs_out_in_its_time_whatever_the_wall_clock_does)
{
    struct rig rig;

    if (!begin(&rig)) {
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        uint64_t claimed_ms = now_ms();

        expect_begins(client_ask(&rig.client, "CLAIM short lease=300ms"),
                      "CLAIMED ");
        set_wall(&rig, far_jumps[i]);
        expect_taken_over(&rig.client, 300, claimed_ms);
        expect_is(client_ask(&rig.client, "RELEASE short"), "OK");
    }
    rig_stop(&rig);
}
END_TEST

START_TEST(a_wall_clock_that_was_set_between_runs_moves_nothing_either)
{
    struct rig rig;
    struct seen before;
    uint64_t fence = 0;

    if (!begin(&rig)) {
        return;
    }
    claim_and_complete(&rig.client);
    before = look(&rig.client);
    for (size_t i = 0; i < JUMPS; i++) {
        struct seen after;

        set_wall(&rig, far_jumps[i]);
        start_again(&rig, i % 2 == 0 ? SIGTERM : SIGKILL, "aaaa");
        after = look(&rig.client);
        expect_went_on(&before, &after, 2);
        expect_larger_fence(&rig.client, &fence);
    }
    rig_stop(&rig);
}
END_TEST

/* Time goes on from the mark, which is at most `grace` ahead. */
START_TEST(after_a_reboot_with_the_clock_set_back_time_goes_on_from_the_mark)
{
    struct rig rig;
    struct seen before;
    uint64_t fence = 0;

    if (!begin(&rig)) {
        return;
    }
    claim_and_complete(&rig.client);
    before = look(&rig.client);
    for (unsigned i = 1; i <= 3; i++) {
        struct seen after;

        set_wall(&rig, i == 2 ? "-2h" : "-3650d");
        start_again(&rig, i % 2 == 0 ? SIGTERM : SIGKILL,
                    i % 2 == 0 ? "aaaa" : "bbbb");
        after = look(&rig.client);
        expect_went_on(&before, &after, (uint64_t)i * (GRACE_MS + 2));
        expect_larger_fence(&rig.client, &fence);
    }
    rig_stop(&rig);
}
END_TEST

START_TEST(after_a_reboot_with_the_right_clock_the_time_between_counts)
{
    struct rig rig;
    struct seen before;
    struct seen after;

    if (!begin(&rig)) {
        return;
    }
    claim_and_complete(&rig.client);
    before = look(&rig.client);
    start_again(&rig, SIGKILL, "bbbb");
    after = look(&rig.client);
    expect_went_on(&before, &after, GRACE_MS + 2);
    set_wall(&rig, "+1h");
    start_again(&rig, SIGKILL, "cccc");
    after = look(&rig.client);
    ck_assert_uint_le(after.lease_ms, before.lease_ms - HOUR_MS);
    ck_assert_uint_gt(after.lease_ms, before.lease_ms - HOUR_MS - WAIT_MS);
    ck_assert_uint_le(after.ttl_ms, before.ttl_ms - HOUR_MS);
    rig_stop(&rig);
}
END_TEST

START_TEST(after_a_reboot_with_the_clock_ahead_all_has_expired_for_good)
{
    struct rig rig;
    uint64_t fence = 0;

    if (!begin(&rig)) {
        return;
    }
    claim_and_complete(&rig.client);
    expect_larger_fence(&rig.client, &fence);
    set_wall(&rig, "+3650d");
    start_again(&rig, SIGKILL, "bbbb");
    expect_is(client_ask(&rig.client, "LOOKUP held"), "NOT_FOUND");
    expect_is(client_ask(&rig.client, "LOOKUP done"), "NOT_FOUND");
    claim_and_complete(&rig.client);
    expect_larger_fence(&rig.client, &fence);
    /* Right again, and time does not come back. */
    set_wall(&rig, "+0");
    start_again(&rig, SIGTERM, "cccc");
    look(&rig.client);
    expect_larger_fence(&rig.client, &fence);
    rig_stop(&rig);
}
END_TEST

SUITE(clocks, 120, a_wall_clock_that_jumps_moves_no_lease_and_no_ttl,
      a_lease_runs_out_in_its_time_whatever_the_wall_clock_does,
      a_wall_clock_that_was_set_between_runs_moves_nothing_either,
      after_a_reboot_with_the_clock_set_back_time_goes_on_from_the_mark,
      after_a_reboot_with_the_right_clock_the_time_between_counts,
      after_a_reboot_with_the_clock_ahead_all_has_expired_for_good)
