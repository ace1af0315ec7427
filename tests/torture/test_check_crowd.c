/* Histories of the kind and size that torture makes. */
#include "tests/lib/runner.h"
#include "tests/torture/check.h"
#include "tests/torture/crowd.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void judge_valid(const char *name, const struct crowd *crowd,
                        const struct check_options *options,
                        struct verdict *verdict)
{
    struct history history;
    struct slice report;
    double began_s;

    crowd_run(crowd, &history);
    began_s = seconds();
    check_history(&history, options, verdict);
    report = buf_slice(&verdict->report);
    printf("%s: seed %" PRIu64 ": %zu ops, %zu keys, %zu searched, %zu unsure, "
           "%.2f s\n",
           name, crowd->seed, verdict->ops, verdict->keys, verdict->exact_keys,
           verdict->exact_unsure, seconds() - began_s);
    (void)fflush(stdout);
    ck_assert_msg(verdict->valid, "seed %" PRIu64 ": %.*s", crowd->seed,
                  (int)report.len, (const char *)report.data);
    history_release(&history);
}

static void judge_crowd(const char *name, struct crowd crowd, size_t seeds)
{
    const struct check_options options = {.exact_ms = 1000, .exact_one_in = 1};
    size_t searched = 0;
    size_t unsure = 0;

    for (crowd.seed = 1; crowd.seed <= seeds; crowd.seed++) {
        struct verdict verdict;

        judge_valid(name, &crowd, &options, &verdict);
        searched += verdict.exact_keys;
        unsure += verdict.exact_unsure;
        verdict_release(&verdict);
    }
    ck_assert_uint_le(unsure * 1000, searched);
}

START_TEST(leases_that_outlast_the_run_are_judged)
{
    judge_crowd("long leases",
                (struct crowd){.ops = 20000,
                               .keys = 500,
                               .hot_percent = 50,
                               .each_us = 100,
                               .latency_us = 1000,
                               .lease_ms = 60000,
                               .ttl_ms = 3600000,
                               .lost_in_10000 = 100,
                               .lost_us = 20000,
                               .kill_each_us = 200000},
                5);
}
END_TEST

START_TEST(leases_that_run_out_all_the_time_are_judged)
{
    judge_crowd("short leases",
                (struct crowd){.ops = 20000,
                               .keys = 500,
                               .hot_percent = 50,
                               .each_us = 5000,
                               .latency_us = 20000,
                               .lease_ms = 100,
                               .ttl_ms = 4000,
                               .lost_in_10000 = 100,
                               .lost_us = 200000,
                               .kill_each_us = 5000000},
                5);
}
END_TEST

START_TEST(million_ops_are_judged_by_the_linear_pass)
{
    const struct check_options options = {.exact_ms = 0};
    const struct crowd crowd = {.seed = 1,
                                .ops = 1000000,
                                .keys = 300,
                                .hot_percent = 30,
                                .each_us = 50,
                                .latency_us = 1000,
                                .lease_ms = 1000,
                                .ttl_ms = 60000,
                                .lost_in_10000 = 10,
                                .lost_us = 20000,
                                .kill_each_us = 1000000};
    struct verdict verdict;

    judge_valid("a million", &crowd, &options, &verdict);
    verdict_release(&verdict);
}
END_TEST

SUITE(check_crowd, 300, leases_that_outlast_the_run_are_judged,
      leases_that_run_out_all_the_time_are_judged,
      million_ops_are_judged_by_the_linear_pass)
