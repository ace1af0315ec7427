/* RocksDB as a backend of tables.h, and the opening of the data directory.
 *
 * Measured on RocksDB 7.8.3, and the reason for what looks odd here:
 * - Every write is one synced write. A value put unsynced and synced later can
 *   be read before it is durable; one put with sync=1 cannot.
 * - A failed sync of the log shows in no property, and what failed may be there
 *   after the next open: a failed write has an unknown outcome.
 * - Options of one column family do not reach the others.
 * - Options of the log and of recovery are those of the database: what a column
 *   family says about them means nothing. */
#include "storage/store_rocks.h"

#include "base/check.h"
#include "base/log.h"
#include "base/units.h"
#include "storage/ballast.h"
#include "storage/data_dir.h"
#include "storage/log_files.h"
#include "storage/memory.h"
#include "storage/streams.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <rocksdb/c.h>
#include <sys/stat.h>
#include <unistd.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

enum {
    READ_MAX = 64, /* keys of one batched read */
    /* A memtable of the rows is this part of `write_buffer`, and so many are
     * merged by one flush. Putting a row is a walk through a skip list, and the
     * engine's greatest cost: 7.0 us a fresh claim with memtables of 16 MiB,
     * 5.8 us with 8 of 2 MiB, which fit into the core's cache, for 0.2 us more
     * on RocksDB's threads (batches of 200, 2 cores). */
    ROW_BUFFERS_MERGED = 8,
    ROW_BUFFERS_MAX = 2 * ROW_BUFFERS_MERGED + 2,
    /* Of a key. A false hit costs the read of a block. */
    ROW_FILTER_BITS = 16,
    /* Sorted runs of rows before they are merged; each is asked, by its filter,
     * for a key that was never seen. Runs merged by size are rewritten less
     * often than levels: 2.8 against 7 to 8 us a claim on RocksDB's threads
     * with 4.5 to 6 M keys there. */
    ROW_RUNS = 8,
    /* From so many files on that wait to be merged, RocksDB slows writes down;
     * at twice as many it stops them. */
    ROW_FILES_SLOW = 8 * ROW_RUNS,
    SMALL_FILES_SLOW = 20,
    ROW_DELETIONS_SEEN = 10000, /* rows in a row that are looked at */
    DUE_BUFFER = 4 * MIB,
    DUE_BUFFERS_MAX = 4,
    META_BUFFER = MIB,
    META_BUFFERS_MAX = 2,
    LOG_BYTES_MAX = 32 * MIB,
};

struct rocks {
    struct tables tables;
    struct data_dir dir;
    struct ballast ballast;
    uint64_t min_free_bytes;
    struct manifest manifest;
    rocksdb_t *db;
    rocksdb_column_family_handle_t *families[TABLE_COUNT];
    rocksdb_cache_t *cache;
    rocksdb_options_t *options; /* of the database */
    rocksdb_options_t *table_options[TABLE_COUNT];
    rocksdb_readoptions_t *read_options;
    rocksdb_writeoptions_t *write_options;
    rocksdb_writebatch_t *batch; /* the write in the making */
};

static const char *const family_names[TABLE_COUNT] = {
    [TABLE_META] = "default",
    [TABLE_ROWS] = "rows",
    [TABLE_DUE] = "due",
};

/* Copies RocksDB's text to one line and frees it. */
static void take_text(char *text, struct err *out)
{
    for (char *at = text; *at != '\0'; at++) {
        if (*at == '\n' || *at == '\r') {
            *at = ' ';
        }
    }
    err_set(out, 0, "%s", text);
    rocksdb_free(text);
}

static bool mentions(const struct err *text, const char *part)
{
    return strstr(text->text, part) != NULL;
}

/* --- options ------------------------------------------------------------ */

