#include "tests/torture/lives.h"

#include "tests/lib/daemon.h"
#include "tests/torture/recorder.h"

#include "base/banned.h"

#include <check.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>

enum {
    OPTIONS = 8,
    OPTION_BYTES = 64,
    START_MS_MAX = 40, /* of a daemon that is killed while it starts */
    STOP_MS_MIN = 50,
    STOP_MS_MAX = 250,
    STOP_LONG_MS = 2000,
    TERM_MS_MAX = 5000,
    READ_MS_MAX = 60000,
    LYING_AFTER = 1, /* lives, until the copy is made */
    LYING_UNTIL = 4, /* and until it comes back */
};

struct run {
    const struct torture *torture;
    struct tally *tally;
    struct outcome *outcome;
    struct site site;
    struct recorder recorder;
    struct daemon daemon;
    struct rng rng;
    uint64_t killed_us; /* the last life was; 0: it was not */
    char options[OPTIONS][OPTION_BYTES];
};

/* What kill_point.c says before it crashes. */
static const char crash_point_text[] = "crash point ";

const char *nemesis_name(enum nemesis nemesis)
{
#define X(name, text, share) [NEMESIS_##name] = text,
    static const char *const names[NEMESES] = {NEMESIS_MAP(X)};
#undef X

    return names[nemesis];
}

/* --- failing -------------------------------------------------------------- */

/* Always false. */
__attribute__((format(printf, 2, 3))) static bool
be_bad(struct run *run, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    run->outcome->good = false;
    buf_append_str(&run->outcome->why, text);
    buf_append_byte(&run->outcome->why, '\n');
    return false;
}

static bool be_bad_with_log(struct run *run, const char *what, int code)
{
    be_bad(run, "life %u: %s, exit code %d; its log:", run->recorder.life, what,
           code);
    buf_append_str(&run->outcome->why, process_err(&run->daemon.process));
    return false;
}

/* --- draws ---------------------------------------------------------------- */

/* A sanitizer's runtime must come before all other libraries. */
static unsigned possible(unsigned nemeses)
{
    return UNDER_SANITIZER ? nemeses & ~(1u << NEMESIS_CRASH) : nemeses;
}

static enum nemesis pick_nemesis(struct run *run)
{
#define X(name, text, share) share,
    static const unsigned shares[NEMESES] = {NEMESIS_MAP(X)};
#undef X
    unsigned nemeses = possible(run->torture->nemeses);
    unsigned sum = 0;
    uint64_t at;
    enum nemesis nemesis = 0;

    for (unsigned i = 0; i < NEMESES; i++) {
        sum += (nemeses >> i & 1) * shares[i];
    }
    at = rng_below(&run->rng, sum);
    for (;; nemesis++) {
        unsigned share = (nemeses >> nemesis & 1) * shares[nemesis];

        if (at < share) {
            return nemesis;
        }
        at -= share;
    }
}

/* Short lives as often as long ones, for what only happens in the first
 * moments. */
static uint64_t pick_life_us(struct run *run)
{
    uint64_t most_ms = run->torture->life_ms;
    uint64_t ms;

    if (rng_percent(&run->rng, 50)) {
        most_ms /= 1 + rng_below(&run->rng, 10);
    }
    ms = 5 + rng_below(&run->rng, most_ms + 1);
    return ms * 1000 + rng_below(&run->rng, 1000);
}

/* One in 50 to 5000 of all points, or one in a few of those that are rare. */
static unsigned pick_odds(struct run *run, bool rare)
{
    static const unsigned usual[] = {50, 100, 200, 500, 1000, 5000};

    return rare ? 2 + (unsigned)rng_below(&run->rng, 12)
                : usual[rng_below(&run->rng, sizeof(usual) / sizeof(*usual))];
}

static uint64_t stop_us(struct run *run)
{
    uint64_t ms = rng_below(&run->rng, 20) == 0 ? STOP_LONG_MS : STOP_MS_MAX;

    return (STOP_MS_MIN + rng_below(&run->rng, ms - STOP_MS_MIN + 1)) * 1000;
}

