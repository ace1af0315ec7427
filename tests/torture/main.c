#include "tests/lib/runner.h"

#define SUITES(X)                                                              \
    X(history)                                                                 \
    X(check_rules)                                                             \
    X(check_table)                                                             \
    X(check_random)                                                            \
    X(check_crowd)                                                             \
    X(words)                                                                   \
    X(workload)                                                                \
    X(peer)                                                                    \
    X(recorder)                                                                \
    X(lives)

#define X(name) suite_fn suite_##name;
SUITES(X)
#undef X

suite_fn *const suites[] = {
#define X(name) suite_##name,
    SUITES(X)
#undef X
        NULL,
};
