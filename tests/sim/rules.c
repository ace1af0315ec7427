#include "tests/sim/world.h"

#include "base/units.h"
#include "storage/layout.h"
#include "storage/streams.h"

#include <stdarg.h>

enum { REPORT_BYTES_MAX = 16 * 1024 };

static const char *const judges[SIM_JUDGES] = {
    [SIM_MODEL] = "MODEL",
    [SIM_RULES] = "RULE",
    [SIM_CHECKER] = "CHECKER",
};

void judge_complain(struct world *w, enum sim_judge judge, const char *format,
                    ...)
{
    struct buf *report = &w->result->report;
    va_list arguments;
    char text[1024];

    if (w->options->checker_only) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    w->result->found[judge] = true;
    world_trace(w, "%s: %s", judges[judge], text);
    if (buf_len(report) < REPORT_BYTES_MAX) {
        buf_append_str(report, judges[judge]);
        buf_append_str(report, ": ");
        buf_append_str(report, text);
        buf_append_byte(report, '\n');
    }
}

/* --- marks ---------------------------------------------------------------- */

static bool read_marks(struct world *w, struct marks *marks)
{
    struct slice value;

    return disk_read(w->disk, TABLE_META, meta_key_marks(), &value) &&
           meta_marks_decode(value, marks) == 0;
}

void judge_marks(struct world *w)
{
    struct marks marks;
    uint64_t most_ms = world_now_ms(w) + w->plan.grace_ms;

    if (!read_marks(w, &marks)) {
        judge_complain(w, SIM_RULES, "the marks are not there");
        return;
    }
    if (marks.clock.high_water_ms < w->used_ms) {
        judge_complain(w, SIM_RULES,
                       "the time %" PRIu64 " was used, the mark is %" PRIu64,
                       w->used_ms, marks.clock.high_water_ms);
    }
    if (marks.clock.high_water_ms > most_ms) {
        judge_complain(w, SIM_RULES,
                       "the mark %" PRIu64 " is more than grace ahead",
                       marks.clock.high_water_ms);
    }
    if (marks.fence_high_water < w->fence_used) {
        judge_complain(w, SIM_RULES,
                       "the fence %" PRIu64 " was given, the mark is %" PRIu64,
                       w->fence_used, marks.fence_high_water);
    }
}

/* --- rows and index ------------------------------------------------------- */

/* One key's stream as it is on the disk. */
struct found {
    bool has_last;
    struct place place;
    struct record record; /* borrows the disk */
    size_t older;
    bool indexed;
    uint64_t due_ms; /* indexed: the earliest */
};

struct look {
    struct world *w;
    uint64_t cursor_ms; /* the index is not read below it */
    struct found found[KEYS_MAX];
};

static struct key *key_of(struct world *w, struct stream stream)
{
    for (size_t i = 0; i < w->plan.keys; i++) {
        if (stream_equal(w->keys[i].stream, stream)) {
            return &w->keys[i];
        }
    }
    judge_complain(w, SIM_RULES, "there is a row of a key nobody named");
    return NULL;
}

static bool look_at_row(void *arg, struct slice key, struct slice value)
{
    struct look *look = arg;
    struct stream stream;
    struct key *of =
        stream_take(&key, &stream) ? key_of(look->w, stream) : NULL;
    struct found *found = of == NULL ? NULL : &look->found[of - look->w->keys];

    if (found == NULL) {
        return true;
    }
    if (key.len > 0) {
        found->older++;
        return true;
    }
    found->has_last =
        record_decode(value, stream, &found->place, &found->record) == 0;
    if (!found->has_last) {
        judge_complain(look->w, SIM_RULES, "a last row was written damaged");
    }
    return true;
}

