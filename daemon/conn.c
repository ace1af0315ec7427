#include "daemon/conn.h"

#include "base/check.h"

#include <sys/ioctl.h>

enum { KEEPALIVE_S = 60 };

static uint64_t now_ms(const struct conn *conn)
{
    return uv_now(conn->host->loop);
}

struct conn *conn_new(struct conn_host *host, bool is_unix)
{
    struct conn *conn = calloc(1, sizeof(*conn));
    int status;

    if (conn == NULL) {
        return NULL;
    }
    conn->host = host;
    client_init(&conn->client, host->client_config);
    status = is_unix ? uv_pipe_init(host->loop, &conn->uv.pipe, 0)
                     : uv_tcp_init(host->loop, &conn->uv.tcp);
    CHECK(status == 0);
    conn->uv.handle.data = conn;
    conn->accepted_ms = now_ms(conn);
    conn->active_ms = conn->accepted_ms;
    return conn;
}

/* --- closing --------------------------------------------------------------
 */

void conn_release_if_done(struct conn *conn)
{
    if (!conn->closed || conn->client.with_engine > 0) {
        return;
    }
    conn->host->gone(conn->host, conn);
    client_release(&conn->client);
    buf_release(&conn->in);
    buf_release(&conn->out);
    buf_release(&conn->writing);
    free(conn->write);
    free(conn->shutdown);
    free(conn);
}

static void on_close(uv_handle_t *handle)
{
    struct conn *conn = handle->data;

    conn->closed = true;
    conn_release_if_done(conn);
}

void conn_close(struct conn *conn)
{
    if (!conn->closing) {
        conn->closing = true;
        conn->reading = false;
        uv_close(&conn->uv.handle, on_close);
    }
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
    struct conn *conn = request->handle->data;

    if (status < 0) {
        conn_close(conn);
    }
}

static bool is_drained(const struct conn *conn)
{
    return conn->write == NULL && buf_len(&conn->out) == 0;
}

static void start_reading(struct conn *conn);

/* The last reply is out. Reads on until the client closes: closing with unread
 * input would make the kernel reset the connection and drop the reply. */
static void linger(struct conn *conn)
{
    if (conn->lingering || conn->closing) {
        return;
    }
    conn->lingering = true;
    conn->linger_ms = now_ms(conn);
    conn->shutdown = malloc(sizeof(*conn->shutdown));
    if (conn->input_ended || conn->shutdown == NULL ||
        uv_shutdown(conn->shutdown, &conn->uv.stream, on_shutdown) < 0) {
        conn_close(conn);
        return;
    }
    start_reading(conn);
}

static void close_if_finished(struct conn *conn)
{
    if (conn->client.broken) {
        conn_close(conn);
    } else if (client_is_idle(&conn->client) && is_drained(conn) &&
               (conn->client.said_last || conn->input_ended)) {
        linger(conn);
    }
}

/* --- writing --------------------------------------------------------------
 */

static void write_more(struct conn *conn);

static void on_write(uv_write_t *request, int status)
{
    struct conn *conn = request->handle->data;

    client_drained(&conn->client, buf_len(&conn->writing));
    buf_release(&conn->writing);
    free(conn->write);
    conn->write = NULL;
    if (status < 0) {
        conn_close(conn);
        return;
    }
    conn->active_ms = now_ms(conn);
    write_more(conn);
    conn_advance(conn);
}

/* Hands `out` to libuv, which tells when it has gone. */
static void write_more(struct conn *conn)
{
    uv_buf_t bytes;

    if (conn->closing || conn->write != NULL || buf_len(&conn->out) == 0) {
        return;
    }
    conn->write = malloc(sizeof(*conn->write));
    if (conn->write == NULL) {
        conn->client.broken = true;
        return;
    }
    conn->writing = conn->out;
    conn->out = (struct buf){0};
    conn->progress_ms = now_ms(conn);
    conn->unwritten_bytes = buf_len(&conn->writing);
    bytes = uv_buf_init((char *)conn->writing.data + conn->writing.start,
                        (unsigned)buf_len(&conn->writing));
    if (uv_write(conn->write, &conn->uv.stream, &bytes, 1, on_write) < 0) {
        free(conn->write);
        conn->write = NULL;
        conn_close(conn);
    }
}

/* Most replies fit into the socket's buffer at once: they are tried from memory
 * that all connections share, and only what is left is kept. */
