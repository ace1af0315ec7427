/* One connection: a client and the socket it talks through.
 *
 * Happy path: bytes are read into a buffer that all connections share, whole
 * requests begin at once, replies that are due after a turn of the engine leave
 * in one write. A connection that waits for the engine owns no buffer.
 *
 * What can go wrong: the client sends more than may begin (its socket is not
 * read for a while), sends without end (it yields to the others after a buffer
 * or CLIENT_ROUND_MAX requests), reads too little (nothing more begins, and it
 * is closed when nothing drains), goes away (what it began is finished, the
 * replies are dropped), or stops in the middle of a request (it is closed). The
 * memory of a connection is freed when its handle is closed, its write is over
 * and the engine has none of its requests.
 *
 * Network thread only. */
#ifndef DAEMON_CONN_H
#define DAEMON_CONN_H

#include "daemon/client.h"

#include <uv.h>

enum {
    CONN_READ_BYTES = 64 * 1024, /* read at a time */
    /* What all connections together may do in a round of the loop; beyond it
     * they are read little at a time, and begin one request. */
    CONN_ROUND_BYTES = 512 * 1024,
    CONN_ROUND_REQUESTS = 1024,
    CONN_READ_BYTES_LITTLE = 1024,
    /* A connection that has answered for the last time reads on for so long, so
     * that unread input does not make the kernel discard the last reply. */
    CONN_LINGER_MS = 2000,
    CONN_DRAIN_MS = 10000, /* without progress in writing */
    /* Without ever a whole request. */
    CONN_FIRST_REQUEST_MS = 5 * 60 * 1000,
};

/* What connections need of the server, which implements it. */
struct conn;

struct conn_host {
    uv_loop_t *loop;
    const struct client_config *client_config;
    uint64_t request_timeout_ms;
    uint64_t idle_timeout_ms;    /* 0: off */
    struct request_list *outbox; /* requests for the engine; the host submits
                                    them soon */
    uint8_t *read_buffer;        /* CONN_READ_BYTES */
    size_t round_bytes;          /* read in this round of the loop */
    size_t round_requests;       /* looked at in this round */
    size_t begun;                /* put into the outbox, and still there */
    struct buf *write_buffer;    /* empty between two calls */
    /* How many requests a connection may begin before it yields: at most
     * CLIENT_ROUND_MAX. 0: so much is under way that only those who wait for
     * nothing yet begin one. */
    size_t (*share)(const struct conn_host *host);
    /* Has conn_resume() called in a later round of the loop, when it is not
     * busy, in the order of the calls. */
    void (*yield)(struct conn_host *host, struct conn *conn);
    /* The connection is about to be freed. */
    void (*gone)(struct conn_host *host, struct conn *conn);
};

/* A socket of either kind, and what they have in common. */
union uv_any {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
};

struct conn {
    union uv_any uv;
    TAILQ_ENTRY(conn) link;     /* the host's */
    STAILQ_ENTRY(conn) woken;   /* the host's: it has replies to collect */
    TAILQ_ENTRY(conn) yielding; /* the host's: waits for its next round */
    bool has_yielded;
    bool is_woken;          /* the host's */
    bool refused;           /* the host's: over the connection limit */
    struct conn_host *host; /* borrowed */
    struct client client;
    struct buf in;           /* received and not used yet */
    struct buf out;          /* to be written after `writing` */
    struct buf writing;      /* being written by libuv */
    uv_write_t *write;       /* NULL: no write is under way */
    uv_shutdown_t *shutdown; /* NULL: not shut down */
    size_t unwritten_bytes;  /* of the write, when last looked at */
    bool reading;
    bool input_ended;
    bool lingering;
    bool closing;         /* uv_close() was called */
    bool closed;          /* and has called back */
    uint64_t accepted_ms; /* all in the loop's time */
    uint64_t begun_ms;    /* when the request in `in` began */
    uint64_t active_ms;   /* when a request came or a reply left */
    uint64_t progress_ms; /* when the write last got further */
    uint64_t linger_ms;   /* since when it lingers */
};

/* A new connection with its handle initialised for a socket of the listener's
 * kind, to be given to uv_accept(). NULL when memory runs out. */
struct conn *conn_new(struct conn_host *host, bool is_unix);

/* After uv_accept() succeeded: starts reading. */
void conn_start(struct conn *conn);

/* Answers one error and closes. */
void conn_refuse(struct conn *conn, int status);

/* Replies may be due: writes them, and begins what may begin. */
void conn_advance(struct conn *conn);

/* The next round for a connection that has yielded. */
void conn_resume(struct conn *conn);

/* Closes what has waited too long. */
void conn_check_time(struct conn *conn, uint64_t now_ms);

/* The daemon stops, in two steps. First nothing more is read or begun; then,
 * when the engine has given everything back, replies leave and the connection
 * closes once they are out. */
void conn_stop(struct conn *conn);
void conn_finish(struct conn *conn);

/* Closes now. What the engine has of it still comes back. */
void conn_close(struct conn *conn);

/* Frees the connection if nothing refers to it any more. */
void conn_release_if_done(struct conn *conn);

static inline struct conn *conn_of(struct client *client)
{
    return (struct conn *)(void *)((char *)client -
                                   offsetof(struct conn, client));
}

#endif