static bool look_at_entry(void *arg, struct slice key, struct slice value)
{
    struct look *look = arg;
    bool damaged = disk_damage_of(look->w->disk, TABLE_DUE, key) != DAMAGE_NONE;
    struct stream stream;
    struct slice ids;
    uint64_t due_ms;

    if (due_entry_decode(key, value, &due_ms, &ids) != 0) {
        judge_complain(look->w, SIM_RULES, "an entry was written damaged");
        return true;
    }
    while (stream_take(&ids, &stream)) {
        struct key *of = key_of(look->w, stream);
        struct found *found =
            of == NULL ? NULL : &look->found[of - look->w->keys];

        if (found == NULL) {
            continue;
        }
        of->was_damaged = of->was_damaged || damaged;
        if (due_ms >= look->cursor_ms &&
            (!found->indexed || due_ms < found->due_ms)) {
            found->indexed = true;
            found->due_ms = due_ms;
        }
    }
    return true;
}

static void look_at_disk(struct look *look, struct world *w)
{
    *look = (struct look){.w = w};
    if (w->open) {
        look->cursor_ms = ((const struct streams *)w->inner)->due_cursor_ms;
    }
    disk_each(w->disk, TABLE_ROWS, look_at_row, look);
    disk_each(w->disk, TABLE_DUE, look_at_entry, look);
}

static void judge_history(struct world *w, size_t key,
                          const struct found *found)
{
    struct buf row_key = {0};
    uint64_t last = found->place.sequence;
    struct slice value;

    if (found->place.kept >= w->plan.history ||
        found->older != found->place.kept) {
        judge_complain(w, SIM_RULES,
                       "key %zu: %zu older rows, %" PRIu64
                       " said, the history is %" PRIu64,
                       key, found->older, found->place.kept, w->plan.history);
    }
    for (uint64_t n = last - found->place.kept; n < last; n++) {
        if (!disk_read(w->disk, TABLE_ROWS,
                       row_key_older(&row_key, w->keys[key].stream, n),
                       &value)) {
            judge_complain(w, SIM_RULES,
                           "key %zu: row %" PRIu64 " is not there", key, n);
        }
    }
    buf_release(&row_key);
}

static void judge_index(struct world *w, size_t key, const struct found *found)
{
    uint64_t deadline_ms = record_deadline_ms(&found->record);

    if (w->keys[key].was_damaged) {
        return;
    }
    if (!found->indexed) {
        judge_complain(w, SIM_RULES, "key %zu is in no entry of the index",
                       key);
    } else if (found->due_ms > deadline_ms) {
        judge_complain(w, SIM_RULES,
                       "key %zu is indexed at %" PRIu64 ", due at %" PRIu64,
                       key, found->due_ms, deadline_ms);
    }
}

void judge_disk(struct world *w, bool open)
{
    struct marks marks = {0};
    struct look look;

    CHECK(open == w->open);
    if (!open && (!w->created || disk_damaged(w->disk, TABLE_META) > 0)) {
        return;
    }
    look_at_disk(&look, w);
    if (!read_marks(w, &marks)) {
        judge_complain(w, SIM_RULES, "the marks are not there");
    }
    for (size_t i = 0; i < w->plan.keys; i++) {
        const struct found *found = &look.found[i];

        if (!found->has_last) {
            if (found->older > 0) {
                judge_complain(w, SIM_RULES,
                               "key %zu: older rows and no last one", i);
            }
            continue;
        }
        judge_history(w, i, found);
        judge_index(w, i, found);
        if (found->record.fence > marks.fence_high_water) {
            judge_complain(w, SIM_RULES, "key %zu: the fence is above the mark",
                           i);
        }
    }
}

void judge_swept(struct world *w)
{
    uint64_t now_ms = world_now_ms(w);
    struct look look;

    if (w->scans_fail) {
        return;
    }
    look_at_disk(&look, w);
    for (size_t i = 0; i < w->plan.keys; i++) {
        const struct found *found = &look.found[i];

        if (found->has_last && !w->keys[i].was_damaged &&
            now_ms > record_deadline_ms(&found->record) + w->plan.grace_ms) {
            judge_complain(w, SIM_RULES, "key %zu was due and is not swept", i);
        }
    }
}
