#include "tests/lib/runner.h"

suite_fn suite_replay;

suite_fn *const suites[] = {suite_replay, NULL};
