/* An answer makes the key's state certain for a while. A lease that was granted
 * or shown runs until its end, unless something may have ended the claim; a
 * receipt that was stored or shown stays until its ttl may have run out. Every
 * op that was called after that answer and ended within that while must be
 * answered from that state.
 *
 * Given up here: what holds of an expired claim; a repeated completion whose
 * first may have been long ago, with the same receipt, counts from there. */
#include "tests/torture/check_windows.h"

#include <stdlib.h>

struct window {
    const struct seen *by; /* begins at its end */
    int64_t until_us;
    uint64_t fence; /* 0: not known, of a completion */
    bool completed;
    uint64_t receipt;            /* completed */
    const struct ending *ending; /* held */
};

struct windows {
    struct judge *judge;
    const struct key_ops *key;
    const struct grants *grants;
    const struct ending *endings;
    int64_t least_ttl_us;
    struct window *all;
    size_t count;
};

/* --- held ----------------------------------------------------------------- */

/* For how long after the call the lease runs at least, grace included; times
 * shown are rounded to milliseconds at both ends. */
static int64_t lease_shown_us(const struct history_rules *rules,
                              const struct op *op)
{
    int64_t lease_us = us_of_ms(op->got_lease_ms);
    int64_t grace_us = us_of_ms(rules->grace_ms);

    if (op_grants(op)) {
        return lease_us + grace_us;
    }
    if (op->kind == REPLY_INFLIGHT) {
        return us_of_ms(op->got_retry_ms) - 2000;
    }
    return lease_us > 0 ? lease_us + grace_us - 1000 : 0;
}

static bool shows_lease(const struct op *op)
{
    return op->kind == REPLY_CLAIMED || op->kind == REPLY_INFLIGHT ||
           op->kind == REPLY_EXTENDED;
}

static void add_held(struct windows *windows, const struct seen *seen)
{
    const struct history_rules *rules = windows->judge->rules;
    const struct op *op = seen->op;
    const struct grant *grant = grants_find(windows->grants, told_fence(op));

    if (grant == NULL) {
        return;
    }
    windows->all[windows->count++] = (struct window){
        .by = seen,
        .until_us = us_of(op->called_us) + lease_shown_us(rules, op) -
                    us_of_ms(rules->slack_ms),
        .fence = grant->fence,
        .ending = &windows->endings[grant - windows->grants->all],
    };
}

/* --- completed ------------------------------------------------------------ */

static int64_t complete_ttl_us(const struct windows *windows,
                               const struct op *op)
{
    const struct grant *grant = grants_find(windows->grants, op->fence);

    return op->ttl_ms > 0 ? us_of_ms(op->ttl_ms)
                          : grant_ttl_us(windows->judge->rules, grant,
                                         windows->least_ttl_us);
}

static int by_receipt(const void *a, const void *b)
{
    const struct seen *x = *(const struct seen *const *)a;
    const struct seen *y = *(const struct seen *const *)b;

    if (x->op->receipt != y->op->receipt) {
        return x->op->receipt < y->op->receipt ? -1 : 1;
    }
    return x < y ? -1 : x > y;
}

static void add_completed(struct windows *windows, const struct seen *seen,
                          int64_t until_us)
{
    const struct history_rules *rules = windows->judge->rules;
    const struct op *op = seen->op;
    bool shown = op->kind == REPLY_COMPLETED;

    windows->all[windows->count++] = (struct window){
        .by = seen,
        .until_us =
            until_us + us_of_ms(rules->grace_ms) - us_of_ms(rules->slack_ms),
        .fence = told_fence(op),
        .completed = true,
        .receipt = shown ? op->got_receipt : op->receipt,
    };
}

static void add_shown(struct windows *windows, const struct seen *seen)
{
    if (seen->op->got_ttl_ms > 0) {
        add_completed(windows, seen,
                      us_of(seen->op->called_us) +
                          us_of_ms(seen->op->got_ttl_ms) - 1000);
    }
}

/* Whether a moment of the other's life bounds one of this op's. */
static bool same_time(const struct windows *windows, const struct seen *seen,
                      const struct seen *other)
{
    return !windows->judge->rules->time_leaps ||
           other->op->life == seen->op->life;
}

/* OK may mean that the same receipt was there already, from any earlier
 * COMPLETE that sent it: its ttl counts from the first of them. But none can
 * have come before the claim that the fence names. */
static void add_stored(struct windows *windows, const struct seen *seen,
                       int64_t least_out_us, int64_t least_ttl_us)
{
    const struct grants *grants = windows->grants;
    const struct grant *grant = grants_find(grants, seen->op->fence);
    const struct seen *claim = grant == NULL          ? NULL
                               : grant->claim != NULL ? grant->claim
                               : grant->begin > 0     ? grants->orphan_claims[0]
                                                      : NULL;

    if (claim != NULL && same_time(windows, seen, claim)) {
        least_out_us = max_us(least_out_us, grant->begin_us + least_ttl_us);
    }
    add_completed(windows, seen, least_out_us);
}

