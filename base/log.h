/* The log: one line an event to stderr, with journald's priority prefix.
 *
 * The prefix (`<3>` and so on, sd-daemon(3)) is left out when stderr is a
 * terminal. A line is written in one write, so that lines of several threads
 * do not mix. Never log bytes that a client sent. Safe from any thread. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_CRIT = 2, LOG_ERROR = 3, LOG_WARN = 4, LOG_INFO = 6 };

void log_event(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define log_crit(...)  log_event(LOG_CRIT, __VA_ARGS__)
#define log_error(...) log_event(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_event(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_event(LOG_INFO, __VA_ARGS__)

#endif
