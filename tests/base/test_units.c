#include "base/units.h"

#include "base/check.h"
#include "tests/lib/runner.h"

typedef int parse_fn(struct slice text, uint64_t *out);

static void ck_parses(parse_fn *parse, const char *text, uint64_t expected)
{
    uint64_t number = ~expected;
    int status = parse(slice_str(text), &number);

    ck_assert_msg(status == 0, "%s: %s", text, status_name(status));
    ck_assert_uint_eq(number, expected);
}

static void ck_refuses(parse_fn *parse, const char *text, int expected)
{
    uint64_t number = 0;
    int status = parse(slice_str(text), &number);

    ck_assert_msg(status == expected, "\"%s\": %s instead of %s", text,
                  status_name(status), status_name(expected));
}

START_TEST(numbers_are_digits_alone)
{
    ck_parses(units_parse_number, "0", 0);
    ck_parses(units_parse_number, "007", 7);
    ck_parses(units_parse_number, "1234567890", 1234567890);
    ck_refuses(units_parse_number, "", E_SYNTAX);
    ck_refuses(units_parse_number, "-1", E_SYNTAX);
    ck_refuses(units_parse_number, "+1", E_SYNTAX);
    ck_refuses(units_parse_number, " 1", E_SYNTAX);
    ck_refuses(units_parse_number, "1 ", E_SYNTAX);
    ck_refuses(units_parse_number, "0x1", E_SYNTAX);
    ck_refuses(units_parse_number, "1.0", E_SYNTAX);
    ck_refuses(units_parse_number, "one", E_SYNTAX);
}
END_TEST

START_TEST(numbers_hold_64_bits)
{
    ck_parses(units_parse_number, "18446744073709551614", UINT64_MAX - 1);
    ck_parses(units_parse_number, "18446744073709551615", UINT64_MAX);
    ck_parses(units_parse_number, "000018446744073709551615", UINT64_MAX);
    ck_refuses(units_parse_number, "18446744073709551616", E_LIMIT);
    ck_refuses(units_parse_number, "18446744073709551620", E_LIMIT);
    ck_refuses(units_parse_number, "99999999999999999999999", E_LIMIT);
    ck_refuses(units_parse_number, "99999999999999999999999x", E_SYNTAX);
}
END_TEST

START_TEST(numbers_need_no_terminator)
{
    uint64_t number = 0;

    ck_assert_int_eq(units_parse_number(slice_of("123", 2), &number), 0);
    ck_assert_uint_eq(number, 12);
    ck_assert_int_eq(units_parse_duration_ms(slice_of("1ms", 1), &number), 0);
    ck_assert_uint_eq(number, 1);
    ck_assert_int_eq(units_parse_number(slice_of("1\0", 2), &number), E_SYNTAX);
}
END_TEST

START_TEST(durations_are_milliseconds_or_have_a_unit)
{
    ck_parses(units_parse_duration_ms, "0", 0);
    ck_parses(units_parse_duration_ms, "77", 77);
    ck_parses(units_parse_duration_ms, "250ms", 250);
    ck_parses(units_parse_duration_ms, "30s", 30000);
    ck_parses(units_parse_duration_ms, "5m", 300000);
    ck_parses(units_parse_duration_ms, "24h", 86400000);
    ck_parses(units_parse_duration_ms, "7d", 604800000);
    ck_parses(units_parse_duration_ms, "0d", 0);
}
END_TEST

START_TEST(malformed_durations_are_refused)
{
    static const char *const texts[] = {
        "",   "s",   "ms",    "-1s", "1 s",  "1S",  "1sec", "1m30s",
        "1w", "1.5", "1.5s",  "s1",  "1ss",  "1MS", "0x1",  "1e3",
        " 1", "1 ",  "1\xb5", "1us", "1KiB", "1d7",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        ck_refuses(units_parse_duration_ms, texts[i], E_SYNTAX);
    }
}
END_TEST

START_TEST(durations_hold_64_bits)
{
    ck_parses(units_parse_duration_ms, "18446744073709551615ms", UINT64_MAX);
    ck_parses(units_parse_duration_ms, "18446744073709551s",
              UINT64_C(18446744073709551000));
    ck_parses(units_parse_duration_ms, "213503982334d",
              UINT64_C(213503982334) * 86400000);
    ck_refuses(units_parse_duration_ms, "18446744073709551616ms", E_LIMIT);
    ck_refuses(units_parse_duration_ms, "18446744073709552s", E_LIMIT);
    ck_refuses(units_parse_duration_ms, "213503982335d", E_LIMIT);
    ck_refuses(units_parse_duration_ms, "18446744073709551617", E_LIMIT);
}
END_TEST

