/* Wing and Gong's search for a linearisation, depth first, with Lowe's memory
 * of what was tried: (ops that have taken effect, state of the key). An op can
 * be next if nothing that is still to come had ended when it was called; one of
 * unknown outcome can be next at any time up to its end, or be left out.
 *
 * A place in the search is written down by the first op that is still to come
 * and a bit for each op from there on. What overlaps more than the bits can
 * hold is given up, and so is a key whose search takes too long.
 *
 * Given up for good: one connection's commands on one key take effect in the
 * order they were sent, which the search does not insist on. */
#include "tests/torture/check_memo.h"
#include "tests/torture/check_order.h"
#include "tests/torture/check_state.h"

#include <stdlib.h>
#include <time.h>

enum {
    BITS_WORDS = 4,
    BITS = 64 * BITS_WORDS,
    PATH_OPS = 8,
    PLACES_MAX = 4 * 1024 * 1024, /* in the memory: 128 MiB */
    LOOK_AT_CLOCK_EACH = 64,
};

/* Which ops from `base` on are done with. */
struct progress {
    uint64_t base;
    uint64_t bits[BITS_WORDS];
};

struct place {
    struct state state;
    struct progress answered;
    struct progress unknown;
    uint64_t now;            /* in the order of the run; it is not earlier */
    uint64_t count;          /* of answered ops done with */
    uint64_t path[PATH_OPS]; /* the last ops, by their place in the key; the
                                newest first, each plus one */
};

struct search {
    struct judge *judge;
    const struct key_ops *key;
    const struct seen **answered; /* owned, as all below; by begin */
    size_t answered_count;
    const struct seen **unknown;
    size_t unknown_count;
    struct place *stack;
    size_t stack_count;
    size_t stack_room;
    struct memo memo;
    struct place best; /* explains most */
    bool overflown;
};

/* --- progress ------------------------------------------------------------- */

static bool progress_has(const struct progress *progress, size_t index)
{
    size_t bit = index - progress->base;

    return index < progress->base ||
           (progress->bits[bit / 64] >> (bit % 64) & 1) != 0;
}

static void progress_shift(struct progress *progress)
{
    for (size_t i = 0; i < BITS_WORDS; i++) {
        uint64_t next = i + 1 < BITS_WORDS ? progress->bits[i + 1] : 0;

        progress->bits[i] = progress->bits[i] >> 1 | next << 63;
    }
    progress->base++;
}

static void progress_add(struct progress *progress, size_t index)
{
    size_t bit = index - progress->base;

    progress->bits[bit / 64] |= UINT64_C(1) << (bit % 64);
    while ((progress->bits[0] & 1) != 0) {
        progress_shift(progress);
    }
}

/* Ops of unknown outcome whose time is over are done with. */
static void drop_late(const struct search *search, struct place *place)
{
    struct progress *unknown = &place->unknown;

    while (unknown->base < search->unknown_count &&
           (progress_has(unknown, unknown->base) ||
            search->unknown[unknown->base]->end < place->now)) {
        progress_shift(unknown);
    }
}

/* --- places --------------------------------------------------------------- */

static bool is_new(struct search *search, const struct place *place)
{
    struct memo_hash hash = {0};

    memo_hash_add(&hash, &place->state, sizeof(place->state));
    memo_hash_add(&hash, &place->answered, sizeof(place->answered));
    memo_hash_add(&hash, &place->unknown, sizeof(place->unknown));
    memo_hash_add(&hash, &place->now, sizeof(place->now));
    return memo_add(&search->memo, hash);
}

static void push(struct search *search, const struct place *place)
{
    if (search->stack_count == search->stack_room) {
        search->stack_room = search->stack_room * 2 + 64;
        search->stack =
            realloc(search->stack, search->stack_room * sizeof(*search->stack));
        CHECK(search->stack != NULL);
    }
    search->stack[search->stack_count++] = *place;
}

static void remember_path(struct place *place, uint64_t op)
{
    memmove(&place->path[1], &place->path[0],
            (PATH_OPS - 1) * sizeof(place->path[0]));
    place->path[0] = op + 1;
}

/* --- what can be next ----------------------------------------------------- */

/* What is still to come will have ended by then, at the earliest. */
struct horizon {
    uint64_t end;
    int64_t us;
    size_t answered_to; /* answered ops before it can be next */
    struct least_told least;
};

static struct horizon look_ahead(struct search *search,
                                 const struct place *place)
{
    struct horizon horizon = {UINT64_MAX, TIME_FAR_US, 0, LEAST_NONE};
    size_t i = place->answered.base;

    for (; i < search->answered_count &&
           search->answered[i]->begin <= horizon.end;
         i++) {
        const struct seen *seen = search->answered[i];

        if (i - place->answered.base >= BITS) {
            search->overflown = true;
            break;
        }
        if (!progress_has(&place->answered, i)) {
            horizon.end = seen->end < horizon.end ? seen->end : horizon.end;
            horizon.us = min_us(horizon.us, us_of(seen->op->ended_us));
            least_add(&horizon.least, seen->op);
        }
    }
    horizon.answered_to = i;
    return horizon;
}

