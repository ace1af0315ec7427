/* Fences over all keys: each given once, and rising with the order in which
 * they were given, through all lives. */
#include "tests/torture/check_grants.h"

#include <stdlib.h>

void fences_add(struct fences *fences, const struct fence *fence)
{
    if (fences->count == fences->room) {
        fences->room = fences->room * 2 + 64;
        fences->all = realloc(fences->all, fences->room * sizeof(*fences->all));
        CHECK(fences->all != NULL);
    }
    fences->all[fences->count++] = *fence;
}

void fences_release(struct fences *fences)
{
    free(fences->all);
    *fences = (struct fences){.all = NULL};
}

static int by_fence(const void *a, const void *b)
{
    const struct fence *x = a;
    const struct fence *y = b;

    return x->fence < y->fence ? -1 : x->fence > y->fence;
}

static int by_first_end(const void *a, const void *b)
{
    const struct fence *x = a;
    const struct fence *y = b;

    return x->first->end < y->first->end ? -1 : x->first->end > y->first->end;
}

static int by_claim_begin(const void *a, const void *b)
{
    const struct fence *x = a;
    const struct fence *y = b;

    return x->claim->begin < y->claim->begin
               ? -1
               : x->claim->begin > y->claim->begin;
}

static void check_unique(struct judge *judge, struct fences *fences)
{
    qsort(fences->all, fences->count, sizeof(*fences->all), by_fence);
    for (size_t i = 1; i < fences->count; i++) {
        const struct fence *a = &fences->all[i - 1];
        const struct fence *b = &fences->all[i];

        if (a->fence == b->fence) {
            COMPLAIN(judge, FENCE_TWICE, b->key, a->first, b->first);
        }
    }
}

static void copy_told(const struct fences *from, struct fences *to)
{
    for (size_t i = 0; i < from->count; i++) {
        if (from->all[i].claim != NULL) {
            fences_add(to, &from->all[i]);
        }
    }
}

/* What was given by the time that a claim is called is smaller than its
 * fence. */
static void check_rising(struct judge *judge, const struct fences *given,
                         const struct fences *claims)
{
    const struct fence *largest = NULL;
    size_t next = 0;

    for (size_t i = 0; i < claims->count; i++) {
        const struct fence *claim = &claims->all[i];

        while (next < given->count &&
               seen_before(given->all[next].first, claim->claim)) {
            if (largest == NULL || given->all[next].fence > largest->fence) {
                largest = &given->all[next];
            }
            next++;
        }
        if (largest != NULL && largest->fence > claim->fence) {
            COMPLAIN(judge, FENCE_ORDER, claim->key, largest->first,
                     claim->claim);
        }
    }
}

void check_fences(struct judge *judge)
{
    struct fences *fences = judge->fences;
    struct fences claims = {0};

    if (fences->count == 0) {
        return;
    }
    check_unique(judge, fences);
    copy_told(fences, &claims);
    qsort(fences->all, fences->count, sizeof(*fences->all), by_first_end);
    if (claims.count > 0) {
        qsort(claims.all, claims.count, sizeof(*claims.all), by_claim_begin);
    }
    check_rising(judge, fences, &claims);
    fences_release(&claims);
}
