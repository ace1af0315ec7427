/* One connection of a torture: requests in both framings go out, and replies
 * are taken as they come. Nothing here waits. */
#ifndef TESTS_TORTURE_PEER_H
#define TESTS_TORTURE_PEER_H

#include "tests/lib/reply_parse.h"
#include "tests/torture/history.h"

enum { PEER_PENDING_MAX = 80 };

enum pending_kind {
    PENDING_OP,
    PENDING_NAMESPACE,
    PENDING_STATS,
    PENDING_SWEEP
};

/* A request without an answer yet. */
struct pending {
    enum pending_kind kind;
    bool resp;
    struct op op; /* PENDING_OP */
};

struct peer {
    int fd;               /* -1: none */
    bool established;     /* something was answered: the daemon knows of it */
    uint64_t answered_us; /* when that was; UINT64_MAX: not yet */
    bool half_closed;
    bool elsewhere; /* which namespace its next key is in */
    struct buf in;
    struct buf out;
    struct pending pending[PEER_PENDING_MAX];
    size_t first;
    size_t count;
};

/* False where nobody listens. */
bool peer_open(struct peer *peer, unsigned port);

/* Forgets what is pending. `reset`: the daemon sees that, and no orderly end.
 */
void peer_close(struct peer *peer, bool reset);
void peer_release(struct peer *peer);

static inline size_t peer_room(const struct peer *peer)
{
    /* A command may need a NAMESPACE before it. */
    return (PEER_PENDING_MAX - peer->count) / 2;
}

/* Appends the request; there is room. */
void peer_ask(struct peer *peer, const struct op *op, bool resp);
void peer_ask_stats(struct peer *peer);
void peer_ask_sweep(struct peer *peer, bool resp);

/* Appends the beginning of that request and nothing of its end. */
void peer_ask_half(struct peer *peer, const struct op *op, bool resp);

/* Sends what the socket takes; false when the connection is gone. */
bool peer_send(struct peer *peer);

/* Says that nothing more will be sent. */
void peer_half_close(struct peer *peer);

/* Receives what is there; false when the daemon has closed. */
bool peer_receive(struct peer *peer);

/* Takes the next reply, and the request it answers; `op` has the answer then,
 * without its time. PARSE_MORE: there is none yet. PARSE_WRONG: see `parsed`,
 * or no such request gets such a reply. */
enum parse_state peer_take(struct peer *peer, struct parsed *parsed,
                           struct pending *pending);

#endif
