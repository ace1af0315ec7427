#include "engine/turn.h"

#include "base/log.h"
#include "base/table.h"
#include "base/units.h"

#define WARN_INTERVAL_US UINT64_C(1000000)

/* A key of this turn: what the store has, then what was decided on top. */
struct slot {
    struct stream stream;
    struct head head;
    size_t conflict_from; /* index of the first task to be decided again */
    UT_hash_handle hh;
};

/* A request of this turn. */
struct task {
    struct request *request;
    struct slot *slot;
    struct decision decision;
    bool had_claim;        /* the record before the appended one was a claim */
    size_t item;           /* of the append, SIZE_MAX: appends nothing */
    uint64_t pinned_fence; /* 0: none; see decide_pinned() */
};

struct turn_work {
    struct task *tasks;
    struct slot *slots;
    struct stream *streams;
    struct head *heads;
    struct append *items;
    size_t cap;         /* of each array */
    struct slot *table; /* by stream */
    size_t tasks_count;
    size_t slots_count;
    size_t items_count;
};

/* --- memory ---------------------------------------------------------------
 */

static void work_free_arrays(struct turn_work *work)
{
    free(work->tasks);
    free(work->slots);
    free(work->streams);
    free(work->heads);
    free(work->items);
}

static int work_reserve(struct turn_work *work, size_t count)
{
    if (count <= work->cap) {
        return 0;
    }
    work_free_arrays(work);
    work->tasks = calloc(count, sizeof(*work->tasks));
    work->slots = calloc(count, sizeof(*work->slots));
    work->streams = calloc(count, sizeof(*work->streams));
    work->heads = calloc(count, sizeof(*work->heads));
    work->items = calloc(count, sizeof(*work->items));
    work->cap = count;
    if (work->tasks == NULL || work->slots == NULL || work->streams == NULL ||
        work->heads == NULL || work->items == NULL) {
        work_free_arrays(work);
        *work = (struct turn_work){0};
        return E_MEMORY;
    }
    return 0;
}

int turn_init(struct turn *turn, struct session *session,
              const struct steady *steady, const struct marks *marks,
              const struct rules *rules, struct counters *counters)
{
    *turn = (struct turn){
        .session = session,
        .steady = steady,
        .counters = counters,
        .rules = *rules,
        .marks = *marks,
        .last_fence = marks->fence_high_water,
        .reply_bytes_max = SIZE_MAX,
        .work = calloc(1, sizeof(struct turn_work)),
    };
    return turn->work == NULL ? E_MEMORY : 0;
}

void turn_release(struct turn *turn)
{
    if (turn->work != NULL) {
        work_free_arrays(turn->work);
    }
    free(turn->work);
    turn->work = NULL;
}

/* --- time and marks -------------------------------------------------------
 */

uint64_t turn_now_us(const struct turn *turn, struct marks *marks, bool *due)
{
    uint64_t now_us = steady_now_us(turn->steady);

    *marks = turn->marks;
    *due = now_us / 1000 > turn->marks.clock.high_water_ms;
    if (*due) {
        clock_mark(&marks->clock, now_us / 1000, turn->rules.grace_ms);
    }
    return now_us;
}

int turn_store_marks(struct turn *turn)
{
    return turn->session->store->ops->append(turn->session, NULL, 0,
                                             &turn->marks);
}

void turn_publish(const struct turn *turn)
{
    counters_set(turn->counters, COUNTER_LIVE_KEYS, turn->marks.live_keys);
    counters_set(turn->counters, COUNTER_INFLIGHT, turn->marks.inflight);
}

/* --- one round: read, decide, append --------------------------------------
 */

/* Clients that ask for it again and again must not fill the log. */
static void warn_unreadable(struct turn *turn, size_t count)
{
    uint64_t now_us = steady_now_us(turn->steady);

    if (count > 0 &&
        (turn->warned_us == 0 || now_us - turn->warned_us > WARN_INTERVAL_US)) {
        log_error("%zu keys of a turn cannot be read: %s", count,
                  turn->session->store->ops->trouble(turn->session));
        turn->warned_us = now_us;
    }
}

static void read_heads(struct turn *turn)
{
    struct turn_work *work = turn->work;
    size_t unreadable = 0;
    int status =
        turn->session->store->ops->heads(turn->session, work->streams,
                                         work->heads, work->slots_count);

    CHECK(status == 0);
    for (size_t i = 0; i < work->slots_count; i++) {
        work->slots[i].head = work->heads[i];
        unreadable += work->heads[i].status < 0;
    }
    warn_unreadable(turn, unreadable);
}

static struct slot *slot_of(struct turn_work *work, struct stream stream)
{
    unsigned hash = (unsigned)stream_hash(stream);
    struct slot *slot;

    HASH_FIND_BYHASHVALUE(hh, work->table, stream.id.data, stream.id.len, hash,
                          slot);
    if (slot == NULL) {
        slot = &work->slots[work->slots_count];
        *slot = (struct slot){.stream = stream, .conflict_from = SIZE_MAX};
        work->streams[work->slots_count++] = stream;
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, work->table, slot->stream.id.data,
                                    slot->stream.id.len, hash, slot);
    }
    return slot;
}

