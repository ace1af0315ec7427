/* An engine with its thread, over a store of any kind and a clock that the test
 * owns, and a place where what it returns is waited for. */
#ifndef TESTS_ENGINE_RIG_H
#define TESTS_ENGINE_RIG_H

#include "engine/engine.h"
#include "tests/lib/bench.h"

#include <pthread.h>

struct rig {
    struct test_store store;
    struct test_clock time; /* moved while the engine is idle, or on its own
                               thread */
    struct clock clock;
    struct engine_config config;
    struct engine *engine;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct request_list returned; /* under lock, as all below */
    size_t returned_count;
    int failed; /* how the engine said that it has failed; 0: it has not */
    char why[128];
};

/* Everything but the engine, with a configuration that a test may change. */
void rig_prepare(struct rig *rig, enum store_kind kind);

/* Starts the engine; the status. */
int rig_try(struct rig *rig, struct err *err);

/* Both, and it has to start. */
void rig_open(struct rig *rig, enum store_kind kind);

/* Stops the engine, which has to end with `expected`, and shuts. */
void rig_close(struct rig *rig, int expected);

/* Closes the store of an engine that is stopped or never started. */
void rig_shut(struct rig *rig);

/* Until so many requests have come back since the start. */
void rig_await(struct rig *rig, size_t count);

struct request *rig_submit(struct rig *rig, struct command command);

/* Submits, waits for it, and for nothing else. */
struct reply rig_run(struct rig *rig, struct command command);

/* A turn on this thread, as soon as the engine's has begun to wait. */
struct reply rig_run_now(struct rig *rig, struct command command);

/* That has to be refused. */
void rig_refuse_now(struct rig *rig, struct command command);

/* SWEEP or STATS. */
struct command rig_bare(enum verb verb);

#endif
