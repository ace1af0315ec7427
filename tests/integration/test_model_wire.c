/* The whole daemon against the model: random commands in both framings,
 * pipelined over several connections at once, and restarts in between, answer
 * by answer.
 *
 * Time is the daemon's own, so durations are hours and what depends on the
 * moment is not compared. Within a round every key belongs to one connection;
 * the order of what was decided on different connections shows in the fences.
 */
#include "base/check.h"
#include "tests/lib/client.h"
#include "tests/lib/model_batch.h"
#include "tests/lib/reply_parse.h"
#include "tests/lib/runner.h"

#include <poll.h>
#include <signal.h>

enum { CLIENTS = 4, ROUND_STEPS_MAX = 60, PIECE_BYTES_MAX = 4000 };

struct run {
    struct site site;
    struct daemon daemon;
    struct client clients[CLIENTS];
    struct rng rng;
    struct model *model;
    struct model_gen *gen;
    struct batch *batch;
    uint64_t now_ms;
    struct parsed parsed;
    struct buf report;
};

/* The sweeper's own passes would make its numbers unforeseeable. */
static const char *const options[] = {"sweep_interval=1d", NULL};

static uint64_t wall_ms(void)
{
    struct timespec now;

    ck_assert_int_eq(clock_gettime(CLOCK_REALTIME, &now), 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void serve(struct run *run)
{
    daemon_start(&run->daemon, &run->site, options);
    for (size_t i = 0; i < CLIENTS; i++) {
        client_open(&run->clients[i], &run->daemon);
        batch_reconnect(run->batch, i);
    }
}

static void hang_up(struct run *run)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        client_close(&run->clients[i]);
    }
}

static void maybe_restart(struct run *run)
{
    if (!rng_percent(&run->rng, 12)) {
        return;
    }
    if (rng_percent(&run->rng, 50)) {
        daemon_kill(&run->daemon);
        hang_up(run);
    } else {
        hang_up(run);
        daemon_stop(&run->daemon);
    }
    serve(run);
}

/* --- one round ------------------------------------------------------------ */

static void write_round(struct run *run, struct buf bytes[CLIENTS])
{
    size_t steps = 1 + rng_below(&run->rng, ROUND_STEPS_MAX);
    size_t turn = rng_below(&run->rng, CLIENTS);
    struct model_step step;

    for (size_t i = 0; i < steps; i++) {
        size_t client;

        model_gen_next(run->gen, run->model, &step);
        client = (step.identity + step.identity / CLIENTS + turn) % CLIENTS;
        run->now_ms = step.now_ms;
        batch_add(run->batch, client, &run->rng, &step, &bytes[client]);
    }
}

/* Sends a piece to one client and a piece to another, until all is sent. */
static void send_round(struct run *run, struct buf bytes[CLIENTS])
{
    size_t left = 1;

    while (left > 0) {
        left = 0;
        for (size_t i = 0; i < CLIENTS; i++) {
            struct slice rest = buf_slice(&bytes[i]);
            size_t len = 1 + rng_below(&run->rng, PIECE_BYTES_MAX);

            len = len < rest.len ? len : rest.len;
            client_send_bytes(&run->clients[i], slice_of(rest.data, len));
            buf_take(&bytes[i], len);
            left += buf_len(&bytes[i]);
        }
    }
}

/* Waits for one more reply. */
static void read_reply(struct run *run, struct client *client, bool resp)
{
    uint64_t until_ms = now_ms() + WAIT_MS;
    enum parse_state state;

    while ((state = reply_parse(&run->parsed, resp, buf_slice(&client->in))) ==
           PARSE_MORE) {
        struct pollfd fd = {.fd = client->fd, .events = POLLIN};

        ck_assert_msg(!client->ended, "the daemon has closed: %s",
                      process_err(&run->daemon.process));
        ck_assert_int_gt(poll(&fd, 1, left_ms(until_ms)), 0);
        client_poll(client);
    }
    ck_assert_msg(state == PARSE_REPLY, "no %s at byte %zu of: %.*s",
                  run->parsed.wrong, run->parsed.wrong_at,
                  (int)buf_len(&client->in),
                  (const char *)buf_slice(&client->in).data);
    buf_take(&client->in, run->parsed.used);
}

