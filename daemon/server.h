/* The server: listeners, connections, timers and the engine on one loop.
 *
 * In flight, and what ends it: a request with the engine (comes back through
 * `returned`), a write (libuv's callback), a lingering connection (its time),
 * a sweep (the engine's). server_run() returns when all of them are over. */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

#include "daemon/address.h"
#include "daemon/config.h"
#include "storage/store.h"

struct server;

/* Takes the bound sockets over, makes them listen, starts the engine on the
 * store (borrowed), and says "ready" for each address. NULL with *status and a
 * sentence in `err` otherwise; the sockets are closed then. */
struct server *server_start(const struct config *config, struct store *store,
                            struct bound *bound, size_t bound_count,
                            struct counters *counters, int *status,
                            struct err *err);

/* Raises the limit of descriptors as far as it is needed and possible. E_CONFIG
 * where the store's files alone might need more than there are, for then it
 * would fail at any time. To be called before the store is opened. */
must_check int server_reserve_descriptors(const struct config *config,
                                          struct err *err);

/* Holds SIGTERM and SIGINT back until the server can act on them, in all
 * threads that are started from now on for good. To be called before the store
 * is opened: it may take a while to recover, and is closed cleanly then. */
void server_block_signals(void);

/* Serves until SIGTERM or SIGINT, or until the store fails; a second signal
 * after one that has stopped it ends the process at once. Returns 0 or the
 * status to end with. Frees the server. */
int server_run(struct server *server);

#endif
