#include "engine/engine.h"

#include "base/check.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/units.h"
#include "engine/mailbox.h"
#include "engine/sweeper.h"
#include "engine/turn.h"

enum {
    BELL_SWEEP = 1 << 0,
    BELL_TICK = 1 << 1,
    BELL_STOP = 1 << 2,
};

/* A turn reads the last record of each of its keys: so many commands that their
 * receipts stay within this, but at least and at most the numbers below. */
#define TURN_BYTES_MAX (UINT64_C(64) << 20)
enum { TURN_COMMANDS_MIN = 16, TURN_COMMANDS_MAX = 1024 };

/* More bytes of receipts in a turn would keep everybody waiting while they are
 * copied and sent: it ends there, and the next ones have no more commands than
 * it had, and slowly more again. */
enum { TURN_REPLY_BYTES = 512 << 10, TURN_COMMANDS_MORE = 16 };

/* While commands come, a slice of the sweeper is short and followed by a rest
 * of so many times what it took: it costs them a ninth of the engine's time.
 * The longer the pass goes on, the shorter the rests, or what expires faster
 * than that would never be freed. */
enum {
    SWEEP_BUSY_US = 100000, /* since the last turn; and the longest rest */
    SWEEP_BUSY_KEYS = 128,
    SWEEP_REST = 8,
    SWEEP_HASTE_MS = 30000, /* then half of that, and so on */
};

/* Where nothing was written for so long, something is: a disk that fails is
 * noticed before the next client needs it. */
#define PROBE_US UINT64_C(5000000)

struct engine {
    struct engine_callbacks callbacks;
    struct store *store;
    struct session *session;
    struct counters *counters;
    uint64_t min_free_bytes;
    size_t turn_commands_max;
    _Atomic size_t turn_commands; /* of the next turn, at most */
    struct mailbox mailbox;
    pthread_t thread;
    _Atomic uint64_t ticks_served;
    /* Held by whoever works: the engine's thread but while it waits for the
     * mailbox, or a caller of engine_run_now(). Guards all that follows, the
     * store's session too. */
    pthread_mutex_t work;
    uint64_t turn_us;       /* that a turn with a write takes: at once when it
                               is more, less only by and by */
    uint64_t turn_ended_us; /* when the last one did */
    uint64_t written_us;    /* when a turn or the probe last wrote */
    uint64_t sweep_next_us; /* when the sweeper has had its rest */
    size_t slice_keys_max;
    struct steady steady;
    struct turn turn;
    struct sweeper sweeper;
    struct request_list backlog; /* taken from the mailbox, not yet decided */
    struct request_list sweeps;  /* SWEEPs that wait for a pass */
    struct request_list done;    /* to be returned */
    bool stopping;
    bool index_warned; /* that it cannot be read */
    int failure;       /* 0, or the status of the failed write */
};

/* For durations: never stands still, as steady time may. */
static uint64_t elapsed_us(const struct engine *engine)
{
    return engine->steady.clock->boot_us(engine->steady.clock->arg);
}

/* --- gauges ---------------------------------------------------------------
 */

static void look_at_disk(struct engine *engine, const struct store_stats *stats)
{
    bool no_space = stats->free_bytes < engine->min_free_bytes;

    if (no_space && !engine->turn.no_space) {
        log_error("less than min_free is left on the disk: "
                  "new claims are refused");
    } else if (!no_space && engine->turn.no_space) {
        log_info("there is room on the disk again: new claims are taken");
    }
    engine->turn.no_space = no_space;
}

static void refresh_gauges(struct engine *engine)
{
    struct store_stats stats = {0};

    engine->store->ops->stats(engine->store, &stats);
    counters_set(engine->counters, COUNTER_STORE_BYTES, stats.bytes);
    turn_publish(&engine->turn);
    look_at_disk(engine, &stats);
}

/* --- failure --------------------------------------------------------------
 */

static void fail(struct engine *engine, int status)
{
    const struct store_ops *ops = engine->store->ops;
    int trouble = ops->trouble_status(engine->session);

    CHECK(engine->failure == 0); /* nothing is written after it */
    engine->failure = status;
    engine->callbacks.failed(engine->callbacks.arg,
                             trouble < 0 ? trouble : E_IO,
                             ops->trouble(engine->session));
}

/* --- sweeps ---------------------------------------------------------------
 */

