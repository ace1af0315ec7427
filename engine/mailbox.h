/* Where an engine thread gets its work: a list of requests and a few bells.
 *
 * Any thread puts, one thread takes. Taking moves the whole list under the
 * lock; everything else happens outside it. */
#ifndef ENGINE_MAILBOX_H
#define ENGINE_MAILBOX_H

#include "engine/request.h"

#include <pthread.h>

struct mailbox {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct request_list requests; /* guarded by lock, like all below */
    unsigned bells;
};

/* 0 · E_MEMORY: the system has no more locks. */
must_check int mailbox_init(struct mailbox *mailbox);
void mailbox_release(struct mailbox *mailbox);

/* Moves the list's members into the mailbox, behind those in it, and rings
 * `bells` (bits whose meaning is the caller's). The list is empty after. */
void mailbox_put(struct mailbox *mailbox, struct request_list *list,
                 unsigned bells);

/* Moves everything to the end of `list` and returns the bells rung since the
 * last take. */
unsigned mailbox_take(struct mailbox *mailbox, struct request_list *list);

/* Sleeps until there is something to take, or for `us_max`. */
void mailbox_wait(struct mailbox *mailbox, uint64_t us_max);

#endif
