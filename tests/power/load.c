/* The load of a guest whose power is going to be cut: asks for what earlier
 * lives left, and then goes on asking, until the end.
 *
 *     power-load SOCKET RECORD KEYS LIFE SEED SECONDS
 *
 * RECORD is a file of the host, which outlives the guest: every command stands
 * in it before it is sent, and every answer once it has come. A line is a
 * number and the op (see tests/torture/history.h); of two with the same number
 * the second has the answer. A LOOKUP stands there once.
 *
 * KEYS names a file of numbers of keys to be looked up first. With 0 SECONDS
 * nothing else is done. Progress goes to stdout. */
#include "base/banned.h"
#include "tests/power/load_plan.h"
#include "tests/power/load_talk.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <unistd.h>

enum { TALKS = 8, START_MAX_MS = 60000, SILENCE_MAX_MS = 30000 };

struct load {
    int record_fd;
    struct buf record; /* not written yet */
    uint64_t ids;
    struct plan plan;
    struct talk talks[TALKS];
    uint32_t *keys; /* owned; to be looked up */
    size_t keys_count;
    size_t keys_asked;
};

static uint64_t time_us(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t steady_ms(void)
{
    return time_us(CLOCK_MONOTONIC) / 1000;
}

/* --- the record ----------------------------------------------------------- */

static void record_op(struct load *load, const struct talk_op *op)
{
    buf_append_u64(&load->record, op->id);
    buf_append_byte(&load->record, ' ');
    op_write(&op->op, &load->record);
    buf_append_byte(&load->record, '\n');
    CHECK(!buf_failed(&load->record));
}

static void record_write(struct load *load)
{
    while (buf_len(&load->record) > 0) {
        struct slice left = buf_slice(&load->record);
        ssize_t written = write(load->record_fd, left.data, left.len);

        CHECK(written > 0);
        buf_take(&load->record, (size_t)written);
    }
}

/* --- asking --------------------------------------------------------------- */

static bool is_looking(const struct load *load)
{
    return load->keys_asked < load->keys_count;
}

static struct op next_op(struct load *load)
{
    if (is_looking(load)) {
        return (struct op){.verb = VERB_LOOKUP,
                           .key = load->keys[load->keys_asked++]};
    }
    return plan_next(&load->plan);
}

static void ask_one(struct load *load, uint32_t client)
{
    struct talk_op op = {.id = ++load->ids, .op = next_op(load)};

    op.op.client = client;
    op.op.life = load->plan.life;
    op.op.called_us = op.op.ended_us = time_us(CLOCK_REALTIME);
    if (op.op.verb != VERB_LOOKUP) {
        record_op(load, &op);
    }
    talk_ask(&load->talks[client], &op);
}

/* As many at a time as chance has it, once the last ones are answered. */
static void ask_some(struct load *load, uint32_t client, bool only_look)
{
    uint64_t count = 1 + plan_draw(&load->plan, TALK_OPS_MAX);

    if (load->talks[client].count > 0) {
        return;
    }
    while (count-- > 0 && (!only_look || is_looking(load))) {
        ask_one(load, client);
    }
}

static void on_answer(void *arg, const struct talk_op *asked)
{
    struct load *load = arg;
    struct talk_op op = *asked;

    op.op.ended_us = time_us(CLOCK_REALTIME);
    plan_learn(&load->plan, &op.op);
    record_op(load, &op);
}

static bool wait_for_any(struct load *load)
{
    struct pollfd polled[TALKS];

    for (size_t i = 0; i < TALKS; i++) {
        bool sending = buf_len(&load->talks[i].out) > 0;

        polled[i] = (struct pollfd){
            .fd = load->talks[i].fd,
            .events = (short)(POLLIN | (sending ? POLLOUT : 0)),
        };
    }
    return poll(polled, TALKS, SILENCE_MAX_MS) > 0;
}

/* False once the daemon has closed a connection, or says nothing. */
static bool turn(struct load *load, bool only_look)
{
    bool alive = true;

    for (uint32_t i = 0; i < TALKS; i++) {
        ask_some(load, i, only_look);
    }
    record_write(load);
    for (size_t i = 0; i < TALKS; i++) {
        alive = talk_send(&load->talks[i]) && alive;
    }
    alive = alive && wait_for_any(load);
    for (size_t i = 0; i < TALKS; i++) {
        alive = talk_receive(&load->talks[i], on_answer, load) && alive;
    }
    record_write(load);
    return alive;
}

static size_t in_flight(const struct load *load)
{
    size_t sum = 0;

    for (size_t i = 0; i < TALKS; i++) {
        sum += load->talks[i].count;
    }
    return sum;
}

static bool look(struct load *load)
{
    while (is_looking(load) || in_flight(load) > 0) {
        if (!turn(load, true)) {
            return false;
        }
    }
    return true;
}

static bool run(struct load *load, uint64_t seconds)
{
    uint64_t until_ms = steady_ms() + seconds * 1000;

    while (steady_ms() < until_ms) {
        if (!turn(load, false)) {
            return false;
        }
    }
    return true;
}

/* --- from start to end ---------------------------------------------------- */

static bool open_talks(struct load *load, const char *path)
{
    uint64_t until_ms = steady_ms() + START_MAX_MS;

    for (size_t i = 0; i < TALKS; i++) {
        while (!talk_open(&load->talks[i], path)) {
            if (steady_ms() > until_ms) {
                return false;
            }
            nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        }
    }
    return true;
}

static void read_keys(struct load *load, const char *path)
{
    FILE *file = fopen(path, "r");
    size_t room = 0;
    uint32_t key;

    CHECK(file != NULL);
    while (fscanf(file, "%" SCNu32, &key) == 1) {
        if (load->keys_count == room) {
            room = room * 2 + 1024;
            load->keys = realloc(load->keys, room * sizeof(*load->keys));
            CHECK(load->keys != NULL);
        }
        load->keys[load->keys_count++] = key;
    }
    fclose(file);
}

static void say(const char *what, size_t count)
{
    printf("power: %s %zu\n", what, count);
    fflush(stdout);
}

static bool look_and_run(struct load *load, uint64_t seconds)
{
    say("looking", load->keys_count);
    if (!look(load)) {
        return false;
    }
    say("looked", load->keys_count);
    return seconds == 0 || run(load, seconds);
}

int main(int argc, char **argv)
{
    static struct load load;
    bool good = false;

    if (argc != 7) {
        fputs("usage: power-load SOCKET RECORD KEYS LIFE SEED SECONDS\n",
              stderr);
        return 2;
    }
    load.record_fd = open(argv[2], O_WRONLY | O_CREAT | O_APPEND, 0644);
    CHECK(load.record_fd >= 0);
    read_keys(&load, argv[3]);
    load.plan.life = (uint32_t)strtoul(argv[4], NULL, 10);
    load.plan.random = strtoull(argv[5], NULL, 10);
    if (open_talks(&load, argv[1])) {
        good = look_and_run(&load, strtoull(argv[6], NULL, 10));
        for (size_t i = 0; i < TALKS; i++) {
            talk_close(&load.talks[i]);
        }
    }
    say(good ? "load done" : "load lost the daemon", load.ids);
    close(load.record_fd);
    buf_release(&load.record);
    free(load.keys);
    return good ? 0 : 1;
}
