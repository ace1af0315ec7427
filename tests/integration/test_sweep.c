#include "base/banned.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

enum { KEYS = 300 };

/* Claims keys that run out at once, and waits until they have. */
static void claim_expiring(struct client *c, const char *name)
{
    struct buf requests = {0};
    char text[64];
    uint64_t until_ms = now_ms() + WAIT_MS;

    for (int i = 0; i < KEYS; i++) {
        snprintf(text, sizeof(text), "CLAIM %s%d ttl=1ms\n", name, i);
        buf_append_str(&requests, text);
    }
    client_send_bytes(c, buf_slice(&requests));
    for (int i = 0; i < KEYS; i++) {
        expect_begins(client_line(c), "CLAIMED ");
    }
    snprintf(text, sizeof(text), "LOOKUP %s%d", name, KEYS - 1);
    while (strcmp(client_ask(c, text), "NOT_FOUND") != 0) {
        ck_assert_int_gt(left_ms(until_ms), 0);
        pace();
    }
    buf_release(&requests);
}

START_TEST(sweep_frees_all_that_is_due_in_all_namespaces)
{
    struct rig rig;
    struct client *c = &rig.client;
    const char *reply;

    rig_start(&rig, LIST("grace=10ms", "sweep_interval=1h"));
    client_ask(c, "CLAIM stays");
    claim_expiring(c, "a");
    client_ask(c, "NAMESPACE other");
    claim_expiring(c, "b");
    reply = client_ask(c, "SWEEP");
    expect_begins(reply, "SWEPT ");
    ck_assert_uint_eq(number_of(reply, "expired"), 2 * KEYS);
    ck_assert_uint_ge(number_of(reply, "scanned"), 2 * KEYS);
    reply = client_ask(c, "SWEEP");
    ck_assert_uint_eq(number_of(reply, "expired"), 0);
    ck_assert_uint_eq(stat_of(c, "sweep_expired"), 2 * KEYS);
    client_ask(c, "NAMESPACE default");
    expect_begins(client_ask(c, "LOOKUP stays"), "INFLIGHT ");
    rig_stop(&rig);
}
END_TEST

START_TEST(commands_behind_a_sweep_run_and_their_replies_wait)
{
    struct rig rig;
    struct client *c = &rig.client;

    rig_start(&rig, LIST("grace=10ms", "sweep_interval=1h"));
    claim_expiring(c, "a");
    client_send(c, "SWEEP\nPING\nCLAIM k\nSWEEP\nLOOKUP k\nQUIT\n");
    expect_begins(client_line(c), "SWEPT scanned=300 expired=300 retained=0");
    expect_is(client_line(c), "PONG");
    expect_begins(client_line(c), "CLAIMED ");
    expect_begins(client_line(c), "SWEPT ");
    expect_begins(client_line(c), "INFLIGHT ");
    expect_is(client_line(c), "BYE");
    expect_closed(c);
    rig_stop(&rig);
}
END_TEST

START_TEST(the_timer_sweeps_by_itself)
{
    struct rig rig;
    struct client *c = &rig.client;
    uint64_t until_ms = now_ms() + WAIT_MS;

    rig_start(&rig, LIST("grace=10ms", "sweep_interval=20ms"));
    claim_expiring(c, "a");
    while (stat_of(c, "sweep_expired") < KEYS) {
        ck_assert_int_gt(left_ms(until_ms), 0);
        pace();
    }
    ck_assert_uint_eq(stat_of(c, "sweep_expired"), KEYS);
    expect_begins(client_ask(c, "CLAIM a1"), "CLAIMED ");
    rig_stop(&rig);
}
END_TEST

START_TEST(an_expired_lease_is_taken_over_and_the_late_fence_is_stale)
{
    struct rig rig;
    struct client *c = &rig.client;
    char request[64];
    uint64_t first;
    uint64_t until_ms = now_ms() + WAIT_MS;
    const char *reply;

    rig_start(&rig, LIST("grace=10ms"));
    first = fence_of(client_ask(c, "CLAIM k lease=1ms ttl=1h"));
    while (!begins(reply = client_ask(c, "LOOKUP k"), "EXPIRED ")) {
        ck_assert_int_gt(left_ms(until_ms), 0);
        pace();
    }
    ck_assert_uint_eq(fence_of(reply), first);
    reply = client_ask(c, "CLAIM k");
    expect_begins(reply, "CLAIMED ");
    ck_assert_uint_eq(number_of(reply, "attempt"), 2);
    ck_assert_uint_gt(fence_of(reply), first);
    snprintf(request, sizeof(request), "COMPLETE k late fence=%ju",
             (uintmax_t)first);
    expect_begins(client_ask(c, request), "ERR STALE ");
    expect_begins(client_ask(c, "LOOKUP k"), "INFLIGHT ");
    rig_stop(&rig);
}
END_TEST

SUITE(sweep, 60, sweep_frees_all_that_is_due_in_all_namespaces,
      commands_behind_a_sweep_run_and_their_replies_wait,
      the_timer_sweeps_by_itself,
      an_expired_lease_is_taken_over_and_the_late_fence_is_stale)
