/* What the suites of faults share: how much to do, and figures to print. */
#ifndef TESTS_FAULTS_FIGURES_H
#define TESTS_FAULTS_FIGURES_H

#include "tests/lib/process.h"

enum { FIGURES_MAX = 1000 };

/* Durations that were measured, in ms. */
struct figures {
    uint64_t ms[FIGURES_MAX];
    unsigned count;
};

void figures_add(struct figures *figures, uint64_t ms);

/* "what: n times, at least …, median …, at most … ms", and returns the
 * largest. */
uint64_t figures_print(struct figures *figures, const char *what);

/* `all` if FAULTS_ALL is set, else `usual`. */
unsigned how_often(unsigned usual, unsigned all);

/* A number below `limit` of a sequence whose seed is printed once; FAULTS_SEED
 * sets it. */
unsigned random_below(unsigned limit);

/* Of the process, in ms, since it began. */
uint64_t process_cpu_ms(const struct process *process);

/* A line of /proc/PID/status, in KiB. */
uint64_t process_status_kib(const struct process *process, const char *name);

/* Prints why a test did not run. */
void skipped(const char *why);

#endif