static void return_sweep(struct engine *engine, struct request *request)
{
    const struct sweeper *sweeper = &engine->sweeper;

    request->reply = (struct reply){
        .kind = REPLY_SWEPT,
        .swept_scanned = sweeper->scanned - request->sweep_scanned,
        .swept_expired = sweeper->expired - request->sweep_expired,
        .swept_retained = sweeper->retained - request->sweep_retained,
    };
    STAILQ_INSERT_TAIL(&engine->done, request, link);
}

static void return_sweeps(struct engine *engine, int error,
                          const char *sentence)
{
    struct request *request;

    while ((request = STAILQ_FIRST(&engine->sweeps)) != NULL) {
        STAILQ_REMOVE_HEAD(&engine->sweeps, link);
        request->reply = reply_error_because(error, sentence);
        STAILQ_INSERT_TAIL(&engine->done, request, link);
    }
}

static void await_sweep(struct engine *engine, struct request *request)
{
    request->sweep_goal_ms = steady_now_us(&engine->steady) / 1000;
    request->sweep_scanned = engine->sweeper.scanned;
    request->sweep_expired = engine->sweeper.expired;
    request->sweep_retained = engine->sweeper.retained;
    STAILQ_INSERT_TAIL(&engine->sweeps, request, link);
}

/* A pass has ended. SWEEPs that came before it began are satisfied; those that
 * came later need another one. They are in order of arrival. */
static void end_pass(struct engine *engine)
{
    struct request *request;

    while ((request = STAILQ_FIRST(&engine->sweeps)) != NULL &&
           request->sweep_goal_ms <= engine->sweeper.began_ms) {
        STAILQ_REMOVE_HEAD(&engine->sweeps, link);
        return_sweep(engine, request);
    }
}

/* The sweeper's timer would say it every second. */
static void warn_index(struct engine *engine)
{
    if (!engine->index_warned) {
        log_error("the index of what expires cannot be read, nothing is freed: "
                  "%s",
                  engine->store->ops->trouble(engine->session));
        engine->index_warned = true;
    }
}

/* How many times what a slice takes the next one has to wait. */
static uint64_t rest_factor(const struct engine *engine, uint64_t now_us)
{
    uint64_t age_ms = sub_floor(steady_now_us(&engine->steady) / 1000,
                                engine->sweeper.began_ms);
    uint64_t halvings = age_ms / SWEEP_HASTE_MS;

    if (engine->turn_ended_us == 0 || halvings > 3 ||
        sub_floor(now_us, engine->turn_ended_us) >= SWEEP_BUSY_US) {
        return 0;
    }
    return SWEEP_REST >> halvings;
}

static int sweep_slice(struct engine *engine, uint64_t now_us)
{
    struct sweeper *sweeper = &engine->sweeper;
    uint64_t factor = rest_factor(engine, now_us);
    uint64_t rest_us;
    int status;

    sweeper->slice_keys = engine->slice_keys_max;
    if (factor > 0 && sweeper->slice_keys > SWEEP_BUSY_KEYS) {
        sweeper->slice_keys = SWEEP_BUSY_KEYS;
    }
    status = sweeper_slice(sweeper);
    rest_us = factor * (elapsed_us(engine) - now_us);
    engine->sweep_next_us = elapsed_us(engine) +
                            (rest_us < SWEEP_BUSY_US ? rest_us : SWEEP_BUSY_US);
    return status;
}

static void sweep(struct engine *engine)
{
    uint64_t now_us;
    int status;

    if (!STAILQ_EMPTY(&engine->sweeps)) {
        sweeper_begin(&engine->sweeper);
    }
    if (!engine->sweeper.running) {
        return;
    }
    now_us = elapsed_us(engine);
    if (now_us < engine->sweep_next_us) {
        return;
    }
    status = sweep_slice(engine, now_us);
    if (status == E_INDETERMINATE) {
        fail(engine, status);
        return_sweeps(engine, E_INDETERMINATE, NULL);
    } else if (status == E_MEMORY) {
        return_sweeps(engine, E_BUSY, NULL);
    } else if (status < 0) {
        warn_index(engine);
        return_sweeps(engine, E_CORRUPT,
                      "the index of what expires cannot be read");
    } else if (!engine->sweeper.running) {
        end_pass(engine);
    }
}

/* --- upkeep ------------------------------------------------------------
 */

/* Reads show nothing of a disk that has failed: the memtables, the caches and
 * the kernel answer them. */
