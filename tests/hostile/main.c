#include "tests/lib/runner.h"

#include <stddef.h>

suite_fn *const suites[] = {NULL};
