/* The simulation's inside, shared by its files alone: everything that one run
 * is made of. */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "engine/sweeper.h"
#include "engine/turn.h"
#include "tests/lib/model.h"
#include "tests/lib/model_gen.h"
#include "tests/sim/disk.h"
#include "tests/sim/plan.h"
#include "tests/sim/sim.h"

#include <inttypes.h>

enum {
    CLIENTS_MAX = 12,
    KEYS_MAX = 24,
    FLIGHTS_MAX = 64,
    TURN_MAX = 16,
    RECEIPT_MAX = 200,
};

/* One command from its call to its end. */
enum flight_state { FLIGHT_NONE, FLIGHT_SENT, FLIGHT_DECIDED };

struct flight {
    enum flight_state state;
    struct op op; /* what goes into the history */
    size_t client;
    uint64_t order; /* of sending */
    struct request request;
    uint8_t owner[8], fp[8], receipt[RECEIPT_MAX];
    bool answered; /* op has its answer; the request may have come back or
                      not */
    bool modelled; /* the model has seen it, or need not */
    bool damaged;  /* its key was, when the turn began */
    uint64_t pin;  /* as the engine pins fences; 0: none */
};

/* What a client believes and wants. It sends one command after the other,
 * mostly. */
struct client {
    uint32_t key;
    uint64_t owner, fp;
    uint64_t fence; /* of the claim that it holds or had; 0: none */
    uint64_t receipt;
    bool retry; /* the last command, which got no answer */
    struct op last;
    size_t waiting;
};

/* What the simulation knows of a key: where its edges are, and what has been
 * used on it. */
struct key {
    struct slice ns, name;
    struct stream stream;
    uint8_t id[256];
    uint64_t fence, fence_before;
    uint64_t owner, receipt;
    uint64_t lease_end_ms, ttl_end_ms;
    bool was_damaged; /* since the run began: it may be indexed late */
};

/* The machine's own time. */
struct machine {
    uint64_t true_us; /* never jumps back; goes on while the power is off */
    uint64_t booted_us;
    int64_t wall_offset_us;
    unsigned boots;
};

/* One more writer, with a session of its own. */
struct rival {
    struct session *session; /* NULL: there is none */
    struct turn turn;
    bool armed; /* it may get in between of the turn that runs */
    bool acted; /* and has */
};

struct world {
    const struct sim_options *options;
    struct sim_result *result;
    struct plan plan;
    struct rng rng;
    struct history history;
    uint64_t seq;

    struct machine machine;
    struct clock clock;
    struct key keys[KEYS_MAX];
    struct client clients[CLIENTS_MAX];
    struct flight flights[FLIGHTS_MAX];
    uint64_t sent;
    uint64_t numbers; /* given to owners and receipts */

    /* The daemon. */
    struct disk *disk;
    bool open;
    bool created;
    struct store *store; /* the outer one */
    struct store *inner;
    struct session *session;
    struct counters counters;
    struct rules rules;
    struct steady steady;
    struct turn turn;
    struct sweeper sweeper;
    struct rival rival;
    uint32_t life;
    bool no_space;
    bool scans_fail;

    /* The turn that runs. */
    struct flight *taken[TURN_MAX];
    size_t taken_count;
    uint64_t fence_before;  /* the largest one when it began */
    size_t taken_bytes_max; /* of receipts, which end the turn that runs */
    bool safe;              /* commits do not fail */
    bool dying;             /* a commit was cut or has failed */
    bool cut;               /* cut */

    /* Judges. */
    struct model *model; /* NULL: it cannot follow any more */
    uint64_t used_ms;    /* the latest time that anything was decided by */
    uint64_t fence_used; /* the largest fence that was given */
    int64_t drift_us;    /* steady time minus true time at the last start */
};

/* --- world.c: machine and daemon ------------------------------------------ */

uint64_t world_now_ms(const struct world *w);
void world_pass(struct world *w, uint64_t us);

/* Somebody sets the wall clock. */
void world_jump(struct world *w);

/* The daemon is dead or stopped: settles what hangs, lets some time pass and
 * starts it again. */
void world_restart(struct world *w);
void world_start_first(struct world *w);
void world_close(struct world *w);

/* Ends the daemon in order. */
void world_stop(struct world *w);

/* The power is cut, or a commit has failed, now. */
void world_die(struct world *w);

/* Decides what becomes of a commit; a disk_fate. */
int world_fate(void *world);

__attribute__((format(printf, 2, 3))) void world_trace(const struct world *w,
                                                       const char *format, ...);
void world_trace_op(const struct world *w, const char *word,
                    const struct op *op);

/* --- clients.c: who asks what --------------------------------------------- */

void clients_init(struct world *w);

/* Sends one more command if a client has room; NULL otherwise. */
struct flight *clients_ask(struct world *w, size_t client);

/* On the key that is named, and whether or not it still waits. */
struct flight *clients_ask_key(struct world *w, size_t client, uint32_t key);

/* Releases the last claim known of the key and claims it; how many commands
 * were sent. */
size_t clients_replace(struct world *w, size_t client, uint32_t key,
                       struct flight *flights[2]);

/* Sends a LOOKUP, from a client of its own. */
void clients_look(struct world *w, uint32_t key);

/* The command of a flight as the engine gets it. */
void flight_encode(struct world *w, struct flight *flight);
void op_answer(struct op *op, const struct reply *reply);

/* The answer arrives, or never will (lost): into the history. */
void flight_end(struct world *w, struct flight *flight, bool lost);

/* Some of the answers that are under way arrive or get lost. */
void clients_listen(struct world *w, unsigned percent);

/* --- turns.c: what the daemon does ---------------------------------------- */

void turns_run(struct world *w);
void turns_rival(struct world *w); /* a turn of the rival's alone */
void turns_sweep(struct world *w, bool all);

/* Notes the answers that are there before the commit is made. */
void turns_note_answers(struct world *w);

/* --- compare.c: the model ------------------------------------------------- */

void judge_begin(struct world *w);

/* The disk is (not) almost full from here on. */
void judge_space(struct world *w);

/* Compares what was answered in the turn that runs and was not compared. */
void judge_answers(struct world *w);

/* The rival is about to run these, in between of the turn that runs. */
void judge_interrupted(struct world *w, struct flight *const *rivals,
                       size_t count);

/* Of the commits that failed, so many turned out to be there. */
void judge_unsynced(struct world *w, size_t kept);

/* --- rules.c: what is on the disk ----------------------------------------- */

__attribute__((format(printf, 3, 4))) void
judge_complain(struct world *w, enum sim_judge judge, const char *format, ...);

/* After a turn that succeeded. */
void judge_marks(struct world *w);

/* The disk as it is; `open`: while the store is. */
void judge_disk(struct world *w, bool open);

/* Everything that was due is gone. */
void judge_swept(struct world *w);

#endif
