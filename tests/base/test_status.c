#include "base/status.h"

#include "base/check.h"
#include "tests/lib/runner.h"

static const int all[] = {
#define X(name, sentence) E_##name,
    STATUS_WIRE_MAP(X)
#undef X
#define X(name, exit, sentence) E_##name,
        STATUS_INNER_MAP(X)
#undef X
};

enum { COUNT = sizeof(all) / sizeof(all[0]) };

START_TEST(statuses_are_negative_and_distinct)
{
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_lt(all[i], 0);
        for (int j = 0; j < i; j++) {
            ck_assert_int_ne(all[i], all[j]);
        }
    }
}
END_TEST

START_TEST(names_are_those_of_the_list_and_distinct)
{
#define X(name, sentence) ck_assert_str_eq(status_name(E_##name), #name);
    STATUS_WIRE_MAP(X)
#undef X
#define X(name, exit, sentence) ck_assert_str_eq(status_name(E_##name), #name);
    STATUS_INNER_MAP(X)
#undef X
    for (int i = 0; i < COUNT; i++) {
        for (int j = 0; j < i; j++) {
            ck_assert_str_ne(status_name(all[i]), status_name(all[j]));
        }
    }
}
END_TEST

START_TEST(clients_see_fifteen_codes)
{
    static const char *const codes[] = {
        "SYNTAX",    "UNKNOWN_COMMAND", "LIMIT",
        "NOT_FOUND", "CONFLICT",        "STALE",
        "MISMATCH",  "FENCE_REQUIRED",  "CORRUPT",
        "BUSY",      "NO_SPACE",        "INDETERMINATE",
        "AUTH",      "DENIED",          "SHUTTING_DOWN",
    };

    ck_assert_int_eq(STATUS_WIRE_COUNT, 15);
    for (int i = 0; i < STATUS_WIRE_COUNT; i++) {
        ck_assert_str_eq(status_name(all[i]), codes[i]);
        ck_assert_int_eq(STATUS_WIRE_INDEX(all[i]), i);
    }
    for (int i = STATUS_WIRE_COUNT; i < COUNT; i++) {
        ck_assert_int_ge(STATUS_WIRE_INDEX(all[i]), STATUS_WIRE_COUNT);
    }
}
END_TEST

START_TEST(sentences_are_one_line_without_a_full_stop)
{
    for (int i = 0; i < COUNT; i++) {
        const char *sentence = status_sentence(all[i]);
        size_t len = strlen(sentence);

        ck_assert_uint_gt(len, 0);
        ck_assert_uint_lt(len, 100);
        ck_assert_int_ne(sentence[len - 1], '.');
        ck_assert_ptr_null(strpbrk(sentence, "\r\n"));
    }
}
END_TEST

START_TEST(exit_codes_tell_a_service_manager_what_to_do)
{
    ck_assert_int_eq(status_exit_code(0), 0);
    ck_assert_int_eq(status_exit_code(E_DATA), 65);
    ck_assert_int_eq(status_exit_code(E_IO), 74);
    ck_assert_int_eq(status_exit_code(E_FULL), 75);
    ck_assert_int_eq(status_exit_code(E_CONFIG), 78);
    ck_assert_int_eq(status_exit_code(E_FORMAT), 78);
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_gt(status_exit_code(all[i]), 0);
    }
}
END_TEST

START_TEST(what_is_no_status_has_texts_too)
{
    static const int others[] = {1, -1, 1000, -1000, STATUS_END_, -5000};

    ck_assert_str_eq(status_name(0), "OK");
    ck_assert_str_eq(status_sentence(0), "success");
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        ck_assert_str_eq(status_name(others[i]), "UNKNOWN");
        ck_assert_uint_gt(strlen(status_sentence(others[i])), 0);
        ck_assert_int_ne(status_exit_code(others[i]), 0);
    }
}
END_TEST

SUITE(status, 10, statuses_are_negative_and_distinct,
      names_are_those_of_the_list_and_distinct, clients_see_fifteen_codes,
      sentences_are_one_line_without_a_full_stop,
      exit_codes_tell_a_service_manager_what_to_do,
      what_is_no_status_has_texts_too)
