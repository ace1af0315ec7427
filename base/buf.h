/* A growable run of bytes that is appended at the end and taken at the front.
 *
 * Running out of memory is sticky: the append that failed and all later ones
 * change nothing, and buf_failed() says so, so that a writer of many small
 * pieces asks once, at the end. A zeroed struct buf is an empty one. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/check.h"
#include "base/slice.h"

struct buf {
    uint8_t *data; /* owned; NULL while cap is 0 */
    size_t start;  /* bytes before it were taken */
    size_t end;    /* bytes from start to end are the content */
    size_t cap;
    bool failed;
};

/* Frees the memory; the buf is empty and usable again, failed is cleared. */
void buf_release(struct buf *buf);

/* For buf_reserve() alone. */
uint8_t *buf_make_room(struct buf *buf, size_t extra);

/* Makes room for `extra` more bytes and returns where they go, or NULL when
 * memory ran out (sticky). buf_commit() then makes `len` of them content.
 * The pointer is valid until the next call that changes the buf. */
static inline uint8_t *buf_reserve(struct buf *buf, size_t extra)
{
    return buf->failed || buf->cap - buf->end < extra
               ? buf_make_room(buf, extra)
               : buf->data + buf->end;
}

static inline void buf_commit(struct buf *buf, size_t len)
{
    CHECK(len <= buf->cap - buf->end);
    buf->end += len;
}

static inline void buf_append(struct buf *buf, const void *data, size_t len)
{
    uint8_t *to = buf_reserve(buf, len);

    if (to != NULL && len > 0) {
        memcpy(to, data, len);
        buf->end += len;
    }
}

static inline void buf_append_byte(struct buf *buf, uint8_t byte)
{
    uint8_t *to = buf_reserve(buf, 1);

    if (to != NULL) {
        *to = byte;
        buf->end++;
    }
}

void buf_append_slice(struct buf *buf, struct slice bytes);
void buf_append_str(struct buf *buf, const char *text);
void buf_append_u64(struct buf *buf, uint64_t number); /* decimal digits */

/* Drops `len` bytes at the front; len is at most buf_slice().len. */
void buf_take(struct buf *buf, size_t len);

/* Drops all content and keeps the memory; failed is cleared. */
void buf_clear(struct buf *buf);

/* The content; valid until the next call that changes the buf. */
static inline struct slice buf_slice(const struct buf *buf)
{
    return slice_of(buf->data + buf->start, buf->end - buf->start);
}

static inline size_t buf_len(const struct buf *buf)
{
    return buf->end - buf->start;
}

static inline bool buf_failed(const struct buf *buf)
{
    return buf->failed;
}

#endif
