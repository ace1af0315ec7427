/* Bounds of times. A record's moments are kept as the earliest and the latest
 * that agree with all answers so far, each by itself: that two of them were one
 * moment is remembered for a claim never extended and for a completion, and
 * given up otherwise. Giving up widens bounds and so never raises an alarm.
 *
 * The daemon counts whole milliseconds of a clock whose milliseconds begin
 * anywhere within the recorder's. So a duration has run out only after as many
 * microseconds, and runs for less than one millisecond longer; a shown time is
 * off by less than one millisecond. */
#include "tests/torture/check_state.h"

enum { MS_US = 1000, ROUND_US = MS_US - 1 };

/* An op that is being explained. */
struct step {
    const struct history_rules *rules;
    const struct op *op;
    bool unknown;
    int64_t slack_us;
    int64_t grace_us;
    struct span now;
    struct state *to;
};

/* --- spans ---------------------------------------------------------------- */

static const struct span anywhen = {-TIME_FAR_US, TIME_FAR_US};

static struct span span_moved(struct span span, int64_t by_us)
{
    return (struct span){max_us(span.lo_us + by_us, -TIME_FAR_US),
                         min_us(span.hi_us + by_us, TIME_FAR_US)};
}

static struct span span_widened(struct span span, int64_t by_us)
{
    return (struct span){span.lo_us - by_us, span.hi_us + by_us};
}

static bool span_cut(struct span *span, struct span by)
{
    span->lo_us = max_us(span->lo_us, by.lo_us);
    span->hi_us = min_us(span->hi_us, by.hi_us);
    return span->lo_us <= span->hi_us;
}

/* In another life, a moment of this one bounds nothing where time leaps. */
static void adopt(struct step *step, struct span *span, uint64_t *life)
{
    if (step->rules->time_leaps && *life != step->op->life) {
        *span = anywhen;
        *life = step->op->life;
    }
}

/* --- running and out ------------------------------------------------------ */

/* `duration_us` after `from` has (not) run out now: cuts both. */
static bool has_run_out(struct step *step, struct span *from,
                        int64_t duration_us)
{
    int64_t after_us = duration_us + step->grace_us + 1 - step->slack_us;

    return span_cut(&step->now,
                    (struct span){from->lo_us + after_us, TIME_FAR_US}) &&
           span_cut(from,
                    (struct span){-TIME_FAR_US, step->now.hi_us - after_us});
}

static bool still_runs(struct step *step, struct span *from,
                       int64_t duration_us)
{
    int64_t within_us =
        duration_us + step->grace_us + ROUND_US + step->slack_us;

    return span_cut(&step->now,
                    (struct span){-TIME_FAR_US, from->hi_us + within_us}) &&
           span_cut(from,
                    (struct span){step->now.lo_us - within_us, TIME_FAR_US});
}

/* So long ago, or so far ahead if negative: cuts both. */
static bool was_ago(struct step *step, struct span *moment, int64_t ago_us)
{
    int64_t off_us = ROUND_US + step->slack_us;

    return span_cut(&step->now,
                    span_widened(span_moved(*moment, ago_us), off_us)) &&
           span_cut(moment,
                    span_widened(span_moved(step->now, -ago_us), off_us));
}

/* What is left until the moment; 0: it has passed, or is now. */
static bool is_left(struct step *step, struct span *end, uint64_t left_ms)
{
    if (left_ms > 0) {
        return was_ago(step, end, -us_of_ms(left_ms));
    }
    return span_cut(end,
                    (struct span){-TIME_FAR_US,
                                  step->now.hi_us + ROUND_US + step->slack_us});
}

static bool ttl_left(struct step *step, uint64_t left_ms)
{
    int64_t ttl_us = us_of_ms(step->to->ttl_ms);
    struct span end = span_moved(step->to->ttl_from, ttl_us);
    bool fits = is_left(step, &end, left_ms);

    step->to->ttl_from = span_moved(end, -ttl_us);
    return fits;
}

/* Moments of a record that are one moment. */
static bool join(struct state *state)
{
    int64_t lease_us = us_of_ms(state->lease_ms);
    struct span start;

    if (state->last != LAST_CLAIM && state->last != LAST_COMPLETION) {
        return true;
    }
    if (state->extended != 0 || state->since_life != state->ttl_life) {
        return true;
    }
    start = state->since;
    if (!span_cut(&start, state->ttl_from)) {
        return false;
    }
    if (state->last == LAST_CLAIM && state->lease_life == state->ttl_life) {
        if (!span_cut(&start, span_moved(state->lease_end, -lease_us))) {
            return false;
        }
        state->lease_end = span_moved(start, lease_us);
    }
    state->since = start;
    state->ttl_from = start;
    return true;
}

