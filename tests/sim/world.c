#include "tests/sim/world.h"

#include "base/units.h"
#include "storage/streams.h"
#include "tests/lib/store_faulty.h"

#include <stdarg.h>
#include <stdlib.h>

enum { STARTS_MAX = 8 };

#define TRUE_START_US UINT64_C(1700000000000000)
#define YEARS_10_US   (INT64_C(10) * 365 * 86400 * 1000000)

/* --- trace ---------------------------------------------------------------- */

void world_trace(const struct world *w, const char *format, ...)
{
    va_list arguments;

    if (w->options->trace == NULL) {
        return;
    }
    fprintf(w->options->trace, "%12.6f  ",
            (double)(w->machine.true_us - TRUE_START_US) / 1e6);
    va_start(arguments, format);
    vfprintf(w->options->trace, format, arguments);
    va_end(arguments);
    fputc('\n', w->options->trace);
}

void world_trace_op(const struct world *w, const char *word,
                    const struct op *op)
{
    struct buf text = {0};
    struct slice bytes;

    if (w->options->trace == NULL) {
        return;
    }
    op_write(op, &text);
    bytes = buf_slice(&text);
    world_trace(w, "%-9s %.*s", word, (int)bytes.len, (const char *)bytes.data);
    buf_release(&text);
}

/* --- the machine ---------------------------------------------------------- */

static uint64_t wall_us(void *arg)
{
    const struct machine *machine = arg;

    return (uint64_t)((int64_t)machine->true_us + machine->wall_offset_us);
}

static uint64_t boot_us(void *arg)
{
    const struct machine *machine = arg;

    return machine->true_us - machine->booted_us;
}

uint64_t world_now_ms(const struct world *w)
{
    return steady_now_us(&w->steady) / 1000;
}

void world_pass(struct world *w, uint64_t us)
{
    w->machine.true_us += us;
}

void world_jump(struct world *w)
{
    static const int64_t far_us[] = {
        0,          1000,        -1000,       3000000,      -3000000,
        3600000000, -3600000000, YEARS_10_US, -YEARS_10_US,
    };

    w->machine.wall_offset_us =
        far_us[rng_below(&w->rng, sizeof(far_us) / sizeof(far_us[0]))];
    w->result->counts.wall_jumps++;
    world_trace(w, "the wall clock is %+.3f s off",
                (double)w->machine.wall_offset_us / 1e6);
}

/* --- the fate of commits -------------------------------------------------- */

static bool of_1000(struct world *w, unsigned share)
{
    return rng_below(&w->rng, 1000) < share;
}

int world_fate(void *arg)
{
    struct world *w = arg;
    int status = rng_percent(&w->rng, 30) ? E_FULL : E_IO;

    turns_note_answers(w);
    if (w->dying) {
        return status;
    }
    if (w->safe) {
        return 0;
    }
    if (of_1000(w, w->plan.cuts)) {
        w->cut = true;
        w->result->counts.cut_commits++;
        world_trace(w, "the power is cut in the middle of a commit");
    } else if (of_1000(w, w->plan.failures)) {
        w->result->counts.failed_commits++;
        world_trace(w, "a commit fails: %s", status_name(status));
    } else {
        return 0;
    }
    w->dying = true;
    return status;
}

/* --- start ---------------------------------------------------------------- */

static struct store_config store_config(struct world *w)
{
    return (struct store_config){.history = w->plan.history,
                                 .counters = &w->counters};
}

static void open_sessions(struct world *w)
{
    w->store = w->inner;
    if (w->plan.rivals > 0) {
        w->store = store_faulty_wrap(w->inner);
        w->rival.session = w->inner->ops->session_open(w->inner);
    }
    w->session = w->store->ops->session_open(w->store);
}

