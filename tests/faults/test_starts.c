/* How long a start takes after kill -9, with the longest log there can be. */
#include "base/banned.h"
#include "tests/faults/figures.h"
#include "tests/lib/load.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

#include <ftw.h>
#include <signal.h>

enum {
    SERVING_MS = 1000,
    LOG_BYTES = 31 << 20,
    RECEIPT_BYTES = 60000,
    CLIENTS = 560,

    MANY_REPLIES = 20000,
    FEW_REPLIES = 2500
};

static uint64_t log_bytes;

static int add_log(const char *path, const struct stat *status, int type,
                   struct FTW *where)
{
    size_t len = strlen(path);

    (void)where;
    if (type == FTW_F && len > 4 && strcmp(path + len - 4, ".log") == 0) {
        log_bytes += (uint64_t)status->st_size;
    }
    return 0;
}

static uint64_t bytes_of_logs(const struct rig *rig)
{
    log_bytes = 0;
    nftw(rig->site.data, add_log, 8, FTW_PHYS);
    return log_bytes;
}

/* Loads until the log is as long as it gets; RocksDB lets go of it at 32 MiB,
 * and looks only when a memtable is full. */
static void load_until(struct rig *rig, uint64_t bytes)
{
    char name[16];

    for (unsigned i = 0; bytes_of_logs(rig) < bytes; i++) {
        struct load *load;

        ck_assert_uint_lt(i, 100);
        snprintf(name, sizeof(name), "w%u", i);
        load = load_new(&rig->daemon, name);
        load_run(load,
                 bytes_of_logs(rig) > bytes / 2 ? FEW_REPLIES : MANY_REPLIES);
        load_free(load);
    }
}

/* Has every client complete a key of its own, in one turn: all is sent while
 * the daemon stands still. */
static void complete_at_once(struct rig *rig, struct client *clients)
{
    struct buf request = {0};

    process_signal(&rig->daemon.process, SIGSTOP);
    for (unsigned i = 0; i < CLIENTS; i++) {
        buf_clear(&request);
        buf_append_str(&request, "COMPLETE big-");
        buf_append_u64(&request, i);
        buf_append_str(&request, " ");
        memset(buf_reserve(&request, RECEIPT_BYTES), 'r', RECEIPT_BYTES);
        buf_commit(&request, RECEIPT_BYTES);
        buf_append_str(&request, "\n");
        client_push(&clients[i], buf_slice(&request));
    }
    process_signal(&rig->daemon.process, SIGCONT);
    buf_release(&request);
}

/* One turn may add twice as much to the 32 MiB at which RocksDB lets go. */
static void kill_with_longer_log(struct rig *rig)
{
    static struct client clients[CLIENTS];
    char request[32];

    load_until(rig, LOG_BYTES);
    for (unsigned i = 0; i < CLIENTS; i++) {
        snprintf(request, sizeof(request), "CLAIM big-%u", i);
        client_open(&clients[i], &rig->daemon);
        expect_begins(client_ask(&clients[i], request), "CLAIMED ");
    }
    complete_at_once(rig, clients);
    for (unsigned i = 0; i < CLIENTS; i++) {
        expect_is(client_line(&clients[i]), "OK");
        client_close(&clients[i]);
    }
    client_close(&rig->client);
    daemon_kill(&rig->daemon);
}

struct measured {
    struct figures ready, answered, cpu;
};

/* The same data each time: a copy is started on. */
static void measure_once(struct rig *rig, struct measured *measured,
                         const char *lookup)
{
    struct process p;
    uint64_t from_ms;

    ck_assert_int_eq(process_run(&p, LIST("cp", "-a", rig->site.data,
                                          site_path(&rig->site, "kept"))),
                     0);
    process_release(&p);
    from_ms = now_ms();
    daemon_start(&rig->daemon, &rig->site, NOTHING);
    figures_add(&measured->ready, now_ms() - from_ms);
    client_open(&rig->client, &rig->daemon);
    expect_begins(client_ask(&rig->client, lookup), "COMPLETED ");
    figures_add(&measured->answered, now_ms() - from_ms);
    figures_add(&measured->cpu, process_cpu_ms(&rig->daemon.process));
    client_close(&rig->client);
    daemon_kill(&rig->daemon);
    directory_remove(rig->site.data);
    ck_assert_int_eq(rename(site_path(&rig->site, "kept"), rig->site.data), 0);
}

static void measure(struct rig *rig, const char *lookup)
{
    static struct measured measured;

    printf("log files: %llu KiB\n",
           (unsigned long long)bytes_of_logs(rig) / 1024);
    for (unsigned i = 0; i < how_often(5, 20); i++) {
        measure_once(rig, &measured, lookup);
    }
    figures_print(&measured.ready, "kill -9, spawn to ready");
    figures_print(&measured.answered, "kill -9, spawn to the first answer");
    figures_print(&measured.cpu, "kill -9, processor time until then");
    /* Others may have the processor meanwhile. */
    ck_assert_uint_lt(measured.cpu.ms[measured.cpu.count - 1], SERVING_MS);
}

START_TEST(a_start_after_kill_9_with_a_full_log_serves_within_a_second)
{
    struct rig rig;

    rig_start(&rig, NOTHING);
    load_until(&rig, LOG_BYTES);
    client_close(&rig.client);
    daemon_kill(&rig.daemon);
    measure(&rig, "LOOKUP w0-0-0");
    site_remove(&rig.site);
}
END_TEST

START_TEST(a_start_after_kill_9_with_64_mib_of_log_serves_within_a_second)
{
    struct rig rig;

    rig_start(&rig, NOTHING);
    kill_with_longer_log(&rig);
    measure(&rig, "LOOKUP big-0");
    site_remove(&rig.site);
}
END_TEST

SUITE(starts, 600, a_start_after_kill_9_with_a_full_log_serves_within_a_second,
      a_start_after_kill_9_with_64_mib_of_log_serves_within_a_second)
