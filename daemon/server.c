#include "daemon/server.h"

#include "base/check.h"
#include "base/log.h"
#include "daemon/conn.h"
#include "daemon/notify.h"
#include "daemon/returns.h"
#include "engine/engine.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,
    /* What one round of the loop does before sockets are read again. */
    ROUND_ACCEPTS_MAX = 64, /* of a listener */
    ROUND_CLOSES_MAX = 16,  /* of connections that waited too long */
    /* Of the kernel's buffers for each connection, one in each direction; it
     * takes twice that. Left to itself it would keep some MiB for a client that
     * only sends, or does not read, and as much again in replies: a thousand of
     * those use up what all of the machine's TCP may have. */
    SOCKET_BUFFER_BYTES = 128 * 1024,
    /* Connections over the limit that may linger to hear that they are. */
    REFUSED_MAX = 64,
    ACCEPT_AGAIN_MS = 100, /* after it has failed */
    /* Descriptors that are not connections: the store's files and a few. */
    DESCRIPTORS_RESERVED = 512,
    /* How long stopping waits for clients to take their last replies. */
    STOP_DRAIN_MS = 4000,
    STOP_DRAIN_FAILED_MS = 300,
    TICK_MS_MAX = 1000,
    TICK_MS_MIN = 10,
};

struct listener {
    uv_poll_t poll;
    struct server *server;
    struct bound bound;
};

TAILQ_HEAD(conn_list, conn);
TAILQ_HEAD(yield_list, conn);
STAILQ_HEAD(woken_list, conn);

struct server {
    struct conn_host host; /* first: connections know the server by it */
    uv_loop_t loop;
    struct client_config client_config;
    struct counters *counters;
    struct engine *engine; /* NULL: stopped */
    uint64_t connections_max;
    uint64_t started_ms;
    struct listener listeners[ADDRESSES_MAX];
    size_t listeners_count;
    struct conn_list conns;
    size_t conns_count;
    size_t refused_count;       /* of them, over the limit */
    struct yield_list yielding; /* connections that wait for a next round */
    struct request_list outbox;
    size_t with_engine; /* requests that have not come back */
    size_t sweeps;      /* of them, SWEEPs: they may wait for long */
    struct buf write_buffer;
    uint8_t read_buffer[CONN_READ_BYTES];
    /* Handles. */
    uv_prepare_t prepare; /* submits what timers and closing have begun */
    uv_check_t check;     /* submits what reading has begun */
    uv_idle_t next_round; /* keeps the loop from sleeping while any yields */
    uv_timer_t tick;
    uv_timer_t sweep;
    uv_timer_t stop_deadline;
    uv_timer_t accept_again;
    uv_signal_t terminate;
    uv_signal_t interrupt;
    bool accept_fails; /* and that was logged */
    uint64_t tick_ms;
    uint64_t ticked_ms;    /* when the last tick was */
    struct conn *unlooked; /* of its connections, the next to look at */
    /* Watching the engine. */
    uint64_t ticks_rung;
    /* Stopping. */
    bool stopping;
    int status;
    struct returns returns; /* from the engine's thread */
};

/* --- the engine -----------------------------------------------------------
 */

/* On the engine's thread. */
static void on_returned(void *arg, struct request_list *list)
{
    struct server *server = arg;

    returns_put(&server->returns, list);
}

/* On the thread of the turn that failed. */
static void on_failed(void *arg, int status, const char *why)
{
    struct server *server = arg;

    returns_fail(&server->returns, status, why);
}

/* An eighth of a turn; nothing while the engine has as much as two turns are,
 * or when this round has been long: whoever comes then waits behind all of
 * that. */
static size_t share(const struct conn_host *host)
{
    const struct server *server = (const struct server *)(const void *)host;
    size_t turn = server->engine == NULL ? CLIENT_ROUND_MAX
                                         : engine_turn_commands(server->engine);
    size_t share = turn / 8 > 0 ? turn / 8 : 1;

    if (host->round_requests >= CONN_ROUND_REQUESTS ||
        server->with_engine - server->sweeps + host->begun >= 2 * turn) {
        return 0;
    }
    return share < CLIENT_ROUND_MAX ? share : CLIENT_ROUND_MAX;
}

static bool is_busy(const struct server *server)
{
    return share(&server->host) == 0;
}

