#include "tests/engine/model_cases.h"

#include "base/check.h"
#include "tests/lib/runner.h"

struct model *m;
static uint64_t last_fence;

const struct model_rules usual = {.grace_ms = 1000,
                                  .ttl_ms = 60000,
                                  .lease_ms_max = 3600000};

void begin(const struct model_rules *rules)
{
    m = model_new(rules);
    last_fence = 0;
}

void end(void)
{
    model_free(m);
    m = NULL;
}

/* Options count as given when they are not 0 or empty. */
static struct command with_given(const struct command *command)
{
    struct command full = *command;

    full.given |= command->fence > 0 ? OPTION_FENCE : 0;
    full.given |= command->lease_ms > 0 ? OPTION_LEASE : 0;
    full.given |= command->ttl_ms > 0 ? OPTION_TTL : 0;
    full.given |= command->owner.len > 0 ? OPTION_OWNER : 0;
    full.given |= command->fp.len > 0 ? OPTION_FP : 0;
    if (full.key.len == 0) {
        full.key = slice_str("key");
    }
    return full;
}

/* Fresh claims get the fences 1, 2, 3 … */
struct reply act(uint64_t now_ms, const struct command *command)
{
    struct command full = with_given(command);
    struct slice ns = full.name.len > 0 ? full.name : slice_str("default");
    struct reply reply = model_predict(m, ns, &full, now_ms, last_fence + 1);

    if (reply.kind == REPLY_CLAIMED && !reply.again) {
        last_fence++;
    }
    model_apply(m, ns, &full, now_ms, reply.fence);
    return reply;
}

void is(struct reply reply, enum reply_kind kind)
{
    ck_assert_int_eq((int)reply.kind, (int)kind);
}

void fails(struct reply reply, int error)
{
    ck_assert_int_eq((int)reply.kind, (int)REPLY_ERROR);
    ck_assert_str_eq(status_name(reply.error), status_name(error));
}

void claimed(struct reply reply, uint64_t lease_ms, uint64_t attempt)
{
    is(reply, REPLY_CLAIMED);
    ck_assert_uint_eq(reply.lease_ms, lease_ms);
    ck_assert_uint_eq(reply.attempt, attempt);
    ck_assert(!reply.again);
}

void inflight(struct reply reply, uint64_t age_ms, uint64_t lease_ms,
              uint64_t retry_ms)
{
    is(reply, REPLY_INFLIGHT);
    ck_assert_uint_eq(reply.age_ms, age_ms);
    ck_assert_uint_eq(reply.lease_ms, lease_ms);
    ck_assert_uint_eq(reply.retry_ms, retry_ms);
}

void completed(struct reply reply, const char *receipt, uint64_t age_ms,
               uint64_t ttl_ms)
{
    is(reply, REPLY_COMPLETED);
    ck_assert(slice_equal(reply.receipt, slice_str(receipt)));
    ck_assert_uint_eq(reply.age_ms, age_ms);
    ck_assert_uint_eq(reply.ttl_ms, ttl_ms);
}

void extended(struct reply reply, uint64_t lease_ms)
{
    is(reply, REPLY_EXTENDED);
    ck_assert_uint_eq(reply.lease_ms, lease_ms);
}

void sweeps(uint64_t now_ms, uint64_t expired)
{
    struct reply reply = DO(now_ms, SWEEP);

    is(reply, REPLY_SWEPT);
    ck_assert_uint_eq(reply.swept_expired, expired);
}
