#include "base/units.h"

#include "base/banned.h"

#include <inttypes.h>

struct unit {
    const char *name;
    uint64_t factor;
};

/* Largest first, so that writing finds the shortest text. */
static const struct unit duration_units[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};
static const struct unit byte_units[] = {
    {"GiB", UINT64_C(1) << 30},
    {"MiB", UINT64_C(1) << 20},
    {"KiB", UINT64_C(1) << 10},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static size_t digits_of(struct slice text)
{
    size_t n = 0;

    while (n < text.len && text.data[n] >= '0' && text.data[n] <= '9') {
        n++;
    }
    return n;
}

int units_parse_number(struct slice text, uint64_t *out)
{
    uint64_t number = 0;

    if (text.len == 0 || digits_of(text) != text.len) {
        return E_SYNTAX;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, text.data[i] - '0', &number)) {
            return E_LIMIT;
        }
    }
    *out = number;
    return 0;
}

static int parse_with_unit(struct slice text, size_t unit_at,
                           const struct unit *units, size_t count,
                           uint64_t *out)
{
    struct slice name = slice_of(text.data + unit_at, text.len - unit_at);
    uint64_t number;
    int status;

    for (size_t i = 0; i < count; i++) {
        if (!slice_equal(name, slice_str(units[i].name))) {
            continue;
        }
        status =
            units_parse_number(slice_of(text.data, digits_of(text)), &number);
        if (status < 0) {
            return status;
        }
        return __builtin_mul_overflow(number, units[i].factor, out) ? E_LIMIT
                                                                    : 0;
    }
    return E_SYNTAX;
}

int units_parse_duration_ms(struct slice text, uint64_t *out)
{
    size_t digits = digits_of(text);

    if (digits == text.len) {
        return units_parse_number(text, out);
    }
    return parse_with_unit(text, digits, duration_units, COUNT(duration_units),
                           out);
}

int units_parse_bytes(struct slice text, uint64_t *out)
{
    size_t unit_at = digits_of(text);

    if (unit_at == text.len) {
        return units_parse_number(text, out);
    }
    while (unit_at < text.len && text.data[unit_at] == ' ') {
        unit_at++;
    }
    return parse_with_unit(text, unit_at, byte_units, COUNT(byte_units), out);
}

static const char *text_with_unit(uint64_t number, const struct unit *units,
                                  size_t count, char out[UNITS_TEXT_BYTES])
{
    for (size_t i = 0; i < count && number > 0; i++) {
        if (number % units[i].factor == 0) {
            snprintf(out, UNITS_TEXT_BYTES, "%" PRIu64 "%s",
                     number / units[i].factor, units[i].name);
            return out;
        }
    }
    snprintf(out, UNITS_TEXT_BYTES, "%" PRIu64, number);
    return out;
}

const char *units_duration_text(uint64_t ms, char out[UNITS_TEXT_BYTES])
{
    return text_with_unit(ms, duration_units, COUNT(duration_units), out);
}

const char *units_bytes_text(uint64_t bytes, char out[UNITS_TEXT_BYTES])
{
    return text_with_unit(bytes, byte_units, COUNT(byte_units), out);
}
