#include "tests/torture/check_inner.h"

#include "tests/torture/check_grants.h"

#include <inttypes.h>
#include <stdlib.h>

/* --- what ops mean -------------------------------------------------------- */

/* Errors that promise that nothing was done, or that depend on more than the
 * key's state. */
static bool is_harmless(int error)
{
    switch (error) {
    case E_NOT_FOUND:
    case E_CONFLICT:
    case E_STALE:
    case E_MISMATCH:
    case E_FENCE_REQUIRED:
        return false;
    default:
        return true;
    }
}

bool op_tells(const struct op *op)
{
    return op->kind != REPLY_NONE &&
           !(op->kind == REPLY_ERROR && is_harmless(op->error));
}

bool op_may_be_ok(const struct op *op)
{
    return op_unknown(op) || op->kind == REPLY_OK || op->kind == REPLY_EXTENDED;
}

uint64_t claim_ttl_ms(const struct history_rules *rules, const struct op *op)
{
    return op->ttl_ms > 0 ? op->ttl_ms : rules->ttl_ms;
}

uint64_t claim_lease_ms(const struct history_rules *rules, const struct op *op)
{
    uint64_t ttl_ms = claim_ttl_ms(rules, op);
    uint64_t lease_ms = op->lease_ms > 0      ? op->lease_ms
                        : rules->lease_ms > 0 ? rules->lease_ms
                                              : ttl_ms;

    if (rules->lease_ms_max > 0 && lease_ms > rules->lease_ms_max) {
        lease_ms = rules->lease_ms_max;
    }
    return lease_ms < ttl_ms ? lease_ms : ttl_ms;
}

/* --- the report ----------------------------------------------------------- */

enum { REPORT_BYTES_MAX = 64 * 1024, REPORT_EACH_MAX = 5 };

static const char *const sentences[PROMISES] = {
#define X(name, sentence) [PROMISE_##name] = sentence,
    PROMISE_MAP(X)
#undef X
};

static const char *const names[PROMISES] = {
#define X(name, sentence) [PROMISE_##name] = #name,
    PROMISE_MAP(X)
#undef X
};

bool report_open(const struct judge *judge)
{
    return buf_len(&judge->verdict->report) < REPORT_BYTES_MAX;
}

void report_op(struct judge *judge, const char *mark, const struct seen *seen)
{
    struct buf *report = &judge->verdict->report;

    buf_append_str(report, "    ");
    buf_append_str(report, mark);
    op_write(seen->op, report);
    buf_append_byte(report, '\n');
}

void complain(struct judge *judge, enum promise promise, uint32_t key,
              const struct seen *const *ops, size_t count)
{
    struct verdict *verdict = judge->verdict;
    struct buf *report = &verdict->report;

    verdict->valid = false;
    verdict->broken[promise]++;
    if (verdict->broken[promise] > REPORT_EACH_MAX || !report_open(judge)) {
        return;
    }
    buf_append_str(report, names[promise]);
    buf_append_str(report, ": key ");
    buf_append_u64(report, key);
    buf_append_str(report, ": ");
    buf_append_str(report, sentences[promise]);
    buf_append_byte(report, '\n');
    for (size_t i = 0; i < count; i++) {
        if (ops[i] != NULL) {
            report_op(judge, "", ops[i]);
        }
    }
}

/* --- order ---------------------------------------------------------------- */

/* Without numbers, what ended within the microsecond of another's call is taken
 * as overlapping it. */
static struct seen see(const struct op *op)
{
    bool numbered = op->called_seq > 0;

    return (struct seen){
        .op = op,
        .begin = numbered ? op->called_seq : op->called_us * 2,
        .end = numbered ? op->ended_seq : op->ended_us * 2 + 1,
    };
}

static int by_key_and_begin(const void *a, const void *b)
{
    const struct seen *x = a;
    const struct seen *y = b;

    if (x->op->key != y->op->key) {
        return x->op->key < y->op->key ? -1 : 1;
    }
    if (x->begin != y->begin) {
        return x->begin < y->begin ? -1 : 1;
    }
    return x->op < y->op ? -1 : x->op > y->op;
}

static struct seen *see_all(const struct history *history)
{
    struct seen *all = calloc(history->count + 1, sizeof(*all));

    CHECK(all != NULL);
    for (size_t i = 0; i < history->count; i++) {
        all[i] = see(&history->ops[i]);
        CHECK(all[i].begin <= all[i].end);
    }
    if (history->count > 0) {
        qsort(all, history->count, sizeof(*all), by_key_and_begin);
    }
    return all;
}

/* --- keys ----------------------------------------------------------------- */

static bool is_drawn(uint32_t key, unsigned one_in)
{
    uint64_t mixed = (uint64_t)key * UINT64_C(0x9e3779b97f4a7c15);

    return one_in > 0 && (mixed >> 32) % one_in == 0;
}

static size_t faults(const struct verdict *verdict)
{
    size_t sum = 0;

    for (size_t i = 0; i < PROMISES; i++) {
        sum += verdict->broken[i];
    }
    return sum;
}

static void search_key(struct judge *judge, const struct key_ops *key,
                       uint64_t budget_ms)
{
    struct verdict *verdict = judge->verdict;

    verdict->exact_keys++;
    if (check_exact(judge, key, budget_ms) == EXACT_UNSURE) {
        verdict->exact_unsure++;
    }
}

static void check_key(struct judge *judge, const struct key_ops *key,
                      const struct check_options *options)
{
    size_t before = faults(judge->verdict);

    judge->verdict->keys++;
    judge->verdict->ops += key->count;
    check_answers(judge, key);
    check_linear(judge, key);
    if (options->exact_ms > 0 && (faults(judge->verdict) > before ||
                                  is_drawn(key->key, options->exact_one_in))) {
        search_key(judge, key, options->exact_ms);
    }
}

void check_history(const struct history *history,
                   const struct check_options *options, struct verdict *verdict)
{
    struct seen *all = see_all(history);
    struct fences fences = {0};
    struct judge judge = {.rules = &history->rules,
                          .verdict = verdict,
                          .fences = &fences};
    size_t i = 0;

    *verdict = (struct verdict){.valid = true};
    while (i < history->count) {
        struct key_ops key = {.key = all[i].op->key, .ops = &all[i]};

        while (i < history->count && all[i].op->key == key.key) {
            key.count++;
            i++;
        }
        check_key(&judge, &key, options);
    }
    check_fences(&judge);
    fences_release(&fences);
    free(all);
}

void verdict_release(struct verdict *verdict)
{
    buf_release(&verdict->report);
}
