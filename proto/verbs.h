/* The tables of verbs and of options, looked up by name. */
#ifndef PROTO_VERBS_H
#define PROTO_VERBS_H

#include "base/command.h"

struct verb_info {
    struct slice name; /* upper case */
    enum arguments arguments;
    unsigned options; /* enum option bits it takes */
    const char *usage;
    const char *help;
};

/* verb < VERB_COUNT. Static storage. */
const struct verb_info *verb_info(enum verb verb);

/* Any case; VERB_COUNT where there is no such verb. */
enum verb verb_find(struct slice name);

/* Any case; OPTION_COUNT where there is no such option. */
enum option_index option_find(struct slice name);

/* Compares ASCII letters without their case. */
bool equal_in_any_case(struct slice a, struct slice b);

/* How many arguments stand before the options. */
size_t arguments_count(enum arguments arguments);

#endif
