#include "tests/lib/model_inner.h"

#include "base/check.h"

/* A tombstone counts on while its ttl runs, grace included as for every
 * duration; a claim or receipt whose ttl has run out does not. */
static uint64_t next_attempt(const struct model *model,
                             const struct entry *entry, uint64_t now_ms)
{
    if (entry == NULL || entry->last == LAST_NONE ||
        ttl_is_over(model, entry, now_ms)) {
        return 1;
    }
    return entry->attempt + 1;
}

/* Everything that the commands look at. */
struct question {
    const struct model *model;
    const struct command *command;
    const struct entry *entry; /* NULL: never seen */
    enum model_state state;
    uint64_t now_ms;
    uint64_t fence; /* for a fresh claim */
};

static struct outcome only(struct reply reply)
{
    return (struct outcome){.reply = reply, .effect = EFFECT_NONE};
}

static struct outcome refuse(int error)
{
    return only(reply_error(error));
}

static struct outcome ok_and(enum effect effect)
{
    return (struct outcome){.reply = {.kind = REPLY_OK}, .effect = effect};
}

/* The kept ttl= if there is one, else the operator's. A lease that is not
 * named and not set is as long as this claim's ttl (not the operator's ttl);
 * the operator's bound holds for it too. Every lease is cut to the ttl. */
static struct outcome fresh_claim(const struct question *q)
{
    const struct model_rules *rules = &q->model->rules;
    uint64_t ttl_ms =
        given(q->command, OPTION_TTL) ? q->command->ttl_ms : rules->ttl_ms;
    uint64_t lease_ms = rules->lease_ms > 0 ? rules->lease_ms : ttl_ms;

    if (q->model->no_space) {
        return refuse(E_NO_SPACE);
    }
    if (given(q->command, OPTION_LEASE)) {
        lease_ms = q->command->lease_ms;
    }
    lease_ms = smaller(lease_ms, rules->lease_ms_max);
    lease_ms = smaller(lease_ms, ttl_ms);
    return (struct outcome){
        .reply = {.kind = REPLY_CLAIMED,
                  .fence = q->fence,
                  .lease_ms = lease_ms,
                  .attempt = next_attempt(q->model, q->entry, q->now_ms)},
        .effect = EFFECT_CLAIM,
        .ttl_ms = ttl_ms,
    };
}

static struct reply show_completed(const struct question *q)
{
    return (struct reply){.kind = REPLY_COMPLETED,
                          .receipt = view_of(&q->entry->receipt),
                          .fence = q->entry->fence,
                          .age_ms = left(q->now_ms, q->entry->since_ms),
                          .ttl_ms = left(ttl_end(q->entry), q->now_ms)};
}

/* A CLAIM succeeds at the first moment after the lease and the grace, so retry
 * is never 0 here: it is one more than the lease and the grace together. */
static struct reply show_inflight(const struct question *q)
{
    uint64_t free_ms =
        plus(plus(q->entry->lease_end_ms, q->model->rules.grace_ms), 1);

    return (struct reply){.kind = REPLY_INFLIGHT,
                          .fence = q->entry->fence,
                          .age_ms = left(q->now_ms, q->entry->since_ms),
                          .lease_ms = left(q->entry->lease_end_ms, q->now_ms),
                          .retry_ms = left(free_ms, q->now_ms),
                          .attempt = q->entry->attempt};
}

/* Same attempt of the same worker: its CLAIMED once more. In the grace, the
 * lease that is left is 0 and it is still the holder. */
static struct reply claimed_again(const struct question *q)
{
    return (struct reply){.kind = REPLY_CLAIMED,
                          .fence = q->entry->fence,
                          .lease_ms = left(q->entry->lease_end_ms, q->now_ms),
                          .attempt = q->entry->attempt,
                          .again = true};
}

static bool is_holder(const struct question *q)
{
    return given(q->command, OPTION_OWNER) && q->entry->owner.len > 0 &&
           slice_equal(q->command->owner, view_of(&q->entry->owner));
}

static struct outcome claim_held(const struct question *q)
{
    return only(is_holder(q) ? claimed_again(q) : show_inflight(q));
}

static struct outcome completed(const struct question *q)
{
    return only(show_completed(q));
}

static struct outcome not_found(const struct question *q)
{
    (void)q;
    return refuse(E_NOT_FOUND);
}

static struct outcome conflict(const struct question *q)
{
    (void)q;
    return refuse(E_CONFLICT);
}

static struct outcome ok(const struct question *q)
{
    (void)q;
    return ok_and(EFFECT_NONE);
}

static struct outcome complete(const struct question *q)
{
    (void)q;
    return ok_and(EFFECT_COMPLETION);
}

static struct outcome complete_again(const struct question *q)
{
    return slice_equal(q->command->receipt, view_of(&q->entry->receipt))
               ? ok_and(EFFECT_NONE)
               : refuse(E_CONFLICT);
}

static struct outcome release(const struct question *q)
{
    (void)q;
    return ok_and(EFFECT_RELEASE);
}

/* "The claim's own lease" is the one it was claimed with (after its cut to the
 * ttl), whatever an earlier EXTEND asked for. The cut to the ttl from now is
 * made on D: the present end can never be later than that, because it was cut
 * when it was set and the ttl has only moved on since. */
