/* The crowd of the worst kinds, all at once, beside clients that behave. */
#include "base/banned.h"
#include "tests/hostile/crowd.h"
#include "tests/hostile/normals.h"
#include "tests/hostile/scene.h"
#include "tests/hostile/usage.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

enum {
    ROUNDS = 3,
    ALONE_MS = 5000,
    ARRIVING_MS = 5000,
    BESIDE_MS = 12000, /* those that are closed after 10 s come again */
};

static const unsigned crowd_counts[CROWD_KINDS] = {
    [CROWD_IDLE] = 10000,
    [CROWD_DRIP] = 1000,
    [CROWD_DEAF] = 1000,
    [CROWD_FLOOD] = 1,
};

/* What the clients that behave waited in one window. */
struct waits {
    uint32_t p50_us;
    uint32_t p99_us;
    uint32_t most_us;
    size_t count;
};

static struct waits measure(struct normals *normals, uint64_t ms)
{
    struct waits waits;

    normals_forget(normals);
    normals_run(normals, ms);
    waits.p50_us = normals_wait_us(normals, 500);
    waits.p99_us = normals_wait_us(normals, 990);
    waits.most_us = normals_wait_us(normals, 1000);
    waits.count = normals->count;
    return waits;
}

static void tell(const char *window, const struct waits *waits)
{
    printf("%9s: p50 %6.2f ms, p99 %6.2f ms, max %6.2f ms of %zu answers\n",
           window, waits->p50_us / 1000.0, waits->p99_us / 1000.0,
           waits->most_us / 1000.0, waits->count);
    fflush(stdout);
}

struct round {
    struct waits alone;
    struct waits arriving;
    struct waits beside;
};

static void tell_crowd(const struct crowd *crowd, const struct rig *rig)
{
    static const char *const names[CROWD_KINDS] = {"idle", "drip", "deaf",
                                                   "flood", "caller"};

    for (int kind = 0; kind < CROWD_FLOOD + 1; kind++) {
        const struct crowd_tally *tally = &crowd->shared->of[kind];

        printf("%9s: %u open, %u closed, %u failed, %u answers, %.1f MB sent\n",
               names[kind], tally->open, tally->closed, tally->failed,
               tally->answers, (double)tally->sent_bytes / 1e6);
    }
    printf("   daemon: %.1f MB resident\n",
           (double)usage_of(&rig->daemon.process).rss_kib / 1024);
}

/* What holds of the crowd, however slow the machine is. */
static void check_crowd(const struct crowd *crowd)
{
    const struct crowd_tally *of = crowd->shared->of;

    ck_assert_uint_eq(of[CROWD_IDLE].closed, 0);
    ck_assert_uint_eq(of[CROWD_FLOOD].closed, 0);
    ck_assert_uint_eq(of[CROWD_FLOOD].wrong, 0);
    ck_assert_uint_gt(of[CROWD_FLOOD].answers, 0);
    ck_assert_uint_ge(of[CROWD_DRIP].closed, crowd_counts[CROWD_DRIP]);
    ck_assert_uint_ge(of[CROWD_DRIP].closed_min_ms, 10000);
    ck_assert_uint_ge(of[CROWD_DEAF].closed, crowd_counts[CROWD_DEAF]);
    ck_assert_uint_ge(of[CROWD_DEAF].closed_min_ms, 10000);
}

static void run_round(struct rig *rig, struct normals *normals,
                      struct round *round)
{
    struct crowd crowd;

    round->alone = measure(normals, ALONE_MS);
    tell("alone", &round->alone);
    crowd_init(&crowd, &rig->daemon);
    crowd_add(&crowd, crowd_counts);
    round->arriving = measure(normals, ARRIVING_MS);
    tell("arriving", &round->arriving);
    for (int kind = 0; kind < CROWD_KINDS; kind++) {
        crowd_await_least(&crowd.shared->of[kind].open, crowd_counts[kind] / 2,
                          WAIT_MS, "open");
    }
    round->beside = measure(normals, BESIDE_MS);
    tell("beside", &round->beside);
    tell_crowd(&crowd, rig);
    check_crowd(&crowd);
    crowd_end(&crowd);
    await_stat(&rig->client, "connections", NORMALS + 1);
    usage_await_descriptors(&rig->daemon.process, NORMALS + 500);
}

static int compare_numbers(const void *left, const void *right)
{
    const double *a = left;
    const double *b = right;

    return (*a > *b) - (*a < *b);
}

static double median(double numbers[ROUNDS])
{
    qsort(numbers, ROUNDS, sizeof(double), compare_numbers);
    return numbers[ROUNDS / 2];
}

/* The median of what the rounds say, which ones the machine disturbs least. */
static void tell_figures(const struct round rounds[ROUNDS])
{
    double alone[ROUNDS];
    double arriving[ROUNDS];
    double beside[ROUNDS];
    double ratio[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        alone[i] = rounds[i].alone.p99_us / 1000.0;
        arriving[i] = rounds[i].arriving.p99_us / 1000.0;
        beside[i] = rounds[i].beside.p99_us / 1000.0;
        ratio[i] = beside[i] / alone[i];
    }
    printf("p99 of %d clients: %.2f ms alone, %.2f ms while the crowd arrives, "
           "%.2f ms beside it: %.1f times (medians of %d)\n",
           NORMALS, median(alone), median(arriving), median(beside),
           median(ratio), ROUNDS);
}

START_TEST(a_crowd_of_the_worst_does_not_take_the_daemon_from_the_others)
{
    struct rig rig;
    struct normals *normals = calloc(1, sizeof(*normals));
    struct round rounds[ROUNDS];

    ck_assert_ptr_nonnull(normals);
    if (crowd_descriptors() < 14000) {
        printf("skipped: only %u descriptors a process\n", crowd_descriptors());
        free(normals);
        return;
    }
    rig_start(&rig, LIST("max_connections=14000", "min_free=0"));
    scene_complete_long(&rig.client);
    normals_open(normals, &rig.daemon);
    measure(normals, 1000);
    for (int i = 0; i < ROUNDS; i++) {
        run_round(&rig, normals, &rounds[i]);
    }
    tell_figures(rounds);
    normals_close(normals);
    free(normals);
    rig_stop(&rig);
}
END_TEST

SUITE(crowd, 180, a_crowd_of_the_worst_does_not_take_the_daemon_from_the_others)
