#include "tests/torture/samples.h"

#include <check.h>

static const struct history_rules usual = {.grace_ms = 1000, .ttl_ms = 60000};

static void read_line(const char *line, struct history *history)
{
    struct op op;

    ck_assert_msg(op_read(slice_str(line), &op), "cannot be read: %s", line);
    op.called_us *= 1000;
    op.ended_us *= 1000;
    history_add(history, &op);
}

void sample_read(const char *const *lines, struct history *history)
{
    size_t bad_line;

    *history = (struct history){.rules = usual};
    for (size_t i = 0; lines[i] != NULL; i++) {
        if (strncmp(lines[i], "rules", strlen("rules")) == 0) {
            history->rules = (struct history_rules){0};
            ck_assert(history_read(slice_str(lines[i]), history, &bad_line));
        } else {
            read_line(lines[i], history);
        }
    }
}

static void judge(const char *const *lines, struct verdict *verdict)
{
    const struct check_options options = {.exact_ms = 30000, .exact_one_in = 1};
    struct history history;

    sample_read(lines, &history);
    check_history(&history, &options, verdict);
    ck_assert_uint_eq(verdict->ops, history.count);
    ck_assert_uint_eq(verdict->exact_unsure, 0);
    history_release(&history);
}

static const char *report_text(struct verdict *verdict)
{
    buf_append_byte(&verdict->report, 0);
    return (const char *)buf_slice(&verdict->report).data;
}

void sample_good(const char *const *lines)
{
    struct verdict verdict;

    judge(lines, &verdict);
    ck_assert_msg(verdict.valid, "%s", report_text(&verdict));
    verdict_release(&verdict);
}

static bool by_linear(const struct verdict *verdict, enum promise promise)
{
    size_t others = 0;

    for (size_t i = 0; i < PROMISES; i++) {
        others += i == PROMISE_ORDER ? 0 : verdict->broken[i];
    }
    return promise == PROMISE_ORDER ? others > 0 : verdict->broken[promise] > 0;
}

void sample_bad(enum promise promise, unsigned passes, const char *const *lines)
{
    struct verdict verdict;
    bool by_exact;

    judge(lines, &verdict);
    by_exact = verdict.broken[PROMISE_ORDER] > 0;
    ck_assert(!verdict.valid);
    ck_assert_msg(by_linear(&verdict, promise) == ((passes & LINEAR) != 0),
                  "%s", report_text(&verdict));
    ck_assert_msg(by_exact == ((passes & EXACT) != 0), "%s",
                  report_text(&verdict));
    ck_assert(buf_len(&verdict.report) > 0);
    verdict_release(&verdict);
}
