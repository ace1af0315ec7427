/* The interface of a store: per-key streams of records, appended under a
 * compare, with an index of what expires.
 *
 * Calls block and are batched. A store is opened and closed by one thread; each
 * engine thread has a session of its own and calls only that. All sizes are in
 * bytes, all times are steady wall clock milliseconds.
 *
 * What every store promises, and tests/storage/test_conformance.c checks:
 *
 * - A record is appended at sequence n only if the stream's next sequence is n
 *   and the fence of its last record is the expected one; otherwise the item
 *   says E_SEQUENCE with the actual next sequence and nothing of it is written.
 * - append() and remove() are durable when they return 0, all of a call or
 *   nothing, and nothing of a call can be read by anybody before that.
 * - E_INDETERMINATE from either means that the outcome is unknown, now and
 *   after the next open: all of it is there or nothing. The session takes no
 *   further write.
 * - A row that cannot be read is never reported as absent.
 * - While a stream has rows, the index has an entry for it that is due no later
 *   than its last record's deadline. An entry may be due earlier (a completion
 *   outlives its claim) or name a stream that is gone: whoever follows the
 *   index reads the stream before deciding. */
#ifndef STORAGE_STORE_H
#define STORAGE_STORE_H

#include "base/clock.h"
#include "base/counters.h"
#include "base/err.h"
#include "storage/record.h"

/* What a writer believes about a stream. */
struct expect {
    uint64_t next;  /* the sequence the next record will have; 0: no rows */
    uint64_t fence; /* of the last record; 0: no rows */
};

/* What is known of a stream. */
struct head {
    int status;    /* 0, or E_CORRUPT: the last row cannot be read */
    uint64_t next; /* 0: the stream has no rows and `record` means nothing */
    struct record record; /* the last one; borrowed, see heads() */
};

static inline struct expect head_expect(const struct head *head)
{
    return (struct expect){head->next,
                           head->next == 0 ? 0 : head->record.fence};
}

/* What the daemon itself has to remember. Written with an append() or
 * remove(), in the same atomic write. Zeroed: never written. */
struct marks {
    struct clock_marks clock;
    uint64_t fence_high_water; /* no larger fence was ever given */
    uint64_t live_keys;        /* streams with rows; an estimate */
    uint64_t inflight;         /* of them, claimed and not finished; an
                                  estimate */
};

/* One record to append. Several items of one call may be for one stream; each
 * then expects what the one before it leaves behind, and when one conflicts,
 * those after it do too. */
struct append {
    struct stream stream;
    struct expect expect;
    struct record record;
    /* Set by the store: */
    int status;           /* 0: appended · E_SEQUENCE · E_CORRUPT: the stream
                             cannot be read, nothing was written */
    uint64_t actual_next; /* E_SEQUENCE: the stream's next sequence */
};

/* A stream that cannot be read is looked at again after a day: somebody has to
 * repair it first, and until then every look is wasted. */
#define STORE_CORRUPT_AGAIN_MS UINT64_C(86400000)

/* One stream that the index named, and what to do with it. */
struct removal {
    struct stream stream;
    struct expect expect; /* drop: as it was read */
    bool drop;            /* true: remove all rows; false: keep them */
    uint64_t again_ms;    /* keep: when the index names it next; 0: never,
                             because it has no rows or a later entry */
    /* Set by the store: */
    int status; /* 0 · E_SEQUENCE: the stream has changed and is kept, the
                   index will name it again · E_CORRUPT: likewise */
};

/* What the index says is due. */
struct due {
    const struct stream *streams; /* may name one stream twice */
    size_t count;
    bool more;      /* the limit was reached: ask again after remove() */
    size_t damaged; /* index entries, or stretches of the index, passed over
                       because they cannot be read; they stay where they are */
};

struct store_stats {
    uint64_t bytes;      /* on disk and in memory, an estimate */
    uint64_t free_bytes; /* of the file system, less what the store will still
                            set aside; 0 where it cannot go on for long;
                            UINT64_MAX where there is no disk */
};

struct store;
struct session;

/* Sees one record of a stream. The record is borrowed for the call. */
typedef void store_visit(void *arg, uint64_t sequence,
                         const struct record *record);

struct store_ops {
    /* Reads the last record of each of `count` streams. `heads[i]` belongs to
     * `streams[i]`; its slices are valid until the session's next heads() or
     * until it is closed. Streams may repeat.
     * Adds to COUNTER_ROWS_READ. Returns 0. */
    int (*heads)(struct session *session, const struct stream *streams,
                 struct head *heads, size_t count);

    /* Appends in order. `marks`, if not NULL, is stored too. With count 0 and
     * no marks nothing happens.
     * 0: durable; look at each item's status · E_INDETERMINATE. */
    int (*append)(struct session *session, struct append *items, size_t count,
                  const struct marks *marks);

    /* Streams whose index entry is due before `before_ms`, earliest first,
     * about `limit` of them (an entry of the index is never cut). Changes
     * nothing. `due` is valid until the session's next due() or remove().
     * 0 · E_IO: the index cannot be read, up to `before_ms`; `due` is empty. */
    int (*due)(struct session *session, uint64_t before_ms, size_t limit,
               struct due *due);

    /* Settles what the last due() returned: removes the rows of the items to
     * drop, takes the index entries away and indexes kept streams again, all in
     * one write. `items` are the streams of that due(), each once.
     * 0: durable; look at each item's status · E_INDETERMINATE. */
    int (*remove)(struct session *session, struct removal *items, size_t count,
                  const struct marks *marks);

    /* Visits the records that are kept, newest first. 0 · E_CORRUPT, after
     * what could be read. */
    int (*history)(struct session *session, struct stream stream,
                   store_visit *visit, void *arg);

    /* NULL: no memory. */
    struct session *(*session_open)(struct store *store);
    void (*session_close)(struct session *session);

    /* What was stored last; zeroed if never. Any thread, after open. */
    void (*marks)(struct store *store, struct marks *out);

    /* Any thread. */
    void (*stats)(struct store *store, struct store_stats *out);

    /* To be called about once a second, by one thread at a time: what a store
     * does for its own safety, a little at a time. */
    void (*upkeep)(struct store *store);

    /* Why a call returned E_INDETERMINATE or a row was unreadable, in a
     * sentence; "" if neither happened. Valid until the next call. */
    const char *(*trouble)(struct session *session);

    /* 0, or E_FULL when that trouble was a full disk, E_DATA when nothing can
     * be written because of what is damaged, else E_IO. */
    int (*trouble_status)(struct session *session);

    /* Every session is closed before. Frees the store. */
    void (*close)(struct store *store);
};

/* The first member of every store and of every session. */
struct store {
    const struct store_ops *ops;
};

struct session {
    struct store *store;
};

/* What a store needs to know. Borrowed until open has returned, but for
 * `counters`, which outlives the store. */
struct store_config {
    const char *data_dir; /* not used by the memory store */
    const char *log_dir;  /* where a library may log; not on the data disk */
    uint64_t history;     /* rows kept of a stream, at least 2 */
    uint64_t block_cache_bytes;
    uint64_t write_buffer_bytes;
    uint64_t min_free_bytes; /* the store sets nothing aside of these */
    struct counters *counters;
};

/* Opens a store; NULL with *status and a sentence in `err` otherwise. */
typedef struct store *store_open_fn(const struct store_config *config,
                                    int *status, struct err *err);

#endif
