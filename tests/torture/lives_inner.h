/* The inside of a set of lives, shared by its files alone. */
#ifndef TESTS_TORTURE_LIVES_INNER_H
#define TESTS_TORTURE_LIVES_INNER_H

#include "tests/lib/daemon.h"
#include "tests/torture/lives.h"
#include "tests/torture/recorder.h"

enum { LIVES_OPTIONS = 8, LIVES_OPTION_BYTES = 64 };

/* One set. */
struct run {
    const struct torture *torture;
    struct tally *tally;
    struct outcome *outcome;
    struct site site;
    struct recorder recorder;
    struct daemon daemon;
    struct rng rng;
    uint64_t killed_us; /* the last life was; 0: it was not */
    char options[LIVES_OPTIONS][LIVES_OPTION_BYTES];
};

/* What kill_point.c says before it crashes. */
extern const char crash_point_text[];

/* Both enter what the daemon has done wrong; always false. */
__attribute__((format(printf, 2, 3))) bool be_bad(struct run *run,
                                                  const char *format, ...);
bool be_bad_with_log(struct run *run, const char *what, int code);

/* Which end the next life comes to. */
enum nemesis pick_nemesis(struct run *run);

/* Starts a daemon that can come to that end, without waiting. */
void spawn(struct run *run, enum nemesis nemesis);

/* The daemon serves, and clients work until it ends in this way. False when it
 * did anything else, which is then entered. */
bool end_life_by(struct run *run, enum nemesis nemesis);

/* The same for one that was not asked anything: it is killed, or has ended
 * before it was ready. */
bool kill_at_start(struct run *run);
bool end_at_start(struct run *run, enum nemesis nemesis);

/* Clients read all keys, and then SIGTERM ends it. */
bool end_by_reading(struct run *run);

#endif
