#include "tests/sim/world.h"

#include "tests/lib/store_faulty.h"

#include <stdlib.h>

enum { RIVAL_FENCES = 64, RIVAL_OPS_MAX = 3, SLICES_MAX = 1000 };

/* --- answers -------------------------------------------------------------- */

/* What is answered before the commit may already have been sent. */
void turns_note_answers(struct world *w)
{
    for (size_t i = 0; i < w->taken_count; i++) {
        struct flight *flight = w->taken[i];

        if (!flight->answered && flight->request.reply.kind != REPLY_NONE) {
            op_answer(&flight->op, &flight->request.reply);
            flight->answered = true;
        }
    }
}

static void note_fences(struct world *w, struct key *key, const struct op *op)
{
    if (op->kind == REPLY_CLAIMED && !op->again) {
        key->fence_before = key->fence;
        key->fence = op->got_fence;
        key->owner = op->owner;
        key->receipt = 0;
        key->ttl_end_ms =
            world_now_ms(w) + (op->ttl_ms > 0 ? op->ttl_ms : w->rules.ttl_ms);
        if (op->got_fence > w->fence_used) {
            w->fence_used = op->got_fence;
        }
    }
}

/* Where the key's next edges are. */
static void note_edges(struct world *w, const struct op *op)
{
    struct key *key = &w->keys[op->key];
    uint64_t now_ms = world_now_ms(w);

    note_fences(w, key, op);
    if (op->kind == REPLY_CLAIMED || op->kind == REPLY_EXTENDED) {
        key->lease_end_ms = now_ms + op->got_lease_ms;
    }
    if (op->kind == REPLY_COMPLETED) {
        key->ttl_end_ms = now_ms + op->got_ttl_ms;
        key->receipt = op->got_receipt;
    }
}

/* Frees what came back; an error of the write is no answer. */
static void take_back(struct world *w, struct flight *flight)
{
    struct request *request = &flight->request;

    CHECK(!request->postponed && request->reply.kind != REPLY_NONE);
    if (!w->cut && (!flight->answered || !w->dying)) {
        op_answer(&flight->op, &request->reply);
        flight->answered = true;
    }
    free(request->owned);
    request->owned = NULL;
    flight->state = FLIGHT_DECIDED;
    note_edges(w, &flight->op);
    world_trace_op(w, "decided", &flight->op);
    if (flight->op.kind == REPLY_ERROR && flight->op.error == E_CORRUPT) {
        w->result->counts.corrupt_answers++;
    }
}

/* --- what a turn takes ---------------------------------------------------- */

static struct flight *next_sent(struct world *w, uint64_t after)
{
    struct flight *next = NULL;

    for (size_t i = 0; i < FLIGHTS_MAX; i++) {
        struct flight *flight = &w->flights[i];

        if (flight->state == FLIGHT_SENT && flight->order > after &&
            (next == NULL || flight->order < next->order)) {
            next = flight;
        }
    }
    return next;
}

/* In the order of sending; what some clients sent comes later, then all that
 * they sent does. */
static void take_some(struct world *w, struct request_list *list)
{
    bool held[CLIENTS_MAX] = {false};
    struct flight *flight;
    uint64_t order = 0;

    w->taken_count = 0;
    while (w->taken_count < TURN_MAX &&
           (flight = next_sent(w, order)) != NULL) {
        order = flight->order;
        if (held[flight->client] || rng_percent(&w->rng, 20)) {
            held[flight->client] = true;
            continue;
        }
        flight->damaged =
            disk_damage_of(w->disk, TABLE_ROWS,
                           w->keys[flight->op.key].stream.id) != DAMAGE_NONE;
        w->taken[w->taken_count++] = flight;
        STAILQ_INSERT_TAIL(list, &flight->request, link);
    }
}

/* --- turns ---------------------------------------------------------------- */

