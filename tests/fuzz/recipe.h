/* Streams of requests from a fuzzer's bytes: most are nearly right, so that
 * what is behind the first word is reached too. */
#ifndef TESTS_FUZZ_RECIPE_H
#define TESTS_FUZZ_RECIPE_H

#include "base/buf.h"
#include "tests/fuzz/taker.h"

/* No stream is longer than that and one more request. */
enum { RECIPE_BYTES_MAX = 12000 };

/* Appends requests until the bytes are used up: lines, or RESP if `resp`, with
 * the other framing and mere bytes between them. */
void recipe_stream(struct buf *to, struct taker *from, bool resp);

#endif
