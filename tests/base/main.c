#include "tests/lib/runner.h"

#include <stddef.h>

suite_fn suite_buf;

suite_fn *const suites[] = {suite_buf, NULL};
