#include "tests/lib/mirror.h"

#include "base/check.h"
#include "tests/lib/command_bytes.h"

enum { LINES_KEPT = 24 };

/* The last commands of one key, as text; `next` counts all of them. */
struct trail {
    struct buf lines[LINES_KEPT];
    uint64_t next;
};

struct mirror {
    struct model *model;
    struct model_gen *gen;
    const struct mirror_system *system;
    struct trail trails[MODEL_GEN_IDENTITIES + 1];
    bool masked;
};

static void leave_trail(struct mirror *mirror, const struct model_step *step)
{
    struct trail *trail = &mirror->trails[step->identity];
    struct buf *line = &trail->lines[trail->next++ % LINES_KEPT];
    enum model_state state =
        model_view(mirror->model, step->ns, step->command.key, step->now_ms)
            .state;

    buf_clear(line);
    buf_append_str(line, "at ");
    buf_append_u64(line, step->now_ms);
    buf_append_str(line, " in ");
    buf_append_slice(line, step->ns);
    buf_append_str(line, " on ");
    buf_append_str(line, model_state_name(state));
    buf_append_str(line, ": ");
    command_line(line, &step->command);
}

static void report_trail(struct buf *report, const struct trail *trail)
{
    uint64_t first = trail->next > LINES_KEPT ? trail->next - LINES_KEPT : 0;

    for (uint64_t i = first; i < trail->next; i++) {
        buf_append_slice(report, buf_slice(&trail->lines[i % LINES_KEPT]));
    }
}

static void report_difference(struct buf *report, uint64_t seed, uint64_t step,
                              const struct trail *trail, const struct err *why)
{
    buf_append_str(report, "seed ");
    buf_append_u64(report, seed);
    buf_append_str(report, ", step ");
    buf_append_u64(report, step);
    buf_append_str(report, "; the last commands on this key:\n");
    report_trail(report, trail);
    buf_append_str(report, why->text);
    buf_append_byte(report, '\n');
}

static bool one_step(struct mirror *mirror, struct model_step *step,
                     struct err *why)
{
    struct reply actual = {.kind = REPLY_NONE};
    const struct mirror_system *system = mirror->system;

    model_gen_next(mirror->gen, mirror->model, step);
    leave_trail(mirror, step);
    system->ask(system->arg, step->ns, &step->command, step->now_ms, &actual);
    if (mirror->masked) {
        return model_check_masked(mirror->model, step->ns, &step->command,
                                  step->now_ms, &actual, why);
    }
    return model_check(mirror->model, step->ns, &step->command, step->now_ms,
                       &actual, why);
}

static void mirror_free(struct mirror *mirror)
{
    for (size_t i = 0; i <= MODEL_GEN_IDENTITIES; i++) {
        for (size_t k = 0; k < LINES_KEPT; k++) {
            buf_release(&mirror->trails[i].lines[k]);
        }
    }
    model_gen_free(mirror->gen);
    model_free(mirror->model);
    free(mirror);
}

bool mirror_run(const struct model_rules *rules,
                const struct model_gen_options *options, uint64_t steps,
                const struct mirror_system *system, struct buf *report)
{
    struct mirror *mirror = calloc(1, sizeof(*mirror));
    bool agreed = true;

    CHECK(mirror != NULL);
    mirror->model = model_new(rules);
    mirror->gen = model_gen_new(options);
    mirror->system = system;
    mirror->masked = options->frozen;
    for (uint64_t i = 0; agreed && i < steps; i++) {
        struct model_step step;
        struct err why = {.text = ""};

        agreed = one_step(mirror, &step, &why);
        if (!agreed) {
            report_difference(report, options->seed, i,
                              &mirror->trails[step.identity], &why);
        }
    }
    mirror_free(mirror);
    return agreed;
}