/* --- starting ------------------------------------------------------------- */

static void set_options(struct run *run, const char *options[OPTIONS + 1])
{
    const struct profile *profile = run->torture->profile;
    bool is_busy = rng_percent(&run->rng, 50);
    size_t i = 0;

    snprintf(run->options[i++], OPTION_BYTES, "namespace=%s", "torture");
    snprintf(run->options[i++], OPTION_BYTES, "grace=%" PRIu64,
             profile->grace_ms);
    snprintf(run->options[i++], OPTION_BYTES, "ttl=%" PRIu64,
             profile->ttl_default_ms);
    snprintf(run->options[i++], OPTION_BYTES, "lease=%" PRIu64,
             profile->lease_default_ms);
    snprintf(run->options[i++], OPTION_BYTES, "sweep_interval=%" PRIu64,
             profile->sweep_ms[is_busy]);
    snprintf(run->options[i++], OPTION_BYTES, "write_buffer=%s",
             rng_percent(&run->rng, 50) ? "1MiB" : "16MiB");
    snprintf(run->options[i++], OPTION_BYTES, "history=%s",
             rng_percent(&run->rng, 50) ? "2" : "16");
    for (size_t k = 0; k < i; k++) {
        options[k] = run->options[k];
    }
    options[i] = NULL;
}

/* Beside the daemon, where the build puts it. */
static void kill_point_path(char *to, size_t room)
{
    const char *path = daemon_path();
    const char *slash = strrchr(path, '/');

    ck_assert_ptr_nonnull(slash);
    snprintf(to, room, "%.*s/tests/kill-point.so", (int)(slash - path), path);
    ck_assert_msg(file_exists(to), "%s is not built", to);
}

static void spawn(struct run *run, enum nemesis nemesis)
{
    const char *options[OPTIONS + 1];
    char path[SITE_PATH_BYTES];
    char preload[2 * SITE_PATH_BYTES];
    char odds[32];
    bool rare = rng_percent(&run->rng, 50);

    set_options(run, options);
    if (nemesis == NEMESIS_CRASH) {
        kill_point_path(path, sizeof(path));
        snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", path);
        snprintf(odds, sizeof(odds), "DEDUPD_KILL_ODDS=%u",
                 pick_odds(run, rare));
        daemon_spawn(&run->daemon, &run->site, options, NULL,
                     LIST(preload, odds, rare ? "DEDUPD_KILL_RARE=1" : NULL));
    } else {
        daemon_spawn(&run->daemon, &run->site, options, NULL, NULL);
    }
}

static void count_restart(struct run *run)
{
    uint32_t us = (uint32_t)(recorder_now_us() - run->killed_us);

    if (run->killed_us > 0) {
        buf_append(&run->tally->restarts, &us, sizeof(us));
    }
    run->killed_us = 0;
}

/* --- ends ----------------------------------------------------------------- */

static void kill_daemon(struct run *run)
{
    run->killed_us = recorder_now_us();
    process_signal(&run->daemon.process, SIGKILL);
}

/* It has ended, or is about to. */
static int end_life(struct run *run)
{
    int code = process_wait(&run->daemon.process);

    recorder_end(&run->recorder, recorder_now_us());
    return code;
}

static bool is_killed(struct run *run, int code)
{
    return code == 128 + SIGKILL ||
           be_bad_with_log(run, "it was not what killed it", code);
}

static bool run_for(struct run *run, uint64_t us)
{
    return recorder_run(&run->recorder, &run->daemon.process,
                        recorder_now_us() + us);
}

/* The clients work until then, and nothing else may happen. */
static bool work(struct run *run, uint64_t us)
{
    if (run_for(run, us)) {
        return true;
    }
    if (buf_len(&run->recorder.wrong) > 0) {
        kill_daemon(run);
        end_life(run);
        return false;
    }
    return be_bad_with_log(run, "it ended by itself", end_life(run));
}

static bool end_by_kill(struct run *run)
{
    if (!work(run, pick_life_us(run))) {
        return false;
    }
    kill_daemon(run);
    return is_killed(run, end_life(run));
}

