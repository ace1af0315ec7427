/* What connections cost that do nothing, and what happens to too many. */
#include "base/banned.h"
#include "tests/hostile/crowd.h"
#include "tests/hostile/scene.h"
#include "tests/hostile/usage.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

enum {
    IDLE_WANTED = 50000,
    IDLE_LEAST = 1000,
    /* Descriptors of the daemon that are not connections, and of a test. */
    OTHERS = 700,
    OTHER_KIB = 4096, /* what the store and the engine may take meanwhile */
    STEP = 2000,
    ARRIVE_MS = 150000,
    MAX_BUSY = 100,
    TOO_MANY = 3000,
};

/* As many as the limits of this machine allow. */
static unsigned idle_count(void)
{
    unsigned possible = crowd_descriptors() - OTHERS;

    if (possible < IDLE_WANTED) {
        printf("only %u connections: a process may have %u descriptors\n",
               possible, crowd_descriptors());
    }
    return possible < IDLE_WANTED ? possible : IDLE_WANTED;
}

static double kib_each(const struct usage *before, const struct usage *after,
                       unsigned count)
{
    return (double)(after->anonymous_kib - before->anonymous_kib) / count;
}

/* Some at a time: a client that the listener's queue has no room for takes
 * itself for connected, and as it never sends anything it never learns. */
static void arrive(struct rig *rig, struct crowd *crowd, unsigned count)
{
    uint64_t until_ms = now_ms() + ARRIVE_MS;

    for (unsigned sum = 0; sum < count;) {
        unsigned some = count - sum < STEP ? count - sum : STEP;

        atomic_store(&crowd->shared->permits, (int)some);
        sum += some;
        while (stat_of(&rig->client, "connections") < sum + 1) {
            ck_assert_msg(left_ms(until_ms) > 0, "%u do not arrive", sum);
            pace();
        }
    }
}

START_TEST(an_idle_connection_costs_less_than_a_kibibyte)
{
    struct rig rig;
    struct crowd crowd;
    struct crowd_tally *tally;
    struct usage before;
    struct usage fresh;
    struct usage spoken;
    char max[64];
    unsigned count = idle_count();

    ck_assert_uint_ge(count, IDLE_LEAST);
    snprintf(max, sizeof(max), "max_connections=%u", count + 10);
    rig_start(&rig, LIST(max, "min_free=0"));
    for (int i = 0; i < 1000; i++) {
        expect_is(client_ask(&rig.client, "LOOKUP x"), "NOT_FOUND");
    }
    before = usage_of(&rig.daemon.process);
    crowd_init(&crowd, &rig.daemon);
    tally = &crowd.shared->of[CROWD_IDLE];
    atomic_store(&crowd.shared->permits, 0);
    crowd_add_kind(&crowd, CROWD_IDLE, count);
    arrive(&rig, &crowd, count);
    fresh = usage_of(&rig.daemon.process);
    crowd_ask(&crowd);
    crowd_await_least(&tally->answers, count, ARRIVE_MS, "answers");
    spoken = usage_of(&rig.daemon.process);
    printf("%u idle connections: %.2f KiB each, %.2f KiB after a command "
           "(anonymous memory; resident %.1f, %.1f, %.1f MiB)\n",
           count, kib_each(&before, &fresh, count),
           kib_each(&before, &spoken, count), (double)before.rss_kib / 1024,
           (double)fresh.rss_kib / 1024, (double)spoken.rss_kib / 1024);
    fflush(stdout);
    ck_assert_uint_eq(tally->wrong, 0);
    ck_assert_uint_eq(tally->closed, 0);
    ck_assert(UNDER_SANITIZER || spoken.anonymous_kib - before.anonymous_kib <=
                                     (long)count + OTHER_KIB);
    crowd_end(&crowd);
    await_stat(&rig.client, "connections", 1);
    usage_await_descriptors(&rig.daemon.process, before.descriptors);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_flood_of_connections_over_the_limit_leaves_the_others_alone)
{
    struct rig rig;
    struct crowd inside;
    struct crowd outside;
    struct usage before;
    long most = 0;

    rig_start(&rig, LIST("max_connections=100", "min_free=0"));
    crowd_init(&inside, &rig.daemon);
    crowd_add_kind(&inside, CROWD_IDLE, MAX_BUSY - 1);
    await_stat(&rig.client, "connections", MAX_BUSY);
    before = usage_of(&rig.daemon.process);
    crowd_init(&outside, &rig.daemon);
    /* Each is told, closed, and comes again. */
    crowd_add_kind(&outside, CROWD_CALLER, 500);
    while (stat_of(&rig.client, "connections_refused") < TOO_MANY) {
        struct usage now = usage_of(&rig.daemon.process);

        most = now.descriptors > most ? now.descriptors : most;
    }
    /* Refused ones that linger to hear it are few: REFUSED_MAX, and those that
     * one round of the loop accepts. */
    ck_assert_int_le(most, before.descriptors + 64 + 64 + 2);
    ck_assert_uint_eq(stat_of(&rig.client, "connections"), MAX_BUSY);
    crowd_ask(&inside);
    crowd_await_least(&inside.shared->of[CROWD_IDLE].answers, MAX_BUSY - 1,
                      WAIT_MS, "answers");
    ck_assert_uint_eq(inside.shared->of[CROWD_IDLE].closed, 0);
    ck_assert_uint_eq(stat_of(&rig.client, "commands_CLAIM"), 0);
    crowd_end(&outside);
    crowd_end(&inside);
    await_stat(&rig.client, "connections", 1);
    usage_await_descriptors(&rig.daemon.process,
                            before.descriptors - (MAX_BUSY - 1));
    rig_stop(&rig);
}
END_TEST

SUITE(idle, 360, an_idle_connection_costs_less_than_a_kibibyte,
      a_flood_of_connections_over_the_limit_leaves_the_others_alone)
