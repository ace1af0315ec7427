/* What one process of a crowd does: an epoll loop over its members. */
#ifndef TESTS_HOSTILE_MEMBER_H
#define TESTS_HOSTILE_MEMBER_H

#include "tests/hostile/crowd.h"

#include <arpa/inet.h>

struct crowd_place {
    struct crowd_shared *shared;
    uint16_t port;
    in_addr_t source; /* the address to connect from, in the host's order */
};

/* Runs until killed; returns only where it cannot go on. */
void members_run(const struct crowd_place *place,
                 const unsigned counts[CROWD_KINDS]);

#endif
