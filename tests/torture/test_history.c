#include "tests/lib/runner.h"
#include "tests/torture/history.h"

static void same_after_reading(const char *line)
{
    struct buf out = {0};
    struct op op;

    ck_assert(op_read(slice_str(line), &op));
    op_write(&op, &out);
    ck_assert(slice_equal(buf_slice(&out), slice_str(line)));
    buf_release(&out);
}

START_TEST(op_is_written_as_it_is_read)
{
    same_after_reading("0 0 LOOKUP -> NOT_FOUND");
    same_after_reading("1 2 CLAIM key=3 client=4 life=5 lease=6 ttl=7 owner=8 "
                       "fp=9 seq=10 to=11 -> CLAIMED again=1 fence=12 "
                       "attempt=13 lease=14");
    same_after_reading("1 2 COMPLETE fence=3 receipt=4 -> ERR CONFLICT");
    same_after_reading("1 2 EXTEND fence=3 -> EXTENDED lease=4");
    same_after_reading("1 2 RELEASE -> NONE");
    same_after_reading("1 2 LOOKUP -> INFLIGHT fence=3 attempt=1 age=4 lease=5 "
                       "retry=6 owner=foreign");
    same_after_reading("1 2 CLAIM -> COMPLETED fence=3 age=4 ttl=5 "
                       "receipt=foreign");
    same_after_reading("1 2 LOOKUP -> EXPIRED fence=3 attempt=1 age=4");
}
END_TEST

START_TEST(other_lines_are_refused)
{
    static const char *const bad[] = {
        "",
        "1",
        "1 2",
        "2 1 LOOKUP -> OK",
        "1 2 LOOKUP",
        "1 2 LOOKUP ->",
        "1 2 lookup -> OK",
        "1 2 PING -> OK",
        "1 2 LOOKUP -> PONG",
        "1 2 LOOKUP key -> OK",
        "1 2 LOOKUP key= -> OK",
        "1 2 LOOKUP key=x -> OK",
        "1 2 LOOKUP key=4294967296 -> OK",
        "1 2 LOOKUP word=1 -> OK",
        "1 2 LOOKUP -> ERR",
        "1 2 LOOKUP -> ERR NOTHING",
        "1 2 CLAIM -> CLAIMED again=2",
        "1 2 CLAIM -> CLAIMED key=2",
        "x 2 LOOKUP -> OK",
    };
    struct op op;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(!op_read(slice_str(bad[i]), &op), "%s", bad[i]);
    }
}
END_TEST

START_TEST(history_is_written_as_it_is_read)
{
    const char *text =
        "rules grace=1000 ttl=60000 lease=5 lease_max=6 require_fence=1 "
        "slack=7 time_leaps=1\n"
        "1 2 LOOKUP -> NOT_FOUND\n"
        "3 4 CLAIM key=1 -> ERR BUSY\n";
    struct history history = {0};
    struct buf out = {0};
    size_t bad_line;

    ck_assert(history_read(slice_str(text), &history, &bad_line));
    ck_assert_uint_eq(history.count, 2);
    ck_assert_uint_eq(history.rules.slack_ms, 7);
    ck_assert_int_eq(history.ops[1].error, E_BUSY);
    history_write(&history, &out);
    ck_assert(slice_equal(buf_slice(&out), slice_str(text)));
    history_release(&history);
    buf_release(&out);
}
END_TEST

START_TEST(bad_line_of_a_history_is_named)
{
    struct history history = {0};
    size_t bad_line;

    ck_assert(!history_read(slice_str("1 2 LOOKUP -> NOT_FOUND\n"), &history,
                            &bad_line));
    ck_assert_uint_eq(bad_line, 1);
    ck_assert(!history_read(slice_str("rules\n\n1 2 LOOKUP -> NOT_FOUND\nx\n"),
                            &history, &bad_line));
    ck_assert_uint_eq(bad_line, 4);
    history_release(&history);
}
END_TEST

START_TEST(lost_answer_and_indeterminate_are_unknown)
{
    struct op op = {.verb = VERB_CLAIM};

    ck_assert(op_unknown(&op));
    op.kind = REPLY_ERROR;
    op.error = E_INDETERMINATE;
    ck_assert(op_unknown(&op));
    op.error = E_BUSY;
    ck_assert(!op_unknown(&op));
}
END_TEST

SUITE(history, 10, op_is_written_as_it_is_read, other_lines_are_refused,
      history_is_written_as_it_is_read, bad_line_of_a_history_is_named,
      lost_answer_and_indeterminate_are_unknown)