static struct outcome extend(const struct question *q)
{
    uint64_t lease_ms = given(q->command, OPTION_LEASE) ? q->command->lease_ms
                                                        : q->entry->lease_ms;
    uint64_t end_ms = plus(q->now_ms, smaller(lease_ms, q->entry->ttl_ms));

    if (end_ms < q->entry->lease_end_ms) {
        end_ms = q->entry->lease_end_ms;
    }
    return (struct outcome){
        .reply = {.kind = REPLY_EXTENDED, .lease_ms = left(end_ms, q->now_ms)},
        .effect = EFFECT_EXTENSION,
        .lease_end_ms = end_ms,
    };
}

static struct outcome lookup_absent(const struct question *q)
{
    (void)q;
    return only((struct reply){.kind = REPLY_NOT_FOUND});
}

static struct outcome lookup_inflight(const struct question *q)
{
    struct reply reply = show_inflight(q);

    reply.owner = view_of(&q->entry->owner);
    return only(reply);
}

static struct outcome lookup_expired(const struct question *q)
{
    return only((struct reply){.kind = REPLY_EXPIRED,
                               .fence = q->entry->fence,
                               .age_ms = left(q->now_ms, q->entry->since_ms),
                               .attempt = q->entry->attempt,
                               .owner = view_of(&q->entry->owner)});
}

/* The table of the protocol. On an expired claim even its own owner gets a new
 * claim. */
static struct outcome table(const struct question *q)
{
    static struct outcome (*const cells[VERB_COUNT][MODEL_STATES])(
        const struct question *) = {
        /*                 ABSENT         INFLIGHT    EXPIRED    COMPLETED */
        [VERB_CLAIM] = {fresh_claim, claim_held, fresh_claim, completed},
        [VERB_COMPLETE] = {not_found, complete, complete, complete_again},
        [VERB_RELEASE] = {ok, release, release, ok},
        [VERB_EXTEND] = {not_found, extend, extend, conflict},
        [VERB_LOOKUP] = {lookup_absent, lookup_inflight, lookup_expired,
                         completed},
    };

    return cells[q->command->verb][q->state](q);
}

/* --- checks before the table, in their order ------------------------------ */

/* Whether the command must bring a fence whatever the key's state is: also on
 * an absent and on a completed key. */
static bool fence_always_needed(const struct question *q)
{
    enum verb verb = q->command->verb;

    return verb == VERB_EXTEND ||
           (q->model->rules.require_fence &&
            (verb == VERB_COMPLETE || verb == VERB_RELEASE));
}

static bool is_stale(const struct question *q)
{
    if (!given(q->command, OPTION_FENCE) || q->state == MODEL_ABSENT) {
        return false;
    }
    if (q->command->verb == VERB_RELEASE && q->state == MODEL_COMPLETED) {
        return false;
    }
    return q->command->fence != q->entry->fence;
}

/* On a completed key the claim's fingerprint still counts. */
static bool is_mismatch(const struct question *q)
{
    return given(q->command, OPTION_FP) && q->state != MODEL_ABSENT &&
           q->entry->fp.len > 0 &&
           !slice_equal(q->command->fp, view_of(&q->entry->fp));
}

static bool owner_needs_fence(const struct question *q)
{
    bool held = q->state == MODEL_INFLIGHT || q->state == MODEL_EXPIRED;
    bool ends =
        q->command->verb == VERB_COMPLETE || q->command->verb == VERB_RELEASE;

    return held && ends && q->entry->owner.len > 0 &&
           !given(q->command, OPTION_FENCE);
}

static struct outcome answer(const struct question *q)
{
    if (fence_always_needed(q) && !given(q->command, OPTION_FENCE)) {
        return refuse(E_FENCE_REQUIRED);
    }
    if (is_stale(q)) {
        return refuse(E_STALE);
    }
    if (is_mismatch(q)) {
        return refuse(E_MISMATCH);
    }
    if (owner_needs_fence(q)) {
        return refuse(E_FENCE_REQUIRED);
    }
    return table(q);
}

/* Commands without a key. */
static bool is_simple(const struct model *model, enum verb verb,
                      uint64_t now_ms, struct outcome *outcome)
{
    static const enum reply_kind kinds[VERB_COUNT] = {
        [VERB_NAMESPACE] = REPLY_OK, [VERB_SWEEP] = REPLY_SWEPT,
        [VERB_PING] = REPLY_PONG,    [VERB_STATS] = REPLY_STATS,
        [VERB_HELP] = REPLY_HELP,    [VERB_QUIT] = REPLY_BYE,
    };

    CHECK(verb < VERB_COUNT);
    *outcome = only((struct reply){.kind = kinds[verb]});
    if (verb == VERB_SWEEP) {
        outcome->effect = EFFECT_SWEEP;
        outcome->reply.swept_expired = model_due(model, now_ms);
        outcome->reply.swept_scanned = outcome->reply.swept_expired;
    }
    return kinds[verb] != REPLY_NONE;
}

struct outcome model_outcome(const struct model *model, struct slice ns,
                             const struct command *command, uint64_t now_ms,
                             uint64_t fence)
{
    struct question question = {
        .model = model, .command = command, .now_ms = now_ms, .fence = fence};
    struct outcome outcome;

    if (is_simple(model, command->verb, now_ms, &outcome)) {
        return outcome;
    }
    question.entry = model_find(model, ns, command->key);
    question.state = model_state_of(model, question.entry, now_ms);
    return answer(&question);
}
