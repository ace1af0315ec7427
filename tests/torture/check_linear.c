/* Rules that look at one key's claims: where each fence, owner and receipt came
 * from, and that what was over stays over.
 *
 * Given up here: how long leases that were extended may last is bounded by all
 * EXTENDs of the claim, also later ones; an orphan's lease is not bounded. */
#include "tests/torture/check_windows.h"

#include <stdlib.h>

struct linear {
    struct judge *judge;
    const struct key_ops *key;
    struct grants grants;
    const struct seen **sent; /* owned; COMPLETEs that may have been stored, by
                                 receipt, fence and begin */
    size_t sent_count;
};

/* --- fences --------------------------------------------------------------- */

static void enter_fences(const struct linear *linear)
{
    for (size_t i = 0; i < linear->grants.count; i++) {
        const struct grant *grant = &linear->grants.all[i];

        fences_add(linear->judge->fences,
                   &(struct fence){.fence = grant->fence,
                                   .key = linear->key->key,
                                   .claim = grant->claim,
                                   .first = grant->first});
    }
}

/* Granted once, and shown to nobody before. */
static void check_granted_once(const struct linear *linear)
{
    for (size_t i = 0; i < linear->key->count; i++) {
        const struct seen *seen = &linear->key->ops[i];
        const struct grant *grant =
            op_grants(seen->op)
                ? grants_find(&linear->grants, seen->op->got_fence)
                : NULL;

        if (grant == NULL) {
            continue;
        }
        if (grant->claim != seen) {
            COMPLAIN(linear->judge, FENCE_TWICE, seen->op->key, grant->claim,
                     seen);
        }
        if (seen_before(grant->first, seen)) {
            COMPLAIN(linear->judge, FENCE_UNKNOWN, seen->op->key, grant->first,
                     seen);
        }
    }
}

static int by_first_end(const void *a, const void *b)
{
    const struct grant *x = *(const struct grant *const *)a;
    const struct grant *y = *(const struct grant *const *)b;

    return x->first->end < y->first->end ? -1 : x->first->end > y->first->end;
}

static const struct grant **grants_by_first(const struct grants *grants)
{
    const struct grant **sorted = calloc(grants->count + 1, sizeof(*sorted));

    CHECK(sorted != NULL);
    for (size_t i = 0; i < grants->count; i++) {
        sorted[i] = &grants->all[i];
    }
    qsort(sorted, grants->count, sizeof(*sorted), by_first_end);
    return sorted;
}

/* Each orphan needs a CLAIM of its own, of unknown outcome, that was called
 * before the orphan had been shown. */
static void check_orphans(const struct linear *linear,
                          const struct grant *const *by_first)
{
    const struct grants *grants = &linear->grants;
    size_t called = 0;
    size_t shown = 0;

    for (size_t i = 0; i < grants->count; i++) {
        const struct grant *grant = by_first[i];

        if (grant->claim != NULL) {
            continue;
        }
        while (called < grants->orphan_claims_count &&
               grants->orphan_claims[called]->begin <= grant->first->end) {
            called++;
        }
        if (++shown > called) {
            COMPLAIN(linear->judge, FENCE_UNKNOWN, linear->key->key,
                     grant->first);
        }
    }
}

static void check_no_older(const struct linear *linear,
                           const struct grant *const *by_first)
{
    const struct grant *newest = NULL;
    size_t next = 0;

    for (size_t i = 0; i < linear->key->count; i++) {
        const struct seen *seen = &linear->key->ops[i];
        uint64_t fence = told_fence(seen->op);

        for (; next < linear->grants.count &&
               seen_before(by_first[next]->first, seen);
             next++) {
            if (newest == NULL || by_first[next]->fence > newest->fence) {
                newest = by_first[next];
            }
        }
        if (fence != 0 && !op_grants(seen->op) && newest != NULL &&
            fence < newest->fence) {
            COMPLAIN(linear->judge, OLD_FENCE, seen->op->key, newest->first,
                     seen);
        }
    }
}

/* --- what is shown of a claim --------------------------------------------- */

static bool shows_attempt(const struct op *op)
{
    return op->kind == REPLY_CLAIMED || op->kind == REPLY_INFLIGHT ||
           op->kind == REPLY_EXPIRED;
}

static bool shows_owner(const struct op *op)
{
    return op->verb == VERB_LOOKUP &&
           (op->kind == REPLY_INFLIGHT || op->kind == REPLY_EXPIRED);
}

/* The owner that the answer says the claim has. */
static bool told_owner(const struct op *op, uint64_t *owner)
{
    *owner = shows_owner(op) ? op->got_owner : op->owner;
    return shows_owner(op) || op->kind == REPLY_CLAIMED;
}

