/* The inside of a recorder, shared by its files alone. */
#ifndef TESTS_TORTURE_RECORDER_INNER_H
#define TESTS_TORTURE_RECORDER_INNER_H

#include "tests/torture/recorder.h"

enum {
    RECORDER_BURST_MAX = 32,
    RECORDER_PROBE_EACH_US = 2000,
};

/* Whether it has keys left to read before it asks as the others do. */
bool is_reading(const struct recorder *recorder,
                const struct recorder_client *client);

/* Closes the connection; what is pending stays open. */
void drop(struct recorder *recorder, struct recorder_client *client,
          bool reset);

/* Enters ops without an answer whose connections were cut before. */
void settle_open(struct recorder *recorder, uint64_t cut_before_us,
                 uint64_t ended_us);

/* Takes the replies that are there. False when one was wrong. */
bool receive(struct recorder *recorder, struct recorder_client *client);

/* Asks the daemon how many connections it has, if that is worth it by now. */
void send_probe(struct recorder *recorder, uint64_t now_us);

#endif
