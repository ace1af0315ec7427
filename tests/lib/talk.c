#include "tests/lib/talk.h"

#include "base/check.h"

struct client_config talk_config(struct bench *bench)
{
    return (struct client_config){
        .limits = {.key_bytes_max = 512,
                   .receipt_bytes_max = 65536,
                   .ttl_ms_max = UINT64_C(2592000000),
                   .lease_ms_max = UINT64_C(2592000000)},
        .namespace = "default",
        .inflight_max = 128,
        .output_bytes_max = 1 << 20,
        .version = "1.2.3",
        .counters = &bench->store.counters,
    };
}

void talk_open(struct talk *talk, struct bench *bench,
               const struct client_config *config)
{
    *talk = (struct talk){
        .bench = bench,
        .config = *config,
        .reads = true,
    };
    STAILQ_INIT(&talk->outbox);
    STAILQ_INIT(&talk->sweeps);
    client_init(&talk->client, &talk->config);
}

void talk_close(struct talk *talk)
{
    const struct client *client = &talk->client;

    talk_read(talk);
    ck_assert_int_eq(talk->failure, 0);
    ck_assert(client_is_idle(client));
    ck_assert(!client->broken);
    ck_assert_uint_eq(client->with_engine, 0);
    ck_assert_uint_eq(client->postponed, 0);
    ck_assert_uint_eq(client->inflight, 0);
    ck_assert_uint_eq(client->inflight_bytes, 0);
    ck_assert_uint_eq(client->reserved_bytes, 0);
    ck_assert_uint_eq(atomic_load(&client->window.held_bytes), 0);
    client_release(&talk->client);
    parsed_release(&talk->parsed);
    buf_release(&talk->in);
    buf_release(&talk->out);
}

/* --- steps ---------------------------------------------------------------- */

static bool feed(struct talk *talk)
{
    size_t used;

    client_new_round(&talk->client);
    used = client_feed(&talk->client, buf_slice(&talk->in), &talk->outbox);
    ck_assert_uint_le(used, buf_len(&talk->in));
    buf_take(&talk->in, used);
    return used > 0;
}

void talk_send(struct talk *talk, struct slice bytes)
{
    buf_append_slice(&talk->in, bytes);
    ck_assert(!buf_failed(&talk->in));
    feed(talk);
}

void talk_say(struct talk *talk, const char *text)
{
    talk_send(talk, slice_str(text));
}

void talk_read(struct talk *talk)
{
    client_drained(&talk->client, talk->unread);
    talk->unread = 0;
}

static bool collect(struct talk *talk)
{
    size_t before = buf_len(&talk->out);
    bool any = client_collect(&talk->client, &talk->out);

    ck_assert_int_eq(any, buf_len(&talk->out) > before);
    talk->unread += buf_len(&talk->out) - before;
    if (talk->reads) {
        talk_read(talk);
    }
    return any;
}

void talk_advance(struct talk *talk)
{
    bool moved = true;

    while (moved) {
        moved = collect(talk);
        client_retry(&talk->client, &talk->outbox);
        moved = feed(talk) || moved;
    }
}

static void answer_sweep(struct bench *bench, struct request *request)
{
    request->reply = bench_sweep(bench);
}

int talk_engine(struct bench *bench, struct request_list *list,
                struct request_list *waiting)
{
    struct request_list keyed = STAILQ_HEAD_INITIALIZER(keyed);
    struct request_list others = STAILQ_HEAD_INITIALIZER(others);
    struct request *request;
    int status = 0;

    while ((request = STAILQ_FIRST(list)) != NULL) {
        enum verb verb = request->command.verb;

        STAILQ_REMOVE_HEAD(list, link);
        if (verb == VERB_SWEEP && waiting != NULL) {
            STAILQ_INSERT_TAIL(waiting, request, link);
        } else if (verb == VERB_SWEEP || verb == VERB_STATS) {
            STAILQ_INSERT_TAIL(&others, request, link);
        } else {
            STAILQ_INSERT_TAIL(&keyed, request, link);
        }
    }
    if (!STAILQ_EMPTY(&keyed)) {
        status = turn_run(&bench->turn, &keyed);
    }
    STAILQ_FOREACH (request, &others, link) {
        if (request->command.verb == VERB_SWEEP) {
            answer_sweep(bench, request);
        } else {
            request->reply = (struct reply){.kind = REPLY_STATS};
        }
    }
    STAILQ_CONCAT(list, &keyed);
    STAILQ_CONCAT(list, &others);
    return status;
}

