/* Data directories that were written as a daemon would, and what every key in
 * them has to answer afterwards. */
#ifndef TESTS_DAMAGE_GOLDEN_H
#define TESTS_DAMAGE_GOLDEN_H

#include "tests/lib/bench.h"

/* X(NAME, what it is) */
#define GOLDEN_MAP(X)                                                          \
    X(LOG, "killed: all in one log file")                                      \
    X(LOGS, "killed: all in several log files")                                \
    X(MIXED, "killed: table files, and the newest writes in a log file")       \
    X(TABLES, "stopped: all in table files")

enum golden_kind {
#define X(name, text) GOLDEN_##name,
    GOLDEN_MAP(X)
#undef X
        GOLDEN_KINDS
};

enum { GOLDEN_KEYS_MAX = 1024 };

/* What a LOOKUP says, but for the times in it. Comparable by its bytes. */
struct answer {
    int kind;  /* enum reply_kind */
    int error; /* of REPLY_ERROR */
    uint64_t fence;
    uint64_t attempt;
    uint64_t receipt_hash;
    uint64_t receipt_bytes;
};

struct golden {
    enum golden_kind kind;
    char dir[PATH_MAX / 2]; /* with `data`, `log`, and `older`: `data` as it was
                               before the last writes */
    uint64_t write_buffer_bytes;
    uint64_t end_us; /* raw time afterwards */
    unsigned keys;
    struct answer answers[GOLDEN_KEYS_MAX];
};

const char *golden_text(enum golden_kind kind);

/* Makes one; runs in a process of its own, so that the caller may fork. */
void golden_make(struct golden *golden, enum golden_kind kind);
void golden_remove(struct golden *golden);

/* What the nth key answers now. */
struct answer golden_ask(struct bench *b, unsigned key);

/* "COMPLETED fence=17 …"; static storage, two at a time. */
const char *answer_text(const struct answer *answer);

#endif
