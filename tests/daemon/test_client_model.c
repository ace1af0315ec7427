/* The way from bytes to bytes, without the socket, against the model: requests
 * in both framings, cut anywhere, and replies read back; with time that jumps
 * to every boundary, restarts, and several clients that share turns. */
#include "base/check.h"
#include "tests/lib/command_bytes.h"
#include "tests/lib/mirror.h"
#include "tests/lib/model_batch.h"
#include "tests/lib/talk.h"

static const struct rules usual = {.grace_ms = 1000,
                                   .ttl_ms = 60000,
                                   .lease_ms_max = 14400000};

static struct model_rules rules_of(const struct rules *rules)
{
    return (struct model_rules){
        .grace_ms = rules->grace_ms,
        .ttl_ms = rules->ttl_ms,
        .lease_ms = rules->lease_ms,
        .lease_ms_max = rules->lease_ms_max,
        .require_fence = rules->require_fence,
        .fence_follows_time = true,
    };
}

static struct model_gen_options options_of(uint64_t seed)
{
    return (struct model_gen_options){
        .seed = seed,
        .start_ms = 1000,
        .ttl_ms_max = 14400000,
        .receipt_len_max = 3000,
        .sweeps = true,
    };
}

/* Sends the bytes in pieces of random length, with a turn here and there. */
static void send_in_pieces(struct talk *talk, struct rng *rng,
                           struct slice bytes)
{
    size_t piece_max = 1 + rng_below(rng, 40 * (1 + rng_below(rng, 40)));

    while (bytes.len > 0) {
        size_t len = 1 + rng_below(rng, piece_max);

        len = len < bytes.len ? len : bytes.len;
        talk_send(talk, slice_of(bytes.data, len));
        bytes = slice_of(bytes.data + len, bytes.len - len);
        if (rng_percent(rng, 20)) {
            talk_turn(talk);
        }
    }
}

/* --- one command at a time ------------------------------------------------ */

struct run {
    struct bench bench;
    struct talk talk;
    struct rng rng;
    char ns[NAMESPACE_BYTES_MAX + 1]; /* that the client is in */
    struct buf request;
};

static void connect_client(struct run *run)
{
    struct client_config config = talk_config(&run->bench);

    /* So little that a long receipt does not fit beside anything else. */
    config.output_bytes_max = 12000;
    talk_open(&run->talk, &run->bench, &config);
    snprintf(run->ns, sizeof(run->ns), "default");
}

static void maybe_start_again(struct run *run)
{
    if (rng_percent(&run->rng, 1)) {
        talk_close(&run->talk);
        bench_restart(&run->bench);
        connect_client(run);
    } else if (rng_percent(&run->rng, 2)) {
        talk_close(&run->talk);
        connect_client(run);
    }
}

/* Whether in RESP. */
static bool write_command(struct run *run, const struct command *command)
{
    bool resp = rng_percent(&run->rng, 50);

    if (resp) {
        command_resp(&run->request, command);
    } else {
        command_line(&run->request, command);
    }
    return resp;
}

static void change_namespace(struct run *run, struct slice ns)
{
    struct command command = {.verb = VERB_NAMESPACE, .name = ns};
    bool resp = write_command(run, &command);

    send_in_pieces(&run->talk, &run->rng, buf_slice(&run->request));
    buf_clear(&run->request);
    if (rng_percent(&run->rng, 50)) {
        talk_settle(&run->talk);
    }
    snprintf(run->ns, sizeof(run->ns), "%.*s", (int)ns.len,
             (const char *)ns.data);
    talk_advance(&run->talk);
    ck_assert_int_eq((int)talk_next(&run->talk, resp)->reply.kind,
                     (int)REPLY_OK);
}

static void ask(void *arg, struct slice ns, const struct command *command,
                uint64_t now_ms, struct reply *reply)
{
    struct run *run = arg;
    bool resp;

    maybe_start_again(run);
    bench_at(&run->bench, now_ms);
    if (!slice_equal(ns, slice_str(run->ns))) {
        change_namespace(run, ns);
    }
    resp = write_command(run, command);
    send_in_pieces(&run->talk, &run->rng, buf_slice(&run->request));
    buf_clear(&run->request);
    talk_settle(&run->talk);
    *reply = talk_next(&run->talk, resp)->reply;
    ck_assert_uint_eq(buf_len(&run->talk.out), 0);
}

