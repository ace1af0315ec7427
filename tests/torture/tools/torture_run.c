/* Kills daemons under load for hours and judges what they said: `--help`.
 *
 * The library of tests fails the running test where the machine does not play
 * along, so the whole is one test. */
#include "tests/lib/runner.h"
#include "tests/torture/lives.h"
#include "tests/torture/recorder.h"

#include "base/banned.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LIVES = 20,
    LIFE_MS = 500,
    EXACT_MS = 1000,
    EXACT_ONE_IN = 1,
    SECONDS_MAX = 365 * 24 * 3600,
};

static struct {
    struct torture torture; /* of each set */
    uint64_t seed;          /* of the first set, and one more of each next */
    uint64_t cycles;        /* 0: no bound */
    uint64_t seconds;
    uint64_t began_us;
} campaign = {
    .torture = {.lives = LIVES,
                .life_ms = LIFE_MS,
                .nemeses = NEMESES_ALL,
                .check = {.exact_ms = EXACT_MS, .exact_one_in = EXACT_ONE_IN},
                .save_dir = "."},
    .seconds = 60,
};

/* --- the command line ----------------------------------------------------- */

static const char help[] =
    "usage: torture-run [OPTION]...\n"
    "Runs dedupd (DEDUPD_BIN, or build/dedupd), ends it under load in many\n"
    "ways, and judges the history of all answers. Each set of lives is one\n"
    "data directory, below TMPDIR, and one history.\n"
    "\n"
    "  --cycles N       end after so many ended daemons (and no sooner)\n"
    "  --seconds N      end after as long; the default is 60\n"
    "  --hours N        the same\n"
    "  --seed N         draw the same again; the default is random\n"
    "  --profile NAME   durations: long, short, tiny or mixed (the default)\n"
    "  --nemesis NAME   only these ends; may be given several times:\n"
    "                   kill, kill-start, crash-point, term, stop\n"
    "  --lives N        in one set; the default is 20\n"
    "  --life-ms N      the longest of them; the default is 500\n"
    "  --exact-one-in N search so many keys exactly; the default is 4, 0: "
    "none\n"
    "  --failures DIR   where bad histories go; the default is .\n"
    "\n"
    "Ends with 0 if nothing was found, and at the first thing found with 1.\n";

_Noreturn static void refuse(const char *what)
{
    fprintf(stderr, "torture-run: %s; try --help\n", what);
    exit(2);
}

static uint64_t number(const char *text, uint64_t most)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);

    if (end == text || *end != '\0' || value > most) {
        refuse("not such a number");
    }
    return value;
}

static void choose_profile(const char *name)
{
    campaign.torture.profile = profile_named(name);
    if (campaign.torture.profile == NULL && strcmp(name, "mixed") != 0) {
        refuse("no such profile");
    }
}

static void add_nemesis(const char *name)
{
    unsigned all = campaign.torture.nemeses;

    for (enum nemesis i = 0; i < NEMESES; i++) {
        if (strcmp(name, nemesis_name(i)) == 0) {
            campaign.torture.nemeses = (all == NEMESES_ALL ? 0 : all) | 1u << i;
            return;
        }
    }
    refuse("no such nemesis");
}

static void set_cycles(const char *value)
{
    campaign.cycles = number(value, UINT32_MAX);
}

static void set_seconds(const char *value)
{
    campaign.seconds = number(value, SECONDS_MAX);
}

static void set_hours(const char *value)
{
    campaign.seconds = number(value, SECONDS_MAX / 3600) * 3600;
}

static void set_seed(const char *value)
{
    campaign.seed = number(value, UINT64_MAX);
}

static void set_lives(const char *value)
{
    campaign.torture.lives = (unsigned)number(value, 10000);
}

static void set_life_ms(const char *value)
{
    campaign.torture.life_ms = (unsigned)number(value, 60000);
}

static void set_exact_one_in(const char *value)
{
    campaign.torture.check.exact_one_in = (unsigned)number(value, 1000000);
}

/* Now: when there is something to be put into it, it is too late to find that
 * it cannot be. */
static void set_failures(const char *value)
{
    if ((mkdir(value, 0700) != 0 && errno != EEXIST) ||
        access(value, W_OK | X_OK) != 0) {
        refuse("the directory of --failures cannot be made or written");
    }
    campaign.torture.save_dir = value;
}

