#include "tests/damage/golden.h"

#include "base/banned.h"
#include "base/key_hash.h"
#include "tests/damage/harm.h"
#include "tests/damage/tree.h"
#include "tests/lib/site.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ROUND_KEYS = 24,
    RECEIPT_BYTES = 250,
    SMALL_BUFFER = 512 * 1024,
    USUAL_BUFFER = 4 * 1024 * 1024,
};

const char *golden_text(enum golden_kind kind)
{
    static const char *const texts[GOLDEN_KINDS] = {
#define X(name, text) [GOLDEN_##name] = text,
        GOLDEN_MAP(X)
#undef X
    };

    return texts[kind];
}

static const char *key_name(unsigned key)
{
    static char name[32];

    snprintf(name, sizeof(name), "key-%u", key);
    return name;
}

/* Does not shrink when it is compressed. */
static struct slice receipt_of(unsigned key, size_t len)
{
    static uint8_t bytes[8192];
    uint64_t seed = key;

    ck_assert_uint_le(len, sizeof(bytes));
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)harm_random(&seed);
    }
    return slice_of(bytes, len);
}

static void expect_done(struct reply reply, enum reply_kind kind)
{
    ck_assert_msg(reply.kind == kind, "%s", reply_text(&reply));
}

/* --- what is written ------------------------------------------------------ */

/* One key through part of its life: claimed; completed; released and claimed
 * again; with a short ttl; released. Some of the former are changed too. */
static void write_key(struct bench *b, unsigned key, size_t receipt_bytes)
{
    struct command first = claim(key_name(key));

    if (key % 6 == 3) {
        first = with_ttl(first, 100 + key);
    }
    expect_done(bench_run(b, first), REPLY_CLAIMED);
    if (key % 6 == 4 || key % 6 == 2) {
        expect_done(bench_run(b, release(key_name(key))), REPLY_OK);
    }
    if (key % 6 == 2) {
        expect_done(bench_run(b, claim(key_name(key))), REPLY_CLAIMED);
    }
    if (key % 6 == 1 || key % 6 == 5) {
        struct command done = complete(key_name(key), "");

        done.receipt = receipt_of(key, receipt_bytes);
        expect_done(bench_run(b, done), REPLY_OK);
    }
}

/* Completes what an earlier round has only claimed: the older row must not come
 * back. */
static void finish_key(struct bench *b, unsigned key)
{
    struct command done = complete(key_name(key), "");

    done.receipt = receipt_of(key + 7, 20);
    if (key % 12 == 0) {
        expect_done(bench_run(b, done), REPLY_OK);
    }
}

static void write_round(struct bench *b, struct golden *golden,
                        size_t receipt_bytes)
{
    unsigned from = golden->keys;

    for (unsigned key = from; key < from + ROUND_KEYS; key++) {
        write_key(b, key, receipt_bytes);
        bench_at(b, bench_now_ms(b) + 1);
        if (key >= ROUND_KEYS) {
            finish_key(b, key - ROUND_KEYS);
        }
    }
    golden->keys += ROUND_KEYS;
}

static void sweep(struct bench *b)
{
    bench_at(b, bench_now_ms(b) + 1500);
    bench_sweep(b);
}

static void open_golden(struct bench *b, const struct golden *golden)
{
    struct err err = {""};
    int status = bench_open_at(b, golden->dir, golden->write_buffer_bytes,
                               golden->end_us, &err);

    ck_assert_msg(status == 0, "%s", err.text);
}

static void shut_golden(struct bench *b, struct golden *golden)
{
    golden->end_us = b->time.boot_us;
    bench_stop(b);
}

/* Each opening makes table files of what the one before left in the log. */
static void write_tables(struct golden *golden, unsigned rounds)
{
    struct bench b;

    for (unsigned round = 0; round < rounds; round++) {
        open_golden(&b, golden);
        write_round(&b, golden, RECEIPT_BYTES);
        if (round % 3 == 2) {
            sweep(&b);
        }
        shut_golden(&b, golden);
    }
}

