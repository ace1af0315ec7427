#include "tests/lib/runner.h"

#define SUITES(X)                                                              \
    X(reply_parse)                                                             \
    X(config)                                                                  \
    X(config_file)                                                             \
    X(address)                                                                 \
    X(address_unix)                                                            \
    X(returns)                                                                 \
    X(runtime_dir)                                                             \
    X(client)                                                                  \
    X(client_bounds)                                                           \
    X(client_model)                                                            \
    X(memory_sweep)

#define X(name) suite_fn suite_##name;
SUITES(X)
#undef X

suite_fn *const suites[] = {
#define X(name) suite_##name,
    SUITES(X)
#undef X
        NULL,
};
