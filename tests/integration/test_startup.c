#include "base/banned.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

enum { EXIT_CONFIGURATION = 78 };

static const char *const setting_names[] = {
    "listen",       "data_dir",        "store",           "namespace",
    "ttl",          "max_ttl",         "lease",           "max_lease",
    "grace",        "sweep_interval",  "history",         "require_fence",
    "max_key",      "max_receipt",     "max_connections", "max_inflight",
    "output_limit", "request_timeout", "idle_timeout",    "min_free",
    "block_cache",  "write_buffer",
};

/* Whether the name stands at the start of a line, blanks before it aside. */
static bool names(const char *text, const char *name)
{
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += strspn(line, "\n \t");
        if (begins(line, name) &&
            strchr(" =\t\n", line[strlen(name)]) != NULL) {
            return true;
        }
    }
    return false;
}

static void expect_all_settings(const char *text)
{
    size_t count = sizeof(setting_names) / sizeof(setting_names[0]);

    for (size_t i = 0; i < count; i++) {
        ck_assert_msg(names(text, setting_names[i]), "no %s in:\n%s",
                      setting_names[i], text);
    }
}

START_TEST(help_and_version_are_printed)
{
    struct process p;

    ck_assert_int_eq(process_run(&p, LIST(daemon_path(), "-h")), 0);
    expect_all_settings(process_out(&p));
    process_release(&p);
    ck_assert_int_eq(process_run(&p, LIST(daemon_path(), "-V")), 0);
    ck_assert_ptr_nonnull(strstr(process_out(&p), "dedupd"));
    process_release(&p);
}
END_TEST

START_TEST(a_check_prints_every_setting_as_it_stands)
{
    struct process p;

    ck_assert_int_eq(process_run(&p, LIST(daemon_path(), "-o", "ttl=90s", "-o",
                                          "max_key=100", "-t")),
                     0);
    expect_all_settings(process_out(&p));
    ck_assert_ptr_nonnull(strstr(process_out(&p), "ttl = 90s"));
    ck_assert_ptr_nonnull(strstr(process_out(&p), "max_key = 100"));
    process_release(&p);
}
END_TEST

START_TEST(what_a_check_prints_is_a_configuration)
{
    struct site site;
    struct process p;
    struct process again;
    const char *conf;

    site_make(&site);
    conf = site_path(&site, "conf");
    ck_assert_int_eq(
        process_run(&p, LIST(daemon_path(), "-o", "ttl=90s", "-t")), 0);
    file_write(conf, slice_str(process_out(&p)));
    ck_assert_int_eq(process_run(&again, LIST(daemon_path(), "-c", conf, "-t")),
                     0);
    ck_assert_str_eq(process_out(&again), process_out(&p));
    process_release(&p);
    process_release(&again);
    site_remove(&site);
}
END_TEST

static void expect_check_fails(const char *option)
{
    struct process p;
    int code = process_run(&p, LIST(daemon_path(), "-o", option, "-t"));

    ck_assert_msg(code == EXIT_CONFIGURATION, "-o %s -t: exit code %d", option,
                  code);
    process_release(&p);
}

START_TEST(wrong_options_are_refused_with_a_reason)
{
    static const char *const cases[][2] = {
        {"no_such_setting=1", "no_such_setting"},
        {"ttl=soon", "ttl"},
        {"ttl=0", "ttl"},
        {"ttl=-5s", "ttl"},
        {"sweep_interval=0", "sweep_interval"},
        {"history=1", "history"},
        {"max_key=0", "max_key"},
        {"max_receipt=2MiB", "max_receipt"},
        {"require_fence=perhaps", "require_fence"},
        {"store=paper", "store"},
        {"namespace=.hidden", "namespace"},
        {"listen=127.0.0.1:99999", "listen"},
        {"listen=nonsense", "listen"},
        {"listen=", "listen"},
        {"max_connections=0", "max_connections"},
        {"ttl", "ttl"},
    };
    struct site site;

    site_make(&site);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int code = daemon_refuses(&site, LIST(cases[i][0]), cases[i][1]);

        ck_assert_msg(code == EXIT_CONFIGURATION, "%s: exit code %d",
                      cases[i][0], code);
        expect_check_fails(cases[i][0]);
    }
    ck_assert(!file_exists(site.data));
    site_remove(&site);
}
END_TEST

/* Runs the check on a file with this line as its 42nd. */
static void expect_line_refused(const struct site *site, const char *line,
                                const char *why)
{
    const char *path = site_path(site, "bad.conf");
    struct buf content = {0};
    struct process p;

    for (int i = 1; i < 42; i++) {
        buf_append_str(&content, "; a comment\n");
    }
    buf_append_str(&content, line);
    buf_append_str(&content, "\nttl = 1h\n");
    file_write(path, buf_slice(&content));
    ck_assert_int_eq(process_run(&p, LIST(daemon_path(), "-c", path, "-t")),
                     EXIT_CONFIGURATION);
    ck_assert_msg(strstr(process_err(&p), "bad.conf") != NULL &&
                      strstr(process_err(&p), "42") != NULL &&
                      strstr(process_err(&p), why) != NULL,
                  "%s: %s", line, process_err(&p));
    process_release(&p);
    buf_release(&content);
}

