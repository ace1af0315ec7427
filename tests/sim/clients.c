#include "tests/sim/world.h"

/* Numbers stand for bytes: an empty receipt is RECEIPT_EMPTY, one in four is
 * long, owners and fingerprints are eight bytes. */
enum { RECEIPT_EMPTY = 1, NUMBERS_FROM = 16, FPS = 3 };

/* --- numbers and bytes ---------------------------------------------------- */

static struct slice number_encode(uint8_t bytes[8], uint64_t number)
{
    memcpy(bytes, &number, sizeof(number));
    return slice_of(bytes, number == 0 ? 0 : sizeof(number));
}

static uint64_t number_decode(struct slice bytes)
{
    uint64_t number = 0;

    if (bytes.len == 0) {
        return 0;
    }
    if (bytes.len != sizeof(number)) {
        return HISTORY_FOREIGN;
    }
    memcpy(&number, bytes.data, sizeof(number));
    return number;
}

static size_t receipt_len(uint64_t number)
{
    return number == RECEIPT_EMPTY ? 0 : number % 4 == 0 ? RECEIPT_MAX : 8;
}

static struct slice receipt_encode(uint8_t bytes[RECEIPT_MAX], uint64_t number)
{
    for (size_t at = 0; at < RECEIPT_MAX; at += sizeof(number)) {
        memcpy(bytes + at, &number, sizeof(number));
    }
    return slice_of(bytes, receipt_len(number));
}

static uint64_t receipt_decode(struct slice bytes)
{
    uint8_t expected[RECEIPT_MAX];
    uint64_t number;

    if (bytes.len == 0) {
        return RECEIPT_EMPTY;
    }
    if (bytes.len < sizeof(number)) {
        return HISTORY_FOREIGN;
    }
    memcpy(&number, bytes.data, sizeof(number));
    return slice_equal(bytes, receipt_encode(expected, number))
               ? number
               : HISTORY_FOREIGN;
}

/* --- keys and clients ----------------------------------------------------- */

void clients_init(struct world *w)
{
    size_t first = (size_t)rng_below(&w->rng, MODEL_GEN_IDENTITIES);

    for (size_t i = 0; i < w->plan.keys; i++) {
        struct key *key = &w->keys[i];
        /* Neighbours share a key in other namespaces, or its hash. */
        size_t identity = (first + i) % MODEL_GEN_IDENTITIES;

        key->ns = model_gen_ns(identity);
        key->name = model_gen_key(identity);
        CHECK(stream_id_bytes(key->ns, key->name) <= sizeof(key->id));
        key->stream = stream_encode(key->id, key->ns, key->name);
    }
    w->numbers = NUMBERS_FROM;
}

static uint32_t pick_key(struct world *w)
{
    bool hot = rng_percent(&w->rng, 50);

    return (uint32_t)rng_below(&w->rng, hot ? w->plan.hot : w->plan.keys);
}

static struct flight *free_flight(struct world *w)
{
    for (size_t i = 0; i < FLIGHTS_MAX; i++) {
        if (w->flights[i].state == FLIGHT_NONE) {
            return &w->flights[i];
        }
    }
    return NULL;
}

/* --- what is asked -------------------------------------------------------- */

/* Around the usual, or hardly anything. */
static uint64_t pick_duration(struct world *w, uint64_t usual_ms)
{
    if (rng_percent(&w->rng, 10)) {
        return 1 + rng_below(&w->rng, 3);
    }
    return usual_ms / 2 + rng_below(&w->rng, usual_ms + 1) + 1;
}

static uint64_t maybe_duration(struct world *w, unsigned percent,
                               uint64_t usual_ms)
{
    return rng_percent(&w->rng, percent) ? pick_duration(w, usual_ms) : 0;
}

static uint64_t fresh_receipt(struct world *w)
{
    return rng_percent(&w->rng, 5) ? RECEIPT_EMPTY : ++w->numbers;
}

static void ask_claim(struct world *w, struct client *client, struct op *op)
{
    const struct key *key = &w->keys[op->key];

    op->verb = VERB_CLAIM;
    op->lease_ms = maybe_duration(w, 60, w->plan.lease_ms);
    op->ttl_ms = maybe_duration(w, 40, w->plan.ttl_ms);
    if (rng_percent(&w->rng, 55)) {
        /* Of another client, sometimes. */
        op->owner = rng_percent(&w->rng, 5) && key->owner != 0 ? key->owner
                                                               : ++w->numbers;
    }
    if (rng_percent(&w->rng, 25)) {
        op->fp = 1 + rng_below(&w->rng, FPS);
    }
    client->key = op->key;
    client->owner = op->owner;
    client->fp = op->fp;
    client->fence = 0;
    client->receipt = 0;
}

