/* Numbers with units, as clients and operators write them. */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include "base/slice.h"
#include "base/status.h"

/* a + b, or UINT64_MAX where that would wrap. */
static inline uint64_t add_saturating(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* a - b, or 0 where that would be negative. */
static inline uint64_t sub_floor(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* Decimal digits alone. E_SYNTAX: empty or another byte; E_LIMIT: does not fit
 * 64 bits. */
must_check int units_parse_number(struct slice text, uint64_t *out);

/* Digits and nothing, or one of ms s m h d; a bare number is milliseconds.
 * Errors as above. */
must_check int units_parse_duration_ms(struct slice text, uint64_t *out);

/* Digits, optionally blanks, and nothing or one of KiB MiB GiB. */
must_check int units_parse_bytes(struct slice text, uint64_t *out);

/* Writes the shortest text that the parser above reads back as the same
 * number, terminated, and returns `out`. */
enum { UNITS_TEXT_BYTES = 32 };
const char *units_duration_text(uint64_t ms, char out[UNITS_TEXT_BYTES]);
const char *units_bytes_text(uint64_t bytes, char out[UNITS_TEXT_BYTES]);

#endif
