#include "base/banned.h"
#include "base/command.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

static const char *const counters[] = {
    "uptime_ms",
    "connections",
    "connections_refused",
    "turns",
    "turn_commands",
    "syncs",
    "rows_read",
    "rows_appended",
    "sequence_conflicts",
    "live_keys",
    "inflight",
    "store_bytes",
    "sweep_scanned",
    "sweep_expired",
    "sweep_retained",
    "commands_CLAIM",
    "commands_COMPLETE",
    "commands_RELEASE",
    "commands_EXTEND",
    "commands_LOOKUP",
    "commands_NAMESPACE",
    "commands_SWEEP",
    "commands_PING",
    "commands_STATS",
    "commands_HELP",
    "commands_QUIT",
    "errors_SYNTAX",
    "errors_UNKNOWN_COMMAND",
    "errors_LIMIT",
    "errors_NOT_FOUND",
    "errors_CONFLICT",
    "errors_STALE",
    "errors_MISMATCH",
    "errors_FENCE_REQUIRED",
    "errors_CORRUPT",
    "errors_BUSY",
    "errors_NO_SPACE",
    "errors_INDETERMINATE",
    "errors_SHUTTING_DOWN",
};

START_TEST(stats_names_every_counter)
{
    struct rig rig;

    rig_start(&rig, NOTHING);
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
        stat_of(&rig.client, counters[i]);
    }
    expect_begins(client_ask(&rig.client, "STATS"), "STATS ");
    while (!begins(client_line(&rig.client), "version ")) {
    }
    rig_stop(&rig);
}
END_TEST

START_TEST(counters_move_with_what_they_count)
{
    struct rig rig;
    struct client *c = &rig.client;

    rig_start(&rig, NOTHING);
    ck_assert_uint_eq(stat_of(c, "commands_CLAIM"), 0);
    client_ask(c, "CLAIM k");
    client_ask(c, "CLAIM k");
    client_ask(c, "CLAIM");
    client_ask(c, "COMPLETE k done");
    client_ask(c, "COMPLETE k other");
    client_ask(c, "LOOKUP k");
    client_ask(c, "nonsense");
    client_resp_ask(c, "HELLO 3");
    ck_assert_uint_ge(stat_of(c, "commands_CLAIM"), 2);
    ck_assert_uint_eq(stat_of(c, "commands_COMPLETE"), 2);
    ck_assert_uint_eq(stat_of(c, "commands_LOOKUP"), 1);
    ck_assert_uint_eq(stat_of(c, "errors_CONFLICT"), 1);
    ck_assert_uint_eq(stat_of(c, "errors_SYNTAX"), 1);
    ck_assert_uint_eq(stat_of(c, "errors_UNKNOWN_COMMAND"), 2);
    ck_assert_uint_eq(stat_of(c, "rows_appended"), 2);
    ck_assert_uint_eq(stat_of(c, "connections"), 1);
    ck_assert_uint_ge(stat_of(c, "turn_commands"), 5);
    ck_assert_uint_ge(stat_of(c, "turns"), 1);
    ck_assert_uint_ge(stat_of(c, "syncs"), 2);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_pipeline_shares_its_syncs)
{
    enum { COMMANDS = 1000 };
    struct rig rig;
    struct client *c = &rig.client;
    struct buf all = {0};
    char text[32];
    uint64_t before;

    rig_start(&rig, NOTHING);
    before = stat_of(c, "syncs");
    for (int i = 0; i < COMMANDS; i++) {
        snprintf(text, sizeof(text), "CLAIM p%d\n", i);
        buf_append_str(&all, text);
    }
    client_send_bytes(c, buf_slice(&all));
    for (int i = 0; i < COMMANDS; i++) {
        expect_begins(client_line(c), "CLAIMED ");
    }
    ck_assert_uint_lt(stat_of(c, "syncs") - before, COMMANDS / 4);
    ck_assert_uint_eq(stat_of(c, "rows_appended"), COMMANDS);
    buf_release(&all);
    rig_stop(&rig);
}
END_TEST

SUITE(stats, 30, stats_names_every_counter, counters_move_with_what_they_count,
      a_pipeline_shares_its_syncs)