static bool orphan_may_have(const struct grants *grants, uint64_t owner)
{
    for (size_t i = 0; i < grants->orphan_claims_count; i++) {
        if (grants->orphan_claims[i]->op->owner == owner) {
            return true;
        }
    }
    return false;
}

static bool same_claim(const struct linear *linear, const struct grant *grant,
                       const struct seen *first, const struct op *op)
{
    uint64_t owner;
    uint64_t first_owner;

    if (shows_attempt(op) && shows_attempt(first->op) &&
        op->got_attempt != first->op->got_attempt) {
        return false;
    }
    if (!told_owner(op, &owner)) {
        return true;
    }
    if (told_owner(first->op, &first_owner) && first->op != op) {
        return owner == first_owner;
    }
    return grant->claim != NULL || orphan_may_have(&linear->grants, owner);
}

/* Compares with the claim itself, or with the first that showed an orphan's
 * owner. */
static void check_claims_shown(const struct linear *linear)
{
    const struct grants *grants = &linear->grants;
    const struct seen **firsts = calloc(grants->count + 1, sizeof(*firsts));

    CHECK(firsts != NULL);
    for (size_t i = 0; i < linear->key->count; i++) {
        const struct seen *seen = &linear->key->ops[i];
        const struct grant *grant = grants_find(grants, told_fence(seen->op));
        const struct seen **first;
        uint64_t owner;

        if (grant == NULL) {
            continue;
        }
        first = &firsts[grant - grants->all];
        if (*first == NULL) {
            *first = grant->claim != NULL ? grant->claim : seen;
        }
        if (!same_claim(linear, grant, *first, seen->op)) {
            COMPLAIN(linear->judge, CLAIM_CHANGED, seen->op->key, *first, seen);
        }
        if (grant->claim == NULL && told_owner(seen->op, &owner)) {
            *first = seen;
        }
    }
    free(firsts);
}

/* --- receipts ------------------------------------------------------------- */

static int by_receipt_and_fence(const void *a, const void *b)
{
    const struct seen *x = *(const struct seen *const *)a;
    const struct seen *y = *(const struct seen *const *)b;

    if (x->op->receipt != y->op->receipt) {
        return x->op->receipt < y->op->receipt ? -1 : 1;
    }
    if (x->op->fence != y->op->fence) {
        return x->op->fence < y->op->fence ? -1 : 1;
    }
    return x < y ? -1 : x > y;
}

static void gather_sent(struct linear *linear)
{
    const struct key_ops *key = linear->key;

    linear->sent = calloc(key->count + 1, sizeof(*linear->sent));
    CHECK(linear->sent != NULL);
    for (size_t i = 0; i < key->count; i++) {
        if (key->ops[i].op->verb == VERB_COMPLETE &&
            op_may_be_ok(key->ops[i].op)) {
            linear->sent[linear->sent_count++] = &key->ops[i];
        }
    }
    qsort(linear->sent, linear->sent_count, sizeof(*linear->sent),
          by_receipt_and_fence);
}

