/* Memory that runs out on command.
 *
 * A test program that has this file among its sources is linked with malloc(),
 * calloc() and realloc() of its own objects wrapped; those of libraries are
 * not. */
#ifndef TESTS_LIB_MEMORY_FAULT_H
#define TESTS_LIB_MEMORY_FAULT_H

#include <stdbool.h>

/* The nth allocation from now (1: the next one) on the calling thread fails,
 * and only that. 0: none. */
void memory_fail(unsigned nth);

/* How many are left until one fails. */
unsigned memory_left(void);

/* Whether it has failed; from then on none does. */
bool memory_has_failed(void);

#endif
