/* Programs as child processes of a test.
 *
 * A function that cannot do its work fails the running test. Every wait has a
 * deadline. Children die with the test that started them. */
#ifndef TESTS_LIB_PROCESS_H
#define TESTS_LIB_PROCESS_H

#include "base/buf.h"

#include <sys/types.h>

enum { WAIT_MS = 20000 }; /* for what is certain to happen */

/* Milliseconds of CLOCK_MONOTONIC. */
uint64_t now_ms(void);

/* What is left until a point of now_ms(), for poll(): 0 when it has passed. */
int left_ms(uint64_t until_ms);

/* Between two looks at something that cannot be polled for. */
void pace(void);

/* One child. Zeroed: none. Used by the thread that spawned it. */
struct process {
    pid_t pid;
    int pidfd;
    int out_fd;
    int err_fd;
    struct buf out; /* all it has written to stdout, terminated */
    struct buf err; /* the same of stderr */
};

struct launch {
    const char *const *argv;        /* NULL at the end */
    const char *const *environment; /* NAME=VALUE to add, or NULL */
};

/* Starts a program; the first of argv is looked up in PATH. */
void process_spawn(struct process *process, const struct launch *launch);

/* Reads until the child has written `text` to stderr `times` times. False when
 * it has ended without. */
bool process_await(struct process *process, const char *text, unsigned times);

void process_signal(const struct process *process, int signal);

/* Waits for the end; returns the exit code, or 128 + the signal. The output
 * stays readable until process_release(). */
int process_wait(struct process *process);

/* The same with a deadline of its own; -1 when it has passed. */
int process_wait_for(struct process *process, int timeout_ms);

/* Kills it if it still runs and frees the output. */
void process_release(struct process *process);

/* Resident memory in KiB. */
long process_rss_kib(const struct process *process);

/* All of it so far, terminated; valid until more is read. */
const char *process_err(const struct process *process);
const char *process_out(const struct process *process);

/* process_spawn() and process_wait(). */
int process_run(struct process *process, const char *const argv[]);

#endif
