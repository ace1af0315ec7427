#include "base/check.h"
#include "proto/verbs.h"
#include "tests/lib/runner.h"

#include <ctype.h>

START_TEST(every_verb_is_found_in_any_case)
{
    for (unsigned i = 0; i < VERB_COUNT; i++) {
        struct slice name = verb_info((enum verb)i)->name;
        uint8_t mixed[16];

        ck_assert_uint_eq(verb_find(name), i);
        ck_assert_uint_le(name.len, sizeof(mixed));
        for (size_t c = 0; c < name.len; c++) {
            mixed[c] =
                (uint8_t)(c % 2 == 0 ? tolower(name.data[c]) : name.data[c]);
        }
        ck_assert_uint_eq(verb_find(slice_of(mixed, name.len)), i);
    }
}
END_TEST

START_TEST(a_verb_that_is_cut_or_extended_is_unknown)
{
    for (unsigned i = 0; i < VERB_COUNT; i++) {
        struct slice name = verb_info((enum verb)i)->name;
        uint8_t longer[16];

        slice_copy(longer, name);
        longer[name.len] = 'S';
        for (size_t len = 0; len < name.len; len++) {
            ck_assert_uint_eq(verb_find(slice_of(name.data, len)), VERB_COUNT);
        }
        ck_assert_uint_eq(verb_find(slice_of(longer, name.len + 1)),
                          VERB_COUNT);
    }
    ck_assert_uint_eq(verb_find(slice_of(NULL, 0)), VERB_COUNT);
}
END_TEST

START_TEST(every_option_is_found_in_any_case)
{
    ck_assert_uint_eq(option_find(slice_str("lease")), OPTION_INDEX_LEASE);
    ck_assert_uint_eq(option_find(slice_str("TTL")), OPTION_INDEX_TTL);
    ck_assert_uint_eq(option_find(slice_str("Owner")), OPTION_INDEX_OWNER);
    ck_assert_uint_eq(option_find(slice_str("fP")), OPTION_INDEX_FP);
    ck_assert_uint_eq(option_find(slice_str("fENCe")), OPTION_INDEX_FENCE);
    ck_assert_uint_eq(option_find(slice_str("leases")), OPTION_COUNT);
    ck_assert_uint_eq(option_find(slice_str("")), OPTION_COUNT);
}
END_TEST

START_TEST(usage_begins_with_the_name_and_shows_every_option)
{
    static const char *const texts[OPTION_COUNT] = {
#define X(name, text) text "=",
        OPTION_MAP(X)
#undef X
    };

    for (unsigned i = 0; i < VERB_COUNT; i++) {
        const struct verb_info *info = verb_info((enum verb)i);

        ck_assert_int_eq(strncmp(info->usage, (const char *)info->name.data,
                                 info->name.len),
                         0);
        for (unsigned option = 0; option < OPTION_COUNT; option++) {
            bool takes = (info->options & (1U << option)) != 0;
            bool shows = strstr(info->usage, texts[option]) != NULL;

            ck_assert_int_eq(takes, shows);
        }
    }
}
END_TEST

START_TEST(arguments_are_counted)
{
    ck_assert_uint_eq(arguments_count(ARGUMENTS_NONE), 0);
    ck_assert_uint_eq(arguments_count(ARGUMENTS_KEY), 1);
    ck_assert_uint_eq(arguments_count(ARGUMENTS_KEY_RECEIPT), 2);
    ck_assert_uint_eq(arguments_count(ARGUMENTS_NAMESPACE), 1);
}
END_TEST

SUITE(verbs, 10, every_verb_is_found_in_any_case,
      a_verb_that_is_cut_or_extended_is_unknown,
      every_option_is_found_in_any_case,
      usage_begins_with_the_name_and_shows_every_option, arguments_are_counted)
