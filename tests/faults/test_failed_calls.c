/* Each call on a file of the data directory fails once, or from then on. */
#include "base/banned.h"
#include "tests/faults/life.h"
#include "tests/faults/plan.h"
#include "tests/lib/runner.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

enum {
    EXIT_IO = 74,
    EXIT_FULL = 75,
    /* Of a call that is made more often, so many are failed one by one and as
     * many later ones, evenly spaced; every one with FAULTS_ALL=1 in the
     * environment, and only those called so with FAULTS_CALL=NAME ("any" are
     * all that write, "making" those while the data is made). */
    TRIED_AT_FIRST = 10,
    TRIED_LATER = 6,
    SEED_FLUSHES = 6, /* the life's own ones make a compaction of them */
    RUNS_MAX = 100000,
    QUIET_MS = 40, /* without a call: background work has ended */
    QUIET_MS_MAX = 1000,
    EXIT_MS_MAX = 5000,
};

/* How a call fails. */
struct manner {
    const char *name;
    int error;
    bool lasting; /* every later one too */
    bool torn;    /* the first write is half done */
};

static const struct manner manners[] = {
    {"EIO, once", EIO, false, false},
    {"EIO, from then on", EIO, true, false},
    {"ENOSPC, once", ENOSPC, false, false},
    {"ENOSPC, from then on", ENOSPC, true, false},
    {"half done, then ENOSPC", ENOSPC, true, true},
};

enum { MANNERS = sizeof(manners) / sizeof(manners[0]) };

struct sweep {
    struct site seed;   /* a run starts with a copy of its data, if any */
    struct life seeded; /* what that has */
    bool is_new;        /* a run starts without data */
    /* One run: */
    struct site site;
    struct fail_plan *plan;
    struct life life;
    char what[128];
    /* All runs of a kind of call: */
    unsigned runs;
    unsigned failed;            /* so many met their failure, */
    unsigned ended;             /* and so many ended because of it */
    uint64_t exit_us[RUNS_MAX]; /* from a failed commit to the exit */
    unsigned exits;
};

/* --- one run ----------------------------------------------------------------
 */

static const char *socket_option(const struct site *site)
{
    static char option[2 * SITE_PATH_BYTES];

    snprintf(option, sizeof(option), "listen=unix:%s", site_path(site, "s"));
    return option;
}

/* A memtable is an eighth of the write buffer. */
#define OPTIONS(site)                                                          \
    LIST("write_buffer=1MiB", "min_free=0", "grace=1ms", socket_option(site))

static void spawn(struct daemon *daemon, const struct site *site,
                  const struct fail_plan *plan)
{
    if (plan != NULL) {
        plan_spawn(daemon, site, OPTIONS(site));
    } else {
        daemon_spawn(daemon, site, OPTIONS(site), NULL, NULL);
    }
}

/* Flushes and compactions go on after the last answer. */
static void await_quiet(const struct fail_plan *plan)
{
    uint64_t until_ms = now_ms() + QUIET_MS_MAX;
    uint64_t before;

    do {
        before = plan_count(plan, FAIL_any_write);
        poll(NULL, 0, QUIET_MS);
    } while (plan_count(plan, FAIL_any_write) != before &&
             left_ms(until_ms) > 0);
}

/* Eight keys of 16 KiB are a memtable, eight of those a flush. */
static void live(struct sweep *sweep, struct client *client)
{
    for (int i = 0; i < 10; i++) {
        life_batch(&sweep->life, client, 8, 16384);
    }
    life_sweep(&sweep->life, client);
    if (!sweep->life.over) {
        await_quiet(sweep->plan);
    }
    life_batch(&sweep->life, client, 2, 10);
}

/* Lives, stops, and returns the exit code. */
static int live_and_stop(struct sweep *sweep, struct daemon *daemon)
{
    struct client client;
    int code;

    if (client_try_unix(&client, site_path(&sweep->site, "s"))) {
        live(sweep, &client);
        client_close(&client);
    } else {
        sweep->life.over = true;
    }
    if (!sweep->life.over) {
        process_signal(&daemon->process, SIGTERM);
    }
    code = process_wait_for(&daemon->process, EXIT_MS_MAX);
    ck_assert_msg(code >= 0, "%s: it does not end: %.4000s", sweep->what,
                  process_err(&daemon->process));
    return code;
}

