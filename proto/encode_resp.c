#include "base/check.h"
#include "base/status.h"
#include "proto/encode.h"

static void end_part(struct buf *to)
{
    buf_append(to, "\r\n", 2);
}

static void append_header(struct buf *to, uint8_t mark, uint64_t number)
{
    buf_append_byte(to, mark);
    buf_append_u64(to, number);
    end_part(to);
}

static void append_bulk(struct buf *to, struct slice bytes)
{
    append_header(to, '$', bytes.len);
    buf_append_slice(to, bytes);
    end_part(to);
}

static void append_bulk_str(struct buf *to, const char *text)
{
    append_bulk(to, slice_str(text));
}

static void simple(struct buf *to, const char *word)
{
    buf_append_byte(to, '+');
    buf_append_str(to, word);
    end_part(to);
}

static void error(struct buf *to, int status, const char *sentence)
{
    /* Redis clients tell a command that the server lacks by this text. */
    if (status == E_UNKNOWN_COMMAND) {
        buf_append_str(to, "-ERR unknown command\r\n");
        return;
    }
    buf_append_byte(to, '-');
    buf_append_str(to, status_name(status));
    buf_append_byte(to, ' ');
    buf_append_str(to, sentence);
    end_part(to);
}

static void state_begin(struct buf *to, const char *word, size_t elements)
{
    append_header(to, '*', elements);
    append_bulk_str(to, word);
}

static void state_end(struct buf *to)
{
    (void)to; /* the count at the front has said where it ends */
}

static void number_pair(struct buf *to, const char *name, uint64_t number)
{
    append_bulk_str(to, name);
    append_header(to, ':', number);
}

static void bytes_pair(struct buf *to, const char *name, struct slice bytes)
{
    append_bulk_str(to, name);
    append_bulk(to, bytes);
}

static void text_pair(struct buf *to, const char *name, const char *text)
{
    append_bulk_str(to, name);
    append_bulk_str(to, text);
}

static void list_begin(struct buf *to, const char *word, size_t items,
                       size_t elements)
{
    (void)word;
    (void)items;
    append_header(to, '*', elements);
}

const struct encoder encoder_resp = {
    .simple = simple,
    .error = error,
    .state_begin = state_begin,
    .number = number_pair,
    .bytes = bytes_pair,
    .nameless = append_bulk,
    .state_end = state_end,
    .list_begin = list_begin,
    .item = append_bulk_str,
    .item_text = text_pair,
    .item_number = number_pair,
    .bytes_per_byte = 1,
};