static bool open_store(struct world *w)
{
    struct store_config config = store_config(w);
    bool damaged = disk_damaged(w->disk, TABLE_META) > 0;
    struct err err = {""};
    int status;

    w->inner =
        streams_open(disk_tables(w->disk), !w->created, &config, &status, &err);
    if (w->inner == NULL && damaged && status == E_DATA) {
        w->result->counts.refused_starts++;
        world_trace(w, "the start is refused: %s", err.text);
        return false;
    }
    if (w->inner == NULL || damaged) {
        judge_complain(w, SIM_RULES, "a start with %s: %s",
                       damaged ? "damage" : "no damage", err.text);
    }
    CHECK(w->inner != NULL);
    w->created = true;
    open_sessions(w);
    w->open = true;
    return true;
}

/* As the engine does it. */
static bool start_engine(struct world *w)
{
    const struct store_ops *ops = w->store->ops;
    struct marks marks;
    char boot_id[BOOT_ID_BYTES];
    uint64_t now_ms;
    int status;

    snprintf(boot_id, sizeof(boot_id), "%08x", w->machine.boots + 1);
    ops->marks(w->store, &marks);
    steady_start(&w->steady, &w->clock, boot_id, &marks.clock);
    now_ms = world_now_ms(w);
    if (now_ms > marks.clock.high_water_ms) {
        clock_mark(&marks.clock, now_ms, w->plan.grace_ms);
    }
    if (ops->append(w->session, NULL, 0, &marks) < 0) {
        return false;
    }
    status = turn_init(&w->turn, w->session, &w->steady, &marks, &w->rules,
                       &w->counters);
    CHECK(status == 0);
    status = sweeper_init(&w->sweeper, &w->turn);
    CHECK(status == 0);
    w->turn.no_space = w->no_space;
    w->turn.reply_bytes_max = w->plan.reply_bytes;
    if (w->rival.session != NULL) {
        status = turn_init(&w->rival.turn, w->rival.session, &w->steady, &marks,
                           &w->rules, &w->counters);
        CHECK(status == 0);
        w->rival.turn.no_space = w->no_space;
    }
    return true;
}

/* What the checker has to know of the daemon's time: that it leapt, and for how
 * long it stands still. */
static void note_time(struct world *w)
{
    int64_t drift_us =
        (int64_t)steady_now_us(&w->steady) - (int64_t)w->machine.true_us;
    uint64_t runs_us =
        (uint64_t)((int64_t)boot_us(&w->machine) + w->steady.offset_us);
    uint64_t stands_ms = sub_floor(w->steady.floor_us, runs_us) / 1000 +
                         (w->steady.floor_us > runs_us);

    if (w->life > 0 && drift_us != w->drift_us) {
        w->history.rules.time_leaps = true;
    }
    if (stands_ms > w->history.rules.slack_ms) {
        w->history.rules.slack_ms = stands_ms;
    }
    w->drift_us = drift_us;
    if (world_now_ms(w) < w->used_ms) {
        judge_complain(w, SIM_RULES,
                       "time went back: %" PRIu64 " after %" PRIu64,
                       world_now_ms(w), w->used_ms);
    }
}

/* --- stop ----------------------------------------------------------------- */

static void close_engine(struct world *w)
{
    sweeper_release(&w->sweeper);
    turn_release(&w->turn);
    w->sweeper = (struct sweeper){0};
    w->turn = (struct turn){0};
    if (w->rival.session != NULL) {
        turn_release(&w->rival.turn);
        w->rival.session->store->ops->session_close(w->rival.session);
        w->rival = (struct rival){.acted = w->rival.acted};
    }
}

static void close_store(struct world *w)
{
    close_engine(w);
    w->store->ops->session_close(w->session);
    w->store->ops->close(w->store);
    w->open = false;
}

void world_close(struct world *w)
{
    if (w->open) {
        close_store(w);
    }
}

void world_stop(struct world *w)
{
    world_trace(w, "stop");
    if (turn_store_marks(&w->turn) == 0 && !w->dying) {
        judge_disk(w, true);
    }
}