/* A flush, on a thread of RocksDB, syncs old logs too. */
static bool is_commit(const struct fail_plan *plan)
{
    const char *dot = strrchr(plan->failed_path, '.');
    int call = atomic_load(&plan->call);

    return dot != NULL && strcmp(dot, ".log") == 0 &&
           !begins(plan->failed_thread, "rocksdb:") &&
           (call == FAIL_fdatasync || call == FAIL_write);
}

/* That there is no space is said by calls that write; an open may only read. */
static bool is_right(const struct fail_plan *plan, int code)
{
    int call = atomic_load(&plan->call);

    if (atomic_load(&plan->error) != ENOSPC) {
        return code == EXIT_IO;
    }
    return code == EXIT_FULL ||
           (code == EXIT_IO && (call == FAIL_open || call == FAIL_any_write));
}

static void judge(struct sweep *sweep, const struct daemon *daemon, int code,
                  bool was_ready, uint64_t end_ns)
{
    const struct fail_plan *plan = sweep->plan;

    sweep->runs++;
    sweep->failed += plan_has_failed(plan);
    sweep->ended += code != 0;
    ck_assert_msg(is_right(plan, code) ||
                      (code == 0 && was_ready && !sweep->life.over),
                  "%s: at %s exit code %d: %.4000s", sweep->what,
                  plan->failed_path, code, process_err(&daemon->process));
    ck_assert_msg(code == 0 || plan_has_failed(plan), "%s: for no reason: %s",
                  sweep->what, process_err(&daemon->process));
    if (plan_has_failed(plan) && was_ready && is_commit(plan)) {
        ck_assert_msg(sweep->life.success_ns < plan->failed_ns,
                      "%s: a success after a commit failed", sweep->what);
        ck_assert_int_ne(code, 0);
        sweep->exit_us[sweep->exits++] = (end_ns - plan->failed_ns) / 1000;
    }
}

/* A start without failures has to show all that was acknowledged. */
static void verify(struct sweep *sweep)
{
    struct daemon daemon;
    struct client client;

    spawn(&daemon, &sweep->site, NULL);
    ck_assert_msg(daemon_await_ready(&daemon, 1),
                  "%s, at %s: it does not start again: %.4000s", sweep->what,
                  sweep->plan->failed_path, process_err(&daemon.process));
    ck_assert(client_try_unix(&client, site_path(&sweep->site, "s")));
    life_verify(&sweep->life, &client, sweep->what);
    client_close(&client);
    daemon_stop(&daemon);
}

static void begin(struct sweep *sweep)
{
    struct process copy;

    site_make(&sweep->site);
    sweep->plan = plan_make(&sweep->site);
    sweep->life = (struct life){0};
    if (!sweep->is_new) {
        sweep->life = sweep->seeded;
        sweep->life.success_ns = 0;
        ck_assert_int_eq(process_run(&copy, LIST("cp", "-a", sweep->seed.data,
                                                 sweep->site.data)),
                         0);
        process_release(&copy);
    }
}

static void end(struct sweep *sweep)
{
    plan_free(sweep->plan);
    site_remove(&sweep->site);
}

/* `nth` 0: nothing fails. True when a call was failed. */
static bool run(struct sweep *sweep, enum fail_call call,
                const struct manner *manner, uint64_t nth)
{
    struct daemon daemon;
    bool was_ready;
    bool has_failed;
    int code;

    begin(sweep);
    snprintf(sweep->what, sizeof(sweep->what), "%s %llu, %s",
             fail_call_name(call), (unsigned long long)nth, manner->name);
    plan_fail(sweep->plan, call, manner->error, nth, manner->lasting);
    atomic_store(&sweep->plan->torn, manner->torn);
    spawn(&daemon, &sweep->site, sweep->plan);
    was_ready = daemon_await_ready(&daemon, 1);
    code = was_ready ? live_and_stop(sweep, &daemon)
                     : process_wait(&daemon.process);
    judge(sweep, &daemon, code, was_ready, now_ns());
    process_release(&daemon.process);
    verify(sweep);
    has_failed = plan_has_failed(sweep->plan);
    return has_failed;
}

/* --- all of them ------------------------------------------------------------
 */

