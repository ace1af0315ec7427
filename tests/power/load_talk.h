/* One connection of the load, to a unix socket, with ops in flight. */
#ifndef TESTS_POWER_LOAD_TALK_H
#define TESTS_POWER_LOAD_TALK_H

#include "tests/lib/reply_parse.h"
#include "tests/torture/history.h"

enum { TALK_OPS_MAX = 32 };

struct talk_op {
    uint64_t id;
    struct op op;
};

/* The oldest op in flight is ops[first]. */
struct talk {
    int fd;
    struct buf out;
    struct buf in;
    struct parsed parsed;
    struct talk_op ops[TALK_OPS_MAX];
    size_t first;
    size_t count;
};

/* Called with each op once it is answered. */
typedef void talk_fn(void *arg, const struct talk_op *op);

/* False: nobody listens there yet. Anything else ends the process. */
bool talk_open(struct talk *talk, const char *path);
void talk_close(struct talk *talk);

/* Puts the op at the end of what is to be sent; there is room for it. */
void talk_ask(struct talk *talk, const struct talk_op *op);

/* Both do what can be done now, and are false once the connection has ended.
 * A reply that no daemon should write ends the process. */
bool talk_send(struct talk *talk);
bool talk_receive(struct talk *talk, talk_fn *answered, void *arg);

#endif
