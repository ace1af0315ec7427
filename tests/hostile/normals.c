#include "tests/hostile/normals.h"

#include "base/banned.h"

#include <check.h>
#include <poll.h>
#include <time.h>

static uint64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void normals_open(struct normals *normals, const struct daemon *daemon)
{
    uint64_t now = now_us();

    *normals = (struct normals){
        .waits_us = calloc(NORMAL_WAITS_MAX, sizeof(uint32_t)),
    };
    ck_assert_ptr_nonnull(normals->waits_us);
    for (unsigned i = 0; i < NORMALS; i++) {
        struct normal *normal = &normals->all[i];

        client_open(&normal->client, daemon);
        /* Not all at the same moment. */
        normal->due_us = now + i * (NORMAL_REST_MS * 1000U / NORMALS);
    }
}

void normals_close(struct normals *normals)
{
    for (unsigned i = 0; i < NORMALS; i++) {
        client_close(&normals->all[i].client);
    }
    free(normals->waits_us);
}

static void ask(struct normal *normal, unsigned id)
{
    char text[128];

    switch (normal->step) {
    case NORMAL_CLAIM:
        normal->key++;
        snprintf(text, sizeof(text), "CLAIM n-%u-%u lease=60s owner=o%u\n", id,
                 normal->key, id);
        break;
    case NORMAL_COMPLETE:
        snprintf(text, sizeof(text), "COMPLETE n-%u-%u done-%u fence=%ju\n", id,
                 normal->key, normal->key, (uintmax_t)normal->fence);
        break;
    case NORMAL_LOOKUP:
        snprintf(text, sizeof(text), "LOOKUP n-%u-%u\n", id, normal->key);
        break;
    }
    normal->waits = true;
    normal->asked_us = now_us();
    client_send(&normal->client, text);
}

/* Checks the answer and goes on to the next step. */
static void take_answer(struct normal *normal)
{
    const char *reply = client_line(&normal->client);
    char expected[64];

    switch (normal->step) {
    case NORMAL_CLAIM:
        expect_begins(reply, "CLAIMED ");
        ck_assert_uint_eq(number_of(reply, "attempt"), 1);
        normal->fence = fence_of(reply);
        normal->step = NORMAL_COMPLETE;
        break;
    case NORMAL_COMPLETE:
        expect_is(reply, "OK");
        normal->step = NORMAL_LOOKUP;
        break;
    case NORMAL_LOOKUP:
        snprintf(expected, sizeof(expected), "COMPLETED \"done-%u\" fence=%ju ",
                 normal->key, (uintmax_t)normal->fence);
        expect_begins(reply, expected);
        normal->step = NORMAL_CLAIM;
        break;
    }
}

static void on_answer(struct normals *normals, struct normal *normal)
{
    uint64_t now = now_us();

    take_answer(normal);
    normal->waits = false;
    normal->due_us = now + NORMAL_REST_MS * 1000;
    ck_assert_uint_lt(normals->count, NORMAL_WAITS_MAX);
    normals->waits_us[normals->count++] = (uint32_t)(now - normal->asked_us);
}

/* Asks what is due; returns how long nothing will be. */
static int ask_what_is_due(struct normals *normals)
{
    uint64_t now = now_us();
    uint64_t next_us = now + NORMAL_REST_MS * 1000;

    for (unsigned i = 0; i < NORMALS; i++) {
        struct normal *normal = &normals->all[i];

        if (!normal->waits && normal->due_us <= now) {
            ask(normal, i);
        } else if (!normal->waits && normal->due_us < next_us) {
            next_us = normal->due_us;
        }
    }
    return (int)((next_us - now + 999) / 1000);
}

static unsigned poll_all(struct normals *normals, int timeout_ms)
{
    struct pollfd fds[NORMALS];
    unsigned waiting = 0;

    for (unsigned i = 0; i < NORMALS; i++) {
        fds[i] =
            (struct pollfd){.fd = normals->all[i].client.fd, .events = POLLIN};
    }
    poll(fds, NORMALS, timeout_ms);
    for (unsigned i = 0; i < NORMALS; i++) {
        if ((fds[i].revents & POLLIN) != 0) {
            on_answer(normals, &normals->all[i]);
        }
        ck_assert_int_eq(fds[i].revents & ~POLLIN, 0);
        waiting += normals->all[i].waits;
    }
    return waiting;
}

void normals_run(struct normals *normals, uint64_t ms)
{
    uint64_t until_ms = now_ms() + ms;
    uint64_t last_ms = until_ms + WAIT_MS;

    while (left_ms(until_ms) > 0) {
        poll_all(normals, ask_what_is_due(normals));
    }
    while (poll_all(normals, 100) > 0) {
        ck_assert_msg(left_ms(last_ms) > 0, "an answer does not come");
    }
}

void normals_forget(struct normals *normals)
{
    normals->count = 0;
}

static int compare(const void *left, const void *right)
{
    const uint32_t *a = left;
    const uint32_t *b = right;

    return (*a > *b) - (*a < *b);
}

uint32_t normals_wait_us(struct normals *normals, unsigned per_mille)
{
    ck_assert_uint_gt(normals->count, 0);
    qsort(normals->waits_us, normals->count, sizeof(uint32_t), compare);
    return normals->waits_us[(normals->count - 1) * per_mille / 1000];
}