static void try_op(struct search *search, const struct place *place,
                   const struct horizon *horizon, size_t index, bool unknown)
{
    const struct seen *seen =
        unknown ? search->unknown[index] : search->answered[index];

    for (enum found found = FOUND_OUT; found < FOUND_KINDS; found++) {
        struct place next = *place;

        if (!state_explains(search->judge->rules, &place->state, seen->op,
                            found, horizon->us, &next.state)) {
            continue;
        }
        next.now = seen->begin > place->now ? seen->begin : place->now;
        progress_add(unknown ? &next.unknown : &next.answered, index);
        next.count += unknown ? 0 : 1;
        drop_late(search, &next);
        if (is_new(search, &next)) {
            remember_path(&next, (uint64_t)(seen - search->key->ops));
            push(search, &next);
        }
    }
}

static bool is_still_to_come(const struct search *search,
                             const struct place *place,
                             const struct horizon *horizon, size_t index)
{
    return !progress_has(&place->answered, index) &&
           search->answered[index]->begin <= horizon->end;
}

static bool has_earlier_twin(const struct search *search,
                             const struct place *place,
                             const struct horizon *horizon, size_t index)
{
    const struct seen *seen = search->answered[index];

    for (size_t i = place->answered.base; i < horizon->answered_to; i++) {
        const struct seen *other = search->answered[i];

        if (i != index && are_twins(other->op, seen->op) &&
            is_still_to_come(search, place, horizon, i) &&
            (other->end < seen->end ||
             (other->end == seen->end && i < index))) {
            return true;
        }
    }
    return false;
}

static bool can_be_next(const struct search *search, const struct place *place,
                        const struct horizon *horizon, size_t index)
{
    return is_still_to_come(search, place, horizon, index) &&
           !must_wait(&horizon->least, search->answered[index]->op) &&
           !has_earlier_twin(search, place, horizon, index);
}

/* What is pushed last is tried first: ops that were answered, in the order of
 * their calls, and those of unknown outcome only where nothing else helps. */
static void expand(struct search *search, const struct place *place)
{
    struct horizon horizon = look_ahead(search, place);
    size_t to = place->unknown.base;

    while (to < search->unknown_count &&
           search->unknown[to]->begin <= horizon.end) {
        to++;
    }
    if (to - place->unknown.base > BITS) {
        search->overflown = true;
    }
    if (search->overflown) {
        return;
    }
    while (to-- > place->unknown.base) {
        if (!progress_has(&place->unknown, to) &&
            search->unknown[to]->end >= place->now) {
            try_op(search, place, &horizon, to, true);
        }
    }
    for (size_t i = horizon.answered_to; i-- > place->answered.base;) {
        if (can_be_next(search, place, &horizon, i)) {
            try_op(search, place, &horizon, i, false);
        }
    }
}

/* --- the search ----------------------------------------------------------- */

static uint64_t monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static enum exact run(struct search *search, uint64_t budget_ms)
{
    uint64_t started_ms = monotonic_ms();
    uint64_t steps = 0;

    push(search, &(struct place){.count = 0});
    while (search->stack_count > 0) {
        struct place place = search->stack[--search->stack_count];

        if (place.answered.base == search->answered_count) {
            return EXACT_VALID;
        }
        if (place.count > search->best.count || steps == 0) {
            search->best = place;
        }
        if (search->memo.count > PLACES_MAX ||
            (++steps % LOOK_AT_CLOCK_EACH == 0 &&
             monotonic_ms() - started_ms >= budget_ms)) {
            return EXACT_UNSURE;
        }
        expand(search, &place);
        if (search->overflown) {
            return EXACT_UNSURE;
        }
    }
    return EXACT_INVALID;
}

/* Reads of unknown outcome and errors that do nothing explain nothing. */
static void search_init(struct search *search, const struct key_ops *key)
{
    size_t room = key->count + 1;

    search->answered = calloc(room, sizeof(*search->answered));
    search->unknown = calloc(room, sizeof(*search->unknown));
    CHECK(search->answered != NULL && search->unknown != NULL);
    for (size_t i = 0; i < key->count; i++) {
        const struct op *op = key->ops[i].op;

        if (op_tells(op)) {
            search->answered[search->answered_count++] = &key->ops[i];
        } else if (op_unknown(op) && op->verb != VERB_LOOKUP) {
            search->unknown[search->unknown_count++] = &key->ops[i];
        }
    }
}

static void search_release(struct search *search)
{
    free(search->answered);
    free(search->unknown);
    free(search->stack);
    memo_release(&search->memo);
}

static void report(struct search *search)
{
    const struct place *best = &search->best;
    struct buf *out = &search->judge->verdict->report;
    struct horizon horizon = look_ahead(search, best);

    complain(search->judge, PROMISE_ORDER, search->key->key, NULL, 0);
    if (!report_open(search->judge)) {
        return;
    }
    buf_append_str(out, "  explained: ");
    buf_append_u64(out, best->count);
    buf_append_str(out, " of ");
    buf_append_u64(out, search->answered_count);
    buf_append_str(out, " answers, the last of them by\n");
    for (size_t i = PATH_OPS; i-- > 0;) {
        if (best->path[i] > 0) {
            report_op(search->judge, "", &search->key->ops[best->path[i] - 1]);
        }
    }
    buf_append_str(out, "  and none of these can follow:\n");
    for (size_t i = best->answered.base; i < horizon.answered_to; i++) {
        if (is_still_to_come(search, best, &horizon, i)) {
            report_op(search->judge, "", search->answered[i]);
        }
    }
}

enum exact check_exact(struct judge *judge, const struct key_ops *key,
                       uint64_t budget_ms)
{
    struct search search = {.judge = judge, .key = key};
    enum exact exact;

    search_init(&search, key);
    exact = run(&search, budget_ms);
    if (exact == EXACT_INVALID) {
        report(&search);
    }
    search_release(&search);
    return exact;
}
