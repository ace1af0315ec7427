/* A crowd of clients that never was: histories as a torture run makes them, of
 * commands that overlap, answers that are lost and daemons that are killed, all
 * answered by the model. */
#ifndef TESTS_TORTURE_CROWD_H
#define TESTS_TORTURE_CROWD_H

#include "tests/torture/history.h"

struct crowd {
    uint64_t seed;
    size_t ops;
    uint32_t keys;
    unsigned hot_percent;   /* of the ops are on the first three keys */
    uint64_t each_us;       /* between two decisions, on average */
    uint64_t latency_us;    /* each way, at most */
    uint64_t lease_ms;      /* half to all of it is asked for */
    uint64_t ttl_ms;        /* likewise; of claims and completions */
    unsigned lost_in_10000; /* answers, by cut connections */
    uint64_t lost_us;       /* and how long they may still take effect */
    uint64_t kill_each_us;  /* on average; 0: the daemon is never killed */
};

/* The same crowd makes the same history. */
void crowd_run(const struct crowd *crowd, struct history *history);

#endif
