#include "tests/lib/store_faulty.h"

#include "base/check.h"

#include <pthread.h>

enum { CORRUPT_MAX = 16 };

struct op_state {
    size_t calls, items;
    unsigned fail_in, lose_in, before_in; /* 0: not armed */
    bool repeat;
    faulty_callback *callback;
    void *arg;
};

struct faulty {
    struct store store;
    struct store *inner;
    pthread_mutex_t lock; /* of all that follows; not held across calls */
    struct op_state ops[FAULTY_OPS];
    struct stream corrupt[CORRUPT_MAX];
    size_t corrupt_count;
    int trouble_status;
    uint64_t free_bytes; /* 0: as the inner store says */
    bool refusing;
};

struct faulty_session {
    struct session session;
    struct session *inner;
    bool troubled; /* by a fault made here */
};

/* What is to happen to one call. */
struct verdict {
    bool refuse, fail, lose;
    faulty_callback *callback;
    void *arg;
};

static struct faulty *faulty_of(struct session *session)
{
    return (struct faulty *)session->store;
}

static struct session *inner_of(struct session *session)
{
    return ((struct faulty_session *)session)->inner;
}

static bool count_down(unsigned *in)
{
    return *in > 0 && --*in == 0;
}

static bool is_write(enum faulty_op op)
{
    return op == FAULTY_APPEND || op == FAULTY_REMOVE;
}

static struct verdict judge(struct session *session, enum faulty_op op,
                            size_t items)
{
    struct faulty *faulty = faulty_of(session);
    struct op_state *state = &faulty->ops[op];
    struct verdict verdict = {0};

    pthread_mutex_lock(&faulty->lock);
    state->calls++;
    state->items += items;
    verdict.fail = count_down(&state->fail_in);
    verdict.lose = count_down(&state->lose_in);
    verdict.refuse = is_write(op) && faulty->refusing;
    if (count_down(&state->before_in)) {
        verdict.callback = state->callback;
        verdict.arg = state->arg;
        state->before_in = state->repeat ? 1 : 0;
    }
    if (is_write(op) && (verdict.fail || verdict.lose)) {
        faulty->refusing = true;
    }
    pthread_mutex_unlock(&faulty->lock);
    ((struct faulty_session *)session)->troubled =
        verdict.refuse || verdict.fail || verdict.lose;
    if (verdict.callback != NULL) {
        verdict.callback(verdict.arg);
    }
    return verdict;
}

static bool is_corrupt(struct session *session, struct stream stream)
{
    struct faulty *faulty = faulty_of(session);
    bool found = false;

    pthread_mutex_lock(&faulty->lock);
    for (size_t i = 0; i < faulty->corrupt_count; i++) {
        found = found || stream_equal(faulty->corrupt[i], stream);
    }
    pthread_mutex_unlock(&faulty->lock);
    return found;
}

/* --- what store.h asks for ---------------------------------------------- */

static int faulty_heads(struct session *session, const struct stream *streams,
                        struct head *heads, size_t count)
{
    int status;

    judge(session, FAULTY_HEADS, count);
    status = inner_of(session)->store->ops->heads(inner_of(session), streams,
                                                  heads, count);
    for (size_t i = 0; i < count; i++) {
        if (is_corrupt(session, streams[i])) {
            heads[i] = (struct head){.status = E_CORRUPT};
            ((struct faulty_session *)session)->troubled = true;
        }
    }
    return status;
}

/* Makes the items of corrupt streams harmless to the inner store. */
static int faulty_append(struct session *session, struct append *items,
                         size_t count, const struct marks *marks)
{
    struct verdict verdict = judge(session, FAULTY_APPEND, count);
    int status;

    if (verdict.refuse || verdict.fail) {
        return E_INDETERMINATE;
    }
    for (size_t i = 0; i < count; i++) {
        if (is_corrupt(session, items[i].stream)) {
            items[i].expect = (struct expect){UINT64_MAX, UINT64_MAX};
        }
    }
    status = inner_of(session)->store->ops->append(inner_of(session), items,
                                                   count, marks);
    for (size_t i = 0; i < count; i++) {
        if (is_corrupt(session, items[i].stream)) {
            items[i].status = E_CORRUPT;
            items[i].actual_next = 0;
        }
    }
    return verdict.lose ? E_INDETERMINATE : status;
}

