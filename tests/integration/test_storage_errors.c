#include "base/banned.h"
#include "tests/lib/load.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

enum { EXIT_DATA = 65, EXIT_IO = 74, EXIT_CONFIGURATION = 78 };

/* Whether strace can trace a child here; says so where it cannot. */
static bool can_trace(void)
{
    struct process p;
    bool can =
        !UNDER_SANITIZER && process_run(&p, LIST("strace", "-D", "-f", "-o",
                                                 "/dev/null", "true")) == 0;

    if (!UNDER_SANITIZER) {
        process_release(&p);
    }
    if (!can) {
        printf("skipped: strace cannot trace the daemon here\n");
        (void)fflush(stdout);
    }
    return can;
}

/* Starts the daemon so that system calls of this kind fail from the nth on, or
 * only the nth, of each thread. */
static bool start_failing(struct daemon *daemon, const struct site *site,
                          const char *calls, const char *error,
                          const char *when)
{
    char trace[64];
    char inject[128];

    snprintf(trace, sizeof(trace), "trace=%s", calls);
    snprintf(inject, sizeof(inject), "inject=%s:error=%s:when=%s", calls, error,
             when);
    daemon_spawn(daemon, site, NOTHING,
                 LIST("strace", "-D", "-f", "-o", "/dev/null", "-e", trace,
                      "-e", inject),
                 NULL);
    return daemon_await_ready(daemon, 1);
}

/* Load until the daemon gives up; then all it has said has to be true. */
static void fails_safely(const char *calls, const char *error, const char *when)
{
    struct rig rig;
    struct load *load;
    int code;

    site_make(&rig.site);
    daemon_start(&rig.daemon, &rig.site, NOTHING);
    daemon_stop(&rig.daemon);
    ck_assert(start_failing(&rig.daemon, &rig.site, calls, error, when));
    load = load_new(&rig.daemon, "e");
    load_run(load, 2 * LOAD_CLIENTS * LOAD_KEYS);
    load_drain(load);
    code = process_wait(&rig.daemon.process);
    ck_assert_msg(code == EXIT_IO, "exit code %d: %.4000s", code,
                  process_err(&rig.daemon.process));
    process_release(&rig.daemon.process);
    daemon_start(&rig.daemon, &rig.site, NOTHING);
    client_open(&rig.client, &rig.daemon);
    load_verify(load, &rig.client);
    load_free(load);
    rig_stop(&rig);
}

START_TEST(a_failed_sync_ends_the_daemon_and_loses_nothing)
{
    static const char *const when[] = {"20", "57", "33+"};

    if (!can_trace()) {
        return;
    }
    for (size_t i = 0; i < sizeof(when) / sizeof(when[0]); i++) {
        fails_safely("fdatasync", "EIO", when[i]);
    }
}
END_TEST

START_TEST(a_failed_sync_under_a_deep_pipeline_ends_the_daemon)
{
    struct site site;
    struct daemon daemon;
    struct client client;
    struct buf all = {0};

    if (!can_trace()) {
        return;
    }
    site_make(&site);
    daemon_start(&daemon, &site, NOTHING);
    daemon_stop(&daemon);
    ck_assert(start_failing(&daemon, &site, "fdatasync", "EIO", "12"));
    for (int i = 0; i < 5000; i++) {
        buf_append_str(&all, "CLAIM deep-");
        buf_append_u64(&all, (uint64_t)i);
        buf_append_str(&all, "\n");
    }
    client_open(&client, &daemon);
    client_send_bytes(&client, buf_slice(&all));
    client_rest(&client);
    ck_assert_int_eq(process_wait(&daemon.process), EXIT_IO);
    process_release(&daemon.process);
    client_close(&client);
    buf_release(&all);
    site_remove(&site);
}
END_TEST

/* Completes `count` keys and ends the daemon without warning, so that they are
 * in the log of the last run alone. */
static void fill_and_kill(struct rig *rig, int count)
{
    struct buf all = {0};
    char text[64];

    rig_start(rig, NOTHING);
    for (int i = 0; i < count; i++) {
        snprintf(text, sizeof(text), "CLAIM k%d\nCOMPLETE k%d done\n", i, i);
        buf_append_str(&all, text);
    }
    client_send_bytes(&rig->client, buf_slice(&all));
    for (int i = 0; i < count; i++) {
        expect_begins(client_line(&rig->client), "CLAIMED ");
        expect_is(client_line(&rig->client), "OK");
    }
    buf_release(&all);
    client_close(&rig->client);
    daemon_kill(&rig->daemon);
}

/* Two starts in a row have to be refused with `code` (or `other`), and leave
 * every file as it was. */
static void expect_refused_twice(struct rig *rig, int code, int other)
{
    uint64_t digest = directory_digest(rig->site.data);

    for (int i = 0; i < 2; i++) {
        int got = daemon_refuses(&rig->site, NOTHING, "");

        ck_assert_msg(got == code || got == other, "exit code %d", got);
    }
    ck_assert_uint_eq(directory_digest(rig->site.data), digest);
    site_remove(&rig->site);
}

static void flip_byte_in_the_middle(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    off_t middle = lseek(fd, 0, SEEK_END) / 2;
    uint8_t byte;

    ck_assert_int_eq(pread(fd, &byte, 1, middle), 1);
    byte ^= 0x40;
    ck_assert_int_eq(pwrite(fd, &byte, 1, middle), 1);
    close(fd);
}

