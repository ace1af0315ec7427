/* One model, and commands and expectations in few words. */
#ifndef TESTS_ENGINE_MODEL_CASES_H
#define TESTS_ENGINE_MODEL_CASES_H

#include "tests/lib/model.h"

/* From begin() to end(). */
extern struct model *m;

/* 1 s of grace, 60 s of ttl, lease as the ttl and an hour at most. */
extern const struct model_rules usual;

void begin(const struct model_rules *rules);
void end(void);

/* Does the command and returns the model's answer. Fresh claims get the fences
 * 1, 2, 3 and so on. Options count as given when they are not 0 or empty; the
 * key is `key` and the namespace (.name) `default` where none is said. */
struct reply act(uint64_t now_ms, const struct command *command);

/* DO(1000, CLAIM, .lease_ms = 5) or DO(1000, LOOKUP). */
#define DO(now_ms, ...)                                                        \
    act(now_ms, &(struct command){.verb = VERB_##__VA_ARGS__})
#define TEXT(text)    slice_of(text, sizeof(text) - 1)
#define RECEIPT(text) .receipt = TEXT(text)

/* What an answer must be; a Check failure if it is not. */
void is(struct reply reply, enum reply_kind kind);
void fails(struct reply reply, int error);
void claimed(struct reply reply, uint64_t lease_ms, uint64_t attempt);
void inflight(struct reply reply, uint64_t age_ms, uint64_t lease_ms,
              uint64_t retry_ms);
void completed(struct reply reply, const char *receipt, uint64_t age_ms,
               uint64_t ttl_ms);
void extended(struct reply reply, uint64_t lease_ms);

/* A SWEEP at that time must remove so many keys. */
void sweeps(uint64_t now_ms, uint64_t expired);

#endif
