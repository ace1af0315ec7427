/* What STATS shows: counters and gauges, readable from any thread.
 *
 * One struct per process (or per test), shared by pointer. Every access is
 * relaxed: a number is never torn, and no order between two of them is
 * promised. */
#ifndef BASE_COUNTERS_H
#define BASE_COUNTERS_H

#include "base/command.h"
#include "base/status.h"

#include <stdatomic.h>

/* X(NAME, name in STATS). In the order in which STATS shows them. */
#define COUNTER_MAP(X)                                                         \
    X(UPTIME_MS, "uptime_ms")                                                  \
    X(CONNECTIONS, "connections")                                              \
    X(CONNECTIONS_REFUSED, "connections_refused")                              \
    X(TURNS, "turns")                                                          \
    X(TURN_COMMANDS, "turn_commands")                                          \
    X(SYNCS, "syncs")                                                          \
    X(ROWS_READ, "rows_read")                                                  \
    X(ROWS_APPENDED, "rows_appended")                                          \
    X(ROWS_CORRUPT, "rows_corrupt")                                            \
    X(SEQUENCE_CONFLICTS, "sequence_conflicts")                                \
    X(LIVE_KEYS, "live_keys")                                                  \
    X(INFLIGHT, "inflight")                                                    \
    X(STORE_BYTES, "store_bytes")                                              \
    X(SWEEP_SCANNED, "sweep_scanned")                                          \
    X(SWEEP_EXPIRED, "sweep_expired")                                          \
    X(SWEEP_RETAINED, "sweep_retained")

enum counter {
#define X(name, text) COUNTER_##name,
    COUNTER_MAP(X)
#undef X
        COUNTER_COUNT
};

struct counters {
    _Atomic uint64_t values[COUNTER_COUNT];
    _Atomic uint64_t commands[VERB_COUNT];
    _Atomic uint64_t errors[STATUS_WIRE_COUNT];
};

static inline void counters_add(struct counters *c, enum counter id, uint64_t n)
{
    atomic_fetch_add_explicit(&c->values[id], n, memory_order_relaxed);
}

static inline void counters_set(struct counters *c, enum counter id, uint64_t n)
{
    atomic_store_explicit(&c->values[id], n, memory_order_relaxed);
}

static inline uint64_t counters_get(struct counters *c, enum counter id)
{
    return atomic_load_explicit(&c->values[id], memory_order_relaxed);
}

static inline void counters_command(struct counters *c, enum verb verb)
{
    atomic_fetch_add_explicit(&c->commands[verb], 1, memory_order_relaxed);
}

/* Counts an error that a client is told; status is of STATUS_WIRE_MAP. */
static inline void counters_error(struct counters *c, int status)
{
    atomic_fetch_add_explicit(&c->errors[STATUS_WIRE_INDEX(status)], 1,
                              memory_order_relaxed);
}

/* Calls `visit` for every number, in STATS' order, with its STATS name (valid
 * during the call only). */
typedef void counters_visit(void *arg, const char *name, uint64_t value);
void counters_each(struct counters *c, counters_visit *visit, void *arg);

#endif
