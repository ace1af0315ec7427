/* dedupd: settings, sockets, store, server; and back. */
#include "base/banned.h"
#include "base/check.h"
#include "base/counters.h"
#include "base/log.h"
#include "daemon/address.h"
#include "daemon/config.h"
#include "daemon/runtime_dir.h"
#include "daemon/server.h"
#include "storage/store_mem.h"
#include "storage/store_rocks.h"

#include <malloc.h>
#include <signal.h>
#include <unistd.h>

static void print_usage(FILE *to)
{
    fputs("usage: dedupd [-c FILE] [-o NAME=VALUE]... [-t] [-V] [-h]\n"
          "  -c FILE        read settings, one `name = value` a line\n"
          "  -o NAME=VALUE  set one, after the file\n"
          "  -t             check the settings, print them and exit\n"
          "  -V             print the version and exit\n"
          "  -h             print this and exit\n",
          to);
}

static void print_help(void)
{
    print_usage(stdout);
    puts("\nSettings and their defaults:");
    config_help(stdout);
}

enum mode { MODE_SERVE, MODE_CHECK, MODE_EXIT };

struct options {
    enum mode mode;
    const char *file; /* NULL: none */
};

/* The file is read before any -o takes effect, wherever it stands. */
static int read_options(int argc, char **argv, struct options *options)
{
    int option;

    while ((option = getopt(argc, argv, "c:o:tVh")) != -1) {
        switch (option) {
        case 'c':
            options->file = optarg;
            break;
        case 'o':
            break;
        case 't':
            options->mode = MODE_CHECK;
            break;
        case 'V':
            printf("dedupd %s, RocksDB %s\n", DEDUPD_VERSION,
                   store_rocks_version());
            options->mode = MODE_EXIT;
            return 0;
        case 'h':
            print_help();
            options->mode = MODE_EXIT;
            return 0;
        default:
            print_usage(stderr);
            return E_CONFIG;
        }
    }
    if (optind < argc) {
        print_usage(stderr);
        return E_CONFIG;
    }
    return 0;
}

static int set_options(int argc, char **argv, struct config *config,
                       struct err *err)
{
    int status = 0;
    int option;

    optind = 1;
    while (status == 0 && (option = getopt(argc, argv, "c:o:tVh")) != -1) {
        if (option == 'o') {
            status = config_set_pair(config, optarg, err);
        }
    }
    return status;
}

static int read_settings(int argc, char **argv, const struct options *options,
                         struct config *config, struct err *err)
{
    int status = 0;

    config_init(config);
    if (options->file != NULL) {
        status = config_read(config, options->file, err);
    }
    if (status == 0) {
        status = set_options(argc, argv, config, err);
    }
    return status == 0 ? config_check(config, err) : status;
}

static struct store *open_store(const struct config *config,
                                struct counters *counters, int *status,
                                struct err *err)
{
    char log_dir[CONFIG_TEXT_BYTES] = "";
    struct store_config store_config = {
        .data_dir = config->data_dir,
        .log_dir = log_dir,
        .history = config->history,
        .block_cache_bytes = config->block_cache,
        .write_buffer_bytes = config->write_buffer,
        .min_free_bytes = config->min_free,
        .counters = counters,
    };

    if (config->store == CONFIG_STORE_MEMORY) {
        log_warn("store = memory: everything is forgotten at the end");
        return store_mem_open(&store_config, status, err);
    }
    *status = runtime_dir(config->log_dir, log_dir, sizeof(log_dir), err);
    return *status < 0 ? NULL : store_rocks_open(&store_config, status, err);
}

/* Ends the process as it stands. A store that has failed has nothing to save,
 * and closing it would wait for threads that may hang in a failed disk. */
static void leave(int status, const struct err *err)
{
    log_error("%s", err->text);
    _exit(status_exit_code(status));
}

static int serve_on(const struct config *config, struct bound *bound,
                    size_t bound_count, struct err *err)
{
    static struct counters counters;
    struct server *server;
    int status = 0;
    struct store *store = open_store(config, &counters, &status, err);

    if (store == NULL) {
        address_close_all(bound, bound_count);
        return status;
    }
    server = server_start(config, store, bound, bound_count, &counters, &status,
                          err);
    if (server != NULL) {
        status = server_run(server);
        err_set(err, status, "stopped: %s", status_sentence(status));
    }
    if (status == E_IO || status == E_FULL || status == E_DATA) {
        leave(status, err);
    }
    store->ops->close(store);
    return status;
}

/* The addresses are bound first: a daemon that cannot have its port does not
 * touch the data. */
static int serve(const struct config *config, struct err *err)
{
    struct bound bound[ADDRESSES_MAX];
    size_t count = 0;
    int status = server_reserve_descriptors(config, err);

    if (status == 0) {
        status = address_bind_all(config->listen, bound, &count, err);
    }
    return status < 0 ? status : serve_on(config, bound, count, err);
}

/* The C library's allocator would stop giving large blocks back to the system
 * after the first few were freed, and RocksDB's threads make and free memtables
 * all the time: 125 instead of 98 MB resident after 2 M claims. */
static void give_memory_back(void)
{
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
}

int main(int argc, char **argv)
{
    struct options options = {.mode = MODE_SERVE};
    struct config config;
    struct err err = {""};
    int status = read_options(argc, argv, &options);

    if (status < 0 || options.mode == MODE_EXIT) {
        return status_exit_code(status);
    }
    give_memory_back();
    CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR); /* a failed write says so */
    server_block_signals();
    status = read_settings(argc, argv, &options, &config, &err);
    if (status == 0 && options.mode == MODE_CHECK) {
        config_print(&config, stdout);
        return 0;
    }
    if (status == 0) {
        status = serve(&config, &err);
    }
    if (status < 0) {
        log_error("%s", err.text);
    } else {
        log_info("stopped");
    }
    return status_exit_code(status);
}
