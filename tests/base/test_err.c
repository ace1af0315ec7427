#include "base/err.h"

#include "base/check.h"
#include "base/status.h"
#include "tests/lib/runner.h"

START_TEST(a_sentence_is_written_and_the_status_returned)
{
    struct err err = {{0}};

    ck_assert_int_eq(err_set(&err, E_CONFIG, "%s:%d", "file", 7), E_CONFIG);
    ck_assert_str_eq(err.text, "file:7");
    ck_assert_int_eq(err_set(&err, E_IO, "x"), E_IO);
    ck_assert_str_eq(err.text, "x");
}
END_TEST

START_TEST(a_long_sentence_is_cut_to_fit)
{
    char longer[2 * ERR_TEXT_BYTES];
    struct err err;

    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    ck_assert_int_eq(err_set(&err, E_CONFIG, "%s", longer), E_CONFIG);
    ck_assert_uint_eq(strlen(err.text), ERR_TEXT_BYTES - 1);
}
END_TEST

START_TEST(nobody_has_to_want_the_sentence)
{
    ck_assert_int_eq(err_set(NULL, E_FORMAT, "x"), E_FORMAT);
}
END_TEST

SUITE(err, 10, a_sentence_is_written_and_the_status_returned,
      a_long_sentence_is_cut_to_fit, nobody_has_to_want_the_sentence)
