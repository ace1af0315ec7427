#include "tests/lib/runner.h"

#define SUITES(X)                                                              \
    X(decide)                                                                  \
    X(acceptance)                                                              \
    X(acceptance_races)                                                        \
    X(acceptance_restore)                                                      \
    X(turn)                                                                    \
    X(turn_faults)                                                             \
    X(engine)                                                                  \
    X(engine_faults)

#define X(name) suite_fn suite_##name;
SUITES(X)
#undef X

suite_fn *const suites[] = {
#define X(name) suite_##name,
    SUITES(X)
#undef X
        NULL,
};
