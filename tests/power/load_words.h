/* Numbers of a history as the bytes that stand for them on the wire. */
#ifndef TESTS_POWER_LOAD_WORDS_H
#define TESTS_POWER_LOAD_WORDS_H

#include "tests/torture/history.h"

/* The request as a line, appended. */
void words_request(const struct op *op, struct buf *out);

/* What was answered, into the op. */
void words_answer(const struct reply *reply, struct op *op);

#endif
