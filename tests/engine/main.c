#include "tests/lib/runner.h"

#define SUITES(X)                                                              \
    X(model_self)                                                              \
    X(model_finish)                                                            \
    X(model_check)                                                             \
    X(model_gen)                                                               \
    X(decide)                                                                  \
    X(acceptance)                                                              \
    X(acceptance_races)                                                        \
    X(acceptance_restore)                                                      \
    X(turn)                                                                    \
    X(bounds)                                                                  \
    X(turn_faults)                                                             \
    X(engine)                                                                  \
    X(engine_faults)                                                           \
    X(engine_bounds)                                                           \
    X(model)

#define X(name) suite_fn suite_##name;
SUITES(X)
#undef X

suite_fn *const suites[] = {
#define X(name) suite_##name,
    SUITES(X)
#undef X
        NULL,
};
