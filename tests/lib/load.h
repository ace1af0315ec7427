/* Load on a daemon that is going to end, and a check of what it has said.
 *
 * Several connections pipeline, for one fresh key after the other, a CLAIM and
 * a COMPLETE whose receipt is made from the key. What was answered is kept per
 * key, so that another daemon on the same data can be asked for it. */
#ifndef TESTS_LIB_LOAD_H
#define TESTS_LIB_LOAD_H

#include "tests/lib/client.h"

enum {
    LOAD_CLIENTS = 4,
    LOAD_KEYS = 20000,  /* of each client */
    LOAD_IN_FLIGHT = 64 /* keys begun and not ended, of each client */
};

enum load_answer {
    LOAD_UNKNOWN, /* not asked, or the answer did not come */
    LOAD_DONE,    /* CLAIMED, or OK */
    LOAD_REFUSED, /* an error that promises that nothing was done */
};

struct load_key {
    uint64_t fence; /* of CLAIMED */
    enum load_answer claim;
    enum load_answer completion;
};

struct load_client {
    struct client client;
    unsigned sent;     /* keys */
    unsigned answered; /* replies, two a key */
    struct load_key keys[LOAD_KEYS];
};

struct load {
    char
        name[16]; /* of the keys; no two loads on one data directory share it */
    struct load_client clients[LOAD_CLIENTS];
};

/* Memory for one; freed by load_free(). */
struct load *load_new(const struct daemon *daemon, const char *name);
void load_free(struct load *load);

/* Runs until so many replies have come, or until all connections are closed or
 * all keys used up. */
void load_run(struct load *load, unsigned replies);

/* Sends nothing more and receives until all connections are closed. */
void load_drain(struct load *load);

/* Asks for every key that was sent and fails the test where an answer breaks
 * what was promised. Returns the highest fence seen. */
uint64_t load_verify(const struct load *load, struct client *client);

#endif
