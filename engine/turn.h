/* A turn: everything that has arrived becomes one batched read, decisions in
 * order, one durable append, and replies.
 *
 * That is group commit without a timer: what arrives while one turn is made
 * durable is the next one. Nothing is answered before the append has returned,
 * not even what only read, because it may have read what this turn writes. */
#ifndef ENGINE_TURN_H
#define ENGINE_TURN_H

#include "engine/decide.h"
#include "engine/request.h"

/* State of one engine thread that outlives a turn; used by that thread only. */
struct turn {
    struct session *session; /* borrowed */
    struct steady *steady;   /* borrowed */
    struct counters *counters;
    struct rules rules;
    struct marks marks;        /* as they should be stored next */
    struct marks marks_stored; /* as they are */
    uint64_t last_fence;
    bool no_space;
    /* Arrays that every turn uses again. */
    struct turn_work *work;
};

/* `marks` are the store's. E_MEMORY. */
must_check int turn_init(struct turn *turn, struct session *session,
                         struct steady *steady, const struct marks *marks,
                         const struct rules *rules, struct counters *counters);
void turn_release(struct turn *turn);

/* Runs the commands of `list` that name a key and sets every reply (or
 * postponed); the list keeps its members and order. `count` is its length.
 * 0 · E_INDETERMINATE: the store's outcome is unknown, and every reply says so;
 * no further turn may run. */
must_check int turn_run(struct turn *turn, struct request_list *list,
                        size_t count);

/* Steady time in ms, after making sure that using it is safe: *marks is set to
 * what has to be stored with the next write, or to NULL. */
uint64_t turn_now_ms(struct turn *turn, const struct marks **marks);

/* To be called after a write that stored `marks`. */
void turn_marks_stored(struct turn *turn, const struct marks *marks);

/* Stores the marks now, whether needed or not. 0 · E_INDETERMINATE. */
must_check int turn_store_marks(struct turn *turn);

#endif