START_TEST(bytes_are_a_number_or_have_a_binary_unit)
{
    ck_parses(units_parse_bytes, "0", 0);
    ck_parses(units_parse_bytes, "512", 512);
    ck_parses(units_parse_bytes, "64KiB", 65536);
    ck_parses(units_parse_bytes, "64 KiB", 65536);
    ck_parses(units_parse_bytes, "1  MiB", 1048576);
    ck_parses(units_parse_bytes, "2GiB", UINT64_C(1) << 31);
    ck_parses(units_parse_bytes, "17179869183GiB", UINT64_C(17179869183) << 30);
    ck_refuses(units_parse_bytes, "17179869184GiB", E_LIMIT);
    ck_refuses(units_parse_bytes, "18446744073709551616", E_LIMIT);
}
END_TEST

START_TEST(malformed_bytes_are_refused)
{
    static const char *const texts[] = {
        "",   "KiB",   " KiB", "1K",     "1kib",   "1KB",  "1 ",
        "-1", "1KiB ", " 1",   "1 KiB1", "1\tKiB", "1TiB", "1.5KiB",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        ck_refuses(units_parse_bytes, texts[i], E_SYNTAX);
    }
}
END_TEST

START_TEST(texts_use_the_largest_unit_that_fits)
{
    char text[UNITS_TEXT_BYTES];

    ck_assert_str_eq(units_duration_text(0, text), "0");
    ck_assert_str_eq(units_duration_text(60000, text), "1m");
    ck_assert_str_eq(units_duration_text(90000, text), "90s");
    ck_assert_str_eq(units_duration_text(86400000, text), "1d");
    ck_assert_str_eq(units_duration_text(3600000, text), "1h");
    ck_assert_str_eq(units_bytes_text(0, text), "0");
    ck_assert_str_eq(units_bytes_text(1023, text), "1023");
    ck_assert_str_eq(units_bytes_text(65536, text), "64KiB");
    ck_assert_str_eq(units_bytes_text(1 << 20, text), "1MiB");
    ck_assert_str_eq(units_bytes_text(UINT64_C(1) << 40, text), "1024GiB");
}
END_TEST

static const uint64_t numbers[] = {
    0,
    1,
    999,
    1000,
    1001,
    1023,
    1024,
    1025,
    59999,
    60000,
    86399999,
    86400000,
    86400001,
    2592000000,
    (UINT64_C(1) << 30) - 1,
    UINT64_C(1) << 30,
    (UINT64_C(1) << 40) + 1024,
    UINT64_MAX - 1,
    UINT64_MAX,
};

START_TEST(texts_are_read_back_as_the_same_number)
{
    char text[UNITS_TEXT_BYTES];

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        ck_parses(units_parse_duration_ms,
                  units_duration_text(numbers[i], text), numbers[i]);
        ck_parses(units_parse_bytes, units_bytes_text(numbers[i], text),
                  numbers[i]);
    }
}
END_TEST

START_TEST(saturating_sums_and_floored_differences)
{
    ck_assert_uint_eq(add_saturating(1, 2), 3);
    ck_assert_uint_eq(add_saturating(UINT64_MAX - 1, 1), UINT64_MAX);
    ck_assert_uint_eq(add_saturating(UINT64_MAX, 1), UINT64_MAX);
    ck_assert_uint_eq(add_saturating(UINT64_MAX, UINT64_MAX), UINT64_MAX);
    ck_assert_uint_eq(sub_floor(3, 2), 1);
    ck_assert_uint_eq(sub_floor(2, 2), 0);
    ck_assert_uint_eq(sub_floor(2, 3), 0);
    ck_assert_uint_eq(sub_floor(0, UINT64_MAX), 0);
}
END_TEST

SUITE(units, 10, numbers_are_digits_alone, numbers_hold_64_bits,
      numbers_need_no_terminator, durations_are_milliseconds_or_have_a_unit,
      malformed_durations_are_refused, durations_hold_64_bits,
      bytes_are_a_number_or_have_a_binary_unit, malformed_bytes_are_refused,
      texts_use_the_largest_unit_that_fits,
      texts_are_read_back_as_the_same_number,
      saturating_sums_and_floored_differences)
