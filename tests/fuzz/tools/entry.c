/* What libFuzzer calls. Built once for each target, which FUZZ_TARGET names.
 *
 * The library of the tests judges with Check, whose assertions report to a
 * runner that is not there: the linker has them come here instead. */
#include "base/banned.h"
#include "tests/fuzz/fuzz.h"

#include <stdarg.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    FUZZ_TARGET(slice_of(data, len));
    return 0;
}

/* The names that the linker's --wrap gives.
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void __wrap__mark_point(const char *file, int line);
void __wrap__mark_point(const char *file, int line)
{
    (void)file;
    (void)line;
}

_Noreturn void __wrap__ck_assert_failed(const char *file, int line,
                                        const char *expression,
                                        const char *format, ...)
    __attribute__((format(printf, 4, 5)));
_Noreturn void __wrap__ck_assert_failed(const char *file, int line,
                                        const char *expression,
                                        const char *format, ...)
{
    va_list args;

    fprintf(stderr, "%s:%d: %s\n", file, line, expression);
    if (format != NULL) {
        va_start(args, format);
        vfprintf(stderr, format, args);
        va_end(args);
        fputc('\n', stderr);
    }
    abort();
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
