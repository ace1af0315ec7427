/* Streams of requests to text that tests compare.
 *
 * Every piece of input, and the scratch memory of every command, ends at an
 * unmapped page, so that a read or write beyond it ends the test. Uses static
 * memory: one thread, and tests run in processes of their own. */
#ifndef TESTS_LIB_PROTO_IO_H
#define TESTS_LIB_PROTO_IO_H

#include "proto/proto.h"

/* Small ones: 16 bytes of key, 32 of receipt, 50 s of lease, 100 s of ttl. */
extern const struct proto_limits proto_io_limits;

/* Separate rooms of so many bytes at most. */
enum { GUARDED_BYTES_MAX = 1 << 20 };
enum guarded { GUARDED_INPUT, GUARDED_SCRATCH, GUARDED_OTHER, GUARDED_COUNT };

/* `len` bytes that end at an unmapped page; the same memory each time. */
uint8_t *guarded_room(enum guarded which, size_t len);

/* Delivers the stream, `first` bytes and then `step` at a time, as a growing
 * buffer whose front is dropped with every request, and appends what came out,
 * a line each, and a terminator that is not part of the content:
 *
 *     CLAIM key="k" owner="\x00" lease=5000
 *     COMPLETE ERR LIMIT             the verb is - where there was none
 *     nothing
 *     hopeless SYNTAX                nothing follows
 *     more 12                        bytes were left at the end of the stream
 *
 * Also checks what holds for every stream: a frame never runs past its input,
 * an error always has a status that proto.h allows there. */
void proto_io_read(struct buf *transcript, struct slice stream, size_t first,
                   size_t step, const struct proto_limits *limits);

/* Fails the test unless the stream reads so, at one go. */
void ck_reads_bytes(struct slice stream, const char *expected);

/* The same for one line without its LF; `expected` without its own. */
void ck_reads_line(const char *line, const char *expected);

/* The same for a RESP request of these words, NULL at the end. */
void ck_reads_resp(const char *const words[], const char *expected);

/* Both: the words are what blanks separate in the line. */
void ck_reads(const char *line, const char *expected);

/* Appends a RESP request: its count, then word by word. */
void resp_append_count(struct buf *to, size_t count);
void resp_append_word(struct buf *to, struct slice word);

/* The same from what blanks separate in the text. */
void resp_append_split(struct buf *to, const char *text);

#endif