static void probe_disk(struct engine *engine)
{
    if (engine->failure != 0 ||
        sub_floor(elapsed_us(engine), engine->written_us) < PROBE_US) {
        return;
    }
    if (turn_store_marks(&engine->turn) < 0) {
        fail(engine, E_INDETERMINATE);
        return_sweeps(engine, E_INDETERMINATE, NULL);
    }
    engine->written_us = elapsed_us(engine);
}

static void keep_store(struct engine *engine)
{
    if (engine->failure == 0) {
        engine->store->ops->upkeep(engine->store);
    }
}

/* --- turns ----------------------------------------------------------------
 */

/* Takes from the backlog what makes one turn. SWEEP and STATS have no key: the
 * one waits, the other is answered as soon as what came before it is. */
static void gather_turn(struct engine *engine, struct request_list *keyed,
                        struct request_list *stats)
{
    struct request *request;
    size_t count = 0;

    while (count < engine->turn_commands &&
           (request = STAILQ_FIRST(&engine->backlog)) != NULL) {
        STAILQ_REMOVE_HEAD(&engine->backlog, link);
        if (request->command.verb == VERB_SWEEP) {
            await_sweep(engine, request);
        } else if (request->command.verb == VERB_STATS) {
            STAILQ_INSERT_TAIL(stats, request, link);
        } else {
            STAILQ_INSERT_TAIL(keyed, request, link);
            count++;
        }
    }
}

static void answer_stats(struct engine *engine, struct request_list *stats)
{
    struct request *request;

    if (STAILQ_EMPTY(stats)) {
        return;
    }
    refresh_gauges(engine);
    STAILQ_FOREACH (request, stats, link) {
        request->reply = (struct reply){.kind = REPLY_STATS};
    }
    STAILQ_CONCAT(&engine->done, stats);
}

static void adapt_turns(struct engine *engine)
{
    size_t next = engine->turn_commands + TURN_COMMANDS_MORE;

    if (engine->turn.reply_bytes >= TURN_REPLY_BYTES) {
        next = engine->turn.taken;
    }
    if (next < TURN_COMMANDS_MIN) {
        next = TURN_COMMANDS_MIN;
    }
    engine->turn_commands =
        next < engine->turn_commands_max ? next : engine->turn_commands_max;
}

/* Puts what the turn has not come to in front of the backlog. */
static void put_back(struct engine *engine, struct request_list *keyed)
{
    struct request_list taken = STAILQ_HEAD_INITIALIZER(taken);
    struct request *request;

    for (size_t i = 0; i < engine->turn.taken; i++) {
        request = STAILQ_FIRST(keyed);
        STAILQ_REMOVE_HEAD(keyed, link);
        STAILQ_INSERT_TAIL(&taken, request, link);
    }
    STAILQ_CONCAT(keyed, &engine->backlog);
    STAILQ_CONCAT(&engine->backlog, keyed);
    STAILQ_CONCAT(keyed, &taken);
}

static int time_turn(struct engine *engine, struct request_list *keyed)
{
    uint64_t began_us = elapsed_us(engine);
    int status = turn_run(&engine->turn, keyed);
    uint64_t took_us;

    engine->turn_ended_us = elapsed_us(engine);
    took_us = engine->turn_ended_us - began_us;
    if (engine->turn.has_written) {
        engine->written_us = engine->turn_ended_us;
        engine->turn_us = took_us > engine->turn_us
                              ? took_us
                              : (engine->turn_us * 7 + took_us) / 8;
    }
    return status;
}

static void run_turn(struct engine *engine)
{
    struct request_list keyed = STAILQ_HEAD_INITIALIZER(keyed);
    struct request_list stats = STAILQ_HEAD_INITIALIZER(stats);
    int status = 0;

    gather_turn(engine, &keyed, &stats);
    if (!STAILQ_EMPTY(&keyed)) {
        status = time_turn(engine, &keyed);
        if (engine->turn.reply_bytes >= TURN_REPLY_BYTES) {
            put_back(engine, &keyed);
        }
        adapt_turns(engine);
    }
    STAILQ_CONCAT(&engine->done, &keyed);
    answer_stats(engine, &stats);
    if (status < 0) {
        fail(engine, status);
        return_sweeps(engine, E_INDETERMINATE, NULL);
    }
}

static void refuse_backlog(struct engine *engine)
{
    struct request *request;

    STAILQ_FOREACH (request, &engine->backlog, link) {
        request->postponed = false;
        request->reply = reply_error(E_SHUTTING_DOWN);
    }
    STAILQ_CONCAT(&engine->done, &engine->backlog);
}

