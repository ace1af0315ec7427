#include "tests/torture/check_ends.h"

#include <stdlib.h>

/* Commands of one verb that name no fence, by end, and for each the least of
 * it and all later ones. */
struct loose {
    const struct seen **all;
    struct least {
        uint64_t begin;
        int64_t called_us; /* of those without ttl= */
        int64_t out_us;    /* call and ttl together, of those with ttl= */
    } * least;
    size_t count;
};

static int by_end(const void *a, const void *b)
{
    const struct seen *x = *(const struct seen *const *)a;
    const struct seen *y = *(const struct seen *const *)b;

    return x->end < y->end ? -1 : x->end > y->end;
}

static struct least least_of(struct least later, const struct seen *seen)
{
    int64_t called_us = us_of(seen->op->called_us);
    int64_t ttl_us = us_of_ms(seen->op->ttl_ms);

    if (seen->begin < later.begin) {
        later.begin = seen->begin;
    }
    if (ttl_us == 0) {
        later.called_us = min_us(later.called_us, called_us);
    } else {
        later.out_us = min_us(later.out_us, called_us + ttl_us);
    }
    return later;
}

static void loose_init(struct loose *loose, const struct key_ops *key,
                       enum verb verb)
{
    struct least later = {UINT64_MAX, TIME_FAR_US, TIME_FAR_US};

    *loose = (struct loose){
        .all = calloc(key->count + 1, sizeof(*loose->all)),
        .least = calloc(key->count + 1, sizeof(*loose->least)),
    };
    CHECK(loose->all != NULL && loose->least != NULL);
    for (size_t i = 0; i < key->count; i++) {
        const struct op *op = key->ops[i].op;

        if (op->verb == verb && op->fence == 0 && op_may_be_ok(op)) {
            loose->all[loose->count++] = &key->ops[i];
        }
    }
    qsort(loose->all, loose->count, sizeof(*loose->all), by_end);
    loose->least[loose->count] = later;
    for (size_t i = loose->count; i-- > 0;) {
        later = least_of(later, loose->all[i]);
        loose->least[i] = later;
    }
}

static void loose_release(struct loose *loose)
{
    free(loose->all);
    free(loose->least);
}

/* Of those that ended at `from` or later. */
static const struct least *loose_from(const struct loose *loose, uint64_t from)
{
    size_t low = 0;
    size_t high = loose->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (loose->all[middle]->end < from) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return &loose->least[low];
}

/* --- ttls ----------------------------------------------------------------- */

int64_t least_ttl_us(const struct history_rules *rules,
                     const struct key_ops *key)
{
    int64_t least_us = TIME_FAR_US;

    for (size_t i = 0; i < key->count; i++) {
        const struct op *op = key->ops[i].op;

        if (op->verb == VERB_CLAIM) {
            least_us = min_us(least_us, us_of_ms(claim_ttl_ms(rules, op)));
        }
    }
    return least_us;
}

int64_t grant_ttl_us(const struct history_rules *rules,
                     const struct grant *grant, int64_t least_us)
{
    return grant != NULL && grant->claim != NULL
               ? us_of_ms(claim_ttl_ms(rules, grant->claim->op))
               : least_us;
}

/* --- endings -------------------------------------------------------------- */

/* The claim was still there then. */
static uint64_t seen_held(const struct grant *grant)
{
    return grant->held != NULL && grant->held->begin > grant->begin
               ? grant->held->begin
               : grant->begin;
}

static uint64_t later_of(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void end_by(struct ending *ending, const struct grant *grant,
                   const struct seen *seen, int64_t ttl_us)
{
    const struct op *op = seen->op;
    uint64_t from = seen_held(grant);
    uint64_t begin = later_of(seen->begin, from);

    if (seen->end < from) {
        return;
    }
    if (op->verb == VERB_RELEASE && begin < ending->release) {
        ending->release = begin;
    }
    if (op->verb == VERB_COMPLETE) {
        ttl_us = op->ttl_ms > 0 ? us_of_ms(op->ttl_ms) : ttl_us;
        ending->complete = begin < ending->complete ? begin : ending->complete;
        ending->gone_us =
            min_us(ending->gone_us, us_of(op->called_us) + ttl_us);
    }
}

static bool needs_fence(const struct grant *grant)
{
    return grant->claim != NULL && grant->claim->op->owner != 0;
}

static void end_by_loose(struct ending *ending, const struct grant *grant,
                         const struct loose *releases,
                         const struct loose *completes, int64_t ttl_us)
{
    uint64_t from = seen_held(grant);
    const struct least *release = loose_from(releases, from);
    const struct least *complete = loose_from(completes, from);

    if (needs_fence(grant)) {
        return;
    }
    if (release->begin < UINT64_MAX) {
        ending->release = later_of(release->begin, from);
    }
    if (complete->begin < UINT64_MAX) {
        ending->complete = later_of(complete->begin, from);
        ending->gone_us =
            min_us(complete->out_us, complete->called_us + ttl_us);
    }
}

struct ending *endings_new(const struct history_rules *rules,
                           const struct key_ops *key,
                           const struct grants *grants)
{
    int64_t least_us = least_ttl_us(rules, key);
    struct ending *endings = calloc(grants->count + 1, sizeof(*endings));
    struct loose releases;
    struct loose completes;

    CHECK(endings != NULL);
    loose_init(&releases, key, VERB_RELEASE);
    loose_init(&completes, key, VERB_COMPLETE);
    for (size_t i = 0; i < grants->count; i++) {
        const struct grant *grant = &grants->all[i];

        endings[i] = (struct ending){UINT64_MAX, UINT64_MAX, TIME_FAR_US};
        end_by_loose(&endings[i], grant, &releases, &completes,
                     grant_ttl_us(rules, grant, least_us));
    }
    for (size_t i = 0; i < key->count; i++) {
        const struct op *op = key->ops[i].op;
        const struct grant *grant = op->fence != 0 && op_may_be_ok(op)
                                        ? grants_find(grants, op->fence)
                                        : NULL;

        if (grant != NULL) {
            end_by(&endings[grant - grants->all], grant, &key->ops[i],
                   grant_ttl_us(rules, grant, least_us));
        }
    }
    loose_release(&releases);
    loose_release(&completes);
    return endings;
}
