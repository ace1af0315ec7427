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

enum {
    /* How often a command that met a sequence conflict is decided again. */
    TURN_ROUNDS_MAX = 8,
    /* Fences are times in µs, reserved in blocks that are stored with the claim
     * that opens them. A start goes on above the last block; 20 ms are less
     * than a restart takes, so fences never run ahead of the clock, and those
     * given after an old copy of the data was put back are larger than those
     * given before. */
    TURN_FENCE_BLOCK = 20000,
};

/* What one engine thread keeps between turns; used by that thread only. */
struct turn {
    struct session *session;     /* borrowed */
    const struct steady *steady; /* borrowed */
    struct counters *counters;   /* borrowed */
    struct rules rules;
    struct marks marks;  /* stored, but for live_keys and inflight, which are
                            ahead of what is stored */
    uint64_t last_fence; /* the largest one given */
    bool no_space;       /* set by the owner */
    uint64_t warned_us;  /* when unreadable keys were last logged; 0: never */
    bool has_written;    /* in the last turn: it waited for the disk */
    size_t reply_bytes_max; /* set by the owner; SIZE_MAX at first */
    size_t reply_bytes;     /* of receipts in the replies of the last turn */
    size_t taken;           /* commands of its list that it was about */
    struct turn_work *work; /* memory that turns use again */
};

/* `marks` are what the store has, with the clock as steady_start() left it.
 * 0 · E_MEMORY. Pair with turn_release() in both cases. */
must_check int turn_init(struct turn *turn, struct session *session,
                         const struct steady *steady, const struct marks *marks,
                         const struct rules *rules, struct counters *counters);
void turn_release(struct turn *turn);

/* Runs the commands of `list`, which name keys, in order, and sets each one's
 * reply or `postponed`. The list keeps its members and their order. A turn ends
 * early once the receipts in its replies have come to reply_bytes_max: then
 * those behind the first `taken` commands were not decided.
 * 0 · E_INDETERMINATE: the outcome of the write is unknown, every reply says
 * so, and no further turn may run. */
must_check int turn_run(struct turn *turn, struct request_list *list);

/* The time to decide by. The high-water mark of the clock must be stored before
 * or with whatever follows from that time: `marks` is then set to what is to be
 * stored and *due to true. */
uint64_t turn_now_us(const struct turn *turn, struct marks *marks, bool *due);

/* Stores the marks as they are. 0 · E_INDETERMINATE. */
must_check int turn_store_marks(struct turn *turn);

/* Publishes live_keys and inflight. */
void turn_publish(const struct turn *turn);

#endif
