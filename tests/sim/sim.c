#include "tests/sim/sim.h"

#include "base/key_hash.h"
#include "storage/due_entry.h"
#include "tests/sim/world.h"

#include <malloc.h>
#include <stdlib.h>

enum {
    EXACT_MS = 500,
    EDGE_FAR = 3,
    MMAP_FROM_BYTES = 1 << 20,
};

static bool of_1000(struct world *w, unsigned share)
{
    return rng_below(&w->rng, 1000) < share;
}

/* --- what may happen at any time ------------------------------------------ */

static void damage_row(struct world *w)
{
    size_t key = (size_t)rng_below(&w->rng, w->plan.keys);
    enum damage damage =
        rng_percent(&w->rng, 50) ? DAMAGE_UNREADABLE : DAMAGE_FLIPPED;

    if (disk_damage(w->disk, TABLE_ROWS, w->keys[key].stream.id, damage,
                    rng_below(&w->rng, 100000))) {
        w->keys[key].was_damaged = true;
        w->result->counts.damaged_rows++;
        world_trace(w, "the row of key %zu is %s", key,
                    damage == DAMAGE_FLIPPED ? "changed" : "unreadable");
    }
}

struct pick {
    struct world *w;
    size_t count;
    uint8_t key[DUE_KEY_BYTES];
};

static bool pick_entry(void *arg, struct slice key, struct slice value)
{
    struct pick *pick = arg;

    (void)value;
    if (rng_below(&pick->w->rng, ++pick->count) == 0) {
        slice_copy(pick->key, key);
    }
    return true;
}

static void damage_entry(struct world *w)
{
    struct pick pick = {.w = w};

    disk_each(w->disk, TABLE_DUE, pick_entry, &pick);
    if (pick.count > 0 &&
        disk_damage(w->disk, TABLE_DUE, slice_of(pick.key, sizeof(pick.key)),
                    DAMAGE_FLIPPED, rng_below(&w->rng, 100000))) {
        w->result->counts.damaged_rows++;
        judge_disk(w, true); /* learns which keys that concerns */
        world_trace(w, "an entry of the index is changed");
    }
}

static void happen(struct world *w)
{
    if (of_1000(w, w->plan.damages)) {
        damage_row(w);
    }
    if (of_1000(w, w->plan.damages / 3)) {
        damage_entry(w);
    }
    if (of_1000(w, w->plan.damages / 3)) {
        w->scans_fail = !w->scans_fail;
        disk_fail_scans(w->disk, w->scans_fail);
    }
    if (of_1000(w, w->plan.heals)) {
        disk_heal(w->disk);
        disk_fail_scans(w->disk, w->scans_fail = false);
    }
    if (of_1000(w, w->plan.spaces)) {
        w->no_space = !w->no_space;
        w->turn.no_space = w->no_space;
        w->rival.turn.no_space = w->no_space;
        judge_space(w);
    }
    if (of_1000(w, w->plan.jumps)) {
        world_jump(w);
    }
}

/* --- time ----------------------------------------------------------------- */

/* To just before, at or after the end of something. */
static bool pass_to_edge(struct world *w)
{
    static const int64_t off_us[] = {-1000, -1, 0, 999, 1000, 1001, 2000};
    const struct key *key = &w->keys[rng_below(&w->rng, w->plan.keys)];
    uint64_t end_ms =
        rng_percent(&w->rng, 70) ? key->lease_end_ms : key->ttl_end_ms;
    uint64_t grace_ms = rng_percent(&w->rng, 80) ? w->plan.grace_ms : 0;
    uint64_t now_us = steady_now_us(&w->steady);
    uint64_t to_us = (uint64_t)((int64_t)((end_ms + grace_ms) * 1000) +
                                off_us[rng_below(&w->rng, 7)]);

    if (end_ms == 0 || to_us <= now_us ||
        to_us - now_us > w->plan.ttl_ms * 1000 * EDGE_FAR) {
        return false;
    }
    world_pass(w, to_us - now_us);
    return true;
}

static void pass_time(struct world *w)
{
    if (rng_percent(&w->rng, w->plan.edges) && pass_to_edge(w)) {
        return;
    }
    if (rng_percent(&w->rng, 60)) {
        world_pass(w, rng_below(&w->rng, w->plan.step_us * 2));
    } else if (rng_percent(&w->rng, 2)) {
        /* Asleep: boot time goes on. */
        world_pass(w, rng_below(&w->rng, w->plan.ttl_ms * 2000));
    }
}

/* --- the run -------------------------------------------------------------- */

static void end_life(struct world *w)
{
    if (of_1000(w, w->plan.stops)) {
        world_stop(w);
        world_die(w);
    } else if (of_1000(w, w->plan.cuts)) {
        world_die(w);
    }
}