static void give_back(struct world *w, int status)
{
    if (status == 0) {
        w->used_ms = world_now_ms(w);
        judge_answers(w);
    }
    for (size_t i = 0; i < w->taken_count; i++) {
        take_back(w, w->taken[i]);
    }
    if (status == 0) {
        w->taken_count = 0;
        judge_marks(w);
    }
}

/* What the turn did not come to stays sent. */
static void leave_rest(struct world *w)
{
    CHECK(w->turn.taken > 0 && w->turn.taken <= w->taken_count);
    for (size_t i = w->turn.taken; i < w->taken_count; i++) {
        struct flight *flight = w->taken[i];

        if (flight->request.reply.kind != REPLY_NONE) {
            judge_complain(w, SIM_RULES, "what was not decided was answered");
        }
        flight->modelled = false;
        flight->pin = 0;
    }
    w->taken_count = w->turn.taken;
}

static void arm_rival(struct world *w, enum faulty_op op);
static void disarm_rival(struct world *w, enum faulty_op op);

void turns_run(struct world *w)
{
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);
    int status;

    take_some(w, &list);
    if (w->taken_count == 0) {
        return;
    }
    arm_rival(w, FAULTY_APPEND);
    w->taken_bytes_max = w->turn.reply_bytes_max;
    w->fence_before = w->turn.last_fence;
    w->result->counts.turns++;
    status = turn_run(&w->turn, &list);
    disarm_rival(w, FAULTY_APPEND);
    leave_rest(w);
    give_back(w, w->dying && status == 0 ? E_IO : status);
    if (w->dying && status == 0) {
        judge_complain(w, SIM_RULES, "a commit failed, and the turn did not");
    } else if (status < 0 && !w->dying) {
        judge_complain(w, SIM_RULES, "a turn failed, and no commit had");
    }
    if (status < 0 || w->dying) {
        world_die(w);
    }
}

/* --- the rival ------------------------------------------------------------ */

static uint32_t rival_key(struct world *w)
{
    return w->taken_count > 0 && rng_percent(&w->rng, 80)
               ? w->taken[rng_below(&w->rng, w->taken_count)]->op.key
               : (uint32_t)rng_below(&w->rng, w->plan.keys);
}

/* Asks for one or a few keys, rather those that the turn has in hand. Now and
 * then it takes a claim's place, which nobody else does in one turn. */
static size_t rival_ask(struct world *w, struct flight *asked[RIVAL_OPS_MAX])
{
    size_t most = 1 + (size_t)rng_below(&w->rng, RIVAL_OPS_MAX);
    bool replaces = rng_percent(&w->rng, 30);
    size_t count = 0;

    if (replaces) {
        return clients_replace(w, w->plan.clients, rival_key(w), asked);
    }
    while (count < most) {
        struct flight *flight =
            clients_ask_key(w, w->plan.clients, rival_key(w));

        if (flight == NULL) {
            break;
        }
        asked[count++] = flight;
    }
    return count;
}

/* The rival's turn takes the place of the one that runs while it does. */
static void rival_run(struct world *w)
{
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);
    struct flight *outer[TURN_MAX];
    size_t outer_count = w->taken_count;
    struct flight *asked[RIVAL_OPS_MAX];
    size_t count = rival_ask(w, asked);
    int status;

    judge_interrupted(w, asked, count);
    memcpy(outer, w->taken, sizeof(outer));
    w->taken_count = count;
    for (size_t i = 0; i < count; i++) {
        w->taken[i] = asked[i];
        STAILQ_INSERT_TAIL(&list, &asked[i]->request, link);
    }
    world_trace(w, "another session's turn");
    status = turn_run(&w->rival.turn, &list);
    give_back(w, status);
    if (outer_count > 0) {
        memcpy(w->taken, outer, sizeof(outer));
        w->taken_count = outer_count;
    }
    w->rival.acted = true;
}

