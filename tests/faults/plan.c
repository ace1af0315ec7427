#include "tests/faults/plan.h"

#include "base/banned.h"

#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const char *library(void)
{
    static char path[SITE_PATH_BYTES];
    const char *program = daemon_path();
    const char *slash = strrchr(program, '/');
    char real[PATH_MAX];

    snprintf(path, sizeof(path), "%.*s/tests/fail_calls.so",
             slash == NULL ? 1 : (int)(slash - program),
             slash == NULL ? "." : program);
    ck_assert_msg(realpath(path, real) != NULL, "there is no %s", path);
    ck_assert_uint_lt(strlen(real), sizeof(path));
    snprintf(path, sizeof(path), "%.200s", real);
    return path;
}

bool plan_is_possible(void)
{
    if (UNDER_SANITIZER) {
        printf("skipped: sanitizers want to be the first library\n");
        (void)fflush(stdout);
    }
    return !UNDER_SANITIZER;
}

struct fail_plan *plan_make(const struct site *site)
{
    int fd = open(site_path(site, "plan"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct fail_plan *plan;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, sizeof(*plan)), 0);
    plan = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ck_assert_ptr_ne(plan, MAP_FAILED);
    close(fd);
    snprintf(plan->dir, sizeof(plan->dir), "%.255s", site->data);
    return plan;
}

void plan_free(struct fail_plan *plan)
{
    ck_assert_int_eq(munmap(plan, sizeof(*plan)), 0);
}

void plan_reset(struct fail_plan *plan)
{
    atomic_store(&plan->at, 0);
    for (int i = 0; i < FAIL_COUNTERS; i++) {
        atomic_store(&plan->counts[i], 0);
    }
    atomic_store(&plan->failed, 0);
    atomic_store(&plan->torn, 0);
    plan->failed_path[0] = '\0';
}

void plan_fail(struct fail_plan *plan, enum fail_call call, int error,
               uint64_t nth, bool lasting)
{
    atomic_store(&plan->call, (int)call);
    atomic_store(&plan->error, error);
    atomic_store(&plan->lasting, lasting);
    atomic_store(&plan->at, nth);
}

uint64_t plan_count(const struct fail_plan *plan, enum fail_call call)
{
    return atomic_load(&plan->counts[call]);
}

bool plan_has_failed(const struct fail_plan *plan)
{
    return atomic_load(&plan->failed) > 0;
}

const char *fail_call_name(enum fail_call call)
{
    static const char *const names[FAIL_COUNTERS] = {
#define X(name) #name,
        FAIL_CALL_MAP(X)
#undef X
            "any call that writes",
    };

    return call == FAIL_any_write ? "any" : names[call];
}

void plan_spawn(struct daemon *daemon, const struct site *site,
                const char *const options[])
{
    char preload[SITE_PATH_BYTES + 16];

    snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", library());
    daemon_spawn(daemon, site, options, NULL,
                 LIST(preload, site_option(site, FAIL_PLAN_VARIABLE, "plan")));
}

uint64_t now_ns(void)
{
    struct timespec now;

    ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
