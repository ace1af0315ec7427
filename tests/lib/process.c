#include "tests/lib/process.h"

#include "base/banned.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PIPE_BYTES = 1 << 20, PACE_MS = 10 };

uint64_t now_ms(void)
{
    struct timespec now;

    ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int left_ms(uint64_t until_ms)
{
    uint64_t now = now_ms();

    return until_ms > now ? (int)(until_ms - now) : 0;
}

void pace(void)
{
    poll(NULL, 0, PACE_MS);
}

static void set_environment(const char *const environment[])
{
    static const char *const not_ours[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC",
                                           "WATCHDOG_PID",  "LISTEN_FDS",
                                           "LISTEN_PID",    "RUNTIME_DIRECTORY",
                                           "DEDUPD_BOOT_ID"};

    for (size_t i = 0; i < sizeof(not_ours) / sizeof(not_ours[0]); i++) {
        unsetenv(not_ours[i]);
    }
    for (size_t i = 0; environment != NULL && environment[i] != NULL; i++) {
        putenv(strdup(environment[i]));
    }
}

/* What the child does; never returns. */
static void become(const struct launch *launch, pid_t parent, int out, int err)
{
    sigset_t none;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || null < 0) {
        _exit(126);
    }
    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    /* Check's own handlers would end the test that started this. */
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    set_environment(launch->environment);
    /* execvp() does not change them, its type is older than const. */
    execvp(launch->argv[0], (char *const *)(uintptr_t)launch->argv);
    dprintf(STDERR_FILENO, "cannot run %s: %s\n", launch->argv[0],
            strerror(errno));
    _exit(127);
}

void process_spawn(struct process *process, const struct launch *launch)
{
    pid_t parent = getpid();
    sigset_t all;
    sigset_t before;
    int out[2];
    int err[2];

    sigfillset(&all);
    *process = (struct process){0};
    ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(err, O_CLOEXEC), 0);
    sigprocmask(SIG_SETMASK, &all, &before);
    process->pid = fork();
    if (process->pid == 0) {
        become(launch, parent, out[1], err[1]);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    ck_assert_int_ge(process->pid, 0);
    close(out[1]);
    close(err[1]);
    process->out_fd = out[0];
    process->err_fd = err[0];
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
    /* Nobody reads while the test talks to the child. */
    fcntl(out[0], F_SETPIPE_SZ, PIPE_BYTES);
    fcntl(err[0], F_SETPIPE_SZ, PIPE_BYTES);
    process->pidfd = pidfd_open(process->pid, 0);
    ck_assert_int_ge(process->pidfd, 0);
}

/* Takes what the pipe has; false at its end. The content is kept terminated,
 * the terminator is not part of it. */
static bool take(int fd, struct buf *to)
{
    uint8_t chunk[4096];
    ssize_t got;

    while ((got = read(fd, chunk, sizeof(chunk))) > 0) {
        buf_append(to, chunk, (size_t)got);
    }
    *buf_reserve(to, 1) = 0;
    return got < 0 && errno == EAGAIN;
}

static const char *text_of(const struct buf *buf)
{
    return buf_len(buf) == 0 ? "" : (const char *)buf_slice(buf).data;
}

const char *process_err(const struct process *process)
{
    return text_of(&process->err);
}

const char *process_out(const struct process *process)
{
    return text_of(&process->out);
}

static unsigned count_of(const char *text, const char *part)
{
    unsigned count = 0;

    while ((text = strstr(text, part)) != NULL) {
        text += strlen(part);
        count++;
    }
    return count;
}

/* Waits for output or for the end, at most until then. True at the end. */
static bool take_some(struct process *process, uint64_t until_ms)
{
    struct pollfd fds[] = {{.fd = process->pidfd, .events = POLLIN},
                           {.fd = process->out_fd, .events = POLLIN},
                           {.fd = process->err_fd, .events = POLLIN}};
    bool out;
    bool err;

    poll(fds, 3, left_ms(until_ms));
    out = take(process->out_fd, &process->out);
    err = take(process->err_fd, &process->err);
    if (!out && !err) {
        /* A child that is about to end: do not spin on closed pipes. */
        poll(fds, 1, left_ms(until_ms));
    }
    return (fds[0].revents & POLLIN) != 0;
}

bool process_await(struct process *process, const char *text, unsigned times)
{
    uint64_t until_ms = now_ms() + WAIT_MS;
    bool ended = false;

    while (count_of(process_err(process), text) < times) {
        if (ended) {
            return false;
        }
        ck_assert_msg(left_ms(until_ms) > 0,
                      "waited in vain for \"%s\" in: %.4000s", text,
                      process_err(process));
        ended = take_some(process, until_ms);
    }
    return true;
}

void process_signal(const struct process *process, int signal)
{
    ck_assert_int_gt(process->pid, 0);
    ck_assert_int_eq(kill(process->pid, signal), 0);
}

static void forget(struct process *process)
{
    close(process->pidfd);
    close(process->out_fd);
    close(process->err_fd);
    process->pid = 0;
}

int process_wait_for(struct process *process, int timeout_ms)
{
    uint64_t until_ms = now_ms() + (uint64_t)timeout_ms;
    int status = 0;

    ck_assert_int_gt(process->pid, 0);
    while (!take_some(process, until_ms)) {
        if (left_ms(until_ms) == 0) {
            return -1;
        }
    }
    ck_assert_int_eq(waitpid(process->pid, &status, 0), process->pid);
    take(process->out_fd, &process->out);
    take(process->err_fd, &process->err);
    forget(process);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int process_wait(struct process *process)
{
    int code = process_wait_for(process, WAIT_MS);

    ck_assert_msg(code >= 0, "it does not end: %.4000s", process_err(process));
    return code;
}

void process_release(struct process *process)
{
    if (process->pid > 0) {
        process_signal(process, SIGKILL);
        process_wait(process);
    }
    buf_release(&process->out);
    buf_release(&process->err);
}

int process_run(struct process *process, const char *const argv[])
{
    process_spawn(process, &(struct launch){.argv = argv});
    return process_wait(process);
}

long process_rss_kib(const struct process *process)
{
    char path[64];
    char line[256];
    long kib = -1;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)process->pid);
    file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    while (kib < 0 && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "VmRSS:", strlen("VmRSS:")) == 0) {
            kib = strtol(line + strlen("VmRSS:"), NULL, 10);
        }
    }
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_ge(kib, 0);
    return kib;
}
