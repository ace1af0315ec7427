/* The sweeper frees what has expired, a bounded slice at a time.
 *
 * It follows the store's index of deadlines, reads every stream again that the
 * index names, and removes those whose ttl and grace have passed, under the
 * same compare as every other write. What it finds alive is indexed again. No
 * answer depends on when it ran. */
#ifndef ENGINE_SWEEPER_H
#define ENGINE_SWEEPER_H

#include "engine/turn.h"

enum {
    SWEEP_SLICE_KEYS = 512, /* the index is asked for as many at most */
};

/* Belongs to whoever has its turn. */
struct sweeper {
    struct turn *turn; /* borrowed: session, clock and counters are shared */
    size_t slice_keys; /* of the index at a time; the owner may lower it */
    bool running;
    bool warned;       /* that the index is damaged */
    uint64_t began_ms; /* when the pass that runs, or the last one, began */
    /* Since the start of the process. scanned = expired + retained. */
    uint64_t scanned;  /* keys looked at */
    uint64_t expired;  /* keys removed */
    uint64_t retained; /* keys looked at and kept */
    struct sweep_work *work;
};

/* 0 · E_MEMORY. Pair with sweeper_release() in both cases. */
must_check int sweeper_init(struct sweeper *sweeper, struct turn *turn);
void sweeper_release(struct sweeper *sweeper);

/* Begins a pass over everything that is due by now, unless one runs. */
void sweeper_begin(struct sweeper *sweeper);

/* Does one slice of the pass; does nothing if none runs. After the last slice
 * `running` is false. 0 · E_IO: the index cannot be read, the pass has ended ·
 * E_INDETERMINATE: as of turn_run(). */
must_check int sweeper_slice(struct sweeper *sweeper);

#endif
