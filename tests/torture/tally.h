/* How many daemons ended in which way, and what was recorded of them. */
#ifndef TESTS_TORTURE_TALLY_H
#define TESTS_TORTURE_TALLY_H

#include "tests/torture/history.h"

/* The one list of faults: X(NAME, name as it is written, share of a mix). */
#define NEMESIS_MAP(X)                                                         \
    X(KILL, "kill", 50)            /* SIGKILL while it serves */               \
    X(KILL_START, "kill-start", 5) /* SIGKILL while it starts */               \
    X(CRASH, "crash-point", 30)    /* where RocksDB thinks it would hurt */    \
    X(TERM, "term", 8)             /* SIGTERM */                               \
    X(STOP, "stop", 7)             /* SIGSTOP, SIGCONT and then SIGKILL */

enum nemesis {
#define X(name, text, share) NEMESIS_##name,
    NEMESIS_MAP(X)
#undef X
        NEMESES
};

enum {
    NEMESES_ALL = (1 << NEMESES) - 1,
    CRASH_POINTS_MAX = 64,
    CRASH_POINT_BYTES = 96,
};

/* A place in RocksDB, and how often a daemon crashed there. */
struct crash_point {
    char name[CRASH_POINT_BYTES];
    size_t count;
};

/* Of many sets of lives. Zeroed: none. */
struct tally {
    size_t sets;
    size_t lives[NEMESES];                       /* that ended so */
    size_t crashes;                              /* at crash points */
    struct crash_point points[CRASH_POINTS_MAX]; /* those; unused ones zeroed */
    size_t ops;
    size_t unknown;                          /* of them */
    size_t answers[VERB_COUNT][REPLY_ERROR]; /* no errors */
    size_t errors[STATUS_WIRE_COUNT];        /* by STATUS_WIRE_INDEX() */
    size_t again;                            /* of CLAIMED */
    size_t keys;
    size_t exact_keys;
    size_t exact_unsure;
    uint64_t recording_us;
    uint64_t starting_us; /* daemons */
    uint64_t judging_us;
    uint64_t term_us_most; /* from SIGTERM to the end */
    struct buf restarts;   /* owned; uint32_t each: microseconds from SIGKILL to
                              serving again */
};

/* Adds one set's. */
void tally_add(struct tally *tally, const struct history *history);

/* One more daemon has crashed at this point. */
void tally_crash(struct tally *tally, struct slice name);

size_t tally_lives(const struct tally *tally);

/* Microseconds; 0 where there was no restart. */
uint32_t tally_restart_median(const struct tally *tally);
uint32_t tally_restart_most(const struct tally *tally);

/* False: more searches came to no end than one in a thousand. */
bool tally_is_sure(const struct tally *tally);

/* What was answered, and where daemons crashed: some lines for a person. */
void tally_write(const struct tally *tally, struct buf *to);
void tally_release(struct tally *tally);

#endif