static void set_log_options(rocksdb_options_t *options, const char *log_dir)
{
    enum { LEVEL_FATAL = 4 };

    /* This build aborts when it cannot write its own log, so that must not be
     * on the disk that the data can fill. Where it is may be full too: after
     * the open it has nothing to say. What ends the daemon it returns. */
    if (log_dir != NULL) {
        rocksdb_options_set_db_log_dir(options, log_dir);
    }
    rocksdb_options_set_info_log_level(options, LEVEL_FATAL);
    rocksdb_options_set_max_log_file_size(options, MIB);
    rocksdb_options_set_keep_log_file_num(options, 3);
    rocksdb_options_set_stats_dump_period_sec(options, 0);
    rocksdb_options_set_stats_persist_period_sec(options, 0);
}

static void set_database_options(rocksdb_options_t *options,
                                 const struct store_config *config)
{
    enum { TOLERATE_CORRUPTED_TAIL = 0 };

    /* The default mode loses, without a word, everything behind a flipped bit
     * in the middle of the log; this one refuses to open. */
    rocksdb_options_set_wal_recovery_mode(options, TOLERATE_CORRUPTED_TAIL);
    rocksdb_options_set_paranoid_checks(options, 1);
    rocksdb_options_set_use_fsync(options, 0);
    rocksdb_options_set_max_open_files(options, 256);
    rocksdb_options_set_max_background_jobs(options, 2);
    /* What a start has to read again. The rows alone would let it go sooner;
     * the marks, which fill their buffer slowly, hold on to it. */
    rocksdb_options_set_max_total_wal_size(options, LOG_BYTES_MAX);
    rocksdb_options_set_max_manifest_file_size(options, 16 * MIB);
    rocksdb_options_set_bytes_per_sync(options, MIB);
    set_log_options(options, config->log_dir);
}

/* NULL when RocksDB does not know an option, which another version may do. */
static rocksdb_options_t *
new_database_options(const struct store_config *config, struct err *err)
{
    rocksdb_options_t *base = rocksdb_options_create();
    rocksdb_options_t *options = rocksdb_options_create();
    char *error = NULL;

    rocksdb_get_options_from_string(base,
                                    "track_and_verify_wals_in_manifest=true;"
                                    "avoid_flush_during_recovery=false",
                                    options, &error);
    rocksdb_options_destroy(base);
    if (error != NULL) {
        take_text(error, err);
        rocksdb_options_destroy(options);
        return NULL;
    }
    set_database_options(options, config);
    return options;
}

static void set_blocks(rocksdb_options_t *options, rocksdb_cache_t *cache,
                       bool has_filter)
{
    rocksdb_block_based_table_options_t *blocks =
        rocksdb_block_based_options_create();

    rocksdb_block_based_options_set_block_cache(blocks, cache);
    rocksdb_block_based_options_set_block_size(blocks, 8 * KIB);
    rocksdb_block_based_options_set_format_version(blocks, 5);
    if (has_filter) {
        rocksdb_block_based_options_set_whole_key_filtering(blocks, 1);
        rocksdb_block_based_options_set_filter_policy(
            blocks, rocksdb_filterpolicy_create_bloom(ROW_FILTER_BITS));
    }
    rocksdb_options_set_block_based_table_factory(options, blocks);
    rocksdb_block_based_options_destroy(blocks);
}

/* Rows are put in the order of their keys. With a hint RocksDB begins each walk
 * where the one before ended, among keys that begin alike; the first two bytes
 * are the length and the start of the namespace. The C interface has no call
 * for it.
 *
 * Expired rows leave tombstones, which are small: the run they hide rows in is
 * rewritten when the newer ones come to as much as it, or when a file consists
 * of them by half. */
