#include "base/check.h"
#include "base/status.h"
#include "proto/encode.h"

enum {
    ESCAPE_BYTES_MAX = 4, /* \xHH */
    CHUNK_BYTES = 256,
};

static void end_line(struct buf *to)
{
    buf_append_byte(to, '\n');
}

static void simple(struct buf *to, const char *word)
{
    buf_append_str(to, word);
    end_line(to);
}

static void error(struct buf *to, int status, const char *sentence)
{
    buf_append_str(to, "ERR ");
    buf_append_str(to, status_name(status));
    buf_append_byte(to, ' ');
    buf_append_str(to, sentence);
    end_line(to);
}

static void state_begin(struct buf *to, const char *word, size_t elements)
{
    (void)elements;
    buf_append_str(to, word);
}

static void begin_field(struct buf *to, const char *name)
{
    buf_append_byte(to, ' ');
    buf_append_str(to, name);
    buf_append_byte(to, '=');
}

static void number_field(struct buf *to, const char *name, uint64_t number)
{
    begin_field(to, name);
    buf_append_u64(to, number);
}

/* The letter that stands for the byte behind a backslash, or 0. */
static uint8_t escape_letter(uint8_t byte)
{
    switch (byte) {
    case '"':
    case '\\':
        return byte;
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

/* Writes one byte as it stands in quotes; returns behind it. */
static uint8_t *put_escaped(uint8_t *to, uint8_t byte)
{
    static const uint8_t digits[] = "0123456789abcdef";
    uint8_t letter = escape_letter(byte);

    if (letter == 0 && byte >= 0x20 && byte != 0x7f) {
        *to++ = byte;
        return to;
    }
    *to++ = '\\';
    if (letter != 0) {
        *to++ = letter;
        return to;
    }
    *to++ = 'x';
    *to++ = digits[byte >> 4];
    *to++ = digits[byte & 15];
    return to;
}

/* `bytes` is at most a chunk: room for its worst case is little. */
static void append_chunk(struct buf *to, struct slice bytes)
{
    uint8_t *start = buf_reserve(to, bytes.len * ESCAPE_BYTES_MAX);
    uint8_t *end = start;

    if (start == NULL) {
        return;
    }
    for (size_t i = 0; i < bytes.len; i++) {
        end = put_escaped(end, bytes.data[i]);
    }
    buf_commit(to, (size_t)(end - start));
}

static void append_quoted(struct buf *to, struct slice bytes)
{
    buf_append_byte(to, '"');
    for (size_t at = 0; at < bytes.len; at += CHUNK_BYTES) {
        size_t left = bytes.len - at;

        append_chunk(to, slice_of(bytes.data + at,
                                  left < CHUNK_BYTES ? left : CHUNK_BYTES));
    }
    buf_append_byte(to, '"');
}

static void bytes_field(struct buf *to, const char *name, struct slice bytes)
{
    begin_field(to, name);
    append_quoted(to, bytes);
}

static void nameless(struct buf *to, struct slice bytes)
{
    buf_append_byte(to, ' ');
    append_quoted(to, bytes);
}

static void list_begin(struct buf *to, const char *word, size_t items,
                       size_t elements)
{
    (void)elements;
    buf_append_str(to, word);
    buf_append_byte(to, ' ');
    buf_append_u64(to, items);
    end_line(to);
}

static void item_text(struct buf *to, const char *name, const char *text)
{
    buf_append_str(to, name);
    buf_append_byte(to, ' ');
    simple(to, text);
}

static void item_number(struct buf *to, const char *name, uint64_t number)
{
    buf_append_str(to, name);
    buf_append_byte(to, ' ');
    buf_append_u64(to, number);
    end_line(to);
}

const struct encoder encoder_line = {
    .simple = simple,
    .error = error,
    .state_begin = state_begin,
    .number = number_field,
    .bytes = bytes_field,
    .nameless = nameless,
    .state_end = end_line,
    .list_begin = list_begin,
    .item = simple,
    .item_text = item_text,
    .item_number = item_number,
    .bytes_per_byte = ESCAPE_BYTES_MAX,
};
