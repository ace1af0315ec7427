#include "tests/lib/runner.h"

#include <stddef.h>

suite_fn suite_slice;
suite_fn suite_buf;
suite_fn suite_buf_misuse;
suite_fn suite_units;
suite_fn suite_key_hash;
suite_fn suite_status;
suite_fn suite_counters;
suite_fn suite_clock;
suite_fn suite_err;
suite_fn suite_log;

suite_fn *const suites[] = {
    suite_slice,  suite_buf,      suite_buf_misuse, suite_units, suite_key_hash,
    suite_status, suite_counters, suite_clock,      suite_err,   suite_log,
    NULL,
};
