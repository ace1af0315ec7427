#include "tests/fuzz/scene.h"

#include "base/check.h"
#include "storage/layout.h"
#include "tests/fuzz/scene_check.h"

#define HOUR_MS UINT64_C(3600000)
#define TTL_MAX (4 * HOUR_MS)
/* 34 years; a new store begins again at 1 s. */
#define NOW_MAX (UINT64_C(1) << 40)

enum {
    STORE_SESSIONS_MAX = 5000,
    SETTLE_ROUNDS_MAX = 20000,
};

static const struct rules some_rules[] = {
    {.grace_ms = 1000, .ttl_ms = 60000, .lease_ms_max = TTL_MAX},
    {.grace_ms = 0, .ttl_ms = 60000, .lease_ms = 700, .lease_ms_max = TTL_MAX},
    {.grace_ms = 1000,
     .ttl_ms = 60000,
     .lease_ms = 700,
     .lease_ms_max = 5000,
     .require_fence = true},
    {.grace_ms = HOUR_MS, .ttl_ms = 1, .lease_ms_max = 1},
};

/* --- the store, and one session on it ------------------------------------- */

/* No directory: the memory store has none. */
static void store_open(struct bench *bench)
{
    memset(bench, 0, sizeof(*bench));
    bench->clock = test_clock_source(&bench->time);
    snprintf(bench->boot_id, sizeof(bench->boot_id), "boot-1");
    bench->time = (struct test_clock){.wall_us = 1000000, .boot_us = 1000000};
    bench->store.kind = STORE_MEM;
    bench->store.config =
        (struct store_config){.history = 3, .counters = &bench->store.counters};
    bench->rules = some_rules[0];
    bench_start(bench);
}

static void store_renew(struct bench *bench)
{
    static size_t sessions;
    static bool is_open;

    if (is_open && sessions++ < STORE_SESSIONS_MAX &&
        bench_now_ms(bench) < NOW_MAX / 2) {
        return;
    }
    if (is_open) {
        bench_stop(bench);
    }
    store_open(bench);
    is_open = true;
    sessions = 0;
}

static void lane_open(struct scene *scene, struct lane *lane)
{
    talk_open(&lane->talk, &scene->bench, &scene->config);
    buf_clear(&lane->sent);
    lane->frame = (struct proto_frame){0};
    lane->ns = slice_str("default");
    lane->over = false;
    lane->stopped = false;
    lane->added = 0;
    lane->answered = 0;
}

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

/* Small windows, so that requests are refused to begin and are postponed. */
static struct client_config config_of(struct bench *bench, uint8_t choice)
{
    static const size_t output[] = {1 << 20, 14000, 10000, 12000};
    struct client_config config = talk_config(bench);

    config.limits = (struct proto_limits){
        .key_bytes_max = 64,
        .receipt_bytes_max = SCENE_RECEIPT_BYTES_MAX,
        .ttl_ms_max = TTL_MAX,
        .lease_ms_max = bench->rules.lease_ms_max,
    };
    config.inflight_max = (choice & 16) != 0 ? 3 : 128;
    config.output_bytes_max = output[choice >> 2 & 3];
    return config;
}

struct scene *scene_open(uint8_t choice)
{
    static struct scene scene;
    struct model_rules rules;

    store_renew(&scene.bench);
    scene.bench.rules = some_rules[choice & 3];
    bench_restart(&scene.bench);
    rules = rules_of(&scene.bench.rules);
    scene.config = config_of(&scene.bench, choice);
    scene.model = model_new(&rules);
    scene.swept_early = false;
    scene.no_space = false;
    scene.used_ms = 0;
    arena_reset();
    for (size_t i = 0; i < SCENE_LANES; i++) {
        lane_open(&scene, &scene.lanes[i]);
    }
    return &scene;
}

/* Nothing but the rows of the meta table. */
static void check_empty(struct store *store)
{
    static struct buf rows;
    struct store_stats stats;
    struct marks marks;

    store->ops->stats(store, &stats);
    store->ops->marks(store, &marks);
    buf_clear(&rows);
    buf_append_slice(&rows, meta_key_format());
    meta_format_encode(&rows);
    buf_append_slice(&rows, meta_key_marks());
    meta_marks_encode(&rows, &marks);
    ck_assert_uint_eq(stats.bytes, buf_len(&rows));
}

