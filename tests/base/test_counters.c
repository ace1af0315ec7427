#include "base/counters.h"

#include "base/check.h"
#include "tests/lib/runner.h"

enum { NUMBERS_MAX = 128, NAME_BYTES = 64 };

struct seen {
    char names[NUMBERS_MAX][NAME_BYTES];
    uint64_t values[NUMBERS_MAX];
    size_t count;
};

static void see(void *arg, const char *name, uint64_t value)
{
    struct seen *seen = arg;

    ck_assert_uint_lt(seen->count, NUMBERS_MAX);
    ck_assert_uint_lt(strlen(name), NAME_BYTES);
    snprintf(seen->names[seen->count], NAME_BYTES, "%s", name);
    seen->values[seen->count] = value;
    seen->count++;
}

static uint64_t value_of(const struct seen *seen, const char *name)
{
    for (size_t i = 0; i < seen->count; i++) {
        if (strcmp(seen->names[i], name) == 0) {
            return seen->values[i];
        }
    }
    ck_abort_msg("%s is missing", name);
    return 0;
}

START_TEST(stats_name_what_the_protocol_promises)
{
    static const char *const promised[] = {
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
        "errors_AUTH",
        "errors_DENIED",
        "errors_SHUTTING_DOWN",
    };
    static struct counters counters;
    static struct seen seen;

    counters_each(&counters, see, &seen);
    for (size_t i = 0; i < sizeof(promised) / sizeof(promised[0]); i++) {
        ck_assert_uint_eq(value_of(&seen, promised[i]), 0);
    }
}
END_TEST

START_TEST(names_are_distinct_words)
{
    static struct counters counters;
    static struct seen seen;

    counters_each(&counters, see, &seen);
    ck_assert_uint_eq(seen.count, (size_t)COUNTER_COUNT + (size_t)VERB_COUNT +
                                      (size_t)STATUS_WIRE_COUNT);
    for (size_t i = 0; i < seen.count; i++) {
        ck_assert_ptr_null(strpbrk(seen.names[i], " \t\r\n="));
        for (size_t j = 0; j < i; j++) {
            ck_assert_str_ne(seen.names[i], seen.names[j]);
        }
    }
}
END_TEST

START_TEST(numbers_come_in_the_order_of_the_lists)
{
    static const char *const order[] = {
#define X(name, text) text,
        COUNTER_MAP(X)
#undef X
#define X(name, arguments, options, usage, help) "commands_" #name,
            VERB_MAP(X)
#undef X
#define X(name, sentence) "errors_" #name,
                STATUS_WIRE_MAP(X)
#undef X
    };
    static struct counters counters;
    static struct seen seen;

    counters_each(&counters, see, &seen);
    ck_assert_uint_eq(seen.count, sizeof(order) / sizeof(order[0]));
    for (size_t i = 0; i < seen.count; i++) {
        ck_assert_str_eq(seen.names[i], order[i]);
    }
}
END_TEST

START_TEST(what_is_counted_is_shown_under_its_name)
{
    static struct counters counters;
    static struct seen seen;

    counters_add(&counters, COUNTER_TURNS, 2);
    counters_add(&counters, COUNTER_TURNS, 3);
    counters_set(&counters, COUNTER_LIVE_KEYS, 9);
    counters_set(&counters, COUNTER_LIVE_KEYS, 7);
    counters_command(&counters, VERB_CLAIM);
    counters_command(&counters, VERB_QUIT);
    counters_command(&counters, VERB_QUIT);
    counters_error(&counters, E_SYNTAX);
    counters_error(&counters, E_SHUTTING_DOWN);
    counters_error(&counters, E_SHUTTING_DOWN);
    counters_each(&counters, see, &seen);
    ck_assert_uint_eq(value_of(&seen, "turns"), 5);
    ck_assert_uint_eq(value_of(&seen, "live_keys"), 7);
    ck_assert_uint_eq(value_of(&seen, "commands_CLAIM"), 1);
    ck_assert_uint_eq(value_of(&seen, "commands_QUIT"), 2);
    ck_assert_uint_eq(value_of(&seen, "errors_SYNTAX"), 1);
    ck_assert_uint_eq(value_of(&seen, "errors_SHUTTING_DOWN"), 2);
    ck_assert_uint_eq(counters_get(&counters, COUNTER_TURNS), 5);
}
END_TEST

START_TEST(nothing_else_moves_with_a_counter)
{
    static struct counters counters;
    static struct seen seen;
    uint64_t sum = 0;

    counters_command(&counters, VERB_LOOKUP);
    counters_error(&counters, E_BUSY);
    counters_add(&counters, COUNTER_SYNCS, 1);
    counters_each(&counters, see, &seen);
    for (size_t i = 0; i < seen.count; i++) {
        sum += seen.values[i];
    }
    ck_assert_uint_eq(sum, 3);
}
END_TEST

SUITE(counters, 10, stats_name_what_the_protocol_promises,
      names_are_distinct_words, numbers_come_in_the_order_of_the_lists,
      what_is_counted_is_shown_under_its_name,
      nothing_else_moves_with_a_counter)