static void return_done(struct engine *engine)
{
    if (!STAILQ_EMPTY(&engine->done)) {
        engine->callbacks.returned(engine->callbacks.arg, &engine->done);
        CHECK(STAILQ_EMPTY(&engine->done));
    }
}

static bool has_to_sweep(const struct engine *engine)
{
    return engine->failure == 0 &&
           (engine->sweeper.running || !STAILQ_EMPTY(&engine->sweeps));
}

static void answer_bells(struct engine *engine, unsigned bells)
{
    if ((bells & BELL_TICK) != 0) {
        refresh_gauges(engine);
        probe_disk(engine);
        keep_store(engine);
        atomic_fetch_add(&engine->ticks_served, 1);
    }
    if ((bells & BELL_SWEEP) != 0 && engine->failure == 0) {
        sweeper_begin(&engine->sweeper);
    }
    if ((bells & BELL_STOP) != 0) {
        engine->stopping = true;
    }
}

/* How long the engine may sleep if nothing comes. */
static uint64_t idle_us(const struct engine *engine)
{
    const uint64_t long_us = UINT64_C(3600000000);

    if (!STAILQ_EMPTY(&engine->backlog)) {
        return 0;
    }
    return has_to_sweep(engine)
               ? sub_floor(engine->sweep_next_us, elapsed_us(engine))
               : long_us;
}

static void wait_for_work(struct engine *engine)
{
    uint64_t us_max = idle_us(engine);

    if (us_max > 0) {
        mutex_unlock(&engine->work);
        mailbox_wait(&engine->mailbox, us_max);
        mutex_lock(&engine->work);
    }
}

static void run(struct engine *engine)
{
    while (!engine->stopping || !STAILQ_EMPTY(&engine->backlog)) {
        wait_for_work(engine);
        answer_bells(engine, mailbox_take(&engine->mailbox, &engine->backlog));
        if (engine->failure == 0) {
            run_turn(engine);
            return_done(engine);
        }
        if (engine->failure == 0) {
            sweep(engine);
        }
        if (engine->failure != 0) {
            refuse_backlog(engine);
        }
        return_done(engine);
    }
    return_sweeps(engine, E_SHUTTING_DOWN,
                  "the daemon is stopping, the sweep is not finished");
    return_done(engine);
    if (engine->failure == 0 && turn_store_marks(&engine->turn) < 0) {
        fail(engine, E_INDETERMINATE);
    }
}

static void *run_thread(void *arg)
{
    struct engine *engine = arg;

    mutex_lock(&engine->work);
    run(engine);
    mutex_unlock(&engine->work);
    return NULL;
}

/* --- turns on the caller's thread ----------------------------------------
 */

bool engine_run_now(struct engine *engine, struct request_list *list)
{
    bool runs;

    if (!mutex_try_lock(&engine->work)) {
        return false;
    }
    runs = engine->failure == 0 && engine->turn_us <= ENGINE_NOW_US_MAX;
    if (runs) {
        /* The engine's thread sleeps on nothing else, and is not stopped while
         * its caller is here. */
        CHECK(!engine->stopping && STAILQ_EMPTY(&engine->backlog));
        STAILQ_CONCAT(&engine->backlog, list);
        while (engine->failure == 0 && !STAILQ_EMPTY(&engine->backlog)) {
            run_turn(engine);
        }
        refuse_backlog(engine);
        STAILQ_CONCAT(list, &engine->done);
    }
    mutex_unlock(&engine->work);
    return runs;
}

/* --- start and stop -------------------------------------------------------
 */

static size_t turn_commands(uint64_t receipt_bytes_max)
{
    uint64_t fit = TURN_BYTES_MAX / (receipt_bytes_max + 1);

    if (fit < TURN_COMMANDS_MIN) {
        return TURN_COMMANDS_MIN;
    }
    return fit > TURN_COMMANDS_MAX ? TURN_COMMANDS_MAX : (size_t)fit;
}

/* The clock's marks are stored before the first command is decided, so that no
 * restart can start before a time that this run has used. */
static int start_clock(struct engine *engine, const struct clock *clock,
                       const char *boot_id, struct marks *marks,
                       const struct rules *rules)
{
    uint64_t now_ms;

    engine->store->ops->marks(engine->store, marks);
    steady_start(&engine->steady, clock, boot_id, &marks->clock);
    now_ms = steady_now_us(&engine->steady) / 1000;
    if (now_ms > marks->clock.high_water_ms) {
        clock_mark(&marks->clock, now_ms, rules->grace_ms);
    }
    return engine->session->store->ops->append(engine->session, NULL, 0, marks);
}