static void step(struct world *w)
{
    size_t asks = 1 + (size_t)rng_below(&w->rng, w->plan.clients);

    for (size_t i = 0; i < asks; i++) {
        clients_ask(w, (size_t)rng_below(&w->rng, w->plan.clients));
    }
    happen(w);
    pass_time(w);
    turns_run(w);
    if (rng_percent(&w->rng, w->plan.rivals)) {
        turns_rival(w);
    }
    if (rng_percent(&w->rng, 30)) {
        pass_time(w);
    }
    end_life(w);
    clients_listen(w, 100 - w->plan.late);
    if (rng_percent(&w->rng, w->plan.sweeps)) {
        turns_sweep(w, rng_percent(&w->rng, 30));
    }
}

static bool is_quiet(const struct world *w)
{
    for (size_t i = 0; i < FLIGHTS_MAX; i++) {
        if (w->flights[i].state != FLIGHT_NONE) {
            return false;
        }
    }
    return true;
}

/* Whoever still waits gets an answer, and nothing fails any more. */
static void drain(struct world *w)
{
    w->safe = true;
    while (!is_quiet(w)) {
        turns_run(w);
        clients_listen(w, 100);
    }
}

/* After one more power cut every key is read: that turns what may have happened
 * into what has. */
static void read_all(struct world *w)
{
    drain(w);
    disk_heal(w->disk);
    disk_fail_scans(w->disk, w->scans_fail = false);
    world_die(w);
    for (uint32_t key = 0; key < w->plan.keys; key++) {
        clients_look(w, key);
        turns_run(w);
        clients_listen(w, 100);
    }
    drain(w);
    turns_sweep(w, true);
}

static uint64_t digest_of(const struct history *history)
{
    struct buf text = {0};
    uint64_t digest;

    history_write(history, &text);
    digest = key_hash(buf_slice(&text));
    buf_release(&text);
    return digest;
}

static void judge_history_of(struct world *w)
{
    struct check_options options = {.exact_ms = EXACT_MS,
                                    .exact_one_in = w->options->exact_one_in};
    struct sim_result *result = w->result;
    struct verdict verdict;

    check_history(&w->history, &options, &verdict);
    result->counts.exact_keys = verdict.exact_keys;
    result->counts.exact_unsure = verdict.exact_unsure;
    result->counts.checked_keys = verdict.keys;
    memcpy(result->broken, verdict.broken, sizeof(result->broken));
    if (!verdict.valid) {
        result->found[SIM_CHECKER] = true;
        buf_append_slice(&result->report, buf_slice(&verdict.report));
    }
    verdict_release(&verdict);
}

static void begin(struct world *w)
{
    plan_draw(&w->plan, &w->rng);
    w->rules = (struct rules){
        .grace_ms = w->plan.grace_ms,
        .ttl_ms = w->plan.ttl_ms,
        .lease_ms = w->plan.lease_set ? w->plan.lease_ms : 0,
        .lease_ms_max = w->plan.ttl_ms * 3,
        .require_fence = w->plan.require_fence,
    };
    w->history.rules = (struct history_rules){
        .grace_ms = w->rules.grace_ms,
        .ttl_ms = w->rules.ttl_ms,
        .lease_ms = w->rules.lease_ms,
        .lease_ms_max = w->rules.lease_ms_max,
        .require_fence = w->rules.require_fence,
    };
    judge_begin(w);
    clients_init(w);
    world_start_first(w);
}

static void end(struct world *w)
{
    w->result->counts.conflicts =
        counters_get(&w->counters, COUNTER_SEQUENCE_CONFLICTS);
    world_close(w);
    disk_free(w->disk);
    model_free(w->model);
    history_release(&w->history);
    free(w);
}

void sim_run(uint64_t seed, const struct sim_options *options,
             struct sim_result *result)
{
    struct world *w = calloc(1, sizeof(*w));

    CHECK(w != NULL);
    /* A store's cache is large and mostly untouched: fresh from the system each
     * time it costs nothing, cleared by malloc it costs more than the run. */
    mallopt(M_MMAP_THRESHOLD, MMAP_FROM_BYTES);
    *result = (struct sim_result){.found = {false}};
    w->options = options;
    w->result = result;
    w->rng.state = seed;
    begin(w);
    while (result->counts.ops < options->ops) {
        step(w);
    }
    read_all(w);
    if (options->digest) {
        result->digest = digest_of(&w->history);
    }
    judge_history_of(w);
    end(w);
}

void sim_result_release(struct sim_result *result)
{
    buf_release(&result->report);
}

void sim_counts_add(struct sim_counts *to, const struct sim_counts *from)
{
#define X(name, text) to->name += from->name;
    SIM_COUNT_MAP(X)
#undef X
}
