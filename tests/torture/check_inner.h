/* The checker's inside, shared by its files alone: a key's ops in order, the
 * two passes, and what they have to say. */
#ifndef TESTS_TORTURE_CHECK_INNER_H
#define TESTS_TORTURE_CHECK_INNER_H

#include "tests/torture/check.h"

#include "base/check.h"

/* --- time ----------------------------------------------------------------- */

/* Microseconds, as differences may be negative. No duration and no time of a
 * run is as long as TIME_FAR_US, and three of them still fit. */
#define TIME_FAR_US ((int64_t)1 << 60)

static inline int64_t us_of(uint64_t us)
{
    return us < (uint64_t)TIME_FAR_US ? (int64_t)us : TIME_FAR_US;
}

static inline int64_t us_of_ms(uint64_t ms)
{
    return ms < (uint64_t)TIME_FAR_US / 1000 ? (int64_t)ms * 1000 : TIME_FAR_US;
}

static inline int64_t min_us(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t max_us(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* --- ops ------------------------------------------------------------------ */

/* An op and its place in the order of the run: a came before b if and only if
 * a->end < b->begin. */
struct seen {
    const struct op *op;
    uint64_t begin;
    uint64_t end;
};

/* One key's ops, by begin. */
struct key_ops {
    uint32_t key;
    const struct seen *ops; /* borrowed */
    size_t count;
};

static inline bool seen_before(const struct seen *a, const struct seen *b)
{
    return a->end < b->begin;
}

/* An answer that says something of the key's state: neither unknown, nor an
 * error that any command can get at any time. */
bool op_tells(const struct op *op);

/* Whether it is OK, or may have been. */
bool op_may_be_ok(const struct op *op);

/* What a fresh claim keeps. */
uint64_t claim_ttl_ms(const struct history_rules *rules, const struct op *op);
uint64_t claim_lease_ms(const struct history_rules *rules, const struct op *op);

/* A claim that was granted, not shown once more. */
static inline bool op_grants(const struct op *op)
{
    return op->kind == REPLY_CLAIMED && !op->again;
}

/* --- the judge ------------------------------------------------------------ */

struct judge {
    const struct history_rules *rules;
    struct verdict *verdict;
    struct fences *fences; /* of all keys */
};

/* Enters a broken promise, with the ops that show it (some may be NULL). */
void complain(struct judge *judge, enum promise promise, uint32_t key,
              const struct seen *const *ops, size_t count);

/* COMPLAIN(judge, LOST_CLAIM, key, a, b) */
#define COMPLAIN(judge, name, key, ...)                                        \
    complain(judge, PROMISE_##name, key,                                       \
             (const struct seen *const[]){__VA_ARGS__},                        \
             sizeof((const struct seen *const[]){__VA_ARGS__}) /               \
                 sizeof(struct seen *))

/* Whether the report has room for more. */
bool report_open(const struct judge *judge);
void report_op(struct judge *judge, const char *mark, const struct seen *seen);

/* --- passes --------------------------------------------------------------- */

/* What an answer must look like by itself. */
void check_answers(struct judge *judge, const struct key_ops *key);

/* All other rules of the linear pass that look at one key. */
void check_linear(struct judge *judge, const struct key_ops *key);

/* Fences over all keys, after the keys were looked at. */
void check_fences(struct judge *judge);

enum exact { EXACT_VALID, EXACT_INVALID, EXACT_UNSURE };

/* Searches for at most `budget_ms`. */
enum exact check_exact(struct judge *judge, const struct key_ops *key,
                       uint64_t budget_ms);

#endif
