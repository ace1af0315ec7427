#include "tests/lib/runner.h"

#include <stddef.h>

suite_fn suite_verbs;
suite_fn suite_limits;
suite_fn suite_frame;
suite_fn suite_line;
suite_fn suite_resp;
suite_fn suite_command;
suite_fn suite_precedence;
suite_fn suite_cuts;
suite_fn suite_reply;
suite_fn suite_reply_misuse;
suite_fn suite_reply_bounds;
suite_fn suite_foreign;
suite_fn suite_fuzz;

suite_fn *const suites[] = {
    suite_verbs,        suite_limits,
    suite_frame,        suite_line,
    suite_resp,         suite_command,
    suite_precedence,   suite_cuts,
    suite_reply,        suite_reply_misuse,
    suite_reply_bounds, suite_fuzz,
    suite_foreign,      NULL,
};
