/* Every kind of store, to run the same tests over all of them.
 *
 * A test that takes the store's kind from Check's loop variable:
 *
 *     START_TEST(a_store_does_this)
 *     {
 *         struct test_store t;
 *
 *         test_store_open(&t, (enum store_kind)_i);
 *         …
 *         test_store_close(&t);
 *     }
 *     END_TEST
 *
 *     SUITE_OF_STORES(name, 10, a_store_does_this)
 */
#ifndef TESTS_LIB_STORES_H
#define TESTS_LIB_STORES_H

#include "storage/store.h"
#include "tests/lib/runner.h"

#include <limits.h>

enum store_kind {
    STORE_MEM,
    STORE_FAULTY, /* over a memory store; no fault is armed */
    STORE_ROCKS,
    STORE_KINDS,
};

/* Of the kinds, those that survive being closed; the loop of tests that
 * reopen. */
enum { STORE_FIRST_LASTING = STORE_ROCKS };

/* One open store with one session. May be on the stack. */
struct test_store {
    enum store_kind kind;
    char dir[PATH_MAX / 2]; /* of this test; has `data` and `log` */
    char data_dir[PATH_MAX];
    char log_dir[PATH_MAX];
    struct counters counters;
    struct store_config config; /* may be changed before a reopen */
    struct store *store;
    struct session *session;
};

/* Opens a store on a new temporary directory, with a history of 16. */
void test_store_open(struct test_store *t, enum store_kind kind);

/* The same with another history. */
void test_store_open_history(struct test_store *t, enum store_kind kind,
                             uint64_t history);

/* Only makes the directory and the configuration. */
void test_store_prepare(struct test_store *t, enum store_kind kind);

/* The same in a directory that is there and stays the caller's. */
void test_store_prepare_at(struct test_store *t, enum store_kind kind,
                           const char *dir);

/* Opens what was prepared or closed; the status. With 0, there is a session. */
int test_store_try(struct test_store *t, struct err *err);

/* Closes the session and the store, if open. */
void test_store_shut(struct test_store *t);

/* Shut and open again; a store that does not last is left as it is. */
void test_store_reopen(struct test_store *t);

/* Shuts and removes the directory. */
void test_store_close(struct test_store *t);

/* A directory under $TMPDIR or /tmp, and its removal with all it contains. */
void temp_dir_make(char *out, size_t room);
void temp_dir_remove(const char *dir);

/* A suite whose tests run for _i from `first` to STORE_KINDS - 1. */
Suite *suite_of_stores(const char *name, unsigned timeout_s, int first,
                       const TTest *const tests[]);

#define SUITE_OF_STORES_FROM(first, name, timeout_s, ...)                      \
    suite_fn suite_##name;                                                     \
    Suite *suite_##name(void)                                                  \
    {                                                                          \
        return suite_of_stores(#name, timeout_s, first,                        \
                               (const TTest *const[]){__VA_ARGS__, NULL});     \
    }

#define SUITE_OF_STORES(name, timeout_s, ...)                                  \
    SUITE_OF_STORES_FROM(0, name, timeout_s, __VA_ARGS__)

/* --- what tests write, in one line each --------------------------------- */

/* A stream of the namespace and key; its bytes live until the process ends. */
struct stream test_stream(const char *ns, const char *key);
struct stream test_stream_bytes(struct slice ns, struct slice key);

/* Records with plausible other fields. */
struct record test_claim(uint64_t fence, uint64_t at_ms, uint64_t ttl_ms);
struct record test_completion(uint64_t fence, uint64_t at_ms, uint64_t ttl_ms,
                              struct slice receipt);
struct record test_release(uint64_t fence, uint64_t at_ms, uint64_t ttl_ms);

bool record_equal(const struct record *a, const struct record *b);

/* One stream's head. */
struct head test_head(struct session *session, struct stream stream);

/* Appends one record to what the store has; ck_asserts that it succeeds. */
void test_append(struct session *session, struct stream stream,
                 struct record record);

/* One item with an expectation of its own; the item's status. */
int test_append_at(struct session *session, struct stream stream, uint64_t next,
                   uint64_t fence, struct record record, uint64_t *actual_next);

#endif
