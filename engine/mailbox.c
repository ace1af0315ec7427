#include "engine/mailbox.h"

#include "base/mutex.h"

int mailbox_init(struct mailbox *mailbox)
{
    STAILQ_INIT(&mailbox->requests);
    mailbox->bells = 0;
    if (pthread_mutex_init(&mailbox->lock, NULL) != 0) {
        return E_MEMORY;
    }
    if (pthread_cond_init(&mailbox->filled, NULL) != 0) {
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

unsigned mailbox_take(struct mailbox *mailbox, struct request_list *list,
                      bool wait)
{
    unsigned bells;

    mutex_lock(&mailbox->lock);
    while (wait && STAILQ_EMPTY(&mailbox->requests) && mailbox->bells == 0) {
        pthread_cond_wait(&mailbox->filled, &mailbox->lock);
    }
    STAILQ_CONCAT(list, &mailbox->requests);
    bells = mailbox->bells;
    mailbox->bells = 0;
    mutex_unlock(&mailbox->lock);
    return bells;
}
