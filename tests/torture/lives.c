#include "tests/torture/lives_inner.h"

#include "base/banned.h"

#include <check.h>
#include <inttypes.h>
#include <stdarg.h>

enum {
    LYING_AFTER = 1, /* lives, until the copy is made */
    LYING_UNTIL = 4, /* and until it comes back */
};

const char *nemesis_name(enum nemesis nemesis)
{
#define X(name, text, share) [NEMESIS_##name] = text,
    static const char *const names[NEMESES] = {NEMESIS_MAP(X)};
#undef X

    return names[nemesis];
}

/* --- failing -------------------------------------------------------------- */

bool be_bad(struct run *run, const char *format, ...)
{
    char text[4 * SITE_PATH_BYTES + 512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    run->outcome->good = false;
    buf_append_str(&run->outcome->why, text);
    buf_append_byte(&run->outcome->why, '\n');
    return false;
}

bool be_bad_with_log(struct run *run, const char *what, int code)
{
    be_bad(run, "life %u: %s, exit code %d; its log:", run->recorder.life, what,
           code);
    buf_append_str(&run->outcome->why, process_err(&run->daemon.process));
    return false;
}

/* --- lives ---------------------------------------------------------------- */

static void count_restart(struct run *run)
{
    uint32_t us = (uint32_t)(recorder_now_us() - run->killed_us);

    if (run->killed_us > 0) {
        buf_append(&run->tally->restarts, &us, sizeof(us));
    }
    run->killed_us = 0;
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
    good = end_by_reading(run);
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
        site_remove(&run->site);
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
    if (good) {
        read_all(run);
    }
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
        be_bad(&run,
               "the like of it again: build/tests/torture-run --seed %" PRIu64
               " --profile %s --lives %u --cycles %u --life-ms %u, and the "
               "same --nemesis",
               torture->seed, torture->profile->name, torture->lives,
               torture->lives, torture->life_ms);
        save(&run);
    }
    recorder_release(&run.recorder);
}

void outcome_print(const struct outcome *outcome)
{
    struct slice why = buf_slice(&outcome->why);

    fwrite(why.data, 1, why.len, stdout);
    fflush(stdout);
}

void outcome_release(struct outcome *outcome)
{
    buf_release(&outcome->why);
    verdict_release(&outcome->verdict);
}