START_TEST(a_flipped_bit_in_the_log_is_refused)
{
    struct rig rig;

    fill_and_kill(&rig, 300);
    flip_byte_in_the_middle(directory_largest(rig.site.data, ".log"));
    expect_refused_twice(&rig, EXIT_DATA, EXIT_DATA);
}
END_TEST

START_TEST(a_lost_log_is_refused)
{
    struct rig rig;

    fill_and_kill(&rig, 300);
    ck_assert_int_eq(unlink(directory_largest(rig.site.data, ".log")), 0);
    ck_assert_int_eq(daemon_refuses(&rig.site, NOTHING, ""), EXIT_DATA);
    ck_assert_int_eq(daemon_refuses(&rig.site, NOTHING, ""), EXIT_DATA);
    site_remove(&rig.site);
}
END_TEST

START_TEST(a_lost_database_is_never_made_again)
{
    struct rig rig;

    fill_and_kill(&rig, 10);
    directory_remove(site_path(&rig.site, "data/db"));
    expect_refused_twice(&rig, EXIT_CONFIGURATION, EXIT_DATA);
}
END_TEST

START_TEST(a_lost_current_file_is_refused)
{
    struct rig rig;

    fill_and_kill(&rig, 10);
    ck_assert_int_eq(unlink(site_path(&rig.site, "data/db/CURRENT")), 0);
    expect_refused_twice(&rig, EXIT_CONFIGURATION, EXIT_DATA);
}
END_TEST

/* Every number of the marker becomes 99. */
static void make_newer(const char *path)
{
    struct buf from = {0};
    struct buf to = {0};

    file_read(path, &from);
    for (size_t i = 0; i < buf_len(&from); i++) {
        uint8_t byte = buf_slice(&from).data[i];

        buf_append_str(&to, byte >= '0' && byte <= '9' ? "99" : "");
        if (byte < '0' || byte > '9') {
            buf_append_byte(&to, byte);
        }
    }
    file_write(path, buf_slice(&to));
    buf_release(&from);
    buf_release(&to);
}

START_TEST(a_newer_format_is_refused_and_left_as_it_is)
{
    struct rig rig;

    fill_and_kill(&rig, 10);
    make_newer(site_path(&rig.site, "data/FORMAT"));
    expect_refused_twice(&rig, EXIT_CONFIGURATION, EXIT_CONFIGURATION);
}
END_TEST

START_TEST(a_directory_of_somebody_else_is_refused_and_left_as_it_is)
{
    struct rig rig;

    site_make(&rig.site);
    directory_make(rig.site.data);
    file_write(site_path(&rig.site, "data/notes.txt"), slice_str("mine"));
    expect_refused_twice(&rig, EXIT_CONFIGURATION, EXIT_CONFIGURATION);
}
END_TEST

START_TEST(little_space_stops_new_claims_and_nothing_else)
{
    struct rig rig;
    struct client *c = &rig.client;

    rig_start(&rig, NOTHING);
    client_ask(c, "CLAIM a");
    client_ask(c, "CLAIM b");
    rig_restart(&rig, SIGTERM, LIST("min_free=1024GiB"));
    expect_begins(client_ask(c, "CLAIM new"), "ERR NO_SPACE ");
    expect_begins(client_resp_ask(c, "CLAIM new"), "-NO_SPACE ");
    expect_is(client_ask(c, "LOOKUP new"), "NOT_FOUND");
    expect_begins(client_ask(c, "CLAIM a"), "INFLIGHT ");
    expect_is(client_ask(c, "COMPLETE a done"), "OK");
    expect_begins(client_ask(c, "CLAIM a"), "COMPLETED \"done\" ");
    expect_is(client_ask(c, "RELEASE b"), "OK");
    rig_restart(&rig, SIGTERM, NOTHING);
    expect_begins(client_ask(c, "CLAIM new"), "CLAIMED ");
    rig_stop(&rig);
}
END_TEST

START_TEST(a_second_daemon_on_the_same_data_is_refused)
{
    struct rig rig;

    rig_start(&rig, NOTHING);
    expect_begins(client_ask(&rig.client, "CLAIM k"), "CLAIMED ");
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(daemon_refuses(&rig.site, NOTHING, ""),
                         EXIT_CONFIGURATION);
    }
    expect_is(client_ask(&rig.client, "COMPLETE k done"), "OK");
    rig_restart(&rig, SIGKILL, NOTHING);
    expect_begins(client_ask(&rig.client, "CLAIM k"), "COMPLETED \"done\" ");
    rig_stop(&rig);
}
END_TEST

SUITE(storage_errors, 120, a_failed_sync_ends_the_daemon_and_loses_nothing,
      a_failed_sync_under_a_deep_pipeline_ends_the_daemon,
      a_flipped_bit_in_the_log_is_refused, a_lost_log_is_refused,
      a_lost_database_is_never_made_again, a_lost_current_file_is_refused,
      a_newer_format_is_refused_and_left_as_it_is,
      a_directory_of_somebody_else_is_refused_and_left_as_it_is,
      little_space_stops_new_claims_and_nothing_else,
      a_second_daemon_on_the_same_data_is_refused)
