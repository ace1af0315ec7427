/* A client of the daemon with the engine behind it, but no socket and no
 * thread: bytes in, replies out, and turns when the test says so. */
#ifndef TESTS_LIB_TALK_H
#define TESTS_LIB_TALK_H

#include "daemon/client.h"
#include "tests/lib/bench.h"
#include "tests/lib/reply_parse.h"

/* On the stack of the test; may be one of several on a bench. */
struct talk {
    struct bench *bench; /* borrowed */
    struct client_config config;
    struct client client;
    struct request_list outbox; /* for the engine */
    struct request_list sweeps; /* SWEEPs that wait, while holds_sweeps */
    bool holds_sweeps;
    bool reads;     /* replies leave as soon as they are due; true at first */
    int failure;    /* of the last turn; talk_close() wants 0 */
    size_t unread;  /* bytes of replies that have not left */
    struct buf in;  /* sent and not used by the client */
    struct buf out; /* replies that no expectation has taken */
    struct parsed parsed;
};

/* 512 bytes of key, 64 KiB of receipt, 30 days, 128 commands and 1 MiB of
 * replies in flight; the namespace is `default`, the version `1.2.3`. */
struct client_config talk_config(struct bench *bench);

void talk_open(struct talk *talk, struct bench *bench,
               const struct client_config *config);

/* Nothing may be left of what the client counts. */
void talk_close(struct talk *talk);

/* --- steps ---------------------------------------------------------------- */

/* Gives bytes to the client, which begins what may begin. */
void talk_send(struct talk *talk, struct slice bytes);
void talk_say(struct talk *talk, const char *text);

/* Takes what is due, gives out again and begins what may, as a connection does
 * whenever something has changed. */
void talk_advance(struct talk *talk);

/* All replies so far have left. */
void talk_read(struct talk *talk);

/* Does with the list what one turn of the engine does. The list then has what
 * comes back; SWEEPs go to `waiting`, if that is not NULL. As turn_run(). */
int talk_engine(struct bench *bench, struct request_list *list,
                struct request_list *waiting);

/* One turn of all that the client has given out, and what follows from it. */
void talk_turn(struct talk *talk);

/* Turns until nothing moves any more. */
void talk_settle(struct talk *talk);

/* Ends the sweeps that wait. */
void talk_end_sweeps(struct talk *talk);

/* Does the command in the namespace past every client; its reply, as words of
 * reply_text(), must be this. */
void talk_past(struct bench *bench, const char *ns, struct command command,
               const char *reply);

/* --- expectations --------------------------------------------------------- */

/* How many commands the engine has now. */
size_t talk_with_engine(const struct talk *talk);

/* The next reply, which must be there and well-formed; valid until the next
 * call. */
const struct parsed *talk_next(struct talk *talk, bool resp);

/* The next replies, as words of reply_text() with commas between them, must be
 * these; and there must be no others. */
void talk_expect(struct talk *talk, bool resp, const char *replies);

/* All bytes that were not taken, which this does. Terminated. */
const char *talk_rest(struct talk *talk);

#endif
