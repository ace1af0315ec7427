#include "base/banned.h"
#include "tests/lib/load.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

#include <signal.h>

static void claim_complete_and_release(struct client *c)
{
    expect_begins(client_ask(c, "CLAIM held lease=1h ttl=2h owner=me"),
                  "CLAIMED ");
    expect_begins(client_ask(c, "CLAIM done"), "CLAIMED ");
    expect_is(client_ask(c, "COMPLETE done \"the \\x00 receipt\""), "OK");
    expect_begins(client_ask(c, "CLAIM freed"), "CLAIMED ");
    expect_is(client_ask(c, "RELEASE freed"), "OK");
}

/* Starts again with this signal and expects what was answered before. */
static void survives(int signal)
{
    struct rig rig;
    uint64_t held;
    const char *reply;

    rig_start(&rig, NOTHING);
    claim_complete_and_release(&rig.client);
    held = fence_of(client_ask(&rig.client, "LOOKUP held"));
    rig_restart(&rig, signal, NOTHING);
    reply = client_ask(&rig.client, "LOOKUP held");
    expect_begins(reply, "INFLIGHT ");
    ck_assert_uint_eq(fence_of(reply), held);
    ck_assert_uint_le(number_of(reply, "lease"), 3600000);
    ck_assert_uint_gt(number_of(reply, "lease"), 3600000 - WAIT_MS);
    reply = client_ask(&rig.client, "CLAIM held owner=me");
    expect_begins(reply, "CLAIMED ");
    ck_assert_uint_eq(fence_of(reply), held);
    expect_begins(client_ask(&rig.client, "CLAIM done"),
                  "COMPLETED \"the \\x00 receipt\" ");
    expect_is(client_ask(&rig.client, "LOOKUP freed"), "NOT_FOUND");
    reply = client_ask(&rig.client, "CLAIM freed");
    ck_assert_uint_eq(number_of(reply, "attempt"), 2);
    ck_assert_uint_gt(fence_of(reply), held);
    rig_stop(&rig);
}

START_TEST(every_state_survives_a_stop)
{
    survives(SIGTERM);
}
END_TEST

START_TEST(every_state_survives_kill_9)
{
    survives(SIGKILL);
}
END_TEST

START_TEST(fences_rise_over_restarts)
{
    struct rig rig;
    uint64_t last = 0;

    rig_start(&rig, NOTHING);
    for (int i = 0; i < 6; i++) {
        const char *reply = client_ask(&rig.client, "CLAIM k");

        expect_begins(reply, "CLAIMED ");
        ck_assert_uint_gt(fence_of(reply), last);
        last = fence_of(reply);
        expect_is(client_ask(&rig.client, "RELEASE k"), "OK");
        rig_restart(&rig, i % 2 == 0 ? SIGKILL : SIGTERM, NOTHING);
    }
    rig_stop(&rig);
}
END_TEST

START_TEST(nothing_acknowledged_is_lost_by_kill_9_under_load)
{
    enum { CYCLES = 12 };
    static const unsigned replies[CYCLES] = {1,    37,   160,   520,
                                             1000, 1700, 2600,  3700,
                                             5000, 7000, 10000, 13000};
    struct rig rig;
    uint64_t highest = 0;
    char name[16];

    rig_start(&rig, NOTHING);
    for (int i = 0; i < CYCLES; i++) {
        struct load *load;
        const char *reply;

        snprintf(name, sizeof(name), "c%d", i);
        load = load_new(&rig.daemon, name);
        load_run(load, replies[i]);
        process_signal(&rig.daemon.process, SIGKILL);
        load_drain(load);
        rig_restart(&rig, SIGKILL, NOTHING);
        ck_assert_uint_gt(load_verify(load, &rig.client), highest);
        highest = load_verify(load, &rig.client);
        snprintf(name, sizeof(name), "CLAIM after%d", i);
        reply = client_ask(&rig.client, name);
        ck_assert_uint_gt(fence_of(reply), highest);
        highest = fence_of(reply);
        load_free(load);
    }
    rig_stop(&rig);
}
END_TEST

START_TEST(a_memory_store_serves_and_forgets)
{
    struct rig rig;

    rig_start(&rig, LIST("store=memory"));
    expect_begins(client_ask(&rig.client, "CLAIM k"), "CLAIMED ");
    expect_is(client_ask(&rig.client, "COMPLETE k done"), "OK");
    expect_begins(client_ask(&rig.client, "CLAIM k"), "COMPLETED \"done\" ");
    ck_assert(!file_exists(rig.site.data));
    rig_restart(&rig, SIGTERM, LIST("store=memory"));
    expect_is(client_ask(&rig.client, "LOOKUP k"), "NOT_FOUND");
    rig_stop(&rig);
}
END_TEST

SUITE(restart, 120, every_state_survives_a_stop, every_state_survives_kill_9,
      fences_rise_over_restarts,
      nothing_acknowledged_is_lost_by_kill_9_under_load,
      a_memory_store_serves_and_forgets)
