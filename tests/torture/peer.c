#include "tests/torture/peer.h"

#include "tests/lib/command_bytes.h"
#include "tests/torture/words.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE_BYTES = 65536 };

/* --- connections ---------------------------------------------------------- */

bool peer_open(struct peer *peer, unsigned port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    CHECK(fd >= 0);
    if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0 &&
        errno != EINPROGRESS) {
        close(fd);
        return false;
    }
    CHECK(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
    peer->fd = fd;
    peer->established = false;
    peer->answered_us = UINT64_MAX;
    peer->half_closed = false;
    peer->elsewhere = false;
    return true;
}

void peer_close(struct peer *peer, bool reset)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    if (reset) {
        setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    }
    close(peer->fd);
    peer->fd = -1;
    peer->count = 0;
    buf_clear(&peer->in);
    buf_clear(&peer->out);
}

void peer_release(struct peer *peer)
{
    if (peer->fd >= 0) {
        peer_close(peer, false);
    }
    buf_release(&peer->in);
    buf_release(&peer->out);
}

void peer_half_close(struct peer *peer)
{
    shutdown(peer->fd, SHUT_WR);
    peer->half_closed = true;
}

/* --- requests ------------------------------------------------------------- */

static void append(struct peer *peer, const struct command *command, bool resp)
{
    if (resp) {
        command_resp(&peer->out, command);
    } else {
        command_line(&peer->out, command);
    }
    CHECK(!buf_failed(&peer->out));
}

static void expect(struct peer *peer, const struct pending *pending)
{
    CHECK(peer->count < PEER_PENDING_MAX);
    peer->pending[(peer->first + peer->count++) % PEER_PENDING_MAX] = *pending;
}

static void append_op(struct peer *peer, const struct op *op, bool resp)
{
    struct buf key = {0};
    struct buf owner = {0};
    struct buf fp = {0};
    struct buf receipt = {0};

    word_key(op->key, &key);
    word_owner(op->owner, &owner);
    word_fp(op->fp, &fp);
    word_receipt(op->receipt, &receipt);
    append(peer,
           &(struct command){
               .verb = op->verb,
               .given = (op->fence != 0 ? (unsigned)OPTION_FENCE : 0) |
                        (op->owner != 0 ? (unsigned)OPTION_OWNER : 0) |
                        (op->fp != 0 ? (unsigned)OPTION_FP : 0) |
                        (op->lease_ms != 0 ? (unsigned)OPTION_LEASE : 0) |
                        (op->ttl_ms != 0 ? (unsigned)OPTION_TTL : 0),
               .key = buf_slice(&key),
               .receipt = buf_slice(&receipt),
               .owner = buf_slice(&owner),
               .fp = buf_slice(&fp),
               .fence = op->fence,
               .lease_ms = op->lease_ms,
               .ttl_ms = op->ttl_ms,
           },
           resp);
    buf_release(&key);
    buf_release(&owner);
    buf_release(&fp);
    buf_release(&receipt);
}

static void choose_namespace(struct peer *peer, bool elsewhere, bool resp)
{
    const char *name = elsewhere ? word_other_namespace : word_namespace;

    if (peer->elsewhere == elsewhere) {
        return;
    }
    peer->elsewhere = elsewhere;
    append(peer,
           &(struct command){.verb = VERB_NAMESPACE, .name = slice_str(name)},
           resp);
    expect(peer, &(struct pending){.kind = PENDING_NAMESPACE, .resp = resp});
}

void peer_ask(struct peer *peer, const struct op *op, bool resp)
{
    choose_namespace(peer, word_key_is_elsewhere(op->key), resp);
    append_op(peer, op, resp);
    expect(peer,
           &(struct pending){.kind = PENDING_OP, .resp = resp, .op = *op});
}

void peer_ask_half(struct peer *peer, const struct op *op, bool resp)
{
    size_t before = buf_len(&peer->out);
    size_t len;

    append_op(peer, op, resp);
    len = (buf_len(&peer->out) - before) / 2;
    peer->out.end -= buf_len(&peer->out) - before - len;
}

