#include "daemon/returns.h"

#include "base/table.h"
#include "tests/lib/runner.h"

#include <stdlib.h>
#include <unistd.h>

/* A loop that sleeps as the server's does, and what another thread does to it
 * after a while. */
struct sleeper {
    uv_loop_t loop;
    uv_prepare_t prepare;
    struct returns returns;
    struct request request;
    bool fails;
    pthread_t thread;
};

static void on_prepare(uv_prepare_t *prepare)
{
    struct sleeper *sleeper = prepare->data;

    ck_assert(returns_may_sleep(&sleeper->returns));
}

static void sleeper_open(struct sleeper *sleeper)
{
    *sleeper = (struct sleeper){.fails = false};
    ck_assert_int_eq(uv_loop_init(&sleeper->loop), 0);
    ck_assert_int_eq(returns_init(&sleeper->returns, &sleeper->loop), 0);
    uv_prepare_init(&sleeper->loop, &sleeper->prepare);
    sleeper->prepare.data = sleeper;
    uv_prepare_start(&sleeper->prepare, on_prepare);
}

static void sleeper_close(struct sleeper *sleeper)
{
    uv_close((uv_handle_t *)&sleeper->returns.bell, NULL);
    uv_close((uv_handle_t *)&sleeper->prepare, NULL);
    uv_run(&sleeper->loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&sleeper->loop), 0);
    returns_release(&sleeper->returns);
}

static void put_one(struct sleeper *sleeper)
{
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);

    STAILQ_INSERT_TAIL(&list, &sleeper->request, link);
    returns_put(&sleeper->returns, &list);
    ck_assert(STAILQ_EMPTY(&list));
}

static bool sleeps(struct sleeper *sleeper)
{
    bool result;

    pthread_mutex_lock(&sleeper->returns.lock);
    result = sleeper->returns.loop_sleeps;
    pthread_mutex_unlock(&sleeper->returns.lock);
    return result;
}

static void *wake(void *arg)
{
    struct sleeper *sleeper = arg;

    while (!sleeps(sleeper)) {
        usleep(100);
    }
    if (sleeper->fails) {
        returns_fail(&sleeper->returns, E_FULL, "no room");
    } else {
        put_one(sleeper);
    }
    return NULL;
}

static void sleep_until_woken(struct sleeper *sleeper)
{
    ck_assert_int_eq(pthread_create(&sleeper->thread, NULL, wake, sleeper), 0);
    uv_run(&sleeper->loop, UV_RUN_ONCE); /* for ever, unless woken */
    ck_assert_int_eq(pthread_join(sleeper->thread, NULL), 0);
}

START_TEST(what_is_put_wakes_a_loop_that_sleeps)
{
    struct sleeper sleeper;
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);

    sleeper_open(&sleeper);
    sleep_until_woken(&sleeper);
    ck_assert_int_eq(returns_take(&sleeper.returns, &list), 0);
    ck_assert_ptr_eq(STAILQ_FIRST(&list), &sleeper.request);
    sleeper_close(&sleeper);
}
END_TEST

START_TEST(failure_wakes_a_loop_that_sleeps)
{
    struct sleeper sleeper;
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);

    sleeper_open(&sleeper);
    sleeper.fails = true;
    sleep_until_woken(&sleeper);
    ck_assert_int_eq(returns_take(&sleeper.returns, &list), E_FULL);
    ck_assert(STAILQ_EMPTY(&list));
    ck_assert_str_eq(sleeper.returns.failure_text.text, "no room");
    sleeper_close(&sleeper);
}
END_TEST

START_TEST(loop_may_not_sleep_over_what_came_while_it_was_awake)
{
    struct sleeper sleeper;
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);

    sleeper_open(&sleeper);
    put_one(&sleeper);
    ck_assert(!returns_may_sleep(&sleeper.returns));
    ck_assert_int_eq(returns_take(&sleeper.returns, &list), 0);
    ck_assert(returns_may_sleep(&sleeper.returns));
    returns_fail(&sleeper.returns, E_IO, "broken");
    ck_assert(!returns_may_sleep(&sleeper.returns));
    ck_assert_int_eq(returns_take(&sleeper.returns, &list), E_IO);
    ck_assert(returns_may_sleep(&sleeper.returns));
    sleeper_close(&sleeper);
}
END_TEST

SUITE(returns, 10, what_is_put_wakes_a_loop_that_sleeps,
      failure_wakes_a_loop_that_sleeps,
      loop_may_not_sleep_over_what_came_while_it_was_awake)
