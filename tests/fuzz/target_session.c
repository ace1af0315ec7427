/* Sessions from a fuzzer's bytes.
 *
 * The first byte says how the others are read: as what one client sends, in
 * pieces, with turns and time between them, or as a program of four bytes a
 * step. The second chooses the rules. */
#include "base/check.h"
#include "proto/verbs.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/scene.h"
#include "tests/fuzz/taker.h"
#include "tests/lib/command_bytes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { STEPS_MAX = 300 };

static const uint64_t durations[16] = {
    1,     2,     500,     699,     700,     999,      1000,     1001,
    60000, 61000, 3600000, 3600001, 5000000, 14399999, 14400000, 14400001,
};

/* Two pairs of keys with the same hash among them. */
static const char *const keys[8] = {
    "k",           "kk",           "8yn0iYCKYHlIj4-BwPqk",
    "77kepQFQ8Kl", "!0IC=VloaY",   "GReLUrM4wMqfg9yzV3KQ",
    "lease=1",     "\n\"\\\xff k",
};
static const char *const owners[4] = {"o", "other", "9f2c 77", "\x01"};
static const char *const fingerprints[4] = {"f", "g", "f f", "\xff"};
static const char *const namespaces[4] = {"default", "a", "a.b", "a0"};

/* A step of a program. */
struct step {
    uint8_t op;
    uint8_t a;
    uint8_t b;
    uint8_t c;
    size_t lane;
    bool resp;
};

/* --- requests --------------------------------------------------------------
 */

static struct slice key_of(const struct step *step)
{
    return slice_str(keys[step->a & 7]);
}

static struct model_view view_of(const struct scene *scene,
                                 const struct step *step)
{
    return model_view(scene->model, scene->lanes[step->lane].ns, key_of(step),
                      bench_now_ms(&scene->bench));
}

/* The right one, the one before, a wrong one, or any. */
static uint64_t fence_of(const struct scene *scene, const struct step *step)
{
    struct model_view view = view_of(scene, step);

    switch (step->c & 3) {
    case 0:
    case 1:
        return view.fence;
    case 2:
        return view.fence_before;
    default:
        return (step->b & 1) != 0 ? FENCE_MAX : view.fence + 1;
    }
}

static struct slice receipt_of(const struct step *step)
{
    static uint8_t fill[SCENE_RECEIPT_BYTES_MAX + 1];

    switch (step->c >> 6) {
    case 0:
        return slice_str("");
    case 1:
        return slice_str("[1,2,3]");
    case 2:
        return slice_of("\0\n\r\"\\\xff\x7f \t", 9);
    default:
        memset(fill, step->b, sizeof(fill));
        return slice_of(fill, (size_t)(step->b | 1) * sizeof(fill) / 255);
    }
}

static struct command command_of(const struct scene *scene,
                                 const struct step *step, enum verb verb)
{
    return (struct command){
        .verb = verb,
        .given = (step->a >> 3) & verb_info(verb)->options,
        .key = key_of(step),
        .receipt = receipt_of(step),
        .owner = slice_str(owners[step->c >> 2 & 3]),
        .fp = slice_str(fingerprints[step->c >> 4 & 3]),
        .fence = fence_of(scene, step),
        .lease_ms = durations[step->b & 15],
        .ttl_ms = durations[step->b >> 4],
    };
}

/* Sends at once or in pieces, and then a turn, everything, or nothing. */
static void send(struct scene *scene, const struct step *step,
                 struct slice bytes)
{
    size_t piece = step->op >> 6 == 2 ? 1 + (size_t)(step->c & 31) : bytes.len;

    for (size_t at = 0; at < bytes.len; at += piece) {
        size_t left = bytes.len - at;

        scene_send(scene, step->lane,
                   slice_of(bytes.data + at, left < piece ? left : piece));
    }
    if (step->op >> 6 == 1) {
        scene_turn(scene, 1U << step->lane);
    } else if (step->op >> 6 == 3) {
        scene_settle(scene);
    }
}

static void send_command(struct scene *scene, const struct step *step,
                         const struct command *command, size_t times)
{
    static struct buf bytes;

    buf_clear(&bytes);
    while (times-- > 0) {
        if (step->resp) {
            command_resp(&bytes, command);
        } else {
            command_line(&bytes, command);
        }
    }
    send(scene, step, buf_slice(&bytes));
}

