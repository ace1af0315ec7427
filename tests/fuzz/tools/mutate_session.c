/* Changes to whole steps of a session's program, beside libFuzzer's own, which
 * mostly move what follows out of step. See target_session.c. */
#include "base/banned.h"

#include <stdbool.h>
#include <stdint.h>

enum { HEAD_BYTES = 2, STEP_BYTES = 4 };

size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t len_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t len_max,
                               unsigned seed);

struct program {
    uint8_t *steps;
    size_t count;
    size_t room;
    uint64_t state;
};

static size_t below(struct program *program, size_t n)
{
    program->state ^= program->state << 13;
    program->state ^= program->state >> 7;
    program->state ^= program->state << 17;
    return (size_t)(program->state >> 11) % n;
}

static uint8_t *step_at(const struct program *program, size_t index)
{
    return program->steps + index * STEP_BYTES;
}

/* Makes room for a step; false: there is none. */
static bool open_gap(struct program *program, size_t index)
{
    if (program->count == program->room) {
        return false;
    }
    memmove(step_at(program, index + 1), step_at(program, index),
            (program->count - index) * STEP_BYTES);
    program->count++;
    return true;
}

static void insert_any(struct program *program)
{
    size_t index = below(program, program->count + 1);

    if (open_gap(program, index)) {
        for (size_t i = 0; i < STEP_BYTES; i++) {
            step_at(program, index)[i] = (uint8_t)below(program, 256);
        }
    }
}

static void insert_copy(struct program *program)
{
    uint8_t copy[STEP_BYTES];
    size_t index = below(program, program->count + 1);

    memcpy(copy, step_at(program, below(program, program->count)), STEP_BYTES);
    if (open_gap(program, index)) {
        memcpy(step_at(program, index), copy, STEP_BYTES);
    }
}

static void drop(struct program *program)
{
    size_t index = below(program, program->count);

    program->count--;
    memmove(step_at(program, index), step_at(program, index + 1),
            (program->count - index) * STEP_BYTES);
}

static void exchange(struct program *program)
{
    uint8_t copy[STEP_BYTES];
    uint8_t *a = step_at(program, below(program, program->count));
    uint8_t *b = step_at(program, below(program, program->count));

    memcpy(copy, a, STEP_BYTES);
    memcpy(a, b, STEP_BYTES);
    memcpy(b, copy, STEP_BYTES);
}

/* One byte of a step, or one bit of it. */
static void change(struct program *program)
{
    uint8_t *byte = step_at(program, below(program, program->count)) +
                    below(program, STEP_BYTES);

    if (below(program, 2) == 0) {
        *byte = (uint8_t)below(program, 256);
    } else {
        *byte ^= (uint8_t)(1U << below(program, 8));
    }
}

static void mutate(struct program *program)
{
    size_t choice = program->count == 0 ? 0 : below(program, 8);

    switch (choice) {
    case 0:
    case 1:
        insert_any(program);
        break;
    case 2:
    case 3:
        insert_copy(program);
        break;
    case 4:
        drop(program);
        break;
    case 5:
        exchange(program);
        break;
    default:
        change(program);
        break;
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t len_max,
                               unsigned seed)
{
    struct program program = {.steps = data + HEAD_BYTES,
                              .state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1};

    if (len < HEAD_BYTES || (data[0] & 1) != 0 || below(&program, 2) == 0) {
        return LLVMFuzzerMutate(data, len, len_max);
    }
    program.count = (len - HEAD_BYTES) / STEP_BYTES;
    program.room = (len_max - HEAD_BYTES) / STEP_BYTES;
    for (size_t times = 1 + below(&program, 4); times > 0; times--) {
        mutate(&program);
    }
    return HEAD_BYTES + program.count * STEP_BYTES;
}
