#include "tests/torture/lives_inner.h"

#include "base/banned.h"

#include <check.h>
#include <inttypes.h>
#include <unistd.h>

/* A sanitizer's runtime must come before all other libraries. */
static unsigned possible(unsigned nemeses)
{
    return UNDER_SANITIZER ? nemeses & ~(1u << NEMESIS_CRASH) : nemeses;
}

enum nemesis pick_nemesis(struct run *run)
{
#define X(name, text, share) share,
    static const unsigned shares[NEMESES] = {NEMESIS_MAP(X)};
#undef X
    unsigned nemeses = possible(run->torture->nemeses);
    unsigned sum = 0;
    uint64_t at;
    enum nemesis nemesis = 0;

    for (unsigned i = 0; i < NEMESES; i++) {
        sum += (nemeses >> i & 1) * shares[i];
    }
    at = rng_below(&run->rng, sum);
    for (;; nemesis++) {
        unsigned share = (nemeses >> nemesis & 1) * shares[nemesis];

        if (at < share) {
            return nemesis;
        }
        at -= share;
    }
}

/* One in 50 to 5000 of all points, or one in a few of those that are rare. */
static unsigned pick_odds(struct run *run, bool rare)
{
    static const unsigned usual[] = {50, 100, 200, 500, 1000, 5000};

    return rare ? 2 + (unsigned)rng_below(&run->rng, 12)
                : usual[rng_below(&run->rng, sizeof(usual) / sizeof(*usual))];
}

static void set_options(struct run *run, const char *options[LIVES_OPTIONS + 1])
{
    const struct profile *profile = run->torture->profile;
    bool is_busy = rng_percent(&run->rng, 50);
    size_t i = 0;

    snprintf(run->options[i++], LIVES_OPTION_BYTES, "namespace=%s", "torture");
    snprintf(run->options[i++], LIVES_OPTION_BYTES, "grace=%" PRIu64,
             profile->grace_ms);
    snprintf(run->options[i++], LIVES_OPTION_BYTES, "ttl=%" PRIu64,
             profile->ttl_default_ms);
    snprintf(run->options[i++], LIVES_OPTION_BYTES, "lease=%" PRIu64,
             profile->lease_default_ms);
    snprintf(run->options[i++], LIVES_OPTION_BYTES, "sweep_interval=%" PRIu64,
             profile->sweep_ms[is_busy]);
    snprintf(run->options[i++], LIVES_OPTION_BYTES, "write_buffer=%s",
             rng_percent(&run->rng, 50) ? "1MiB" : "16MiB");
    snprintf(run->options[i++], LIVES_OPTION_BYTES, "history=%s",
             rng_percent(&run->rng, 50) ? "2" : "16");
    for (size_t k = 0; k < i; k++) {
        options[k] = run->options[k];
    }
    options[i] = NULL;
}

/* Beside this program, where the build puts it. */
static void kill_point_path(char to[SITE_PATH_BYTES])
{
    static const char name[] = "/kill-point.so";
    ssize_t len =
        readlink("/proc/self/exe", to, SITE_PATH_BYTES - sizeof(name));
    char *slash;

    ck_assert_int_gt(len, 0);
    to[len] = '\0';
    slash = strrchr(to, '/');
    ck_assert_ptr_nonnull(slash);
    memcpy(slash, name, sizeof(name));
    ck_assert_msg(file_exists(to), "%s is not built", to);
}

void spawn(struct run *run, enum nemesis nemesis)
{
    const char *options[LIVES_OPTIONS + 1];
    char path[SITE_PATH_BYTES];
    char preload[2 * SITE_PATH_BYTES];
    char odds[32];
    bool rare = rng_percent(&run->rng, 50);

    set_options(run, options);
    if (nemesis == NEMESIS_CRASH) {
        kill_point_path(path);
        snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", path);
        snprintf(odds, sizeof(odds), "DEDUPD_KILL_ODDS=%u",
                 pick_odds(run, rare));
        daemon_spawn(&run->daemon, &run->site, options, NULL,
                     LIST(preload, odds, rare ? "DEDUPD_KILL_RARE=1" : NULL));
    } else {
        daemon_spawn(&run->daemon, &run->site, options, NULL, NULL);
    }
}