static void compare(enum store_kind kind, const struct rules *rules,
                    uint64_t seed, uint64_t steps)
{
    struct run run = {.rng = {seed}};
    struct mirror_system system = {ask, &run};
    struct model_rules model_rules = rules_of(rules);
    struct model_gen_options options = options_of(seed);
    struct buf report = {0};

    bench_open_rules(&run.bench, kind, rules);
    connect_client(&run);
    if (!mirror_run(&model_rules, &options, steps, &system, &report)) {
        ck_abort_msg("%.*s", (int)buf_len(&report),
                     (const char *)buf_slice(&report).data);
    }
    talk_close(&run.talk);
    bench_close(&run.bench);
    buf_release(&run.request);
    buf_release(&report);
}

START_TEST(bytes_in_and_bytes_out_agree_with_the_model)
{
    uint64_t steps = _i == STORE_MEM ? 15000 : 2000;

    for (uint64_t seed = 21; seed <= 22; seed++) {
        compare((enum store_kind)_i, &usual, seed, steps);
    }
}
END_TEST

START_TEST(bytes_agree_with_the_model_under_other_rules)
{
    struct rules rules = usual;

    rules.grace_ms = 0;
    rules.lease_ms = 700;
    compare((enum store_kind)_i, &rules, 31, 1500);
    rules.require_fence = true;
    rules.lease_ms_max = 5000;
    compare((enum store_kind)_i, &rules, 32, 1500);
}
END_TEST

/* --- several clients in the same turns ------------------------------------ */

enum { CLIENTS = 3, ROUND_STEPS_MAX = 24, DECIDED_MAX = CLIENTS * 256 };

struct crowd {
    struct bench bench;
    struct talk talks[CLIENTS];
    struct rng rng;
    struct model *model;
    struct model_gen *gen;
    struct batch *batch;
    uint64_t now_ms;
    size_t decided[DECIDED_MAX]; /* clients, in the order in which the engine
                                    decided their commands */
    size_t decided_count;
    uint64_t postponed_count;
    struct buf report;
};

/* Few commands and few bytes may be under way, so that commands are refused to
 * begin and are postponed all the time. */
static void open_client(struct crowd *crowd, size_t i)
{
    struct client_config config = talk_config(&crowd->bench);

    config.inflight_max = 3 + 9 * i;
    config.output_bytes_max = 10000 + 4000 * i;
    talk_open(&crowd->talks[i], &crowd->bench, &config);
    batch_reconnect(crowd->batch, i);
}

/* Some of the clients read the key too: receipts that many want to see. */
static void add_readers(struct crowd *crowd, const struct model_step *step,
                        struct buf bytes[CLIENTS])
{
    struct model_step reader = *step;

    reader.command =
        (struct command){.verb = VERB_LOOKUP, .key = step->command.key};
    while (rng_percent(&crowd->rng, 70)) {
        size_t client = rng_below(&crowd->rng, CLIENTS);

        batch_add(crowd->batch, client, &crowd->rng, &reader, &bytes[client]);
    }
}

/* All commands of a round happen at the time of the last one. A SWEEP stands
 * alone, because the engine does not promise when it runs beside others. */
static void send_round(struct crowd *crowd)
{
    struct buf bytes[CLIENTS] = {0};
    struct model_step step;
    size_t count = 1 + rng_below(&crowd->rng, ROUND_STEPS_MAX);
    bool alone = false;

    for (size_t i = 0; i < count && !alone; i++) {
        size_t client = rng_below(&crowd->rng, CLIENTS);

        model_gen_next(crowd->gen, crowd->model, &step);
        crowd->now_ms = step.now_ms;
        if (step.command.verb == VERB_SWEEP) {
            if (i > 0) {
                continue;
            }
            alone = true;
        }
        batch_add(crowd->batch, client, &crowd->rng, &step, &bytes[client]);
        if (!alone) {
            add_readers(crowd, &step, bytes);
        }
    }
    bench_at(&crowd->bench, crowd->now_ms);
    for (size_t i = 0; i < CLIENTS; i++) {
        talk_send(&crowd->talks[i], buf_slice(&bytes[i]));
        buf_release(&bytes[i]);
    }
}

static size_t client_index(const struct crowd *crowd,
                           const struct client *client)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        if (client == &crowd->talks[i].client) {
            return i;
        }
    }
    CHECK(false);
    return 0;
}

/* One turn with what some of the clients have given out. */
static void shared_turn(struct crowd *crowd)
{
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);
    struct request *request;
    size_t first = rng_below(&crowd->rng, CLIENTS);

    for (size_t i = 0; i < CLIENTS; i++) {
        struct talk *talk = &crowd->talks[(first + i) % CLIENTS];

        if (rng_percent(&crowd->rng, 70)) {
            STAILQ_CONCAT(&list, &talk->outbox);
        }
    }
    ck_assert_int_eq(talk_engine(&crowd->bench, &list, NULL), 0);
    while ((request = STAILQ_FIRST(&list)) != NULL) {
        bool postponed = request->postponed;
        size_t client;

        STAILQ_REMOVE_HEAD(&list, link);
        client = client_index(crowd, client_returned(request));
        crowd->postponed_count += postponed;
        if (!postponed) {
            CHECK(crowd->decided_count < DECIDED_MAX);
            crowd->decided[crowd->decided_count++] = client;
        }
    }
}

