#include "base/err.h"

#include "base/banned.h"

#include <stdarg.h>

int err_set(struct err *err, int status, const char *format, ...)
{
    va_list arguments;

    if (err == NULL) {
        return status;
    }
    va_start(arguments, format);
    vsnprintf(err->text, sizeof(err->text), format, arguments);
    va_end(arguments);
    return status;
}
