#include "tests/lib/runner.h"

#define SUITES(X)                                                              \
    X(background)                                                              \
    X(failed_calls)                                                            \
    X(failed_disk)                                                             \
    X(full_disk)                                                               \
    X(other_limits)                                                            \
    X(damage)                                                                  \
    X(clocks)                                                                  \
    X(descriptors)                                                             \
    X(memory)                                                                  \
    X(signals)                                                                 \
    X(starts)

#define X(name) suite_fn suite_##name;
SUITES(X)
#undef X

suite_fn *const suites[] = {
#define X(name) suite_##name,
    SUITES(X)
#undef X
        NULL,
};