static int start_parts(struct engine *engine, const struct clock *clock,
                       const char *boot_id, const struct rules *rules)
{
    struct marks marks;
    int status = start_clock(engine, clock, boot_id, &marks, rules);

    if (status == 0) {
        status = turn_init(&engine->turn, engine->session, &engine->steady,
                           &marks, rules, engine->counters);
    }
    engine->turn.reply_bytes_max = TURN_REPLY_BYTES;
    if (status == 0) {
        status = sweeper_init(&engine->sweeper, &engine->turn);
    }
    engine->slice_keys_max = engine->turn_commands_max < SWEEP_SLICE_KEYS
                                 ? engine->turn_commands_max
                                 : SWEEP_SLICE_KEYS;
    if (status == 0) {
        status = mailbox_init(&engine->mailbox);
    }
    engine->written_us = elapsed_us(engine);
    if (status == 0) {
        refresh_gauges(engine);
        if (pthread_create(&engine->thread, NULL, run_thread, engine) != 0) {
            mailbox_release(&engine->mailbox);
            status = E_MEMORY;
        }
    }
    return status;
}

static void engine_free(struct engine *engine)
{
    pthread_mutex_destroy(&engine->work);
    sweeper_release(&engine->sweeper);
    turn_release(&engine->turn);
    if (engine->session != NULL) {
        engine->store->ops->session_close(engine->session);
    }
    free(engine);
}

static struct engine *engine_new(struct store *store,
                                 const struct engine_config *config,
                                 const struct engine_callbacks *callbacks,
                                 struct counters *counters)
{
    struct engine *engine = calloc(1, sizeof(*engine));

    if (engine == NULL) {
        return NULL;
    }
    if (pthread_mutex_init(&engine->work, NULL) != 0) {
        free(engine);
        return NULL;
    }
    engine->callbacks = *callbacks;
    engine->store = store;
    engine->counters = counters;
    engine->min_free_bytes = config->min_free_bytes;
    engine->turn_commands_max = turn_commands(config->receipt_bytes_max);
    engine->turn_commands = engine->turn_commands_max;
    STAILQ_INIT(&engine->backlog);
    STAILQ_INIT(&engine->sweeps);
    STAILQ_INIT(&engine->done);
    engine->session = store->ops->session_open(store);
    if (engine->session == NULL) {
        engine_free(engine);
        return NULL;
    }
    return engine;
}

struct engine *engine_start(struct store *store, const struct clock *clock,
                            const char *boot_id,
                            const struct engine_config *config,
                            const struct engine_callbacks *callbacks,
                            struct counters *counters, int *status,
                            struct err *err)
{
    struct engine *engine = engine_new(store, config, callbacks, counters);

    if (engine == NULL) {
        *status = err_set(err, E_MEMORY, "out of memory");
        return NULL;
    }
    *status = start_parts(engine, clock, boot_id, &config->rules);
    if (*status == 0) {
        return engine;
    }
    if (*status == E_INDETERMINATE) {
        *status = store->ops->trouble_status(engine->session);
        err_set(err, *status, "the first write failed: %s",
                store->ops->trouble(engine->session));
    } else {
        err_set(err, *status, "the engine cannot start: %s",
                status_sentence(*status));
    }
    engine_free(engine);
    return NULL;
}

void engine_submit(struct engine *engine, struct request_list *list)
{
    mailbox_put(&engine->mailbox, list, 0);
}

static void ring(struct engine *engine, unsigned bell)
{
    struct request_list none = STAILQ_HEAD_INITIALIZER(none);

    mailbox_put(&engine->mailbox, &none, bell);
}

void engine_sweep(struct engine *engine)
{
    ring(engine, BELL_SWEEP);
}

void engine_tick(struct engine *engine)
{
    ring(engine, BELL_TICK);
}

size_t engine_turn_commands(const struct engine *engine)
{
    return engine->turn_commands;
}

uint64_t engine_ticks_served(struct engine *engine)
{
    return atomic_load(&engine->ticks_served);
}

int engine_stop(struct engine *engine)
{
    int failure;
    int joined;

    ring(engine, BELL_STOP);
    joined = pthread_join(engine->thread, NULL);
    CHECK(joined == 0);
    failure = engine->failure;
    mailbox_release(&engine->mailbox);
    engine_free(engine);
    return failure;
}
