/* Whole sessions beside the model: bytes of a few clients to dedupd's own
 * client and engine, over the memory store, with a clock that the session owns;
 * and every decision and every byte that comes back compared.
 *
 * Two comparisons. When the engine has decided a request, the model is asked
 * for its answer at that moment. And what was sent is read once more by itself:
 * the replies on the wire have to be those of these requests, in their order.
 *
 * The store lives on from session to session, for it is costly to make; a
 * session leaves it empty, at a later time. */
#ifndef TESTS_FUZZ_SCENE_H
#define TESTS_FUZZ_SCENE_H

#include "tests/lib/model.h"
#include "tests/lib/talk.h"

enum {
    SCENE_LANES = 2,
    SCENE_ENTRIES_MAX = 512, /* requests that were not answered, of a lane */
    SCENE_RECEIPT_BYTES_MAX = 3000,
};

/* One request, as it was read off what was sent. Slices borrow the arena. */
struct scene_entry {
    bool resp;
    int error;            /* of a request that is refused as it is read */
    const char *sentence; /* with it; NULL: the error's own */
    struct slice ns;
    struct command command;
    bool decided; /* by the engine: */
    struct reply reply;
};

/* A connection. */
struct lane {
    struct talk talk;
    struct buf sent; /* not read yet, for a request of it is not whole */
    struct proto_frame frame;
    uint8_t ns_bytes[NAMESPACE_BYTES_MAX];
    struct slice ns;
    bool over;    /* nothing that comes now is read: QUIT, or hopeless */
    bool stopped; /* the daemon stops */
    struct scene_entry entries[SCENE_ENTRIES_MAX];
    size_t added;
    size_t answered;
};

struct scene {
    struct bench bench;
    struct client_config config;
    struct model *model;
    struct lane lanes[SCENE_LANES];
    bool swept_early; /* keys that are due may be gone: how many a SWEEP
                         removes is not known exactly */
    bool no_space;
    uint64_t used_ms; /* the last time that anything was decided by */
};

/* The rules of this session, and what a client may have in flight. `choice`
 * stands for one of a few of each. The scene is static memory. */
struct scene *scene_open(uint8_t choice);

/* Settles, compares the last of it and sweeps the store. */
void scene_close(struct scene *scene);

/* --- what happens --------------------------------------------------------- */

/* The client sends these bytes, of which its side begins what it may. */
void scene_send(struct scene *scene, size_t lane, struct slice bytes);

/* A turn of the engine with all that these lanes (by bit) have given out. */
void scene_turn(struct scene *scene, unsigned lanes);

/* Clients read all, and turns, until everything whole is answered. */
void scene_settle(struct scene *scene);

/* The client reads so many bytes of what it was sent, and goes on. */
void scene_read(struct scene *scene, size_t lane, size_t len);

/* How a connection ends; a new one takes its place. */
enum scene_end { SCENE_CLOSE, SCENE_RESET, SCENE_STOP, SCENE_ENDS };
void scene_reconnect(struct scene *scene, size_t lane, enum scene_end end);

/* The daemon starts again after a kill; in another boot, the wall clock may
 * have been set by `wall_ms`. */
void scene_restart(struct scene *scene, bool same_boot, int64_t wall_ms);

/* Some slices of the sweeper, as its timer does it. */
void scene_sweep(struct scene *scene, size_t slices, size_t slice_keys);

void scene_set_no_space(struct scene *scene, bool no_space);

/* Time goes on; not beyond what fences can follow. */
void scene_wait(struct scene *scene, uint64_t ms);

#endif