/* Data with as many sorted runs as there may be before they are merged. */
static void make_seed(struct sweep *sweep)
{
    struct daemon daemon;
    struct client client;

    site_make(&sweep->seed);
    for (int i = 0; i < SEED_FLUSHES; i++) {
        spawn(&daemon, &sweep->seed, NULL);
        ck_assert(daemon_await_ready(&daemon, 1));
        ck_assert(client_try_unix(&client, site_path(&sweep->seed, "s")));
        life_batch(&sweep->seeded, &client, 8, 100);
        client_close(&client);
        daemon_stop(&daemon);
    }
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void report(struct sweep *sweep, enum fail_call call, uint64_t count)
{
    qsort(sweep->exit_us, sweep->exits, sizeof(uint64_t), compare_u64);
    printf("%s%s: %llu calls, %u runs, %u failures met, %u exits",
           sweep->is_new ? "making, " : "", fail_call_name(call),
           (unsigned long long)count, sweep->runs, sweep->failed, sweep->ended);
    if (sweep->exits > 0) {
        printf("; commit to exit: median %llu us, most %llu us of %u",
               (unsigned long long)sweep->exit_us[sweep->exits / 2],
               (unsigned long long)sweep->exit_us[sweep->exits - 1],
               sweep->exits);
    }
    printf("\n");
    (void)fflush(stdout);
}

static bool wants_all(void)
{
    return getenv("FAULTS_ALL") != NULL;
}

static uint64_t next_nth(uint64_t nth, uint64_t count)
{
    uint64_t step = (count - TRIED_AT_FIRST) / TRIED_LATER;

    return wants_all() || nth < TRIED_AT_FIRST || step == 0 ? nth + 1
                                                            : nth + step;
}

/* What only makes sense for some calls. */
static bool applies(const struct manner *manner, enum fail_call call)
{
    bool is_write = call == FAIL_write || call == FAIL_pwrite;
    bool is_read = call == FAIL_read || call == FAIL_pread;

    return (!manner->torn || is_write) && !(is_read && manner->error == ENOSPC);
}

/* Every manner for each nth, or one after the other. */
static void run_nth(struct sweep *sweep, enum fail_call call, uint64_t nth)
{
    static unsigned turn;
    unsigned tried = 0;

    while (tried < MANNERS) {
        const struct manner *manner = &manners[turn++ % MANNERS];

        tried++;
        if (applies(manner, call)) {
            run(sweep, call, manner, nth);
            end(sweep);
            tried = wants_all() ? tried : MANNERS;
        }
    }
}

static void sweep_call(struct sweep *sweep, enum fail_call call)
{
    uint64_t count;

    run(sweep, call, &manners[0], 0);
    count = plan_count(sweep->plan, call);
    end(sweep);
    sweep->runs = sweep->failed = sweep->ended = sweep->exits = 0;
    for (uint64_t nth = 1; nth <= count; nth = next_nth(nth, count)) {
        run_nth(sweep, call, nth);
    }
    report(sweep, call, count);
}

static bool is_wanted(enum fail_call call, bool is_new)
{
    const char *only = getenv("FAULTS_CALL");

    return only == NULL ||
           strcmp(only, is_new ? "making" : fail_call_name(call)) == 0;
}

static void sweep_all(enum fail_call call, bool is_new)
{
    struct sweep *sweep;

    if (!plan_is_possible() || !is_wanted(call, is_new)) {
        return;
    }
    sweep = calloc(1, sizeof(*sweep));
    ck_assert_ptr_nonnull(sweep);
    sweep->is_new = is_new;
    make_seed(sweep);
    sweep_call(sweep, call);
    site_remove(&sweep->seed);
    free(sweep);
}

START_TEST(whatever_call_fails_nothing_is_lost)
{
    sweep_all((enum fail_call)_i, false);
}
END_TEST

START_TEST(whatever_call_fails_while_the_data_is_made_the_next_start_makes_it)
{
    sweep_all(FAIL_any_write, true);
}
END_TEST

Suite *suite_failed_calls(void);
Suite *suite_failed_calls(void)
{
    enum { HOURS = 6 };
    Suite *suite = suite_create("failed_calls");
    TCase *tcase = tcase_create("failed_calls");

    tcase_set_timeout(tcase, HOURS * 3600);
    tcase_add_loop_test(tcase, whatever_call_fails_nothing_is_lost, 0,
                        FAIL_COUNTERS);
    tcase_add_test(
        tcase,
        whatever_call_fails_while_the_data_is_made_the_next_start_makes_it);
    suite_add_tcase(suite, tcase);
    return suite;
}