/* The client reads all, a part, or nothing of what it was sent. */
static void read_some(struct crowd *crowd, struct talk *talk)
{
    talk->reads = rng_percent(&crowd->rng, 40);
    if (!talk->reads && talk->unread > 0 && rng_percent(&crowd->rng, 60)) {
        size_t len = 1 + rng_below(&crowd->rng, talk->unread);

        client_drained(&talk->client, len);
        talk->unread -= len;
    }
}

static bool is_settled(const struct crowd *crowd)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        const struct talk *talk = &crowd->talks[i];

        if (!client_is_idle(&talk->client) || buf_len(&talk->in) > 0) {
            return false;
        }
    }
    return true;
}

static void take_answers(struct crowd *crowd, size_t i)
{
    struct err why = {.text = ""};
    bool resp;

    while (batch_owes(crowd->batch, i, &resp)) {
        ck_assert_msg(batch_answer(crowd->batch, i,
                                   &talk_next(&crowd->talks[i], resp)->reply,
                                   &why),
                      "client %zu: %s", i, why.text);
    }
    ck_assert_str_eq(talk_rest(&crowd->talks[i]), "");
}

static void compare_round(struct crowd *crowd)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        take_answers(crowd, i);
    }
    for (size_t i = 0; i < crowd->decided_count; i++) {
        if (!batch_decided(crowd->batch, crowd->decided[i], crowd->now_ms,
                           &crowd->report)) {
            ck_abort_msg("%.*s", (int)buf_len(&crowd->report),
                         (const char *)buf_slice(&crowd->report).data);
        }
    }
    crowd->decided_count = 0;
    ck_assert(batch_finish(crowd->batch));
}

static void run_round(struct crowd *crowd)
{
    unsigned turns = 0;

    send_round(crowd);
    while (!is_settled(crowd)) {
        shared_turn(crowd);
        for (size_t i = 0; i < CLIENTS; i++) {
            read_some(crowd, &crowd->talks[i]);
            talk_advance(&crowd->talks[i]);
        }
        ck_assert_uint_lt(turns++, 10000);
    }
    compare_round(crowd);
}

static void crowd_open(struct crowd *crowd, enum store_kind kind, uint64_t seed)
{
    struct model_rules rules = rules_of(&usual);
    struct model_gen_options options = options_of(seed);

    options.receipt_len_max = 10000;
    memset(crowd, 0, sizeof(*crowd));
    crowd->rng.state = seed;
    crowd->model = model_new(&rules);
    crowd->gen = model_gen_new(&options);
    crowd->batch = batch_new(crowd->model, false);
    bench_open_rules(&crowd->bench, kind, &usual);
    for (size_t i = 0; i < CLIENTS; i++) {
        open_client(crowd, i);
    }
}

static void crowd_restart(struct crowd *crowd)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        talk_close(&crowd->talks[i]);
    }
    bench_restart(&crowd->bench);
    for (size_t i = 0; i < CLIENTS; i++) {
        open_client(crowd, i);
    }
}

static void crowd_close(struct crowd *crowd)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        talk_close(&crowd->talks[i]);
    }
    bench_close(&crowd->bench);
    batch_free(crowd->batch);
    model_gen_free(crowd->gen);
    model_free(crowd->model);
    buf_release(&crowd->report);
}

START_TEST(clients_that_share_turns_agree_with_the_model)
{
    unsigned rounds = _i == STORE_MEM ? 1500 : 200;
    struct crowd *crowd = malloc(sizeof(*crowd));

    ck_assert_ptr_nonnull(crowd);
    for (uint64_t seed = 41; seed <= 42; seed++) {
        crowd_open(crowd, (enum store_kind)_i, seed);
        for (unsigned i = 0; i < rounds; i++) {
            run_round(crowd);
            if (rng_percent(&crowd->rng, 3)) {
                crowd_restart(crowd);
            }
        }
        /* Or the test would not be about what it says. */

        ck_assert_uint_gt(crowd->postponed_count, rounds / 20);
        crowd_close(crowd);
    }
    free(crowd);
}
END_TEST

SUITE_OF_STORES(client_model, 120, bytes_in_and_bytes_out_agree_with_the_model,
                bytes_agree_with_the_model_under_other_rules,
                clients_that_share_turns_agree_with_the_model)