/* --- how the key is found ------------------------------------------------- */

static void forget(struct state *state)
{
    uint64_t over =
        state->fence > state->fence_over ? state->fence : state->fence_over;

    *state = (struct state){.last = LAST_NONE,
                            .fence_over = over,
                            .now_us = state->now_us};
}

static bool find_out(struct step *step)
{
    struct state *to = step->to;

    if (to->last == LAST_NONE) {
        return true;
    }
    if (!has_run_out(step, &to->ttl_from, us_of_ms(to->ttl_ms))) {
        return false;
    }
    forget(to);
    return true;
}

static bool find_lease(struct step *step, bool out)
{
    struct state *to = step->to;

    return still_runs(step, &to->ttl_from, us_of_ms(to->ttl_ms)) &&
           (out ? has_run_out(step, &to->lease_end, 0)
                : still_runs(step, &to->lease_end, 0));
}

static bool find(struct step *step, enum found found)
{
    struct state *to = step->to;
    int64_t ttl_us = us_of_ms(to->ttl_ms);

    switch (found) {
    case FOUND_OUT:
        return find_out(step);
    case FOUND_TOMBSTONE:
        return to->last == LAST_RELEASE &&
               still_runs(step, &to->ttl_from, ttl_us);
    case FOUND_INFLIGHT:
    case FOUND_EXPIRED:
        return to->last == LAST_CLAIM &&
               find_lease(step, found == FOUND_EXPIRED);
    case FOUND_COMPLETED:
        return to->last == LAST_COMPLETION &&
               still_runs(step, &to->ttl_from, ttl_us);
    case FOUND_KINDS:
    default:
        return false;
    }
}

/* --- answers -------------------------------------------------------------- */

static bool is_ok(struct step *step)
{
    return step->unknown || step->op->kind == REPLY_OK;
}

static bool is_error(struct step *step, int error)
{
    return step->op->kind == REPLY_ERROR && step->op->error == error;
}

/* The claim's fence is this one; an unknown one becomes known. */
static bool has_fence(struct step *step, uint64_t fence)
{
    struct state *to = step->to;

    if (to->fence == 0 && fence > to->fence_over) {
        to->fence = fence;
        to->fence_over = 0;
    }
    return to->fence == fence;
}

static bool shows_completed(struct step *step)
{
    const struct op *op = step->op;

    return op->kind == REPLY_COMPLETED && has_fence(step, op->got_fence) &&
           op->got_receipt == step->to->receipt &&
           was_ago(step, &step->to->since, us_of_ms(op->got_age_ms)) &&
           ttl_left(step, op->got_ttl_ms);
}

/* A claim shown: of its times, retry tells the lease's end better than lease,
 * which stays 0 in the grace. */
static bool shows_claim(struct step *step, enum reply_kind kind)
{
    const struct op *op = step->op;
    uint64_t owner = op->verb == VERB_LOOKUP ? step->to->owner : 0;

    return op->kind == kind && has_fence(step, op->got_fence) &&
           op->got_attempt == step->to->attempt && op->got_owner == owner &&
           was_ago(step, &step->to->since, us_of_ms(op->got_age_ms));
}

static bool shows_inflight(struct step *step)
{
    int64_t retry_us = us_of_ms(step->op->got_retry_ms);

    return shows_claim(step, REPLY_INFLIGHT) &&
           was_ago(step, &step->to->lease_end,
                   step->grace_us + MS_US - retry_us) &&
           is_left(step, &step->to->lease_end, step->op->got_lease_ms);
}

static bool shows_again(struct step *step)
{
    const struct op *op = step->op;

    return op->kind == REPLY_CLAIMED && op->again &&
           has_fence(step, op->got_fence) &&
           op->got_attempt == step->to->attempt &&
           is_left(step, &step->to->lease_end, op->got_lease_ms);
}

/* --- CLAIM ---------------------------------------------------------------- */

static bool claim_fits(struct step *step, const struct state *claim)
{
    const struct op *op = step->op;

    return step->unknown ||
           (op_grants(op) && op->got_attempt == claim->attempt &&
            op->got_lease_ms == claim->lease_ms &&
            op->got_fence > claim->fence_over);
}