static rocksdb_options_t *new_row_options(const struct rocks *rocks,
                                          uint64_t write_buffer_bytes)
{
    rocksdb_universal_compaction_options_t *universal =
        rocksdb_universal_compaction_options_create();
    rocksdb_options_t *options = rocksdb_options_create();
    char *error = NULL;

    rocksdb_get_options_from_string(
        rocks->options,
        "memtable_insert_with_hint_prefix_extractor=rocksdb.CappedPrefix.2",
        options, &error);
    CHECK(error == NULL); /* every RocksDB 7 knows it */
    rocksdb_options_set_memtable_whole_key_filtering(options, 1);
    rocksdb_options_set_memtable_prefix_bloom_size_ratio(options, 0.05);
    rocksdb_options_set_write_buffer_size(options, (size_t)write_buffer_bytes /
                                                       ROW_BUFFERS_MERGED);
    rocksdb_options_set_min_write_buffer_number_to_merge(options,
                                                         ROW_BUFFERS_MERGED);
    rocksdb_options_set_max_write_buffer_number(options, ROW_BUFFERS_MAX);
    rocksdb_options_set_compaction_style(options, rocksdb_universal_compaction);
    rocksdb_universal_compaction_options_set_max_size_amplification_percent(
        universal, 100);
    rocksdb_options_set_universal_compaction_options(options, universal);
    rocksdb_options_add_compact_on_deletion_collector_factory(
        options, ROW_DELETIONS_SEEN, ROW_DELETIONS_SEEN / 2);
    rocksdb_options_set_level0_slowdown_writes_trigger(options, ROW_FILES_SLOW);
    rocksdb_options_set_level0_stop_writes_trigger(options, 2 * ROW_FILES_SLOW);
    rocksdb_options_set_level0_file_num_compaction_trigger(options, ROW_RUNS);
    rocksdb_universal_compaction_options_destroy(universal);
    return options;
}

/* Old marks and settled entries of the index fill a buffer quickly and are
 * dropped when it is flushed: theirs stay small. */
static rocksdb_options_t *new_small_options(const struct rocks *rocks,
                                            size_t buffer_bytes, int buffers)
{
    rocksdb_options_t *options = rocksdb_options_create_copy(rocks->options);

    rocksdb_options_set_write_buffer_size(options, buffer_bytes);
    rocksdb_options_set_max_write_buffer_number(options, buffers);
    rocksdb_options_set_level0_slowdown_writes_trigger(options,
                                                       SMALL_FILES_SLOW);
    rocksdb_options_set_level0_stop_writes_trigger(options,
                                                   2 * SMALL_FILES_SLOW);
    return options;
}

static rocksdb_options_t *new_table_options(const struct rocks *rocks,
                                            enum table table,
                                            const struct store_config *config)
{
    rocksdb_options_t *options =
        table == TABLE_ROWS ? new_row_options(rocks, config->write_buffer_bytes)
        : table == TABLE_DUE
            ? new_small_options(rocks, DUE_BUFFER, DUE_BUFFERS_MAX)
            : new_small_options(rocks, META_BUFFER, META_BUFFERS_MAX);

    rocksdb_options_set_compression(options, rocksdb_lz4_compression);
    set_blocks(options, rocks->cache, table == TABLE_ROWS);
    return options;
}

/* Many shards would be smaller than the largest receipt, and a strict limit
 * would make reads and flushes fail. */
static rocksdb_cache_t *new_cache(uint64_t bytes)
{
    rocksdb_lru_cache_options_t *options = rocksdb_lru_cache_options_create();
    rocksdb_cache_t *cache;

    rocksdb_lru_cache_options_set_capacity(options, (size_t)bytes);
    rocksdb_lru_cache_options_set_num_shard_bits(options, 1);
    cache = rocksdb_cache_create_lru_opts(options);
    rocksdb_lru_cache_options_destroy(options);
    return cache;
}

static int make_options(struct rocks *rocks, const struct store_config *config,
                        struct err *err)
{
    rocks->options = new_database_options(config, err);
    if (rocks->options == NULL) {
        return E_CONFIG;
    }
    rocks->cache = new_cache(config->block_cache_bytes);
    for (enum table table = 0; table < TABLE_COUNT; table++) {
        rocks->table_options[table] = new_table_options(rocks, table, config);
    }
    rocks->read_options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(rocks->read_options, 1);
    rocks->write_options = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(rocks->write_options, 1);
    rocks->batch = rocksdb_writebatch_create();
    return 0;
}

