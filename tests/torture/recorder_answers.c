#include "tests/torture/recorder_inner.h"

#include <stdlib.h>

enum { WRONG_BYTES = 200 };

/* --- ops without an answer ------------------------------------------------ */

static void keep_open(struct recorder *recorder, const struct op *op,
                      uint64_t cut_us)
{
    if (recorder->open_count == recorder->open_room) {
        recorder->open_room = recorder->open_room * 2 + 64;
        recorder->open = realloc(recorder->open,
                                 recorder->open_room * sizeof(*recorder->open));
        CHECK(recorder->open != NULL);
    }
    recorder->open[recorder->open_count++] = (struct open_op){*op, cut_us};
}

/* Enters those of connections that were cut before. */
void settle_open(struct recorder *recorder, uint64_t cut_before_us,
                 uint64_t ended_us)
{
    size_t left = 0;

    for (size_t i = 0; i < recorder->open_count; i++) {
        struct open_op *open = &recorder->open[i];

        if (open->cut_us >= cut_before_us) {
            recorder->open[left++] = *open;
            continue;
        }
        open->op.ended_us = ended_us;
        history_add(&recorder->history, &open->op);
        recorder->unknown++;
    }
    recorder->open_count = left;
}

/* What the daemon may not even have accepted yet stays open until its end. */
static void lose_pending(struct recorder *recorder, struct peer *peer,
                         uint64_t now_us)
{
    for (size_t i = 0; i < peer->count; i++) {
        struct pending *pending =
            &peer->pending[(peer->first + i) % PEER_PENDING_MAX];

        if (pending->kind == PENDING_OP) {
            keep_open(recorder, &pending->op,
                      peer->established ? now_us : UINT64_MAX);
            workload_lose(&recorder->workload, &pending->op);
        }
    }
}

void drop(struct recorder *recorder, struct recorder_client *client, bool reset)
{
    uint64_t now_us = recorder_now_us();

    lose_pending(recorder, &client->peer, now_us);
    peer_close(&client->peer, reset);
    client->next_us = now_us;
    client->cut = CUT_NONE;
}

/* --- the probe ------------------------------------------------------------ */

static struct peer *probe_of(struct recorder *recorder)
{
    return &recorder->clients[RECORDER_PROBE].peer;
}

static bool is_any_cut(const struct recorder *recorder)
{
    for (size_t i = 0; i < recorder->open_count; i++) {
        if (recorder->open[i].cut_us < UINT64_MAX) {
            return true;
        }
    }
    return false;
}

/* Connections that the daemon certainly had when the probe was sent, and has.
 */
static uint64_t certain_connections(const struct recorder *recorder)
{
    uint64_t count = 0;

    for (size_t i = 0; i < RECORDER_PEERS; i++) {
        const struct peer *peer = &recorder->clients[i].peer;

        count += peer->fd >= 0 && !peer->half_closed &&
                 peer->answered_us <= recorder->probed_us;
    }
    return count;
}

static uint64_t stat_number(const struct parsed *parsed, const char *name)
{
    uint64_t number = 0;

    for (size_t i = 0; i < parsed->items_count; i++) {
        struct slice value = parsed->items[i].value;

        if (!slice_equal(parsed->items[i].name, slice_str(name))) {
            continue;
        }
        for (size_t k = 0; k < value.len; k++) {
            number = number * 10 + (uint64_t)(value.data[k] - '0');
        }
    }
    return number;
}

/* The daemon counts a connection until nothing of it is in hand. Where it
 * counts no more than are certainly there, those that were cut before it was
 * asked are done with. */
static void take_probe(struct recorder *recorder, uint64_t now_us)
{
    if (recorder->parsed.reply.kind == REPLY_STATS &&
        stat_number(&recorder->parsed, "connections") ==
            certain_connections(recorder)) {
        settle_open(recorder, recorder->probed_us, now_us);
    }
}

void send_probe(struct recorder *recorder, uint64_t now_us)
{
    struct peer *probe = probe_of(recorder);

    if (probe->fd < 0 || probe->count > 0 ||
        now_us < recorder->probed_us + RECORDER_PROBE_EACH_US ||
        (probe->established && !is_any_cut(recorder))) {
        return;
    }
    recorder->probed_us = now_us;
    peer_ask_stats(probe);
    if (!peer_send(probe)) {
        drop(recorder, &recorder->clients[RECORDER_PROBE], false);
    }
}

/* --- answers -------------------------------------------------------------- */

bool is_reading(const struct recorder *recorder,
                const struct recorder_client *client)
{
    return client == &recorder->clients[RECORDER_READER] &&
           recorder->workload.unread.count > 0;
}

/* Once its answers have come, and now and then before that, a client rests and
 * then asks again. */
static void rest(struct recorder *recorder, struct recorder_client *client,
                 uint64_t now_us)
{
    struct rng *rng = &recorder->rng;
    const struct peer *peer = &client->peer;

    if (client->next_us < UINT64_MAX || peer->half_closed ||
        (peer->count > 0 &&
         (peer->count >= RECORDER_BURST_MAX / 2 || !rng_percent(rng, 20)))) {
        return;
    }
    client->next_us = now_us + (is_reading(recorder, client)
                                    ? 0
                                    : rng_below(rng, recorder->rest_us + 1));
}

static void take_answer(struct recorder *recorder, struct op *op,
                        uint64_t now_us)
{
    workload_learn(&recorder->workload, op);
    if (op_unknown(op)) {
        keep_open(recorder, op, UINT64_MAX);
        return;
    }
    op->ended_us = now_us;
    history_add(&recorder->history, op);
}

static void be_wrong(struct recorder *recorder, const struct peer *peer,
                     const struct pending *pending)
{
    struct slice bytes = buf_slice(&peer->in);
    struct buf *wrong = &recorder->wrong;

    buf_append_str(wrong, "a wrong reply: expected ");
    buf_append_str(wrong, recorder->parsed.wrong);
    buf_append_str(wrong, " at byte ");
    buf_append_u64(wrong, recorder->parsed.wrong_at);
    buf_append_str(wrong, " of: ");
    buf_append(wrong, bytes.data,
               bytes.len < WRONG_BYTES ? bytes.len : WRONG_BYTES);
    buf_append_str(wrong, "\nto: ");
    if (peer->count > 0 && pending->kind == PENDING_OP) {
        op_write(&pending->op, wrong);
    }
    buf_append_byte(wrong, '\n');
}

/* False when a reply was wrong. */
static bool take_replies(struct recorder *recorder,
                         struct recorder_client *client)
{
    uint64_t now_us = recorder_now_us();
    struct pending pending = {.kind = PENDING_STATS};
    enum parse_state state;

    while ((state = peer_take(&client->peer, &recorder->parsed, &pending)) ==
           PARSE_REPLY) {
        if (client->peer.answered_us == UINT64_MAX) {
            client->peer.answered_us = now_us;
        }
        if (pending.kind == PENDING_STATS) {
            take_probe(recorder, now_us);
        } else if (pending.kind == PENDING_OP) {
            take_answer(recorder, &pending.op, now_us);
        }
    }
    rest(recorder, client, now_us);
    if (state == PARSE_WRONG) {
        be_wrong(recorder, &client->peer, &pending);
    }
    return state != PARSE_WRONG;
}

bool receive(struct recorder *recorder, struct recorder_client *client)
{
    bool is_open = peer_receive(&client->peer);

    if (!take_replies(recorder, client)) {
        return false;
    }
    if (!is_open) {
        drop(recorder, client, false);
    }
    return true;
}
