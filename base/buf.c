#include "base/buf.h"

enum { BUF_CAP_MIN = 256 };

void buf_release(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){0};
}

/* Moves the content to the front when that alone makes enough room and at
 * least half of the memory lies before it, so that moving stays amortised. */
static bool make_room_in_place(struct buf *buf, size_t extra)
{
    size_t len = buf_len(buf);

    if (buf->start < buf->cap / 2 || buf->cap - len < extra) {
        return false;
    }
    memmove(buf->data, buf->data + buf->start, len);
    buf->start = 0;
    buf->end = len;
    return true;
}

/* At least doubles, even where the same size would do: copying everything for
 * the few bytes that were taken at the front would not be amortised. */
static bool grow(struct buf *buf, size_t extra)
{
    size_t len = buf_len(buf);
    size_t cap = buf->cap < BUF_CAP_MIN ? BUF_CAP_MIN : 2 * buf->cap;
    uint8_t *data;

    if (extra > SIZE_MAX / 4 - len) {
        return false;
    }
    while (cap - len < extra) {
        cap *= 2;
    }
    data = malloc(cap);
    if (data == NULL) {
        return false;
    }
    slice_copy(data, buf_slice(buf));
    free(buf->data);
    *buf = (struct buf){.data = data, .end = len, .cap = cap};
    return true;
}

uint8_t *buf_make_room(struct buf *buf, size_t extra)
{
    if (buf->failed) {
        return NULL;
    }
    if (buf->cap - buf->end < extra && !make_room_in_place(buf, extra) &&
        !grow(buf, extra)) {
        buf->failed = true;
        return NULL;
    }
    return buf->data + buf->end;
}

void buf_append_slice(struct buf *buf, struct slice bytes)
{
    buf_append(buf, bytes.data, bytes.len);
}

void buf_append_str(struct buf *buf, const char *text)
{
    buf_append(buf, text, strlen(text));
}

void buf_append_u64(struct buf *buf, uint64_t number)
{
    uint8_t digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    buf_append(buf, digits + at, sizeof(digits) - at);
}

void buf_take(struct buf *buf, size_t len)
{
    CHECK(len <= buf_len(buf));
    buf->start += len;
    if (buf->start == buf->end) {
        buf->start = 0;
        buf->end = 0;
    }
}

void buf_clear(struct buf *buf)
{
    buf->start = 0;
    buf->end = 0;
    buf->failed = false;
}