static void free_options(struct rocks *rocks)
{
    if (rocks->options == NULL) {
        return;
    }
    rocksdb_writebatch_destroy(rocks->batch);
    rocksdb_writeoptions_destroy(rocks->write_options);
    rocksdb_readoptions_destroy(rocks->read_options);
    for (enum table table = 0; table < TABLE_COUNT; table++) {
        rocksdb_options_destroy(rocks->table_options[table]);
    }
    rocksdb_options_destroy(rocks->options);
    rocksdb_cache_destroy(rocks->cache);
}

/* --- reading ------------------------------------------------------------ */

static void fill_cell(struct cell *cell, rocksdb_pinnableslice_t *value,
                      char *error, struct err *trouble)
{
    size_t len;
    const char *data;

    *cell = (struct cell){.hold = value};
    if (error != NULL) {
        take_text(error, trouble);
        cell->status = mentions(trouble, "IO error: ") ? E_IO : E_CORRUPT;
    } else if (value != NULL) {
        data = rocksdb_pinnableslice_value(value, &len);
        cell->found = true;
        cell->value = slice_of(data, len);
    }
}

static void read_some(struct rocks *rocks, enum table table,
                      const struct slice *keys, struct cell *cells,
                      size_t count, struct err *trouble)
{
    const char *data[READ_MAX];
    size_t lens[READ_MAX];
    rocksdb_pinnableslice_t *values[READ_MAX] = {0};
    char *errors[READ_MAX] = {0};

    for (size_t i = 0; i < count; i++) {
        data[i] = (const char *)keys[i].data;
        lens[i] = keys[i].len;
    }
    rocksdb_batched_multi_get_cf(rocks->db, rocks->read_options,
                                 rocks->families[table], count, data, lens,
                                 values, errors, false);
    for (size_t i = 0; i < count; i++) {
        fill_cell(&cells[i], values[i], errors[i], trouble);
    }
}

static void rocks_read(struct tables *tables, enum table table,
                       const struct slice *keys, struct cell *cells,
                       size_t count, struct err *trouble)
{
    for (size_t i = 0; i < count; i += READ_MAX) {
        size_t some = count - i < READ_MAX ? count - i : READ_MAX;

        read_some((struct rocks *)tables, table, keys + i, cells + i, some,
                  trouble);
    }
}

static void rocks_release(struct tables *tables, struct cell *cell)
{
    (void)tables;
    if (cell->hold != NULL) {
        rocksdb_pinnableslice_destroy(cell->hold);
    }
    *cell = (struct cell){0};
}

static void visit_all(rocksdb_iterator_t *iterator, table_visit *visit,
                      void *arg)
{
    const char *key;
    const char *value;
    size_t key_len;
    size_t value_len;

    for (; rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator)) {
        key = rocksdb_iter_key(iterator, &key_len);
        value = rocksdb_iter_value(iterator, &value_len);
        if (!visit(arg, slice_of(key, key_len), slice_of(value, value_len))) {
            return;
        }
    }
}

/* Both bounds are given to RocksDB: without them a scan walks over everything
 * that was deleted beyond them and not compacted yet. */
static int rocks_scan(struct tables *tables, struct slice from,
                      struct slice before, table_visit *visit, void *arg,
                      struct err *trouble)
{
    struct rocks *rocks = (struct rocks *)tables;
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    rocksdb_iterator_t *iterator;
    char *error = NULL;

    rocksdb_readoptions_set_verify_checksums(options, 1);
    rocksdb_readoptions_set_iterate_lower_bound(options,
                                                (const char *)from.data,
                                                from.len);
    rocksdb_readoptions_set_iterate_upper_bound(options,
                                                (const char *)before.data,
                                                before.len);
    iterator = rocksdb_create_iterator_cf(rocks->db, options,
                                          rocks->families[TABLE_DUE]);
    rocksdb_iter_seek_to_first(iterator);
    visit_all(iterator, visit, arg);
    rocksdb_iter_get_error(iterator, &error);
    rocksdb_iter_destroy(iterator);
    rocksdb_readoptions_destroy(options);
    if (error != NULL) {
        take_text(error, trouble);
        return E_IO;
    }
    return 0;
}

/* --- writing ------------------------------------------------------------ */