/* --- from one life to the next -------------------------------------------- */

/* What the dead daemon had in hand, and what was on its way. */
static void end_flights(struct world *w)
{
    for (size_t i = 0; i < FLIGHTS_MAX; i++) {
        struct flight *flight = &w->flights[i];

        if (flight->state != FLIGHT_NONE) {
            flight_end(w, flight,
                       !flight->answered || rng_percent(&w->rng, 50));
        }
    }
}

/* What was written and not synced is there, up to some commit. */
static void settle_disk(struct world *w)
{
    size_t unsynced = disk_unsynced(w->disk);
    size_t kept = (size_t)rng_below(&w->rng, unsynced + 1);

    if (unsynced == 0) {
        return;
    }
    world_trace(w, "of %zu commits that were not synced, %zu are there",
                unsynced, kept);
    w->result->counts.kept_commits += kept;
    w->result->counts.lost_commits += unsynced - kept;
    disk_keep(w->disk, kept);
    judge_unsynced(w, kept);
    w->taken_count = 0;
}

/* A restart may take no time at all. */
static void take_time(struct world *w)
{
    static const uint64_t longest_us[] = {1,       3,        5000,
                                          1000000, 60000000, 3600000000};

    if (rng_percent(&w->rng, 70)) {
        world_pass(w, rng_below(&w->rng, longest_us[rng_below(&w->rng, 6)]));
    }
}

static void maybe_reboot(struct world *w)
{
    if (!rng_percent(&w->rng, w->plan.reboots)) {
        return;
    }
    w->machine.boots++;
    if (of_1000(w, w->plan.jumps * 20)) {
        world_jump(w);
    }
    take_time(w);
    w->machine.booted_us = w->machine.true_us;
    world_pass(w, rng_below(&w->rng, 100));
    w->result->counts.reboots++;
    world_trace(w, "reboot");
}

static void maybe_damage_meta(struct world *w)
{
    struct slice key =
        rng_percent(&w->rng, 50) ? slice_str("marks") : slice_str("format");

    if (w->created && of_1000(w, w->plan.damages) &&
        disk_damage(w->disk, TABLE_META, key,
                    rng_percent(&w->rng, 50) ? DAMAGE_UNREADABLE
                                             : DAMAGE_FLIPPED,
                    rng_below(&w->rng, 1000))) {
        w->result->counts.damaged_rows++;
    }
}

static bool try_start(struct world *w)
{
    w->dying = w->cut = false;
    w->result->counts.starts++;
    if (!open_store(w)) {
        disk_heal(w->disk);
        return false;
    }
    if (!start_engine(w)) {
        close_store(w);
        return false;
    }
    note_time(w);
    world_trace(w, "start, life %u, at %" PRIu64, w->life, world_now_ms(w));
    return true;
}

/* Starts may be cut short too, but not for ever. */
static void start(struct world *w)
{
    bool safe = w->safe;
    int tries = 0;

    while (!try_start(w)) {
        settle_disk(w);
        take_time(w);
        maybe_reboot(w);
        w->safe = safe || ++tries > STARTS_MAX;
    }
    w->safe = safe;
}

void world_start_first(struct world *w)
{
    w->machine.true_us = TRUE_START_US;
    w->machine.booted_us = TRUE_START_US - 10000000;
    w->clock = (struct clock){wall_us, boot_us, &w->machine};
    w->disk = disk_new(world_fate, w);
    w->safe = true;
    start(w);
    w->safe = false;
}

void world_restart(struct world *w)
{
    end_flights(w);
    close_store(w);
    settle_disk(w);
    take_time(w);
    maybe_reboot(w);
    maybe_damage_meta(w);
    judge_disk(w, false);
    w->life++;
    start(w);
    judge_disk(w, true);
}

void world_die(struct world *w)
{
    if (w->cut || !w->dying) {
        w->result->counts.crashes++;
        world_trace(w, "the power is cut");
    }
    world_restart(w);
}
