/* What a client asks and what it is told, in the terms of the protocol.
 *
 * Neither bytes nor storage: proto/ turns bytes into a struct command and a
 * struct reply into bytes, engine/ turns the one into the other. */
#ifndef BASE_COMMAND_H
#define BASE_COMMAND_H

#include "base/slice.h"
#include "base/status.h"

/* Limits that no setting changes. */
enum {
    NAMESPACE_BYTES_MAX = 64,
    OWNER_BYTES_MAX = 64,
    FINGERPRINT_BYTES_MAX = 64,
    FENCE_DIGITS_MAX = 16,
};
#define FENCE_MAX ((UINT64_C(1) << 53) - 1)

/* The one list of options: X(NAME, name as it is written). */
#define OPTION_MAP(X)                                                          \
    X(LEASE, "lease")                                                          \
    X(TTL, "ttl")                                                              \
    X(OWNER, "owner")                                                          \
    X(FP, "fp")                                                                \
    X(FENCE, "fence")

enum option_index {
#define X(name, text) OPTION_INDEX_##name,
    OPTION_MAP(X)
#undef X
        OPTION_COUNT
};

enum option {
#define X(name, text) OPTION_##name = 1 << OPTION_INDEX_##name,
    OPTION_MAP(X)
#undef X
};

/* What stands between the verb and its options. */
enum arguments {
    ARGUMENTS_NONE,
    ARGUMENTS_KEY,
    ARGUMENTS_KEY_RECEIPT,
    ARGUMENTS_NAMESPACE,
};

/* The one list of verbs: X(NAME, arguments, options, usage, what it does). */
#define VERB_MAP(X)                                                            \
    X(CLAIM, ARGUMENTS_KEY,                                                    \
      OPTION_LEASE | OPTION_TTL | OPTION_OWNER | OPTION_FP,                    \
      "CLAIM key [lease=D] [ttl=D] [owner=O] [fp=F]",                          \
      "take the key, or learn who has it or what its receipt is")              \
    X(COMPLETE, ARGUMENTS_KEY_RECEIPT, OPTION_FENCE | OPTION_TTL | OPTION_FP,  \
      "COMPLETE key receipt [fence=N] [ttl=D] [fp=F]",                         \
      "the work is done, keep this receipt")                                   \
    X(RELEASE, ARGUMENTS_KEY, OPTION_FENCE, "RELEASE key [fence=N]",           \
      "the work is not done, let another claim the key")                       \
    X(EXTEND, ARGUMENTS_KEY, OPTION_FENCE | OPTION_LEASE,                      \
      "EXTEND key fence=N [lease=D]", "the work takes longer")                 \
    X(LOOKUP, ARGUMENTS_KEY, 0, "LOOKUP key", "read the state of the key")     \
    X(NAMESPACE, ARGUMENTS_NAMESPACE, 0, "NAMESPACE name",                     \
      "use this namespace on this connection from here on")                    \
    X(SWEEP, ARGUMENTS_NONE, 0, "SWEEP", "free what has expired, now")         \
    X(PING, ARGUMENTS_NONE, 0, "PING", "answer PONG")                          \
    X(STATS, ARGUMENTS_NONE, 0, "STATS", "counters and gauges")                \
    X(HELP, ARGUMENTS_NONE, 0, "HELP", "this list")                            \
    X(QUIT, ARGUMENTS_NONE, 0, "QUIT", "answer BYE and close")

enum verb {
#define X(name, arguments, options, usage, help) VERB_##name,
    VERB_MAP(X)
#undef X
        VERB_COUNT
};

/* One request, parsed and within all limits. The slices belong to whoever
 * made the command and live as long as it does. */
struct command {
    enum verb verb;
    unsigned given;   /* enum option bits: which of the options were there */
    struct slice key; /* 1 to max_key bytes; ARGUMENTS_KEY… only */
    struct slice receipt; /* COMPLETE only */
    struct slice name;    /* NAMESPACE only */
    struct slice owner;   /* 1 to 64 bytes if given */
    struct slice fp;      /* 1 to 64 bytes if given */
    uint64_t fence;
    uint64_t lease_ms; /* 1 to max_lease if given */
    uint64_t ttl_ms;   /* 1 to max_ttl if given */
};

enum reply_kind {
    REPLY_NONE, /* not decided yet */
    REPLY_OK,
    REPLY_EXTENDED, /* `OK lease=MS` */
    REPLY_CLAIMED,
    REPLY_INFLIGHT,
    REPLY_EXPIRED,
    REPLY_COMPLETED,
    REPLY_NOT_FOUND, /* LOOKUP's answer; an error of another verb is E_NOT_FOUND
                      */
    REPLY_SWEPT,
    REPLY_PONG,
    REPLY_BYE,
    REPLY_STATS,
    REPLY_HELP,
    REPLY_ERROR,
};

/* One answer. Fields that its kind does not show are 0. All times are
 * milliseconds as the protocol shows them: what is left is without grace and
 * never negative, retry_ms is with grace. */
struct reply {
    enum reply_kind kind;
    int error;            /* REPLY_ERROR: a status of STATUS_WIRE_MAP */
    const char *sentence; /* REPLY_ERROR: NULL, or better than the default;
                             static storage */
    uint64_t fence;
    uint64_t attempt;
    uint64_t age_ms;
    uint64_t lease_ms;
    uint64_t retry_ms;
    uint64_t ttl_ms;
    bool again;
    struct slice receipt; /* REPLY_COMPLETED */
    struct slice owner;   /* LOOKUP's INFLIGHT and EXPIRED; empty: none */
    uint64_t swept_scanned;
    uint64_t swept_expired;
    uint64_t swept_retained;
};

static inline struct reply reply_error(int status)
{
    return (struct reply){.kind = REPLY_ERROR, .error = status};
}

static inline struct reply reply_error_because(int status, const char *sentence)
{
    return (struct reply){.kind = REPLY_ERROR,
                          .error = status,
                          .sentence = sentence};
}

#endif
