/* Clients that behave: each asks, waits for the answer, checks it, rests, and
 * asks again; and how long they waited. */
#ifndef TESTS_HOSTILE_NORMALS_H
#define TESTS_HOSTILE_NORMALS_H

#include "tests/lib/client.h"

enum { NORMALS = 50, NORMAL_REST_MS = 20, NORMAL_WAITS_MAX = 1 << 20 };

/* What one of them is at: CLAIM of a fresh key, COMPLETE with its fence, LOOKUP
 * of the receipt. */
enum normal_step { NORMAL_CLAIM, NORMAL_COMPLETE, NORMAL_LOOKUP };

struct normal {
    struct client client;
    enum normal_step step;
    bool waits; /* for an answer */
    unsigned key;
    uint64_t fence;
    uint64_t asked_us;
    uint64_t due_us; /* when to ask */
};

struct normals {
    struct normal all[NORMALS];
    uint32_t *waits_us; /* of the answers since normals_forget() */
    size_t count;
};

void normals_open(struct normals *normals, const struct daemon *daemon);
void normals_close(struct normals *normals);

/* Has them go on for so long, then waits for the last answers. A wrong or
 * missing answer fails the test. */
void normals_run(struct normals *normals, uint64_t ms);

/* Forgets how long they waited so far. */
void normals_forget(struct normals *normals);

/* The wait that so many in a thousand answers did not exceed, in µs. */
uint32_t normals_wait_us(struct normals *normals, unsigned per_mille);

#endif