static void rocks_put(struct tables *tables, enum table table, struct slice key,
                      struct slice value)
{
    struct rocks *rocks = (struct rocks *)tables;

    rocksdb_writebatch_put_cf(rocks->batch, rocks->families[table],
                              (const char *)key.data, key.len,
                              (const char *)value.data, value.len);
}

static void rocks_drop(struct tables *tables, enum table table,
                       struct slice key)
{
    struct rocks *rocks = (struct rocks *)tables;

    rocksdb_writebatch_delete_cf(rocks->batch, rocks->families[table],
                                 (const char *)key.data, key.len);
}

static bool says_full(const struct err *text)
{
    return mentions(text, "No space left") || mentions(text, "quota exceeded");
}

/* RocksDB takes no write after a compaction that has met a damaged block. */
static int status_of_write(const struct err *trouble)
{
    return says_full(trouble)                  ? E_FULL
           : mentions(trouble, "Corruption: ") ? E_DATA
                                               : E_IO;
}

/* Notes how far the database was written. */
static int note_synced(struct rocks *rocks, struct err *trouble)
{
    int status = manifest_follow(&rocks->manifest, rocks->dir.db_path, trouble);

    if (status == 0) {
        data_dir_set_synced(&rocks->dir,
                            (struct synced){rocksdb_get_latest_sequence_number(
                                                rocks->db),
                                            rocks->manifest.mark});
    }
    return status;
}

static int rocks_commit(struct tables *tables, struct err *trouble)
{
    struct rocks *rocks = (struct rocks *)tables;
    char *error = NULL;

    rocksdb_write(rocks->db, rocks->write_options, rocks->batch, &error);
    rocksdb_writebatch_clear(rocks->batch);
    if (error != NULL) {
        take_text(error, trouble);
        return status_of_write(trouble);
    }
    return rocks->dir.is_new ? 0 : note_synced(rocks, trouble);
}

static uint64_t rocks_serial(struct tables *tables)
{
    return rocksdb_get_latest_sequence_number(((struct rocks *)tables)->db);
}

/* --- space ------------------------------------------------------------- */

/* What opening takes when all memtables were full: tables of what they held,
 * and beside them the logs, old and new. */
static uint64_t ballast_bytes(uint64_t write_buffer_bytes)
{
    return write_buffer_bytes / ROW_BUFFERS_MERGED * ROW_BUFFERS_MAX +
           (uint64_t)DUE_BUFFER * DUE_BUFFERS_MAX +
           (uint64_t)META_BUFFER * META_BUFFERS_MAX + LOG_BYTES_MAX;
}

static unsigned long files_to_merge(const struct rocks *rocks, enum table table)
{
    char *text = rocksdb_property_value_cf(rocks->db, rocks->families[table],
                                           "rocksdb.num-files-at-level0");
    unsigned long files = text == NULL ? 0 : strtoul(text, NULL, 10);

    rocksdb_free(text);
    return files;
}

/* A merge needs as much room as what it merges, which may be more than is free
 * although it is far from full. Without it files pile up, and in the end
 * RocksDB takes no writes. */
static bool has_no_room_to_merge(const struct rocks *rocks)
{
    uint64_t errors = 0;

    rocksdb_property_int(rocks->db, "rocksdb.background-errors", &errors);
    return errors > 0 && (files_to_merge(rocks, TABLE_ROWS) >= ROW_FILES_SLOW ||
                          files_to_merge(rocks, TABLE_DUE) >= SMALL_FILES_SLOW);
}

/* What is missing of the ballast is not free. */
static uint64_t free_bytes(const struct rocks *rocks)
{
    return sub_floor(data_dir_free_bytes(&rocks->dir),
                     ballast_missing(&rocks->ballast));
}

static void rocks_upkeep(struct tables *tables)
{
    struct rocks *rocks = (struct rocks *)tables;
    uint64_t free = free_bytes(rocks);

    if (free > 0 && free >= rocks->min_free_bytes) {
        ballast_grow(&rocks->ballast);
    }
}

/* --- stats and closing -------------------------------------------------- */

