#include "base/check.h"
#include "base/status.h"
#include "proto/encode.h"

enum {
    ESCAPE_BYTES_MAX = 4, /* \xHH */
    GROUP_BYTES = 8,
};

/* Times a byte: a group of it. */
#define EACH_BYTE UINT64_C(0x0101010101010101)

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

/* Whether one of the group's bytes is below `limit`, which is at most 0x80. */
static bool has_less(uint64_t group, uint64_t limit)
{
    return ((group - EACH_BYTE * limit) & ~group & EACH_BYTE * 0x80) != 0;
}

static bool has_byte(uint64_t group, uint64_t byte)
{
    return has_less(group ^ EACH_BYTE * byte, 1);
}

/* How many bytes at the front, in whole groups, stand in quotes as they are.
 * Long receipts are text mostly: they are not looked at byte by byte. */
static size_t count_plain(struct slice bytes)
{
    size_t len = 0;
    uint64_t group;

    while (bytes.len - len >= GROUP_BYTES) {
        memcpy(&group, bytes.data + len, GROUP_BYTES);
        if (has_less(group, 0x20) || has_byte(group, 0x7f) ||
            has_byte(group, '"') || has_byte(group, '\\')) {
            break;
        }
        len += GROUP_BYTES;
    }
    return len;
}

/* `bytes` is at most a group: room for its worst case is little. */
static void append_group(struct buf *to, struct slice bytes)
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
    while (bytes.len > 0) {
        size_t plain = count_plain(bytes);
        size_t group;

        buf_append(to, bytes.data, plain);
        bytes = slice_of(bytes.data + plain, bytes.len - plain);
        group = bytes.len < GROUP_BYTES ? bytes.len : GROUP_BYTES;
        append_group(to, slice_of(bytes.data, group));
        bytes = slice_of(bytes.data + group, bytes.len - group);
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
