/* Memory that is limited, and what a load that does its worst needs of it. */
#include "base/banned.h"
#include "tests/faults/figures.h"
#include "tests/lib/load.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    KIB_OF_MIB = 1024,
    CLIENTS = 48,
    RECEIPT_BYTES = 65536,
    RECEIPTS_EACH = 12,
    LOOKUPS = 2000,
};

/* --- the formula of docs/design.md ---------------------------------------- */

/* With the settings of the test: 8 MiB of block_cache and write_buffer each,
 * 64 KiB receipts, 256 KiB of output. In KiB. */
static uint64_t formula_kib(void)
{
    uint64_t turn = 64 * KIB_OF_MIB;
    uint64_t request = (4 * (512 + RECEIPT_BYTES) + 4096) / 1024;

    return 8 * KIB_OF_MIB + (8 * KIB_OF_MIB * 9 / 4 + 18 * KIB_OF_MIB) +
           17 * KIB_OF_MIB + 4 * turn + turn + 63 * 64 +
           CLIENTS * (2 * (1024 + request) + 2 * (request + 64) + 2 * 256);
}

static void append_completes(struct buf *to, unsigned client)
{
    for (unsigned i = 0; i < RECEIPTS_EACH; i++) {
        char text[64];

        snprintf(text, sizeof(text), "CLAIM m%u-%u\nCOMPLETE m%u-%u ", client,
                 i, client, i);
        buf_append_str(to, text);
        memset(buf_reserve(to, RECEIPT_BYTES), 'r', RECEIPT_BYTES);
        buf_commit(to, RECEIPT_BYTES);
        buf_append_str(to, "\n");
    }
}

/* Asks for large receipts and reads none, and leaves requests half done. */
static void do_worst(struct client *client, unsigned index)
{
    struct buf requests = {0};
    char text[64];

    for (unsigned i = 0; i < LOOKUPS; i++) {
        snprintf(text, sizeof(text), "LOOKUP m%u-%u\n", index,
                 i % RECEIPTS_EACH);
        buf_append_str(&requests, text);
    }
    append_completes(&requests, index + CLIENTS);
    client_push(client, buf_slice(&requests));
    buf_release(&requests);
}

START_TEST(a_load_that_does_its_worst_stays_within_the_formula)
{
    static struct client clients[CLIENTS];
    struct buf requests = {0};
    struct rig rig;
    uint64_t peak;

    if (UNDER_SANITIZER) {
        skipped("a sanitizer keeps freed memory");
        return;
    }
    rig_start(&rig, LIST("block_cache=8MiB", "write_buffer=8MiB",
                         "output_limit=256KiB", "max_receipt=64KiB"));
    for (unsigned i = 0; i < CLIENTS; i++) {
        client_open(&clients[i], &rig.daemon);
        buf_clear(&requests);
        append_completes(&requests, i);
        client_send_bytes(&clients[i], buf_slice(&requests));
        for (unsigned n = 0; n < RECEIPTS_EACH; n++) {
            expect_begins(client_line(&clients[i]), "CLAIMED ");
            expect_is(client_line(&clients[i]), "OK");
        }
    }
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < CLIENTS; i++) {
            do_worst(&clients[i], i);
        }
        expect_begins(client_ask(&rig.client, "CLAIM between"),
                      round == 0 ? "CLAIMED " : "INFLIGHT ");
    }
    peak = process_status_kib(&rig.daemon.process, "VmHWM");
    printf("worst load: %llu MiB resident at most, %llu by the formula\n",
           (unsigned long long)peak / 1024,
           (unsigned long long)formula_kib() / 1024);
    fflush(stdout);
    ck_assert_uint_lt(peak, formula_kib());
    for (unsigned i = 0; i < CLIENTS; i++) {
        client_reset(&clients[i]);
    }
    buf_release(&requests);
    rig_stop(&rig);
}
END_TEST

/* --- limits --------------------------------------------------------------- */

/* It may end, by a signal of its own or of the kernel; what it has said is
 * true. */
static void load_and_verify(struct rig *rig, const char *name)
{
    struct load *load = load_new(&rig->daemon, name);
    int code;

    load_run(load, 2 * LOAD_CLIENTS * LOAD_KEYS);
    process_signal(&rig->daemon.process, SIGTERM);
    load_drain(load);
    code = process_wait(&rig->daemon.process);
    printf("%s: ended with %d\n", name, code);
    fflush(stdout);
    ck_assert_msg(code == 0 || code == 70 || code == 74 ||
                      code == 128 + SIGABRT || code == 128 + SIGKILL,
                  "exit code %d: %.2000s", code,
                  process_err(&rig->daemon.process));
    process_release(&rig->daemon.process);
    daemon_start(&rig->daemon, &rig->site, NOTHING);
    client_open(&rig->client, &rig->daemon);
    load_verify(load, &rig->client);
    load_free(load);
    rig_stop(rig);
}

/* As little address space beyond what a start needs, and less. */
START_TEST(too_little_address_space_loses_nothing)
{
    static const unsigned mib[] = {8, 40, 120};

    if (UNDER_SANITIZER) {
        skipped("a sanitizer needs all address space");
        return;
    }
    for (size_t i = 0; i < sizeof(mib) / sizeof(mib[0]); i++) {
        struct rig rig;
        struct rlimit limit;
        char name[16];

        rig_start(&rig, NOTHING);
        limit.rlim_cur = (process_status_kib(&rig.daemon.process, "VmSize") +
                          (uint64_t)mib[i] * KIB_OF_MIB) *
                         1024;
        limit.rlim_max = limit.rlim_cur;
        ck_assert_int_eq(
            prlimit(rig.daemon.process.pid, RLIMIT_AS, &limit, NULL), 0);
        snprintf(name, sizeof(name), "as%u", mib[i]);
        client_close(&rig.client);
        load_and_verify(&rig, name);
    }
}
END_TEST

#define GROUP "/sys/fs/cgroup/memory/dedupd-test"

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool done =
        fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0) {
        close(fd);
    }
    return done;
}

START_TEST(a_daemon_that_the_kernel_kills_for_memory_loses_nothing)
{
    struct rig rig;
    char pid[16];

    if (UNDER_SANITIZER || mkdir(GROUP, 0700) != 0) {
        skipped("no memory group (cgroup v1) can be made here");
        return;
    }
    rig_start(&rig, NOTHING);
    snprintf(pid, sizeof(pid), "%d", (int)rig.daemon.process.pid);
    if (write_text(GROUP "/memory.limit_in_bytes", "41943040") &&
        write_text(GROUP "/cgroup.procs", pid)) {
        client_close(&rig.client);
        load_and_verify(&rig, "group");
    } else {
        skipped("no memory group (cgroup v1) can be used here");
        rig_stop(&rig);
    }
    ck_assert_int_eq(rmdir(GROUP), 0);
}
END_TEST

SUITE(memory, 300, a_load_that_does_its_worst_stays_within_the_formula,
      too_little_address_space_loses_nothing,
      a_daemon_that_the_kernel_kills_for_memory_loses_nothing)
