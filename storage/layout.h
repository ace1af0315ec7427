/* Where things stand in a store's three tables.
 *
 *     rows   stream id                       the stream's last record
 *            stream id + sequence (8 bytes)  an older record, moved here byte
 *                                            by byte when it was superseded
 *     due    due time + number               see due_entry.h
 *     meta   "format"                        version of all this
 *            "marks"                         struct marks
 *
 * The last record of a stream is found by one point read, however many records
 * came before, and a key that was never seen costs one look at a bloom filter.
 * `kept` in the last record says which older rows exist (sequence - kept up to
 * sequence - 1), so trimming and removing name rows exactly and never search.
 * A stream is one contiguous range of rows, because no id is a prefix of
 * another. */
#ifndef STORAGE_LAYOUT_H
#define STORAGE_LAYOUT_H

#include "storage/store.h"

enum {
    FORMAT_VERSION = 1, /* what this code writes */
    FORMAT_READER = 1,  /* the oldest code that may read what it writes */
};

/* Row keys; the first borrows the stream's id, the second `buf`, whose content
 * it replaces. */
struct slice row_key_last(struct stream stream);
struct slice row_key_older(struct buf *buf, struct stream stream,
                           uint64_t sequence);

struct slice meta_key_format(void);
struct slice meta_key_marks(void);

/* Appends the value of the row "format". */
void meta_format_encode(struct buf *to);

/* 0 · E_FORMAT: written by a newer format · E_DATA: not such a value. */
must_check int meta_format_check(struct slice value);

/* Appends the value of the row "marks". */
void meta_marks_encode(struct buf *to, const struct marks *marks);

/* 0 · E_DATA: not such a value. */
must_check int meta_marks_decode(struct slice value, struct marks *marks);

#endif
