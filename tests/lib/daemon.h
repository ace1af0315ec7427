/* The daemon under test. */
#ifndef TESTS_LIB_DAEMON_H
#define TESTS_LIB_DAEMON_H

#include "tests/lib/process.h"
#include "tests/lib/site.h"

/* LIST("a=b", "c=d") is an argument of a function below. */
#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NOTHING   ((const char *const[]){NULL})

/* Sanitizers keep freed memory and dislike a tracer: what a test cannot ask
 * of a daemon that was built with one. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDER_SANITIZER 1
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#endif
#ifndef UNDER_SANITIZER
#define UNDER_SANITIZER 0
#endif

struct daemon {
    struct process process;
    unsigned port; /* of the first TCP listener; 0 before it is ready */
};

/* Where the program is: the environment's DEDUPD_BIN, or build/dedupd. */
const char *daemon_path(void);

/* Starts it on the site's data directory and a free port of 127.0.0.1, with
 * `options` as further -o, and waits until it is ready. */
void daemon_start(struct daemon *daemon, const struct site *site,
                  const char *const options[]);

/* The same where the options make it listen `listeners` times. */
void daemon_start_listeners(struct daemon *daemon, const struct site *site,
                            const char *const options[], unsigned listeners);

/* Starts it with a program and its arguments put before it, and with NAME=VALUE
 * added to its environment (both may be NULL), without waiting. */
void daemon_spawn(struct daemon *daemon, const struct site *site,
                  const char *const options[], const char *const before[],
                  const char *const environment[]);

/* Waits until it is ready; false when it has ended instead. */
bool daemon_await_ready(struct daemon *daemon, unsigned listeners);

/* Starts it where it cannot serve, checks that it says why in one line that
 * contains `why`, and returns the exit code. */
int daemon_refuses(const struct site *site, const char *const options[],
                   const char *why);

/* SIGTERM, and it has to end with 0. */
void daemon_stop(struct daemon *daemon);

/* SIGKILL and wait. */
void daemon_kill(struct daemon *daemon);

#endif