/* The write-ahead log is left out: what it has beyond the tables is in the
 * memtables too. */
static void rocks_stats(struct tables *tables, struct store_stats *out)
{
    static const char *const properties[] = {"rocksdb.live-sst-files-size",
                                             "rocksdb.cur-size-all-mem-tables"};
    struct rocks *rocks = (struct rocks *)tables;
    uint64_t bytes;

    *out = (struct store_stats){
        .free_bytes = has_no_room_to_merge(rocks) ? 0 : free_bytes(rocks)};
    for (enum table table = 0; table < TABLE_COUNT; table++) {
        for (size_t i = 0; i < 2; i++) {
            if (rocksdb_property_int_cf(rocks->db, rocks->families[table],
                                        properties[i], &bytes) == 0) {
                out->bytes += bytes;
            }
        }
    }
}

static void close_database(struct rocks *rocks)
{
    if (rocks->db == NULL) {
        return;
    }
    rocksdb_cancel_all_background_work(rocks->db, 1);
    for (enum table table = 0; table < TABLE_COUNT; table++) {
        rocksdb_column_family_handle_destroy(rocks->families[table]);
    }
    rocksdb_close(rocks->db);
    rocks->db = NULL;
}

static void rocks_close(struct tables *tables)
{
    struct rocks *rocks = (struct rocks *)tables;

    close_database(rocks);
    manifest_release(&rocks->manifest);
    free_options(rocks);
    data_dir_close(&rocks->dir);
    free(rocks);
}

static const struct tables_ops rocks_ops = {
    .read = rocks_read,
    .release = rocks_release,
    .scan = rocks_scan,
    .put = rocks_put,
    .drop = rocks_drop,
    .commit = rocks_commit,
    .serial = rocks_serial,
    .stats = rocks_stats,
    .upkeep = rocks_upkeep,
    .close = rocks_close,
};

/* --- opening ------------------------------------------------------------ */

/* RocksDB's C interface has no codes, only sentences. */
static int status_of_text(const struct err *text)
{
    static const struct {
        const char *part;
        int status;
    } known[] = {
        {"While lock file", E_FORMAT}, /* another process has it */
        {"lock hold by", E_FORMAT},    /* this one has */
        {"Permission denied", E_FORMAT},
        {"Corruption: ", E_DATA},
        {"No such file", E_DATA},
        /* What RocksDB makes of a CURRENT that could not be opened. */
        {"Direct I/O is not supported", E_IO},
        {"incompatible with filesystem", E_IO},
        {"Invalid argument: ", E_DATA}, /* CURRENT or a column family is gone */
    };

    if (says_full(text)) {
        return E_FULL;
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (mentions(text, known[i].part)) {
            return known[i].status;
        }
    }
    return E_IO;
}

static int opened(struct rocks *rocks, char *error, struct err *err)
{
    if (error != NULL) {
        rocks->db = NULL;
        take_text(error, err);
        return status_of_text(err);
    }
    return 0;
}

static int open_database(struct rocks *rocks, struct err *err)
{
    const rocksdb_options_t *table_options[TABLE_COUNT];
    char *error = NULL;

    for (enum table table = 0; table < TABLE_COUNT; table++) {
        table_options[table] = rocks->table_options[table];
    }
    rocks->db =
        rocksdb_open_column_families(rocks->options, rocks->dir.db_path,
                                     TABLE_COUNT, family_names, table_options,
                                     rocks->families, &error);
    return opened(rocks, error, err);
}

/* Reads the log without changing a file. No key is asked for, so the rows need
 * not be put in order, which is most of the time that a start takes. */
static int open_to_look(struct rocks *rocks, struct err *err)
{
    rocksdb_options_t *copies[TABLE_COUNT];
    char *error = NULL;

    for (enum table table = 0; table < TABLE_COUNT; table++) {
        copies[table] =
            rocksdb_options_create_copy(rocks->table_options[table]);
        rocksdb_options_set_memtable_vector_rep(copies[table]);
        rocksdb_options_set_memtable_prefix_bloom_size_ratio(copies[table], 0);
    }
    rocks->db = rocksdb_open_for_read_only_column_families(
        rocks->options, rocks->dir.db_path, TABLE_COUNT, family_names,
        (const rocksdb_options_t *const *)copies, rocks->families, 0, &error);
    for (enum table table = 0; table < TABLE_COUNT; table++) {
        rocksdb_options_destroy(copies[table]);
    }
    return opened(rocks, error, err);
}