/* Whatever is stored has run out then. */
static void empty_store(struct scene *scene)
{
    struct bench *bench = &scene->bench;
    struct reply swept;
    size_t due;

    bench->turn.no_space = false;
    while (bench->sweeper.running) {
        scene_sweep(scene, 1, SWEEP_SLICE_KEYS);
    }
    bench_at(bench, bench_now_ms(bench) + TTL_MAX + bench->rules.grace_ms + 1);
    due = model_due(scene->model, bench_now_ms(bench));
    swept = bench_sweep(bench);
    ck_assert_uint_eq(swept.swept_retained, 0);
    if (scene->swept_early) {
        ck_assert_uint_le(swept.swept_expired, due);
    } else {
        ck_assert_uint_eq(swept.swept_expired, due);
    }
    check_empty(bench->store.store);
}

void scene_close(struct scene *scene)
{
    scene_settle(scene);
    for (size_t i = 0; i < SCENE_LANES; i++) {
        talk_close(&scene->lanes[i].talk);
    }
    empty_store(scene);
    model_free(scene->model);
}

/* --- what happens --------------------------------------------------------- */

static void advance(struct lane *lane)
{
    talk_advance(&lane->talk);
    check_replies(lane);
}

void scene_send(struct scene *scene, size_t lane_index, struct slice bytes)
{
    struct lane *lane = &scene->lanes[lane_index];

    /* A byte makes at most one request, of two at least. */
    if (lane->added + bytes.len / 2 + 2 > SCENE_ENTRIES_MAX ||
        !arena_has_room()) {
        scene_settle(scene);
    }
    note_sent(scene, lane, bytes);
    talk_send(&lane->talk, bytes);
    advance(lane);
}

static struct lane *lane_of(struct scene *scene, const struct client *client)
{
    for (size_t i = 0; i < SCENE_LANES; i++) {
        if (client == &scene->lanes[i].talk.client) {
            return &scene->lanes[i];
        }
    }
    check_failed("a client of a lane", __FILE__, __LINE__);
}

static void give_back(struct scene *scene, struct request *request)
{
    bool postponed = request->postponed;
    struct lane *lane = lane_of(scene, client_returned(request));

    if (!postponed) {
        check_decision(scene, lane, request);
    }
}

static void sweep_for(struct scene *scene, struct request *request)
{
    while (scene->bench.sweeper.running) {
        scene_sweep(scene, 1, SWEEP_SLICE_KEYS);
    }
    request->reply = bench_sweep(&scene->bench);
    give_back(scene, request);
}

void scene_turn(struct scene *scene, unsigned lanes)
{
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);
    struct request_list sweeps = STAILQ_HEAD_INITIALIZER(sweeps);
    struct request *request;

    for (size_t i = 0; i < SCENE_LANES; i++) {
        if ((lanes >> i & 1) != 0) {
            STAILQ_CONCAT(&list, &scene->lanes[i].talk.outbox);
        }
    }
    ck_assert_int_eq(talk_engine(&scene->bench, &list, &sweeps), 0);
    while ((request = STAILQ_FIRST(&list)) != NULL) {
        STAILQ_REMOVE_HEAD(&list, link);
        give_back(scene, request);
    }
    while ((request = STAILQ_FIRST(&sweeps)) != NULL) {
        STAILQ_REMOVE_HEAD(&sweeps, link);
        sweep_for(scene, request);
    }
    for (size_t i = 0; i < SCENE_LANES; i++) {
        advance(&scene->lanes[i]);
    }
}

static bool is_settled(const struct scene *scene)
{
    for (size_t i = 0; i < SCENE_LANES; i++) {
        const struct talk *talk = &scene->lanes[i].talk;

        if (!STAILQ_EMPTY(&talk->outbox) || !client_is_idle(&talk->client) ||
            talk->unread > 0) {
            return false;
        }
    }
    return true;
}

