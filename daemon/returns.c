#include "daemon/returns.h"

#include "base/mutex.h"

#include <sys/eventfd.h>
#include <unistd.h>

/* The loop's hooks take what has come; being woken is all that is needed. */
static void on_bell(uv_poll_t *bell, int status, int events)
{
    const struct returns *returns = bell->data;
    uint64_t rung;
    ssize_t got = read(returns->bell_fd, &rung, sizeof(rung));

    (void)status;
    (void)events;
    (void)got;
}

int returns_init(struct returns *returns, uv_loop_t *loop)
{
    STAILQ_INIT(&returns->list);
    returns->bell_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (returns->bell_fd < 0) {
        return E_MEMORY;
    }
    if (pthread_mutex_init(&returns->lock, NULL) != 0) {
        close(returns->bell_fd);
        return E_MEMORY;
    }
    if (uv_poll_init(loop, &returns->bell, returns->bell_fd) < 0) {
        pthread_mutex_destroy(&returns->lock);
        close(returns->bell_fd);
        return E_MEMORY;
    }
    returns->bell.data = returns;
    uv_poll_start(&returns->bell, UV_READABLE, on_bell);
    return 0;
}

void returns_release(struct returns *returns)
{
    CHECK(STAILQ_EMPTY(&returns->list));
    close(returns->bell_fd);
    pthread_mutex_destroy(&returns->lock);
}

/* Unlocks after something was added, and wakes the loop if it sleeps. */
static void unlock_and_wake(struct returns *returns)
{
    const uint64_t once = 1;
    bool sleeps = returns->loop_sleeps;
    ssize_t put = sizeof(once);

    returns->has_news = true;
    returns->loop_sleeps = false;
    mutex_unlock(&returns->lock);
    if (sleeps) {
        put = write(returns->bell_fd, &once, sizeof(once));
    }
    CHECK(put == sizeof(once));
}

void returns_put(struct returns *returns, struct request_list *list)
{
    mutex_lock(&returns->lock);
    STAILQ_CONCAT(&returns->list, list);
    unlock_and_wake(returns);
}

void returns_fail(struct returns *returns, int status, const char *why)
{
    mutex_lock(&returns->lock);
    returns->failure = status;
    err_set(&returns->failure_text, status, "%s", why);
    unlock_and_wake(returns);
}

int returns_take(struct returns *returns, struct request_list *list)
{
    int failure;

    mutex_lock(&returns->lock);
    STAILQ_CONCAT(list, &returns->list);
    failure = returns->failure;
    returns->has_news = false;
    returns->loop_sleeps = false;
    mutex_unlock(&returns->lock);
    return failure;
}

bool returns_may_sleep(struct returns *returns)
{
    bool may_sleep;

    mutex_lock(&returns->lock);
    may_sleep = !returns->has_news;
    returns->loop_sleeps = may_sleep;
    mutex_unlock(&returns->lock);
    return may_sleep;
}
