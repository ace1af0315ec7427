/* A borrowed run of bytes: pointer and length, any bytes, no terminator.
 *
 * A slice owns nothing. Whoever hands one out says until when it is valid. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *data; /* may be NULL when len is 0 */
    size_t len;
};

static inline struct slice slice_of(const void *data, size_t len)
{
    return (struct slice){.data = data, .len = len};
}

static inline struct slice slice_str(const char *text)
{
    return slice_of(text, strlen(text));
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Copies the bytes to `to` (which has room) and returns the copy. */
static inline struct slice slice_copy(uint8_t *to, struct slice from)
{
    if (from.len > 0) {
        memcpy(to, from.data, from.len);
    }
    return slice_of(to, from.len);
}

#endif
