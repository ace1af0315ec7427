/* A client of the daemon under test.
 *
 * Every wait has a deadline; when it passes, the running test fails. Texts that
 * are returned belong to the client and are valid until its next call. */
#ifndef TESTS_LIB_CLIENT_H
#define TESTS_LIB_CLIENT_H

#include "base/buf.h"
#include "tests/lib/daemon.h"

struct client {
    int fd;
    bool ended;      /* the daemon has closed its side, or reset it */
    struct buf in;   /* what was received and not handed out */
    struct buf text; /* what was handed out last, terminated */
};

void client_open(struct client *client, const struct daemon *daemon);
void client_open_unix(struct client *client, const char *path);

/* False when the daemon refuses. */
bool client_try_unix(struct client *client, const char *path);

/* Frees it and closes; the daemon sees an orderly end. */
void client_close(struct client *client);

/* Frees it and resets the connection. */
void client_reset(struct client *client);

/* Says that nothing more will be sent. */
void client_half_close(struct client *client);

/* Sends all, and meanwhile receives, so that neither side waits for the other.
 * Stops early when the daemon has closed. */
void client_send(struct client *client, const char *text);
void client_send_bytes(struct client *client, struct slice bytes);

/* The bytes of a string literal, NULs too. */
#define BYTES(literal) slice_of(literal, sizeof(literal) - 1)

/* Sends what the socket takes now, and receives nothing. */
void client_push(struct client *client, struct slice bytes);

/* The next line without its end. NULL: the daemon has closed, and at most a
 * part of a line was left. */
const char *client_line(struct client *client);

/* Sends the request as a line of its own and returns the reply. */
const char *client_ask(struct client *client, const char *request);

/* The next RESP reply, as text: `OK` and `-CODE sentence` without their ends,
 * 17 for a number, "bytes" for a bulk string (bytes outside 0x20-0x7e, quotes
 * and backslashes as \xHH), [a,b] for an array. NULL as above. */
const char *client_resp(struct client *client);

/* Sends the words as an array of bulk strings and returns the reply as above.
 * The words stand between spaces. */
const char *client_resp_ask(struct client *client, const char *words);

/* All that comes until the daemon closes, terminated. */
const char *client_rest(struct client *client);

/* Receives what is there without waiting for more; false once the daemon has
 * closed. */
bool client_poll(struct client *client);

/* --- replies ----------------------------------------------------------------
 */

/* The number behind ` name=` in a reply; the test fails if there is none. */
uint64_t number_of(const char *reply, const char *name);
uint64_t fence_of(const char *reply);

/* Replaces the numbers of fence, age, lease, ttl and retry by `#`, in place: in
 * a line, in the text of a RESP reply, or in its bytes. */
void mask_numbers(char *text);

/* Whether `text` begins with `prefix`. */
bool begins(const char *text, const char *prefix);

/* Fails the test unless the reply begins with `prefix`. */
#define expect_begins(reply, prefix)                                           \
    do {                                                                       \
        const char *reply_ = (reply);                                          \
        ck_assert_msg(begins(reply_, prefix), "expected \"%s…\", got \"%s\"",  \
                      prefix, reply_ == NULL ? "(closed)" : reply_);           \
    } while (0)

/* Fails the test unless the reply is `text`. */
#define expect_is(reply, text) ck_assert_pstr_eq(reply, text)

/* Fails the test unless the daemon closes without another byte. */
#define expect_closed(client) ck_assert_str_eq(client_rest(client), "")

/* A number of STATS, asked for on this connection. */
uint64_t stat_of(struct client *client, const char *name);

#endif
