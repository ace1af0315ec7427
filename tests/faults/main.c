#include "tests/lib/runner.h"

#include <stddef.h>

suite_fn suite_background;
suite_fn suite_failed_calls;
suite_fn suite_failed_disk;
suite_fn suite_full_disk;
suite_fn suite_other_limits;

suite_fn *const suites[] = {
    suite_failed_calls, suite_background,   suite_failed_disk,
    suite_full_disk,    suite_other_limits, NULL,
};
