/* A stream of requests, read whole and read in pieces. */
#ifndef TESTS_FUZZ_REQUESTS_H
#define TESTS_FUZZ_REQUESTS_H

#include "proto/proto.h"

/* Reads the stream at one go, then again as `first` bytes and from there on
 * `step` at a time (step > 0), and holds the parsers to what is true of every
 * stream:
 *
 * - no byte behind the input is read and none behind the scratch memory is
 *   written: both end at an unmapped page;
 * - requests, commands and errors are the same however the stream is cut;
 * - a request reads the same with nothing before and nothing behind it;
 * - a command is within its limits, and written in either framing reads as
 *   itself again;
 * - what is said of a request that is refused holds none of its bytes. */
void requests_check(struct slice stream, size_t first, size_t step,
                    const struct proto_limits *limits);

/* Whether they are the same in every field. */
bool command_equal(const struct command *a, const struct command *b);

#endif