/* Those that have yielded so far, until it is busy: those that yield again
 * meanwhile wait behind the others. */
static void on_next_round(uv_idle_t *handle)
{
    struct server *server = handle->data;
    const struct conn *last = TAILQ_LAST(&server->yielding, yield_list);
    const struct conn *resumed = NULL;

    uv_idle_stop(handle);
    while (resumed != last && !is_busy(server)) {
        struct conn *conn = TAILQ_FIRST(&server->yielding);

        TAILQ_REMOVE(&server->yielding, conn, yielding);
        conn_resume(conn);
        resumed = conn;
    }
}

/* Whether the loop must not sleep. Where connections have yielded and the
 * engine is busy it may: what the engine gives back wakes it. */
static bool has_next_round(const struct server *server)
{
    return server->unlooked != NULL ||
           (!TAILQ_EMPTY(&server->yielding) && !is_busy(server));
}

static void on_yield(struct conn_host *host, struct conn *conn)
{
    struct server *server = (struct server *)(void *)host;

    TAILQ_INSERT_TAIL(&server->yielding, conn, yielding);
}

/* Gives the requests back to their clients, then lets each connection that got
 * any write once. */
static void take_returned(struct server *server, struct request_list *list)
{
    struct woken_list woken = STAILQ_HEAD_INITIALIZER(woken);
    struct request *request;
    struct conn *conn;

    while ((request = STAILQ_FIRST(list)) != NULL) {
        STAILQ_REMOVE_HEAD(list, link);
        server->with_engine--;
        server->sweeps -= request->command.verb == VERB_SWEEP;
        conn = conn_of(client_returned(request));
        if (!conn->is_woken) {
            conn->is_woken = true;
            STAILQ_INSERT_TAIL(&woken, conn, woken);
        }
    }
    while ((conn = STAILQ_FIRST(&woken)) != NULL) {
        STAILQ_REMOVE_HEAD(&woken, woken);
        conn->is_woken = false;
        conn_advance(conn);
        conn_release_if_done(conn);
    }
}

static void begin_stop(struct server *server, int status);

/* Counts the outbox as the engine's. True: it may be asked for a turn of it. */
static bool count_outbox(struct server *server)
{
    const struct request *request;
    size_t count = 0;
    bool has_keys = true;

    STAILQ_FOREACH (request, &server->outbox, link) {
        has_keys = has_keys && request->command.verb != VERB_SWEEP &&
                   request->command.verb != VERB_STATS;
        server->sweeps += request->command.verb == VERB_SWEEP;
        count++;
    }
    server->with_engine += count;
    server->host.begun = 0;
    return has_keys && count <= ENGINE_NOW_COMMANDS_MAX &&
           count <= engine_turn_commands(server->engine);
}

/* Has the engine decide the outbox: right here if that is little and the engine
 * has nothing else to do. */
static void submit_once(struct server *server, bool may_run_now)
{
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);
    bool is_alone = server->with_engine == 0;
    bool is_short = count_outbox(server);

    STAILQ_CONCAT(&list, &server->outbox);
    if (may_run_now && is_alone && is_short &&
        engine_run_now(server->engine, &list)) {
        take_returned(server, &list);
    } else {
        engine_submit(server->engine, &list);
    }
}

static void submit(struct server *server)
{
    bool is_first = true;

    /* What comes back may let connections begin more of what they hold. Others
     * wait meanwhile: that goes to the engine's thread. */
    while (server->engine != NULL && !STAILQ_EMPTY(&server->outbox)) {
        submit_once(server, is_first);
        is_first = false;
    }
}

static void take_all(struct server *server)
{
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);
    int failure = returns_take(&server->returns, &list);

    counters_set(server->counters, COUNTER_UPTIME_MS,
                 uv_now(&server->loop) - server->started_ms);
    take_returned(server, &list);
    if (failure < 0 && !server->stopping) {
        log_crit("storage failed, stopping: %s",
                 server->returns.failure_text.text);
        begin_stop(server, failure);
    }
}

/* --- connections ----------------------------------------------------------
 */

static void count_connections(struct server *server)
{
    counters_set(server->counters, COUNTER_CONNECTIONS,
                 server->conns_count - server->refused_count);
}

