#include "tests/lib/runner.h"

#include <stddef.h>

suite_fn suite_oversized, suite_resets, suite_idle, suite_deaf, suite_crowd;

suite_fn *const suites[] = {suite_oversized, suite_resets, suite_idle,
                            suite_deaf,      suite_crowd,  NULL};