/* What an interrupted creation left, from which nothing was ever served. After
 * that there is no database, and error_if_exists has nothing to guard; it would
 * only stay in the options file and keep RocksDB's own tools out. */
static int destroy_leftovers(struct rocks *rocks, struct err *err)
{
    char *error = NULL;

    if (!rocks->dir.has_db) {
        return 0;
    }
    rocksdb_destroy_db(rocks->options, rocks->dir.db_path, &error);
    if (error != NULL) {
        take_text(error, err);
        return status_of_text(err);
    }
    return 0;
}

static int create_database(struct rocks *rocks, struct err *err)
{
    int status = data_dir_make(&rocks->dir, err);

    if (status == 0) {
        status = destroy_leftovers(rocks, err);
    }
    rocksdb_options_set_create_if_missing(rocks->options, 1);
    rocksdb_options_set_create_missing_column_families(rocks->options, 1);
    return status == 0 ? open_database(rocks, err) : status;
}

static int check_synced(struct rocks *rocks, struct err *err)
{
    struct synced synced = data_dir_synced(&rocks->dir);
    uint64_t latest = rocksdb_get_latest_sequence_number(rocks->db);

    if (latest < synced.sequence) {
        return err_set(
            err, E_DATA,
            "lost writes: it ends at write %llu, but write %llu was made "
            "durable; a log file in db was deleted or cut",
            (unsigned long long)latest, (unsigned long long)synced.sequence);
    }
    return manifest_check(rocks->dir.db_path, &synced.manifest, err);
}

/* Of the log files that hold what is in no table file yet. */
static int check_logs(struct rocks *rocks, struct err *err)
{
    uint64_t first;

    if (rocksdb_property_int(rocks->db, "rocksdb.min-log-number-to-keep",
                             &first) != 0) {
        return err_set(err, E_IO, "the first log file is not known");
    }
    return log_files_check(rocks->dir.db_path, first, err);
}

static bool see_row(void *arg, struct slice key, struct slice value)
{
    (void)arg;
    (void)key;
    (void)value;
    return true;
}

/* Reads what RocksDB reads by itself sooner or later, and would take no write
 * afterwards. It is a few rows. */
static int check_meta(struct rocks *rocks, struct err *err)
{
    rocksdb_iterator_t *iterator =
        rocksdb_create_iterator_cf(rocks->db, rocks->read_options,
                                   rocks->families[TABLE_META]);
    char *error = NULL;

    rocksdb_iter_seek_to_first(iterator);
    visit_all(iterator, see_row, NULL);
    rocksdb_iter_get_error(iterator, &error);
    rocksdb_iter_destroy(iterator);
    if (error != NULL) {
        take_text(error, err);
        return status_of_text(err);
    }
    return streams_check(&rocks->tables, err);
}

/* Opening for good writes what the log holds to tables and deletes it, and
 * begins a new MANIFEST. What is damaged or has lost writes is refused before,
 * so that it stays as it was found. */
static int open_existing(struct rocks *rocks, struct err *err)
{
    int status = open_to_look(rocks, err);

    if (status == 0) {
        status = check_synced(rocks, err);
    }
    if (status == 0) {
        status = check_logs(rocks, err);
    }
    if (status == 0) {
        status = check_meta(rocks, err);
    }
    close_database(rocks);
    return status == 0 ? open_database(rocks, err) : status;
}

/* A full disk shows while the database is opened, or does not: then the first
 * write would be the one to fail. */
