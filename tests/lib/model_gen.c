#include "tests/lib/model_gen.h"

#include "base/check.h"

enum { SECOND_MS = 1000, MINUTE_MS = 60 * SECOND_MS, HOUR_MS = 60 * MINUTE_MS };

struct model_gen {
    struct model_gen_options options;
    struct rng rng;
    uint64_t now_ms;
    size_t identity;    /* of the last step */
    struct buf receipt; /* of the last step, where it is not static */
};

/* --- numbers -------------------------------------------------------------- */

/* splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number
 * generators", 2014. */
uint64_t rng_next(struct rng *rng)
{
    uint64_t z;

    rng->state += UINT64_C(0x9e3779b97f4a7c15);
    z = rng->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t rng_below(struct rng *rng, uint64_t n)
{
    CHECK(n > 0);
    return rng_next(rng) % n;
}

bool rng_percent(struct rng *rng, unsigned percent)
{
    return rng_below(rng, 100) < percent;
}

/* An index of `weights`, each as likely as its share. */
static size_t weighted(struct rng *rng, const unsigned *weights, size_t count)
{
    uint64_t sum = 0;
    uint64_t at;
    size_t i = 0;

    for (size_t k = 0; k < count; k++) {
        sum += weights[k];
    }
    at = rng_below(rng, sum);
    while (at >= weights[i]) {
        at -= weights[i++];
    }
    return i;
}

/* --- what commands are made of -------------------------------------------- */

#define BYTES(text)                                                            \
    {                                                                          \
        .data = (const uint8_t *)(text), .len = sizeof(text) - 1               \
    }

/* The first ones are hot. */
static const struct slice keys[MODEL_GEN_KEYS] = {
    BYTES("8yn0iYCKYHlIj4-BwPqk"),
    BYTES("GReLUrM4wMqfg9yzV3KQ"),
    BYTES("\0"),
    BYTES("k"),
    BYTES("77kepQFQ8Kl"),
    BYTES("!0IC=VloaY"),
    BYTES("k\0"),
    BYTES("k\0\0"),
    BYTES("\0\0"),
    BYTES("fence=12"),
    BYTES("LEASE=1s"),
    BYTES("\xff\xfe\n\r\t\"\\ \x7f\x80 x"),
    BYTES(" "),
    BYTES("kk"),
    BYTES("*1\r\n$4\r\nPING\r\n"),
    BYTES("a key of more than a few bytes, as people do make them: "
          "order/2024-11-05/7f3c2a9e-91d4-4c5f-8a55-0d6be1a2c3f4/payment/"
          "attempt/of/the/customer/\xc3\xa4\xc3\xb6\xc3\xbc/0123456789"),
};

static const struct slice namespaces[MODEL_GEN_NAMESPACES] = {
    BYTES("default"),
    BYTES("a"),
    BYTES("a.b"),
    BYTES("a0"),
};

static const struct slice owners[] = {
    BYTES("o"),
    BYTES("o2"),
    BYTES("9f2c 77"),
    BYTES("\0\xff\n\"\\ sixty-four bytes of owner, as many as there may be "
          "......\0"),
};

static const struct slice fps[] = {BYTES("fp"), BYTES("fp\0")};

static const struct slice receipts[] = {
    {.data = NULL, .len = 0}, BYTES("[1,2,3]"),  BYTES("\0\n\r\"\\\xff\t\x01"),
    BYTES("{\"a\":1}"),       BYTES("fence=12"),
};

static const uint64_t durations_ms[] = {
    1,
    2,
    10,
    100,
    999,
    1000,
    1001,
    5000,
    10 * SECOND_MS,
    60 * SECOND_MS,
    HOUR_MS,
    3 * HOUR_MS,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct slice pick(struct rng *rng, const struct slice *from,
                         size_t count)
{
    return from[rng_below(rng, count)];
}

struct slice model_gen_ns(size_t identity)
{
    CHECK(identity < MODEL_GEN_IDENTITIES);
    return namespaces[identity % MODEL_GEN_NAMESPACES];
}

struct slice model_gen_key(size_t identity)
{
    CHECK(identity < MODEL_GEN_IDENTITIES);
    return keys[identity / MODEL_GEN_NAMESPACES];
}

/* Stays with a key for a while, or other keys run out whenever one key's end
 * is waited for, and most would be absent most of the time. */
static size_t pick_identity(struct model_gen *gen)
{
    static const unsigned shares[] = {50, 30, 20};
    static const size_t ends[] = {4, 12, MODEL_GEN_IDENTITIES};
    size_t group = weighted(&gen->rng, shares, COUNT(shares));

    if (rng_percent(&gen->rng, 55)) {
        return gen->identity;
    }
    return rng_below(&gen->rng, ends[group]);
}

static uint64_t pick_duration(struct model_gen *gen, uint64_t max_ms)
{
    struct rng *rng = &gen->rng;
    uint64_t ms = durations_ms[rng_below(rng, COUNT(durations_ms))];

    if (rng_percent(rng, 20)) {
        ms = 1 + rng_below(rng, 20 * SECOND_MS);
    }
    if (gen->options.frozen) {
        ms = HOUR_MS + ms;
    }
    return ms < max_ms ? ms : max_ms;
}

/* --- time ----------------------------------------------------------------- */

enum { ENDS_MAX = 4 };

/* Both ends with and without grace, those that are still ahead or now. */
static size_t ends_ahead(const struct model_view *view, uint64_t grace_ms,
                         uint64_t now_ms, uint64_t ends[ENDS_MAX])
{
    const uint64_t all[ENDS_MAX] = {
        view->lease_end_ms,
        view->lease_end_ms + grace_ms,
        view->ttl_end_ms,
        view->ttl_end_ms + grace_ms,
    };
    size_t count = 0;

    for (size_t i = 0; i < ENDS_MAX; i++) {
        if (all[i] > now_ms) {
            ends[count++] = all[i];
        }
    }
    return count;
}

/* One end of this key, less one, exactly, or one more; an end that is far ahead
 * is rarely taken, because all other keys would run out on the way. */
static uint64_t time_at_an_end(struct model_gen *gen,
                               const struct model_view *view, uint64_t grace_ms)
{
    uint64_t ends[ENDS_MAX];
    size_t count = ends_ahead(view, grace_ms, gen->now_ms, ends);
    uint64_t end;

    if (count == 0) {
        return gen->now_ms;
    }
    end = ends[rng_below(&gen->rng, count)];
    if (end - gen->now_ms > MINUTE_MS && rng_percent(&gen->rng, 75)) {
        return gen->now_ms;
    }
    return end - 1 + rng_below(&gen->rng, 3);
}

static uint64_t next_time(struct model_gen *gen, const struct model *model,
                          size_t identity)
{
    static const unsigned shares[] = {350, 130, 80, 380, 40, 15, 5};
    struct rng *rng = &gen->rng;
    struct model_view view = model_view(model, model_gen_ns(identity),
                                        model_gen_key(identity), gen->now_ms);

    if (gen->options.frozen) {
        return gen->now_ms;
    }
    switch (weighted(rng, shares, COUNT(shares))) {
    case 1:
        return gen->now_ms + 1;
    case 2:
        return gen->now_ms + rng_below(rng, 50);
    case 3:
        return time_at_an_end(gen, &view, model_rules_of(model)->grace_ms);
    case 4:
        return gen->now_ms + rng_below(rng, 10 * SECOND_MS);
    case 5:
        return gen->now_ms + rng_below(rng, 10 * MINUTE_MS);
    case 6:
        return gen->now_ms + rng_below(rng, 5 * HOUR_MS);
    default:
        return gen->now_ms;
    }
}

/* --- commands ------------------------------------------------------------- */

static enum verb pick_verb(struct model_gen *gen, enum model_state state)
{
    static const enum verb verbs[] = {VERB_CLAIM, VERB_COMPLETE, VERB_RELEASE,
                                      VERB_EXTEND, VERB_LOOKUP};
    static const unsigned shares[MODEL_STATES][COUNT(verbs)] = {
        [MODEL_ABSENT] = {70, 7, 8, 7, 8},
        [MODEL_INFLIGHT] = {22, 20, 18, 20, 20},
        [MODEL_EXPIRED] = {22, 20, 18, 20, 20},
        [MODEL_COMPLETED] = {24, 24, 14, 20, 18},
    };

    return verbs[weighted(&gen->rng, shares[state], COUNT(verbs))];
}

static void add_fence(struct model_gen *gen, const struct model *model,
                      const struct model_view *view, struct command *command)
{
    static const unsigned shares[] = {60, 12, 5, 5, 4};
    uint64_t fence = 0;

    switch (weighted(&gen->rng, shares, COUNT(shares))) {
    case 0:
        fence = view->fence;
        break;
    case 1:
        fence = view->fence_before;
        break;
    case 2:
        fence = model_last_fence(model);
        break;
    case 3:
        fence = view->fence + 1;
        break;
    default:
        break;
    }
    if (fence == 0 || fence > FENCE_MAX) {
        fence = 1 + rng_below(&gen->rng, FENCE_MAX);
    }
    command->fence = fence;
    command->given |= OPTION_FENCE;
}

static void add_fp(struct model_gen *gen, struct command *command)
{
    command->fp = pick(&gen->rng, fps, COUNT(fps));
    command->given |= OPTION_FP;
}

/* Leases are rather short and ttls rather long, so that many a lease ends
 * before its ttl. */
static void add_lease(struct model_gen *gen, const struct model *model,
                      struct command *command)
{
    uint64_t max_ms = model_rules_of(model)->lease_ms_max;
    uint64_t a_ms = pick_duration(gen, max_ms);
    uint64_t b_ms = pick_duration(gen, max_ms);

    command->lease_ms = a_ms < b_ms || rng_percent(&gen->rng, 30) ? a_ms : b_ms;
    command->given |= OPTION_LEASE;
}

static void add_ttl(struct model_gen *gen, struct command *command)
{
    uint64_t a_ms = pick_duration(gen, gen->options.ttl_ms_max);
    uint64_t b_ms = pick_duration(gen, gen->options.ttl_ms_max);

    command->ttl_ms = a_ms > b_ms || rng_percent(&gen->rng, 30) ? a_ms : b_ms;
    command->given |= OPTION_TTL;
}

/* Half of the time that of the holder, if there is one. */
static struct slice pick_owner(struct rng *rng, struct slice holder)
{
    if (rng_percent(rng, 50)) {
        for (size_t i = 0; i < COUNT(owners); i++) {
            if (slice_equal(owners[i], holder)) {
                return owners[i];
            }
        }
    }
    return pick(rng, owners, COUNT(owners));
}

static void make_claim(struct model_gen *gen, const struct model *model,
                       const struct model_view *view, struct command *command)
{
    struct rng *rng = &gen->rng;

    if (rng_percent(rng, 70)) {
        add_lease(gen, model, command);
    }
    if (rng_percent(rng, 60)) {
        add_ttl(gen, command);
    }
    if (rng_percent(rng, 50)) {
        add_fp(gen, command);
    }
    if (rng_percent(rng, 50)) {
        command->owner = pick_owner(rng, view->owner);
        command->given |= OPTION_OWNER;
    }
}

static struct slice long_receipt(struct model_gen *gen)
{
    size_t len = rng_below(&gen->rng, gen->options.receipt_len_max) + 1;

    buf_clear(&gen->receipt);
    for (size_t i = 0; i < len; i++) {
        buf_append_byte(&gen->receipt, (uint8_t)rng_next(&gen->rng));
    }
    CHECK(!buf_failed(&gen->receipt));
    return buf_slice(&gen->receipt);
}

/* The stored one, copied because the model may change before the step is done
 * with. */
static struct slice same_receipt(struct model_gen *gen, struct slice stored)
{
    buf_clear(&gen->receipt);
    buf_append_slice(&gen->receipt, stored);
    CHECK(!buf_failed(&gen->receipt));
    return buf_slice(&gen->receipt);
}

static void make_complete(struct model_gen *gen, const struct model *model,
                          const struct model_view *view,
                          struct command *command)
{
    struct rng *rng = &gen->rng;

    command->receipt = pick(rng, receipts, COUNT(receipts));
    if (gen->options.receipt_len_max > 0 && rng_percent(rng, 20)) {
        command->receipt = long_receipt(gen);
    }
    if (view->state == MODEL_COMPLETED && rng_percent(rng, 50)) {
        command->receipt = same_receipt(gen, view->receipt);
    }
    if (rng_percent(rng, 65)) {
        add_fence(gen, model, view, command);
    }
    if (rng_percent(rng, 50)) {
        add_ttl(gen, command);
    }
    if (rng_percent(rng, 40)) {
        add_fp(gen, command);
    }
}

static void make_extend(struct model_gen *gen, const struct model *model,
                        const struct model_view *view, struct command *command)
{
    if (rng_percent(&gen->rng, 92)) {
        add_fence(gen, model, view, command);
    }
    if (rng_percent(&gen->rng, 60)) {
        add_lease(gen, model, command);
    }
}

static void make_command(struct model_gen *gen, const struct model *model,
                         const struct model_view *view, struct command *command)
{
    command->verb = pick_verb(gen, view->state);
    if (command->verb == VERB_CLAIM) {
        make_claim(gen, model, view, command);
    } else if (command->verb == VERB_COMPLETE) {
        make_complete(gen, model, view, command);
    } else if (command->verb == VERB_EXTEND) {
        make_extend(gen, model, view, command);
    } else if (command->verb == VERB_RELEASE && rng_percent(&gen->rng, 65)) {
        add_fence(gen, model, view, command);
    }
}

struct model_gen *model_gen_new(const struct model_gen_options *options)
{
    struct model_gen *gen = calloc(1, sizeof(*gen));

    CHECK(gen != NULL);
    gen->options = *options;
    gen->rng.state = options->seed;
    gen->now_ms = options->start_ms;
    if (gen->options.ttl_ms_max == 0) {
        gen->options.ttl_ms_max = UINT64_MAX;
    }
    return gen;
}

void model_gen_free(struct model_gen *gen)
{
    if (gen != NULL) {
        buf_release(&gen->receipt);
        free(gen);
    }
}

void model_gen_next(struct model_gen *gen, const struct model *model,
                    struct model_step *step)
{
    size_t identity = pick_identity(gen);
    struct slice ns = model_gen_ns(identity);
    struct slice key = model_gen_key(identity);
    struct model_view view;

    gen->identity = identity;
    gen->now_ms = next_time(gen, model, identity);
    *step = (struct model_step){.now_ms = gen->now_ms,
                                .identity = identity,
                                .ns = ns};
    if (gen->options.sweeps && rng_percent(&gen->rng, 3)) {
        step->identity = MODEL_GEN_IDENTITIES;
        step->command.verb = VERB_SWEEP;
        return;
    }
    view = model_view(model, ns, key, gen->now_ms);
    step->command.key = key;
    make_command(gen, model, &view, &step->command);
}
