/* What several tests of hostile clients need of the daemon. */
#ifndef TESTS_HOSTILE_SCENE_H
#define TESTS_HOSTILE_SCENE_H

#include "tests/lib/client.h"

enum { LONG_RECEIPT_BYTES = 65536 };

/* Completes the key `long` with a receipt of LONG_RECEIPT_BYTES. */
void scene_complete_long(struct client *client);

/* Asks STATS until the number is what it has to become. */
void await_stat(struct client *client, const char *name, uint64_t value);

#endif
