/* One command on its way through the engine. */
#ifndef ENGINE_REQUEST_H
#define ENGINE_REQUEST_H

#include "base/command.h"
#include "storage/stream.h"

#include <stdatomic.h>
#include <sys/queue.h>

/* How many bytes of receipts and replies are held in memory for one client.
 *
 * The engine adds the receipt of an answer before it makes the answer; the
 * client's side takes it away once the reply is written and counts there what
 * the client has not read yet. An answer that would pass the limit is not made:
 * its request and every later one of the same window come back postponed, and
 * are submitted again once there is room. So a client that never reads costs at
 * most its limit. Into an empty window one answer always fits. */
struct window {
    _Atomic size_t held_bytes;
    size_t limit_bytes; /* constant */
    bool postponing;    /* the engine's while it has requests of the window;
                           cleared by the owner when it has none */
};

/* Made and freed by the submitter, who keeps what the command borrows alive
 * until the request comes back. Between the two it is the engine's. */
struct request {
    STAILQ_ENTRY(request) link; /* of whoever holds the request */
    struct command command;
    struct stream stream;          /* of commands that name a key */
    struct window *window;         /* NULL: no limit */
    size_t bytes_per_receipt_byte; /* that a reply takes at most */

    /* Set by the engine: */
    bool postponed;       /* not decided; `reply` means nothing */
    struct reply reply;   /* its slices borrow `owned` */
    uint8_t *owned;       /* from malloc, or NULL; the submitter frees it */
    size_t receipt_bytes; /* what was added to window->held_bytes */

    /* The engine's own: */
    uint64_t sweep_goal_ms;
    uint64_t sweep_scanned;
    uint64_t sweep_expired;
    uint64_t sweep_retained;
};

STAILQ_HEAD(request_list, request);

#endif
