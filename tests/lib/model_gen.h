/* Random commands that meet every state of a key often.
 *
 * A few hot keys in a few namespaces, among them keys whose hashes collide,
 * keys that are prefixes of each other, keys that look like options and keys of
 * any bytes. The generator looks into the model to hit what matters: right,
 * older and wrong fences, the stored receipt, and times just before, at and
 * just after the end of a lease, a ttl or their grace.
 *
 * Deterministic: the same seed, options and answers give the same commands. One
 * thread at a time. */
#ifndef TESTS_LIB_MODEL_GEN_H
#define TESTS_LIB_MODEL_GEN_H

#include "base/buf.h"
#include "tests/lib/model.h"

/* --- numbers -------------------------------------------------------------- */

struct rng {
    uint64_t state; /* the seed; any value */
};

uint64_t rng_next(struct rng *rng);

/* 0 to n - 1; n > 0. */
uint64_t rng_below(struct rng *rng, uint64_t n);

/* True in `percent` of a hundred cases. */
bool rng_percent(struct rng *rng, unsigned percent);

/* --- commands ------------------------------------------------------------- */

struct model_gen_options {
    uint64_t seed;
    uint64_t start_ms;      /* time of the first command, about */
    uint64_t ttl_ms_max;    /* bounds ttl=, as the model's rules bound
                              lease=; 0: nothing does, but no duration is
                              above four hours */
    size_t receipt_len_max; /* bounds long receipts; 0: there are none */
    bool sweeps;            /* SWEEP is among the commands */
    bool frozen; /* the run has its own time: all times are start_ms, and all
                    durations are an hour at least; the rules' must be too */
};

struct model_gen;

/* One step of a run: at `now_ms` (never before that of the last step), do
 * `command` in namespace `ns`. */
struct model_step {
    uint64_t now_ms;
    size_t identity; /* of (ns, key), below MODEL_GEN_IDENTITIES; that number
                        itself for a command without a key */
    struct slice ns;
    struct command command;
};

enum {
    MODEL_GEN_NAMESPACES = 4,
    MODEL_GEN_KEYS = 16,
    MODEL_GEN_IDENTITIES = MODEL_GEN_NAMESPACES * MODEL_GEN_KEYS,
};

struct model_gen *model_gen_new(const struct model_gen_options *options);
void model_gen_free(struct model_gen *gen);

/* The step's slices borrow from the generator until it is used again. */
void model_gen_next(struct model_gen *gen, const struct model *model,
                    struct model_step *step);

/* Namespace and key of an identity below MODEL_GEN_IDENTITIES; static
 * storage. */
struct slice model_gen_ns(size_t identity);
struct slice model_gen_key(size_t identity);

#endif
