/* Disks that refuse for other reasons than being full or broken, and the place
 * of RocksDB's own log. */
#include "base/banned.h"
#include "tests/faults/life.h"
#include "tests/faults/plan.h"
#include "tests/faults/small_disk.h"
#include "tests/lib/runner.h"

#include <errno.h>
#include <signal.h>

enum { EXIT_IO = 74, EXIT_FULL = 75, BATCHES_MAX = 200 };

static struct site site;
static struct small_disk disk;
static struct daemon served;
static struct client client;
static struct life life;

static void live(unsigned batches)
{
    for (unsigned i = 0; i < batches && !life.over; i++) {
        life_batch(&life, &client, 8, 16384);
    }
}

static void expect_exit(int expected)
{
    int code = process_wait(&served.process);

    ck_assert_msg(code == expected, "exit code %d: %.4000s", code,
                  process_err(&served.process));
    process_release(&served.process);
}

static void start(const char *const options[])
{
    daemon_start(&served, &site, options);
    client_open(&client, &served);
}

static void verify_and_stop(const char *what)
{
    life_verify(&life, &client, what);
    client_close(&client);
    daemon_stop(&served);
}

START_TEST(a_limit_on_the_size_of_files_is_an_error_of_the_disk)
{
    site_make(&site);
    daemon_spawn(&served, &site, NOTHING, LIST("prlimit", "--fsize=1048576"),
                 NULL);
    ck_assert(daemon_await_ready(&served, 1));
    client_open(&client, &served);
    live(BATCHES_MAX);
    ck_assert(life.over);
    expect_exit(EXIT_IO);
    client_close(&client);
    start(NOTHING);
    verify_and_stop("after a limit on the size of files");
    site_remove(&site);
}
END_TEST

START_TEST(a_disk_that_is_read_only_refuses_the_start)
{
    const char *options[] = {disk.data_option, "min_free=1MiB", NULL};

    site_make(&site);
    if (!small_disk_make(&disk, &site, 64)) {
        return;
    }
    start(options);
    live(4);
    client_close(&client);
    daemon_kill(&served);
    ck_assert(small_disk_read_only(&disk, true));
    for (int i = 0; i < 2; i++) {
        daemon_spawn(&served, &site, options, NULL, NULL);
        ck_assert(!daemon_await_ready(&served, 1));
        expect_exit(EXIT_IO);
    }
    ck_assert(small_disk_read_only(&disk, false));
    start(options);
    verify_and_stop("after a read-only disk");
    small_disk_remove(&disk);
    site_remove(&site);
}
END_TEST

/* Merges that fail make RocksDB write to its log. */
START_TEST(a_full_place_for_the_log_of_rocksdb_stops_nothing)
{
    char option[2 * SITE_PATH_BYTES];
    struct fail_plan *plan;

    site_make(&site);
    if (!plan_is_possible() || !small_disk_make(&disk, &site, 1)) {
        return;
    }
    snprintf(option, sizeof(option), "log_dir=%s", disk.dir);
    plan = plan_make(&site);
    snprintf(plan->thread, sizeof(plan->thread), "rocksdb:low");
    snprintf(plan->suffix, sizeof(plan->suffix), ".sst");
    plan_spawn(&served, &site, LIST("write_buffer=1MiB", option));
    ck_assert_msg(daemon_await_ready(&served, 1), "%s",
                  process_err(&served.process));
    client_open(&client, &served);
    live(4);
    small_disk_fill(&disk, 0);
    plan_fail(plan, FAIL_write, ENOSPC, 1, true);
    live(BATCHES_MAX);
    ck_assert(!life.over);
    client_close(&client);
    daemon_stop(&served);
    daemon_spawn(&served, &site, LIST("write_buffer=1MiB", option), NULL, NULL);
    ck_assert(!daemon_await_ready(&served, 1));
    expect_exit(EXIT_FULL);
    small_disk_empty(&disk);
    start(LIST("write_buffer=1MiB", option));
    verify_and_stop("after a full place for the log");
    plan_free(plan);
    small_disk_remove(&disk);
    site_remove(&site);
}
END_TEST

SUITE(other_limits, 120, a_limit_on_the_size_of_files_is_an_error_of_the_disk,
      a_disk_that_is_read_only_refuses_the_start,
      a_full_place_for_the_log_of_rocksdb_stops_nothing)