static int faulty_due(struct session *session, uint64_t before_ms, size_t limit,
                      struct due *due)
{
    if (judge(session, FAULTY_DUE, 0).fail) {
        *due = (struct due){0};
        return E_IO;
    }
    return inner_of(session)->store->ops->due(inner_of(session), before_ms,
                                              limit, due);
}

static int faulty_remove(struct session *session, struct removal *items,
                         size_t count, const struct marks *marks)
{
    struct verdict verdict = judge(session, FAULTY_REMOVE, count);
    int status;

    if (verdict.refuse || verdict.fail) {
        return E_INDETERMINATE;
    }
    for (size_t i = 0; i < count; i++) {
        if (items[i].drop && is_corrupt(session, items[i].stream)) {
            items[i].expect = (struct expect){UINT64_MAX, UINT64_MAX};
        }
    }
    status = inner_of(session)->store->ops->remove(inner_of(session), items,
                                                   count, marks);
    for (size_t i = 0; i < count; i++) {
        if (items[i].drop && is_corrupt(session, items[i].stream)) {
            items[i].status = E_CORRUPT;
        }
    }
    return verdict.lose ? E_INDETERMINATE : status;
}

static int faulty_history(struct session *session, struct stream stream,
                          store_visit *visit, void *arg)
{
    judge(session, FAULTY_HISTORY, 1);
    if (is_corrupt(session, stream)) {
        return E_CORRUPT;
    }
    return inner_of(session)->store->ops->history(inner_of(session), stream,
                                                  visit, arg);
}

static struct session *faulty_session_open(struct store *store)
{
    struct faulty *faulty = (struct faulty *)store;
    struct faulty_session *session = calloc(1, sizeof(*session));

    if (session == NULL) {
        return NULL;
    }
    session->session.store = store;
    session->inner = faulty->inner->ops->session_open(faulty->inner);
    return &session->session;
}

static void faulty_session_close(struct session *session)
{
    inner_of(session)->store->ops->session_close(inner_of(session));
    free(session);
}

static void faulty_marks(struct store *store, struct marks *out)
{
    struct store *inner = ((struct faulty *)store)->inner;

    inner->ops->marks(inner, out);
}

static void faulty_stats(struct store *store, struct store_stats *out)
{
    struct faulty *faulty = (struct faulty *)store;

    faulty->inner->ops->stats(faulty->inner, out);
    pthread_mutex_lock(&faulty->lock);
    if (faulty->free_bytes > 0) {
        out->free_bytes = faulty->free_bytes;
    }
    pthread_mutex_unlock(&faulty->lock);
}

static void faulty_upkeep(struct store *store)
{
    struct store *inner = store_faulty_inner(store);

    inner->ops->upkeep(inner);
}

static const char *faulty_trouble(struct session *session)
{
    if (((struct faulty_session *)session)->troubled) {
        return "a fault of the test";
    }
    return inner_of(session)->store->ops->trouble(inner_of(session));
}

static int faulty_trouble_status(struct session *session)
{
    struct faulty *faulty = faulty_of(session);
    int status;

    if (!((struct faulty_session *)session)->troubled) {
        return inner_of(session)->store->ops->trouble_status(inner_of(session));
    }
    pthread_mutex_lock(&faulty->lock);
    status = faulty->trouble_status;
    pthread_mutex_unlock(&faulty->lock);
    return status;
}

static void free_corrupt(struct faulty *faulty)
{
    for (size_t i = 0; i < faulty->corrupt_count; i++) {
        free((void *)(uintptr_t)faulty->corrupt[i].id.data);
    }
    faulty->corrupt_count = 0;
}

static void faulty_close(struct store *store)
{
    struct faulty *faulty = (struct faulty *)store;

    faulty->inner->ops->close(faulty->inner);
    free_corrupt(faulty);
    pthread_mutex_destroy(&faulty->lock);
    free(faulty);
}

