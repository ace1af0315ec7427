#include "tests/torture/check_grants.h"

#include <stdlib.h>

uint64_t told_fence(const struct op *op)
{
    switch ((int)op->kind) {
    case REPLY_CLAIMED:
    case REPLY_INFLIGHT:
    case REPLY_EXPIRED:
    case REPLY_COMPLETED:
        return op->got_fence;
    case REPLY_EXTENDED:
        return op->fence;
    case REPLY_OK:
        return op->verb == VERB_COMPLETE ? op->fence : 0;
    default:
        return 0;
    }
}

static bool sees_alive(const struct op *op)
{
    return op->kind == REPLY_INFLIGHT ||
           (op->kind == REPLY_CLAIMED && op->again);
}

static bool sees_held(const struct op *op)
{
    return sees_alive(op) || op->kind == REPLY_EXPIRED ||
           op->kind == REPLY_EXTENDED;
}

static bool sees_done(const struct op *op)
{
    return op->kind == REPLY_COMPLETED ||
           (op->kind == REPLY_OK && op->verb == VERB_COMPLETE);
}

static void keep_later(const struct seen **last, const struct seen *seen)
{
    if (*last == NULL || (*last)->begin < seen->begin) {
        *last = seen;
    }
}

static void keep_earlier(const struct seen **first, const struct seen *seen)
{
    if (*first == NULL || (*first)->end > seen->end) {
        *first = seen;
    }
}

static void grant_tell(struct grant *grant, const struct seen *seen)
{
    keep_earlier(&grant->first, seen);
    if (op_grants(seen->op) && grant->claim == NULL) {
        grant->claim = seen;
    }
    if (sees_alive(seen->op)) {
        keep_later(&grant->alive, seen);
    }
    if (sees_held(seen->op)) {
        keep_later(&grant->held, seen);
    }
    if (sees_done(seen->op)) {
        keep_earlier(&grant->done, seen);
    }
}

/* --- building ------------------------------------------------------------- */

static int by_told_fence(const void *a, const void *b)
{
    const struct seen *x = *(const struct seen *const *)a;
    const struct seen *y = *(const struct seen *const *)b;
    uint64_t fence_x = told_fence(x->op);
    uint64_t fence_y = told_fence(y->op);

    if (fence_x != fence_y) {
        return fence_x < fence_y ? -1 : 1;
    }
    return x < y ? -1 : x > y;
}

static bool may_make_orphan(const struct op *op)
{
    return op->verb == VERB_CLAIM && op_unknown(op);
}

static const struct seen **pick(const struct key_ops *key,
                                bool picks(const struct op *), size_t *count)
{
    const struct seen **picked = calloc(key->count + 1, sizeof(*picked));

    CHECK(picked != NULL);
    *count = 0;
    for (size_t i = 0; i < key->count; i++) {
        if (picks(key->ops[i].op)) {
            picked[(*count)++] = &key->ops[i];
        }
    }
    return picked;
}

static bool tells_fence(const struct op *op)
{
    return told_fence(op) != 0;
}

/* An orphan was made after the first CLAIM that may have made it was called. */
static void set_begin(const struct grants *grants, struct grant *grant)
{
    const struct seen *claim = grant->claim;

    if (claim == NULL && grants->orphan_claims_count > 0) {
        claim = grants->orphan_claims[0];
    }
    if (claim != NULL) {
        grant->begin = claim->begin;
        grant->begin_us = us_of(claim->op->called_us);
    }
}

void grants_init(struct grants *grants, const struct key_ops *key)
{
    size_t count;
    const struct seen **tell = pick(key, tells_fence, &count);

    *grants = (struct grants){.all = calloc(count + 1, sizeof(*grants->all))};
    CHECK(grants->all != NULL);
    grants->orphan_claims =
        pick(key, may_make_orphan, &grants->orphan_claims_count);
    qsort(tell, count, sizeof(*tell), by_told_fence);
    for (size_t i = 0; i < count; i++) {
        uint64_t fence = told_fence(tell[i]->op);

        if (grants->count == 0 ||
            grants->all[grants->count - 1].fence != fence) {
            grants->all[grants->count++].fence = fence;
        }
        grant_tell(&grants->all[grants->count - 1], tell[i]);
    }
    for (size_t i = 0; i < grants->count; i++) {
        set_begin(grants, &grants->all[i]);
    }
    free(tell);
}

void grants_release(struct grants *grants)
{
    free(grants->all);
    free(grants->orphan_claims);
    *grants = (struct grants){.all = NULL};
}

const struct grant *grants_find(const struct grants *grants, uint64_t fence)
{
    size_t low = 0;
    size_t high = grants->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (grants->all[middle].fence < fence) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < grants->count && grants->all[low].fence == fence
               ? &grants->all[low]
               : NULL;
}
