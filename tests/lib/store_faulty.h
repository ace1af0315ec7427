/* A store that wraps another one and fails on command.
 *
 * Faults are counted down: "the third append from now". Arming, counting and
 * the calls of sessions may come from different threads. After a write that was
 * made to answer E_INDETERMINATE, its session and all others of the store
 * refuse further writes without reaching the inner store, as a real one does;
 * what the inner store has then can be read through store_faulty_inner(). */
#ifndef TESTS_LIB_STORE_FAULTY_H
#define TESTS_LIB_STORE_FAULTY_H

#include "storage/store.h"

enum faulty_op {
    FAULTY_HEADS,
    FAULTY_APPEND,
    FAULTY_DUE,
    FAULTY_REMOVE,
    FAULTY_HISTORY,
    FAULTY_OPS,
};

typedef void faulty_callback(void *arg);

/* Owns `inner` from now on. */
struct store *store_faulty_wrap(struct store *inner);

/* The wrapped store, to look at or to write through behind the wrapper's
 * back. */
struct store *store_faulty_inner(struct store *store);

/* The nth call from now (1: the next one) of append or remove answers
 * E_INDETERMINATE, of due E_IO, and does not reach the inner store. */
void store_faulty_fail(struct store *store, enum faulty_op op, unsigned nth);

/* The nth append or remove from now is done, then answers E_INDETERMINATE. */
void store_faulty_lose_answer(struct store *store, enum faulty_op op,
                              unsigned nth);

/* What trouble_status() says of the faults made here; E_IO unless set. */
void store_faulty_trouble(struct store *store, int status);

/* What stats() says of the room on the disk, from now on. */
void store_faulty_free_bytes(struct store *store, uint64_t bytes);

/* Runs `callback` right before the nth call from now reaches the inner store,
 * so that another writer can get in between. `repeat`: before every later one
 * too. */
void store_faulty_before(struct store *store, enum faulty_op op, unsigned nth,
                         bool repeat, faulty_callback *callback, void *arg);

/* From now on heads() says that the stream cannot be read, append() and a
 * remove() that would drop it likewise. Copies the id. */
void store_faulty_corrupt(struct store *store, struct stream stream);

/* Takes all of that back, a refusal to write too. */
void store_faulty_heal(struct store *store);

/* Calls so far, and items in them (streams of heads, items of writes). */
size_t store_faulty_calls(struct store *store, enum faulty_op op);
size_t store_faulty_items(struct store *store, enum faulty_op op);

#endif
