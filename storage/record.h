/* One record of a stream, and its bytes in a store.
 *
 * The state of a key is its last record. A record is decoded strictly: what
 * this code would not have written is E_CORRUPT. The layout, and the recipe for
 * changing it, stand in docs/storage.md and above record_encode(). */
#ifndef STORAGE_RECORD_H
#define STORAGE_RECORD_H

#include "base/buf.h"
#include "storage/stream.h"

enum record_type {
    RECORD_CLAIM = 1,      /* also what EXTEND appends */
    RECORD_COMPLETION = 2, /* carries the receipt */
    RECORD_RELEASE = 3,    /* tombstone */
};

/* All times are steady wall clock milliseconds, all durations milliseconds. */
struct record {
    enum record_type type;
    uint64_t fence;   /* of the claim that this record is part of; 1 to
                         FENCE_MAX */
    uint64_t attempt; /* of that claim; from 1 */
    uint64_t at_ms;   /* of the claim, its last EXTEND, the completion or the
                         release: where the ttl starts */
    uint64_t ttl_ms;  /* how long after at_ms the key is remembered */
    /* RECORD_CLAIM alone; 0 and empty elsewhere: */
    uint64_t claimed_ms;   /* the claim itself; at most at_ms */
    uint64_t lease_ms;     /* the lease the claim was made with */
    uint64_t lease_end_ms; /* when the lease ends now */
    struct slice owner;    /* 0 to 64 bytes; empty: the claim named none */
    /* RECORD_CLAIM and RECORD_COMPLETION: */
    struct slice fp; /* of the claim; 0 to 64 bytes; empty: none */
    /* RECORD_COMPLETION alone: */
    struct slice receipt; /* may be empty, and is a receipt then too */
};

/* When the ttl ends (saturating); the key is gone once grace has passed too. */
uint64_t record_deadline_ms(const struct record *record);

/* Where in its stream a record stands. */
struct place {
    uint64_t sequence; /* 0 for the first record of a stream */
    uint64_t kept;     /* older records that are still stored, those with the
                          sequences from sequence - kept on */
};

/* Appends the row's value: place and record, versioned, with a checksum over
 * the stream's id and the value. Memory running out is the buf's. */
void record_encode(struct buf *to, struct stream stream, struct place place,
                   const struct record *record);

/* 0, or E_CORRUPT for anything but the exact bytes of a record of this stream:
 * unknown version or type, bad checksum, truncated or trailing bytes, a number
 * out of bounds. The record borrows `value`. */
must_check int record_decode(struct slice value, struct stream stream,
                             struct place *place, struct record *record);

#endif
