#include "engine/sweeper.h"

#include "base/log.h"
#include "base/table.h"
#include "base/units.h"

/* A stream that is due. The index may name one twice; it is looked at once. */
struct found {
    struct stream stream;
    UT_hash_handle hh;
};

struct sweep_work {
    struct found *found;
    struct stream *streams;
    struct head *heads;
    struct removal *items;
    size_t cap; /* of each array */
    struct found *table;
    size_t count;
};

static void work_free_arrays(struct sweep_work *work)
{
    free(work->found);
    free(work->streams);
    free(work->heads);
    free(work->items);
}

static int work_reserve(struct sweep_work *work, size_t count)
{
    if (count <= work->cap) {
        return 0;
    }
    work_free_arrays(work);
    work->found = calloc(count, sizeof(*work->found));
    work->streams = calloc(count, sizeof(*work->streams));
    work->heads = calloc(count, sizeof(*work->heads));
    work->items = calloc(count, sizeof(*work->items));
    work->cap = count;
    if (work->found == NULL || work->streams == NULL || work->heads == NULL ||
        work->items == NULL) {
        work_free_arrays(work);
        *work = (struct sweep_work){0};
        return E_MEMORY;
    }
    return 0;
}

int sweeper_init(struct sweeper *sweeper, struct turn *turn)
{
    *sweeper = (struct sweeper){
        .turn = turn,
        .slice_keys = SWEEP_SLICE_KEYS,
        .work = calloc(1, sizeof(struct sweep_work)),
    };
    return sweeper->work == NULL ? E_MEMORY : 0;
}

void sweeper_release(struct sweeper *sweeper)
{
    if (sweeper->work != NULL) {
        work_free_arrays(sweeper->work);
    }
    free(sweeper->work);
    sweeper->work = NULL;
}

void sweeper_begin(struct sweeper *sweeper)
{
    if (!sweeper->running) {
        sweeper->running = true;
        sweeper->began_ms = steady_now_us(sweeper->turn->steady) / 1000;
    }
}

static void gather(struct sweep_work *work, const struct due *due)
{
    work->count = 0;
    for (size_t i = 0; i < due->count; i++) {
        struct stream stream = due->streams[i];
        unsigned hash = (unsigned)stream_hash(stream);
        struct found *found;

        HASH_FIND_BYHASHVALUE(hh, work->table, stream.id.data, stream.id.len,
                              hash, found);
        if (found != NULL) {
            continue;
        }
        found = &work->found[work->count];
        *found = (struct found){.stream = stream};
        work->streams[work->count++] = stream;
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, work->table, found->stream.id.data,
                                    found->stream.id.len, hash, found);
    }
    HASH_CLEAR(hh, work->table);
}

static struct removal judge(const struct sweeper *sweeper, struct stream stream,
                            const struct head *head, uint64_t now_ms)
{
    struct removal item = {.stream = stream};
    const struct record *last = &head->record;

    if (head->status < 0) {
        item.again_ms = add_saturating(now_ms, STORE_CORRUPT_AGAIN_MS);
        return item;
    }
    if (head->next == 0) {
        return item;
    }
    item.expect = head_expect(head);
    item.drop = has_run_out(now_ms, last->at_ms, last->ttl_ms,
                            sweeper->turn->rules.grace_ms);
    item.again_ms = item.drop ? 0 : record_deadline_ms(last);
    return item;
}

/* A key that the index still names but that has no rows is not counted: there
 * is nothing to look at. */
static void count_item(struct sweeper *sweeper, const struct removal *item,
                       const struct head *head)
{
    struct marks *marks = &sweeper->turn->marks;

    if (head->status == 0 && head->next == 0) {
        return;
    }
    sweeper->scanned++;
    if (!item->drop || item->status < 0) {
        sweeper->retained++;
        return;
    }
    sweeper->expired++;
    marks->live_keys -= marks->live_keys > 0;
    if (head->record.type == RECORD_CLAIM && marks->inflight > 0) {
        marks->inflight--;
    }
}

static void publish(const struct sweeper *sweeper)
{
    struct counters *counters = sweeper->turn->counters;

    counters_set(counters, COUNTER_SWEEP_SCANNED, sweeper->scanned);
    counters_set(counters, COUNTER_SWEEP_EXPIRED, sweeper->expired);
    counters_set(counters, COUNTER_SWEEP_RETAINED, sweeper->retained);
    turn_publish(sweeper->turn);
}

/* Reads what is due, decides and removes. */
static int sweep_due(struct sweeper *sweeper, const struct due *due)
{
    struct sweep_work *work = sweeper->work;
    struct turn *turn = sweeper->turn;
    const struct store_ops *ops = turn->session->store->ops;
    struct marks marks;
    bool marks_due;
    uint64_t now_ms;
    int status;

    gather(work, due);
    status = ops->heads(turn->session, work->streams, work->heads, work->count);
    CHECK(status == 0);
    now_ms = turn_now_us(turn, &marks, &marks_due) / 1000;
    for (size_t i = 0; i < work->count; i++) {
        work->items[i] =
            judge(sweeper, work->streams[i], &work->heads[i], now_ms);
    }
    status = ops->remove(turn->session, work->items, work->count,
                         marks_due ? &marks : NULL);
    if (status < 0) {
        return status;
    }
    if (marks_due) {
        turn->marks = marks;
    }
    for (size_t i = 0; i < work->count; i++) {
        count_item(sweeper, &work->items[i], &work->heads[i]);
    }
    publish(sweeper);
    return 0;
}

/* Entries that cannot be read are passed over each time: said once. */
static void note_damage(struct sweeper *sweeper, const struct due *due)
{
    counters_add(sweeper->turn->counters, COUNTER_ROWS_CORRUPT, due->damaged);
    if (due->damaged > 0 && !sweeper->warned) {
        log_error("the index of what expires is damaged: the keys that %zu of "
                  "its entries name are not freed",
                  due->damaged);
        sweeper->warned = true;
    }
}

int sweeper_slice(struct sweeper *sweeper)
{
    struct turn *turn = sweeper->turn;
    struct due due = {0};
    int status;

    if (!sweeper->running) {
        return 0;
    }
    /* now > deadline + grace, in terms of the deadline. */
    status = turn->session->store->ops->due(
        turn->session, sub_floor(sweeper->began_ms, turn->rules.grace_ms),
        sweeper->slice_keys, &due);
    note_damage(sweeper, &due);
    if (status == 0) {
        status = work_reserve(sweeper->work, due.count);
    }
    if (status == 0 && due.count > 0) {
        status = sweep_due(sweeper, &due);
    }
    if (status < 0 || !due.more) {
        sweeper->running = false;
    }
    return status;
}
