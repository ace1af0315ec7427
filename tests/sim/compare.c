#include "tests/sim/world.h"

/* What the command means: the claim that it met first, if that is not the last
 * one any more. */
static struct command command_of(const struct world *w,
                                 const struct flight *flight)
{
    const struct key *key = &w->keys[flight->op.key];
    struct command command = flight->request.command;
    struct command pinned = command;
    struct reply reply;

    if (flight->pin == 0) {
        return command;
    }
    pinned.given |= OPTION_FENCE;
    pinned.fence = flight->pin;
    reply =
        model_predict(w->model, key->ns, &pinned, world_now_ms(w), FENCE_MAX);
    return reply.kind == REPLY_ERROR && reply.error == E_STALE ? pinned
                                                               : command;
}

static void give_up(struct world *w, const char *why)
{
    if (w->model != NULL) {
        world_trace(w, "the model is given up: %s", why);
        model_free(w->model);
        w->model = NULL;
    }
}

void judge_begin(struct world *w)
{
    if (!w->options->checker_only) {
        w->model = model_new(&(struct model_rules){
            .grace_ms = w->rules.grace_ms,
            .ttl_ms = w->rules.ttl_ms,
            .lease_ms = w->rules.lease_ms,
            .lease_ms_max = w->rules.lease_ms_max,
            .require_fence = w->rules.require_fence,
        });
    }
}

void judge_space(struct world *w)
{
    if (w->model != NULL) {
        model_set_no_space(w->model, w->no_space);
    }
}

/* --- one answer ----------------------------------------------------------- */

static void complain_of(struct world *w, const struct flight *flight,
                        const char *why)
{
    struct op op = flight->op;
    struct buf text = {0};
    struct slice bytes;

    op_answer(&op, &flight->request.reply);
    op.ended_us = w->machine.true_us;
    op_write(&op, &text);
    bytes = buf_slice(&text);
    judge_complain(w, SIM_MODEL, "%s: %.*s", why, (int)bytes.len,
                   (const char *)bytes.data);
    buf_release(&text);
}

static bool is_damaged(struct world *w, const struct flight *flight)
{
    return flight->damaged ||
           disk_damage_of(w->disk, TABLE_ROWS,
                          w->keys[flight->op.key].stream.id) != DAMAGE_NONE;
}

/* Errors that say nothing of the key's state. */
static bool is_excused(struct world *w, const struct flight *flight)
{
    const struct reply *reply = &flight->request.reply;

    if (reply->kind != REPLY_ERROR) {
        return false;
    }
    return (reply->error == E_CORRUPT && is_damaged(w, flight)) ||
           (reply->error == E_BUSY && w->rival.acted);
}

static void compare(struct world *w, struct flight *flight)
{
    const struct key *key = &w->keys[flight->op.key];
    struct command command;
    struct err why = {""};

    flight->modelled = true;
    if (w->model == NULL || is_excused(w, flight)) {
        return;
    }
    command = command_of(w, flight);
    w->result->counts.compared++;
    if (!model_check(w->model, key->ns, &command, world_now_ms(w),
                     &flight->request.reply, &why)) {
        complain_of(w, flight, why.text);
        give_up(w, "it was contradicted");
    }
}

/* --- the order of a turn -------------------------------------------------- */

static bool is_fresh(const struct flight *flight)
{
    return flight->request.reply.kind == REPLY_CLAIMED &&
           !flight->request.reply.again;
}

/* Answered, and the first of its key that was not looked at. */
static bool is_next_of_key(const struct world *w, size_t index)
{
    const struct flight *flight = w->taken[index];

    if (flight->modelled || flight->request.reply.kind == REPLY_NONE) {
        return false;
    }
    for (size_t i = 0; i < index; i++) {
        if (!w->taken[i]->modelled && w->taken[i]->op.key == flight->op.key) {
            return false;
        }
    }
    return true;
}

/* Of one key, commands were decided in the order of the turn; over all keys,
 * fences rise. */
static struct flight *next_decided(const struct world *w)
{
    struct flight *next = NULL;

    for (size_t i = 0; i < w->taken_count; i++) {
        struct flight *flight = w->taken[i];

        if (!is_next_of_key(w, i)) {
            continue;
        }
        if (!is_fresh(flight)) {
            return flight;
        }
        if (next == NULL ||
            flight->request.reply.fence < next->request.reply.fence) {
            next = flight;
        }
    }
    return next;
}

