#include "engine/decide.h"

#include "base/check.h"
#include "base/units.h"

bool has_run_out(uint64_t now_ms, uint64_t start_ms, uint64_t duration_ms,
                 uint64_t grace_ms)
{
    uint64_t end_ms = add_saturating(start_ms, duration_ms);

    return now_ms > add_saturating(end_ms, grace_ms);
}

/* Everything one decision looks at. */
struct context {
    const struct situation *now;
    const struct record *last; /* NULL: the stream has no rows */
    const struct command *command;
    enum key_state state;
};

static bool given(const struct context *c, enum option option)
{
    return (c->command->given & option) != 0;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

enum key_state key_state(const struct head *head, uint64_t now_ms,
                         uint64_t grace_ms)
{
    const struct record *last = &head->record;

    if (head->next == 0 || last->type == RECORD_RELEASE ||
        has_run_out(now_ms, last->at_ms, last->ttl_ms, grace_ms)) {
        return KEY_ABSENT;
    }
    if (last->type == RECORD_COMPLETION) {
        return KEY_COMPLETED;
    }
    return has_run_out(now_ms, last->lease_end_ms, 0, grace_ms) ? KEY_EXPIRED
                                                                : KEY_INFLIGHT;
}

/* --- replies ------------------------------------------------------------- */

static struct decision answer(struct reply reply)
{
    return (struct decision){.reply = reply};
}

static struct decision fail(int status)
{
    return answer(reply_error(status));
}

static struct decision ok(void)
{
    return answer((struct reply){.kind = REPLY_OK});
}

static struct decision claimed(const struct context *c,
                               const struct record *claim, bool again)
{
    uint64_t now_ms = c->now->now_ms;

    return answer((struct reply){
        .kind = REPLY_CLAIMED,
        .fence = claim->fence,
        .lease_ms = sub_floor(claim->lease_end_ms, now_ms),
        .attempt = claim->attempt,
        .again = again,
    });
}

/* INFLIGHT and EXPIRED. */
static struct reply unfinished(const struct context *c, enum reply_kind kind)
{
    uint64_t now_ms = c->now->now_ms;
    uint64_t free_ms =
        add_saturating(c->last->lease_end_ms, c->now->rules->grace_ms);

    return (struct reply){
        .kind = kind,
        .fence = c->last->fence,
        .age_ms = sub_floor(now_ms, c->last->claimed_ms),
        .lease_ms = sub_floor(c->last->lease_end_ms, now_ms),
        .retry_ms = kind == REPLY_INFLIGHT
                        ? sub_floor(add_saturating(free_ms, 1), now_ms)
                        : 0,
        .attempt = c->last->attempt,
    };
}

static struct decision completed(const struct context *c)
{
    uint64_t now_ms = c->now->now_ms;

    return answer((struct reply){
        .kind = REPLY_COMPLETED,
        .fence = c->last->fence,
        .age_ms = sub_floor(now_ms, c->last->at_ms),
        .ttl_ms = sub_floor(record_deadline_ms(c->last), now_ms),
        .receipt = c->last->receipt,
    });
}

/* --- CLAIM --------------------------------------------------------------- */

/* A released claim is counted on while its tombstone is remembered. */
static uint64_t next_attempt(const struct context *c)
{
    if (c->state == KEY_EXPIRED) {
        return add_saturating(c->last->attempt, 1);
    }
    if (c->last != NULL && c->last->type == RECORD_RELEASE &&
        !has_run_out(c->now->now_ms, c->last->at_ms, c->last->ttl_ms,
                     c->now->rules->grace_ms)) {
        return add_saturating(c->last->attempt, 1);
    }
    return 1;
}

static struct record new_claim(const struct context *c)
{
    const struct rules *rules = c->now->rules;
    uint64_t now_ms = c->now->now_ms;
    uint64_t ttl_ms = given(c, OPTION_TTL) ? c->command->ttl_ms : rules->ttl_ms;
    uint64_t lease_ms = given(c, OPTION_LEASE) ? c->command->lease_ms
                        : rules->lease_ms != 0 ? rules->lease_ms
                                               : ttl_ms;

    lease_ms = min_u64(lease_ms, min_u64(ttl_ms, rules->lease_ms_max));
    return (struct record){
        .type = RECORD_CLAIM,
        .fence = c->now->next_fence,
        .attempt = next_attempt(c),
        .at_ms = now_ms,
        .ttl_ms = ttl_ms,
        .claimed_ms = now_ms,
        .lease_ms = lease_ms,
        .lease_end_ms = add_saturating(now_ms, lease_ms),
        .owner = given(c, OPTION_OWNER) ? c->command->owner : slice_of(NULL, 0),
        .fp = given(c, OPTION_FP) ? c->command->fp : slice_of(NULL, 0),
    };
}

static struct decision take(const struct context *c)
{
    struct record claim;
    struct decision decision;

    if (c->now->no_space) {
        return fail(E_NO_SPACE);
    }
    if (c->now->next_fence > FENCE_MAX) {
        return answer(reply_error_because(E_LIMIT, "no fence is left"));
    }
    claim = new_claim(c);
    decision = claimed(c, &claim, false);
    decision.append = true;
    decision.record = claim;
    return decision;
}

static bool is_holder(const struct context *c)
{
    return given(c, OPTION_OWNER) && c->last->owner.len > 0 &&
           slice_equal(c->command->owner, c->last->owner);
}

static struct decision decide_claim(const struct context *c)
{
    switch (c->state) {
    case KEY_COMPLETED:
        return completed(c);
    case KEY_INFLIGHT:
        return is_holder(c) ? claimed(c, c->last, true)
                            : answer(unfinished(c, REPLY_INFLIGHT));
    case KEY_ABSENT:
    case KEY_EXPIRED:
    default:
        return take(c);
    }
}

/* --- COMPLETE, RELEASE, EXTEND, LOOKUP ----------------------------------- */

/* A record that ends the claim: same fence, attempt and ttl, from now on. */
static struct decision finish(const struct context *c, enum record_type type)
{
    struct decision decision = ok();

    decision.append = true;
    decision.record = (struct record){
        .type = type,
        .fence = c->last->fence,
        .attempt = c->last->attempt,
        .at_ms = c->now->now_ms,
        .ttl_ms = c->last->ttl_ms,
    };
    return decision;
}

static struct decision decide_complete(const struct context *c)
{
    struct decision decision;

    if (c->state == KEY_ABSENT) {
        return fail(E_NOT_FOUND);
    }
    if (c->state == KEY_COMPLETED) {
        return slice_equal(c->command->receipt, c->last->receipt)
                   ? ok()
                   : answer(reply_error_because(E_CONFLICT,
                                                "the key has another receipt"));
    }
    decision = finish(c, RECORD_COMPLETION);
    decision.record.fp = c->last->fp;
    decision.record.receipt = c->command->receipt;
    if (given(c, OPTION_TTL)) {
        decision.record.ttl_ms = c->command->ttl_ms;
    }
    return decision;
}

static struct decision decide_release(const struct context *c)
{
    if (c->state == KEY_ABSENT || c->state == KEY_COMPLETED) {
        return ok();
    }
    return finish(c, RECORD_RELEASE);
}

static struct decision extended(const struct context *c)
{
    uint64_t now_ms = c->now->now_ms;
    uint64_t lease_ms =
        given(c, OPTION_LEASE) ? c->command->lease_ms : c->last->lease_ms;
    uint64_t end_ms =
        add_saturating(now_ms, min_u64(lease_ms, c->last->ttl_ms));
    struct decision decision = {.append = true, .record = *c->last};

    decision.record.at_ms = max_u64(now_ms, c->last->claimed_ms);
    decision.record.lease_end_ms = max_u64(end_ms, c->last->lease_end_ms);
    decision.reply = (struct reply){
        .kind = REPLY_EXTENDED,
        .lease_ms = sub_floor(decision.record.lease_end_ms, now_ms),
    };
    return decision;
}

static struct decision decide_extend(const struct context *c)
{
    switch (c->state) {
    case KEY_ABSENT:
        return fail(E_NOT_FOUND);
    case KEY_COMPLETED:
        return fail(E_CONFLICT);
    case KEY_INFLIGHT:
    case KEY_EXPIRED:
    default:
        return extended(c);
    }
}

static struct decision decide_lookup(const struct context *c)
{
    struct reply reply;

    switch (c->state) {
    case KEY_COMPLETED:
        return completed(c);
    case KEY_INFLIGHT:
    case KEY_EXPIRED:
        reply = unfinished(c, c->state == KEY_INFLIGHT ? REPLY_INFLIGHT
                                                       : REPLY_EXPIRED);
        reply.owner = c->last->owner;
        return answer(reply);
    case KEY_ABSENT:
    default:
        return answer((struct reply){.kind = REPLY_NOT_FOUND});
    }
}

/* --- checks, in the order of the protocol -------------------------------- */

static bool finishes(const struct context *c)
{
    return c->command->verb == VERB_COMPLETE ||
           c->command->verb == VERB_RELEASE;
}

/* Needed whatever the state of the key is. */
static bool lacks_fence(const struct context *c)
{
    return !given(c, OPTION_FENCE) &&
           (c->command->verb == VERB_EXTEND ||
            (c->now->rules->require_fence && finishes(c)));
}

static bool is_stale(const struct context *c)
{
    bool harmless =
        c->command->verb == VERB_RELEASE && c->state == KEY_COMPLETED;

    return given(c, OPTION_FENCE) && !harmless &&
           c->command->fence != c->last->fence;
}

static bool is_mismatch(const struct context *c)
{
    return given(c, OPTION_FP) && c->last->fp.len > 0 &&
           !slice_equal(c->command->fp, c->last->fp);
}

static bool lacks_owners_fence(const struct context *c)
{
    return !given(c, OPTION_FENCE) && finishes(c) &&
           c->state != KEY_COMPLETED && c->last->owner.len > 0;
}

/* The status that ends the command before the table of states, or 0. */
static int check_command(const struct context *c)
{
    if (c->state == KEY_ABSENT) {
        return 0;
    }
    if (is_stale(c)) {
        return E_STALE;
    }
    if (is_mismatch(c)) {
        return E_MISMATCH;
    }
    return lacks_owners_fence(c) ? E_FENCE_REQUIRED : 0;
}

static struct decision by_table(const struct context *c)
{
    switch ((int)c->command->verb) {
    case VERB_CLAIM:
        return decide_claim(c);
    case VERB_COMPLETE:
        return decide_complete(c);
    case VERB_RELEASE:
        return decide_release(c);
    case VERB_EXTEND:
        return decide_extend(c);
    case VERB_LOOKUP:
    default:
        CHECK(c->command->verb == VERB_LOOKUP); /* the others name no key */
        return decide_lookup(c);
    }
}

struct decision decide(const struct situation *situation,
                       const struct head *head, const struct command *command)
{
    struct context c = {
        .now = situation,
        .last = head->next == 0 ? NULL : &head->record,
        .command = command,
    };
    int status;

    if (lacks_fence(&c)) {
        return fail(E_FENCE_REQUIRED);
    }
    if (head->status < 0) {
        return fail(E_CORRUPT);
    }
    c.state = key_state(head, situation->now_ms, situation->rules->grace_ms);
    status = check_command(&c);
    return status < 0 ? fail(status) : by_table(&c);
}
