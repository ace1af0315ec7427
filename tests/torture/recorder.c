#include "tests/torture/recorder_inner.h"

#include <poll.h>
#include <stdlib.h>
#include <time.h>

enum {
    RESP_PERCENT = 40,
    CUT_IN_1000 = 30, /* bursts after which the connection is cut */
    CUT_WITHIN_US = 3000,
    SWEEP_IN_1000 = 10, /* bursts that a SWEEP is among */
    RETRY_US = 1000,    /* where nobody listens */
    SLEEP_US = 20000,
};

uint64_t recorder_now_us(void)
{
    struct timespec now;

    CHECK(clock_gettime(CLOCK_BOOTTIME, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* --- questions ------------------------------------------------------------ */

static size_t pick_burst(struct recorder *recorder,
                         const struct recorder_client *client)
{
    struct rng *rng = &recorder->rng;

    if (is_reading(recorder, client)) {
        return RECORDER_BURST_MAX;
    }
    return 1 + rng_below(rng, rng_percent(rng, 60) ? 4 : RECORDER_BURST_MAX);
}

static bool next_op(struct recorder *recorder, size_t index, struct op *op)
{
    struct workload *workload = &recorder->workload;

    if (index == RECORDER_READER && workload_next_unread(workload, op)) {
        return true;
    }
    if (recorder->reads_only) {
        return false;
    }
    workload_next(workload, index, op);
    return true;
}

static void plan_cut(struct recorder *recorder, struct recorder_client *client,
                     uint64_t now_us)
{
    struct rng *rng = &recorder->rng;
    struct op op;

    if (recorder->reads_only || rng_below(rng, 1000) >= CUT_IN_1000) {
        return;
    }
    client->cut = (enum cut)(1 + rng_below(rng, CUT_KINDS - 1));
    client->cut_us = now_us + rng_below(rng, CUT_WITHIN_US);
    if (rng_percent(rng, 30)) {
        workload_next(&recorder->workload, client->number, &op);
        peer_ask_half(&client->peer, &op, rng_percent(rng, RESP_PERCENT));
    }
}

static void burst(struct recorder *recorder, size_t index, uint64_t now_us)
{
    struct recorder_client *client = &recorder->clients[index];
    size_t left = pick_burst(recorder, client);
    bool resp = rng_percent(&recorder->rng, RESP_PERCENT);
    struct op op;

    if (!recorder->reads_only &&
        rng_below(&recorder->rng, 1000) < SWEEP_IN_1000) {
        peer_ask_sweep(&client->peer, resp);
    }
    while (left-- > 0 && peer_room(&client->peer) > 0 &&
           next_op(recorder, index, &op)) {
        op.client = client->number;
        op.life = recorder->life;
        op.called_us = now_us;
        resp = rng_percent(&recorder->rng, 10) ? !resp : resp;
        peer_ask(&client->peer, &op, resp);
    }
    plan_cut(recorder, client, now_us);
    client->next_us = UINT64_MAX;
    if (!peer_send(&client->peer)) {
        drop(recorder, client, false);
    }
}

static void open_client(struct recorder *recorder,
                        struct recorder_client *client, uint64_t now_us)
{
    client->number = ++recorder->connections;
    client->cut = CUT_NONE;
    client->next_us =
        peer_open(&client->peer, recorder->port) ? now_us : now_us + RETRY_US;
}

static void cut(struct recorder *recorder, struct recorder_client *client)
{
    if (client->cut == CUT_HALF_CLOSE && buf_len(&client->peer.out) == 0) {
        peer_half_close(&client->peer);
        client->cut = CUT_NONE;
        client->next_us = UINT64_MAX;
    } else {
        drop(recorder, client, client->cut == CUT_RESET);
    }
}

static void act(struct recorder *recorder, size_t index, uint64_t now_us)
{
    struct recorder_client *client = &recorder->clients[index];

    if (client->peer.fd < 0) {
        if (now_us >= client->next_us) {
            open_client(recorder, client, now_us);
        }
    } else if (client->cut != CUT_NONE) {
        if (now_us >= client->cut_us) {
            cut(recorder, client);
        }
    } else if (index != RECORDER_PROBE && now_us >= client->next_us) {
        burst(recorder, index, now_us);
    }
}

/* --- the loop ------------------------------------------------------------- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static size_t working_clients(const struct recorder *recorder)
{
    return recorder->reads_only ? RECORDER_READER + 1 : RECORDER_CLIENTS;
}

static uint64_t wake_us(const struct recorder *recorder, uint64_t now_us,
                        uint64_t until_us)
{
    uint64_t wake_us = sooner(until_us, now_us + SLEEP_US);

    for (size_t i = 0; i < working_clients(recorder); i++) {
        const struct recorder_client *client = &recorder->clients[i];

        if (client->cut != CUT_NONE) {
            wake_us = sooner(wake_us, client->cut_us);
        } else {
            wake_us = sooner(wake_us, client->next_us);
        }
    }
    if (recorder->open_count > 0) {
        wake_us = sooner(wake_us, recorder->probed_us + RECORDER_PROBE_EACH_US);
    }
    return wake_us > now_us ? wake_us : now_us;
}

static void wait_for(struct pollfd *fds, size_t count, uint64_t us)
{
    struct timespec span = {.tv_sec = (time_t)(us / 1000000),
                            .tv_nsec = (long)(us % 1000000) * 1000};

    ppoll(fds, count, &span, NULL);
}

static void set_fds(struct recorder *recorder, struct pollfd *fds)
{
    for (size_t i = 0; i < RECORDER_PEERS; i++) {
        const struct peer *peer = &recorder->clients[i].peer;

        fds[i].fd = peer->fd;
        fds[i].events =
            (short)(POLLIN | (buf_len(&peer->out) > 0 ? POLLOUT : 0));
        fds[i].revents = 0;
    }
}

static bool serve(struct recorder *recorder, const struct pollfd *fds)
{
    for (size_t i = 0; i < RECORDER_PEERS; i++) {
        struct recorder_client *client = &recorder->clients[i];

        if (fds[i].fd < 0 || fds[i].revents == 0) {
            continue;
        }
        if ((fds[i].revents & POLLOUT) != 0 && !peer_send(&client->peer)) {
            drop(recorder, client, false);
        } else if ((fds[i].revents & ~POLLOUT) != 0 &&
                   !receive(recorder, client)) {
            return false;
        }
    }
    return true;
}

/* One round of it. False when the daemon has ended or a reply was wrong. */
static bool run_once(struct recorder *recorder, const struct process *daemon,
                     uint64_t now_us, uint64_t until_us)
{
    struct pollfd fds[RECORDER_PEERS + 1];

    for (size_t i = 0; i < working_clients(recorder); i++) {
        act(recorder, i, now_us);
    }
    act(recorder, RECORDER_PROBE, now_us);
    send_probe(recorder, now_us);
    set_fds(recorder, fds);
    fds[RECORDER_PEERS] =
        (struct pollfd){.fd = daemon->pidfd, .events = POLLIN};
    wait_for(fds, RECORDER_PEERS + 1,
             wake_us(recorder, now_us, until_us) - now_us);
    return serve(recorder, fds) && fds[RECORDER_PEERS].revents == 0;
}

bool recorder_run(struct recorder *recorder, const struct process *daemon,
                  uint64_t until_us)
{
    uint64_t now_us;

    while ((now_us = recorder_now_us()) < until_us) {
        if (!run_once(recorder, daemon, now_us, until_us)) {
            return false;
        }
    }
    return true;
}

static bool has_read(const struct recorder *recorder)
{
    return recorder->workload.unread.count == 0 &&
           recorder->clients[RECORDER_READER].peer.count == 0;
}

bool recorder_read(struct recorder *recorder, const struct process *daemon,
                   uint64_t until_us)
{
    uint64_t now_us = recorder_now_us();

    while (!has_read(recorder)) {
        if (now_us >= until_us ||
            !run_once(recorder, daemon, now_us, until_us)) {
            return false;
        }
        now_us = recorder_now_us();
    }
    return true;
}

/* --- lives ---------------------------------------------------------------- */

/* Now and then there is no rest at all. */
static uint64_t pick_rest_us(struct rng *rng)
{
    static const uint64_t rests_us[] = {0, 2000, 4000, 6000, 6000, 8000, 20000};

    return rests_us[rng_below(rng, sizeof(rests_us) / sizeof(rests_us[0]))];
}

void recorder_begin(struct recorder *recorder, unsigned port, bool reads_only)
{
    uint64_t now_us = recorder_now_us();

    recorder->port = port;
    recorder->reads_only = reads_only;
    recorder->probed_us = 0;
    recorder->rest_us = pick_rest_us(&recorder->rng);
    workload_next_life(&recorder->workload, reads_only);
    for (size_t i = 0; i < RECORDER_PEERS; i++) {
        open_client(recorder, &recorder->clients[i], now_us);
    }
}

void recorder_end(struct recorder *recorder, uint64_t ended_us)
{
    for (size_t i = 0; i < RECORDER_PEERS; i++) {
        struct recorder_client *client = &recorder->clients[i];

        if (client->peer.fd >= 0) {
            receive(recorder, client);
        }
        if (client->peer.fd >= 0) {
            drop(recorder, client, false);
        }
    }
    settle_open(recorder, UINT64_MAX, ended_us);
    for (size_t i = 0; i < recorder->open_count; i++) {
        recorder->open[i].cut_us = 0;
    }
    settle_open(recorder, UINT64_MAX, ended_us);
    recorder->life++;
}

void recorder_init(struct recorder *recorder, const struct profile *profile,
                   uint64_t seed)
{
    *recorder = (struct recorder){
        .history = {.rules = profile_rules(profile)},
        .rng = {.state = seed},
    };
    workload_init(&recorder->workload, profile, rng_next(&recorder->rng));
    for (size_t i = 0; i < RECORDER_PEERS; i++) {
        recorder->clients[i].peer.fd = -1;
    }
}

void recorder_release(struct recorder *recorder)
{
    for (size_t i = 0; i < RECORDER_PEERS; i++) {
        peer_release(&recorder->clients[i].peer);
    }
    free(recorder->open);
    history_release(&recorder->history);
    workload_release(&recorder->workload);
    parsed_release(&recorder->parsed);
    buf_release(&recorder->wrong);
}
