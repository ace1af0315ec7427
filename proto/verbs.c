#include "proto/verbs.h"

#include "base/check.h"

#define SLICE(text)                                                            \
    {                                                                          \
        (const uint8_t *)(text), sizeof(text) - 1                              \
    }

static const struct verb_info verbs[VERB_COUNT] = {
#define X(name, arguments, options, usage, help)                               \
    {SLICE(#name), arguments, options, usage, help},
    VERB_MAP(X)
#undef X
};

static const struct slice option_names[OPTION_COUNT] = {
#define X(name, text) SLICE(text),
    OPTION_MAP(X)
#undef X
};

/* ASCII only: what a name is must not depend on a locale. */
static uint8_t fold(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

bool equal_in_any_case(struct slice a, struct slice b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (fold(a.data[i]) != fold(b.data[i])) {
            return false;
        }
    }
    return true;
}

const struct verb_info *verb_info(enum verb verb)
{
    CHECK(verb < VERB_COUNT);
    return &verbs[verb];
}

enum verb verb_find(struct slice name)
{
    unsigned i = 0;

    while (i < VERB_COUNT && !equal_in_any_case(name, verbs[i].name)) {
        i++;
    }
    return (enum verb)i;
}

enum option_index option_find(struct slice name)
{
    unsigned i = 0;

    while (i < OPTION_COUNT && !equal_in_any_case(name, option_names[i])) {
        i++;
    }
    return (enum option_index)i;
}

size_t arguments_count(enum arguments arguments)
{
    static const size_t counts[] = {
        [ARGUMENTS_NONE] = 0,
        [ARGUMENTS_KEY] = 1,
        [ARGUMENTS_KEY_RECEIPT] = 2,
        [ARGUMENTS_NAMESPACE] = 1,
    };

    CHECK((size_t)arguments < sizeof(counts) / sizeof(counts[0]));
    return counts[arguments];
}
