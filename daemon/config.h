/* Settings: one table that reads, bounds, prints and explains them. */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include "base/command.h"
#include "base/err.h"

#include <stdio.h>

enum { CONFIG_TEXT_BYTES = 1024 };

enum config_store { CONFIG_STORE_ROCKSDB, CONFIG_STORE_MEMORY };

/* Every duration in milliseconds, every size in bytes. */
struct config {
    char listen[CONFIG_TEXT_BYTES]; /* addresses, comma-separated */
    char data_dir[CONFIG_TEXT_BYTES];
    char log_dir[CONFIG_TEXT_BYTES]; /* "": see runtime_dir.h */
    uint64_t store;                  /* enum config_store */
    char namespace[NAMESPACE_BYTES_MAX + 1];
    uint64_t ttl;
    uint64_t max_ttl;
    uint64_t lease; /* 0: as the ttl */
    uint64_t max_lease;
    uint64_t grace;
    uint64_t sweep_interval;
    uint64_t history;
    uint64_t require_fence; /* 0 or 1 */
    uint64_t max_key;
    uint64_t max_receipt;
    uint64_t max_connections;
    uint64_t max_inflight;
    uint64_t output_limit;
    uint64_t request_timeout;
    uint64_t idle_timeout; /* 0: off */
    uint64_t min_free;
    uint64_t block_cache;
    uint64_t write_buffer;
};

/* Every setting at its default. */
void config_init(struct config *config);

/* Sets one by its text. E_CONFIG with a sentence that names the setting. */
must_check int config_set(struct config *config, const char *name,
                          const char *value, struct err *err);

/* As config_set() of "NAME=VALUE". */
must_check int config_set_pair(struct config *config, const char *pair,
                               struct err *err);

/* Reads an INI file without sections, `name = value` a line. E_CONFIG with a
 * sentence that names file, line and reason; earlier lines are in effect then.
 */
must_check int config_read(struct config *config, const char *path,
                           struct err *err);

/* What one setting alone cannot say: a ttl above max_ttl, for example. */
must_check int config_check(const struct config *config, struct err *err);

/* Prints every setting as it stands, in the form that config_read() takes. */
void config_print(const struct config *config, FILE *to);

/* Prints every setting with its unit, default, bounds and meaning. */
void config_help(FILE *to);

#endif