static const struct argument {
    const char *name;
    void (*set)(const char *value);
} arguments[] = {
    {"--cycles", set_cycles},
    {"--seconds", set_seconds},
    {"--hours", set_hours},
    {"--seed", set_seed},
    {"--profile", choose_profile},
    {"--nemesis", add_nemesis},
    {"--lives", set_lives},
    {"--life-ms", set_life_ms},
    {"--exact-one-in", set_exact_one_in},
    {"--failures", set_failures},
    {NULL, NULL},
};

static void take_argument(const char *name, const char *value)
{
    const struct argument *argument = arguments;

    while (argument->name != NULL && strcmp(argument->name, name) != 0) {
        argument++;
    }
    if (argument->name == NULL || value == NULL) {
        refuse("bad arguments");
    }
    argument->set(value);
}

static void take_arguments(int argc, char **argv)
{
    CHECK(getrandom(&campaign.seed, sizeof(campaign.seed), 0) ==
          sizeof(campaign.seed));
    for (int i = 1; i < argc; i += 2) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            exit(EXIT_SUCCESS);
        }
        take_argument(argv[i], argv[i + 1]);
    }
}

/* --- the campaign --------------------------------------------------------- */

static double seconds(uint64_t us)
{
    return (double)us / 1e6;
}

static void print_progress(const struct tally *tally)
{
    printf("%6.0f s  sets %zu  cycles %zu (",
           seconds(recorder_now_us() - campaign.began_us), tally->sets,
           tally_lives(tally));
    for (enum nemesis i = 0; i < NEMESES; i++) {
        printf("%s%s %zu", i > 0 ? ", " : "", nemesis_name(i), tally->lives[i]);
    }
    printf("; %zu crashed at a point)  ops %zu  unknown %zu  keys %zu  "
           "searched %zu  unsure %zu  restart ms %.0f/%.0f  term ms %.0f  "
           "start/record/judge s %.0f/%.0f/%.0f\n",
           tally->crashes, tally->ops, tally->unknown, tally->keys,
           tally->exact_keys, tally->exact_unsure,
           tally_restart_median(tally) / 1e3, tally_restart_most(tally) / 1e3,
           (double)tally->term_us_most / 1e3, seconds(tally->starting_us),
           seconds(tally->recording_us), seconds(tally->judging_us));
    fflush(stdout);
}

static void print_sums(const struct tally *tally)
{
    struct buf text = {0};

    tally_write(tally, &text);
    fwrite(buf_slice(&text).data, 1, buf_slice(&text).len, stdout);
    buf_release(&text);
}

static bool is_over(const struct tally *tally)
{
    if (campaign.cycles > 0) {
        return tally_lives(tally) >= campaign.cycles;
    }
    return recorder_now_us() - campaign.began_us >= campaign.seconds * 1000000;
}

static const struct profile *next_profile(size_t set)
{
    size_t count = 0;

    while (profiles[count] != NULL) {
        count++;
    }
    CHECK(count > 0);
    return campaign.torture.profile != NULL ? campaign.torture.profile
                                            : profiles[set % count];
}

static void judge_unsure(const struct tally *tally)
{
    ck_assert_msg(tally_is_sure(tally),
                  "%zu of %zu searches came to no end: let clients overlap "
                  "less, or raise EXACT_MS",
                  tally->exact_unsure, tally->exact_keys);
}

START_TEST(a_daemon_that_is_killed_keeps_its_promises)
{
    struct tally tally = {0};

    while (!is_over(&tally)) {
        struct torture torture = campaign.torture;
        struct outcome outcome;

        torture.seed = campaign.seed + tally.sets;
        torture.profile = next_profile(tally.sets);
        torture_run(&torture, &tally, &outcome);
        print_progress(&tally);
        outcome_print(&outcome);
        ck_assert(outcome.good);
        outcome_release(&outcome);
        judge_unsure(&tally);
    }
    print_sums(&tally);
    tally_release(&tally);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("torture");
    TCase *tcase = tcase_create("torture");
    SRunner *runner;
    int failed;

    take_arguments(argc, argv);
    campaign.began_us = recorder_now_us();
    printf("seed %" PRIu64 "\n", campaign.seed);
    fflush(stdout);
    tcase_add_test(tcase, a_daemon_that_is_killed_keeps_its_promises);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