static const struct store_ops faulty_ops = {
    .heads = faulty_heads,
    .append = faulty_append,
    .due = faulty_due,
    .remove = faulty_remove,
    .history = faulty_history,
    .session_open = faulty_session_open,
    .session_close = faulty_session_close,
    .marks = faulty_marks,
    .stats = faulty_stats,
    .upkeep = faulty_upkeep,
    .trouble = faulty_trouble,
    .trouble_status = faulty_trouble_status,
    .close = faulty_close,
};

/* --- arming ------------------------------------------------------------- */

struct store *store_faulty_wrap(struct store *inner)
{
    struct faulty *faulty = calloc(1, sizeof(*faulty));

    CHECK(faulty != NULL);
    faulty->store.ops = &faulty_ops;
    faulty->inner = inner;
    faulty->trouble_status = E_IO;
    pthread_mutex_init(&faulty->lock, NULL);
    return &faulty->store;
}

struct store *store_faulty_inner(struct store *store)
{
    CHECK(store->ops == &faulty_ops);
    return ((struct faulty *)store)->inner;
}

static struct faulty *locked(struct store *store)
{
    struct faulty *faulty = (struct faulty *)store;

    CHECK(store->ops == &faulty_ops);
    pthread_mutex_lock(&faulty->lock);
    return faulty;
}

void store_faulty_fail(struct store *store, enum faulty_op op, unsigned nth)
{
    struct faulty *faulty = locked(store);

    CHECK(is_write(op) || op == FAULTY_DUE);
    faulty->ops[op].fail_in = nth;
    pthread_mutex_unlock(&faulty->lock);
}

void store_faulty_lose_answer(struct store *store, enum faulty_op op,
                              unsigned nth)
{
    struct faulty *faulty = locked(store);

    CHECK(is_write(op));
    faulty->ops[op].lose_in = nth;
    pthread_mutex_unlock(&faulty->lock);
}

void store_faulty_trouble(struct store *store, int status)
{
    struct faulty *faulty = locked(store);

    faulty->trouble_status = status;
    pthread_mutex_unlock(&faulty->lock);
}

void store_faulty_free_bytes(struct store *store, uint64_t bytes)
{
    struct faulty *faulty = locked(store);

    faulty->free_bytes = bytes;
    pthread_mutex_unlock(&faulty->lock);
}

void store_faulty_before(struct store *store, enum faulty_op op, unsigned nth,
                         bool repeat, faulty_callback *callback, void *arg)
{
    struct faulty *faulty = locked(store);

    faulty->ops[op].before_in = nth;
    faulty->ops[op].repeat = repeat;
    faulty->ops[op].callback = callback;
    faulty->ops[op].arg = arg;
    pthread_mutex_unlock(&faulty->lock);
}

void store_faulty_corrupt(struct store *store, struct stream stream)
{
    struct faulty *faulty = locked(store);
    uint8_t *id = malloc(stream.id.len);

    CHECK(id != NULL && faulty->corrupt_count < CORRUPT_MAX);
    faulty->corrupt[faulty->corrupt_count++] =
        (struct stream){slice_copy(id, stream.id)};
    pthread_mutex_unlock(&faulty->lock);
}

void store_faulty_heal(struct store *store)
{
    struct faulty *faulty = locked(store);

    for (int op = 0; op < FAULTY_OPS; op++) {
        faulty->ops[op].fail_in = 0;
        faulty->ops[op].lose_in = 0;
        faulty->ops[op].before_in = 0;
    }
    free_corrupt(faulty);
    faulty->refusing = false;
    pthread_mutex_unlock(&faulty->lock);
}

size_t store_faulty_calls(struct store *store, enum faulty_op op)
{
    struct faulty *faulty = locked(store);
    size_t calls = faulty->ops[op].calls;

    pthread_mutex_unlock(&faulty->lock);
    return calls;
}

size_t store_faulty_items(struct store *store, enum faulty_op op)
{
    struct faulty *faulty = locked(store);
    size_t items = faulty->ops[op].items;

    pthread_mutex_unlock(&faulty->lock);
    return items;
}
