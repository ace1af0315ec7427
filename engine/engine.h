/* The engine: decides and stores what clients ask, on a thread of its own.
 *
 * Happy path: requests are submitted from the network's thread, gathered into a
 * turn with everything else that has arrived, and handed back, decided and
 * durable, through a callback. Between turns the sweeper does a slice of its
 * work.
 *
 * What can go wrong: the store's answer to a write is lost. Then every request
 * of that turn is answered INDETERMINATE, every later one SHUTTING_DOWN, no
 * further write is tried, and `failed` is called once: the process has to end
 * and start again to learn what the store really has. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "engine/decide.h"
#include "engine/request.h"
#include "storage/store.h"

struct engine_config {
    struct rules rules;
    uint64_t min_free_bytes;    /* below it a CLAIM that appends: NO_SPACE */
    uint64_t receipt_bytes_max; /* bounds what one turn holds in memory */
};

/* A caller is kept waiting by engine_run_now() while turns that write have of
 * late taken no longer than this, with so many commands at most. */
enum { ENGINE_NOW_US_MAX = 5000, ENGINE_NOW_COMMANDS_MAX = 256 };

/* Called on the engine's thread, `failed` also by engine_run_now(). */
struct engine_callbacks {
    /* `list` has requests that are decided or postponed, in the order in which
     * they were submitted, but for SWEEP, which comes when it is done. The
     * callee takes all of them off the list. */
    void (*returned)(void *arg, struct request_list *list);
    /* Once: `status` says with which exit code the process should end, `why`
     * is valid during the call. */
    void (*failed)(void *arg, int status, const char *why);
    void *arg;
};

struct engine;

/* Starts the clock where the store's last run left it, and the thread. The
 * store is borrowed and has no other session. NULL with *status (E_MEMORY,
 * E_IO, E_FULL, E_DATA) and a sentence in `err` otherwise. */
struct engine *engine_start(struct store *store, const struct clock *clock,
                            const char *boot_id,
                            const struct engine_config *config,
                            const struct engine_callbacks *callbacks,
                            struct counters *counters, int *status,
                            struct err *err);

/* Hands over the list's members. They are commands that name a key, SWEEP, or
 * STATS, whose return means that the gauges are fresh. Any thread. */
void engine_submit(struct engine *engine, struct request_list *list);

/* Makes a turn, mostly one, of the list on the calling thread, provided that
 * the engine has nothing to do: handing a few commands to another thread and
 * back costs more than to decide them. The members are up to
 * ENGINE_NOW_COMMANDS_MAX commands that name a key, and of those submitted
 * before, every one has come back, or the order would be lost. They are in the
 * list again when it returns, decided or postponed; `returned` is not called.
 * False: nothing has happened. */
bool engine_run_now(struct engine *engine, struct request_list *list);

/* Begins a pass of the sweeper. Any thread. */
void engine_sweep(struct engine *engine);

/* Once a second: looks at the disk, refreshes gauges, and stores the marks
 * where nothing was written for five, so that a disk that has failed is noticed
 * by an idle daemon too. Any thread. */
void engine_tick(struct engine *engine);

/* How many commands the next turn has at most: fewer while they are answered
 * with long receipts. Any thread. */
size_t engine_turn_commands(const struct engine *engine);

/* How many ticks were served: a number that stays the same although
 * engine_tick() was called says that the thread is stuck. Any thread. */
uint64_t engine_ticks_served(struct engine *engine);

/* Decides what was submitted, answers waiting SWEEPs with SHUTTING_DOWN, stores
 * the marks, ends the thread and frees the engine. The callbacks have been
 * called for the last time when it returns. 0 · E_INDETERMINATE: that last
 * write, or an earlier one, failed. */
int engine_stop(struct engine *engine);

#endif
