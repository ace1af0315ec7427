/* What clients asked of a daemon, or of an engine, and what they were told: the
 * record of a run, made while it runs and judged afterwards.
 *
 * Everything variable is a number here: a key is its number in the run, an
 * owner, a fingerprint and a receipt are numbers that stand for their bytes and
 * are never 0. Whoever records sees to it that different bytes have different
 * numbers, and gives bytes that nobody ever sent HISTORY_FOREIGN.
 *
 * Times are microseconds of one clock that no step of the wall clock moves and
 * that outlives the daemon: CLOCK_BOOTTIME of the recording machine, or the
 * simulation's own. */
#ifndef TESTS_TORTURE_HISTORY_H
#define TESTS_TORTURE_HISTORY_H

#include "base/buf.h"
#include "base/command.h"

/* A receipt or an owner that was answered and never sent. */
#define HISTORY_FOREIGN UINT64_MAX

/* One command on one key. */
struct op {
    uint32_t key;
    uint32_t client; /* who recorded it, for a person who reads */
    uint32_t life;   /* of the daemon: 0, and one more after every end */
    enum verb verb;  /* CLAIM, COMPLETE, RELEASE, EXTEND, LOOKUP */

    /* What was asked; 0: not given. */
    uint64_t fence;
    uint64_t lease_ms;
    uint64_t ttl_ms;
    uint64_t owner;
    uint64_t fp;
    uint64_t receipt; /* COMPLETE */

    /* When it was sent, and when its answer had arrived. Without an answer,
     * or with INDETERMINATE: the last moment at which it may still take effect,
     * which is the end of the process that it was sent to, or a moment at which
     * that process is known to have nothing in hand. */
    uint64_t called_us;
    uint64_t ended_us;

    /* The same as positions among all calls and ends of the run, from 1, where
     * time is too coarse to tell what came first: a simulation whose clock
     * stands still. All ops of a run have them, or none: then one op came
     * before another if it had ended at an earlier microsecond than the other
     * was called. */
    uint64_t called_seq;
    uint64_t ended_seq;

    /* What was answered: a kind that commands on keys can get. REPLY_NONE: no
     * answer came. REPLY_ERROR with E_INDETERMINATE is as good as none. */
    enum reply_kind kind;
    int error;
    bool again;
    uint64_t got_fence;
    uint64_t got_attempt;
    uint64_t got_age_ms;
    uint64_t got_lease_ms;
    uint64_t got_retry_ms;
    uint64_t got_ttl_ms;
    uint64_t got_receipt;
    uint64_t got_owner;
};

/* The rules that the daemon ran by. */
struct history_rules {
    uint64_t grace_ms;
    uint64_t ttl_ms;       /* where a CLAIM names none */
    uint64_t lease_ms;     /* where a CLAIM names none; 0: as long as the ttl */
    uint64_t lease_ms_max; /* cuts a lease that is not named; 0: nothing does */
    bool require_fence;
    /* By how much the daemon's time and the recorder's may drift apart within
     * one measured duration; 0 where they are the same clock. */
    uint64_t slack_ms;
    /* Time stood still, or leapt forward, between two lives (a reboot with a
     * wrong wall clock): durations that span two lives bound nothing from
     * below. */
    bool time_leaps;
};

/* A run. Zeroed: empty. */
struct history {
    struct history_rules rules;
    struct op *ops;
    size_t count;
    size_t room;
};

/* Appends a copy. Memory running out aborts. */
void history_add(struct history *history, const struct op *op);
void history_release(struct history *history);

/* Whether the op may or may not have taken effect. */
bool op_unknown(const struct op *op);

/* Enters what was answered, but for bytes: got_receipt and got_owner stay. */
void op_set_answer(struct op *op, const struct reply *reply);

/* One op as a line of text without its end, and back: false if it is not such a
 * line. The file of a history is a line of rules and then one line an op. */
void op_write(const struct op *op, struct buf *out);
bool op_read(struct slice line, struct op *op);

/* The whole as text, and back; false names the bad line. */
void history_write(const struct history *history, struct buf *out);
bool history_read(struct slice text, struct history *history, size_t *bad_line);

#endif
