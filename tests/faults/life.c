#include "tests/faults/life.h"

#include "base/banned.h"
#include "tests/faults/plan.h"

#include <check.h>

/* --- what is asked -----------------------------------------------------------
 */

/* A receipt that no other key has, and no table makes smaller: what is written
 * is as much as it looks. */
static void append_receipt(struct buf *to, unsigned key, size_t bytes)
{
    uint32_t noise = key * 2654435761U + 1;
    char text[32];

    snprintf(text, sizeof(text), "r%u-", key);
    buf_append_str(to, text);
    for (size_t i = strlen(text); i < bytes; i++) {
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        buf_append_byte(to, (uint8_t)('A' + noise % 26 + (noise & 32)));
    }
}

static void append_pair(struct buf *to, unsigned key, size_t receipt_bytes)
{
    char text[64];

    snprintf(text, sizeof(text), "CLAIM k%u\nCOMPLETE k%u ", key, key);
    buf_append_str(to, text);
    append_receipt(to, key, receipt_bytes);
    buf_append_byte(to, '\n');
}

static bool is_end(const char *reply)
{
    return reply == NULL || begins(reply, "ERR INDETERMINATE ") ||
           begins(reply, "ERR SHUTTING_DOWN ");
}

/* Nothing may succeed once the end has begun. */
static enum life_answer note(struct life *life, const char *reply,
                             const char *success)
{
    if (begins(reply, success)) {
        ck_assert_msg(!life->over, "a success after a failure: %s", reply);
        life->success_ns = life->asked_ns;
        return LIFE_DONE;
    }
    life->over = life->over || is_end(reply);
    if (reply == NULL || begins(reply, "ERR INDETERMINATE ")) {
        return LIFE_UNKNOWN;
    }
    ck_assert_msg(begins(reply, "ERR SHUTTING_DOWN ") ||
                      begins(reply, "ERR NOT_FOUND ") ||
                      begins(reply, "ERR NO_SPACE ") ||
                      begins(reply, "ERR CORRUPT "),
                  "unexpected reply: %s", reply);
    return LIFE_REFUSED;
}

static void note_pair(struct life *life, struct client *client,
                      struct life_key *key)
{
    const char *reply = client_line(client);

    key->claim = note(life, reply, "CLAIMED ");
    if (key->claim == LIFE_DONE) {
        key->fence = fence_of(reply);
        ck_assert_uint_gt(key->fence, life->fence);
        life->fence = key->fence;
    }
    key->completion = note(life, client_line(client), "OK");
}

void life_batch(struct life *life, struct client *client, unsigned keys,
                size_t receipt_bytes)
{
    struct buf requests = {0};
    unsigned from = life->count;

    if (life->over) {
        return;
    }
    ck_assert_uint_le(from + keys, LIFE_KEYS_MAX);
    life->count += keys;
    for (unsigned i = from; i < life->count; i++) {
        append_pair(&requests, i, receipt_bytes);
    }
    life->asked_ns = now_ns();
    client_send_bytes(client, buf_slice(&requests));
    for (unsigned i = from; i < life->count; i++) {
        note_pair(life, client, &life->keys[i]);
    }
    buf_release(&requests);
}

void life_sweep(struct life *life, struct client *client)
{
    enum { KEYS = 4 };

    if (life->over) {
        return;
    }
    life->asked_ns = now_ns();
    client_send(client, "CLAIM s0 ttl=1\nCLAIM s1 ttl=1\nCLAIM s2 ttl=1\n"
                        "CLAIM s3 ttl=1\n");
    for (int i = 0; i < KEYS; i++) {
        note(life, client_line(client), "CLAIMED ");
    }
    if (!life->over) {
        life->asked_ns = now_ns();
        client_send(client, "SWEEP\n");
        note(life, client_line(client), "SWEPT ");
    }
}

/* --- what is there ----------------------------------------------------------
 */

static void verify_key(const struct life_key *key, unsigned number,
                       const char *reply, const char *what)
{
    char completed[64];
    bool is_completed;

    snprintf(completed, sizeof(completed), "COMPLETED \"r%u-", number);
    is_completed = begins(reply, completed);
    ck_assert_msg(is_completed || begins(reply, "INFLIGHT ") ||
                      begins(reply, "NOT_FOUND"),
                  "%s: k%u is now: %.200s", what, number,
                  reply == NULL ? "(closed)" : reply);
    ck_assert_msg(key->completion != LIFE_DONE || is_completed,
                  "%s: the completion of k%u is lost", what, number);
    ck_assert_msg(key->completion != LIFE_REFUSED || !is_completed,
                  "%s: the refused completion of k%u was done", what, number);
    ck_assert_msg(key->claim != LIFE_REFUSED || begins(reply, "NOT_FOUND"),
                  "%s: the refused claim of k%u was done", what, number);
    ck_assert_msg(key->claim != LIFE_DONE || !begins(reply, "NOT_FOUND"),
                  "%s: the claim of k%u is lost", what, number);
    ck_assert_msg(key->claim != LIFE_DONE || fence_of(reply) == key->fence,
                  "%s: k%u has another fence", what, number);
}

void life_verify(const struct life *life, struct client *client,
                 const char *what)
{
    struct buf requests = {0};
    char text[32];
    const char *reply;

    for (unsigned i = 0; i < life->count; i++) {
        snprintf(text, sizeof(text), "LOOKUP k%u\n", i);
        buf_append_str(&requests, text);
    }
    client_send_bytes(client, buf_slice(&requests));
    for (unsigned i = 0; i < life->count; i++) {
        verify_key(&life->keys[i], i, client_line(client), what);
    }
    buf_release(&requests);
    reply = client_ask(client, "CLAIM another-one");
    ck_assert_msg(begins(reply, "CLAIMED ") && fence_of(reply) > life->fence,
                  "%s: a new claim is answered %.200s", what, reply);
}
