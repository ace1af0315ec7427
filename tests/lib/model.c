#include "tests/lib/model_inner.h"

#include "base/check.h"

/* --- bytes and entries ---------------------------------------------------- */

static void bytes_set(struct bytes *bytes, struct slice from)
{
    uint8_t *copy = NULL;

    if (from.len > 0) {
        copy = malloc(from.len);
        CHECK(copy != NULL);
        memcpy(copy, from.data, from.len);
    }
    free(bytes->data);
    *bytes = (struct bytes){.data = copy, .len = from.len};
}

struct entry *model_find(const struct model *model, struct slice ns,
                         struct slice key)
{
    for (size_t i = 0; i < model->count; i++) {
        struct entry *entry = &model->entries[i];

        if (slice_equal(view_of(&entry->key), key) &&
            slice_equal(view_of(&entry->ns), ns)) {
            return entry;
        }
    }
    return NULL;
}

static struct entry *find_or_add(struct model *model, struct slice ns,
                                 struct slice key)
{
    struct entry *entry = model_find(model, ns, key);

    if (entry != NULL) {
        return entry;
    }
    if (model->count == model->room) {
        model->room = model->room * 2 + 16;
        model->entries =
            realloc(model->entries, model->room * sizeof(*model->entries));
        CHECK(model->entries != NULL);
    }
    entry = &model->entries[model->count++];
    *entry = (struct entry){.last = LAST_NONE};
    bytes_set(&entry->ns, ns);
    bytes_set(&entry->key, key);
    return entry;
}

struct model *model_new(const struct model_rules *rules)
{
    struct model *model = calloc(1, sizeof(*model));

    CHECK(model != NULL);
    CHECK(rules->ttl_ms > 0 && rules->lease_ms_max > 0);
    model->rules = *rules;
    return model;
}

void model_free(struct model *model)
{
    if (model == NULL) {
        return;
    }
    for (size_t i = 0; i < model->count; i++) {
        struct entry *entry = &model->entries[i];

        free(entry->ns.data);
        free(entry->key.data);
        free(entry->owner.data);
        free(entry->fp.data);
        free(entry->receipt.data);
    }
    free(model->entries);
    free(model);
}

void model_set_no_space(struct model *model, bool no_space)
{
    model->no_space = no_space;
}

/* --- states --------------------------------------------------------------- */

enum model_state model_state_of(const struct model *model,
                                const struct entry *entry, uint64_t now_ms)
{
    if (entry == NULL || entry->last == LAST_NONE ||
        entry->last == LAST_RELEASE || ttl_is_over(model, entry, now_ms)) {
        return MODEL_ABSENT;
    }
    if (entry->last == LAST_COMPLETION) {
        return MODEL_COMPLETED;
    }
    return is_over(model, entry->lease_end_ms, now_ms) ? MODEL_EXPIRED
                                                       : MODEL_INFLIGHT;
}

struct reply model_predict(const struct model *model, struct slice ns,
                           const struct command *command, uint64_t now_ms,
                           uint64_t fence)
{
    return model_outcome(model, ns, command, now_ms, fence).reply;
}

/* --- doing it ------------------------------------------------------------- */

static void do_claim(struct entry *entry, const struct command *command,
                     const struct outcome *outcome, uint64_t now_ms)
{
    struct slice none = {.len = 0};

    entry->last = LAST_CLAIM;
    entry->fence_before = entry->fence;
    entry->fence = outcome->reply.fence;
    entry->attempt = outcome->reply.attempt;
    entry->since_ms = now_ms;
    entry->ttl_start_ms = now_ms;
    entry->ttl_ms = outcome->ttl_ms;
    entry->lease_ms = outcome->reply.lease_ms;
    entry->lease_end_ms = plus(now_ms, entry->lease_ms);
    bytes_set(&entry->owner,
              given(command, OPTION_OWNER) ? command->owner : none);
    bytes_set(&entry->fp, given(command, OPTION_FP) ? command->fp : none);
    bytes_set(&entry->receipt, none);
}

/* Fence and fingerprint stay those of the claim. */
static void do_complete(struct entry *entry, const struct command *command,
                        uint64_t now_ms)
{
    entry->last = LAST_COMPLETION;
    entry->since_ms = now_ms;
    entry->ttl_start_ms = now_ms;
    if (given(command, OPTION_TTL)) {
        entry->ttl_ms = command->ttl_ms;
    }
    bytes_set(&entry->receipt, command->receipt);
}

