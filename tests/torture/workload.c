#include "tests/torture/workload.h"

#include "tests/torture/words.h"

#include <stdlib.h>

enum {
    HOT_PERCENT = 70,
    NEW_PERCENT = 40,  /* of commands on keys that are not hot */
    LEAVE_PERCENT = 8, /* a hot key that is completed */
    AGAIN_PERCENT = 10,
    FPS = 3,
};

/* --- keys ----------------------------------------------------------------- */

static void list_add(struct key_list *list, uint32_t key)
{
    if (list->count == list->room) {
        list->room = list->room * 2 + 64;
        list->all = realloc(list->all, list->room * sizeof(*list->all));
        CHECK(list->all != NULL);
    }
    list->all[list->count++] = key;
}

static uint32_t new_key(struct workload *workload)
{
    uint32_t key = ++workload->keys;

    if (key >= workload->room) {
        workload->room = workload->room * 2 + 1024;
        workload->views =
            realloc(workload->views, workload->room * sizeof(*workload->views));
        CHECK(workload->views != NULL);
    }
    workload->views[key] = (struct key_view){.fence = 0};
    return key;
}

static uint32_t pick_hot(struct workload *workload)
{
    struct rng *rng = &workload->rng;
    uint32_t *key = &workload->hot[rng_below(rng, workload->hot_count)];

    if (*key == 0 ||
        (workload->views[*key].completed && rng_percent(rng, LEAVE_PERCENT))) {
        *key = new_key(workload);
    }
    return *key;
}

static uint32_t pick_fresh(struct workload *workload)
{
    struct rng *rng = &workload->rng;
    uint32_t among =
        workload->keys < WORKLOAD_FRESH ? workload->keys : WORKLOAD_FRESH;

    /* cppcheck-suppress knownConditionTrueFalse ; both arms are there */
    if (among == 0 || rng_percent(rng, NEW_PERCENT)) {
        return new_key(workload);
    }
    return workload->keys - (uint32_t)rng_below(rng, among);
}

static uint32_t pick_key(struct workload *workload)
{
    return rng_percent(&workload->rng, HOT_PERCENT) ? pick_hot(workload)
                                                    : pick_fresh(workload);
}

static void touch(struct workload *workload, uint32_t key)
{
    if (!workload->views[key].touched) {
        workload->views[key].touched = true;
        list_add(&workload->touched, key);
    }
}

/* --- commands ------------------------------------------------------------- */

static uint64_t pick_between(struct rng *rng, const uint64_t between[2])
{
    return between[0] + rng_below(rng, between[1] - between[0] + 1);
}

static uint64_t pick_owner(struct rng *rng)
{
    return rng_next(rng) / 2 + 1;
}

static void ask_claim(struct workload *workload, const struct key_view *view,
                      struct op *op)
{
    struct rng *rng = &workload->rng;

    op->verb = VERB_CLAIM;
    if (rng_percent(rng, 90)) {
        op->lease_ms = pick_between(rng, workload->profile->lease_ms);
    }
    if (rng_percent(rng, 60)) {
        op->ttl_ms = pick_between(rng, workload->profile->ttl_ms);
    }
    if (rng_percent(rng, 70)) {
        op->owner = view->owner != 0 && rng_percent(rng, 10) ? view->owner
                                                             : pick_owner(rng);
    }
    if (rng_percent(rng, 20)) {
        op->fp = 1 + rng_below(rng, FPS);
    }
}

/* Mostly the right one; 0: none is given. */
static uint64_t pick_fence(struct rng *rng, const struct key_view *view)
{
    unsigned draw = (unsigned)rng_below(rng, 100);

    if (draw < 86) {
        return view->fence;
    }
    if (draw < 90) {
        return view->fence_before;
    }
    return draw < 92 ? view->fence + 1 - 2 * rng_below(rng, 2) : 0;
}

static void ask_complete(struct workload *workload, uint64_t worker,
                         const struct key_view *view, struct op *op)
{
    struct rng *rng = &workload->rng;

    op->verb = VERB_COMPLETE;
    op->receipt = view->receipt != 0 && rng_percent(rng, 15)
                      ? view->receipt
                      : word_receipt_of(op->key, op->fence, worker);
    if (rng_percent(rng, 40)) {
        op->ttl_ms = pick_between(rng, workload->profile->ttl_ms);
    }
    if (rng_percent(rng, 10)) {
        op->fp = 1 + rng_below(rng, FPS);
    }
}

