/* Real daemons, killed under load; `make torture` does the same for hours. */
#include "tests/lib/daemon.h"
#include "tests/lib/runner.h"
#include "tests/torture/lives.h"

#include <stdlib.h>

enum { LIFE_MS = 120, SEED = 20261128 };

static const char *temporary(void)
{
    const char *dir = getenv("TMPDIR");

    return dir != NULL ? dir : "/tmp";
}

static struct torture usual(const char *profile, unsigned lives,
                            unsigned nemeses)
{
    return (struct torture){
        .lives = lives,
        .life_ms = LIFE_MS,
        .profile = profile_named(profile),
        .nemeses = nemeses,
        .check = {.exact_ms = 1000, .exact_one_in = 1},
        .save_dir = temporary(),
    };
}

static void expect_good(struct torture torture, unsigned sets)
{
    struct tally tally = {0};

    for (torture.seed = SEED; torture.seed < SEED + sets; torture.seed++) {
        struct outcome outcome;

        torture_run(&torture, &tally, &outcome);
        outcome_print(&outcome);
        ck_assert(outcome.good);
        outcome_release(&outcome);
    }
    printf("%s: %zu lives, %zu at crash points, %zu operations, %zu unknown, "
           "%zu keys, %zu searches, %zu unsure\n",
           torture.profile->name, tally_lives(&tally), tally.crashes, tally.ops,
           tally.unknown, tally.keys, tally.exact_keys, tally.exact_unsure);
    fflush(stdout);
    ck_assert_uint_eq(tally_lives(&tally), (size_t)sets * torture.lives);
    ck_assert_uint_gt(tally.keys, 0);
    ck_assert(tally_is_sure(&tally));
    tally_release(&tally);
}

static const unsigned kills = 1 << NEMESIS_KILL | 1 << NEMESIS_KILL_START;

START_TEST(forty_kills_lose_and_double_nothing)
{
    expect_good(usual("long", 20, kills), 2);
}
END_TEST

START_TEST(forty_kills_among_leases_that_run_out_do_neither)
{
    expect_good(usual("short", 20, kills), 2);
}
END_TEST

START_TEST(twenty_kills_among_leases_of_no_time_do_neither)
{
    expect_good(usual("tiny", 20, kills), 1);
}
END_TEST

START_TEST(crashes_in_the_midst_of_storing_do_neither)
{
    if (UNDER_SANITIZER) {
        printf("skipped: nothing is preloaded under a sanitizer\n");
        return;
    }
    expect_good(usual("short", 16, 1 << NEMESIS_CRASH), 1);
}
END_TEST

START_TEST(stops_and_orderly_ends_do_neither)
{
    expect_good(usual("short", 8, 1 << NEMESIS_TERM | 1 << NEMESIS_STOP), 1);
}
END_TEST

/* A disk that forgets what it has acknowledged must be found out, or nothing of
 * the above says anything. */
START_TEST(disk_that_forgets_is_found_out)
{
    struct torture torture = usual("long", 6, 1 << NEMESIS_KILL);
    struct tally tally = {0};
    struct outcome outcome;

    torture.seed = SEED;
    torture.life_ms = 500;
    torture.lying_disk = true;
    torture.save_dir = NULL;
    torture_run(&torture, &tally, &outcome);
    ck_assert(!outcome.good);
    ck_assert_uint_gt(buf_len(&outcome.why), 0);
    ck_assert(!outcome.verdict.valid);
    ck_assert_uint_gt(outcome.verdict.broken[PROMISE_LOST_COMPLETION], 0);
    ck_assert_uint_gt(outcome.verdict.broken[PROMISE_LOST_CLAIM], 0);
    outcome_release(&outcome);
    tally_release(&tally);
}
END_TEST

SUITE(lives, 300, forty_kills_lose_and_double_nothing,
      forty_kills_among_leases_that_run_out_do_neither,
      twenty_kills_among_leases_of_no_time_do_neither,
      crashes_in_the_midst_of_storing_do_neither,
      stops_and_orderly_ends_do_neither, disk_that_forgets_is_found_out)
