/* A mutex whose lock and unlock cannot fail but by a programmer's error. */
#ifndef BASE_MUTEX_H
#define BASE_MUTEX_H

#include "base/check.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

static inline void mutex_lock(pthread_mutex_t *mutex)
{
    int status = pthread_mutex_lock(mutex);

    CHECK(status == 0);
}

/* False: another thread has it. */
static inline bool mutex_try_lock(pthread_mutex_t *mutex)
{
    int status = pthread_mutex_trylock(mutex);

    CHECK(status == 0 || status == EBUSY);
    return status == 0;
}

static inline void mutex_unlock(pthread_mutex_t *mutex)
{
    int status = pthread_mutex_unlock(mutex);

    CHECK(status == 0);
}

#endif
