#include "tests/hostile/crowd.h"

#include "base/banned.h"
#include "tests/hostile/member.h"

#include <check.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

unsigned crowd_descriptors(void)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return limit.rlim_max > 1000000 ? 1000000 : (unsigned)limit.rlim_max;
}

void crowd_init(struct crowd *crowd, const struct daemon *daemon)
{
    void *shared =
        mmap(NULL, sizeof(struct crowd_shared), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(shared, MAP_FAILED);
    *crowd = (struct crowd){.port = daemon->port, .shared = shared};
    atomic_store(&crowd->shared->permits, INT_MAX);
    for (int kind = 0; kind < CROWD_KINDS; kind++) {
        atomic_store(&crowd->shared->of[kind].closed_min_ms, UINT64_MAX);
    }
}

/* What a process of the crowd does; never returns. */
static void be_a_crowd(const struct crowd *crowd,
                       const unsigned counts[CROWD_KINDS], pid_t parent)
{
    struct crowd_place place = {
        .shared = crowd->shared,
        .port = (uint16_t)crowd->port,
        /* A source address has 28000 ports, and each process one of its own. */
        .source = INADDR_LOOPBACK + 1 + crowd->processes,
    };

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent) {
        members_run(&place, counts);
    }
    _exit(1);
}

void crowd_add(struct crowd *crowd, const unsigned counts[CROWD_KINDS])
{
    pid_t parent = getpid();
    pid_t pid;

    ck_assert_uint_lt(crowd->processes, CROWD_PROCESSES_MAX);
    crowd_descriptors();
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        /* In earnest it has processors of its own: here it takes those of the
         * daemon and of the clients that behave, and has to give way. */
        (void)!nice(19);
        be_a_crowd(crowd, counts, parent);
    }
    crowd->pids[crowd->processes++] = pid;
}

void crowd_add_kind(struct crowd *crowd, enum crowd_kind kind, unsigned count)
{
    while (count > 0) {
        unsigned counts[CROWD_KINDS] = {0};

        counts[kind] =
            count < CROWD_PROCESS_MEMBERS ? count : CROWD_PROCESS_MEMBERS;
        crowd_add(crowd, counts);
        count -= counts[kind];
    }
}

void crowd_ask(struct crowd *crowd)
{
    atomic_fetch_add(&crowd->shared->asks, 1);
}

void crowd_await_least(const _Atomic unsigned *number, unsigned value,
                       int timeout_ms, const char *what)
{
    uint64_t until_ms = now_ms() + (uint64_t)timeout_ms;

    while (atomic_load(number) < value) {
        ck_assert_msg(left_ms(until_ms) > 0, "%s: %u instead of %u", what,
                      atomic_load(number), value);
        pace();
    }
}

void crowd_end(struct crowd *crowd)
{
    for (unsigned i = 0; i < crowd->processes; i++) {
        int status = 0;

        ck_assert_int_eq(kill(crowd->pids[i], SIGKILL), 0);
        ck_assert_int_eq(waitpid(crowd->pids[i], &status, 0), crowd->pids[i]);
        ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
                      "a process of the crowd has ended: %d", status);
    }
    munmap(crowd->shared, sizeof(*crowd->shared));
}