/* The client goes on with a claim that it has, or had. */
static void ask_on(struct world *w, struct client *client, struct op *op)
{
    unsigned draw = (unsigned)rng_below(&w->rng, 100);

    op->key = client->key;
    op->fence = rng_percent(&w->rng, 80) ? client->fence : 0;
    if (draw < 45) {
        op->verb = VERB_COMPLETE;
        client->receipt = client->receipt != 0 && rng_percent(&w->rng, 80)
                              ? client->receipt
                              : fresh_receipt(w);
        op->receipt = client->receipt;
        op->ttl_ms = maybe_duration(w, 30, w->plan.ttl_ms);
        op->fp = rng_percent(&w->rng, 20) ? client->fp : 0;
    } else if (draw < 65) {
        op->verb = VERB_RELEASE;
    } else if (draw < 90) {
        op->verb = VERB_EXTEND;
        op->lease_ms = maybe_duration(w, 60, w->plan.lease_ms);
    } else {
        op->verb = VERB_CLAIM;
        op->fence = 0;
        op->owner = client->owner;
        op->fp = client->fp;
    }
}

static uint64_t some_fence(struct world *w, const struct key *key)
{
    switch (rng_below(&w->rng, 4)) {
    case 0:
        return 0;
    case 1:
        return key->fence;
    case 2:
        return key->fence_before;
    default:
        return 1 + rng_below(&w->rng, FENCE_MAX);
    }
}

/* Somebody who has no claim, or an old one. */
static void ask_strangely(struct world *w, struct op *op)
{
    static const enum verb verbs[] = {VERB_COMPLETE, VERB_RELEASE, VERB_EXTEND};
    const struct key *key = &w->keys[op->key];

    op->verb = verbs[rng_below(&w->rng, 3)];
    op->fence = some_fence(w, key);
    if (op->verb == VERB_COMPLETE) {
        op->receipt = rng_percent(&w->rng, 30) && key->receipt != 0
                          ? key->receipt
                          : fresh_receipt(w);
        op->fp = rng_percent(&w->rng, 20) ? 1 + rng_below(&w->rng, FPS) : 0;
        op->ttl_ms = maybe_duration(w, 30, w->plan.ttl_ms);
    }
    if (op->verb == VERB_EXTEND) {
        op->lease_ms = maybe_duration(w, 50, w->plan.lease_ms);
    }
}

static void choose(struct world *w, struct client *client, struct op *op)
{
    unsigned draw = (unsigned)rng_below(&w->rng, 100);

    if (client->retry && rng_percent(&w->rng, w->plan.retries)) {
        *op = client->last;
    } else if (client->fence != 0 && draw < 75) {
        ask_on(w, client, op);
    } else if (draw < 90 || client->fence != 0) {
        ask_claim(w, client, op);
        if (rng_percent(&w->rng, 20)) {
            *op = (struct op){.key = op->key, .verb = VERB_LOOKUP};
        }
    } else {
        ask_strangely(w, op);
    }
    client->retry = false;
}

void flight_encode(struct world *w, struct flight *flight)
{
    const struct op *op = &flight->op;
    const struct key *key = &w->keys[op->key];
    struct command command = {
        .verb = op->verb,
        .key = key->name,
        .owner = number_encode(flight->owner, op->owner),
        .fp = number_encode(flight->fp, op->fp),
        .fence = op->fence,
        .lease_ms = op->lease_ms,
        .ttl_ms = op->ttl_ms,
    };

    if (op->verb == VERB_COMPLETE) {
        command.receipt = receipt_encode(flight->receipt, op->receipt);
    }
    command.given = (op->fence != 0 ? (unsigned)OPTION_FENCE : 0) |
                    (op->owner != 0 ? (unsigned)OPTION_OWNER : 0) |
                    (op->fp != 0 ? (unsigned)OPTION_FP : 0) |
                    (op->lease_ms != 0 ? (unsigned)OPTION_LEASE : 0) |
                    (op->ttl_ms != 0 ? (unsigned)OPTION_TTL : 0);
    flight->request =
        (struct request){.command = command, .stream = key->stream};
}

