#include "tests/lib/client.h"

#include "base/banned.h"
#include "base/check.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CHUNK_BYTES = 65536 };

/* --- connections ------------------------------------------------------------
 */

void client_open(struct client *client, const struct daemon *daemon)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)daemon->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int on = 1;

    *client = (struct client){0};
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(client->fd, 0);
    ck_assert_msg(connect(client->fd, (struct sockaddr *)&to, sizeof(to)) == 0,
                  "cannot connect: %s", strerror(errno));
    ck_assert_int_eq(
        setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
    fcntl(client->fd, F_SETFL, O_NONBLOCK);
}

bool client_try_unix(struct client *client, const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};

    *client = (struct client){0};
    ck_assert_uint_lt(strlen(path), sizeof(to.sun_path));
    memcpy(to.sun_path, path, strlen(path));
    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(client->fd, 0);
    if (connect(client->fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        client_close(client);
        return false;
    }
    fcntl(client->fd, F_SETFL, O_NONBLOCK);
    return true;
}

void client_open_unix(struct client *client, const char *path)
{
    ck_assert_msg(client_try_unix(client, path), "cannot connect to %s", path);
}

void client_close(struct client *client)
{
    close(client->fd);
    buf_release(&client->in);
    buf_release(&client->text);
}

void client_reset(struct client *client)
{
    struct linger now = {.l_onoff = 1};

    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    client_close(client);
}

void client_half_close(struct client *client)
{
    shutdown(client->fd, SHUT_WR);
}

/* --- bytes ------------------------------------------------------------------
 */

bool client_poll(struct client *client)
{
    ssize_t got = 1;

    while (!client->ended && got > 0) {
        got = recv(client->fd, buf_reserve(&client->in, CHUNK_BYTES),
                   CHUNK_BYTES, 0);
        if (got > 0) {
            buf_commit(&client->in, (size_t)got);
        } else if (got == 0 || errno != EAGAIN) {
            client->ended = true;
        }
    }
    return !client->ended;
}

/* Waits for `events` or for the deadline, which fails the test. */
static void await(struct client *client, short events, uint64_t until_ms)
{
    struct pollfd fd = {.fd = client->fd, .events = events};

    ck_assert_msg(poll(&fd, 1, left_ms(until_ms)) > 0,
                  "nothing happens on the connection");
}

/* Receives at least one more byte; false when the daemon has closed. */
static bool receive(struct client *client, uint64_t until_ms)
{
    size_t before = buf_len(&client->in);

    while (client_poll(client) && buf_len(&client->in) == before) {
        await(client, POLLIN, until_ms);
    }
    return buf_len(&client->in) > before;
}

void client_push(struct client *client, struct slice bytes)
{
    ssize_t sent =
        send(client->fd, bytes.data, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);

    ck_assert(sent >= 0 || errno == EAGAIN);
}

void client_send_bytes(struct client *client, struct slice bytes)
{
    uint64_t until_ms = now_ms() + WAIT_MS;

    while (bytes.len > 0) {
        ssize_t sent = send(client->fd, bytes.data, bytes.len, MSG_NOSIGNAL);

        if (sent > 0) {
            bytes = slice_of(bytes.data + sent, bytes.len - (size_t)sent);
        } else if (errno != EAGAIN) {
            return;
        } else {
            await(client, POLLIN | POLLOUT, until_ms);
            client_poll(client);
        }
    }
}

void client_send(struct client *client, const char *text)
{
    client_send_bytes(client, slice_str(text));
}

/* --- replies ----------------------------------------------------------------
 */

/* Makes the collected text readable as a string. */
static const char *finish(struct client *client)
{
    buf_append_byte(&client->text, 0);
    CHECK(!buf_failed(&client->text));
    return (const char *)buf_slice(&client->text).data;
}

/* Moves the next line, without its end, to `line`, which stays valid until
 * more is received. False when there is none. */
static bool take_line(struct client *client, struct slice *line)
{
    uint64_t until_ms = now_ms() + WAIT_MS;
    struct slice in = buf_slice(&client->in);
    const uint8_t *end;

    while ((end = in.len == 0 ? NULL : memchr(in.data, '\n', in.len)) == NULL) {
        if (!receive(client, until_ms)) {
            return false;
        }
        in = buf_slice(&client->in);
    }
    *line = slice_of(in.data, (size_t)(end - in.data));
    buf_take(&client->in, line->len + 1);
    return true;
}

