/* A deterministic simulation of turns, sweeper and steady clock over the
 * memory tables of a simulated disk: one 64-bit seed is one run.
 *
 * No thread and no clock but the run's own. Many clients send commands, several
 * to a turn; answers come late or never; commits fail, power is cut before,
 * during and after them, rows are damaged, the wall clock jumps, the machine
 * reboots, another session writes in between.
 *
 * Three judges look on: the model (tests/lib/model.h) at every answer, as long
 * as it can be known in which order things happened; rules about what is on the
 * disk at every start; and the checker (tests/torture/check.h) at the whole
 * history. */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include "tests/torture/check.h"

#include <stdio.h>

struct sim_options {
    uint64_t ops;          /* about how many commands a run has */
    unsigned exact_one_in; /* of the checker: so many keys; 0: none */
    bool checker_only;     /* the other two judges stay away */
    bool digest;           /* of the history, for comparing runs */
    FILE *trace;           /* NULL: none; what happens, line by line */
};

/* What a run has counted: X(name, text). */
#define SIM_COUNT_MAP(X)                                                       \
    X(ops, "operations")                                                       \
    X(turns, "turns")                                                          \
    X(compared, "answers compared with the model")                             \
    X(starts, "starts")                                                        \
    X(reboots, "of them after a reboot")                                       \
    X(crashes, "power cuts")                                                   \
    X(cut_commits, "of them in the middle of a commit")                        \
    X(kept_commits, "commits of unknown outcome that were there")              \
    X(lost_commits, "commits of unknown outcome that were not")                \
    X(failed_commits, "failed commits")                                        \
    X(lost_answers, "lost answers")                                            \
    X(damaged_rows, "damaged rows")                                            \
    X(corrupt_answers, "answers CORRUPT")                                      \
    X(refused_starts, "starts refused over damage")                            \
    X(wall_jumps, "jumps of the wall clock")                                   \
    X(conflicts, "sequence conflicts")                                         \
    X(swept, "keys swept")                                                     \
    X(exact_keys, "keys searched exactly")                                     \
    X(exact_unsure, "of them given up")                                        \
    X(checked_keys, "keys checked")

struct sim_counts {
#define X(name, text) uint64_t name;
    SIM_COUNT_MAP(X)
#undef X
};

/* Who found something. */
enum sim_judge { SIM_MODEL, SIM_RULES, SIM_CHECKER, SIM_JUDGES };

struct sim_result {
    struct sim_counts counts;
    bool found[SIM_JUDGES];
    size_t broken[PROMISES]; /* as the checker says */
    struct buf report;       /* empty: nothing was found */
    uint64_t digest;
};

/* Pair with sim_result_release(). Memory running out aborts. */
void sim_run(uint64_t seed, const struct sim_options *options,
             struct sim_result *result);
void sim_result_release(struct sim_result *result);

static inline bool sim_good(const struct sim_result *result)
{
    return buf_len(&result->report) == 0;
}

void sim_counts_add(struct sim_counts *to, const struct sim_counts *from);

#endif
