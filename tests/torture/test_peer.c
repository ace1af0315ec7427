/* One connection, with the test at its other end. */
#include "tests/lib/process.h"
#include "tests/lib/runner.h"
#include "tests/torture/peer.h"
#include "tests/torture/words.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

struct ends {
    struct peer peer;
    int fd; /* the other end */
    struct parsed parsed;
    struct pending pending;
};

static void ends_open(struct ends *ends)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *ends = (struct ends){.fd = -1};
    ck_assert_int_eq(
        bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &len),
                     0);
    ck_assert(peer_open(&ends->peer, ntohs(address.sin_port)));
    ends->fd = accept(listener, NULL, NULL);
    ck_assert_int_ge(ends->fd, 0);
    close(listener);
}

static void ends_close(struct ends *ends)
{
    peer_release(&ends->peer);
    parsed_release(&ends->parsed);
    close(ends->fd);
}

/* The other end says this, and the peer has received it. */
static void say(struct ends *ends, const char *text)
{
    size_t len = strlen(text);
    struct pollfd fd = {.fd = ends->peer.fd, .events = POLLIN};
    size_t want = buf_len(&ends->peer.in) + len;

    ck_assert_int_eq(write(ends->fd, text, len), (ssize_t)len);
    while (buf_len(&ends->peer.in) < want) {
        ck_assert_int_eq(poll(&fd, 1, WAIT_MS), 1);
        ck_assert(peer_receive(&ends->peer));
    }
}

static enum parse_state take(struct ends *ends)
{
    return peer_take(&ends->peer, &ends->parsed, &ends->pending);
}

/* What the other end receives, after the peer has sent it all; terminated. */
static const char *heard(struct ends *ends)
{
    static char text[4096];
    size_t want = buf_len(&ends->peer.out);
    size_t got = 0;

    ck_assert_uint_lt(want, sizeof(text));
    ck_assert(peer_send(&ends->peer));
    while (got < want) {
        ssize_t more = read(ends->fd, text + got, sizeof(text) - 1 - got);

        ck_assert_int_gt(more, 0);
        got += (size_t)more;
    }
    text[got] = '\0';
    return text;
}

static const struct op claim = {.key = 2, .verb = VERB_CLAIM};

START_TEST(answers_are_taken_in_order_in_both_framings)
{
    struct ends ends;

    ends_open(&ends);
    peer_ask(&ends.peer, &claim, false);
    peer_ask(&ends.peer, &claim, true);
    say(&ends, "CLAIMED fence=7 lease=5 attempt=1\n*7\r\n$8\r\nINFL");
    ck_assert_int_eq(take(&ends), PARSE_REPLY);
    ck_assert_int_eq(ends.pending.op.kind, REPLY_CLAIMED);
    ck_assert_uint_eq(ends.pending.op.got_fence, 7);
    ck_assert(ends.peer.established);
    ck_assert_int_eq(take(&ends), PARSE_MORE);
    ck_assert_uint_eq(ends.peer.count, 1);
    ends_close(&ends);
}
END_TEST

START_TEST(reply_that_nobody_asked_for_is_wrong)
{
    struct ends ends;

    ends_open(&ends);
    say(&ends, "OK\n");
    ck_assert_int_eq(take(&ends), PARSE_WRONG);
    ends_close(&ends);
}
END_TEST

START_TEST(reply_to_another_request_is_wrong)
{
    static const char *const replies[] = {
        "PONG\n",
        "SWEPT scanned=0 expired=0 retained=0\n",
        "ERR SYNTAX the request is malformed\n",
        "ERR CORRUPT the stored record of this key cannot be read\n",
        "CLAIMED fence=07 lease=5 attempt=1\n",
        "*1\r\n$9\r\nNOT_FOUND\r\n",
    };

    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        struct ends ends;

        ends_open(&ends);
        peer_ask(&ends.peer, &claim, false);
        say(&ends, replies[i]);
        ck_assert_msg(take(&ends) == PARSE_WRONG, "taken: %s", replies[i]);
        ends_close(&ends);
    }
}
END_TEST

START_TEST(errors_of_a_daemon_in_trouble_are_answers)
{
    struct ends ends;

    ends_open(&ends);
    peer_ask(&ends.peer, &claim, false);
    say(&ends, "ERR BUSY too much at once, nothing was done\n");
    ck_assert_int_eq(take(&ends), PARSE_REPLY);
    ck_assert_int_eq(ends.pending.op.error, E_BUSY);
    ends_close(&ends);
}
END_TEST

START_TEST(receipts_that_nobody_sent_are_foreign)
{
    struct ends ends;

    ends_open(&ends);
    peer_ask(&ends.peer, &claim, false);
    say(&ends, "COMPLETED \"made up\" fence=7 age=1 ttl=5\n");
    ck_assert_int_eq(take(&ends), PARSE_REPLY);
    ck_assert(ends.pending.op.got_receipt == HISTORY_FOREIGN);
    ends_close(&ends);
}
END_TEST

START_TEST(namespace_is_chosen_before_a_key_that_needs_it)
{
    const struct op here = {.key = 16, .verb = VERB_LOOKUP};
    const struct op elsewhere = {.key = 17, .verb = VERB_LOOKUP};
    struct ends ends;
    const char *text;

    ends_open(&ends);
    peer_ask(&ends.peer, &here, false);
    peer_ask(&ends.peer, &elsewhere, false);
    peer_ask(&ends.peer, &elsewhere, false);
    peer_ask(&ends.peer, &here, false);
    ck_assert_uint_eq(ends.peer.count, 6);
    text = heard(&ends);
    ck_assert(strncmp(text, "LOOKUP ", 7) == 0);
    text = strstr(text, "\nNAMESPACE torture.other\n");
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_nonnull(strstr(text, "\nNAMESPACE torture\n"));
    ends_close(&ends);
}
END_TEST

START_TEST(half_a_request_is_no_request)
{
    struct ends ends;
    const char *text;

    ends_open(&ends);
    peer_ask(&ends.peer, &claim, false);
    peer_ask_half(&ends.peer, &claim, false);
    ck_assert_uint_eq(ends.peer.count, 1);
    text = strchr(heard(&ends), '\n');
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_gt(strlen(text + 1), 0);
    ck_assert_ptr_null(strchr(text + 1, '\n'));
    ends_close(&ends);
}
END_TEST

SUITE(peer, 60, answers_are_taken_in_order_in_both_framings,
      reply_that_nobody_asked_for_is_wrong, reply_to_another_request_is_wrong,
      errors_of_a_daemon_in_trouble_are_answers,
      receipts_that_nobody_sent_are_foreign,
      namespace_is_chosen_before_a_key_that_needs_it,
      half_a_request_is_no_request)
