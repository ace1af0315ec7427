/* Does a damage to a copy of a golden directory, opens it as a daemon would,
 * and judges what becomes of every key.
 *
 * Allowed is: the opening is refused, twice, and every file stays as it was; or
 * it is served, and each key gives its right answer or CORRUPT, before and
 * after a sweep and after another opening, until RocksDB meets the damage when
 * it merges files, and a write fails for that reason. */
#ifndef TESTS_DAMAGE_JUDGE_H
#define TESTS_DAMAGE_JUDGE_H

#include "tests/damage/golden.h"
#include "tests/damage/harm.h"
#include "tests/damage/tree.h"

enum outcome {
    OUTCOME_REFUSED_DATA,   /* exit code 65 */
    OUTCOME_REFUSED_FORMAT, /* 78 */
    OUTCOME_CORRUPT,        /* served, some keys are CORRUPT */
    OUTCOME_ENDED,          /* served, until a write failed with 65 */
    OUTCOME_RIGHT,          /* served, nothing is missing */
    OUTCOME_WRONG,          /* not allowed; `why` says what */
    OUTCOME_KINDS
};

/* One suite's work: a golden directory, and what became of its damages. */
struct judge {
    struct golden golden;
    struct tree tree; /* of golden.dir/data */
    char data[PATH_MAX], older[PATH_MAX], work[PATH_MAX];
    const char *title; /* of the files that are damaged now */
    unsigned counts[HARM_KINDS][OUTCOME_KINDS];
    unsigned wrong;
};

void judge_open(struct judge *judge, enum golden_kind kind);

/* Prints the counts; the test fails if anything went wrong. */
void judge_close(struct judge *judge);

/* The damages that follow are counted and printed under this title. */
void judge_begin(struct judge *judge, const char *title);

void judge_harm(struct judge *judge, const struct harm *harm);

/* The step between two positions: `usual`, or `all` if FAULTS_ALL is set. */
size_t judge_step(size_t usual, size_t all);

/* Flips, zeroes, overwrites, punches and cuts the file every `step` bytes in
 * [from, to), `len` bytes each. */
void judge_positions(struct judge *judge, size_t file, size_t from, size_t to,
                     size_t step, size_t len);

/* Empties, deletes, lengthens the file, and puts its older copy back. */
void judge_whole(struct judge *judge, size_t file);

/* `count` damages of any kind at random positions of files whose names contain
 * `part`. The seed is printed; FAULTS_SEED sets it. */
void judge_random(struct judge *judge, const char *part, unsigned count);

#endif
