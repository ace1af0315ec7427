/* The targets of fuzzing: functions that take any bytes and abort on what must
 * not be.
 *
 * Each is the body of a libFuzzer program (tools/entry.c), and the test of what
 * was found before (test_replay.c) runs it over the committed files. Both have
 * Check's ck_assert. What a target keeps from run to run (memory, an empty
 * store, how late it is) must not matter: the same bytes do the same. One
 * thread. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "base/slice.h"

/* X(name): the target fuzz_name(), whose files are in corpus/name and
 * fixed/name. */
#define FUZZ_TARGETS(X)                                                        \
    X(line)                                                                    \
    X(resp)                                                                    \
    X(record)                                                                  \
    X(config)                                                                  \
    X(session)

typedef void fuzz_target(struct slice input);

#define X(name) fuzz_target fuzz_##name;
FUZZ_TARGETS(X)
#undef X

#endif