void judge_answers(struct world *w)
{
    struct flight *flight;

    while ((flight = next_decided(w)) != NULL) {
        compare(w, flight);
    }
}

/* --- the rival ------------------------------------------------------------ */

static bool writes(const struct world *w, const struct flight *flight)
{
    const struct key *key = &w->keys[flight->op.key];
    struct command command = command_of(w, flight);
    uint64_t now_ms = world_now_ms(w);
    struct reply reply =
        model_predict(w->model, key->ns, &command, now_ms, FENCE_MAX);
    enum model_state state =
        model_view(w->model, key->ns, key->name, now_ms).state;

    return (reply.kind == REPLY_CLAIMED && !reply.again) ||
           reply.kind == REPLY_EXTENDED ||
           (reply.kind == REPLY_OK &&
            (state == MODEL_INFLIGHT || state == MODEL_EXPIRED));
}

static bool lacks_fence(const struct world *w, const struct flight *flight)
{
    return !w->plan.require_fence &&
           (flight->op.verb == VERB_COMPLETE ||
            flight->op.verb == VERB_RELEASE) &&
           flight->op.fence == 0 && flight->pin == 0;
}

/* A command without a fence means the claim that it meets; after a conflict,
 * that one still. */
static void pin(const struct world *w, struct flight *flight, uint64_t fence)
{
    if (lacks_fence(w, flight)) {
        flight->pin = fence != 0 ? fence : 1;
    }
}

/* What only read was decided before the rival, and counts so. The first that
 * writes is decided again if the rival wrote. Which claim those behind it met
 * cannot be known. */
static void interrupt_key(struct world *w, uint32_t key)
{
    const struct key *of = &w->keys[key];
    bool written = false;

    for (size_t i = 0; i < w->taken_count; i++) {
        struct flight *flight = w->taken[i];

        if (flight->modelled || flight->op.key != key) {
            continue;
        }
        if (w->model == NULL) {
            pin(w, flight, of->fence);
        } else if (written && lacks_fence(w, flight)) {
            give_up(w, "a claim made in the same turn was ended");
            pin(w, flight, of->fence);
        } else if (!written && !writes(w, flight)) {
            flight->modelled = true;
        } else if (!written) {
            written = true;
            pin(w, flight,
                model_view(w->model, of->ns, of->name, world_now_ms(w)).fence);
        }
    }
}

void judge_interrupted(struct world *w, struct flight *const *rivals,
                       size_t count)
{
    judge_answers(w);
    for (size_t i = 0; i < count; i++) {
        interrupt_key(w, rivals[i]->op.key);
    }
}

/* --- unknown outcomes ----------------------------------------------------- */

/* Returns the bytes of the receipt in the answer. */
static size_t apply(struct world *w, const struct flight *flight,
                    uint64_t *last_fence)
{
    const struct key *key = &w->keys[flight->op.key];
    uint64_t now_us = steady_now_us(&w->steady);
    uint64_t fence = *last_fence + 1 > now_us ? *last_fence + 1 : now_us;
    struct reply reply =
        model_predict(w->model, key->ns, &flight->request.command,
                      now_us / 1000, fence);

    size_t bytes = reply.receipt.len;

    if (reply.kind == REPLY_CLAIMED && !reply.again) {
        *last_fence = fence;
    }
    model_apply(w->model, key->ns, &flight->request.command, now_us / 1000,
                fence);
    return bytes;
}

void judge_unsynced(struct world *w, size_t kept)
{
    uint64_t last_fence = w->fence_before;
    size_t reply_bytes = 0;

    if (w->rival.acted) {
        give_up(w, "an unknown outcome beside another session's");
    }
    if (kept == 0 || w->taken_count == 0) {
        return;
    }
    w->used_ms = world_now_ms(w);
    for (size_t i = 0; i < w->taken_count && w->model != NULL; i++) {
        if (w->taken[i]->damaged) {
            give_up(w, "an unknown outcome on a damaged key");
        }
    }
    for (size_t i = 0; i < w->taken_count && w->model != NULL &&
                       reply_bytes < w->taken_bytes_max;
         i++) {
        reply_bytes += apply(w, w->taken[i], &last_fence);
    }
}
