/* Threads, locks and conditions that the system has none of, on command.
 *
 * A test program that has this file among its sources is linked with the
 * functions that make them wrapped, in its own objects. */
#ifndef TESTS_LIB_THREAD_FAULT_H
#define TESTS_LIB_THREAD_FAULT_H

#include <stdbool.h>

/* The nth of them that is made from now on (1: the next one) by the calling
 * thread cannot be made. 0: none. */
void thread_fail(unsigned nth);

/* Whether it has come to that. */
bool thread_has_failed(void);

#endif