static void gather_slots(struct turn_work *work)
{
    HASH_CLEAR(hh, work->table);
    work->slots_count = 0;
    for (size_t i = 0; i < work->tasks_count; i++) {
        work->tasks[i].slot = slot_of(work, work->tasks[i].request->stream);
    }
}

static bool names_no_claim(const struct turn *turn,
                           const struct command *command)
{
    return (command->verb == VERB_COMPLETE || command->verb == VERB_RELEASE) &&
           (command->given & OPTION_FENCE) == 0 && !turn->rules.require_fence;
}

/* A COMPLETE or RELEASE without a fence means the claim that it met first. If
 * another writer gets in between, it must not hit that one's claim: decided
 * again, it is stale unless it meets the same. Then it is decided as it stands;
 * what it met does not stand in for a fence that is required. */
static struct decision decide_pinned(const struct turn *turn, struct task *task,
                                     const struct situation *situation)
{
    const struct head *head = &task->slot->head;
    struct command command = task->request->command;

    if (task->pinned_fence != 0) {
        struct decision decision;

        command.given |= OPTION_FENCE;
        command.fence = task->pinned_fence;
        decision = decide(situation, head, &command);
        if (decision.reply.error == E_STALE) {
            return decision;
        }
    } else if (names_no_claim(turn, &command) && head->next > 0) {
        task->pinned_fence = head->record.fence;
    }
    return decide(situation, head, &task->request->command);
}

static size_t room_needed(const struct task *task)
{
    return task->decision.reply.receipt.len *
           task->request->bytes_per_receipt_byte;
}

static bool has_room(const struct task *task)
{
    struct window *window = task->request->window;
    size_t held = atomic_load(&window->held_bytes);
    size_t bytes = room_needed(task);

    return bytes == 0 || held == 0 || held + bytes <= window->limit_bytes;
}

/* Whether the answer has to wait; takes its room if not. What is decided again
 * after a conflict was let in before, ahead of requests that are settled by
 * now: it does not wait. */
static bool postpone(struct task *task, bool first_time)
{
    struct request *request = task->request;
    struct window *window = request->window;

    if (window == NULL) {
        return false;
    }
    if (first_time && (window->postponing || !has_room(task))) {
        window->postponing = true;
        request->postponed = true;
        return true;
    }
    request->receipt_bytes = room_needed(task);
    atomic_fetch_add(&window->held_bytes, request->receipt_bytes);
    return false;
}

static void add_item(struct turn *turn, struct task *task)
{
    struct turn_work *work = turn->work;
    struct head *head = &task->slot->head;
    const struct record *record = &task->decision.record;

    task->had_claim = head->next > 0 && head->record.type == RECORD_CLAIM;
    task->item = work->items_count;
    work->items[work->items_count++] = (struct append){
        .stream = task->slot->stream,
        .expect = head_expect(head),
        .record = *record,
    };
    head->next++;
    head->record = *record;
    if (record->fence > turn->last_fence) {
        turn->last_fence = record->fence;
    }
}

static void decide_task(struct turn *turn, struct task *task, uint64_t now_us,
                        bool first_time)
{
    struct situation situation = {
        .rules = &turn->rules,
        .now_ms = now_us / 1000,
        .next_fence =
            turn->last_fence + 1 > now_us ? turn->last_fence + 1 : now_us,
        .no_space = turn->no_space,
    };

    task->item = SIZE_MAX;
    task->decision = decide_pinned(turn, task, &situation);
    if (!postpone(task, first_time)) {
        turn->reply_bytes += task->decision.reply.receipt.len;
        if (task->decision.append) {
            add_item(turn, task);
        }
    }
}

/* Decides until the replies are enough for one turn; what was let in before,
 * and met a conflict, is decided whatever they are. */
static void decide_tasks(struct turn *turn, uint64_t now_us, bool first_time)
{
    struct turn_work *work = turn->work;
    size_t i = 0;

    while (i < work->tasks_count &&
           (!first_time || turn->reply_bytes < turn->reply_bytes_max)) {
        decide_task(turn, &work->tasks[i++], now_us, first_time);
    }
    work->tasks_count = i;
    turn->taken = first_time ? i : turn->taken;
}

static int append_items(struct turn *turn, struct marks *marks, bool due)
{
    struct turn_work *work = turn->work;
    int status;

    if (turn->last_fence > marks->fence_high_water) {
        marks->fence_high_water =
            add_saturating(turn->last_fence, TURN_FENCE_BLOCK);
        due = true;
    }
    if (work->items_count == 0 && !due) {
        return 0;
    }
    turn->has_written = true;
    status = turn->session->store->ops->append(turn->session, work->items,
                                               work->items_count,
                                               due ? marks : NULL);
    if (status == 0 && due) {
        turn->marks = *marks;
    }
    return status;
}

