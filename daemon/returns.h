/* The door through which requests come back from the engine's thread.
 *
 * The engine's thread puts, the loop's takes, once or twice an iteration. While
 * the loop is awake it looks by itself; only when it was about to sleep does a
 * put ring its bell, an eventfd. (uv_async_send() is not used: its receiver
 * spins up to 1000 times while the sender has not returned from its system
 * call, which on two cores is most of the time. It cost a tenth of the
 * process's cycles at 50 connections.) */
#ifndef DAEMON_RETURNS_H
#define DAEMON_RETURNS_H

#include "base/err.h"
#include "engine/request.h"

#include <pthread.h>
#include <uv.h>

struct returns {
    uv_poll_t bell;
    int bell_fd;
    pthread_mutex_t lock; /* guards the following */
    struct request_list list;
    bool has_news; /* since the last take */
    bool loop_sleeps;
    int failure; /* 0, or the exit's status, with its reason */
    struct err failure_text;
};

/* 0 · E_MEMORY: the system has no more descriptors or locks. */
must_check int returns_init(struct returns *returns, uv_loop_t *loop);

/* After the bell's handle was closed. */
void returns_release(struct returns *returns);

/* On any thread, the engine's mostly: moves the list's members in; says that
 * the engine has failed. */
void returns_put(struct returns *returns, struct request_list *list);
void returns_fail(struct returns *returns, int status, const char *why);

/* On the loop's: moves what has come to the end of `list`. Returns the failure,
 * or 0. */
int returns_take(struct returns *returns, struct request_list *list);

/* Before the loop may sleep: from now on a put rings. False when there is
 * something to take first. */
bool returns_may_sleep(struct returns *returns);

#endif