static void read_round(struct run *run)
{
    struct err why = {.text = ""};
    bool resp;

    for (size_t i = 0; i < CLIENTS; i++) {
        while (batch_owes(run->batch, i, &resp)) {
            read_reply(run, &run->clients[i], resp);
            ck_assert_msg(batch_answer(run->batch, i, &run->parsed.reply, &why),
                          "client %zu: %s", i, why.text);
        }
        ck_assert(client_poll(&run->clients[i]));
        ck_assert_uint_eq(buf_len(&run->clients[i].in), 0);
    }
}

/* --- the order in which it was decided ------------------------------------ */

static void compare_next(struct run *run, size_t client)
{
    if (!batch_decided(run->batch, client, run->now_ms, &run->report)) {
        ck_abort_msg("%.*s", (int)buf_len(&run->report),
                     (const char *)buf_slice(&run->report).data);
    }
}

/* Fresh claims wait for those of other clients with a smaller fence. Nothing
 * else depends on the order, because no two clients share a key. */
static bool next_of_round(struct run *run, size_t *next)
{
    uint64_t smallest = UINT64_MAX;

    for (size_t i = 0; i < CLIENTS; i++) {
        struct reply reply;

        if (!batch_next(run->batch, i, &reply)) {
            continue;
        }
        if (reply.kind != REPLY_CLAIMED || reply.again) {
            *next = i;
            return true;
        }
        if (reply.fence < smallest) {
            smallest = reply.fence;
            *next = i;
        }
    }
    return smallest < UINT64_MAX;
}

static void run_round(struct run *run)
{
    struct buf bytes[CLIENTS] = {{0}};
    size_t client = 0;

    write_round(run, bytes);
    send_round(run, bytes);
    read_round(run);
    while (next_of_round(run, &client)) {
        compare_next(run, client);
    }
    ck_assert(batch_finish(run->batch));
    for (size_t i = 0; i < CLIENTS; i++) {
        buf_release(&bytes[i]);
    }
}

/* --- the run -------------------------------------------------------------- */

static void run_open(struct run *run, uint64_t seed)
{
    struct model_rules rules = {
        .grace_ms = 1000,
        .ttl_ms = 86400000,
        .lease_ms_max = UINT64_C(2592000000),
        .fence_follows_time = true,
    };
    struct model_gen_options gen = {
        .seed = seed,
        .start_ms = wall_ms(),
        .ttl_ms_max = 14400000,
        .receipt_len_max = 3000,
        .sweeps = true,
        .frozen = true,
    };

    memset(run, 0, sizeof(*run));
    run->rng.state = seed;
    run->model = model_new(&rules);
    run->gen = model_gen_new(&gen);
    run->batch = batch_new(run->model, true);
    site_make(&run->site);
    serve(run);
}

static void run_close(struct run *run)
{
    hang_up(run);
    daemon_stop(&run->daemon);
    site_remove(&run->site);
    batch_free(run->batch);
    model_gen_free(run->gen);
    model_free(run->model);
    parsed_release(&run->parsed);
    buf_release(&run->report);
}

START_TEST(daemon_agrees_with_the_model_over_restarts)
{
    enum { ROUNDS = 80 };
    struct run run;

    for (uint64_t seed = 51; seed <= 52; seed++) {
        run_open(&run, seed);
        for (int i = 0; i < ROUNDS; i++) {
            run_round(&run);
            maybe_restart(&run);
        }
        run_close(&run);
    }
}
END_TEST

SUITE(model_wire, 120, daemon_agrees_with_the_model_over_restarts)
