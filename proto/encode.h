/* How a framing writes the parts of a reply. Private to proto/: reply.c says
 * what a reply consists of, one encoder per framing how that looks. */
#ifndef PROTO_ENCODE_H
#define PROTO_ENCODE_H

#include "base/buf.h"

struct encoder {
    /* A whole reply of one word, of those that RESP has a short form for. */
    void (*simple)(struct buf *to, const char *word);
    void (*error)(struct buf *to, int status, const char *sentence);

    /* A state: its word and then its fields; `elements` counts the word, every
     * name and every value. */
    void (*state_begin)(struct buf *to, const char *word, size_t elements);
    void (*number)(struct buf *to, const char *name, uint64_t number);
    void (*bytes)(struct buf *to, const char *name, struct slice bytes);
    void (*nameless)(struct buf *to, struct slice bytes);
    void (*state_end)(struct buf *to);

    /* A list of items, each of a text, or of a name and a value. */
    void (*list_begin)(struct buf *to, const char *word, size_t items,
                       size_t elements);
    void (*item)(struct buf *to, const char *text);
    void (*item_text)(struct buf *to, const char *name, const char *text);
    void (*item_number)(struct buf *to, const char *name, uint64_t number);

    /* The most bytes of a reply that one byte of a receipt can become. */
    size_t bytes_per_byte;
};

extern const struct encoder encoder_line;
extern const struct encoder encoder_resp;

#endif
