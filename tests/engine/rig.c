#include "tests/engine/rig.h"

#include "base/check.h"

#include <sched.h>
#include <stdio.h>

static void on_returned(void *arg, struct request_list *list)
{
    struct rig *rig = arg;
    struct request *request;

    pthread_mutex_lock(&rig->lock);
    STAILQ_FOREACH (request, list, link) {
        rig->returned_count++;
    }
    STAILQ_CONCAT(&rig->returned, list);
    pthread_cond_broadcast(&rig->changed);
    pthread_mutex_unlock(&rig->lock);
}

static void on_failed(void *arg, int status, const char *why)
{
    struct rig *rig = arg;

    pthread_mutex_lock(&rig->lock);
    ck_assert_int_eq(rig->failed, 0); /* called once */
    rig->failed = status;
    snprintf(rig->why, sizeof(rig->why), "%s", why);
    pthread_cond_broadcast(&rig->changed);
    pthread_mutex_unlock(&rig->lock);
}

void rig_prepare(struct rig *rig, enum store_kind kind)
{
    *rig = (struct rig){
        .config = {.rules = {.grace_ms = 1000,
                             .ttl_ms = 60000,
                             .lease_ms_max = 600000},
                   .receipt_bytes_max = 65536},
        .time = {.wall_us = 500000000, .boot_us = 1000000},
    };
    test_store_open(&rig->store, kind);
    pthread_mutex_init(&rig->lock, NULL);
    pthread_cond_init(&rig->changed, NULL);
    STAILQ_INIT(&rig->returned);
    rig->clock = test_clock_source(&rig->time);
    rig->store.store->ops->session_close(rig->store.session);
    rig->store.session = NULL;
}

int rig_try(struct rig *rig, struct err *err)
{
    struct engine_callbacks callbacks = {on_returned, on_failed, rig};
    int status = 0;

    rig->engine =
        engine_start(rig->store.store, &rig->clock, "boot", &rig->config,
                     &callbacks, &rig->store.counters, &status, err);
    CHECK((rig->engine != NULL) == (status == 0)); /* allocates nothing */
    return status;
}

void rig_open(struct rig *rig, enum store_kind kind)
{
    struct err err = {""};

    rig_prepare(rig, kind);
    ck_assert_msg(rig_try(rig, &err) == 0, "%s", err.text);
}

void rig_shut(struct rig *rig)
{
    /* The test store wants its session back. */
    rig->store.session = rig->store.store->ops->session_open(rig->store.store);
    test_store_close(&rig->store);
}

void rig_close(struct rig *rig, int expected)
{
    ck_assert_int_eq(engine_stop(rig->engine), expected);
    rig_shut(rig);
}

void rig_await(struct rig *rig, size_t count)
{
    pthread_mutex_lock(&rig->lock);
    while (rig->returned_count < count) {
        pthread_cond_wait(&rig->changed, &rig->lock);
    }
    pthread_mutex_unlock(&rig->lock);
}

struct request *rig_submit(struct rig *rig, struct command command)
{
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);
    struct request *request = bench_request("default", command);

    STAILQ_INSERT_TAIL(&list, request, link);
    engine_submit(rig->engine, &list);
    return request;
}

struct reply rig_run(struct rig *rig, struct command command)
{
    size_t before = rig->returned_count;
    struct request *request = rig_submit(rig, command);

    rig_await(rig, before + 1);
    return request->reply;
}

struct reply rig_run_now(struct rig *rig, struct command command)
{
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);
    struct request *request = bench_request("default", command);

    STAILQ_INSERT_TAIL(&list, request, link);
    while (!engine_run_now(rig->engine, &list)) {
        sched_yield();
    }
    ck_assert_ptr_eq(STAILQ_FIRST(&list), request);
    return request->reply;
}

void rig_refuse_now(struct rig *rig, struct command command)
{
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);
    struct request *request = bench_request("default", command);

    STAILQ_INSERT_TAIL(&list, request, link);
    ck_assert(!engine_run_now(rig->engine, &list));
    ck_assert_ptr_eq(STAILQ_FIRST(&list), request);
}

struct command rig_bare(enum verb verb)
{
    return (struct command){.verb = verb, .key = slice_str("none")};
}
