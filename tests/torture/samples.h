/* Small histories for tests, written as text, and what must be said of them.
 *
 * A line is one of the file of a history, with the two times in milliseconds:
 *
 *     GOOD("0 1 CLAIM lease=500 -> CLAIMED fence=7 lease=500 attempt=1",
 *          "2 3 RELEASE fence=7 -> OK");
 *
 * The rules are a grace of 1 s and a ttl of 60 s, unless the first line says
 * otherwise (`rules grace=0 ttl=1000`). */
#ifndef TESTS_TORTURE_SAMPLES_H
#define TESTS_TORTURE_SAMPLES_H

#include "tests/torture/check.h"

/* Which pass finds fault. */
enum { LINEAR = 1, EXACT = 2, BOTH = LINEAR | EXACT };

/* Lines, NULL at the end. A line that cannot be read fails the test. */
void sample_read(const char *const *lines, struct history *history);

/* Both passes find nothing. */
void sample_good(const char *const *lines);

/* These passes find fault, the linear one with that promise; with any, if it is
 * ORDER. */
void sample_bad(enum promise promise, unsigned passes,
                const char *const *lines);

#define GOOD(...) sample_good((const char *const[]){__VA_ARGS__, NULL})
#define BAD(name, passes, ...)                                                 \
    sample_bad(PROMISE_##name, passes, (const char *const[]){__VA_ARGS__, NULL})

#endif
