/* A key's claims follow each other with rising fences, and none comes back. Of
 * one claim, what shows it held comes before what shows it completed; and its
 * age, counted by the daemon's clock from one record, never falls. */
#include "tests/torture/check_order.h"

#include "tests/torture/check_grants.h"

enum { PHASE_GRANTED, PHASE_HELD, PHASE_COMPLETED };

static unsigned phase_of(const struct op *op)
{
    if (op_grants(op)) {
        return PHASE_GRANTED;
    }
    return op->kind == REPLY_COMPLETED || op->kind == REPLY_OK ? PHASE_COMPLETED
                                                               : PHASE_HELD;
}

static bool shows_age(const struct op *op)
{
    return op->kind == REPLY_INFLIGHT || op->kind == REPLY_EXPIRED ||
           op->kind == REPLY_COMPLETED;
}

static struct least_told told(const struct op *op)
{
    return (struct least_told){
        .fence = told_fence(op),
        .phase = phase_of(op),
        .age_ms = shows_age(op) ? op->got_age_ms : UINT64_MAX,
    };
}

void least_add(struct least_told *least, const struct op *op)
{
    struct least_told by = told(op);

    if (by.fence == 0 || by.fence > least->fence) {
        return;
    }
    if (by.fence < least->fence || by.phase < least->phase) {
        *least = by;
    } else if (by.phase == least->phase && by.age_ms < least->age_ms) {
        least->age_ms = by.age_ms;
    }
}

bool must_wait(const struct least_told *least, const struct op *op)
{
    struct least_told own = told(op);

    if (own.fence == 0 || own.fence != least->fence) {
        return own.fence > least->fence;
    }
    if (own.phase != least->phase) {
        return own.phase > least->phase;
    }
    return shows_age(op) && own.age_ms > least->age_ms;
}

/* --- twins ---------------------------------------------------------------- */

static bool only_reads(const struct op *op)
{
    return op->kind == REPLY_ERROR || op->kind == REPLY_NOT_FOUND ||
           shows_age(op) || (op->kind == REPLY_CLAIMED && op->again);
}

static bool same_question(const struct op *a, const struct op *b)
{
    return a->verb == b->verb && a->fence == b->fence && a->owner == b->owner &&
           a->fp == b->fp && a->receipt == b->receipt;
}

/* Of a claim that is shown, what differs between two questions was settled by
 * its owner and fingerprint, which never change. */
static bool same_answer(const struct op *a, const struct op *b)
{
    return a->got_fence == b->got_fence && a->got_attempt == b->got_attempt &&
           a->got_age_ms == b->got_age_ms &&
           a->got_lease_ms == b->got_lease_ms &&
           a->got_retry_ms == b->got_retry_ms &&
           a->got_ttl_ms == b->got_ttl_ms && a->got_receipt == b->got_receipt;
}

bool are_twins(const struct op *a, const struct op *b)
{
    return only_reads(a) && a->kind == b->kind && a->error == b->error &&
           a->again == b->again && same_answer(a, b) &&
           (a->got_fence != 0 || same_question(a, b));
}
