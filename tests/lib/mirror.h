/* A system and the model, side by side: the same random commands to both, until
 * they differ. */
#ifndef TESTS_LIB_MIRROR_H
#define TESTS_LIB_MIRROR_H

#include "base/buf.h"
#include "tests/lib/model_gen.h"

/* What is compared with the model: does `command` in `ns` at `now_ms` (SWEEP
 * included, if options->sweeps) and writes the answer, whose slices are valid
 * until the next call. It may restart itself whenever it likes. */
typedef void mirror_ask_fn(void *arg, struct slice ns,
                           const struct command *command, uint64_t now_ms,
                           struct reply *reply);

struct mirror_system {
    mirror_ask_fn *ask;
    void *arg;
};

/* Runs `steps` random commands through both. True when they agreed to the end.
 * With options->frozen the answers' times are not compared. On a difference
 * `report` gets some lines for a person: the seed, the last commands on this
 * key and the first difference. */
bool mirror_run(const struct model_rules *rules,
                const struct model_gen_options *options, uint64_t steps,
                const struct mirror_system *system, struct buf *report);

#endif
