/* What the clients of a torture ask: from one seed and from what they were
 * answered so far.
 *
 * 70 % of the commands are on 8 to 32 hot keys, each of which is given up for a
 * new one now and then, and the others on keys that were hardly used. Clients
 * know the last fence of each key as far as any of them was told, and use it,
 * the one before, or a wrong one; and they ask again what was asked before. */
#ifndef TESTS_TORTURE_WORKLOAD_H
#define TESTS_TORTURE_WORKLOAD_H

#include "tests/lib/model_gen.h"
#include "tests/torture/profile.h"

enum {
    WORKLOAD_HOT_MAX = 32, /* keys */
    WORKLOAD_FRESH = 64,   /* the last of the new keys, among which they draw */
    WORKLOAD_RECENT = 64,  /* commands that may be asked again */
};

/* What the clients know of a key. */
struct key_view {
    uint64_t fence; /* the highest that was shown; 0: none */
    uint64_t fence_before;
    uint64_t owner;   /* of the claim with that fence; 0: none, or unknown */
    uint64_t receipt; /* shown, or sent last; 0: none */
    bool completed;
    bool touched; /* is in workload.touched */
};

/* Numbers of keys. */
struct key_list {
    uint32_t *all; /* owned */
    size_t count;
    size_t room;
};

/* One thread. The same seed and answers give the same commands. */
struct workload {
    const struct profile *profile;
    struct rng rng;
    struct key_view *views; /* owned; by key, from 1 */
    uint32_t keys;          /* so many are used */
    size_t room;
    uint32_t hot[WORKLOAD_HOT_MAX];
    size_t hot_count;
    struct op recent[WORKLOAD_RECENT];
    size_t recent_count;     /* ever put there */
    struct key_list touched; /* since workload_next_life() */
    struct key_list unread;  /* to be looked up, the last first */
};

void workload_init(struct workload *workload, const struct profile *profile,
                   uint64_t seed);
void workload_release(struct workload *workload);

/* Writes what client `worker` asks next: key, verb and what is given. All else
 * is 0. */
void workload_next(struct workload *workload, uint64_t worker, struct op *op);

/* The same for a reader of what the last life has touched; false when all of it
 * was asked for. */
bool workload_next_unread(struct workload *workload, struct op *op);

/* Takes what an answer tells. */
void workload_learn(struct workload *workload, const struct op *op);

/* The answer was lost: the command is likely to be asked again soon, and the
 * key will be read. */
void workload_lose(struct workload *workload, const struct op *op);

/* From here on workload_next_unread() gives the keys that were touched before
 * and not read since, or all keys of the run. */
void workload_next_life(struct workload *workload, bool all);

#endif