static void on_gone(struct conn_host *host, struct conn *conn)
{
    struct server *server = (struct server *)(void *)host;

    if (conn->has_yielded) {
        TAILQ_REMOVE(&server->yielding, conn, yielding);
    }
    if (server->unlooked == conn) {
        server->unlooked = TAILQ_NEXT(conn, link);
    }
    TAILQ_REMOVE(&server->conns, conn, link);
    server->conns_count--;
    server->refused_count -= conn->refused;
    count_connections(server);
}

static void add_conn(struct server *server, struct conn *conn)
{
    TAILQ_INSERT_TAIL(&server->conns, conn, link);
    server->conns_count++;
    conn->refused =
        server->conns_count - server->refused_count > server->connections_max;
    server->refused_count += conn->refused;
    count_connections(server);
}

/* Takes the socket over. */
static void take_connection(struct listener *listener, int fd)
{
    struct server *server = listener->server;
    bool is_unix = listener->bound.is_unix;
    struct conn *conn = conn_new(&server->host, is_unix);

    if (conn == NULL) {
        log_error("accepting a connection: out of memory");
        close(fd);
        return;
    }
    add_conn(server, conn);
    if ((is_unix ? uv_pipe_open(&conn->uv.pipe, fd)
                 : uv_tcp_open(&conn->uv.tcp, fd)) < 0) {
        close(fd);
        conn_close(conn);
    } else if (!conn->refused) {
        conn_start(conn);
    } else {
        counters_add(server->counters, COUNTER_CONNECTIONS_REFUSED, 1);
        conn_refuse(conn, E_BUSY);
        if (server->refused_count > REFUSED_MAX) {
            conn_close(conn);
        }
    }
}

static void start_accepting(struct server *server);

static void on_accept_again(uv_timer_t *timer)
{
    start_accepting(timer->data);
}

/* Those that wait go on waiting, and those that are connected are served. */
static void pause_accepting(struct server *server, int error)
{
    if (!server->accept_fails) {
        log_error("accepting a connection: %s", strerror(error));
    }
    server->accept_fails = true;
    for (size_t i = 0; i < server->listeners_count; i++) {
        uv_poll_stop(&server->listeners[i].poll);
    }
    uv_timer_start(&server->accept_again, on_accept_again, ACCEPT_AGAIN_MS, 0);
}

/* False: no other one waits, or it cannot be had. */
static bool accept_one(struct listener *listener)
{
    const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    /* cppcheck-suppress nullPointer ; the address is not wanted */
    int fd = accept4(listener->bound.fd, NULL, NULL, flags);

    if (fd >= 0) {
        listener->server->accept_fails = false;
        take_connection(listener, fd);
        return true;
    }
    if (errno == ECONNABORTED || errno == EINTR) {
        return true;
    }
    if (errno != EAGAIN) {
        pause_accepting(listener->server, errno);
    }
    return false;
}

/* libuv's own accepting does not come back while accept() fails. */
static void on_waiting(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = poll->data;
    int left = ROUND_ACCEPTS_MAX;

    (void)status;
    (void)events;
    while (left > 0 && accept_one(listener)) {
        left--;
    }
}

static void start_accepting(struct server *server)
{
    for (size_t i = 0; i < server->listeners_count && !server->stopping; i++) {
        uv_poll_start(&server->listeners[i].poll, UV_READABLE, on_waiting);
    }
}

/* --- timers ---------------------------------------------------------------
 */

/* Looks at the connections that the last tick has to look at, until some are
 * closed: to free what many of them held takes its time. */
static void look_at_some(struct server *server)
{
    uint64_t now_ms = uv_now(&server->loop);
    size_t closes = 0;

    while (server->unlooked != NULL && closes < ROUND_CLOSES_MAX) {
        struct conn *conn = server->unlooked;
        bool was_closing = conn->closing;

        server->unlooked = TAILQ_NEXT(conn, link);
        conn_check_time(conn, now_ms);
        closes += !was_closing && conn->closing;
    }
}

/* The manager's watchdog is fed only while the engine answers too. */
static void watch_engine(struct server *server)
{
    if (server->engine == NULL ||
        engine_ticks_served(server->engine) < server->ticks_rung) {
        return;
    }
    notify_alive();
    engine_tick(server->engine);
    server->ticks_rung++;
}

