/* What most tests stand on: a directory, a daemon on it and one client. */
#ifndef TESTS_LIB_RIG_H
#define TESTS_LIB_RIG_H

#include "tests/lib/client.h"

struct rig {
    struct site site;
    struct daemon daemon;
    struct client client;
};

void rig_start(struct rig *rig, const char *const options[]);

/* Ends the daemon with this signal, starts it again on the same data and
 * connects the client again. */
void rig_restart(struct rig *rig, int signal, const char *const options[]);

/* SIGTERM has to end the daemon with 0. */
void rig_stop(struct rig *rig);

#endif