static void write_replies(struct conn *conn, struct buf *replies)
{
    struct slice rest = buf_slice(replies);
    uv_buf_t bytes =
        uv_buf_init((char *)replies->data + replies->start, (unsigned)rest.len);
    int written = 0;

    if (is_drained(conn)) {
        written = uv_try_write(&conn->uv.stream, &bytes, 1);
        if (written == UV_EAGAIN) {
            written = 0;
        }
    }
    if (written < 0) {
        conn_close(conn);
        return;
    }
    client_drained(&conn->client, (size_t)written);
    conn->active_ms = now_ms(conn);
    buf_append(&conn->out, rest.data + written, rest.len - (size_t)written);
    if (buf_failed(&conn->out)) {
        conn->client.broken = true;
    }
    write_more(conn);
}

static bool send_replies(struct conn *conn)
{
    struct buf *replies = conn->host->write_buffer;
    bool any = client_collect(&conn->client, replies);

    if (any && !conn->client.broken && !conn->closing) {
        write_replies(conn, replies);
    }
    buf_clear(replies);
    return any;
}

/* --- reading --------------------------------------------------------------
 */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct conn *conn = handle->data;
    bool is_late = conn->host->round_bytes >= CONN_ROUND_BYTES;

    (void)suggested;
    *buf = uv_buf_init((char *)conn->host->read_buffer,
                       is_late ? CONN_READ_BYTES_LITTLE : CONN_READ_BYTES);
}

/* client_feed(), and counts what it begins. */
static size_t feed(struct conn *conn, struct slice bytes)
{
    struct conn_host *host = conn->host;
    struct client *client = &conn->client;
    size_t with_engine = client->with_engine;
    size_t round_left = client->round_left;
    size_t used = client_feed(client, bytes, host->outbox);

    host->begun += client->with_engine - with_engine;
    host->round_requests += round_left - client->round_left;
    return used;
}

/* Keeps what could not be used yet, and when the request in it began. */
static void keep_rest(struct conn *conn, struct slice rest, bool any_used)
{
    bool was_empty = buf_len(&conn->in) == 0;

    buf_append_slice(&conn->in, rest);
    if (buf_failed(&conn->in)) {
        conn->client.broken = true;
    }
    if (was_empty || any_used) {
        conn->begun_ms = now_ms(conn);
    }
}

static void take_input(struct conn *conn, struct slice bytes)
{
    size_t used = 0;

    if (buf_len(&conn->in) == 0) {
        used = feed(conn, bytes);
    }
    if (used < bytes.len) {
        keep_rest(conn, slice_of(bytes.data + used, bytes.len - used),
                  used > 0);
    }
}

/* Begins what may begin of the input that was kept. */
static bool feed_kept(struct conn *conn)
{
    size_t used;

    if (buf_len(&conn->in) == 0 || conn->has_yielded) {
        return false;
    }
    used = feed(conn, buf_slice(&conn->in));
    buf_take(&conn->in, used);
    if (used > 0) {
        conn->begun_ms = now_ms(conn);
    }
    if (buf_len(&conn->in) == 0) {
        buf_release(&conn->in);
    }
    return used > 0;
}

static void stop_reading(struct conn *conn);

/* Lets the others have their turn before this connection has another. */
static void yield(struct conn *conn)
{
    if (!conn->has_yielded && !conn->closing) {
        conn->has_yielded = true;
        stop_reading(conn);
        conn->host->yield(conn->host, conn);
    }
}

static void begin_round(struct conn *conn)
{
    size_t share = conn->host->share(conn->host);

    client_short_round(&conn->client, share > 0 ? share : 1);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct conn *conn = stream->data;

    if (count == UV_EOF) {
        conn->input_ended = true;
        uv_read_stop(stream);
        conn->reading = false;
        if (conn->lingering) {
            conn_close(conn);
            return;
        }
    } else if (count < 0) {
        conn_close(conn);
        return;
    } else if (count > 0 && !conn->lingering) {
        conn->active_ms = now_ms(conn);
        conn->host->round_bytes += (size_t)count;
        begin_round(conn);
        take_input(conn, slice_of(buf->base, (size_t)count));
        if ((size_t)count == buf->len) {
            yield(conn); /* there is more: libuv would read on and on */
        }
    }
    conn_advance(conn);
}

