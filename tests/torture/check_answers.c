/* What can be said of an answer by itself, whatever the key's state. */
#include "tests/torture/check_inner.h"

/* The kinds and errors that a verb can get. */
struct answers {
    unsigned kinds;  /* bits by enum reply_kind */
    unsigned errors; /* bits by STATUS_WIRE_INDEX */
};

#define KIND(name) (1U << REPLY_##name)
#define ERR(name)  (1U << STATUS_WIRE_INDEX(E_##name))

static const struct answers possible[] = {
    [VERB_CLAIM] = {KIND(CLAIMED) | KIND(INFLIGHT) | KIND(COMPLETED),
                    ERR(MISMATCH)},
    [VERB_COMPLETE] = {KIND(OK), ERR(NOT_FOUND) | ERR(CONFLICT) | ERR(STALE) |
                                     ERR(MISMATCH) | ERR(FENCE_REQUIRED)},
    [VERB_RELEASE] = {KIND(OK), ERR(STALE) | ERR(FENCE_REQUIRED)},
    [VERB_EXTEND] = {KIND(EXTENDED), ERR(NOT_FOUND) | ERR(CONFLICT) |
                                         ERR(STALE) | ERR(FENCE_REQUIRED)},
    [VERB_LOOKUP] = {KIND(NOT_FOUND) | KIND(INFLIGHT) | KIND(EXPIRED) |
                         KIND(COMPLETED),
                     0},
};

static bool is_possible(const struct op *op)
{
    const struct answers *answers = &possible[op->verb];

    if (op->kind != REPLY_ERROR) {
        return (answers->kinds & (1U << op->kind)) != 0;
    }
    return (answers->errors & (1U << STATUS_WIRE_INDEX(op->error))) != 0;
}

/* Whether the command is refused in every state for want of a fence. */
static bool lacks_fence(const struct history_rules *rules, const struct op *op)
{
    bool ends = op->verb == VERB_COMPLETE || op->verb == VERB_RELEASE;

    return op->fence == 0 &&
           (op->verb == VERB_EXTEND || (rules->require_fence && ends));
}

/* An error about something needs that something. */
static bool error_fits(const struct history_rules *rules, const struct op *op)
{
    if (lacks_fence(rules, op)) {
        return op->kind == REPLY_ERROR && op->error == E_FENCE_REQUIRED;
    }
    switch (op->kind == REPLY_ERROR ? op->error : 0) {
    case E_STALE:
        return op->fence != 0;
    case E_MISMATCH:
        return op->fp != 0;
    case E_FENCE_REQUIRED:
        return op->fence == 0;
    default:
        return true;
    }
}

static bool claimed_fits(const struct history_rules *rules, const struct op *op)
{
    return op->got_attempt > 0 && op->got_fence > 0 &&
           op->got_fence <= FENCE_MAX &&
           (op->again ? op->owner != 0
                      : op->got_lease_ms == claim_lease_ms(rules, op));
}

/* A claim succeeds at the first millisecond after the lease and the grace. */
static bool inflight_fits(const struct history_rules *rules,
                          const struct op *op)
{
    uint64_t grace_ms = rules->grace_ms;
    uint64_t retry_ms = op->got_retry_ms;

    return op->got_fence > 0 && op->got_attempt > 0 && retry_ms > 0 &&
           (op->got_lease_ms > 0 ? retry_ms == op->got_lease_ms + grace_ms + 1
                                 : retry_ms <= grace_ms + 1);
}

static bool values_fit(const struct history_rules *rules, const struct op *op)
{
    switch ((int)op->kind) {
    case REPLY_CLAIMED:
        return claimed_fits(rules, op);
    case REPLY_INFLIGHT:
        return inflight_fits(rules, op);
    case REPLY_EXPIRED:
        return op->got_fence > 0 && op->got_attempt > 0;
    case REPLY_COMPLETED:
        return op->got_fence > 0 && op->got_receipt != 0;
    default:
        return true;
    }
}

static void check_answer(struct judge *judge, const struct seen *seen)
{
    const struct op *op = seen->op;

    if (op->got_receipt == HISTORY_FOREIGN ||
        op->got_owner == HISTORY_FOREIGN) {
        COMPLAIN(judge, FOREIGN, op->key, seen);
    } else if (op_tells(op) &&
               !(is_possible(op) && error_fits(judge->rules, op) &&
                 values_fit(judge->rules, op))) {
        COMPLAIN(judge, ANSWER, op->key, seen);
    }
}

void check_answers(struct judge *judge, const struct key_ops *key)
{
    for (size_t i = 0; i < key->count; i++) {
        check_answer(judge, &key->ops[i]);
    }
}