const char *client_line(struct client *client)
{
    struct slice line;

    buf_clear(&client->text);
    if (!take_line(client, &line)) {
        return NULL;
    }
    buf_append_slice(&client->text, line);
    return finish(client);
}

const char *client_ask(struct client *client, const char *request)
{
    client_send(client, request);
    client_send(client, "\n");
    return client_line(client);
}

const char *client_rest(struct client *client)
{
    uint64_t until_ms = now_ms() + WAIT_MS;

    while (receive(client, until_ms)) {
    }
    buf_clear(&client->text);
    buf_append_slice(&client->text, buf_slice(&client->in));
    buf_clear(&client->in);
    return finish(client);
}

static void show_bytes(struct buf *to, struct slice bytes)
{
    char hex[8];

    buf_append_byte(to, '"');
    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t byte = bytes.data[i];

        if (byte < ' ' || byte > '~' || byte == '"' || byte == '\\') {
            snprintf(hex, sizeof(hex), "\\x%02x", byte);
            buf_append_str(to, hex);
        } else {
            buf_append_byte(to, byte);
        }
    }
    buf_append_byte(to, '"');
}

/* Appends the next `len` bytes and drops them and the CRLF behind. */
static bool show_bulk(struct client *client, size_t len)
{
    uint64_t until_ms = now_ms() + WAIT_MS;

    while (buf_len(&client->in) < len + 2) {
        if (!receive(client, until_ms)) {
            return false;
        }
    }
    show_bytes(&client->text, slice_of(buf_slice(&client->in).data, len));
    ck_assert_mem_eq(buf_slice(&client->in).data + len, "\r\n", 2);
    buf_take(&client->in, len + 2);
    return true;
}

static bool show_resp(struct client *client, unsigned depth);

static bool show_array(struct client *client, size_t count, unsigned depth)
{
    ck_assert_uint_lt(depth, 2);
    buf_append_byte(&client->text, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            buf_append_byte(&client->text, ',');
        }
        if (!show_resp(client, depth + 1)) {
            return false;
        }
    }
    buf_append_byte(&client->text, ']');
    return true;
}

static bool show_resp(struct client *client, unsigned depth)
{
    struct slice line;
    size_t number;

    if (!take_line(client, &line)) {
        return false;
    }
    ck_assert_uint_ge(line.len, 2);
    ck_assert_int_eq(line.data[line.len - 1], '\r');
    number = (size_t)strtoul((const char *)line.data + 1, NULL, 10);
    switch (line.data[0]) {
    case '+':
    case ':':
        buf_append(&client->text, line.data + 1, line.len - 2);
        return true;
    case '-':
        buf_append(&client->text, line.data, line.len - 1);
        return true;
    case '$':
        return show_bulk(client, number);
    case '*':
        return show_array(client, number, depth);
    default:
        ck_abort_msg("not a RESP reply: %.*s", (int)line.len,
                     (const char *)line.data);
    }
    return false;
}

const char *client_resp(struct client *client)
{
    buf_clear(&client->text);
    return show_resp(client, 0) ? finish(client) : NULL;
}

static void append_bulk(struct buf *to, const char *word, size_t len)
{
    buf_append_str(to, "$");
    buf_append_u64(to, len);
    buf_append_str(to, "\r\n");
    buf_append(to, word, len);
    buf_append_str(to, "\r\n");
}

const char *client_resp_ask(struct client *client, const char *words)
{
    struct buf bulks = {0};
    struct buf request = {0};
    size_t count = 0;

    while (*words != '\0') {
        size_t len = strcspn(words, " ");

        append_bulk(&bulks, words, len);
        words += len + (words[len] == ' ');
        count++;
    }
    buf_append_str(&request, "*");
    buf_append_u64(&request, count);
    buf_append_str(&request, "\r\n");
    buf_append_slice(&request, buf_slice(&bulks));
    client_send_bytes(client, buf_slice(&request));
    buf_release(&request);
    buf_release(&bulks);
    return client_resp(client);
}
