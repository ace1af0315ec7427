/* Bytes of a connection to commands, and replies to bytes. No I/O, no clock,
 * no allocation but the reply's buf.
 *
 * Two framings share a port: a request whose first byte is `*` is a RESP2 array
 * of bulk strings, anything else a line. They may alternate. docs/protocol.md
 * is the users' description.
 *
 * A request is read in two steps, so that its bytes are copied once and nothing
 * is allocated before it is whole:
 *
 *     proto_frame()   is a whole request there, and how long is it?
 *     proto_command() decode it into memory that the caller made for it
 */
#ifndef PROTO_PROTO_H
#define PROTO_PROTO_H

#include "base/buf.h"
#include "base/command.h"

struct proto_limits {
    size_t key_bytes_max;
    size_t receipt_bytes_max;
    uint64_t ttl_ms_max;
    uint64_t lease_ms_max;
};

/* The longest request, in bytes: a line without its LF, or a whole RESP
 * request. 4 × (key_bytes_max + receipt_bytes_max) + 4096. */
size_t proto_request_bytes_max(const struct proto_limits *limits);

enum proto_framing { FRAMING_LINE, FRAMING_RESP };

enum {
    /* More words than any request has; those beyond are counted, not kept. */
    PROTO_WORDS_MAX = 12,
};

/* A frame's words in RESP, by offset, so that the bytes may move between two
 * calls. */
struct proto_span {
    uint32_t start;
    uint32_t len;
};

/* How far the request at the front of the input has been read. Zeroed: not at
 * all. Belongs to one connection; survives the input being moved or grown. */
struct proto_frame {
    enum proto_framing framing;
    size_t bytes;   /* read so far; of the whole request with its end once it
                       is complete */
    uint32_t words; /* RESP: advertised */
    uint32_t taken; /* RESP: words that were read whole */
    struct proto_span spans[PROTO_WORDS_MAX]; /* RESP: the first ones */
};

enum proto_state {
    PROTO_MORE,     /* not whole yet: call again with more bytes behind */
    PROTO_REQUEST,  /* whole: frame->bytes long */
    PROTO_NOTHING,  /* frame->bytes that mean nothing: a blank line, `*0` */
    PROTO_HOPELESS, /* the stream cannot be followed any further: answer with
                       the error, then close */
};

/* Looks at `input`, which starts where the request does. After PROTO_REQUEST
 * and PROTO_NOTHING the caller drops frame->bytes of the input and zeroes the
 * frame. Work is proportional to the bytes that are new since the last call.
 * PROTO_HOPELESS: *status is E_LIMIT (too long, or an advertised length that
 * would be) or E_SYNTAX (malformed count or length in RESP). */
enum proto_state proto_frame(struct proto_frame *frame, struct slice input,
                             const struct proto_limits *limits, int *status);

/* Decodes the whole request that `frame` describes at the front of `input`.
 * `scratch` has frame->bytes of room; the command's slices borrow it, not the
 * input. Returns 0, or E_UNKNOWN_COMMAND, E_SYNTAX, E_LIMIT in that order of
 * precedence; then *sentence is NULL or says more (static storage), and only
 * command->verb may be used, which is VERB_COUNT where none was recognised. */
must_check int proto_command(const struct proto_frame *frame,
                             struct slice input,
                             const struct proto_limits *limits,
                             uint8_t *scratch, struct command *command,
                             const char **sentence);

/* Whether a whole request, whose verb is none of ours, is another protocol's:
 * an HTTP request line, a Host header, or the beginning of TLS. What follows is
 * then not meant for us, and lines in it may be an attacker's: a web page can
 * make a browser send lines to a port of the machine that it runs on, but not
 * without one of those in front. */
bool proto_is_foreign(const struct proto_frame *frame, struct slice input);

/* Whether `name` is a namespace: 1 to 64 of A-Z a-z 0-9 . _ - starting with a
 * letter or digit. */
bool proto_is_namespace(struct slice name);

/* What STATS shows, as (name, value) in order; filled by the caller. A NULL
 * text means that `number` is the value. */
struct proto_stat {
    const char *name;
    const char *text;
    uint64_t number;
};

struct proto_stats {
    const struct proto_stat *stats;
    size_t count;
};

/* Appends the reply's bytes. `stats` is read for REPLY_STATS alone and may be
 * NULL otherwise. Memory running out is the buf's. */
void proto_reply(struct buf *to, enum proto_framing framing,
                 const struct reply *reply, const struct proto_stats *stats);

/* No reply without a receipt, and no STATS or HELP, is longer. */
enum { PROTO_REPLY_BYTES_MAX = 768 };
/* No STATS or HELP is longer. */
enum { PROTO_LIST_BYTES_MAX = 8192 };

/* The most bytes that a receipt of `len` bytes takes in a reply, beyond
 * PROTO_REPLY_BYTES_MAX. */
size_t proto_receipt_bytes_max(enum proto_framing framing, size_t len);

#endif