static bool is_crashed(struct run *run, int code)
{
    const char *said =
        strstr(process_err(&run->daemon.process), crash_point_text);

    if (said == NULL) {
        return be_bad_with_log(run, "it ended by itself", code);
    }
    said += strlen(crash_point_text);
    tally_crash(run->tally, slice_of(said, strcspn(said, "\n")));
    return is_killed(run, code);
}

static bool end_by_crash(struct run *run)
{
    if (run_for(run, pick_life_us(run) * 2) ||
        buf_len(&run->recorder.wrong) > 0) {
        kill_daemon(run);
        return is_killed(run, end_life(run));
    }
    run->killed_us = recorder_now_us();
    return is_crashed(run, end_life(run));
}

static bool end_by_term(struct run *run, uint64_t us)
{
    int code;

    if (us > 0 && !work(run, us)) {
        return false;
    }
    process_signal(&run->daemon.process, SIGTERM);
    if (run_for(run, TERM_MS_MAX * 1000)) {
        kill_daemon(run);
        end_life(run);
        return be_bad(run, "life %u: SIGTERM did not end it within %d ms",
                      run->recorder.life, TERM_MS_MAX);
    }
    code = end_life(run);
    return code == 0 ||
           be_bad_with_log(run, "SIGTERM did not end it well", code);
}

static bool end_after_stop(struct run *run)
{
    bool good = work(run, pick_life_us(run) / 2);

    if (good) {
        process_signal(&run->daemon.process, SIGSTOP);
        good = work(run, stop_us(run));
    }
    if (good) {
        process_signal(&run->daemon.process, SIGCONT);
        good = work(run, pick_life_us(run) / 2);
    }
    if (!good) {
        return false;
    }
    kill_daemon(run);
    return is_killed(run, end_life(run));
}

static bool end_life_by(struct run *run, enum nemesis nemesis)
{
    switch (nemesis) {
    case NEMESIS_CRASH:
        return end_by_crash(run);
    case NEMESIS_TERM:
        return end_by_term(run, pick_life_us(run));
    case NEMESIS_STOP:
        return end_after_stop(run);
    case NEMESIS_KILL:
    case NEMESIS_KILL_START:
    case NEMESES:
    default:
        return end_by_kill(run);
    }
}

/* --- lives ---------------------------------------------------------------- */

/* Nobody has asked it anything. */
static bool end_at_start(struct run *run, enum nemesis nemesis)
{
    uint64_t killed_us = run->killed_us;
    int code = process_wait(&run->daemon.process);

    run->killed_us = killed_us > 0 ? recorder_now_us() : 0;
    return nemesis == NEMESIS_CRASH
               ? is_crashed(run, code)
               : be_bad_with_log(run, "it does not start", code);
}

static bool kill_at_start(struct run *run)
{
    poll(NULL, 0, (int)rng_below(&run->rng, START_MS_MAX));
    kill_daemon(run);
    return is_killed(run, process_wait(&run->daemon.process));
}

static bool serve(struct run *run, enum nemesis nemesis)
{
    uint64_t began_us = recorder_now_us();
    bool good;

    count_restart(run);
    recorder_begin(&run->recorder, run->daemon.port, false);
    good = end_life_by(run, nemesis);
    run->tally->recording_us += recorder_now_us() - began_us;
    return good;
}

static bool live(struct run *run)
{
    enum nemesis nemesis = pick_nemesis(run);
    uint64_t began_us = recorder_now_us();
    bool good;

    run->tally->lives[nemesis]++;
    spawn(run, nemesis);
    if (nemesis == NEMESIS_KILL_START) {
        good = kill_at_start(run);
        run->tally->starting_us += recorder_now_us() - began_us;
    } else {
        bool ready = daemon_await_ready(&run->daemon, 1);

        run->tally->starting_us += recorder_now_us() - began_us;
        good = ready ? serve(run, nemesis) : end_at_start(run, nemesis);
    }
    process_release(&run->daemon.process);
    return good && buf_len(&run->recorder.wrong) == 0;
}

