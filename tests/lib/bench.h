/* The engine's parts on a store of any kind, with a clock that the test owns
 * and no thread. */
#ifndef TESTS_LIB_BENCH_H
#define TESTS_LIB_BENCH_H

#include "engine/sweeper.h"
#include "engine/turn.h"
#include "tests/lib/stores.h"

/* Raw time that only moves when told to. */
struct test_clock {
    uint64_t wall_us;
    uint64_t boot_us;
};

struct clock test_clock_source(struct test_clock *clock);

struct bench {
    struct test_store store;
    struct test_clock time;
    struct clock clock;
    char boot_id[BOOT_ID_BYTES]; /* may be changed before a restart */
    struct rules rules;
    struct steady steady;
    struct turn turn;
    struct sweeper sweeper;
};

/* Opens everything at steady time 0 with a grace of 1 s, a ttl of 60 s and a
 * lease as long as the ttl. */
void bench_open(struct bench *b, enum store_kind kind);
void bench_open_rules(struct bench *b, enum store_kind kind,
                      const struct rules *rules);
void bench_close(struct bench *b);

/* Ends without storing the marks, as a kill does, and starts again, in the same
 * boot unless boot_id was changed. A store that does not last stays open. */
void bench_restart(struct bench *b);

/* The two halves of it, for tests that do something to the files between. */
void bench_stop(struct bench *b);
void bench_start(struct bench *b);

/* What `err` of the next function says where the store could be opened. */
#define BENCH_FIRST_WRITE "the first write failed"

/* Opens what is in `dir`, which has `data`, and stays the caller's; raw time is
 * `at_us`. The status of the store's opening and first write; if it is not 0,
 * nothing is open. bench_stop() ends it. */
int bench_open_at(struct bench *b, const char *dir, uint64_t write_buffer_bytes,
                  uint64_t at_us, struct err *err);

/* Steady time goes on to `now_ms`. */
void bench_at(struct bench *b, uint64_t now_ms);
uint64_t bench_now_ms(const struct bench *b);

/* Runs one turn of one command of the namespace "default". The reply's slices
 * are the test's for good. */
struct reply bench_run(struct bench *b, struct command command);
struct reply bench_run_in(struct bench *b, struct slice ns,
                          struct command command);

/* A request for a turn of several; freed by the process's end. */
struct request *bench_request(const char *ns, struct command command);

/* Sweeps all that is due now; the counts are those of this sweep. */
struct reply bench_sweep(struct bench *b);

/* --- commands ------------------------------------------------------------- */

struct command claim(const char *key);
struct command complete(const char *key, const char *receipt);
struct command release(const char *key);
struct command extend(const char *key, uint64_t fence);
struct command lookup(const char *key);

struct command with_fence(struct command command, uint64_t fence);
struct command with_lease(struct command command, uint64_t lease_ms);
struct command with_ttl(struct command command, uint64_t ttl_ms);
struct command with_owner(struct command command, const char *owner);
struct command with_fp(struct command command, const char *fp);
struct command with_receipt(struct command command, struct slice receipt);

/* --- assertions ----------------------------------------------------------- */

const char *reply_text(const struct reply *reply);

#define ck_reply(given, expected)                                              \
    do {                                                                       \
        struct reply reply_ = (given);                                         \
        ck_assert_str_eq(reply_text(&reply_), expected);                       \
    } while (0)

#endif
