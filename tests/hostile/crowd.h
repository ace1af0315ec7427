/* Clients that mean no good, thousands of them, in processes of their own.
 *
 * A member whose connection was closed or refused connects again at once, so
 * that the crowd keeps its size. What all of them saw is counted in memory that
 * the test shares with them. */
#ifndef TESTS_HOSTILE_CROWD_H
#define TESTS_HOSTILE_CROWD_H

#include "tests/lib/client.h"

#include <stdatomic.h>

enum crowd_kind {
    CROWD_IDLE,   /* does nothing, but for one LOOKUP a crowd_ask() */
    CROWD_DRIP,   /* a byte every five seconds of a request without an end */
    CROWD_DEAF,   /* sends LOOKUPs of the key `long`, and never reads */
    CROWD_FLOOD,  /* sends CLAIMs of fresh keys without a pause, and reads */
    CROWD_CALLER, /* one CLAIM of a fresh key after each connect */
    CROWD_KINDS
};

/* Counts over all members of a kind. */
struct crowd_tally {
    _Atomic unsigned open;   /* connections, now */
    _Atomic unsigned closed; /* by the daemon, so far */
    _Atomic unsigned failed; /* attempts to connect, refused or reset */
    _Atomic unsigned answers;
    _Atomic unsigned wrong;         /* answers that should not have been */
    _Atomic uint64_t sent_bytes;    /* taken by the socket */
    _Atomic uint64_t closed_min_ms; /* the shortest and the longest time from */
    _Atomic uint64_t closed_max_ms; /* a connect to a close by the daemon */
    _Atomic uint64_t answered_at_ms; /* now_ms() of the latest answer */
};

struct crowd_shared {
    _Atomic unsigned asks;
    _Atomic bool holds;  /* nobody connects */
    _Atomic int permits; /* idle members that may connect; INT_MAX at first */
    struct crowd_tally of[CROWD_KINDS];
};

/* The kernel searches long for a source address's port beyond 14000. */
enum { CROWD_PROCESSES_MAX = 8, CROWD_PROCESS_MEMBERS = 12500 };

struct crowd {
    unsigned port;
    struct crowd_shared *shared;
    pid_t pids[CROWD_PROCESSES_MAX];
    unsigned processes;
};

/* No member yet. */
void crowd_init(struct crowd *crowd, const struct daemon *daemon);

/* Adds so many members, who begin to connect. Returns at once. */
void crowd_add(struct crowd *crowd, const unsigned counts[CROWD_KINDS]);
void crowd_add_kind(struct crowd *crowd, enum crowd_kind kind, unsigned count);

/* Has every idle member ask once more. */
void crowd_ask(struct crowd *crowd);

/* Waits until a number of the tally is at least, or at most, so large; fails
 * the test after `timeout_ms`. */
void crowd_await_least(const _Atomic unsigned *number, unsigned value,
                       int timeout_ms, const char *what);

/* Ends all members. Fails the test if one has ended by itself. */
void crowd_end(struct crowd *crowd);

/* How many descriptors a process may have, after raising the limit as far as
 * that goes. */
unsigned crowd_descriptors(void);

#endif