static struct flight *send(struct world *w, size_t client, const struct op *op)
{
    struct flight *flight = free_flight(w);

    if (flight == NULL) {
        return NULL;
    }
    memset(flight, 0, sizeof(*flight));
    flight->state = FLIGHT_SENT;
    flight->client = client;
    flight->order = ++w->sent;
    flight->op = *op;
    flight->op.client = (uint32_t)client;
    flight->op.life = w->life;
    flight->op.called_us = w->machine.true_us;
    flight->op.called_seq = ++w->seq;
    w->clients[client].waiting++;
    w->result->counts.ops++;
    world_trace_op(w, "send", &flight->op);
    flight_encode(w, flight);
    return flight;
}

struct flight *clients_ask(struct world *w, size_t client)
{
    if (w->clients[client].waiting > 0 &&
        !rng_percent(&w->rng, w->plan.pipelined)) {
        return NULL;
    }
    return clients_ask_key(w, client, pick_key(w));
}

struct flight *clients_ask_key(struct world *w, size_t client, uint32_t key)
{
    struct op op = {.key = key};

    choose(w, &w->clients[client], &op);
    return send(w, client, &op);
}

size_t clients_replace(struct world *w, size_t client, uint32_t key,
                       struct flight *flights[2])
{
    struct op release = {.key = key,
                         .verb = VERB_RELEASE,
                         .fence = w->keys[key].fence};
    struct op claim = {.key = key, .verb = VERB_CLAIM};
    size_t count = 0;

    flights[0] = send(w, client, &release);
    count += flights[0] != NULL;
    flights[count] = send(w, client, &claim);
    return count + (flights[count] != NULL);
}

void clients_look(struct world *w, uint32_t key)
{
    send(w, w->plan.clients + 1, &(struct op){.key = key, .verb = VERB_LOOKUP});
}

/* --- what is answered ----------------------------------------------------- */

void op_answer(struct op *op, const struct reply *reply)
{
    op_set_answer(op, reply);
    op->got_receipt =
        reply->kind == REPLY_COMPLETED ? receipt_decode(reply->receipt) : 0;
    op->got_owner = number_decode(reply->owner);
}

static struct op asked(const struct op *op)
{
    return (struct op){
        .key = op->key,
        .client = op->client,
        .life = op->life,
        .verb = op->verb,
        .fence = op->fence,
        .lease_ms = op->lease_ms,
        .ttl_ms = op->ttl_ms,
        .owner = op->owner,
        .fp = op->fp,
        .receipt = op->receipt,
        .called_us = op->called_us,
        .ended_us = op->ended_us,
        .called_seq = op->called_seq,
        .ended_seq = op->ended_seq,
    };
}

static void learn(struct client *client, const struct op *op)
{
    bool unknown = op_unknown(op);

    if (unknown && !client->retry) {
        client->retry = true;
        client->last = (struct op){
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
    if (op->kind == REPLY_CLAIMED && client->key == op->key) {
        client->fence = op->got_fence;
    }
    if (op->kind == REPLY_OK && op->verb == VERB_RELEASE) {
        client->fence = 0;
    }
}

void flight_end(struct world *w, struct flight *flight, bool lost)
{
    struct op *op = &flight->op;

    op->ended_us = w->machine.true_us;
    op->ended_seq = ++w->seq;
    if (lost) {
        *op = asked(op);
        w->result->counts.lost_answers++;
    }
    if (op->kind == REPLY_ERROR && op->error == E_STALE && op->fence == 0 &&
        flight->pin != 0) {
        op->fence = 1; /* it was as if another one had been given */
    }
    world_trace_op(w, lost ? "lost" : "arrived", op);
    history_add(&w->history, op);
    learn(&w->clients[flight->client], op);
    w->clients[flight->client].waiting--;
    flight->state = FLIGHT_NONE;
}

void clients_listen(struct world *w, unsigned percent)
{
    for (size_t i = 0; i < FLIGHTS_MAX; i++) {
        struct flight *flight = &w->flights[i];

        if (flight->state == FLIGHT_DECIDED && rng_percent(&w->rng, percent)) {
            flight_end(w, flight, rng_percent(&w->rng, w->plan.lost));
        }
    }
}
