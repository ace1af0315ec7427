#include "engine/mailbox.h"

#include "base/mutex.h"

#include <time.h>

/* One that waits by the clock that is never set. */
static int init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    int status = pthread_condattr_init(&attributes);

    if (status == 0) {
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        status = pthread_cond_init(condition, &attributes);
        pthread_condattr_destroy(&attributes);
    }
    return status;
}

int mailbox_init(struct mailbox *mailbox)
{
    STAILQ_INIT(&mailbox->requests);
    mailbox->bells = 0;
    if (pthread_mutex_init(&mailbox->lock, NULL) != 0) {
        return E_MEMORY;
    }
    if (init_condition(&mailbox->filled) != 0) {
        pthread_mutex_destroy(&mailbox->lock);
        return E_MEMORY;
    }
    return 0;
}

void mailbox_release(struct mailbox *mailbox)
{
    CHECK(STAILQ_EMPTY(&mailbox->requests));
    pthread_cond_destroy(&mailbox->filled);
    pthread_mutex_destroy(&mailbox->lock);
}

void mailbox_put(struct mailbox *mailbox, struct request_list *list,
                 unsigned bells)
{
    bool was_empty;

    mutex_lock(&mailbox->lock);
    was_empty = STAILQ_EMPTY(&mailbox->requests) && mailbox->bells == 0;
    STAILQ_CONCAT(&mailbox->requests, list);
    mailbox->bells |= bells;
    mutex_unlock(&mailbox->lock);
    if (was_empty) {
        pthread_cond_signal(&mailbox->filled);
    }
}

unsigned mailbox_take(struct mailbox *mailbox, struct request_list *list)
{
    unsigned bells;

    mutex_lock(&mailbox->lock);
    STAILQ_CONCAT(list, &mailbox->requests);
    bells = mailbox->bells;
    mailbox->bells = 0;
    mutex_unlock(&mailbox->lock);
    return bells;
}

static struct timespec time_after(uint64_t us)
{
    const uint64_t us_per_s = 1000000;
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    us += (uint64_t)at.tv_nsec / 1000;
    at.tv_sec += (time_t)(us / us_per_s);
    at.tv_nsec = (long)(us % us_per_s * 1000);
    return at;
}

void mailbox_wait(struct mailbox *mailbox, uint64_t us_max)
{
    struct timespec until = time_after(us_max);
    int status = 0;

    mutex_lock(&mailbox->lock);
    while (STAILQ_EMPTY(&mailbox->requests) && mailbox->bells == 0 &&
           status != ETIMEDOUT) {
        status =
            pthread_cond_timedwait(&mailbox->filled, &mailbox->lock, &until);
    }
    mutex_unlock(&mailbox->lock);
}
