/* One client's side of the conversation, without the socket: bytes in, requests
 * to the engine, bytes out.
 *
 * Requests are parsed in the order in which they came and answered in that
 * order, whenever the engine is done with them. How many are begun at a time is
 * bounded in number, in bytes of requests and in bytes of replies that the
 * client has not read: what does not fit stays unread.
 *
 * Used by the network's thread only. Knows neither libuv nor the store. */
#ifndef DAEMON_CLIENT_H
#define DAEMON_CLIENT_H

#include "base/counters.h"
#include "engine/request.h"
#include "proto/proto.h"

/* Shared by all clients; constant. */
struct client_config {
    struct proto_limits limits;
    const char *namespace; /* of a client that chose none */
    size_t inflight_max;
    size_t output_bytes_max;
    const char *version;
    struct counters *counters;
};

enum {
    /* Requests, and things that mean nothing, that one client is given a look
     * at before the others have their turn. */
    CLIENT_ROUND_MAX = 128,
    /* Bytes of the requests of one client that are being worked on. One always
     * may, whatever its size. */
    CLIENT_INPUT_BYTES_MAX = 1 << 20,
};

struct task;
STAILQ_HEAD(task_list, task);

struct client {
    const struct client_config *config; /* borrowed */
    struct proto_frame frame;           /* the request that is being received */
    char namespace[NAMESPACE_BYTES_MAX + 1];
    bool said_last; /* nothing more is parsed: QUIT, or it cannot be followed */
    bool stopped;   /* the daemon stops: nothing is submitted any more */
    bool broken;    /* memory ran out: the connection has to be closed */
    bool spoke;     /* a whole request has come */
    size_t round_left;      /* of CLIENT_ROUND_MAX, in this round of the loop */
    size_t with_engine;     /* requests that the engine has */
    size_t postponed;       /* requests that it gave back undecided */
    size_t decided;         /* since some were last given out again */
    size_t retry_max;       /* how many are given out again at a time */
    size_t inflight;        /* requests in `tasks` */
    size_t inflight_bytes;  /* of the requests */
    size_t reserved_bytes;  /* for their replies, receipts apart */
    struct window window;   /* held_bytes: receipts, and replies not drained */
    struct task_list tasks; /* oldest first */
};

void client_init(struct client *client, const struct client_config *config);

/* Frees the tasks. The engine has none of them. */
void client_release(struct client *client);

/* A new round of the loop. */
static inline void client_new_round(struct client *client)
{
    client->round_left = CLIENT_ROUND_MAX;
}

/* The same with fewer requests, because others wait. */
static inline void client_short_round(struct client *client, size_t requests)
{
    client->round_left = requests;
}

/* Reads requests from the front of `input`, as many as may begin and as are
 * left of the round, and puts those for the engine at the end of `requests`.
 * Returns how many bytes were used; the rest is to be given again, with more
 * behind it, once client_may_begin(), or in the next round. */
size_t client_feed(struct client *client, struct slice input,
                   struct request_list *requests);

/* Whether another request may begin. */
bool client_may_begin(const struct client *client);

/* Takes back a request that client_feed() or client_retry() gave out. Returns
 * its client. */
struct client *client_returned(struct request *request);

/* Appends to `out` the replies that are due, in order. Returns whether there
 * were any. */
bool client_collect(struct client *client, struct buf *out);

/* `len` bytes of what was collected have left the process. */
void client_drained(struct client *client, size_t len);

/* Whether client_retry() would give any out. */
bool client_may_retry(const struct client *client);

/* Gives postponed requests out again, once nothing is held any more: about as
 * many as were decided the last time, for the others would come back again. */
void client_retry(struct client *client, struct request_list *requests);

/* The daemon stops: nothing more is parsed or given to the engine, and requests
 * that are postponed, or come back postponed, are answered SHUTTING_DOWN. */
void client_stop(struct client *client);

/* Queues an error that no request asked for, after which nothing is parsed.
 * `sentence` is NULL or in static storage. */
void client_refuse(struct client *client, int status, const char *sentence);

/* Whether every request has been answered (though perhaps not drained). */
static inline bool client_is_idle(const struct client *client)
{
    return STAILQ_EMPTY(&client->tasks);
}

#endif
