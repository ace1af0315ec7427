/* The store interface over three tables: everything that store.h promises and
 * that is the same for every backend of tables.h.
 *
 * One write at a time. A lock is held from the compare to the end of the write,
 * so that both are one step whichever sessions write. The last records that
 * heads() read are good enough for the compare as long as nobody, this session
 * included, has written since (`writes`); otherwise they are read again.
 *
 * The index is followed by a cursor, so that what was settled is not walked
 * over again: every entry due before `due_cursor_ms` is settled or cannot be
 * read, and scans start there. Nothing may be added where the last scan has
 * already been, or settling what that scan returned would move the cursor past
 * it; therefore new entries are due at `due_floor_ms` at the earliest, which is
 * where the last scan ended.
 *
 * An entry's number is the count of entries written since the store was opened,
 * on top of the count of rows that were ever written before (serial): each
 * entry is a row itself, so no number comes twice. */
#ifndef STORAGE_STREAMS_H
#define STORAGE_STREAMS_H

#include "storage/due_entry.h"
#include "storage/view.h"

#include <pthread.h>

struct streams {
    struct store store;
    struct tables *tables; /* owned */
    struct counters *counters;
    uint64_t history;
    _Atomic uint64_t writes; /* that have succeeded; counted afterwards */

    pthread_mutex_t write_lock; /* guards the following */
    uint64_t due_number;        /* of the last entry written */
    uint64_t due_floor_ms;
    uint64_t due_cursor_ms;
    size_t changes; /* rows of the write in the making */
    int poison;     /* 0, or the status of the write that failed */
    struct err poison_text;

    pthread_mutex_t marks_lock; /* never taken with the other one */
    struct marks marks;         /* as stored by the write with this number: */
    uint64_t marks_write;
};

/* An entry of the index that is to be written. */
struct due_wish {
    uint64_t due_ms;
    struct stream stream; /* borrowed for the write */
};

/* What the last due() returned. */
struct due_list {
    struct buf ids;
    struct stream *streams; /* borrow `ids` */
    uint8_t *keys;          /* of the entries, DUE_KEY_BYTES each */
    size_t count, streams_cap;
    size_t keys_count, keys_cap;
    size_t limit;
    size_t damaged;
    bool is_cut;        /* the rest could not be read */
    uint64_t before_ms; /* as it was asked for */
    uint64_t last_ms;   /* the last entry is due then */
};

/* A last row that a write changes. */
struct row_change {
    const struct view_row *row;
    size_t from, len; /* of the new one in session->new_rows; 0: it goes */
};

struct streams_session {
    struct session session;
    /* Right as long as the store's `writes` is `cache_writes`: as long as
     * nobody else has written. */
    struct head_cache cache;
    uint64_t cache_writes;
    struct row_change *row_changes; /* of the write in the making */
    size_t row_changes_cap, row_changes_count;
    struct buf new_rows;
    struct view seen;     /* by the last heads() */
    uint64_t seen_writes; /* store's `writes` before that */
    struct view fresh;    /* read under the lock, where `seen` is too old */
    struct due_list due;
    struct err trouble;
    int trouble_status;
    /* Memory that every write uses again. */
    struct stream *names;
    struct view_row **rows; /* of the names; see session_rows() */
    size_t rows_cap;
    struct due_wish *wishes;
    size_t names_cap, wishes_cap, wishes_count;
    struct change *changes;
    size_t *chain;
    size_t changes_cap, chain_cap;
    struct stream *group;
    size_t group_cap;
    struct buf key, value;
};

/* Whether the meta rows of tables that were made before are there and can be
 * read. E_DATA, E_FORMAT. */
must_check int streams_check(struct tables *tables, struct err *err);

/* Makes a store of `tables`, which it then owns (and has closed when it
 * fails). `create`: the tables are empty and get their version.
 * E_DATA, E_FORMAT, E_IO, E_FULL. */
struct store *streams_open(struct tables *tables, bool create,
                           const struct store_config *config, int *status,
                           struct err *err);

/* --- for the parts of streams only --- */

int streams_append(struct session *session, struct append *items, size_t count,
                   const struct marks *marks);
int streams_due(struct session *session, uint64_t before_ms, size_t limit,
                struct due *due);
int streams_remove(struct session *session, struct removal *items, size_t count,
                   const struct marks *marks);
int streams_history(struct session *session, struct stream stream,
                    store_visit *visit, void *arg);

static inline struct streams *streams_of(struct streams_session *session)
{
    return (struct streams *)session->session.store;
}

/* At the start of a call: forgets the trouble of the one before. */
void session_begin(struct streams_session *session);

/* Reads last records, and counts; a trouble is the session's. */
void session_read(struct streams_session *session, struct view *view,
                  const struct stream *streams, size_t count);

/* Finds what to compare against for the first `count` of session->names, read
 * again where that is necessary, and puts it into session->rows. The lock is
 * held. */
void session_rows(struct streams_session *session, size_t count);

/* Parts of a write. The lock is held from the first to write_end(). */
must_check int write_begin(struct streams_session *session);
void write_put(struct streams *streams, enum table table, struct slice key,
               struct slice value);
void write_drop(struct streams *streams, enum table table, struct slice key);
/* Puts, or drops if `value` is empty, the last row of a stream. */
void write_last_row(struct streams_session *session, const struct view_row *row,
                    struct slice value);
/* Has the index name a stream at `due_ms`, or at the floor if that is later. */
void write_wish(struct streams_session *session, uint64_t due_ms,
                struct stream stream);
/* Writes what was wished for, and marks unless NULL, and commits; nothing
 * happens when there is nothing to write. */
must_check int write_commit(struct streams_session *session,
                            const struct marks *marks);
/* Unlocks, passes on `status`, and publishes marks (or NULL) if it is 0. */
int write_end(struct streams_session *session, int status,
              const struct marks *marks);

#endif
