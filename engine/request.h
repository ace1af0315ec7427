/* One command on its way through the engine. */
#ifndef ENGINE_REQUEST_H
#define ENGINE_REQUEST_H

#include "base/command.h"
#include "storage/stream.h"

#include <stdatomic.h>
#include <sys/queue.h>

/* How many reply bytes are held in memory for one client, and how many may be.
 *
 * The client's side counts what it holds and takes it away again; the engine
 * adds the receipt of an answer before it makes it. An answer that does not fit
 * is not made: its request, and every later one of the window, comes back
 * undecided (postponed) and is submitted again once there is room. So a reader
 * that never reads costs at most its limit.
 *
 * One answer always fits into an empty window, whatever its size. */
struct window {
    _Atomic size_t held;
    size_t limit;    /* set before the first request; constant */
    bool postponing; /* engine's while requests of the window are with it;
                        cleared by the owner when none is */
};

/* Made and freed by the submitter, who keeps what the slices borrow alive until
 * it gets the request back. Between submit and return it is the engine's. */
struct request {
    STAILQ_ENTRY(request) link; /* whoever holds the request */
    struct command command;
    struct stream stream;    /* commands with a key */
    struct window *window;   /* NULL: unlimited */
    uint32_t receipt_factor; /* bytes of reply per byte of receipt, at most */
    /* Set by the engine: */
    bool postponed; /* no room in the window: not decided, `reply` is unset */
    struct reply reply;  /* its slices borrow `owned` */
    uint8_t *owned;      /* malloc'ed or NULL; the submitter frees it */
    size_t window_bytes; /* what the engine added to window->held for it */
    uint64_t sweep_goal; /* SWEEP: the engine's own notes */
    uint64_t sweep_before[3];
};

STAILQ_HEAD(request_list, request);

#endif
