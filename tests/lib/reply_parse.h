/* Replies as a client reads them, in both framings, by a reader that shares
 * nothing with proto/.
 *
 * It judges: a field that is missing, out of order or unknown, a number with a
 * leading zero, an escape where none is due, or any other byte that the
 * protocol does not put there makes the reply wrong. */
#ifndef TESTS_LIB_REPLY_PARSE_H
#define TESTS_LIB_REPLY_PARSE_H

#include "base/buf.h"
#include "base/command.h"

enum { PARSED_ITEMS_MAX = 128 };

enum parse_state {
    PARSE_MORE,  /* not whole yet */
    PARSE_REPLY, /* whole and right */
    PARSE_WRONG, /* no server should write this */
};

/* A line of STATS or HELP; HELP's have no value. */
struct parsed_item {
    struct slice name;
    struct slice value;
};

/* One reply. Zeroed before its first use; parsed_release() in the end. Slices
 * are valid until it is used again. */
struct parsed {
    struct reply reply;    /* of an error the code; its sentence is below */
    struct slice sentence; /* of an error; empty for RESP's unknown command */
    struct parsed_item items[PARSED_ITEMS_MAX]; /* of STATS and HELP */
    size_t items_count;
    size_t used;       /* PARSE_REPLY: bytes of the input that it was */
    const char *wrong; /* PARSE_WRONG: what should have stood there … */
    size_t wrong_at;   /* … in front of this byte */
    struct buf memory; /* what the slices borrow */
};

/* Reads the reply at the front of the input; `resp` says which framing the
 * request had. Memory running out aborts. */
enum parse_state reply_parse(struct parsed *parsed, bool resp,
                             struct slice input);

void parsed_release(struct parsed *parsed);

#endif
