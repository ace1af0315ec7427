/* The times in which a key's state is certain, and the answers in them. */
#ifndef TESTS_TORTURE_CHECK_WINDOWS_H
#define TESTS_TORTURE_CHECK_WINDOWS_H

#include "tests/torture/check_ends.h"

void check_windows(struct judge *judge, const struct key_ops *key,
                   const struct grants *grants);

#endif
