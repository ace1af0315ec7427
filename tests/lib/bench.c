#include "tests/lib/bench.h"

#include "base/check.h"

#include <inttypes.h>

static uint64_t read_wall(void *arg)
{
    return ((struct test_clock *)arg)->wall_us;
}

static uint64_t read_boot(void *arg)
{
    return ((struct test_clock *)arg)->boot_us;
}

struct clock test_clock_source(struct test_clock *clock)
{
    return (struct clock){read_wall, read_boot, clock};
}

static int try_start(struct bench *b)
{
    const struct store_ops *ops = b->store.store->ops;
    struct marks marks;
    int status;

    ops->marks(b->store.store, &marks);
    steady_start(&b->steady, &b->clock, b->boot_id, &marks.clock);
    status = ops->append(b->store.session, NULL, 0, &marks);
    if (status != 0) {
        return ops->trouble_status(b->store.session);
    }
    status = turn_init(&b->turn, b->store.session, &b->steady, &marks,
                       &b->rules, &b->store.counters);
    ck_assert_int_eq(status, 0);
    status = sweeper_init(&b->sweeper, &b->turn);
    ck_assert_int_eq(status, 0);
    return 0;
}

static void start(struct bench *b)
{
    int status = try_start(b);

    ck_assert_int_eq(status, 0);
}

static void stop(struct bench *b)
{
    sweeper_release(&b->sweeper);
    turn_release(&b->turn);
}

static const struct rules usual_rules = {.grace_ms = 1000,
                                         .ttl_ms = 60000,
                                         .lease_ms_max = UINT64_C(2592000000)};

static void init(struct bench *b, const struct rules *rules)
{
    memset(b, 0, sizeof(*b));
    b->rules = *rules;
    b->clock = test_clock_source(&b->time);
    snprintf(b->boot_id, sizeof(b->boot_id), "boot-1");
}

void bench_open_rules(struct bench *b, enum store_kind kind,
                      const struct rules *rules)
{
    init(b, rules);
    test_store_open(&b->store, kind);
    start(b);
}

void bench_open(struct bench *b, enum store_kind kind)
{
    bench_open_rules(b, kind, &usual_rules);
}

int bench_open_at(struct bench *b, const char *dir, uint64_t write_buffer_bytes,
                  uint64_t at_us, struct err *err)
{
    int status;

    init(b, &usual_rules);
    b->time = (struct test_clock){at_us, at_us};
    test_store_prepare_at(&b->store, STORE_ROCKS, dir);
    b->store.config.write_buffer_bytes = write_buffer_bytes;
    status = test_store_try(&b->store, err);
    if (status == 0) {
        status = try_start(b);
        if (status != 0) {
            err_set(err, status, "%s", BENCH_FIRST_WRITE);
            test_store_shut(&b->store);
        }
    }
    return status;
}

void bench_close(struct bench *b)
{
    stop(b);
    test_store_close(&b->store);
}

void bench_restart(struct bench *b)
{
    stop(b);
    test_store_reopen(&b->store);
    start(b);
}

void bench_stop(struct bench *b)
{
    stop(b);
    test_store_shut(&b->store);
}

void bench_start(struct bench *b)
{
    struct err err = {""};
    int status = test_store_try(&b->store, &err);

    ck_assert_msg(status == 0, "%s", err.text);
    start(b);
}

uint64_t bench_now_ms(const struct bench *b)
{
    return steady_now_us(&b->steady) / 1000;
}

void bench_at(struct bench *b, uint64_t now_ms)
{
    ck_assert_uint_ge(now_ms, bench_now_ms(b));
    /* After a reboot it may stand still for a while. */
    while (bench_now_ms(b) < now_ms) {
        uint64_t step_ms = now_ms - bench_now_ms(b);

        b->time.boot_us += step_ms * 1000;
        b->time.wall_us += step_ms * 1000;
    }
}

/* All requests ever made, which replies borrow from: kept to the end. */
struct made {
    struct request request;
    struct made *before;
    uint8_t id[];
};

static struct made *all_made;

static struct request *new_request(struct slice ns, struct command command)
{
    struct made *made =
        calloc(1, sizeof(*made) + stream_id_bytes(ns, command.key));
    struct request *request;