/* --- what came of it ------------------------------------------------------
 */

/* Keeps the estimates of what is in the store. */
static void count_appended(struct turn *turn, const struct task *task)
{
    const struct append *item = &turn->work->items[task->item];
    bool is_claim = item->record.type == RECORD_CLAIM;

    turn->marks.live_keys += item->expect.next == 0;
    turn->marks.inflight += is_claim && !task->had_claim;
    if (!is_claim && turn->marks.inflight > 0) {
        turn->marks.inflight--;
    }
}

/* Copies what the reply borrows from the store to memory of its own. */
static void own_slices(struct request *request)
{
    struct reply *reply = &request->reply;
    size_t len = reply->receipt.len + reply->owner.len;

    if (len == 0) {
        return;
    }
    request->owned = malloc(len);
    if (request->owned == NULL) {
        request->reply = reply_error(E_BUSY); /* it only read */
        return;
    }
    reply->receipt = slice_copy(request->owned, reply->receipt);
    reply->owner =
        slice_copy(request->owned + reply->receipt.len, reply->owner);
}

static void settle(struct turn *turn, struct task *task)
{
    if (task->item != SIZE_MAX) {
        count_appended(turn, task);
    }
    if (!task->request->postponed) {
        task->request->reply = task->decision.reply;
        own_slices(task->request);
    }
}

static void give_back_room(struct request *request)
{
    if (request->receipt_bytes > 0) {
        atomic_fetch_sub(&request->window->held_bytes, request->receipt_bytes);
        request->receipt_bytes = 0;
    }
}

static void mark_conflicts(struct turn_work *work)
{
    for (size_t i = 0; i < work->tasks_count; i++) {
        struct task *task = &work->tasks[i];

        if (task->item != SIZE_MAX && work->items[task->item].status < 0 &&
            task->slot->conflict_from == SIZE_MAX) {
            task->slot->conflict_from = i;
        }
    }
}

/* Settles what was decided on a state that holds; what was not, from the first
 * conflict of its key on, stays in `tasks`. */
static void settle_round(struct turn *turn)
{
    struct turn_work *work = turn->work;
    size_t left = 0;

    mark_conflicts(work);
    for (size_t i = 0; i < work->tasks_count; i++) {
        struct task *task = &work->tasks[i];

        if (i < task->slot->conflict_from || task->request->postponed) {
            settle(turn, task);
            continue;
        }
        give_back_room(task->request);
        work->tasks[left++] = *task;
    }
    work->tasks_count = left;
}

static void answer_rest(struct turn *turn, int status)
{
    struct turn_work *work = turn->work;

    for (size_t i = 0; i < work->tasks_count; i++) {
        work->tasks[i].request->reply = reply_error(status);
    }
    work->tasks_count = 0;
}

static void answer_all(struct request_list *list, int status)
{
    struct request *request;

    STAILQ_FOREACH (request, list, link) {
        if (!request->postponed) {
            request->reply = reply_error(status);
        }
    }
}

static int round_run(struct turn *turn, bool first_time)
{
    struct turn_work *work = turn->work;
    struct marks marks;
    uint64_t now_us;
    bool due;
    int status;

    gather_slots(work);
    read_heads(turn);
    now_us = turn_now_us(turn, &marks, &due);
    work->items_count = 0;
    decide_tasks(turn, now_us, first_time);
    status = append_items(turn, &marks, due);
    if (status == 0) {
        settle_round(turn);
    }
    return status;
}

static size_t count_requests(const struct request_list *list)
{
    struct request *request;
    size_t count = 0;

    STAILQ_FOREACH (request, list, link) {
        request->postponed = false;
        count++;
    }
    return count;
}

static void gather_tasks(struct turn_work *work, struct request_list *list)
{
    struct request *request;

    work->tasks_count = 0;
    STAILQ_FOREACH (request, list, link) {
        work->tasks[work->tasks_count++] = (struct task){.request = request};
    }
}

int turn_run(struct turn *turn, struct request_list *list)
{
    size_t count = count_requests(list);
    int status = 0;

    turn->reply_bytes = 0;
    turn->taken = count;
    if (work_reserve(turn->work, count) < 0) {
        answer_all(list, E_BUSY);
        return 0;
    }
    turn->has_written = false;
    gather_tasks(turn->work, list);
    for (int i = 0; turn->work->tasks_count > 0 && i < TURN_ROUNDS_MAX; i++) {
        status = round_run(turn, i == 0);
        if (status < 0) {
            answer_all(list, E_INDETERMINATE);
            turn->taken = count;
            break;
        }
    }
    answer_rest(turn, status < 0 ? E_INDETERMINATE : E_BUSY);
    HASH_CLEAR(hh, turn->work->table);
    counters_add(turn->counters, COUNTER_TURNS, 1);
    counters_add(turn->counters, COUNTER_TURN_COMMANDS, turn->taken);
    turn_publish(turn);
    return status;
}
