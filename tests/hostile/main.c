#include "tests/lib/runner.h"

#include <stddef.h>

suite_fn suite_crowd;

suite_fn *const suites[] = {suite_crowd, NULL};