    CHECK(made != NULL);
    made->before = all_made;
    all_made = made;
    request = &made->request;
    request->command = command;
    request->stream = stream_encode(made->id, ns, command.key);
    return request;
}

struct request *bench_request(const char *ns, struct command command)
{
    return new_request(slice_str(ns), command);
}

struct reply bench_run_in(struct bench *b, struct slice ns,
                          struct command command)
{
    struct request_list list = STAILQ_HEAD_INITIALIZER(list);
    struct request *request = new_request(ns, command);
    int status;

    STAILQ_INSERT_TAIL(&list, request, link);
    status = turn_run(&b->turn, &list);
    if (status < 0) {
        ck_assert_int_eq(status, E_INDETERMINATE);
    }
    return request->reply;
}

struct reply bench_run(struct bench *b, struct command command)
{
    return bench_run_in(b, slice_str("default"), command);
}

struct reply bench_sweep(struct bench *b)
{
    struct sweeper before = b->sweeper;

    sweeper_begin(&b->sweeper);
    while (b->sweeper.running) {
        int status = sweeper_slice(&b->sweeper);

        ck_assert_int_eq(status, 0);
    }
    return (struct reply){
        .kind = REPLY_SWEPT,
        .swept_scanned = b->sweeper.scanned - before.scanned,
        .swept_expired = b->sweeper.expired - before.expired,
        .swept_retained = b->sweeper.retained - before.retained,
    };
}

/* --- commands ------------------------------------------------------------- */

static struct command of_key(enum verb verb, const char *key)
{
    return (struct command){.verb = verb, .key = slice_str(key)};
}

struct command claim(const char *key)
{
    return of_key(VERB_CLAIM, key);
}

struct command complete(const char *key, const char *receipt)
{
    return with_receipt(of_key(VERB_COMPLETE, key), slice_str(receipt));
}

struct command release(const char *key)
{
    return of_key(VERB_RELEASE, key);
}

struct command extend(const char *key, uint64_t fence)
{
    return with_fence(of_key(VERB_EXTEND, key), fence);
}

struct command lookup(const char *key)
{
    return of_key(VERB_LOOKUP, key);
}

struct command with_fence(struct command command, uint64_t fence)
{
    command.given |= OPTION_FENCE;
    command.fence = fence;
    return command;
}

struct command with_lease(struct command command, uint64_t lease_ms)
{
    command.given |= OPTION_LEASE;
    command.lease_ms = lease_ms;
    return command;
}

struct command with_ttl(struct command command, uint64_t ttl_ms)
{
    command.given |= OPTION_TTL;
    command.ttl_ms = ttl_ms;
    return command;
}

struct command with_owner(struct command command, const char *owner)
{
    command.given |= OPTION_OWNER;
    command.owner = slice_str(owner);
    return command;
}

struct command with_fp(struct command command, const char *fp)
{
    command.given |= OPTION_FP;
    command.fp = slice_str(fp);
    return command;
}

struct command with_receipt(struct command command, struct slice receipt)
{
    command.receipt = receipt;
    return command;
}

/* --- assertions ----------------------------------------------------------- */

const char *reply_text(const struct reply *reply)
{
    static char text[256];

    switch (reply->kind) {
    case REPLY_OK:
        return "OK";
    case REPLY_EXTENDED:
        return "EXTENDED";
    case REPLY_CLAIMED:
        return reply->again ? "CLAIMED again" : "CLAIMED";
    case REPLY_INFLIGHT:
        return "INFLIGHT";
    case REPLY_EXPIRED:
        return "EXPIRED";
    case REPLY_NOT_FOUND:
        return "NOT_FOUND";
    case REPLY_COMPLETED:
        snprintf(text, sizeof(text), "COMPLETED %.*s", (int)reply->receipt.len,
                 (const char *)reply->receipt.data);
        return text;
    case REPLY_SWEPT:
        snprintf(text, sizeof(text), "SWEPT %" PRIu64 " %" PRIu64 " %" PRIu64,
                 reply->swept_scanned, reply->swept_expired,
                 reply->swept_retained);
        return text;
    case REPLY_ERROR:
        return status_name(reply->error);
    case REPLY_NONE:
    case REPLY_PONG:
    case REPLY_BYE:
    case REPLY_STATS:
    case REPLY_HELP:
    default:
        return "another reply";
    }
}