START_TEST(a_wrong_line_of_the_file_is_named)
{
    struct site site;

    site_make(&site);
    expect_line_refused(&site, "no_such_setting = 1", "no_such_setting");
    expect_line_refused(&site, "lease = soon", "lease");
    expect_line_refused(&site, "sweep_interval = 0", "sweep_interval");
    expect_line_refused(&site, "just words", "");
    site_remove(&site);
}
END_TEST

START_TEST(settings_are_read_from_a_file_and_options_win)
{
    struct site site;
    struct process p;
    const char *path;

    site_make(&site);
    path = site_path(&site, "good.conf");
    file_write(path, slice_str("# a comment\nttl = 2h ; another\n\n"
                               "max_key = 64\nlisten = 127.0.0.1:0\n"));
    ck_assert_int_eq(process_run(&p, LIST(daemon_path(), "-c", path, "-o",
                                          "max_key=65", "-t")),
                     0);
    ck_assert_ptr_nonnull(strstr(process_out(&p), "ttl = 2h"));
    ck_assert_ptr_nonnull(strstr(process_out(&p), "max_key = 65"));
    process_release(&p);
    site_remove(&site);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_refused)
{
    struct process p;

    ck_assert_int_eq(process_run(&p, LIST(daemon_path(), "-c",
                                          "/nonexistent/dedupd.conf", "-t")),
                     EXIT_CONFIGURATION);
    ck_assert_ptr_nonnull(strstr(process_err(&p), "/nonexistent/dedupd.conf"));
    process_release(&p);
}
END_TEST

START_TEST(unknown_arguments_are_refused)
{
    struct process p;

    ck_assert_int_eq(process_run(&p, LIST(daemon_path(), "-x")),
                     EXIT_CONFIGURATION);
    ck_assert_str_ne(process_err(&p), "");
    process_release(&p);
    ck_assert_int_eq(process_run(&p, LIST(daemon_path(), "-t", "more")),
                     EXIT_CONFIGURATION);
    process_release(&p);
}
END_TEST

START_TEST(a_port_in_use_is_refused_and_nothing_written)
{
    struct rig rig;
    struct site other;
    char listen[64];

    rig_start(&rig, NOTHING);
    site_make(&other);
    snprintf(listen, sizeof(listen), "listen=127.0.0.1:%u", rig.daemon.port);
    ck_assert_int_eq(daemon_refuses(&other, LIST(listen), strchr(listen, '1')),
                     EXIT_CONFIGURATION);
    ck_assert(!file_exists(other.data));
    expect_is(client_ask(&rig.client, "PING"), "PONG");
    site_remove(&other);
    rig_stop(&rig);
}
END_TEST

static void expect_served(const char *path)
{
    struct client client;

    client_open_unix(&client, path);
    expect_is(client_ask(&client, "PING"), "PONG");
    client_close(&client);
}

START_TEST(a_unix_socket_of_a_dead_daemon_is_taken_over)
{
    struct site site;
    struct site other;
    struct daemon daemon;
    char listen[2 * SITE_PATH_BYTES + 16];
    const char *path = listen + strlen("listen=unix:");

    site_make(&site);
    site_make(&other);
    snprintf(listen, sizeof(listen), "listen=unix:%s",
             site_path(&site, "sock"));
    daemon_start(&daemon, &site, LIST(listen));
    ck_assert_int_eq(daemon_refuses(&other, LIST(listen), "sock"),
                     EXIT_CONFIGURATION);
    ck_assert(!file_exists(other.data));
    expect_served(path);
    daemon_kill(&daemon);
    ck_assert(file_exists(path));
    daemon_start(&daemon, &site, LIST(listen));
    expect_served(path);
    daemon_stop(&daemon);
    ck_assert(!file_exists(path));
    site_remove(&site);
    site_remove(&other);
}
END_TEST

START_TEST(a_file_in_the_place_of_a_unix_socket_is_left_alone)
{
    struct site site;
    struct buf content = {0};
    char listen[2 * SITE_PATH_BYTES];

    site_make(&site);
    file_write(site_path(&site, "sock"), slice_str("precious"));
    snprintf(listen, sizeof(listen), "listen=unix:%s",
             site_path(&site, "sock"));
    ck_assert_int_eq(daemon_refuses(&site, LIST(listen), "sock"),
                     EXIT_CONFIGURATION);
    file_read(site_path(&site, "sock"), &content);
    ck_assert(slice_equal(buf_slice(&content), slice_str("precious")));
    buf_release(&content);
    site_remove(&site);
}
END_TEST

SUITE(startup, 60, help_and_version_are_printed,
      a_check_prints_every_setting_as_it_stands,
      what_a_check_prints_is_a_configuration,
      wrong_options_are_refused_with_a_reason,
      a_wrong_line_of_the_file_is_named,
      settings_are_read_from_a_file_and_options_win,
      a_file_that_is_not_there_is_refused, unknown_arguments_are_refused,
      a_port_in_use_is_refused_and_nothing_written,
      a_unix_socket_of_a_dead_daemon_is_taken_over,
      a_file_in_the_place_of_a_unix_socket_is_left_alone)
