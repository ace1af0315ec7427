/* Which call of a program on its files fails: memory that a test and the
 * preloaded fail_calls.c share.
 *
 * Calls are counted over all threads, as strace's injection cannot do, and only
 * those on files below one directory, so that neither sockets nor the library's
 * own log are hit. */
#ifndef TESTS_FAULTS_PRELOAD_FAIL_PLAN_H
#define TESTS_FAULTS_PRELOAD_FAIL_PLAN_H

#include <stdatomic.h>
#include <stdint.h>

/* X(NAME): the calls that are told apart, those that write first. */
#define FAIL_CALL_MAP(X)                                                       \
    X(fdatasync)                                                               \
    X(fsync)                                                                   \
    X(write)                                                                   \
    X(pwrite)                                                                  \
    X(open)                                                                    \
    X(rename)                                                                  \
    X(ftruncate)                                                               \
    X(fallocate)                                                               \
    X(mkdir)                                                                   \
    X(unlink)                                                                  \
    X(sync_file_range)                                                         \
    X(read)                                                                    \
    X(pread)

enum fail_call {
#define X(name) FAIL_##name,
    FAIL_CALL_MAP(X)
#undef X
        FAIL_CALLS,
    /* Any of those that write: a disk that dies at the nth call. */
    FAIL_any_write = FAIL_CALLS,
    FAIL_COUNTERS,
};

enum {
    FAIL_DIR_BYTES = 256,
    FAIL_PATH_BYTES = 128,
    FAIL_THREAD_BYTES = 16,
    FAIL_SUFFIX_BYTES = 8,
};

/* Zeroed: nothing fails, calls are counted. */
struct fail_plan {
    char dir[FAIL_DIR_BYTES];       /* set before the program starts */
    char thread[FAIL_THREAD_BYTES]; /* only calls of threads that are called so;
                                       empty: of all. Set while `at` is 0 */
    char
        suffix[FAIL_SUFFIX_BYTES]; /* only files whose name ends so; likewise */
    _Atomic uint64_t at;           /* the nth call fails; 0: none. Set last */
    _Atomic int call;
    _Atomic int error;
    _Atomic int lasting; /* and every one after it */
    _Atomic int torn; /* that write is half done and says so; the next fail */
    _Atomic uint64_t counts[FAIL_COUNTERS];
    _Atomic uint64_t failed;           /* so many calls were failed */
    uint64_t failed_ns;                /* CLOCK_MONOTONIC of the first; set
                                          before `failed` */
    char failed_path[FAIL_PATH_BYTES]; /* of the first, below `dir` */
    char failed_thread[FAIL_THREAD_BYTES];
};

/* The environment's name of the file that is mapped. */
#define FAIL_PLAN_VARIABLE "FAIL_PLAN"

#endif
