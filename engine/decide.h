/* The deduplication contract as one pure function: state of a key, command and
 * time in, reply and perhaps a record out.
 *
 * No clock, no store, no memory of its own: docs/protocol.md's table of states
 * is this file. */
#ifndef ENGINE_DECIDE_H
#define ENGINE_DECIDE_H

#include "base/command.h"
#include "storage/store.h"

/* What the operator set. */
struct rules {
    uint64_t grace_ms;
    uint64_t ttl_ms;       /* where a CLAIM names none */
    uint64_t lease_ms;     /* where a CLAIM names none; 0: as long as the ttl */
    uint64_t lease_ms_max; /* bounds a lease that was not named too */
    bool require_fence;
};

/* The states of a key as a reader sees them. */
enum key_state { KEY_ABSENT, KEY_INFLIGHT, KEY_EXPIRED, KEY_COMPLETED };

/* Whether a duration that began at `start_ms` has run out at `now_ms`: the
 * grace always extends it, and sums saturate. */
bool has_run_out(uint64_t now_ms, uint64_t start_ms, uint64_t duration_ms,
                 uint64_t grace_ms);

/* head->status is 0. */
enum key_state key_state(const struct head *head, uint64_t now_ms,
                         uint64_t grace_ms);

/* What decide() is told beside the state. */
struct situation {
    const struct rules *rules;
    uint64_t now_ms;
    uint64_t next_fence; /* larger than every fence given before */
    bool no_space;       /* the disk is almost full */
};

struct decision {
    struct reply reply; /* its slices borrow those of head and command */
    bool append;        /* `record` is to be appended before the reply counts */
    struct record record; /* slices likewise */
};

/* Decides a command that names a key: CLAIM, COMPLETE, RELEASE, EXTEND or
 * LOOKUP. Never fails: an error is a reply. A head that cannot be read is
 * answered E_CORRUPT. */
struct decision decide(const struct situation *situation,
                       const struct head *head, const struct command *command);

#endif
