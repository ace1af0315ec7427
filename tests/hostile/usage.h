/* What a process takes of the machine, from /proc. */
#ifndef TESTS_HOSTILE_USAGE_H
#define TESTS_HOSTILE_USAGE_H

#include "tests/lib/process.h"

struct usage {
    long rss_kib;
    long anonymous_kib; /* its own memory: neither files nor shared */
    long descriptors;
    long cpu_ms; /* so far, of all its threads */
};

struct usage usage_of(const struct process *process);

/* Waits until it has no more than so many descriptors; fails the test when it
 * never does. */
void usage_await_descriptors(const struct process *process, long most);

#endif
