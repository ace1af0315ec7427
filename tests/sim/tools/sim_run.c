/* Runs the simulation over a range of seeds.
 *
 *     sim-run [NAME=VALUE]...
 *
 * from=1 to=100 ops=1000  seeds, and how many commands each run has
 * exact=1                 one key in so many is searched exactly; 0: none
 * seconds=0               ends after as long; 0: at the last seed
 * trace=0                 1: prints all that happens, best for one seed
 * checker=0               1: neither model nor rules look on
 * until=                  a promise's name, MODEL or RULE: ends well as soon as
 *                         it is found broken, badly if it never is
 *
 * Exits with 0: nothing was found, or what was to be; 1 otherwise. */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

struct asked {
    uint64_t from, to, ops, exact, seconds, trace, checker;
    const char *until; /* NULL: none */
};

static const char *const promises[PROMISES] = {
#define X(name, sentence) [PROMISE_##name] = #name,
    PROMISE_MAP(X)
#undef X
};

static bool take(const char *argument, const char *name, const char **value)
{
    size_t len = strlen(name);

    *value = argument + len + 1;
    return strncmp(argument, name, len) == 0 && argument[len] == '=';
}

static bool take_number(const char *argument, const char *name, uint64_t *out)
{
    const char *value;
    char *end;

    if (!take(argument, name, &value)) {
        return false;
    }
    *out = strtoull(value, &end, 0);
    return end != value && *end == '\0';
}

static bool parse(int argc, char **argv, struct asked *out)
{
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];

        if (!take_number(a, "from", &out->from) &&
            !take_number(a, "to", &out->to) &&
            !take_number(a, "ops", &out->ops) &&
            !take_number(a, "exact", &out->exact) &&
            !take_number(a, "seconds", &out->seconds) &&
            !take_number(a, "trace", &out->trace) &&
            !take_number(a, "checker", &out->checker) &&
            !take(a, "until", &out->until)) {
            return false;
        }
    }
    return true;
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Whether it found what was looked for. */
static bool has_found(const struct sim_result *result, const char *until)
{
    if (strcmp(until, "MODEL") == 0) {
        return result->found[SIM_MODEL];
    }
    if (strcmp(until, "RULE") == 0) {
        return result->found[SIM_RULES];
    }
    for (size_t i = 0; i < PROMISES; i++) {
        if (strcmp(until, promises[i]) == 0) {
            return result->broken[i] > 0;
        }
    }
    return false;
}

static void print_found(const struct sim_result *result)
{
    if (result->found[SIM_MODEL]) {
        printf(" MODEL");
    }
    if (result->found[SIM_RULES]) {
        printf(" RULE");
    }
    for (size_t i = 0; i < PROMISES; i++) {
        if (result->broken[i] > 0) {
            printf(" %s", promises[i]);
        }
    }
}

static void print_failure(uint64_t seed, const struct asked *asked,
                          const struct sim_result *result)
{
    struct slice report = buf_slice(&result->report);

    printf("seed %" PRIu64 " found", seed);
    print_found(result);
    printf("\n%.*s", (int)report.len, (const char *)report.data);
    printf("again: sim-run from=%" PRIu64 " to=%" PRIu64 " ops=%" PRIu64
           " trace=1\n",
           seed, seed, asked->ops);
}

static void print_counts(const struct sim_counts *counts)
{
#define X(name, text) printf("%12" PRIu64 " %s\n", counts->name, text);
    SIM_COUNT_MAP(X)
#undef X
}

/* Whether the run of this seed is to be the last one; *bad: of a failure. */
static bool run_seed(uint64_t seed, const struct asked *asked,
                     struct sim_counts *sum, bool *bad)
{
    struct sim_options options = {
        .ops = asked->ops,
        .exact_one_in = (unsigned)asked->exact,
        .checker_only = asked->checker != 0,
        .digest = asked->trace != 0,
        .trace = asked->trace != 0 ? stdout : NULL,
    };
    struct sim_result result;
    bool last = false;

    sim_run(seed, &options, &result);
    sim_counts_add(sum, &result.counts);
    if (options.digest) {
        printf("digest %016" PRIx64 "\n", result.digest);
    }
    if (asked->until != NULL) {
        last = has_found(&result, asked->until);
    } else if (!sim_good(&result)) {
        print_failure(seed, asked, &result);
        *bad = true;
    }
    if (last) {
        printf("seed %" PRIu64 " found", seed);
        print_found(&result);
        printf("\n");
    }
    sim_result_release(&result);
    return last;
}

int main(int argc, char **argv)
{
    struct asked asked = {.from = 1, .to = 100, .ops = 1000, .exact = 1};
    struct sim_counts sum = {0};
    double began_s = seconds();
    uint64_t seed;
    bool last = false;
    bool bad = false;

    if (!parse(argc, argv, &asked)) {
        fputs("usage: sim-run [NAME=VALUE]..., see sim_run.c\n", stderr);
        return EXIT_FAILURE;
    }
    for (seed = asked.from; seed <= asked.to && !last; seed++) {
        last = run_seed(seed, &asked, &sum, &bad);
        if (asked.seconds > 0 && seconds() - began_s > (double)asked.seconds) {
            seed++;
            break;
        }
    }
    printf("%12" PRIu64 " seeds in %.1f s\n", seed - asked.from,
           seconds() - began_s);
    print_counts(&sum);
    return bad || (asked.until != NULL && !last) ? EXIT_FAILURE : EXIT_SUCCESS;
}
