/* The comparisons of a session. */
#ifndef TESTS_FUZZ_SCENE_CHECK_H
#define TESTS_FUZZ_SCENE_CHECK_H

#include "tests/fuzz/scene.h"

/* Memory of what the entries borrow. */
void arena_reset(void);
bool arena_has_room(void);

/* Reads requests off what the client sends, as entries. */
void note_sent(struct scene *scene, struct lane *lane, struct slice bytes);

/* The engine has decided a request of the lane: the next one there that is
 * for the engine, and as the model says. */
void check_decision(struct scene *scene, struct lane *lane,
                    const struct request *request);

/* Takes the replies that have come: those of the next entries. */
void check_replies(struct lane *lane);

/* Everything whole was answered, and the client's side is as far as the
 * reading here. Forgets the entries. */
void check_settled(struct lane *lane);

#endif