static const struct seen **completes_of(const struct key_ops *key,
                                        size_t *count)
{
    const struct seen **completes = calloc(key->count + 1, sizeof(*completes));

    CHECK(completes != NULL);
    *count = 0;
    for (size_t i = 0; i < key->count; i++) {
        if (key->ops[i].op->verb == VERB_COMPLETE &&
            op_may_be_ok(key->ops[i].op)) {
            completes[(*count)++] = &key->ops[i];
        }
    }
    qsort(completes, *count, sizeof(*completes), by_receipt);
    return completes;
}

/* A completion that overlaps this one may have been the first as well, so the
 * group is looked at up to those called by its end. By begin, the first of the
 * group is of the earliest life. */
static void add_group(struct windows *windows, const struct seen **group,
                      size_t count)
{
    int64_t out_us = TIME_FAR_US;
    int64_t ttl_us = TIME_FAR_US;
    size_t next = 0;

    for (size_t i = 0; i < count; i++) {
        while (next < count && group[next]->begin <= group[i]->end) {
            int64_t each_us = complete_ttl_us(windows, group[next]->op);

            ttl_us = min_us(ttl_us, each_us);
            out_us =
                min_us(out_us, us_of(group[next]->op->called_us) + each_us);
            next++;
        }
        if (group[i]->op->kind == REPLY_OK) {
            add_stored(windows, group[i],
                       same_time(windows, group[i], group[0]) ? out_us
                                                              : -TIME_FAR_US,
                       ttl_us);
        }
    }
}

static void add_all_stored(struct windows *windows)
{
    size_t count;
    const struct seen **completes = completes_of(windows->key, &count);
    size_t from = 0;

    for (size_t i = 1; i <= count; i++) {
        if (i == count ||
            completes[i]->op->receipt != completes[from]->op->receipt) {
            add_group(windows, completes + from, i - from);
            from = i;
        }
    }
    free(completes);
}

/* --- answers -------------------------------------------------------------- */

static bool is_error(const struct op *op, int error)
{
    return op->kind == REPLY_ERROR && op->error == error;
}

/* The claim's fingerprint is not looked up here. */
static bool may_mismatch(const struct op *op)
{
    return is_error(op, E_MISMATCH) && op->fp != 0;
}

static bool shows_receipt(const struct window *window, const struct op *op)
{
    return op->kind == REPLY_COMPLETED && op->got_receipt == window->receipt &&
           (window->fence == 0 || op->got_fence == window->fence);
}

static bool is_other_fence(const struct window *window, const struct op *op)
{
    return op->fence != 0 && window->fence != 0 && op->fence != window->fence;
}

/* Whether STALE is an answer, or the only one. */
static bool stale_fits(const struct window *window, const struct op *op)
{
    return op->fence != 0 && op->fence != window->fence;
}

static bool fits_completed(const struct history_rules *rules,
                           const struct window *window, const struct op *op)
{
    bool same = op->receipt == window->receipt;

    if (is_error(op, E_FENCE_REQUIRED)) {
        return op->verb == VERB_EXTEND || rules->require_fence;
    }
    switch ((int)op->verb) {
    case VERB_CLAIM:
        return shows_receipt(window, op) || may_mismatch(op);
    case VERB_LOOKUP:
        return shows_receipt(window, op);
    case VERB_RELEASE:
        return op->kind == REPLY_OK;
    default:
        break;
    }
    if (is_error(op, E_STALE)) {
        return stale_fits(window, op);
    }
    if (is_other_fence(window, op)) {
        return false;
    }
    return op->verb == VERB_EXTEND
               ? is_error(op, E_CONFLICT)
               : may_mismatch(op) ||
                     (same ? op->kind == REPLY_OK : is_error(op, E_CONFLICT));
}

/* `may_be_done`: somebody may have completed the claim meanwhile. */
static bool shows_held(const struct window *window, const struct op *op,
                       bool may_be_done)
{
    bool held = op->kind == REPLY_INFLIGHT ||
                (op->kind == REPLY_CLAIMED && op->again) ||
                (op->kind == REPLY_COMPLETED && may_be_done);

    return held && op->got_fence == window->fence;
}

static bool fits_held(const struct window *window, const struct op *op,
                      bool may_be_done)
{
    bool other = stale_fits(window, op);

    if (is_error(op, E_FENCE_REQUIRED)) {
        return op->verb != VERB_CLAIM;
    }
    switch ((int)op->verb) {
    case VERB_CLAIM:
        return shows_held(window, op, may_be_done) || may_mismatch(op);
    case VERB_LOOKUP:
        return shows_held(window, op, may_be_done);
    case VERB_RELEASE:
        return (is_error(op, E_STALE) && other) ||
               (op->kind == REPLY_OK && (!other || may_be_done));
    default:
        break;
    }
    if (other || is_error(op, E_STALE)) {
        return other && is_error(op, E_STALE);
    }
    return op->kind == REPLY_OK || op->kind == REPLY_EXTENDED ||
           may_mismatch(op) || (may_be_done && is_error(op, E_CONFLICT));
}

