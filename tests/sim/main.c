#include "tests/lib/runner.h"

#define SUITES(X)                                                              \
    X(disk)                                                                    \
    X(sim)

#define X(name) suite_fn suite_##name;
SUITES(X)
#undef X

suite_fn *const suites[] = {
#define X(name) suite_##name,
    SUITES(X)
#undef X
        NULL,
};