static void on_tick(uv_timer_t *timer)
{
    struct server *server = timer->data;
    uint64_t now_ms = uv_now(&server->loop);

    watch_engine(server);
    if (now_ms - server->ticked_ms <= 3 * server->tick_ms) {
        server->unlooked = TAILQ_FIRST(&server->conns);
    } else {
        /* The process stood still. What has arrived meanwhile is read before
         * anybody is found too slow. */
        server->unlooked = NULL;
    }
    server->ticked_ms = now_ms;
    look_at_some(server);
}

static void on_sweep(uv_timer_t *timer)
{
    struct server *server = timer->data;

    if (server->engine != NULL) {
        engine_sweep(server->engine);
    }
}

static uint64_t tick_ms(const struct config *config)
{
    uint64_t tick = TICK_MS_MAX;
    uint64_t often[] = {config->request_timeout / 4, config->idle_timeout / 4,
                        notify_watchdog_ms() / 3};

    for (size_t i = 0; i < sizeof(often) / sizeof(often[0]); i++) {
        if (often[i] > 0 && often[i] < tick) {
            tick = often[i];
        }
    }
    return tick < TICK_MS_MIN ? TICK_MS_MIN : tick;
}

/* --- a round of the loop --------------------------------------------------
 */

/* Before the loop sleeps. What has come back meanwhile is taken after a look at
 * the sockets: the engine may have the next turn ready whenever one is sent,
 * and nobody would be read for as long as that goes on. */
static void on_prepare(uv_prepare_t *handle)
{
    struct server *server = handle->data;

    server->host.round_bytes = 0;
    server->host.round_requests = 0;
    look_at_some(server);
    submit(server);
    if (has_next_round(server) || !returns_may_sleep(&server->returns)) {
        uv_idle_start(&server->next_round, on_next_round);
    }
}

/* After the sockets were read. */
static void on_check(uv_check_t *handle)
{
    submit(handle->data);
    take_all(handle->data);
}

/* --- stopping -------------------------------------------------------------
 */

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

static void close_listeners(struct server *server)
{
    for (size_t i = 0; i < server->listeners_count; i++) {
        struct listener *listener = &server->listeners[i];

        if (!uv_is_closing((uv_handle_t *)&listener->poll)) {
            address_unlink(&listener->bound);
            uv_close((uv_handle_t *)&listener->poll, NULL);
            close(listener->bound.fd);
        }
    }
}

static void each_conn(struct server *server, void (*visit)(struct conn *))
{
    struct conn *conn = TAILQ_FIRST(&server->conns);

    while (conn != NULL) {
        struct conn *next = TAILQ_NEXT(conn, link);

        visit(conn);
        conn = next;
    }
}

static void on_stop_deadline(uv_timer_t *timer)
{
    struct server *server = timer->data;

    each_conn(server, conn_close);
}

static void stop_engine(struct server *server)
{
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);
    int failure;

    submit(server);
    failure = engine_stop(server->engine);
    server->engine = NULL;
    if (failure < 0 && server->status == 0) {
        server->status = server->returns.failure;
        log_crit("storage failed while stopping: %s",
                 server->returns.failure_text.text);
    }
    (void)returns_take(&server->returns, &list);
    take_returned(server, &list);
}

/* Takes nothing new, finishes what the engine has, then lets every connection
 * write its replies and go. When a signal has asked for it, the signals are
 * given back to the system, so that a second one ends a process that hangs
 * here. */
static void begin_stop(struct server *server, int status)
{
    if (server->stopping) {
        return;
    }
    server->stopping = true;
    server->status = status;
    if (status == 0) {
        uv_signal_stop(&server->terminate);
        uv_signal_stop(&server->interrupt);
    }
    notify_stopping(status == 0 ? "finishing" : "storage failed");
    uv_timer_stop(&server->sweep);
    uv_timer_stop(&server->accept_again);
    close_listeners(server);
    /* First, so that nothing that comes back makes anything begin that the
     * engine could not take any more. */
    each_conn(server, conn_stop);
    stop_engine(server);
    each_conn(server, conn_finish);
    uv_timer_start(&server->stop_deadline, on_stop_deadline,
                   server->status == 0 ? STOP_DRAIN_MS : STOP_DRAIN_FAILED_MS,
                   0);
}

static void on_signal(uv_signal_t *handle, int number)
{
    log_info("signal %d: stopping", number);
    begin_stop(handle->data, 0);
}

/* --- starting -------------------------------------------------------------
 */