/* --- blame ---------------------------------------------------------------- */

static bool shows_absent(const struct op *op)
{
    return op->kind == REPLY_NOT_FOUND || is_error(op, E_NOT_FOUND);
}

static enum promise blame_completed(const struct window *window,
                                    const struct op *op)
{
    if (op->kind == REPLY_COMPLETED && op->got_receipt != window->receipt) {
        return PROMISE_RECEIPT_CHANGED;
    }
    if (shows_absent(op) || op->kind == REPLY_CLAIMED ||
        op->kind == REPLY_INFLIGHT || op->kind == REPLY_EXPIRED) {
        return PROMISE_LOST_COMPLETION;
    }
    return PROMISE_TABLE;
}

static enum promise blame_held(const struct window *window, const struct op *op)
{
    if (shows_absent(op)) {
        return PROMISE_LOST_CLAIM;
    }
    if (op->kind == REPLY_EXPIRED && op->got_fence == window->fence) {
        return PROMISE_LEASE_SHORT;
    }
    if (told_fence(op) != 0 && told_fence(op) != window->fence) {
        return PROMISE_DOUBLE_GRANT;
    }
    return PROMISE_TABLE;
}

/* --- the sweep over a key's ops ------------------------------------------- */

static bool covers(const struct windows *windows, const struct window *window,
                   const struct seen *seen)
{
    const struct history_rules *rules = windows->judge->rules;
    int64_t ended_us = us_of(seen->op->ended_us);

    if (window == NULL || ended_us > window->until_us ||
        (rules->time_leaps && window->by->op->life != seen->op->life)) {
        return false;
    }
    return window->completed ||
           (seen->end < window->ending->release &&
            ended_us <= window->ending->gone_us + us_of_ms(rules->grace_ms) -
                            us_of_ms(rules->slack_ms));
}

static void judge_op(const struct windows *windows, const struct window *held,
                     const struct window *done, const struct seen *seen)
{
    const struct op *op = seen->op;

    if (covers(windows, done, seen) &&
        !fits_completed(windows->judge->rules, done, op)) {
        const struct seen *ops[] = {done->by, seen};

        complain(windows->judge, blame_completed(done, op), op->key, ops, 2);
    } else if (covers(windows, held, seen) &&
               !fits_held(held, op, seen->end >= held->ending->complete)) {
        const struct seen *ops[] = {held->by, seen};

        complain(windows->judge, blame_held(held, op), op->key, ops, 2);
    }
}

static int by_window_end(const void *a, const void *b)
{
    const struct window *x = a;
    const struct window *y = b;

    return x->by->end < y->by->end ? -1 : x->by->end > y->by->end;
}

/* Every window is certain, so that any choice is right: the one that will catch
 * most. */
static bool is_better(const struct windows *windows, const struct window *next,
                      const struct window *now)
{
    if (now == NULL || (windows->judge->rules->time_leaps &&
                        next->by->op->life != now->by->op->life)) {
        return true;
    }
    if (next->completed || next->fence == now->fence) {
        return next->until_us > now->until_us;
    }
    return next->fence > now->fence;
}

static void sweep(struct windows *windows)
{
    const struct window *held = NULL;
    const struct window *done = NULL;
    size_t next = 0;

    for (size_t i = 0; i < windows->key->count; i++) {
        const struct seen *seen = &windows->key->ops[i];

        for (;
             next < windows->count && seen_before(windows->all[next].by, seen);
             next++) {
            const struct window *window = &windows->all[next];
            const struct window **best = window->completed ? &done : &held;

            if (is_better(windows, window, *best)) {
                *best = window;
            }
        }
        if (op_tells(seen->op)) {
            judge_op(windows, held, done, seen);
        }
    }
}

static void add_all(struct windows *windows)
{
    for (size_t i = 0; i < windows->key->count; i++) {
        const struct seen *seen = &windows->key->ops[i];

        if (shows_lease(seen->op)) {
            add_held(windows, seen);
        } else if (seen->op->kind == REPLY_COMPLETED) {
            add_shown(windows, seen);
        }
    }
    add_all_stored(windows);
}

void check_windows(struct judge *judge, const struct key_ops *key,
                   const struct grants *grants)
{
    struct ending *endings = endings_new(judge->rules, key, grants);
    struct windows windows = {
        .judge = judge,
        .key = key,
        .grants = grants,
        .endings = endings,
        .least_ttl_us = least_ttl_us(judge->rules, key),
        .all = calloc(key->count + 1, sizeof(*windows.all)),
    };

    CHECK(windows.all != NULL);
    add_all(&windows);
    qsort(windows.all, windows.count, sizeof(*windows.all), by_window_end);
    sweep(&windows);
    free(windows.all);
    free(endings);
}
