/* What dedupd must answer: a second, naive reading of docs/protocol.md, kept
 * apart from the engine on purpose, so that the two can be compared.
 *
 * Nothing is shared with the engine or the stores but the words of
 * base/command.h. The model holds every key it ever saw in a plain array and
 * has no clock: each call names the time at which the command is decided. Times
 * must not go back between calls. A restart of the system changes nothing here.
 *
 * One thread at a time. Memory running out aborts. */
#ifndef TESTS_LIB_MODEL_H
#define TESTS_LIB_MODEL_H

#include "base/command.h"
#include "base/err.h"

struct model_rules {
    uint64_t grace_ms;
    uint64_t ttl_ms;       /* where a CLAIM names none */
    uint64_t lease_ms;     /* where a CLAIM names none; 0: as long as the ttl */
    uint64_t lease_ms_max; /* bounds a lease that was not named too */
    bool require_fence;
    bool fence_follows_time; /* a fresh fence is at least the time in µs; for
                                runs whose time is the system's own */
};

struct model;

struct model *model_new(const struct model_rules *rules);
void model_free(struct model *model);

/* From here on the disk is (not) almost full. */
void model_set_no_space(struct model *model, bool no_space);

/* The answer that `command` must get at `now_ms`; changes nothing. `fence` is
 * the one that a fresh CLAIMED would carry. Of SWEPT only swept_expired can be
 * known: the reply says that nothing was retained. Slices borrow the model's
 * memory until it is changed. */
struct reply model_predict(const struct model *model, struct slice ns,
                           const struct command *command, uint64_t now_ms,
                           uint64_t fence);

/* Does what the command does at `now_ms`; a fresh claim gets `fence`. */
void model_apply(struct model *model, struct slice ns,
                 const struct command *command, uint64_t now_ms,
                 uint64_t fence);

/* Whether `actual` is the right answer in every field; if so, the model has
 * done the command too, and a fresh CLAIMED's fence is taken from `actual`
 * after it was found larger than all before and within bounds. If not, the
 * model is unchanged and `why` (may be NULL) names the first difference.
 *
 * SWEEP: swept_expired must be exact, so nothing else may sweep meanwhile, and
 * scanned must be the sum of expired and retained. BUSY, SHUTTING_DOWN and
 * INDETERMINATE are never right: callers deal with them before. */
bool model_check(struct model *model, struct slice ns,
                 const struct command *command, uint64_t now_ms,
                 const struct reply *actual, struct err *why);

/* The same where the moment of the decision is known only roughly: fields that
 * depend on it (age, retry, ttl, and the lease except a fresh claim's) are not
 * compared, and a sweep may find less than all, because others sweep too. Only
 * right when every duration is much longer than the run. */
bool model_check_masked(struct model *model, struct slice ns,
                        const struct command *command, uint64_t now_ms,
                        const struct reply *actual, struct err *why);

/* --- what generators of commands want to know ----------------------------- */

enum model_state {
    MODEL_ABSENT,
    MODEL_INFLIGHT,
    MODEL_EXPIRED,
    MODEL_COMPLETED,
    MODEL_STATES
};

struct model_view {
    enum model_state state;
    bool stored;           /* rows exist: not yet swept */
    uint64_t fence;        /* of the last claim, even when released; 0: none */
    uint64_t fence_before; /* of the claim before it; 0: none */
    uint64_t attempt;
    /* Without grace; 0 where nothing of the kind is running. */
    uint64_t lease_end_ms;
    uint64_t ttl_end_ms;  /* of claim, receipt or tombstone */
    struct slice owner;   /* empty: none */
    struct slice fp;      /* empty: none */
    struct slice receipt; /* COMPLETED only */
};

/* Slices borrow as above. */
struct model_view model_view(const struct model *model, struct slice ns,
                             struct slice key, uint64_t now_ms);

/* How many keys a sweep at `now_ms` removes, in all namespaces. */
size_t model_due(const struct model *model, uint64_t now_ms);

/* Borrowed from the model. */
const struct model_rules *model_rules_of(const struct model *model);

/* The largest fence given so far; 0: none. */
uint64_t model_last_fence(const struct model *model);

const char *model_state_name(enum model_state state);

#endif
