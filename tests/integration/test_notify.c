#include "base/banned.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A service manager's socket; `variable` becomes the environment's. */
static int manager(const struct site *site, char variable[], size_t bytes)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    snprintf(at.sun_path, sizeof(at.sun_path), "%.90s/notify", site->dir);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    snprintf(variable, bytes, "NOTIFY_SOCKET=%s", at.sun_path);
    return fd;
}

/* Whether a message with this line is among the next ones. */
static void await_message(int fd, const char *line)
{
    uint64_t until_ms = now_ms() + WAIT_MS;
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};
    char text[1024];
    ssize_t got;

    do {
        ck_assert_msg(poll(&pollfd, 1, left_ms(until_ms)) > 0,
                      "no %s from the daemon", line);
        got = recv(fd, text, sizeof(text) - 1, 0);
        ck_assert_int_gt(got, 0);
        text[got] = '\0';
    } while (strstr(text, line) == NULL);
}

static bool has_message(int fd)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};

    return poll(&pollfd, 1, 0) > 0;
}

START_TEST(readiness_and_the_end_are_announced)
{
    struct rig rig;
    char variable[160];
    int fd;

    site_make(&rig.site);
    fd = manager(&rig.site, variable, sizeof(variable));
    daemon_spawn(&rig.daemon, &rig.site, NOTHING, NULL, LIST(variable));
    await_message(fd, "READY=1");
    /* It serves by now, so the log has said where. */
    ck_assert(daemon_await_ready(&rig.daemon, 1));
    client_open(&rig.client, &rig.daemon);
    expect_is(client_ask(&rig.client, "PING"), "PONG");
    process_signal(&rig.daemon.process, SIGTERM);
    await_message(fd, "STOPPING=1");
    ck_assert_int_eq(process_wait(&rig.daemon.process), 0);
    process_release(&rig.daemon.process);
    client_close(&rig.client);
    close(fd);
    site_remove(&rig.site);
}
END_TEST

START_TEST(a_daemon_that_cannot_serve_is_never_ready)
{
    struct site site;
    struct daemon daemon;
    char variable[160];
    int fd;

    site_make(&site);
    directory_make(site.data);
    file_write(site_path(&site, "data/notes.txt"), slice_str("mine"));
    fd = manager(&site, variable, sizeof(variable));
    daemon_spawn(&daemon, &site, NOTHING, NULL, LIST(variable));
    ck_assert_int_eq(process_wait(&daemon.process), 78);
    while (has_message(fd)) {
        char text[1024];
        ssize_t got = recv(fd, text, sizeof(text) - 1, 0);

        ck_assert_int_gt(got, 0);
        text[got] = '\0';
        ck_assert_ptr_null(strstr(text, "READY=1"));
    }
    process_release(&daemon.process);
    close(fd);
    site_remove(&site);
}
END_TEST

START_TEST(the_watchdog_is_fed)
{
    struct rig rig;
    char variable[160];
    int fd;

    site_make(&rig.site);
    fd = manager(&rig.site, variable, sizeof(variable));
    daemon_spawn(&rig.daemon, &rig.site, NOTHING, NULL,
                 LIST(variable, "WATCHDOG_USEC=200000"));
    for (int i = 0; i < 3; i++) {
        await_message(fd, "WATCHDOG=1");
    }
    ck_assert(daemon_await_ready(&rig.daemon, 1));
    daemon_stop(&rig.daemon);
    close(fd);
    site_remove(&rig.site);
}
END_TEST

SUITE(notify, 60, readiness_and_the_end_are_announced,
      a_daemon_that_cannot_serve_is_never_ready, the_watchdog_is_fed)
