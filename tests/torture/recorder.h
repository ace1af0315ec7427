/* Many clients of one daemon, in one loop, and the history of what they asked
 * and were told.
 *
 * They pipeline up to 32 requests, rest, lose their connections, ask again and
 * read what the last life of the daemon has touched. What is not answered stays
 * open until the daemon is known to have nothing of that connection in hand any
 * more, or has ended. */
#ifndef TESTS_TORTURE_RECORDER_H
#define TESTS_TORTURE_RECORDER_H

#include "tests/lib/process.h"
#include "tests/torture/peer.h"
#include "tests/torture/workload.h"

enum {
    RECORDER_CLIENTS = 16,
    RECORDER_READER = 0, /* the client that first reads what was touched */
    RECORDER_PROBE = RECORDER_CLIENTS, /* asks how many connections are left */
    RECORDER_PEERS = RECORDER_CLIENTS + 1,
};

enum cut { CUT_NONE, CUT_CLOSE, CUT_RESET, CUT_HALF_CLOSE, CUT_KINDS };

struct recorder_client {
    struct peer peer;
    uint32_t number;  /* of the connection */
    uint64_t next_us; /* it asks nothing before */
    enum cut cut;     /* what its connection will come to */
    uint64_t cut_us;  /* and when */
};

/* An op without an answer. */
struct open_op {
    struct op op;
    uint64_t cut_us; /* of its connection; UINT64_MAX: open until the daemon's
                        end */
};

/* One thread. */
struct recorder {
    struct history history; /* owned */
    struct workload workload;
    struct rng rng;
    uint64_t rest_us; /* between two bursts of a client in this life, at most */
    bool reads_only;  /* nothing but what workload_next_unread() gives */
    unsigned port;
    uint32_t life;
    uint32_t connections; /* so far */
    struct recorder_client clients[RECORDER_PEERS];
    uint64_t probed_us;   /* when the last STATS was sent */
    struct open_op *open; /* owned */
    size_t open_count;
    size_t open_room;
    size_t unknown; /* ops in the history */
    struct parsed parsed;
    struct buf wrong; /* not empty: a reply that no daemon may give, as text */
};

void recorder_init(struct recorder *recorder, const struct profile *profile,
                   uint64_t seed);
void recorder_release(struct recorder *recorder);

/* Microseconds of the history's clock. */
uint64_t recorder_now_us(void);

/* The next life of the daemon has begun and listens at this port. */
void recorder_begin(struct recorder *recorder, unsigned port, bool reads_only);

/* Clients work until then. False, earlier, when the daemon has ended or a reply
 * was wrong. */
bool recorder_run(struct recorder *recorder, const struct process *daemon,
                  uint64_t until_us);

/* Clients work until everything that was to be read has been. False when it was
 * not by then, or as above. */
bool recorder_read(struct recorder *recorder, const struct process *daemon,
                   uint64_t until_us);

/* The daemon's process has ended; it was gone by then. Takes the answers that
 * are still on their way, and closes all connections. */
void recorder_end(struct recorder *recorder, uint64_t ended_us);

#endif