static uint64_t descriptors(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : UINT64_MAX;
}

int server_reserve_descriptors(const struct config *config, struct err *err)
{
    uint64_t fewest = 1 + REFUSED_MAX + DESCRIPTORS_RESERVED;
    uint64_t needed = config->max_connections - 1 + fewest;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < needed) {
        limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (descriptors() >= fewest) {
        return 0;
    }
    return err_set(err, E_CONFIG,
                   "only %llu descriptors, at least %llu are needed (ulimit "
                   "-n, LimitNOFILE=)",
                   (unsigned long long)descriptors(),
                   (unsigned long long)fewest);
}

/* As many connections as descriptors allow, beside the store's files. */
static uint64_t connections_max(uint64_t wanted)
{
    const uint64_t others = REFUSED_MAX + DESCRIPTORS_RESERVED;
    uint64_t possible = descriptors();

    possible = possible > others ? possible - others : 1;
    if (possible >= wanted) {
        return wanted;
    }
    log_warn("max_connections: only %llu, there are no more descriptors",
             (unsigned long long)possible);
    return possible;
}

static struct client_config client_settings(const struct config *config,
                                            struct counters *counters)
{
    return (struct client_config){
        .limits = {.key_bytes_max = config->max_key,
                   .receipt_bytes_max = config->max_receipt,
                   .ttl_ms_max = config->max_ttl,
                   .lease_ms_max = config->max_lease},
        .namespace = config->namespace,
        .inflight_max = config->max_inflight,
        .output_bytes_max = config->output_limit,
        .version = DEDUPD_VERSION,
        .counters = counters,
    };
}

static void init_handles(struct server *server)
{
    uv_loop_t *loop = &server->loop;

    uv_prepare_init(loop, &server->prepare);
    uv_check_init(loop, &server->check);
    uv_idle_init(loop, &server->next_round);
    uv_timer_init(loop, &server->tick);
    uv_timer_init(loop, &server->sweep);
    uv_timer_init(loop, &server->stop_deadline);
    uv_timer_init(loop, &server->accept_again);
    uv_signal_init(loop, &server->terminate);
    uv_signal_init(loop, &server->interrupt);
    server->prepare.data = server;
    server->check.data = server;
    server->next_round.data = server;
    server->tick.data = server;
    server->sweep.data = server;
    server->stop_deadline.data = server;
    server->accept_again.data = server;
    server->terminate.data = server;
    server->interrupt.data = server;
}

static void mask_signals(int how)
{
    sigset_t set;
    int status;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    status = pthread_sigmask(how, &set, NULL);
    CHECK(status == 0);
}

void server_block_signals(void)
{
    mask_signals(SIG_BLOCK);
}

static void start_handles(struct server *server, const struct config *config)
{
    uint64_t tick = tick_ms(config);

    server->tick_ms = tick;
    server->ticked_ms = uv_now(&server->loop);
    uv_prepare_start(&server->prepare, on_prepare);
    uv_check_start(&server->check, on_check);
    uv_timer_start(&server->tick, on_tick, tick, tick);
    uv_timer_start(&server->sweep, on_sweep, config->sweep_interval,
                   config->sweep_interval);
    uv_signal_start(&server->terminate, on_signal, SIGTERM);
    uv_signal_start(&server->interrupt, on_signal, SIGINT);
    mask_signals(SIG_UNBLOCK);
}

static struct server *server_new(const struct config *config,
                                 struct counters *counters)
{
    struct server *server = calloc(1, sizeof(*server));

    if (server == NULL) {
        return NULL;
    }
    if (uv_loop_init(&server->loop) != 0) {
        free(server);
        return NULL;
    }
    if (returns_init(&server->returns, &server->loop) < 0) {
        uv_loop_close(&server->loop);
        free(server);
        return NULL;
    }
    server->counters = counters;
    server->client_config = client_settings(config, counters);
    server->connections_max = connections_max(config->max_connections);
    server->started_ms = uv_now(&server->loop);
    server->host = (struct conn_host){
        .loop = &server->loop,
        .client_config = &server->client_config,
        .request_timeout_ms = config->request_timeout,
        .idle_timeout_ms = config->idle_timeout,
        .outbox = &server->outbox,
        .read_buffer = server->read_buffer,
        .write_buffer = &server->write_buffer,
        .share = share,
        .yield = on_yield,
        .gone = on_gone,
    };
    TAILQ_INIT(&server->conns);
    TAILQ_INIT(&server->yielding);
    STAILQ_INIT(&server->outbox);
    init_handles(server);
    return server;
}