/* The last one: every key of the run is read. */
static bool read_all(struct run *run)
{
    bool good;

    spawn(run, NEMESIS_TERM);
    if (!daemon_await_ready(&run->daemon, 1)) {
        good = end_at_start(run, NEMESIS_TERM);
        process_release(&run->daemon.process);
        return good;
    }
    count_restart(run);
    recorder_begin(&run->recorder, run->daemon.port, true);
    good = recorder_read(&run->recorder, &run->daemon.process,
                         recorder_now_us() + (uint64_t)READ_MS_MAX * 1000);
    if (good) {
        good = end_by_term(run, 0);
    } else {
        be_bad(run, "the last reads were not answered");
        kill_daemon(run);
        end_life(run);
    }
    process_release(&run->daemon.process);
    return good;
}

/* --- the disk that lies --------------------------------------------------- */

static void copy(const char *from, const char *to)
{
    struct process process;

    if (file_exists(to)) {
        directory_remove(to);
    }
    ck_assert_int_eq(process_run(&process, LIST("cp", "-a", from, to)), 0);
    process_release(&process);
}

static void lie(struct run *run, unsigned life)
{
    const char *old = site_path(&run->site, "old");

    if (life == LYING_AFTER) {
        copy(run->site.data, old);
    } else if (life == LYING_UNTIL) {
        copy(old, run->site.data);
    }
}

/* --- the judgement -------------------------------------------------------- */

static void save(struct run *run)
{
    const struct torture *torture = run->torture;
    char path[2 * SITE_PATH_BYTES];
    struct buf text = {0};

    if (torture->save_dir == NULL) {
        return;
    }
    snprintf(path, sizeof(path), "%s/torture-%" PRIu64 ".history",
             torture->save_dir, torture->seed);
    history_write(&run->recorder.history, &text);
    file_write(path, buf_slice(&text));
    buf_release(&text);
    be_bad(run,
           "the history is in %s, the data in %s\n"
           "judge it again: build/tests/check-history %s",
           path, run->site.dir, path);
}

static void judge(struct run *run)
{
    struct verdict *verdict = &run->outcome->verdict;
    uint64_t began_us = recorder_now_us();

    check_history(&run->recorder.history, &run->torture->check, verdict);
    run->tally->judging_us += recorder_now_us() - began_us;
    run->tally->keys += verdict->keys;
    run->tally->exact_keys += verdict->exact_keys;
    run->tally->exact_unsure += verdict->exact_unsure;
    if (!verdict->valid) {
        be_bad(run, "the history is INVALID:");
        buf_append_slice(&run->outcome->why, buf_slice(&verdict->report));
    }
}

static void run_lives(struct run *run)
{
    bool good = true;

    for (unsigned life = 0; good && life < run->torture->lives; life++) {
        if (run->torture->lying_disk) {
            lie(run, life);
        }
        good = live(run);
    }
    good = good && read_all(run);
    if (buf_len(&run->recorder.wrong) > 0) {
        be_bad(run, "life %u:", run->recorder.life);
        buf_append_slice(&run->outcome->why, buf_slice(&run->recorder.wrong));
    }
}

void torture_run(const struct torture *torture, struct tally *tally,
                 struct outcome *outcome)
{
    struct run run = {.torture = torture,
                      .tally = tally,
                      .outcome = outcome,
                      .rng = {.state = torture->seed}};

    *outcome = (struct outcome){.good = true};
    site_make(&run.site);
    recorder_init(&run.recorder, torture->profile, rng_next(&run.rng));
    run_lives(&run);
    judge(&run);
    tally_add(tally, &run.recorder.history);
    if (outcome->good) {
        site_remove(&run.site);
    } else {
        be_bad(&run, "seed %" PRIu64 ", profile %s, %u lives", torture->seed,
               torture->profile->name, torture->lives);
        save(&run);
    }
    buf_append_byte(&outcome->why, 0);
    recorder_release(&run.recorder);
}

void outcome_release(struct outcome *outcome)
{
    buf_release(&outcome->why);
    verdict_release(&outcome->verdict);
}
