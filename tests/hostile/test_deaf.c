/* What connections cost that send and never read, and that it comes back. */
#include "base/banned.h"
#include "tests/hostile/crowd.h"
#include "tests/hostile/scene.h"
#include "tests/hostile/usage.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

enum {
    OUTPUT_LIMIT_KIB = 1024,
    /* Of requests: those in the works, and what one read brought. */
    INPUT_KIB_MAX = 1024 + 64,
    STORE_KIB = 64 * 1024, /* what the store may take meanwhile */
    SETTLE_MS = 60000,
};

/* Until the memory has not grown for a while. */
static struct usage settled(const struct process *process)
{
    uint64_t until_ms = now_ms() + SETTLE_MS;
    struct usage usage = usage_of(process);
    uint64_t grown_ms = now_ms();

    while (now_ms() - grown_ms < 1000 && left_ms(until_ms) > 0) {
        struct usage now = usage_of(process);

        if (now.anonymous_kib > usage.anonymous_kib) {
            usage = now;
            grown_ms = now_ms();
        }
        pace();
    }
    return usage;
}

static void warm_up(struct client *client)
{
    for (int i = 0; i < 500; i++) {
        expect_begins(client_ask(client, "LOOKUP long"), "COMPLETED ");
    }
}

/* Adds so many, waits until they are as large as they get and until each was
 * closed once, and says what each took. */
static void measure(struct rig *rig, unsigned count)
{
    struct process *process = &rig->daemon.process;
    struct usage before = usage_of(process);
    struct usage full;
    struct usage after;
    struct crowd crowd;
    struct crowd_tally *tally;
    long growth_kib;

    crowd_init(&crowd, &rig->daemon);
    tally = &crowd.shared->of[CROWD_DEAF];
    crowd_add_kind(&crowd, CROWD_DEAF, count);
    crowd_await_least(&tally->open, count, WAIT_MS, "open");
    atomic_store(&crowd.shared->holds, true);
    full = settled(process);
    growth_kib = full.anonymous_kib - before.anonymous_kib;
    crowd_await_least(&tally->closed, count, SETTLE_MS, "closed");
    await_stat(&rig->client, "connections", 1);
    after = usage_of(process);
    printf("%4u that never read: %.0f KiB each, closed after %.1f to %.1f s, "
           "%.1f MiB left of %.1f MiB\n",
           count, (double)growth_kib / count,
           (double)tally->closed_min_ms / 1000,
           (double)tally->closed_max_ms / 1000,
           (double)(after.anonymous_kib - before.anonymous_kib) / 1024,
           (double)growth_kib / 1024);
    ck_assert_uint_ge(tally->closed_min_ms, 10000);
    if (!UNDER_SANITIZER) {
        ck_assert_int_le(growth_kib,
                         count * (long)(OUTPUT_LIMIT_KIB + INPUT_KIB_MAX) +
                             STORE_KIB);
        ck_assert_int_le(after.anonymous_kib, before.anonymous_kib + STORE_KIB);
    }
    crowd_end(&crowd);
}

START_TEST(a_reader_that_never_reads_costs_its_limit_and_gives_it_back)
{
    static const unsigned counts[] = {1, 100, 1000};
    struct rig rig;

    rig_start(&rig, LIST("min_free=0"));
    scene_complete_long(&rig.client);
    warm_up(&rig.client);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        measure(&rig, counts[i]);
    }
    rig_stop(&rig);
}
END_TEST

SUITE(deaf, 240, a_reader_that_never_reads_costs_its_limit_and_gives_it_back)