static void keep_older(const struct golden *golden)
{
    char data[PATH_MAX];
    char older[PATH_MAX];

    snprintf(data, sizeof(data), "%s/data", golden->dir);
    snprintf(older, sizeof(older), "%s/older", golden->dir);
    tree_copy(data, older);
    ck_assert(file_exists(tree_path(older, "FORMAT")));
}

static void keep_answers(struct bench *b, struct golden *golden)
{
    bench_at(b, bench_now_ms(b) + 1);
    for (unsigned key = 0; key < golden->keys; key++) {
        golden->answers[key] = golden_ask(b, key);
    }
    golden->end_us = b->time.boot_us;
}

/* The last run of the daemon, which is not going to stop. */
static void write_last(struct golden *golden)
{
    unsigned rounds = golden->kind == GOLDEN_LOGS ? 8 : 2;
    struct bench b;

    open_golden(&b, golden);
    for (unsigned round = 0; round < rounds; round++) {
        if (round == rounds / 2) {
            keep_older(golden);
        }
        write_round(&b, golden, golden->kind == GOLDEN_LOGS ? 2000 : 30);
    }
    keep_answers(&b, golden);
}

/* A run that only moves the log to tables, and stops. */
static void write_nothing(struct golden *golden)
{
    struct bench b;

    keep_older(golden);
    open_golden(&b, golden);
    keep_answers(&b, golden);
    bench_stop(&b);
}

static void make(struct golden *golden)
{
    if (golden->kind == GOLDEN_MIXED || golden->kind == GOLDEN_TABLES) {
        write_tables(golden, 7);
    } else {
        struct bench b;

        open_golden(&b, golden);
        shut_golden(&b, golden);
    }
    if (golden->kind == GOLDEN_TABLES) {
        write_nothing(golden);
    } else {
        write_last(golden);
    }
}

/* --- in a process of its own ---------------------------------------------- */

void golden_make(struct golden *golden, enum golden_kind kind)
{
    struct golden *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;
    pid_t pid;

    ck_assert_ptr_ne(shared, MAP_FAILED);
    *shared =
        (struct golden){.kind = kind,
                        .write_buffer_bytes =
                            kind == GOLDEN_LOGS ? SMALL_BUFFER : USUAL_BUFFER};
    temp_dir_make(shared->dir, sizeof(shared->dir));
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        make(shared);
        kill(getpid(), SIGKILL);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
                  "the data could not be made");
    *golden = *shared;
    munmap(shared, sizeof(*shared));
    ck_assert_uint_gt(golden->keys, 0);
}

void golden_remove(struct golden *golden)
{
    directory_remove(golden->dir);
}

/* --- answers -------------------------------------------------------------- */

struct answer golden_ask(struct bench *b, unsigned key)
{
    struct reply reply = bench_run(b, lookup(key_name(key)));
    struct answer answer;

    memset(&answer, 0, sizeof(answer));
    answer.kind = reply.kind;
    answer.error = reply.error;
    answer.fence = reply.fence;
    answer.attempt = reply.attempt;
    answer.receipt_hash = key_hash(reply.receipt);
    answer.receipt_bytes = reply.receipt.len;
    return answer;
}

const char *answer_text(const struct answer *answer)
{
    static char texts[2][128];
    static unsigned next;
    char *text = texts[next++ % 2];
    struct reply reply = {.kind = (enum reply_kind)answer->kind,
                          .error = answer->error};

    snprintf(text, sizeof(texts[0]),
             "%s fence=%llu attempt=%llu receipt=%llu:%016llx",
             reply_text(&reply), (unsigned long long)answer->fence,
             (unsigned long long)answer->attempt,
             (unsigned long long)answer->receipt_bytes,
             (unsigned long long)answer->receipt_hash);
    return text;
}