/* Both give fences of one row: the rival's are set aside before the turn. */
static void lend_fences(struct world *w)
{
    uint64_t now_us = steady_now_us(&w->steady);
    uint64_t base =
        w->turn.last_fence + 1 > now_us ? w->turn.last_fence : now_us - 1;

    w->rival.turn.last_fence = base;
    w->turn.last_fence = base + RIVAL_FENCES;
    w->rival.turn.marks = w->turn.marks;
}

/* A sweep does not store the mark of the fences: it must not have to move. */
static bool has_fences_left(const struct world *w, enum faulty_op op)
{
    uint64_t now_us = steady_now_us(&w->steady);
    uint64_t base = w->turn.last_fence > now_us ? w->turn.last_fence : now_us;

    return op == FAULTY_APPEND ||
           w->turn.marks.fence_high_water > base + 2 * RIVAL_FENCES;
}

/* Before every write of what runs. What the turn gives in its next round is
 * larger than what is then set aside. */
static void rival_between(void *arg)
{
    struct world *w = arg;

    if (!w->dying && rng_percent(&w->rng, 70)) {
        rival_run(w);
    }
    lend_fences(w);
}

static void arm_rival(struct world *w, enum faulty_op op)
{
    w->rival.acted = false;
    w->rival.armed = w->rival.session != NULL &&
                     rng_percent(&w->rng, w->plan.rivals) &&
                     has_fences_left(w, op);
    if (w->rival.armed) {
        lend_fences(w);
        store_faulty_before(w->store, op, 1, true, rival_between, w);
    }
}

static void disarm_rival(struct world *w, enum faulty_op op)
{
    if (w->rival.armed) {
        store_faulty_before(w->store, op, 0, false, NULL, NULL);
        w->rival.armed = false;
    }
}

void turns_rival(struct world *w)
{
    if (w->rival.session == NULL) {
        return;
    }
    w->rival.turn.last_fence = w->turn.last_fence;
    w->rival.turn.marks = w->turn.marks;
    w->taken_bytes_max = w->rival.turn.reply_bytes_max;
    w->fence_before = w->turn.last_fence;
    rival_run(w);
    w->rival.acted = false; /* nobody was interrupted */
    if (w->dying) {
        world_die(w);
        return;
    }
    w->turn.last_fence = w->rival.turn.last_fence;
    w->turn.marks = w->rival.turn.marks;
}

/* --- sweeps --------------------------------------------------------------- */

static void sweep_slice(struct world *w)
{
    uint64_t expired = w->sweeper.expired;
    int status;

    w->sweeper.slice_keys = 1 + (size_t)rng_below(&w->rng, 8);
    arm_rival(w, FAULTY_REMOVE);
    status = sweeper_slice(&w->sweeper);
    disarm_rival(w, FAULTY_REMOVE);
    if (w->dying) {
        world_die(w);
        return;
    }
    if (status < 0 && w->scans_fail && status == E_IO) {
        return;
    }
    if (status < 0) {
        judge_complain(w, SIM_RULES, "a slice failed: %s", status_name(status));
        return;
    }
    w->result->counts.swept += w->sweeper.expired - expired;
    if (w->sweeper.expired > expired) {
        world_trace(w, "swept %" PRIu64, w->sweeper.expired - expired);
        w->used_ms = world_now_ms(w);
        judge_marks(w);
    }
}

void turns_sweep(struct world *w, bool all)
{
    uint32_t life = w->life;
    bool whole = !w->sweeper.running;
    bool alone = true;
    int slices = 0;

    sweeper_begin(&w->sweeper);
    do {
        sweep_slice(w);
        alone = alone && !w->rival.acted;
    } while (all && w->life == life && w->sweeper.running &&
             ++slices < SLICES_MAX);
    if (slices == SLICES_MAX) {
        judge_complain(w, SIM_RULES, "a sweep does not end");
    }
    if (all && whole && alone && w->life == life) {
        judge_swept(w);
    }
}
