/* Makes RocksDB's own crash points crash: preloaded into a daemon, as
 * build/tests/kill-point.so, with DEDUPD_KILL_ODDS=n in its environment, one in
 * n of the points that are passed ends the process as kill -9 does, after a
 * line on stderr that says which. Nearly all points passed are in what writes
 * files; with DEDUPD_KILL_RARE=1 they are left out.
 *
 * Without a compiler for C++ its functions are looked up by the names that they
 * have in the library. A library without crash points is left as it is, and
 * stderr says so. */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* std::string as libstdc++ lays it out, with bytes that are not its own. */
struct text {
    const char *bytes;
    size_t len;
    char room[16];
};

/* rocksdb::KillPoint. Points whose names begin so are left out; only a process
 * that ends in order would try to free them. */
struct kill_point {
    int odds;
    struct text *left_out; /* std::vector: begin, end, end of its memory */
    struct text *left_out_end;
    struct text *left_out_room;
};

static struct text often[] = {{.bytes = "WritableFileWriter", .len = 18}};

typedef struct kill_point *get_instance_fn(void);

void crash(const struct text *file, int line) __asm__(
    "_ZN7rocksdb4port5CrashERKNSt7__cxx1112basic_stringIcSt11char_"
    "traitsIcESaIcEEEi");

__attribute__((visibility("default"))) void crash(const struct text *file,
                                                  int line)
{
    dprintf(STDERR_FILENO, "crash point %s:%d\n", file->bytes, line);
    kill(getpid(), SIGKILL);
    for (;;) {
        pause();
    }
}

__attribute__((constructor)) static void set_odds(void)
{
    const char *odds = getenv("DEDUPD_KILL_ODDS");
    struct kill_point *point;
    /* A function's address, which C cannot make of an object's. */
    union {
        void *object;
        get_instance_fn *function;
    } get_instance;

    get_instance.object =
        dlsym(RTLD_DEFAULT, "_ZN7rocksdb9KillPoint11GetInstanceEv");
    if (odds == NULL) {
        return;
    }
    if (get_instance.object == NULL) {
        dprintf(STDERR_FILENO, "crash points: there are none\n");
        return;
    }
    point = get_instance.function();
    if (getenv("DEDUPD_KILL_RARE") != NULL) {
        point->left_out = often;
        point->left_out_end = point->left_out_room = often + 1;
    }
    point->odds = (int)strtol(odds, NULL, 10);
}
