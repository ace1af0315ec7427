/* CHECK: a condition that only a programmer can break; on in every build.
 *
 * Never for bytes from the network, the disk or the database: those get an
 * error. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include "base/banned.h"

/* Writes one line to stderr and aborts. */
_Noreturn void check_failed(const char *condition, const char *file, int line);

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (__builtin_expect(!(condition), 0)) {                               \
            check_failed(#condition, __FILE__, __LINE__);                      \
        }                                                                      \
    } while (0)

#endif
