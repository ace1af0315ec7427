/* What every test program shares: a list of suites and a main. */
#ifndef TESTS_LIB_RUNNER_H
#define TESTS_LIB_RUNNER_H

#include <check.h>
#include <stddef.h>

typedef Suite *suite_fn(void);

/* The suites of this program, NULL at the end; defined by its main.c. */
extern suite_fn *const suites[];

/* A suite of one case from test functions, NULL at the end. Each test runs in
 * a process of its own and has `timeout_s`. */
Suite *suite_of(const char *name, unsigned timeout_s,
                const TTest *const tests[]);

/* SUITE(buf, 10, test_one, test_two) defines suite_buf(). */
#define SUITE(name, timeout_s, ...)                                            \
    suite_fn suite_##name;                                                     \
    Suite *suite_##name(void)                                                  \
    {                                                                          \
        return suite_of(#name, timeout_s,                                      \
                        (const TTest *const[]){__VA_ARGS__, NULL});            \
    }

#endif
