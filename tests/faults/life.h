/* A scripted life of a daemon on a failing disk, and what has to be true of it
 * afterwards.
 *
 * One client asks in lock-step, a batch at a time, so that whatever succeeds
 * after a failed commit is known to be wrong. */
#ifndef TESTS_FAULTS_LIFE_H
#define TESTS_FAULTS_LIFE_H

#include "tests/lib/client.h"

enum { LIFE_KEYS_MAX = 16384 };

enum life_answer {
    LIFE_UNKNOWN, /* may have been done */
    LIFE_DONE,
    LIFE_REFUSED, /* nothing was done */
};

struct life_key {
    uint64_t fence;
    enum life_answer claim;
    enum life_answer completion;
};

/* What was answered, over several daemons on one data directory. */
struct life {
    struct life_key keys[LIFE_KEYS_MAX];
    unsigned count;
    uint64_t fence;      /* the highest */
    bool over;           /* an answer said that storage failed, or none came */
    uint64_t asked_ns;   /* when the last batch was sent */
    uint64_t success_ns; /* the same of the last one that had a success */
};

/* A CLAIM and a COMPLETE of each of so many new keys, in one batch; the
 * receipts have so many bytes. */
void life_batch(struct life *life, struct client *client, unsigned keys,
                size_t receipt_bytes);

/* Claims keys that expire at once, and sweeps. */
void life_sweep(struct life *life, struct client *client);

/* Asks for every key; the test fails with `what` where an answer is not what
 * was promised. */
void life_verify(const struct life *life, struct client *client,
                 const char *what);

#endif