void scene_settle(struct scene *scene)
{
    size_t rounds = 0;

    do {
        scene_turn(scene, (1U << SCENE_LANES) - 1);
        for (size_t i = 0; i < SCENE_LANES; i++) {
            talk_read(&scene->lanes[i].talk);
            advance(&scene->lanes[i]);
        }
        ck_assert_uint_lt(rounds++, SETTLE_ROUNDS_MAX);
    } while (!is_settled(scene));
    for (size_t i = 0; i < SCENE_LANES; i++) {
        check_settled(&scene->lanes[i]);
    }
    arena_reset();
}

void scene_read(struct scene *scene, size_t lane_index, size_t len)
{
    struct lane *lane = &scene->lanes[lane_index];

    len = len < lane->talk.unread ? len : lane->talk.unread;
    client_drained(&lane->talk.client, len);
    lane->talk.unread -= len;
    advance(lane);
}

/* What the engine has is decided; nobody hears of it. */
static void reset(struct scene *scene, struct lane *lane)
{
    lane->talk.client.said_last = true;
    while (lane->talk.client.with_engine > 0) {
        scene_turn(scene, (1U << SCENE_LANES) - 1);
    }
    client_release(&lane->talk.client);
    parsed_release(&lane->talk.parsed);
    buf_release(&lane->talk.in);
    buf_release(&lane->talk.out);
}

void scene_reconnect(struct scene *scene, size_t lane_index, enum scene_end end)
{
    struct lane *lane = &scene->lanes[lane_index];

    if (end == SCENE_RESET) {
        reset(scene, lane);
    } else {
        if (end == SCENE_STOP) {
            client_stop(&lane->talk.client);
            lane->stopped = true;
        }
        scene_settle(scene);
        talk_close(&lane->talk);
    }
    lane_open(scene, lane);
}

/* Another boot, whose wall clock differs; it stops at 0. */
static void boot(struct bench *bench, int64_t wall_ms)
{
    static unsigned boots = 1;
    int64_t wall_us = (int64_t)bench->time.wall_us + wall_ms * 1000;

    snprintf(bench->boot_id, sizeof(bench->boot_id), "boot-%u", ++boots);
    bench->time.boot_us = 5000000;
    bench->time.wall_us = wall_us < 0 ? 0 : (uint64_t)wall_us;
}

void scene_restart(struct scene *scene, bool same_boot, int64_t wall_ms)
{
    struct bench *bench = &scene->bench;
    uint64_t before_ms;

    scene_settle(scene);
    before_ms = bench_now_ms(bench);
    for (size_t i = 0; i < SCENE_LANES; i++) {
        talk_close(&scene->lanes[i].talk);
    }
    if (!same_boot) {
        boot(bench, wall_ms);
    }
    bench_restart(bench);
    bench->turn.no_space = scene->no_space;
    /* Time that nothing was decided by may come again; not here, where the
     * store was not opened again and knows that time. */
    ck_assert_uint_ge(bench_now_ms(bench), scene->used_ms);
    if (bench_now_ms(bench) < before_ms) {
        bench_at(bench, before_ms);
    }
    for (size_t i = 0; i < SCENE_LANES; i++) {
        lane_open(scene, &scene->lanes[i]);
    }
}

void scene_sweep(struct scene *scene, size_t slices, size_t slice_keys)
{
    struct sweeper *sweeper = &scene->bench.sweeper;
    uint64_t scanned = sweeper->scanned;
    uint64_t expired = sweeper->expired;

    sweeper->slice_keys = slice_keys;
    sweeper_begin(sweeper);
    for (size_t i = 0; i < slices; i++) {
        ck_assert_int_eq(sweeper_slice(sweeper), 0);
    }
    sweeper->slice_keys = SWEEP_SLICE_KEYS;
    if (sweeper->scanned > scanned) {
        scene->used_ms = bench_now_ms(&scene->bench);
    }
    scene->swept_early = scene->swept_early || sweeper->expired > expired;
}

void scene_set_no_space(struct scene *scene, bool no_space)
{
    scene->no_space = no_space;
    scene->bench.turn.no_space = no_space;
    model_set_no_space(scene->model, no_space);
}

void scene_wait(struct scene *scene, uint64_t ms)
{
    uint64_t now_ms = bench_now_ms(&scene->bench);

    if (ms <= NOW_MAX && now_ms + ms <= NOW_MAX) {
        bench_at(&scene->bench, now_ms + ms);
    }
}