/* The tombstone's ttl is the released claim's. */
static void do_release(struct entry *entry, uint64_t now_ms)
{
    entry->last = LAST_RELEASE;
    entry->ttl_start_ms = now_ms;
}

/* The ttl runs anew even where the lease was long enough already. */
static void do_extend(struct entry *entry, uint64_t lease_end_ms,
                      uint64_t now_ms)
{
    entry->lease_end_ms = lease_end_ms;
    entry->ttl_start_ms = now_ms;
}

static bool is_due(const struct model *model, const struct entry *entry,
                   uint64_t now_ms)
{
    return entry->last != LAST_NONE && ttl_is_over(model, entry, now_ms);
}

/* What the model has just decided on is there. */
static struct entry *find_decided(const struct model *model, struct slice ns,
                                  struct slice key)
{
    struct entry *entry = model_find(model, ns, key);

    CHECK(entry != NULL);
    return entry;
}

static void do_sweep(struct model *model, uint64_t now_ms)
{
    for (size_t i = 0; i < model->count; i++) {
        if (is_due(model, &model->entries[i], now_ms)) {
            model->entries[i].last = LAST_NONE;
        }
    }
}

static void apply(struct model *model, struct slice ns,
                  const struct command *command, uint64_t now_ms,
                  const struct outcome *outcome)
{
    switch (outcome->effect) {
    case EFFECT_CLAIM:
        do_claim(find_or_add(model, ns, command->key), command, outcome,
                 now_ms);
        model->last_fence = outcome->reply.fence;
        break;
    case EFFECT_COMPLETION:
        do_complete(find_decided(model, ns, command->key), command, now_ms);
        break;
    case EFFECT_RELEASE:
        do_release(find_decided(model, ns, command->key), now_ms);
        break;
    case EFFECT_EXTENSION:
        do_extend(find_decided(model, ns, command->key), outcome->lease_end_ms,
                  now_ms);
        break;
    case EFFECT_SWEEP:
        do_sweep(model, now_ms);
        break;
    case EFFECT_NONE:
    default:
        break;
    }
}

void model_apply(struct model *model, struct slice ns,
                 const struct command *command, uint64_t now_ms, uint64_t fence)
{
    struct outcome outcome = model_outcome(model, ns, command, now_ms, fence);

    apply(model, ns, command, now_ms, &outcome);
}

/* --- views ---------------------------------------------------------------- */

struct model_view model_view(const struct model *model, struct slice ns,
                             struct slice key, uint64_t now_ms)
{
    const struct entry *entry = model_find(model, ns, key);
    struct model_view view = {.state = model_state_of(model, entry, now_ms)};

    if (entry == NULL) {
        return view;
    }
    view.stored = entry->last != LAST_NONE;
    view.fence = entry->fence;
    view.fence_before = entry->fence_before;
    view.attempt = entry->attempt;
    view.owner = view_of(&entry->owner);
    view.fp = view_of(&entry->fp);
    view.lease_end_ms = entry->last == LAST_CLAIM ? entry->lease_end_ms : 0;
    view.ttl_end_ms = view.stored ? ttl_end(entry) : 0;
    if (view.state == MODEL_COMPLETED) {
        view.receipt = view_of(&entry->receipt);
    }
    return view;
}

size_t model_due(const struct model *model, uint64_t now_ms)
{
    size_t due = 0;

    for (size_t i = 0; i < model->count; i++) {
        due += is_due(model, &model->entries[i], now_ms) ? 1 : 0;
    }
    return due;
}

const struct model_rules *model_rules_of(const struct model *model)
{
    return &model->rules;
}

uint64_t model_last_fence(const struct model *model)
{
    return model->last_fence;
}

const char *model_state_name(enum model_state state)
{
    static const char *const names[MODEL_STATES] = {
        [MODEL_ABSENT] = "ABSENT",
        [MODEL_INFLIGHT] = "INFLIGHT",
        [MODEL_EXPIRED] = "EXPIRED",
        [MODEL_COMPLETED] = "COMPLETED",
    };

    CHECK(state < MODEL_STATES);
    return names[state];
}
