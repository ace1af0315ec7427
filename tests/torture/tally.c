#include "tests/torture/tally.h"

#include "base/check.h"

#include <stdlib.h>

enum { UNSURE_ONE_IN = 1000, UNSURE_FEW = 5 };

/* --- sums ----------------------------------------------------------------- */

static void add_answer(struct tally *tally, const struct op *op)
{
    if (op->kind == REPLY_ERROR) {
        tally->errors[STATUS_WIRE_INDEX(op->error)]++;
    } else {
        tally->answers[op->verb][op->kind]++;
    }
    tally->unknown += op_unknown(op);
    tally->again += op->again;
}

void tally_add(struct tally *tally, const struct history *history)
{
    tally->sets++;
    tally->ops += history->count;
    for (size_t i = 0; i < history->count; i++) {
        add_answer(tally, &history->ops[i]);
    }
}

static struct crash_point *point_of(struct tally *tally, struct slice name)
{
    size_t i = 0;

    while (i + 1 < CRASH_POINTS_MAX && tally->points[i].count > 0 &&
           !slice_equal(slice_str(tally->points[i].name), name)) {
        i++;
    }
    return &tally->points[i];
}

void tally_crash(struct tally *tally, struct slice name)
{
    struct crash_point *point;

    if (name.len >= CRASH_POINT_BYTES) {
        name.len = CRASH_POINT_BYTES - 1;
    }
    point = point_of(tally, name);
    slice_copy((uint8_t *)point->name, name);
    point->name[name.len] = '\0';
    point->count++;
    tally->crashes++;
}

/* --- figures -------------------------------------------------------------- */

size_t tally_lives(const struct tally *tally)
{
    size_t sum = 0;

    for (size_t i = 0; i < NEMESES; i++) {
        sum += tally->lives[i];
    }
    return sum;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x;
    uint32_t y;

    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x < y ? -1 : x > y;
}

/* The one that `part` of a hundred are below. */
static uint32_t restart_at(const struct tally *tally, size_t part)
{
    struct slice all = buf_slice(&tally->restarts);
    size_t count = all.len / sizeof(uint32_t);
    uint8_t *sorted;
    uint32_t us;

    if (count == 0) {
        return 0;
    }
    sorted = malloc(all.len);
    CHECK(sorted != NULL);
    slice_copy(sorted, all);
    qsort(sorted, count, sizeof(uint32_t), by_number);
    memcpy(&us, sorted + (count - 1) * part / 100 * sizeof(us), sizeof(us));
    free(sorted);
    return us;
}

uint32_t tally_restart_median(const struct tally *tally)
{
    return restart_at(tally, 50);
}

uint32_t tally_restart_most(const struct tally *tally)
{
    return restart_at(tally, 100);
}

/* A few keys are too few to tell. */
bool tally_is_sure(const struct tally *tally)
{
    return tally->exact_unsure * UNSURE_ONE_IN <= tally->exact_keys ||
           tally->exact_unsure < UNSURE_FEW;
}

/* --- text ----------------------------------------------------------------- */

static void append_count(struct buf *to, const char *name, size_t count)
{
    if (count > 0) {
        buf_append_byte(to, ' ');
        buf_append_str(to, name);
        buf_append_byte(to, ' ');
        buf_append_u64(to, count);
    }
}

static void write_verb(const struct tally *tally, enum verb verb,
                       const char *name, struct buf *to)
{
    static const char *const kinds[REPLY_ERROR] = {
        [REPLY_NONE] = "unanswered",     [REPLY_OK] = "OK",
        [REPLY_EXTENDED] = "OK",         [REPLY_CLAIMED] = "CLAIMED",
        [REPLY_INFLIGHT] = "INFLIGHT",   [REPLY_EXPIRED] = "EXPIRED",
        [REPLY_COMPLETED] = "COMPLETED", [REPLY_NOT_FOUND] = "NOT_FOUND",
    };

    buf_append_str(to, name);
    buf_append_byte(to, ':');
    for (size_t kind = 0; kind < REPLY_ERROR; kind++) {
        append_count(to, kinds[kind], tally->answers[verb][kind]);
    }
    buf_append_byte(to, '\n');
}

void tally_write(const struct tally *tally, struct buf *to)
{
    write_verb(tally, VERB_CLAIM, "CLAIM", to);
    write_verb(tally, VERB_COMPLETE, "COMPLETE", to);
    write_verb(tally, VERB_RELEASE, "RELEASE", to);
    write_verb(tally, VERB_EXTEND, "EXTEND", to);
    write_verb(tally, VERB_LOOKUP, "LOOKUP", to);
    buf_append_str(to, "errors:");
    for (int error = STATUS_FIRST_ + 1; error < STATUS_WIRE_END_; error++) {
        append_count(to, status_name(error),
                     tally->errors[STATUS_WIRE_INDEX(error)]);
    }
    append_count(to, "\nagain=1:", tally->again);
    buf_append_str(to, "\ncrash points:\n");
    for (size_t i = 0; i < CRASH_POINTS_MAX; i++) {
        if (tally->points[i].count > 0) {
            append_count(to, tally->points[i].name, tally->points[i].count);
            buf_append_byte(to, '\n');
        }
    }
}

void tally_release(struct tally *tally)
{
    buf_release(&tally->restarts);
}