static void ask_end(struct workload *workload, uint64_t worker,
                    const struct key_view *view, struct op *op)
{
    struct rng *rng = &workload->rng;
    unsigned draw = (unsigned)rng_below(rng, 100);

    op->fence = pick_fence(rng, view);
    if (draw < 45) {
        ask_complete(workload, worker, view, op);
    } else if (draw < 75) {
        op->verb = VERB_RELEASE;
    } else {
        op->verb = VERB_EXTEND;
        if (rng_percent(rng, 60)) {
            op->lease_ms = pick_between(rng, workload->profile->lease_ms);
        }
    }
}

static void ask(struct workload *workload, uint64_t worker, struct op *op)
{
    const struct key_view *view;
    unsigned draw = (unsigned)rng_below(&workload->rng, 100);

    op->key = pick_key(workload);
    view = &workload->views[op->key];
    if (draw < 42) {
        ask_claim(workload, view, op);
    } else if (draw < 85 && view->fence > 0) {
        ask_end(workload, worker, view, op);
    } else {
        op->verb = draw < 85 ? VERB_CLAIM : VERB_LOOKUP;
        if (op->verb == VERB_CLAIM) {
            ask_claim(workload, view, op);
        }
    }
}

/* The same command, as if it had never been asked. */
static struct op asked_again(const struct op *op)
{
    return (struct op){
        .key = op->key,
        .verb = op->verb,
        .fence = op->fence,
        .lease_ms = op->lease_ms,
        .ttl_ms = op->ttl_ms,
        .owner = op->owner,
        .fp = op->fp,
        .receipt = op->receipt,
    };
}

static void remember(struct workload *workload, const struct op *op)
{
    workload->recent[workload->recent_count++ % WORKLOAD_RECENT] =
        asked_again(op);
}

static const struct op *pick_recent(struct workload *workload)
{
    size_t among = workload->recent_count < WORKLOAD_RECENT
                       ? workload->recent_count
                       : WORKLOAD_RECENT;

    return &workload->recent[rng_below(&workload->rng, among)];
}

void workload_lose(struct workload *workload, const struct op *op)
{
    remember(workload, op);
    touch(workload, op->key);
}

void workload_next(struct workload *workload, uint64_t worker, struct op *op)
{
    *op = (struct op){.kind = REPLY_NONE};
    if (workload->recent_count > 0 &&
        rng_percent(&workload->rng, AGAIN_PERCENT)) {
        *op = *pick_recent(workload);
    } else {
        ask(workload, worker, op);
        if (rng_percent(&workload->rng, 25)) {
            remember(workload, op);
        }
    }
    if (op->verb == VERB_COMPLETE) {
        workload->views[op->key].receipt = op->receipt;
    }
    touch(workload, op->key);
}

/* --- answers -------------------------------------------------------------- */

void workload_learn(struct workload *workload, const struct op *op)
{
    struct key_view *view = &workload->views[op->key];

    if (op->got_fence > view->fence) {
        view->fence_before = view->fence;
        view->fence = op->got_fence;
        view->owner = 0;
        view->completed = false;
    }
    if (op->got_fence != view->fence || op->got_fence == 0) {
        return;
    }
    if (op->kind == REPLY_CLAIMED) {
        view->owner = op->owner;
    }
    if (op->kind == REPLY_COMPLETED && op->got_receipt != HISTORY_FOREIGN) {
        view->receipt = op->got_receipt;
        view->completed = true;
    }
}

/* --- readers -------------------------------------------------------------- */

bool workload_next_unread(struct workload *workload, struct op *op)
{
    if (workload->unread.count == 0) {
        return false;
    }
    *op = (struct op){
        .key = workload->unread.all[--workload->unread.count],
        .verb = VERB_LOOKUP,
    };
    return true;
}

void workload_next_life(struct workload *workload, bool all)
{
    if (all) {
        workload->unread.count = 0;
        for (uint32_t key = 1; key <= workload->keys; key++) {
            list_add(&workload->unread, key);
        }
    }
    for (size_t i = 0; i < workload->touched.count; i++) {
        workload->views[workload->touched.all[i]].touched = false;
        if (!all) {
            list_add(&workload->unread, workload->touched.all[i]);
        }
    }
    workload->touched.count = 0;
}

void workload_init(struct workload *workload, const struct profile *profile,
                   uint64_t seed)
{
    *workload = (struct workload){.profile = profile, .rng = {.state = seed}};
    workload->hot_count = (size_t)8 << rng_below(&workload->rng, 3);
    CHECK(workload->hot_count <= WORKLOAD_HOT_MAX);
}

void workload_release(struct workload *workload)
{
    free(workload->views);
    free(workload->touched.all);
    free(workload->unread.all);
    *workload = (struct workload){.profile = NULL};
}
