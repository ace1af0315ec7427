#include "tests/lib/model.h"

#include "base/check.h"

#include <inttypes.h>

static const char *kind_name(const struct reply *reply)
{
    static const char *const names[] = {
        [REPLY_NONE] = "no answer",
        [REPLY_OK] = "OK",
        [REPLY_EXTENDED] = "OK with a lease",
        [REPLY_CLAIMED] = "CLAIMED",
        [REPLY_INFLIGHT] = "INFLIGHT",
        [REPLY_EXPIRED] = "EXPIRED",
        [REPLY_COMPLETED] = "COMPLETED",
        [REPLY_NOT_FOUND] = "NOT_FOUND",
        [REPLY_SWEPT] = "SWEPT",
        [REPLY_PONG] = "PONG",
        [REPLY_BYE] = "BYE",
        [REPLY_STATS] = "STATS",
        [REPLY_HELP] = "HELP",
        [REPLY_ERROR] = "ERR ",
    };

    return reply->kind <= REPLY_ERROR ? names[reply->kind] : "garbage";
}

static const char *error_name(const struct reply *reply)
{
    return reply->kind == REPLY_ERROR ? status_name(reply->error) : "";
}

static bool same_kind(const struct reply *actual, const struct reply *expected,
                      struct err *why)
{
    if (actual->kind == expected->kind && actual->error == expected->error) {
        return true;
    }
    err_set(why, -1, "the answer is %s%s, should be %s%s", kind_name(actual),
            error_name(actual), kind_name(expected), error_name(expected));
    return false;
}

static bool same_number(const char *field, uint64_t actual, uint64_t expected,
                        struct err *why)
{
    if (actual != expected) {
        err_set(why, -1, "%s is %" PRIu64 ", should be %" PRIu64, field, actual,
                expected);
    }
    return actual == expected;
}

static bool same_bytes(const char *field, struct slice actual,
                       struct slice expected, struct err *why)
{
    size_t i = 0;

    if (slice_equal(actual, expected)) {
        return true;
    }
    while (i < actual.len && i < expected.len &&
           actual.data[i] == expected.data[i]) {
        i++;
    }
    err_set(why, -1, "%s (%zu bytes, should be %zu) differs from byte %zu on",
            field, actual.len, expected.len, i);
    return false;
}

static bool same_swept(const struct reply *actual, const struct reply *expected,
                       bool masked, struct err *why)
{
    uint64_t sum = actual->swept_expired + actual->swept_retained;

    if (masked && actual->swept_expired > expected->swept_expired) {
        err_set(why, -1, "swept %" PRIu64 " keys, only %" PRIu64 " were due",
                actual->swept_expired, expected->swept_expired);
        return false;
    }
    if (!masked && !same_number("expired", actual->swept_expired,
                                expected->swept_expired, why)) {
        return false;
    }
    return same_number("scanned", actual->swept_scanned,
                       expected->kind == REPLY_SWEPT ? sum : 0, why);
}

/* What depends on the moment of the decision. */
static bool same_times(const struct reply *actual, const struct reply *expected,
                       struct err *why)
{
    return same_number("age", actual->age_ms, expected->age_ms, why) &&
           same_number("lease", actual->lease_ms, expected->lease_ms, why) &&
           same_number("retry", actual->retry_ms, expected->retry_ms, why) &&
           same_number("ttl", actual->ttl_ms, expected->ttl_ms, why);
}

static bool same_reply(const struct reply *actual, const struct reply *expected,
                       bool masked, struct err *why)
{
    if (!same_kind(actual, expected, why) ||
        !same_number("fence", actual->fence, expected->fence, why) ||
        !same_number("attempt", actual->attempt, expected->attempt, why) ||
        !same_number("again", actual->again, expected->again, why) ||
        !same_bytes("receipt", actual->receipt, expected->receipt, why) ||
        !same_bytes("owner", actual->owner, expected->owner, why) ||
        !same_swept(actual, expected, masked, why)) {
        return false;
    }
    if (!masked) {
        return same_times(actual, expected, why);
    }
    return expected->kind != REPLY_CLAIMED || expected->again ||
           same_number("lease", actual->lease_ms, expected->lease_ms, why);
}

/* A lower bound of the time is enough: fences follow microseconds, the time of
 * a decision is told in milliseconds. */
static bool good_fence(const struct model *model, uint64_t fence,
                       uint64_t now_ms, struct err *why)
{
    if (fence <= model_last_fence(model)) {
        err_set(why, -1,
                "the fence %" PRIu64 " is not larger than %" PRIu64
                ", which was given before",
                fence, model_last_fence(model));
        return false;
    }
    if (fence > FENCE_MAX) {
        err_set(why, -1, "the fence %" PRIu64 " is above 2^53 - 1", fence);
        return false;
    }
    if (model_rules_of(model)->fence_follows_time && fence / 1000 < now_ms) {
        err_set(why, -1,
                "the fence %" PRIu64 " is before the time %" PRIu64 "000",
                fence, now_ms);
        return false;
    }
    return true;
}

/* Everything but the fence of a fresh claim is foretold. */
static bool check(struct model *model, struct slice ns,
                  const struct command *command, uint64_t now_ms,
                  const struct reply *actual, bool masked, struct err *why)
{
    struct reply expected =
        model_predict(model, ns, command, now_ms, actual->fence);
    bool fresh = expected.kind == REPLY_CLAIMED && !expected.again;

    if (!same_reply(actual, &expected, masked, why) ||
        (fresh && !good_fence(model, actual->fence, now_ms, why))) {
        return false;
    }
    model_apply(model, ns, command, now_ms, actual->fence);
    return true;
}

bool model_check(struct model *model, struct slice ns,
                 const struct command *command, uint64_t now_ms,
                 const struct reply *actual, struct err *why)
{
    return check(model, ns, command, now_ms, actual, false, why);
}

bool model_check_masked(struct model *model, struct slice ns,
                        const struct command *command, uint64_t now_ms,
                        const struct reply *actual, struct err *why)
{
    return check(model, ns, command, now_ms, actual, true, why);
}
