#include "tests/lib/runner.h"

#define SUITES(X)                                                              \
    X(damaged_logs)                                                            \
    X(damaged_manifest)                                                        \
    X(damaged_tables)                                                          \
    X(damaged_small_files)

#define X(name) suite_fn suite_##name;
SUITES(X)
#undef X

suite_fn *const suites[] = {
#define X(name) suite_##name,
    SUITES(X)
#undef X
        NULL,
};
