#include "tests/lib/load.h"

#include "base/banned.h"
#include "base/check.h"

#include <check.h>
#include <poll.h>

enum { TEXT_BYTES = 128 };

struct load *load_new(const struct daemon *daemon, const char *name)
{
    struct load *load = calloc(1, sizeof(*load));

    CHECK(load != NULL);
    snprintf(load->name, sizeof(load->name), "%s", name);
    for (int i = 0; i < LOAD_CLIENTS; i++) {
        client_open(&load->clients[i].client, daemon);
    }
    return load;
}

void load_free(struct load *load)
{
    for (int i = 0; i < LOAD_CLIENTS; i++) {
        client_close(&load->clients[i].client);
    }
    free(load);
}

static void send_more(struct load *load, int index)
{
    struct load_client *from = &load->clients[index];
    struct buf requests = {0};
    char text[TEXT_BYTES];

    while (from->sent < LOAD_KEYS &&
           from->sent - from->answered / 2 < LOAD_IN_FLIGHT) {
        snprintf(text, sizeof(text),
                 "CLAIM %s-%d-%u\nCOMPLETE %s-%d-%u \"done %s-%d-%u\"\n",
                 load->name, index, from->sent, load->name, index, from->sent,
                 load->name, index, from->sent);
        buf_append_str(&requests, text);
        from->sent++;
    }
    client_send_bytes(&from->client, buf_slice(&requests));
    buf_release(&requests);
}

static enum load_answer answer_of(const char *reply, const char *done)
{
    if (begins(reply, done)) {
        return LOAD_DONE;
    }
    if (begins(reply, "ERR SHUTTING_DOWN ") || begins(reply, "ERR BUSY ") ||
        begins(reply, "ERR NOT_FOUND ") || begins(reply, "ERR NO_SPACE ")) {
        return LOAD_REFUSED;
    }
    ck_assert_msg(begins(reply, "ERR INDETERMINATE "), "unexpected reply: %s",
                  reply);
    return LOAD_UNKNOWN;
}

/* Notes the replies that have come whole; returns how many. */
static unsigned note_replies(struct load_client *from)
{
    unsigned count = 0;
    struct slice in = buf_slice(&from->client.in);

    while (in.len > 0 && memchr(in.data, '\n', in.len) != NULL) {
        const char *reply = client_line(&from->client);
        struct load_key *key = &from->keys[from->answered / 2];

        if (from->answered % 2 == 0) {
            key->claim = answer_of(reply, "CLAIMED ");
            key->fence = key->claim == LOAD_DONE ? fence_of(reply) : 0;
        } else {
            key->completion = answer_of(reply, "OK");
        }
        from->answered++;
        count++;
        in = buf_slice(&from->client.in);
    }
    return count;
}

/* Waits until one of the open connections can be read; how many are open. */
static int await_any(struct load *load)
{
    struct pollfd fds[LOAD_CLIENTS];
    nfds_t count = 0;

    for (int i = 0; i < LOAD_CLIENTS; i++) {
        if (!load->clients[i].client.ended) {
            fds[count++] = (struct pollfd){.fd = load->clients[i].client.fd,
                                           .events = POLLIN};
        }
    }
    if (count > 0) {
        ck_assert_int_gt(poll(fds, count, WAIT_MS), 0);
    }
    return (int)count;
}

void load_run(struct load *load, unsigned replies)
{
    unsigned got = 0;

    do {
        for (int i = 0; i < LOAD_CLIENTS; i++) {
            client_poll(&load->clients[i].client);
            got += note_replies(&load->clients[i]);
            if (got < replies) {
                send_more(load, i);
            }
        }
    } while (got < replies && await_any(load) > 0);
}

void load_drain(struct load *load)
{
    do {
        for (int i = 0; i < LOAD_CLIENTS; i++) {
            client_poll(&load->clients[i].client);
            note_replies(&load->clients[i]);
        }
    } while (await_any(load) > 0);
}

/* Fails the test where `reply` to a LOOKUP breaks what was said about it. */
static void verify_key(const struct load_key *key, const char *name,
                       const char *reply)
{
    char completed[2 * TEXT_BYTES];
    bool is_completed;

    snprintf(completed, sizeof(completed), "COMPLETED \"done %s\" ", name);
    is_completed = begins(reply, completed);
    ck_assert_msg(is_completed || begins(reply, "INFLIGHT ") ||
                      strcmp(reply, "NOT_FOUND") == 0,
                  "%s is now: %s", name, reply);
    ck_assert_msg(key->completion != LOAD_DONE || is_completed,
                  "the completion of %s is lost: %s", name, reply);
    ck_assert_msg(key->completion != LOAD_REFUSED || !is_completed,
                  "the refused completion of %s was done: %s", name, reply);
    ck_assert_msg(key->claim != LOAD_REFUSED || strcmp(reply, "NOT_FOUND") == 0,
                  "the refused claim of %s was done: %s", name, reply);
    if (key->claim == LOAD_DONE) {
        ck_assert_msg(strcmp(reply, "NOT_FOUND") != 0,
                      "the claim of %s is lost", name);
        ck_assert_uint_eq(fence_of(reply), key->fence);
    }
}

/* Asks for a client's keys [from, to) in one go. */
static uint64_t verify_some(const struct load *load, int index, unsigned from,
                            unsigned to, struct client *client)
{
    char text[TEXT_BYTES];
    struct buf requests = {0};
    uint64_t fence = 0;

    for (unsigned i = from; i < to; i++) {
        snprintf(text, sizeof(text), "LOOKUP %s-%d-%u\n", load->name, index, i);
        buf_append_str(&requests, text);
    }
    client_send_bytes(client, buf_slice(&requests));
    for (unsigned i = from; i < to; i++) {
        const char *reply = client_line(client);

        ck_assert_ptr_nonnull(reply);
        snprintf(text, sizeof(text), "%s-%d-%u", load->name, index, i);
        verify_key(&load->clients[index].keys[i], text, reply);
        if (strcmp(reply, "NOT_FOUND") != 0 && fence_of(reply) > fence) {
            fence = fence_of(reply);
        }
    }
    buf_release(&requests);
    return fence;
}

uint64_t load_verify(const struct load *load, struct client *client)
{
    enum { AT_ONCE = 512 };
    uint64_t highest = 0;

    for (int i = 0; i < LOAD_CLIENTS; i++) {
        unsigned sent = load->clients[i].sent;

        for (unsigned from = 0; from < sent; from += AT_ONCE) {
            unsigned to = from + AT_ONCE < sent ? from + AT_ONCE : sent;
            uint64_t fence = verify_some(load, i, from, to, client);

            highest = fence > highest ? fence : highest;
        }
    }
    return highest;
}
