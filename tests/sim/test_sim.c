#include "tests/lib/runner.h"
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OPS = 1000, WORKERS = 2, SECONDS = 60, TIMEOUT_S = 3600 };

/* Where the seeds of `make test` begin; those of a day differ from those of the
 * next, and each is printed if it fails. */
static uint64_t first_seed(void)
{
    return (uint64_t)time(NULL) / 86400 * 1000000;
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t digest_of(uint64_t seed)
{
    struct sim_options options = {.ops = OPS, .digest = true};
    struct sim_result result;

    sim_run(seed, &options, &result);
    sim_result_release(&result);
    return result.digest;
}

START_TEST(one_seed_is_one_run_bit_for_bit)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        ck_assert_uint_eq(digest_of(seed), digest_of(seed));
        ck_assert_uint_ne(digest_of(seed), digest_of(seed + 1));
    }
}
END_TEST

/* What no run ever did was not tested either. */
START_TEST(runs_meet_every_kind_of_trouble)
{
    struct sim_options options = {.ops = OPS, .exact_one_in = 1};
    struct sim_counts sum = {0};

    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct sim_result result;

        sim_run(seed, &options, &result);
        sim_counts_add(&sum, &result.counts);
        ck_assert_msg(sim_good(&result), "seed %" PRIu64 ": %.*s", seed,
                      (int)buf_len(&result.report),
                      (const char *)buf_slice(&result.report).data);
        sim_result_release(&result);
    }
    sum.exact_unsure = 1; /* alone, none is better */
#define X(name, text) ck_assert_msg(sum.name > 0, "no %s", text);
    SIM_COUNT_MAP(X)
#undef X
}
END_TEST

/* --- as many seeds as there is time for ----------------------------------- */

static double seconds_asked(void)
{
    const char *text = getenv("SIM_SECONDS");

    return text == NULL ? SECONDS : strtod(text, NULL);
}

static bool run_seed(uint64_t seed)
{
    struct sim_options options = {.ops = OPS, .exact_one_in = 1};
    struct sim_result result;
    bool good;

    sim_run(seed, &options, &result);
    good = sim_good(&result);
    if (!good) {
        fprintf(stderr,
                "seed %" PRIu64 ":\n%.*sagain: build/tests/sim-run "
                "from=%" PRIu64 " to=%" PRIu64 " ops=%d trace=1\n",
                seed, (int)buf_len(&result.report),
                (const char *)buf_slice(&result.report).data, seed, seed, OPS);
    }
    sim_result_release(&result);
    return good;
}

static _Noreturn void work(uint64_t seed, double until_s)
{
    bool good = true;
    uint64_t count = 0;

    for (; good && now_s() < until_s; seed += WORKERS) {
        good = run_seed(seed);
        count++;
    }
    printf("%" PRIu64 " seeds\n", count);
    fflush(stdout);
    _exit(good ? EXIT_SUCCESS : EXIT_FAILURE);
}

START_TEST(no_seed_of_today_finds_anything)
{
    double until_s = now_s() + seconds_asked();
    pid_t workers[WORKERS];

    fflush(NULL);
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i] = fork();
        ck_assert_int_ge(workers[i], 0);
        if (workers[i] == 0) {
            work(first_seed() + i, until_s);
        }
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        int status;

        ck_assert_int_eq(waitpid(workers[i], &status, 0), workers[i]);
        ck_assert_msg(status == 0, "a seed found something, see above");
    }
}
END_TEST

SUITE(sim, TIMEOUT_S, one_seed_is_one_run_bit_for_bit,
      runs_meet_every_kind_of_trouble, no_seed_of_today_finds_anything)
