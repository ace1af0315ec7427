#include "tests/lib/daemon.h"

#include "base/banned.h"

#include <check.h>
#include <signal.h>

enum { ARGUMENTS_MAX = 64 };

static const char ready[] = "ready: listening on ";

const char *daemon_path(void)
{
    const char *path = getenv("DEDUPD_BIN");

    return path != NULL ? path : "build/dedupd";
}

struct arguments_list {
    const char *argv[ARGUMENTS_MAX + 1];
    size_t count;
};

static void add(struct arguments_list *list, const char *argument)
{
    ck_assert_uint_lt(list->count, ARGUMENTS_MAX);
    list->argv[list->count++] = argument;
}

/* Adds all, each behind `flag` if there is one. */
static void add_all(struct arguments_list *list, const char *flag,
                    const char *const all[])
{
    for (size_t i = 0; all != NULL && all[i] != NULL; i++) {
        if (flag != NULL) {
            add(list, flag);
        }
        add(list, all[i]);
    }
}

void daemon_spawn(struct daemon *daemon, const struct site *site,
                  const char *const options[], const char *const before[],
                  const char *const environment[])
{
    struct arguments_list argv = {0};
    struct arguments_list added = {0};

    *daemon = (struct daemon){0};
    add_all(&argv, NULL, before);
    add(&argv, daemon_path());
    add_all(&argv, "-o",
            LIST(site_option(site, "data_dir", "data"), "listen=127.0.0.1:0"));
    add_all(&argv, "-o", options);
    add(&added, site_option(site, "RUNTIME_DIRECTORY", "run"));
    add_all(&added, NULL, environment);
    process_spawn(&daemon->process, &(struct launch){
                                        .argv = argv.argv,
                                        .environment = added.argv,
                                    });
}

/* The number after the last colon of the first ready line that does not name a
 * unix socket; 0 where there is none. */
static unsigned port_in(const char *text)
{
    while ((text = strstr(text, ready)) != NULL) {
        text += strlen(ready);
        if (strncmp(text, "unix:", strlen("unix:")) != 0) {
            const char *colon = memrchr(text, ':', strcspn(text, "\n"));

            ck_assert_ptr_nonnull(colon);
            return (unsigned)strtoul(colon + 1, NULL, 10);
        }
    }
    return 0;
}

bool daemon_await_ready(struct daemon *daemon, unsigned listeners)
{
    /* A line is written in one piece, so one that has begun is whole. */
    if (!process_await(&daemon->process, ready, listeners)) {
        return false;
    }
    daemon->port = port_in(process_err(&daemon->process));
    return true;
}

void daemon_start_listeners(struct daemon *daemon, const struct site *site,
                            const char *const options[], unsigned listeners)
{
    daemon_spawn(daemon, site, options, NULL, NULL);
    ck_assert_msg(daemon_await_ready(daemon, listeners),
                  "the daemon does not start: %.4000s",
                  process_err(&daemon->process));
}

void daemon_start(struct daemon *daemon, const struct site *site,
                  const char *const options[])
{
    daemon_start_listeners(daemon, site, options, 1);
}

int daemon_refuses(const struct site *site, const char *const options[],
                   const char *why)
{
    struct daemon daemon;
    const char *err;
    int code;

    daemon_spawn(&daemon, site, options, NULL, NULL);
    code = process_wait(&daemon.process);
    err = process_err(&daemon.process);
    ck_assert_msg(strstr(err, why) != NULL, "no \"%s\" in: %.4000s", why, err);
    ck_assert_msg(strchr(err, '\n') == err + strlen(err) - 1,
                  "not one line: %.4000s", err);
    process_release(&daemon.process);
    return code;
}

void daemon_stop(struct daemon *daemon)
{
    int code;

    process_signal(&daemon->process, SIGTERM);
    code = process_wait(&daemon->process);
    ck_assert_msg(code == 0, "exit code %d: %.4000s", code,
                  process_err(&daemon->process));
    process_release(&daemon->process);
}

void daemon_kill(struct daemon *daemon)
{
    process_signal(&daemon->process, SIGKILL);
    ck_assert_int_eq(process_wait(&daemon->process), 128 + SIGKILL);
    process_release(&daemon->process);
}
