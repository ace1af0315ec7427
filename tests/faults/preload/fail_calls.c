/* Preloaded into a program: counts its calls on the files of a directory and
 * fails those of the plan that it shares with a test. */
#include "tests/faults/preload/fail_plan.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct fail_plan *plan; /* NULL: not wanted */

/* The function that this one stands before. */
#define REAL(name)                                                             \
    static __typeof__(&name) real;                                             \
    if (real == NULL) {                                                        \
        *(void **)(void *)&real = dlsym(RTLD_NEXT, #name);                     \
    }

__attribute__((constructor)) static void map_plan(void)
{
    const char *path = getenv(FAIL_PLAN_VARIABLE);
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        return;
    }
    plan = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (plan == MAP_FAILED) {
        plan = NULL;
    }
    close(fd);
}

/* --- whose file it is ------------------------------------------------------
 */

/* What is left of the path below the plan's directory; NULL: elsewhere. */
static const char *below(const char *path)
{
    size_t len = strlen(plan->dir);

    return strncmp(path, plan->dir, len) == 0 &&
                   (path[len] == '/' || path[len] == '\0')
               ? path + len
               : NULL;
}

static bool path_of_fd(int fd, char out[PATH_MAX])
{
    char link[64];
    ssize_t len;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    len = readlink(link, out, PATH_MAX - 1);
    if (len < 0) {
        return false;
    }
    out[len] = '\0';
    return true;
}

static bool path_at(int dir_fd, const char *name, char out[PATH_MAX])
{
    char dir[PATH_MAX];

    if (name[0] == '/' || dir_fd == AT_FDCWD) {
        snprintf(out, PATH_MAX, "%s", name);
        return true;
    }
    if (!path_of_fd(dir_fd, dir)) {
        return false;
    }
    return snprintf(out, PATH_MAX, "%s/%s", dir, name) < PATH_MAX;
}

/* --- which call it is ------------------------------------------------------
 */

enum verdict { GOES_ON, FAILS, HALF };

static bool is_hit(enum fail_call call, uint64_t nth, uint64_t nth_of_any)
{
    uint64_t at = atomic_load(&plan->at);
    uint64_t n = nth;

    if (at == 0) {
        return false;
    }
    if (atomic_load(&plan->call) == FAIL_any_write) {
        n = call < FAIL_read ? nth_of_any : 0;
    } else if (atomic_load(&plan->call) != (int)call) {
        return false;
    }
    return n == at || (n > at && atomic_load(&plan->lasting) != 0);
}

static bool is_thread_meant(void)
{
    char name[FAIL_THREAD_BYTES] = "";

    if (plan->thread[0] == '\0') {
        return true;
    }
    prctl(PR_GET_NAME, name);
    return strncmp(name, plan->thread, sizeof(name)) == 0;
}

static bool is_name_meant(const char *name)
{
    size_t len = strlen(name);
    size_t suffix = strlen(plan->suffix);

    return len >= suffix && strcmp(name + len - suffix, plan->suffix) == 0;
}

static void note(const char *path)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    plan->failed_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    snprintf(plan->failed_path, sizeof(plan->failed_path), "%s", path);
    prctl(PR_GET_NAME, plan->failed_thread);
}

static enum verdict judge(enum fail_call call, const char *path)
{
    const char *name = below(path);
    uint64_t any = 0;
    uint64_t nth;
    uint64_t before;

    if (name == NULL || !is_name_meant(name) || !is_thread_meant()) {
        return GOES_ON;
    }
    nth = atomic_fetch_add(&plan->counts[call], 1) + 1;
    if (call < FAIL_read) {
        any = atomic_fetch_add(&plan->counts[FAIL_any_write], 1) + 1;
    }
    if (!is_hit(call, nth, any)) {
        return GOES_ON;
    }
    before = atomic_load(&plan->failed);
    if (before == 0) {
        note(name);
    }
    atomic_fetch_add(&plan->failed, 1);
    errno = atomic_load(&plan->error);
    return before == 0 && atomic_load(&plan->torn) != 0 ? HALF : FAILS;
}

static enum verdict judge_fd(enum fail_call call, int fd)
{
    char path[PATH_MAX];
    int error = errno;
    enum verdict verdict = GOES_ON;

    if (plan != NULL && path_of_fd(fd, path)) {
        verdict = judge(call, path);
    }
    if (verdict == GOES_ON) {
        errno = error;
    }
    return verdict;
}