/* Whether it was sent with this fence before the answer came. */
static bool was_sent_with(const struct linear *linear, uint64_t fence,
                          const struct seen *shown)
{
    uint64_t receipt = shown->op->got_receipt;
    size_t low = 0;
    size_t high = linear->sent_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct op *op = linear->sent[middle]->op;

        if (op->receipt < receipt ||
            (op->receipt == receipt && op->fence < fence)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < linear->sent_count &&
           linear->sent[low]->op->receipt == receipt &&
           linear->sent[low]->op->fence == fence &&
           linear->sent[low]->begin <= shown->end;
}

static bool was_sent(const struct linear *linear, const struct seen *shown)
{
    return was_sent_with(linear, 0, shown) ||
           was_sent_with(linear, shown->op->got_fence, shown);
}

/* 0: the answer says nothing of the claim's receipt. */
static uint64_t told_receipt(const struct op *op)
{
    if (op->kind == REPLY_COMPLETED) {
        return op->got_receipt;
    }
    return op->kind == REPLY_OK && op->verb == VERB_COMPLETE ? op->receipt : 0;
}

/* Where it came from is looked up for the first that was shown: the others must
 * be the same. */
static void check_receipts(const struct linear *linear)
{
    const struct grants *grants = &linear->grants;
    const struct seen **firsts = calloc(grants->count + 1, sizeof(*firsts));

    CHECK(firsts != NULL);
    for (size_t i = 0; i < linear->key->count; i++) {
        const struct seen *seen = &linear->key->ops[i];
        const struct grant *grant = grants_find(grants, told_fence(seen->op));
        uint64_t receipt = told_receipt(seen->op);
        const struct seen **first;

        if (grant == NULL || receipt == 0) {
            continue;
        }
        first = &firsts[grant - grants->all];
        if (*first != NULL && told_receipt((*first)->op) != receipt) {
            COMPLAIN(linear->judge, RECEIPT_CHANGED, seen->op->key, *first,
                     seen);
        } else if (*first == NULL && seen->op->kind == REPLY_COMPLETED &&
                   !was_sent(linear, seen)) {
            COMPLAIN(linear->judge, RECEIPT_UNSENT, seen->op->key, seen);
        }
        *first = *first == NULL ? seen : *first;
    }
    free(firsts);
}

/* --- what was over stays over --------------------------------------------- */

/* Completed, and then seen held: no ttl explains that, because the same fence
 * is never given again. */
static void check_not_undone(const struct linear *linear)
{
    for (size_t i = 0; i < linear->grants.count; i++) {
        const struct grant *grant = &linear->grants.all[i];

        if (grant->done != NULL && grant->held != NULL &&
            seen_before(grant->done, grant->held)) {
            COMPLAIN(linear->judge, LOST_COMPLETION, linear->key->key,
                     grant->done, grant->held);
        }
    }
}

/* A RELEASE with the claim's fence that is OK leaves it released, or finds it
 * released or completed. */
static void check_not_released(const struct linear *linear)
{
    for (size_t i = 0; i < linear->key->count; i++) {
        const struct seen *seen = &linear->key->ops[i];
        const struct op *op = seen->op;
        const struct grant *grant =
            op->verb == VERB_RELEASE && op->kind == REPLY_OK && op->fence != 0
                ? grants_find(&linear->grants, op->fence)
                : NULL;

        if (grant != NULL && grant->held != NULL &&
            seen_before(grant->first, seen) && seen_before(seen, grant->held)) {
            COMPLAIN(linear->judge, RELEASE_UNDONE, op->key, seen, grant->held);
        }
    }
}

/* --- leases that last too long -------------------------------------------- */

/* How long after the call of the last EXTEND, or of the claim, each lease may
 * run; without grace. */
static int64_t *lease_ends(const struct linear *linear)
{
    const struct history_rules *rules = linear->judge->rules;
    const struct grants *grants = &linear->grants;
    int64_t *ends_us = calloc(grants->count + 1, sizeof(*ends_us));

    CHECK(ends_us != NULL);
    for (size_t i = 0; i < linear->key->count; i++) {
        const struct op *op = linear->key->ops[i].op;
        bool extends = op->verb == VERB_EXTEND && op_may_be_ok(op);
        const struct grant *grant =
            grants_find(grants, extends ? op->fence : told_fence(op));
        const struct op *claim =
            grant != NULL && grant->claim != NULL ? grant->claim->op : NULL;
        int64_t lease_us;

        if (claim == NULL || (op != claim && !extends)) {
            continue;
        }
        lease_us = us_of_ms(op != claim && op->lease_ms > 0
                                ? op->lease_ms
                                : claim_lease_ms(rules, claim));
        ends_us[grant - grants->all] = max_us(ends_us[grant - grants->all],
                                              us_of(op->ended_us) + lease_us);
    }
    return ends_us;
}

static void check_leases_end(const struct linear *linear)
{
    const struct history_rules *rules = linear->judge->rules;
    int64_t late_us = us_of_ms(rules->grace_ms) + us_of_ms(rules->slack_ms);
    int64_t *ends_us = lease_ends(linear);

    for (size_t i = 0; i < linear->grants.count; i++) {
        const struct grant *grant = &linear->grants.all[i];
        bool known = grant->claim != NULL && grant->alive != NULL;

        if (!known || (rules->time_leaps &&
                       grant->claim->op->life != grant->alive->op->life)) {
            continue;
        }
        if (us_of(grant->alive->op->called_us) >= ends_us[i] + late_us + 1000) {
            COMPLAIN(linear->judge, LEASE_LONG, linear->key->key, grant->claim,
                     grant->alive);
        }
    }
    free(ends_us);
}

void check_linear(struct judge *judge, const struct key_ops *key)
{
    struct linear linear = {.judge = judge, .key = key};
    const struct grant **by_first;

    grants_init(&linear.grants, key);
    by_first = grants_by_first(&linear.grants);
    gather_sent(&linear);
    enter_fences(&linear);
    check_granted_once(&linear);
    check_orphans(&linear, by_first);
    check_no_older(&linear, by_first);
    check_claims_shown(&linear);
    check_receipts(&linear);
    check_not_undone(&linear);
    check_not_released(&linear);
    check_leases_end(&linear);
    check_windows(judge, key, &linear.grants);
    grants_release(&linear.grants);
    free(linear.sent);
    free(by_first);
}
