#include "base/counters.h"

#include "base/banned.h"

static const char *const counter_names[] = {
#define X(name, text) text,
    COUNTER_MAP(X)
#undef X
};

static const char *const verb_names[] = {
#define X(name, arguments, options, usage, help) #name,
    VERB_MAP(X)
#undef X
};

static const char *const error_names[] = {
#define X(name, sentence) #name,
    STATUS_WIRE_MAP(X)
#undef X
};

static void each_in(_Atomic uint64_t *values, const char *const *names,
                    size_t count, const char *prefix, counters_visit *visit,
                    void *arg)
{
    char name[64];

    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "%s%s", prefix, names[i]);
        visit(arg, name,
              atomic_load_explicit(&values[i], memory_order_relaxed));
    }
}

void counters_each(struct counters *c, counters_visit *visit, void *arg)
{
    each_in(c->values, counter_names, COUNTER_COUNT, "", visit, arg);
    each_in(c->commands, verb_names, VERB_COUNT, "commands_", visit, arg);
    each_in(c->errors, error_names, STATUS_WIRE_COUNT, "errors_", visit, arg);
}