static enum verdict judge_at(enum fail_call call, int fd, const char *name)
{
    char path[PATH_MAX];
    int error = errno;
    enum verdict verdict = GOES_ON;

    if (plan != NULL && path_at(fd, name, path)) {
        verdict = judge(call, path);
    }
    if (verdict == GOES_ON) {
        errno = error;
    }
    return verdict;
}

/* --- the calls -------------------------------------------------------------
 */

int fdatasync(int fd)
{
    REAL(fdatasync)
    return judge_fd(FAIL_fdatasync, fd) != GOES_ON ? -1 : real(fd);
}

int fsync(int fd)
{
    REAL(fsync)
    return judge_fd(FAIL_fsync, fd) != GOES_ON ? -1 : real(fd);
}

ssize_t write(int fd, const void *data, size_t len)
{
    enum verdict verdict = judge_fd(FAIL_write, fd);

    REAL(write)
    if (verdict == FAILS) {
        return -1;
    }
    return real(fd, data, verdict == HALF && len > 1 ? len / 2 : len);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
    enum verdict verdict = judge_fd(FAIL_pwrite, fd);

    REAL(pwrite)
    if (verdict == FAILS) {
        return -1;
    }
    return real(fd, data, verdict == HALF && len > 1 ? len / 2 : len, offset);
}

ssize_t read(int fd, void *data, size_t len)
{
    REAL(read)
    return judge_fd(FAIL_read, fd) != GOES_ON ? -1 : real(fd, data, len);
}

ssize_t pread(int fd, void *data, size_t len, off_t offset)
{
    REAL(pread)
    return judge_fd(FAIL_pread, fd) != GOES_ON ? -1
                                               : real(fd, data, len, offset);
}

int ftruncate(int fd, off_t len)
{
    REAL(ftruncate)
    return judge_fd(FAIL_ftruncate, fd) != GOES_ON ? -1 : real(fd, len);
}

int fallocate(int fd, int mode, off_t offset, off_t len)
{
    REAL(fallocate)
    return judge_fd(FAIL_fallocate, fd) != GOES_ON
               ? -1
               : real(fd, mode, offset, len);
}

/* Returns its error. */
int posix_fallocate(int fd, off_t offset, off_t len)
{
    REAL(posix_fallocate)
    return judge_fd(FAIL_fallocate, fd) != GOES_ON ? errno
                                                   : real(fd, offset, len);
}

/* Without a flag it asks whether the system knows the call: that touches no
 * disk. */
int sync_file_range(int fd, off_t offset, off_t len, unsigned flags)
{
    REAL(sync_file_range)
    return flags != 0 && judge_fd(FAIL_sync_file_range, fd) != GOES_ON
               ? -1
               : real(fd, offset, len, flags);
}

int rename(const char *from, const char *to)
{
    REAL(rename)
    return judge_at(FAIL_rename, AT_FDCWD, to) != GOES_ON ? -1 : real(from, to);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    REAL(renameat)
    return judge_at(FAIL_rename, to_fd, to) != GOES_ON
               ? -1
               : real(from_fd, from, to_fd, to);
}

int mkdir(const char *path, mode_t mode)
{
    REAL(mkdir)
    return judge_at(FAIL_mkdir, AT_FDCWD, path) != GOES_ON ? -1
                                                           : real(path, mode);
}

int unlink(const char *path)
{
    REAL(unlink)
    return judge_at(FAIL_unlink, AT_FDCWD, path) != GOES_ON ? -1 : real(path);
}

int unlinkat(int fd, const char *name, int flags)
{
    REAL(unlinkat)
    return judge_at(FAIL_unlink, fd, name) != GOES_ON ? -1
                                                      : real(fd, name, flags);
}

/* The mode is there if these say so. */
static mode_t mode_of(int flags, va_list arguments)
{
    return (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(arguments, mode_t)
                                                  : 0;
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    mode_t mode;

    REAL(open)
    va_start(arguments, flags);
    mode = mode_of(flags, arguments);
    va_end(arguments);
    return judge_at(FAIL_open, AT_FDCWD, path) != GOES_ON
               ? -1
               : real(path, flags, mode);
}

int openat(int fd, const char *name, int flags, ...)
{
    va_list arguments;
    mode_t mode;

    REAL(openat)
    va_start(arguments, flags);
    mode = mode_of(flags, arguments);
    va_end(arguments);
    return judge_at(FAIL_open, fd, name) != GOES_ON
               ? -1
               : real(fd, name, flags, mode);
}
