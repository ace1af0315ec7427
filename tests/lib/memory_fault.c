#include "tests/lib/memory_fault.h"

#include <errno.h>
#include <stdlib.h>

/* The names that the linker's --wrap gives.
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static _Thread_local unsigned left;
static _Thread_local bool failed;

void memory_fail(unsigned nth)
{
    left = nth;
    failed = false;
}

unsigned memory_left(void)
{
    return left;
}

bool memory_has_failed(void)
{
    return failed;
}

static bool fails(void)
{
    if (left == 0 || --left > 0) {
        return false;
    }
    failed = true;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t bytes)
{
    return fails() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return fails() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    return fails() ? NULL : __real_realloc(memory, bytes);
}