static void server_free(struct server *server)
{
    int status;

    uv_walk(&server->loop, close_handle, NULL);
    uv_run(&server->loop, UV_RUN_DEFAULT);
    status = uv_loop_close(&server->loop);
    CHECK(status == 0);
    returns_release(&server->returns);
    buf_release(&server->write_buffer);
    free(server);
}

/* Connections inherit them. */
static void set_buffers(int fd)
{
    int bytes = SOCKET_BUFFER_BYTES;

    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

/* Takes the sockets over; nobody can connect yet. */
static int open_listeners(struct server *server, const struct bound *bound,
                          size_t count, struct err *err)
{
    int result = 0;

    for (size_t i = 0; i < count; i++) {
        struct listener *listener = &server->listeners[server->listeners_count];
        int status = uv_poll_init(&server->loop, &listener->poll, bound[i].fd);

        if (status < 0) {
            result = err_set(err, E_CONFIG, "listen: %s: %s", bound[i].text,
                             uv_strerror(status));
            address_unlink(&bound[i]);
            close(bound[i].fd);
            continue;
        }
        set_buffers(bound[i].fd);
        listener->poll.data = listener;
        listener->server = server;
        listener->bound = bound[i];
        server->listeners_count++;
    }
    return result;
}

static int listen_all(struct server *server, struct err *err)
{
    for (size_t i = 0; i < server->listeners_count; i++) {
        const struct bound *bound = &server->listeners[i].bound;

        if (listen(bound->fd, BACKLOG) < 0) {
            return err_set(err, E_CONFIG, "listen: %s: %s", bound->text,
                           strerror(errno));
        }
    }
    start_accepting(server);
    return 0;
}

static int start_engine(struct server *server, const struct config *config,
                        struct store *store, struct err *err)
{
    struct engine_config engine_config = {
        .rules = {.grace_ms = config->grace,
                  .ttl_ms = config->ttl,
                  .lease_ms = config->lease,
                  .lease_ms_max = config->max_lease,
                  .require_fence = config->require_fence != 0},
        .min_free_bytes = config->min_free,
        .receipt_bytes_max = config->max_receipt,
    };
    struct engine_callbacks callbacks = {on_returned, on_failed, server};
    char boot_id[BOOT_ID_BYTES];
    int status = 0;

    if (!clock_boot_id(boot_id)) {
        log_warn("the boot id cannot be read: after a restart time goes on "
                 "from the wall clock");
    }
    server->engine = engine_start(store, &clock_system, boot_id, &engine_config,
                                  &callbacks, server->counters, &status, err);
    return status;
}

static void announce(const struct server *server)
{
    for (size_t i = 0; i < server->listeners_count; i++) {
        const struct bound *bound = &server->listeners[i].bound;

        if (!bound->is_loopback) {
            log_warn("%s: whoever reaches this address may use every key",
                     bound->text);
        }
        log_info("ready: listening on %s", bound->text);
    }
    notify_ready("serving");
}

struct server *server_start(const struct config *config, struct store *store,
                            struct bound *bound, size_t bound_count,
                            struct counters *counters, int *status,
                            struct err *err)
{
    struct server *server = server_new(config, counters);

    if (server == NULL) {
        address_close_all(bound, bound_count);
        *status = err_set(err, E_MEMORY, "out of memory");
        return NULL;
    }
    *status = open_listeners(server, bound, bound_count, err);
    if (*status == 0) {
        *status = start_engine(server, config, store, err);
    }
    if (*status == 0) {
        *status = listen_all(server, err);
    }
    if (*status < 0) {
        close_listeners(server);
        if (server->engine != NULL) {
            engine_stop(server->engine);
        }
        server_free(server);
        return NULL;
    }
    start_handles(server, config);
    announce(server);
    return server;
}

/* --- running --------------------------------------------------------------
 */

int server_run(struct server *server)
{
    int status;

    while (!server->stopping || server->conns_count > 0) {
        uv_run(&server->loop, UV_RUN_ONCE);
    }
    status = server->status;
    server_free(server);
    return status;
}