static bool take(struct step *step, enum found found)
{
    const struct op *op = step->op;
    struct state *to = step->to;
    uint64_t lease_ms = claim_lease_ms(step->rules, op);
    struct state claim = {
        .last = LAST_CLAIM,
        .fence_over = to->fence > to->fence_over ? to->fence : to->fence_over,
        .attempt = found == FOUND_OUT ? 1 : to->attempt + 1,
        .owner = op->owner,
        .fp = op->fp,
        .lease_ms = lease_ms,
        .ttl_ms = claim_ttl_ms(step->rules, op),
        .since = step->now,
        .ttl_from = step->now,
        .lease_end = span_moved(step->now, us_of_ms(lease_ms)),
        .since_life = op->life,
        .ttl_life = op->life,
        .lease_life = op->life,
    };

    if (!claim_fits(step, &claim)) {
        return false;
    }
    if (!step->unknown) {
        claim.fence = op->got_fence;
        claim.fence_over = 0;
    }
    *to = claim;
    return true;
}

static bool explain_claim(struct step *step, enum found found)
{
    const struct op *op = step->op;
    const struct state *to = step->to;

    switch (found) {
    case FOUND_INFLIGHT:
        if (step->unknown) {
            return false;
        }
        return op->owner != 0 && op->owner == to->owner ? shows_again(step)
                                                        : shows_inflight(step);
    case FOUND_COMPLETED:
        return shows_completed(step);
    case FOUND_OUT:
    case FOUND_TOMBSTONE:
    case FOUND_EXPIRED:
    case FOUND_KINDS:
    default:
        return take(step, found);
    }
}

/* --- COMPLETE, RELEASE ---------------------------------------------------- */

static bool complete(struct step *step)
{
    const struct op *op = step->op;
    struct state *to = step->to;

    if (!is_ok(step)) {
        return false;
    }
    *to = (struct state){
        .last = LAST_COMPLETION,
        .fence = to->fence,
        .fence_over = to->fence_over,
        .fp = to->fp,
        .receipt = op->receipt,
        .ttl_ms = op->ttl_ms > 0 ? op->ttl_ms : to->ttl_ms,
        .since = step->now,
        .ttl_from = step->now,
        .since_life = op->life,
        .ttl_life = op->life,
    };
    return true;
}

static bool explain_complete(struct step *step, enum found found)
{
    switch (found) {
    case FOUND_INFLIGHT:
    case FOUND_EXPIRED:
        return complete(step);
    case FOUND_COMPLETED:
        return step->op->receipt == step->to->receipt
                   ? step->op->kind == REPLY_OK
                   : is_error(step, E_CONFLICT);
    case FOUND_OUT:
    case FOUND_TOMBSTONE:
    case FOUND_KINDS:
    default:
        return is_error(step, E_NOT_FOUND);
    }
}

static bool explain_release(struct step *step, enum found found)
{
    struct state *to = step->to;

    if (found != FOUND_INFLIGHT && found != FOUND_EXPIRED) {
        return step->op->kind == REPLY_OK;
    }
    if (!is_ok(step)) {
        return false;
    }
    *to = (struct state){
        .last = LAST_RELEASE,
        .fence = to->fence,
        .fence_over = to->fence_over,
        .attempt = to->attempt,
        .ttl_ms = to->ttl_ms,
        .ttl_from = step->now,
        .ttl_life = step->op->life,
    };
    return true;
}

/* --- EXTEND --------------------------------------------------------------- */

/* The answer tells whether the lease ends D from now, or later as before. */
static bool move_lease_end(struct step *step, int64_t duration_us)
{
    struct span *end = &step->to->lease_end;
    struct span moved = span_moved(step->now, duration_us);
    int64_t left_us = us_of_ms(step->op->got_lease_ms);

    if (step->unknown) {
        end->lo_us = max_us(end->lo_us, moved.lo_us);
        end->hi_us = max_us(end->hi_us, moved.hi_us);
        return true;
    }
    if (left_us > duration_us) {
        return was_ago(step, end, -left_us);
    }
    if (left_us < duration_us ||
        !span_cut(end, (struct span){-TIME_FAR_US, moved.hi_us + ROUND_US +
                                                       step->slack_us})) {
        return false;
    }
    *end = moved;
    return true;
}

