/* What a service manager is told; nothing happens without one. */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <stdint.h>

/* It serves. `status` is one sentence for `systemctl status`. */
void notify_ready(const char *status);
void notify_stopping(const char *status);

/* It is alive; to be called more often than notify_watchdog_ms(). */
void notify_alive(void);

/* After how long without notify_alive() the manager ends the process; 0: it
 * does not watch. */
uint64_t notify_watchdog_ms(void);

#endif
