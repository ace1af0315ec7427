/* The clients of a torture, on a daemon that is left in peace. */
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"
#include "tests/torture/recorder.h"

#include <signal.h>

enum { ROUND_US = 20000 };

static void begin(struct rig *rig, struct recorder *recorder)
{
    rig_start(rig, LIST("namespace=torture", "ttl=1d", "lease=1h"));
    recorder_init(recorder, profile_named("long"), 1);
    recorder_begin(recorder, rig->daemon.port, false);
}

static void work(struct rig *rig, struct recorder *recorder)
{
    ck_assert(recorder_run(recorder, &rig->daemon.process,
                           recorder_now_us() + ROUND_US));
}

START_TEST(what_cut_connections_leave_is_settled_while_the_daemon_lives)
{
    struct rig rig;
    struct recorder recorder;
    uint64_t until_ms = now_ms() + WAIT_MS;

    begin(&rig, &recorder);
    /* The probe counts the recorder's connections alone. */
    client_close(&rig.client);
    while (recorder.unknown == 0) {
        ck_assert_int_gt(left_ms(until_ms), 0);
        work(&rig, &recorder);
    }
    daemon_stop(&rig.daemon);
    recorder_end(&recorder, recorder_now_us());
    ck_assert_uint_eq(recorder.open_count, 0);
    recorder_release(&recorder);
    site_remove(&rig.site);
}
END_TEST

START_TEST(nothing_is_settled_while_the_daemon_may_have_it)
{
    struct rig rig;
    struct recorder recorder;
    uint64_t until_ms = now_ms() + WAIT_MS;

    begin(&rig, &recorder);
    /* A connection more than the recorder's, as one that was cut would be. */
    ck_assert_str_eq(client_ask(&rig.client, "PING"), "PONG");
    while (recorder.open_count == 0) {
        ck_assert_int_gt(left_ms(until_ms), 0);
        work(&rig, &recorder);
    }
    work(&rig, &recorder);
    work(&rig, &recorder);
    ck_assert_uint_eq(recorder.unknown, 0);
    rig_stop(&rig);
    recorder_end(&recorder, recorder_now_us());
    ck_assert_uint_gt(recorder.unknown, 0);
    recorder_release(&recorder);
}
END_TEST

START_TEST(all_keys_are_read_in_the_end)
{
    struct rig rig;
    struct recorder recorder;
    size_t read = 0;
    size_t before;

    begin(&rig, &recorder);
    work(&rig, &recorder);
    work(&rig, &recorder);
    rig_restart(&rig, SIGKILL, LIST("namespace=torture"));
    recorder_end(&recorder, recorder_now_us());
    before = recorder.history.count;
    recorder_begin(&recorder, rig.daemon.port, true);
    ck_assert(recorder_read(&recorder, &rig.daemon.process,
                            recorder_now_us() + (uint64_t)WAIT_MS * 1000));
    for (size_t i = before; i < recorder.history.count; i++) {
        ck_assert_int_eq(recorder.history.ops[i].verb, VERB_LOOKUP);
        read += recorder.history.ops[i].kind != REPLY_NONE;
    }
    ck_assert_uint_gt(recorder.workload.keys, 0);
    ck_assert_uint_eq(read, recorder.workload.keys);
    rig_stop(&rig);
    recorder_release(&recorder);
}
END_TEST

SUITE(recorder, 120,
      what_cut_connections_leave_is_settled_while_the_daemon_lives,
      nothing_is_settled_while_the_daemon_may_have_it,
      all_keys_are_read_in_the_end)
