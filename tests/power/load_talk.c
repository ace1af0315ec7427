#include "tests/power/load_talk.h"

#include "base/banned.h"
#include "tests/power/load_words.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PIECE_BYTES = 64 * 1024 };

bool talk_open(struct talk *talk, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);

    CHECK(len < sizeof(address.sun_path));
    memcpy(address.sun_path, path, len);
    *talk = (struct talk){.fd = socket(AF_UNIX, SOCK_STREAM, 0)};
    CHECK(talk->fd >= 0);
    if (connect(talk->fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
        return true;
    }
    CHECK(errno == ENOENT || errno == ECONNREFUSED);
    close(talk->fd);
    return false;
}

void talk_close(struct talk *talk)
{
    close(talk->fd);
    buf_release(&talk->out);
    buf_release(&talk->in);
    parsed_release(&talk->parsed);
}

void talk_ask(struct talk *talk, const struct talk_op *op)
{
    CHECK(talk->count < TALK_OPS_MAX);
    talk->ops[(talk->first + talk->count++) % TALK_OPS_MAX] = *op;
    words_request(&op->op, &talk->out);
    CHECK(!buf_failed(&talk->out));
}

bool talk_send(struct talk *talk)
{
    struct slice left = buf_slice(&talk->out);
    ssize_t sent;

    if (left.len == 0) {
        return true;
    }
    sent = send(talk->fd, left.data, left.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
        return errno == EAGAIN;
    }
    buf_take(&talk->out, (size_t)sent);
    return true;
}

static void hand_out(struct talk *talk, talk_fn *answered, void *arg)
{
    struct talk_op *op = &talk->ops[talk->first];

    CHECK(talk->count > 0);
    words_answer(&talk->parsed.reply, &op->op);
    buf_take(&talk->in, talk->parsed.used);
    talk->first = (talk->first + 1) % TALK_OPS_MAX;
    talk->count--;
    answered(arg, op);
}

static void read_replies(struct talk *talk, talk_fn *answered, void *arg)
{
    enum parse_state state;

    while (buf_len(&talk->in) > 0) {
        state = reply_parse(&talk->parsed, false, buf_slice(&talk->in));
        if (state == PARSE_MORE) {
            return;
        }
        CHECK(state == PARSE_REPLY);
        hand_out(talk, answered, arg);
    }
}

bool talk_receive(struct talk *talk, talk_fn *answered, void *arg)
{
    uint8_t *to = buf_reserve(&talk->in, PIECE_BYTES);
    ssize_t got;

    CHECK(to != NULL);
    got = recv(talk->fd, to, PIECE_BYTES, MSG_DONTWAIT);
    if (got < 0) {
        return errno == EAGAIN;
    }
    buf_commit(&talk->in, (size_t)got);
    read_replies(talk, answered, arg);
    return got > 0;
}
