#include "tests/lib/runner.h"

#include <stddef.h>

suite_fn suite_lines, suite_resp, suite_pipelining, suite_splits, suite_limits,
    suite_connections, suite_stats, suite_startup, suite_notify, suite_restart,
    suite_shutdown, suite_sweep, suite_storage_errors, suite_redis_clients,
    suite_model_wire;

suite_fn *const suites[] = {
    suite_lines,          suite_resp,          suite_pipelining, suite_splits,
    suite_limits,         suite_connections,   suite_stats,      suite_startup,
    suite_notify,         suite_restart,       suite_shutdown,   suite_sweep,
    suite_storage_errors, suite_redis_clients, suite_model_wire, NULL};
