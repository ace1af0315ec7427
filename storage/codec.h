/* The small pieces that stored values are made of.
 *
 * Numbers are LEB128 (seven bits a byte, lowest first, the top bit says that
 * more follow) in their only shortest form. Every value ends in a seal: four
 * bytes, big-endian, the low half of XXH3-64 over a context that is not stored
 * in the value (the stream's id, the entry's key) followed by the value. A
 * value that was damaged, cut, or stored under another name does not open. */
#ifndef STORAGE_CODEC_H
#define STORAGE_CODEC_H

#include "base/buf.h"

enum { SEAL_BYTES = 4 };

/* Writers append; memory running out is the buf's. */
void encode_varint(struct buf *to, uint64_t number);

/* The signed distance from `base` to `number`, short when they are close on
 * either side. Wraps, so any two numbers do. */
void encode_distance(struct buf *to, uint64_t base, uint64_t number);

/* A length and the bytes. */
void encode_bytes(struct buf *to, struct slice bytes);

/* Seals what the buf holds from its `from`-th byte on. */
void encode_seal(struct buf *to, size_t from, struct slice context);

/* Reads pieces off the front. The first one that is not as the writers write
 * it makes the decoder bad, and everything read from then on is 0 or empty, so
 * that a reader asks once, at the end. */
struct decoder {
    struct slice rest;
    bool bad;
};

/* Checks the seal; the decoder then reads the value without it, and is bad from
 * the start where the seal is wrong. */
struct decoder decode_sealed(struct slice value, struct slice context);

uint8_t decode_byte(struct decoder *from);
uint64_t decode_varint(struct decoder *from);
uint64_t decode_distance(struct decoder *from, uint64_t base);

/* At most `len_max` bytes; borrowed from the value. */
struct slice decode_bytes(struct decoder *from, size_t len_max);

/* All that is left. */
struct slice decode_rest(struct decoder *from);

/* Whether everything was well-formed and nothing is left. */
bool decode_done(const struct decoder *from);

/* Eight bytes, big-endian, so that keys sort as their numbers do. */
void store_u64(uint8_t to[8], uint64_t number);
uint64_t load_u64(const uint8_t from[8]);

#endif
