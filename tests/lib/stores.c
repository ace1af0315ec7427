#include "tests/lib/stores.h"

#include "base/check.h"
#include "storage/store_mem.h"
#include "storage/store_rocks.h"
#include "tests/lib/store_faulty.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

/* ThreadSanitizer does not see the synchronisation inside a library that was
 * built without it. */
#ifdef __SANITIZE_THREAD__
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "called_from_lib:librocksdb.so\n"
           "called_from_lib:libstdc++.so\n";
}
#endif

/* --- directories -------------------------------------------------------- */

void temp_dir_make(char *out, size_t room)
{
    const char *base = getenv("TMPDIR");

    snprintf(out, room, "%s/dedupd-test-XXXXXX", base == NULL ? "/tmp" : base);
    ck_assert_ptr_nonnull(mkdtemp(out));
}

static int remove_one(const char *path, const struct stat *st, int flag,
                      struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void temp_dir_remove(const char *dir)
{
    ck_assert_int_eq(nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* --- stores ------------------------------------------------------------- */

void test_store_prepare_at(struct test_store *t, enum store_kind kind,
                           const char *dir)
{
    memset(t, 0, sizeof(*t));
    t->kind = kind;
    snprintf(t->dir, sizeof(t->dir), "%s", dir);
    snprintf(t->data_dir, sizeof(t->data_dir), "%s/data", t->dir);
    snprintf(t->log_dir, sizeof(t->log_dir), "%s/log", t->dir);
    t->config = (struct store_config){
        .data_dir = t->data_dir,
        .log_dir = t->log_dir,
        .history = 16,
        .block_cache_bytes = 8 << 20,
        .write_buffer_bytes = 4 << 20,
        .counters = &t->counters,
    };
}

void test_store_prepare(struct test_store *t, enum store_kind kind)
{
    char dir[sizeof(t->dir)];

    temp_dir_make(dir, sizeof(dir));
    test_store_prepare_at(t, kind, dir);
}

static struct store *open_faulty(const struct store_config *config, int *status,
                                 struct err *err)
{
    struct store *inner = store_mem_open(config, status, err);

    return inner == NULL ? NULL : store_faulty_wrap(inner);
}

int test_store_try(struct test_store *t, struct err *err)
{
    static store_open_fn *const opens[STORE_KINDS] = {
        [STORE_MEM] = store_mem_open,
        [STORE_FAULTY] = open_faulty,
        [STORE_ROCKS] = store_rocks_open,
    };
    int status = 1;

    ck_assert_ptr_null(t->store);
    t->store = opens[t->kind](&t->config, &status, err);
    if (t->store != NULL) {
        ck_assert_int_eq(status, 0);
        t->session = t->store->ops->session_open(t->store);
    } else {
        ck_assert_int_lt(status, 0);
    }
    return status;
}

void test_store_shut(struct test_store *t)
{
    if (t->store != NULL) {
        t->store->ops->session_close(t->session);
        t->store->ops->close(t->store);
        t->store = NULL;
        t->session = NULL;
    }
}

static void open_now(struct test_store *t)
{
    struct err err = {0};

    ck_assert_msg(test_store_try(t, &err) == 0, "%s", err.text);
}

void test_store_open_history(struct test_store *t, enum store_kind kind,
                             uint64_t history)
{
    test_store_prepare(t, kind);
    t->config.history = history;
    open_now(t);
}

void test_store_open(struct test_store *t, enum store_kind kind)
{
    test_store_open_history(t, kind, 16);
}

void test_store_reopen(struct test_store *t)
{
    if (t->kind >= (enum store_kind)STORE_FIRST_LASTING) {
        test_store_shut(t);
        open_now(t);
    }
}

void test_store_close(struct test_store *t)
{
    test_store_shut(t);
    temp_dir_remove(t->dir);
}

Suite *suite_of_stores(const char *name, unsigned timeout_s, int first,
                       const TTest *const tests[])
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);

    tcase_set_timeout(tcase, timeout_s);
    for (int i = 0; tests[i] != NULL; i++) {
        tcase_add_loop_test(tcase, tests[i], first, STORE_KINDS);
    }
    suite_add_tcase(suite, tcase);
    return suite;
}

/* --- streams and records ------------------------------------------------ */

/* Everything that test_stream() made; LeakSanitizer sees that it is held. */
static struct made {
    struct made *next;
    uint8_t id[];
} * all_made;

struct stream test_stream_bytes(struct slice ns, struct slice key)
{
    struct made *made = malloc(sizeof(*made) + stream_id_bytes(ns, key));

    ck_assert_ptr_nonnull(made);
    made->next = all_made;
    all_made = made;
    return stream_encode(made->id, ns, key);
}

struct stream test_stream(const char *ns, const char *key)
{
    return test_stream_bytes(slice_str(ns), slice_str(key));
}

struct record test_claim(uint64_t fence, uint64_t at_ms, uint64_t ttl_ms)
{
    return (struct record){
        .type = RECORD_CLAIM,
        .fence = fence,
        .attempt = 1,
        .at_ms = at_ms,
        .ttl_ms = ttl_ms,
        .claimed_ms = at_ms,
        .lease_ms = ttl_ms,
        .lease_end_ms = at_ms + ttl_ms,
    };
}

struct record test_completion(uint64_t fence, uint64_t at_ms, uint64_t ttl_ms,
                              struct slice receipt)
{
    return (struct record){
        .type = RECORD_COMPLETION,
        .fence = fence,
        .attempt = 1,
        .at_ms = at_ms,
        .ttl_ms = ttl_ms,
        .receipt = receipt,
    };
}

struct record test_release(uint64_t fence, uint64_t at_ms, uint64_t ttl_ms)
{
    return (struct record){
        .type = RECORD_RELEASE,
        .fence = fence,
        .attempt = 1,
        .at_ms = at_ms,
        .ttl_ms = ttl_ms,
    };
}

bool record_equal(const struct record *a, const struct record *b)
{
    return a->type == b->type && a->fence == b->fence &&
           a->attempt == b->attempt && a->at_ms == b->at_ms &&
           a->ttl_ms == b->ttl_ms && a->claimed_ms == b->claimed_ms &&
           a->lease_ms == b->lease_ms && a->lease_end_ms == b->lease_end_ms &&
           slice_equal(a->owner, b->owner) && slice_equal(a->fp, b->fp) &&
           slice_equal(a->receipt, b->receipt);
}

struct head test_head(struct session *session, struct stream stream)
{
    struct head head;

    ck_assert_int_eq(session->store->ops->heads(session, &stream, &head, 1), 0);
    return head;
}

int test_append_at(struct session *session, struct stream stream, uint64_t next,
                   uint64_t fence, struct record record, uint64_t *actual_next)
{
    struct append item = {.stream = stream,
                          .expect = {next, fence},
                          .record = record};

    ck_assert_int_eq(session->store->ops->append(session, &item, 1, NULL), 0);
    if (actual_next != NULL) {
        *actual_next = item.actual_next;
    }
    return item.status;
}

void test_append(struct session *session, struct stream stream,
                 struct record record)
{
    struct head head = test_head(session, stream);
    struct expect expect = head_expect(&head);

    ck_assert_int_eq(head.status, 0);
    ck_assert_int_eq(test_append_at(session, stream, expect.next, expect.fence,
                                    record, NULL),
                     0);
}