static bool extend(struct step *step)
{
    const struct op *op = step->op;
    struct state *to = step->to;
    uint64_t lease_ms = op->lease_ms > 0 ? op->lease_ms : to->lease_ms;

    if (lease_ms > to->ttl_ms) {
        lease_ms = to->ttl_ms;
    }
    if ((!step->unknown && op->kind != REPLY_EXTENDED) ||
        !move_lease_end(step, us_of_ms(lease_ms))) {
        return false;
    }
    to->extended = 1;
    to->ttl_from = step->now;
    return true;
}

static bool explain_extend(struct step *step, enum found found)
{
    switch (found) {
    case FOUND_INFLIGHT:
    case FOUND_EXPIRED:
        return extend(step);
    case FOUND_COMPLETED:
        return is_error(step, E_CONFLICT);
    case FOUND_OUT:
    case FOUND_TOMBSTONE:
    case FOUND_KINDS:
    default:
        return is_error(step, E_NOT_FOUND);
    }
}

static bool explain_lookup(struct step *step, enum found found)
{
    switch (found) {
    case FOUND_INFLIGHT:
        return shows_inflight(step);
    case FOUND_EXPIRED:
        return shows_claim(step, REPLY_EXPIRED);
    case FOUND_COMPLETED:
        return shows_completed(step);
    case FOUND_OUT:
    case FOUND_TOMBSTONE:
    case FOUND_KINDS:
    default:
        return step->op->kind == REPLY_NOT_FOUND;
    }
}

/* --- the checks before the table ------------------------------------------ */

static bool is_absent(enum found found)
{
    return found == FOUND_OUT || found == FOUND_TOMBSTONE;
}

static bool ends_claim(const struct op *op)
{
    return op->verb == VERB_COMPLETE || op->verb == VERB_RELEASE;
}

/* With an unknown fence the answer decides whether this was it; that STALE
 * means another one is not remembered. */
static bool is_stale(struct step *step, enum found found)
{
    const struct op *op = step->op;

    if (op->fence == 0 || is_absent(found) ||
        (op->verb == VERB_RELEASE && found == FOUND_COMPLETED)) {
        return false;
    }
    if (step->to->fence == 0 && is_error(step, E_STALE)) {
        return true;
    }
    return !has_fence(step, op->fence);
}

static int refusal(struct step *step, enum found found)
{
    const struct op *op = step->op;
    const struct state *to = step->to;

    if (op->fence == 0 && (op->verb == VERB_EXTEND ||
                           (step->rules->require_fence && ends_claim(op)))) {
        return E_FENCE_REQUIRED;
    }
    if (is_stale(step, found)) {
        return E_STALE;
    }
    if (op->fp != 0 && to->fp != 0 && op->fp != to->fp && !is_absent(found)) {
        return E_MISMATCH;
    }
    return op->fence == 0 && to->owner != 0 && ends_claim(op) &&
                   (found == FOUND_INFLIGHT || found == FOUND_EXPIRED)
               ? E_FENCE_REQUIRED
               : 0;
}

typedef bool explain_fn(struct step *step, enum found found);

static explain_fn *const explains[] = {
    [VERB_CLAIM] = explain_claim,     [VERB_COMPLETE] = explain_complete,
    [VERB_RELEASE] = explain_release, [VERB_EXTEND] = explain_extend,
    [VERB_LOOKUP] = explain_lookup,
};

static bool by_table(struct step *step, enum found found)
{
    int error = refusal(step, found);

    return error < 0 ? is_error(step, error)
                     : explains[step->op->verb](step, found);
}

bool state_explains(const struct history_rules *rules,
                    const struct state *state, const struct op *op,
                    enum found found, int64_t until_us, struct state *next)
{
    struct step step = {
        .rules = rules,
        .op = op,
        .unknown = op_unknown(op),
        .slack_us = us_of_ms(rules->slack_ms),
        .grace_us = us_of_ms(rules->grace_ms),
        .now = {max_us(state->now_us, us_of(op->called_us)),
                min_us(until_us, us_of(op->ended_us))},
        .to = next,
    };

    *next = *state;
    adopt(&step, &next->since, &next->since_life);
    adopt(&step, &next->ttl_from, &next->ttl_life);
    adopt(&step, &next->lease_end, &next->lease_life);
    if (step.now.lo_us > step.now.hi_us || !find(&step, found) ||
        !by_table(&step, found) || !join(next)) {
        return false;
    }
    next->now_us = step.now.lo_us;
    return true;
}