static void give_back(struct talk *talk, struct request_list *list)
{
    struct request *request;

    while ((request = STAILQ_FIRST(list)) != NULL) {
        STAILQ_REMOVE_HEAD(list, link);
        ck_assert_ptr_eq(client_returned(request), &talk->client);
    }
}

void talk_turn(struct talk *talk)
{
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);

    STAILQ_CONCAT(&list, &talk->outbox);
    talk->failure = talk_engine(talk->bench, &list,
                                talk->holds_sweeps ? &talk->sweeps : NULL);
    give_back(talk, &list);
    talk_advance(talk);
}

void talk_settle(struct talk *talk)
{
    talk_advance(talk);
    while (!STAILQ_EMPTY(&talk->outbox)) {
        talk_turn(talk);
    }
}

void talk_end_sweeps(struct talk *talk)
{
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);
    struct request *request;

    STAILQ_FOREACH (request, &talk->sweeps, link) {
        answer_sweep(talk->bench, request);
    }
    STAILQ_CONCAT(&list, &talk->sweeps);
    give_back(talk, &list);
    talk_advance(talk);
}

void talk_past(struct bench *bench, const char *ns, struct command command,
               const char *reply)
{
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);
    uint8_t id[1024];
    struct request request = {.command = command};

    ck_assert_uint_le(stream_id_bytes(slice_str(ns), command.key), sizeof(id));
    request.stream = stream_encode(id, slice_str(ns), command.key);
    STAILQ_INSERT_TAIL(&list, &request, link);
    ck_assert_int_eq(turn_run(&bench->turn, &list), 0);
    ck_reply(request.reply, reply);
    free(request.owned);
}

/* --- expectations --------------------------------------------------------- */

size_t talk_with_engine(const struct talk *talk)
{
    size_t count = 0;
    struct request *request;

    STAILQ_FOREACH (request, &talk->outbox, link) {
        count++;
    }
    STAILQ_FOREACH (request, &talk->sweeps, link) {
        count++;
    }
    ck_assert_uint_eq(count, talk->client.with_engine);
    return count;
}

const struct parsed *talk_next(struct talk *talk, bool resp)
{
    struct slice out = buf_slice(&talk->out);
    enum parse_state state = reply_parse(&talk->parsed, resp, out);

    ck_assert_msg(state == PARSE_REPLY, "%s at byte %zu of: %.*s",
                  state == PARSE_MORE ? "not whole" : talk->parsed.wrong,
                  talk->parsed.wrong_at, (int)out.len, (const char *)out.data);
    buf_take(&talk->out, talk->parsed.used);
    return &talk->parsed;
}

/* Also what reply_text() has no word for. */
static const char *text_of(const struct reply *reply)
{
    switch ((int)reply->kind) {
    case REPLY_PONG:
        return "PONG";
    case REPLY_BYE:
        return "BYE";
    case REPLY_STATS:
        return "STATS";
    case REPLY_HELP:
        return "HELP";
    default:
        return reply_text(reply);
    }
}

void talk_expect(struct talk *talk, bool resp, const char *replies)
{
    struct buf all = {0};

    while (buf_len(&talk->out) > 0) {
        buf_append_str(&all, buf_len(&all) > 0 ? ", " : "");
        buf_append_str(&all, text_of(&talk_next(talk, resp)->reply));
    }
    buf_append_byte(&all, 0);
    ck_assert_str_eq((const char *)buf_slice(&all).data, replies);
    buf_release(&all);
}

const char *talk_rest(struct talk *talk)
{
    static struct buf rest;

    buf_clear(&rest);
    buf_append_slice(&rest, buf_slice(&talk->out));
    buf_append_byte(&rest, 0);
    ck_assert(!buf_failed(&rest));
    buf_clear(&talk->out);
    return (const char *)buf_slice(&rest).data;
}
