/* The model's inside, shared by its files alone: what it keeps of a key, and
 * what a command would do to it. */
#ifndef TESTS_LIB_MODEL_INNER_H
#define TESTS_LIB_MODEL_INNER_H

#include "tests/lib/model.h"

struct bytes {
    uint8_t *data; /* owned; NULL when len is 0 */
    size_t len;
};

enum last { LAST_NONE, LAST_CLAIM, LAST_COMPLETION, LAST_RELEASE };

/* One key and the last thing that was recorded of it. */
struct entry {
    struct bytes ns;
    struct bytes key;
    enum last last;
    uint64_t fence;
    uint64_t fence_before;
    uint64_t attempt;
    uint64_t since_ms; /* of the claim or the completion: what age counts from;
                          an EXTEND leaves it alone */
    uint64_t ttl_start_ms;
    uint64_t ttl_ms;
    uint64_t lease_ms; /* as it was claimed, cut to the ttl */
    uint64_t lease_end_ms;
    struct bytes owner; /* empty: none */
    struct bytes fp;    /* empty: none */
    struct bytes receipt;
};

struct model {
    struct model_rules rules;
    struct entry *entries;
    size_t count;
    size_t room;
    uint64_t last_fence;
    bool no_space;
};

enum effect {
    EFFECT_NONE,
    EFFECT_CLAIM,
    EFFECT_COMPLETION,
    EFFECT_RELEASE,
    EFFECT_EXTENSION,
    EFFECT_SWEEP,
};

/* An answer, and what becomes of the key with it. */
struct outcome {
    struct reply reply;
    enum effect effect;
    /* EFFECT_CLAIM: */
    uint64_t ttl_ms;
    /* EFFECT_EXTENSION: */
    uint64_t lease_end_ms;
};

/* NULL: never seen. */
struct entry *model_find(const struct model *model, struct slice ns,
                         struct slice key);

enum model_state model_state_of(const struct model *model,
                                const struct entry *entry, uint64_t now_ms);

struct outcome model_outcome(const struct model *model, struct slice ns,
                             const struct command *command, uint64_t now_ms,
                             uint64_t fence);

/* --- small things --------------------------------------------------------- */

static inline uint64_t plus(uint64_t a, uint64_t b)
{
    uint64_t sum = a + b;

    return sum < a ? UINT64_MAX : sum;
}

/* What is left at `now_ms` until `end_ms`. */
static inline uint64_t left(uint64_t end_ms, uint64_t now_ms)
{
    return end_ms > now_ms ? end_ms - now_ms : 0;
}

static inline uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* At the end plus the grace exactly, a duration still runs. */
static inline bool is_over(const struct model *model, uint64_t end_ms,
                           uint64_t now_ms)
{
    return now_ms > plus(end_ms, model->rules.grace_ms);
}

static inline uint64_t ttl_end(const struct entry *entry)
{
    return plus(entry->ttl_start_ms, entry->ttl_ms);
}

static inline bool ttl_is_over(const struct model *model,
                               const struct entry *entry, uint64_t now_ms)
{
    return is_over(model, ttl_end(entry), now_ms);
}

static inline struct slice view_of(const struct bytes *bytes)
{
    return slice_of(bytes->data, bytes->len);
}

static inline bool given(const struct command *command, unsigned option)
{
    return (command->given & option) != 0;
}

#endif