static void send_other(struct scene *scene, const struct step *step)
{
    static const enum verb verbs[] = {VERB_SWEEP, VERB_SWEEP, VERB_NAMESPACE,
                                      VERB_PING,  VERB_STATS, VERB_HELP,
                                      VERB_QUIT};
    size_t choice = step->a % (COUNT(verbs) + 1);
    struct command command = {.name = slice_str(namespaces[step->b & 3])};

    if (choice == COUNT(verbs)) {
        send(scene, step,
             slice_str(step->resp ? "*0\r\n*1\r\n$4\r\nFROB\r\n"
                                  : " \r\nFROB x\n"));
        return;
    }
    command.verb = verbs[choice];
    send_command(scene, step, &command, 1);
}

/* --- everything else -------------------------------------------------------
 */

/* A step of time, or to where something of the key ends. */
static void wait_for(struct scene *scene, const struct step *step)
{
    struct model_view view = view_of(scene, step);
    uint64_t now_ms = bench_now_ms(&scene->bench);
    uint64_t end_ms = (step->b & 1) != 0 ? view.lease_end_ms : view.ttl_end_ms;

    if ((step->a & 128) != 0) {
        scene_wait(scene, durations[step->b & 15]);
        return;
    }
    if ((step->b & 2) != 0) {
        end_ms += scene->bench.rules.grace_ms;
    }
    end_ms += step->b >> 2 & 1;
    if (end_ms > now_ms) {
        scene_wait(scene, end_ms - now_ms);
    }
}

static void change(struct scene *scene, const struct step *step)
{
    switch (step->a & 3) {
    case 0:
        scene_set_no_space(scene, (step->b & 1) != 0);
        break;
    case 1:
        scene->lanes[step->lane].talk.reads = true;
        scene_read(scene, step->lane, SIZE_MAX);
        break;
    case 2:
        scene->lanes[step->lane].talk.reads = false;
        break;
    default:
        scene_read(scene, step->lane, (size_t)step->b * 32);
        break;
    }
}

static void restart(struct scene *scene, const struct step *step)
{
    static const int64_t steps_ms[] = {0, 3600000, -3600000, 1, -1000000000};

    scene_restart(scene, (step->a & 1) != 0,
                  steps_ms[step->b % COUNT(steps_ms)]);
}

static void do_step(struct scene *scene, const struct step *step,
                    struct taker *program)
{
    static const enum verb verbs[] = {VERB_CLAIM,   VERB_CLAIM,  VERB_COMPLETE,
                                      VERB_RELEASE, VERB_EXTEND, VERB_LOOKUP};
    struct command command;
    unsigned kind = step->op & 15;

    switch (kind) {
    case 6:
        send_other(scene, step);
        break;
    case 7:
        send(scene, step, take_bytes(program, step->a));
        break;
    case 8:
        wait_for(scene, step);
        break;
    case 9:
        scene_turn(scene, step->a & 3);
        break;
    case 10:
        scene_settle(scene);
        break;
    case 11:
        change(scene, step);
        break;
    case 12:
        scene_reconnect(scene, step->lane,
                        (enum scene_end)(step->a % SCENE_ENDS));
        break;
    case 13:
        restart(scene, step);
        break;
    case 14:
        scene_sweep(scene, 1 + (step->a & 3), 1 + (step->b & 3));
        break;
    case 15:
        command = command_of(scene, step, VERB_LOOKUP);
        send_command(scene, step, &command, 1 + (step->b & 31));
        break;
    default:
        command = command_of(scene, step, verbs[kind]);
        send_command(scene, step, &command, 1);
        break;
    }
}

static void run_program(struct scene *scene, struct taker *program)
{
    for (int i = 0; i < STEPS_MAX && taker_has_more(program); i++) {
        struct step step;

        step.op = take_byte(program);
        step.a = take_byte(program);
        step.b = take_byte(program);
        step.c = take_byte(program);
        step.lane = step.op >> 4 & 1;
        step.resp = (step.op & 32) != 0;
        do_step(scene, &step, program);
    }
}

/* Pieces of this length; time goes on and the engine turns after each, or
 * after the last. */
static void run_bytes(struct scene *scene, struct taker *bytes)
{
    uint8_t choice = take_byte(bytes);
    size_t piece = 1 + (size_t)take_byte(bytes);

    while (taker_has_more(bytes)) {
        scene_send(scene, 0, take_bytes(bytes, piece));
        if ((choice & 16) != 0) {
            scene_turn(scene, 1);
            scene_wait(scene, durations[choice & 15]);
        }
    }
}

void fuzz_session(struct slice input)
{
    struct taker taker = {input};
    bool is_program = (take_byte(&taker) & 1) == 0;
    struct scene *scene = scene_open(take_byte(&taker));

    if (is_program) {
        run_program(scene, &taker);
    } else {
        run_bytes(scene, &taker);
    }
    scene_close(scene);
}
