/* Commands that are under way at the same time, on several connections, and
 * their answers; compared with the model once the order in which the system
 * decided them is known.
 *
 * A lane is a connection. What is added to a lane is answered in that order; a
 * command's answer is compared when its turn in the order of decisions comes.
 * One thread at a time. Memory running out aborts. */
#ifndef TESTS_LIB_MODEL_BATCH_H
#define TESTS_LIB_MODEL_BATCH_H

#include "base/buf.h"
#include "tests/lib/model_gen.h"

enum { BATCH_LANES_MAX = 8, BATCH_ENTRIES_MAX = 256 /* of a lane */ };

struct batch;

/* The model is borrowed. `masked`: as model_check_masked(). */
struct batch *batch_new(struct model *model, bool masked);
void batch_free(struct batch *batch);

/* Writes the step's command to `to`, behind a NAMESPACE where the lane is in
 * another one. `rng` chooses the framings, and sometimes puts requests in
 * front that change nothing. The step is copied. */
void batch_add(struct batch *batch, size_t lane, struct rng *rng,
               const struct model_step *step, struct buf *to);

/* The framing of the next answer of the lane; false: it owes none. */
bool batch_owes(const struct batch *batch, size_t lane, bool *resp);

/* The next answer of the lane; copied. False, and a sentence in `why`, when it
 * cannot be right. */
bool batch_answer(struct batch *batch, size_t lane, const struct reply *reply,
                  struct err *why);

/* The next answered command of the lane that was not compared yet; false: there
 * is none. */
bool batch_next(const struct batch *batch, size_t lane, struct reply *reply);

/* The lane's next command was decided now: compares its answer. False, and the
 * command and the difference in `report`, when it is wrong. */
bool batch_decided(struct batch *batch, size_t lane, uint64_t now_ms,
                   struct buf *report);

/* Everything was answered and compared: the lanes are empty again and stay in
 * their namespaces. False: something is left. */
bool batch_finish(struct batch *batch);

/* The lane is a new connection, in the namespace `default`. It is empty. */
void batch_reconnect(struct batch *batch, size_t lane);

#endif
