#include "base/log.h"

#include "base/banned.h"

#include <stdarg.h>
#include <unistd.h>

enum { LOG_LINE_BYTES = 1024 };

/* A text from a library may hold anything: one event stays one line. */
static void flatten(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
            text[i] = ' ';
        }
    }
}

void log_event(enum log_level level, const char *format, ...)
{
    char line[LOG_LINE_BYTES];
    size_t at = 0;
    va_list arguments;
    int written;

    if (!isatty(STDERR_FILENO)) {
        at = (size_t)snprintf(line, sizeof(line), "<%d>", (int)level);
    }
    va_start(arguments, format);
    written = vsnprintf(line + at, sizeof(line) - at - 1, format, arguments);
    va_end(arguments);
    if (written < 0) {
        return;
    }
    if ((size_t)written > sizeof(line) - at - 2) {
        written = (int)(sizeof(line) - at - 2);
    }
    flatten(line + at, (size_t)written);
    at += (size_t)written;
    line[at++] = '\n';
    if (write(STDERR_FILENO, line, at) < 0) {
        return; /* nowhere is left to say so */
    }
}