static int open_somehow(struct rocks *rocks, struct err *err)
{
    int status = open_existing(rocks, err);

    if (status == E_FULL && ballast_release(&rocks->ballast)) {
        log_warn("%s: trying again without the file ballast", err->text);
        status = open_existing(rocks, err);
    }
    if (status == 0 && !ballast_can_stay(&rocks->ballast) &&
        ballast_release(&rocks->ballast)) {
        log_warn("the disk is full: the file ballast was removed");
    }
    return status;
}

/* Makes the store of a database that is open; `rocks` belongs to it or is
 * gone. */
static struct store *open_streams(struct rocks *rocks,
                                  const struct store_config *config,
                                  int *status, struct err *err)
{
    bool is_new = rocks->dir.is_new;
    struct store *store =
        streams_open(&rocks->tables, is_new, config, status, err);

    if (store != NULL && is_new) {
        *status = data_dir_made(&rocks->dir, err);
        if (*status != 0) {
            store->ops->close(store);
            store = NULL;
        }
    }
    return store;
}

static struct store *open_dir(const struct store_config *config, int *status,
                              struct err *err)
{
    struct rocks *rocks = memory_get(1, sizeof(*rocks));

    rocks->tables.ops = &rocks_ops;
    *status = data_dir_open(&rocks->dir, config->data_dir, err);
    if (*status == 0) {
        ballast_init(&rocks->ballast, rocks->dir.fd,
                     ballast_bytes(config->write_buffer_bytes));
        rocks->min_free_bytes = config->min_free_bytes;
        *status = make_options(rocks, config, err);
    }
    if (*status == 0) {
        *status = rocks->dir.is_new ? create_database(rocks, err)
                                    : open_somehow(rocks, err);
    }
    if (*status != 0) {
        rocks_close(&rocks->tables);
        return NULL;
    }
    return open_streams(rocks, config, status, err);
}

static int refuse_log_dir(const char *path, int error, struct err *err)
{
    return err_set(err, error == ENOSPC ? E_FULL : E_CONFIG,
                   "log directory %s: %s", path, strerror(error));
}

/* This build of RocksDB aborts when it cannot write its log: there has to be
 * room for what it logs at a start. */
static int probe_log_dir(const char *path, struct err *err)
{
    int fd = open(path, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    int error = fd < 0 ? errno : posix_fallocate(fd, 0, (off_t)(256 * KIB));

    if (fd >= 0) {
        close(fd);
    }
    /* Not every file system has nameless files or can reserve. */
    if (error == 0 || error == EOPNOTSUPP || error == EISDIR ||
        error == EINVAL) {
        return 0;
    }
    return refuse_log_dir(path, error, err);
}

/* RocksDB would call a log directory that it cannot make a missing file of the
 * database. */
static int make_log_dir(const char *path, struct err *err)
{
    if (path == NULL) {
        return 0;
    }
    if (mkdir(path, 0700) != 0 && access(path, W_OK | X_OK) != 0) {
        return refuse_log_dir(path, errno, err);
    }
    return probe_log_dir(path, err);
}

struct store *store_rocks_open(const struct store_config *config, int *status,
                               struct err *err)
{
    struct err why = {0};
    struct store *store;

    *status = make_log_dir(config->log_dir, err);
    if (*status != 0) {
        return NULL;
    }
    store = open_dir(config, status, &why);
    if (store == NULL) {
        err_set(err, *status, "data directory %s: %s", config->data_dir,
                why.text);
    }
    return store;
}

/* --- version ------------------------------------------------------------ */

/* Its C interface does not tell, but the file that is loaded is called
 * librocksdb.so.VERSION. */
static const char *find_version(char *path)
{
    static const char before[] = ".so.";
    const char *at = path == NULL ? NULL : strstr(path, before);

    return at == NULL ? "unknown" : at + sizeof(before) - 1;
}

const char *store_rocks_version(void)
{
    static char version[32];
    Dl_info info;
    char *path = NULL;

    if (version[0] == '\0') {
        if (dladdr(dlsym(RTLD_DEFAULT, "rocksdb_open"), &info) != 0) {
            path = realpath(info.dli_fname, NULL);
        }
        snprintf(version, sizeof(version), "%s", find_version(path));
        free(path);
    }
    return version;
}
