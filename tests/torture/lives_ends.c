#include "tests/torture/lives_inner.h"

#include <poll.h>
#include <signal.h>

enum {
    START_MS_MAX = 40, /* of a daemon that is killed while it starts */
    STOP_MS_MIN = 50,
    STOP_MS_MAX = 250,
    STOP_LONG_MS = 2000,
    READ_MS_MAX = 60000,
};

const char crash_point_text[] = "crash point ";

/* --- draws ---------------------------------------------------------------- */

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

static uint64_t stop_us(struct run *run)
{
    uint64_t ms = rng_below(&run->rng, 20) == 0 ? STOP_LONG_MS : STOP_MS_MAX;

    return (STOP_MS_MIN + rng_below(&run->rng, ms - STOP_MS_MIN + 1)) * 1000;
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

/* How long it took is in the tally: this machine may be slow. */
static bool end_by_term(struct run *run, uint64_t us)
{
    uint64_t told_us;
    int code;

    if (us > 0 && !work(run, us)) {
        return false;
    }
    told_us = recorder_now_us();
    process_signal(&run->daemon.process, SIGTERM);
    run_for(run, (uint64_t)WAIT_MS * 1000);
    code = end_life(run);
    if (recorder_now_us() - told_us > run->tally->term_us_most) {
        run->tally->term_us_most = recorder_now_us() - told_us;
    }
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

bool end_life_by(struct run *run, enum nemesis nemesis)
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

/* --- without clients, and without faults -----------------------------------
 */

bool end_at_start(struct run *run, enum nemesis nemesis)
{
    uint64_t killed_us = run->killed_us;
    int code = process_wait(&run->daemon.process);

    run->killed_us = killed_us > 0 ? recorder_now_us() : 0;
    return nemesis == NEMESIS_CRASH
               ? is_crashed(run, code)
               : be_bad_with_log(run, "it does not start", code);
}

bool kill_at_start(struct run *run)
{
    poll(NULL, 0, (int)rng_below(&run->rng, START_MS_MAX));
    kill_daemon(run);
    return is_killed(run, process_wait(&run->daemon.process));
}

bool end_by_reading(struct run *run)
{
    if (recorder_read(&run->recorder, &run->daemon.process,
                      recorder_now_us() + (uint64_t)READ_MS_MAX * 1000)) {
        return end_by_term(run, 0);
    }
    kill_daemon(run);
    end_life(run);
    return be_bad(run, "the last reads were not answered");
}