static void start_reading(struct conn *conn)
{
    if (conn->reading || conn->closing || conn->input_ended) {
        return;
    }
    if (uv_read_start(&conn->uv.stream, on_alloc, on_read) < 0) {
        conn_close(conn);
        return;
    }
    conn->reading = true;
    conn->begun_ms = now_ms(conn);
}

static void stop_reading(struct conn *conn)
{
    if (conn->reading) {
        uv_read_stop(&conn->uv.stream);
        conn->reading = false;
    }
}

/* --- the whole ------------------------------------------------------------
 */

void conn_start(struct conn *conn)
{
    if (conn->uv.handle.type == UV_TCP) {
        uv_tcp_nodelay(&conn->uv.tcp, 1);
        uv_tcp_keepalive(&conn->uv.tcp, 1, KEEPALIVE_S);
    }
    start_reading(conn);
}

void conn_refuse(struct conn *conn, int status)
{
    client_refuse(&conn->client, status, NULL);
    conn_advance(conn);
}

static void balance_reading(struct conn *conn)
{
    if (conn->lingering || conn->closing || conn->has_yielded) {
        return;
    }
    if (client_may_begin(&conn->client)) {
        start_reading(conn);
    } else {
        stop_reading(conn);
    }
}

/* client_retry(), when it is this connection's turn. */
static void retry(struct conn *conn)
{
    struct conn_host *host = conn->host;

    if (!client_may_retry(&conn->client) || conn->has_yielded) {
        return;
    }
    if (host->share(host) == 0) {
        yield(conn);
    } else {
        client_retry(&conn->client, host->outbox);
        host->begun += conn->client.with_engine;
    }
}

void conn_advance(struct conn *conn)
{
    bool moved = true;

    while (moved && !conn->closing && !conn->client.broken) {
        moved = send_replies(conn);
        retry(conn);
        moved = feed_kept(conn) || moved;
    }
    if (conn->closing) {
        return;
    }
    if (conn->client.round_left == 0 && buf_len(&conn->in) > 0) {
        yield(conn);
    }
    balance_reading(conn);
    close_if_finished(conn);
}

void conn_resume(struct conn *conn)
{
    conn->has_yielded = false;
    begin_round(conn);
    conn_advance(conn);
}

void conn_stop(struct conn *conn)
{
    client_stop(&conn->client);
    stop_reading(conn);
    buf_release(&conn->in);
}

/* Closing with unread input resets the connection, and a reply that is still on
 * its way may be lost with it. */
static bool has_unread_input(const struct conn *conn)
{
    uv_os_fd_t fd;
    int unread = 0;

    return uv_fileno(&conn->uv.handle, &fd) == 0 &&
           ioctl(fd, FIONREAD, &unread) == 0 && unread > 0;
}

void conn_finish(struct conn *conn)
{
    conn_advance(conn);
    if (!conn->closing && client_is_idle(&conn->client) && is_drained(conn) &&
        !has_unread_input(conn)) {
        conn_close(conn);
    }
}

/* --- time -----------------------------------------------------------------
 */

static bool is_stuck_writing(struct conn *conn, uint64_t now)
{
    size_t unwritten = uv_stream_get_write_queue_size(&conn->uv.stream);

    if (conn->write == NULL || unwritten < conn->unwritten_bytes) {
        conn->unwritten_bytes = unwritten;
        conn->progress_ms = now;
        return false;
    }
    return now - conn->progress_ms > CONN_DRAIN_MS;
}

static bool is_too_slow(const struct conn *conn, uint64_t now)
{
    const struct conn_host *host = conn->host;

    if (conn->reading && buf_len(&conn->in) > 0) {
        return now - conn->begun_ms > host->request_timeout_ms;
    }
    if (!conn->client.spoke) {
        return now - conn->accepted_ms > CONN_FIRST_REQUEST_MS;
    }
    return host->idle_timeout_ms > 0 && !conn->has_yielded &&
           client_is_idle(&conn->client) && is_drained(conn) &&
           now - conn->active_ms > host->idle_timeout_ms;
}

void conn_check_time(struct conn *conn, uint64_t now)
{
    if (conn->closing) {
        return;
    }
    if (conn->lingering) {
        if (now - conn->linger_ms > CONN_LINGER_MS) {
            conn_close(conn);
        }
    } else if (is_stuck_writing(conn, now) || is_too_slow(conn, now)) {
        conn_close(conn);
    }
}