void peer_ask_stats(struct peer *peer)
{
    append(peer, &(struct command){.verb = VERB_STATS}, false);
    expect(peer, &(struct pending){.kind = PENDING_STATS});
}

void peer_ask_sweep(struct peer *peer, bool resp)
{
    append(peer, &(struct command){.verb = VERB_SWEEP}, resp);
    expect(peer, &(struct pending){.kind = PENDING_SWEEP, .resp = resp});
}

/* --- bytes ---------------------------------------------------------------- */

bool peer_send(struct peer *peer)
{
    while (buf_len(&peer->out) > 0) {
        struct slice out = buf_slice(&peer->out);
        ssize_t sent = send(peer->fd, out.data, out.len, MSG_NOSIGNAL);

        if (sent < 0) {
            /* ENOTCONN: it is still connecting. */
            return errno == EAGAIN || errno == ENOTCONN;
        }
        buf_take(&peer->out, (size_t)sent);
    }
    return true;
}

bool peer_receive(struct peer *peer)
{
    ssize_t got;

    do {
        uint8_t *to = buf_reserve(&peer->in, PIECE_BYTES);

        CHECK(to != NULL);
        got = recv(peer->fd, to, PIECE_BYTES, 0);
        if (got > 0) {
            buf_commit(&peer->in, (size_t)got);
        }
    } while (got == PIECE_BYTES);
    return got > 0 || (got < 0 && errno == EAGAIN);
}

/* --- replies -------------------------------------------------------------- */

static void answer(struct op *op, const struct reply *reply)
{
    op_set_answer(op, reply);
    op->got_owner = word_owner_number(reply->owner);
    if (reply->kind == REPLY_COMPLETED) {
        op->got_receipt = word_receipt_number(reply->receipt);
    }
}

/* Every request is well-formed and within all limits, and no record is
 * damaged. */
static bool may_be_refused(int error)
{
    switch (error) {
    case E_SYNTAX:
    case E_UNKNOWN_COMMAND:
    case E_LIMIT:
    case E_CORRUPT:
    case E_AUTH:
    case E_DENIED:
        return false;
    default:
        return true;
    }
}

static bool is_stopping(const struct reply *reply)
{
    return reply->kind == REPLY_ERROR && reply->error == E_SHUTTING_DOWN;
}

static bool answers(const struct pending *pending, const struct reply *reply)
{
    switch (pending->kind) {
    case PENDING_NAMESPACE:
        return reply->kind == REPLY_OK || is_stopping(reply);
    case PENDING_STATS:
        return reply->kind == REPLY_STATS || is_stopping(reply);
    case PENDING_SWEEP:
        return reply->kind == REPLY_SWEPT || is_stopping(reply);
    case PENDING_OP:
    default:
        return reply->kind == REPLY_ERROR
                   ? may_be_refused(reply->error)
                   : reply->kind >= REPLY_OK && reply->kind <= REPLY_NOT_FOUND;
    }
}

enum parse_state peer_take(struct peer *peer, struct parsed *parsed,
                           struct pending *pending)
{
    enum parse_state state;

    if (buf_len(&peer->in) == 0) {
        return PARSE_MORE;
    }
    if (peer->count == 0) {
        *parsed = (struct parsed){.wrong = "nothing", .memory = parsed->memory};
        return PARSE_WRONG;
    }
    *pending = peer->pending[peer->first];
    state = reply_parse(parsed, pending->resp, buf_slice(&peer->in));
    if (state != PARSE_REPLY) {
        return state;
    }
    if (!answers(pending, &parsed->reply)) {
        parsed->wrong = "a reply to this request";
        return PARSE_WRONG;
    }
    answer(&pending->op, &parsed->reply);
    peer->first = (peer->first + 1) % PEER_PENDING_MAX;
    peer->count--;
    peer->established = true;
    buf_take(&peer->in, parsed->used);
    return PARSE_REPLY;
}
