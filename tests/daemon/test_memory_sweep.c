/* Every allocation of the network thread fails once: the server lives, at most
 * a connection is closed or told BUSY, and what was answered is true.
 *
 * Each batch has a SWEEP in it, so that the engine's own thread makes the turn:
 * the stores end the process where there is no memory, by design. */
#include "daemon/server.h"
#include "storage/store_mem.h"
#include "tests/lib/memory_fault.h"
#include "tests/lib/runner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    HELPS = 3000,
    LINE_BYTES = 512,
    DEADLINE_S = 20,
    EACH_UP_TO = 60,
    STEP_THEN = 397
};

/* The server in a thread of its own. */
struct run {
    struct config config;
    struct counters counters;
    struct store *store;
    struct bound bound[ADDRESSES_MAX];
    size_t bound_count;
    unsigned nth; /* the allocation that fails; 0: none */
    bool failed;
    int status;
    uint16_t port;
    pthread_t thread;
    pthread_barrier_t started;
    bool has_started;
};

static void *serve(void *arg)
{
    struct run *run = arg;
    struct err err = {""};
    struct server *server;

    server = server_start(&run->config, run->store, run->bound,
                          run->bound_count, &run->counters, &run->status, &err);
    run->has_started = server != NULL;
    memory_fail(run->nth);
    pthread_barrier_wait(&run->started);
    if (server != NULL) {
        run->status = server_run(server);
        run->failed = memory_has_failed();
    }
    return NULL;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in address = {0};
    socklen_t len = sizeof(address);

    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    return ntohs(address.sin_port);
}

static void run_begin(struct run *run, unsigned nth)
{
    struct store_config store_config = {.history = 16,
                                        .counters = &run->counters};
    struct err err = {""};
    int status = 0;

    *run = (struct run){.nth = nth};
    server_block_signals();
    config_init(&run->config);
    status = config_set(&run->config, "listen", "127.0.0.1:0", &err);
    ck_assert_int_eq(status, 0);
    status = config_set(&run->config, "store", "memory", &err);
    ck_assert_int_eq(status, 0);
    run->store = store_mem_open(&store_config, &status, &err);
    ck_assert_ptr_nonnull(run->store);
    status = address_bind_all(run->config.listen, run->bound, &run->bound_count,
                              &err);
    ck_assert_msg(status == 0, "%s", err.text);
    run->port = port_of(run->bound[0].fd);
    pthread_barrier_init(&run->started, NULL, 2);
    ck_assert_int_eq(pthread_create(&run->thread, NULL, serve, run), 0);
    pthread_barrier_wait(&run->started);
    ck_assert(run->has_started);
}

static void run_end(struct run *run)
{
    ck_assert_int_eq(kill(getpid(), SIGTERM), 0);
    ck_assert_int_eq(pthread_join(run->thread, NULL), 0);
    pthread_barrier_destroy(&run->started);
    run->store->ops->close(run->store);
}

/* --- a client ------------------------------------------------------------- */

struct talker {
    const struct run *run;
    FILE *in;
    int fd; /* -1: closed */
};

static void talker_open(struct talker *talker, const struct run *run)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(run->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval deadline = {.tv_sec = DEADLINE_S};

    talker->run = run;
    talker->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(talker->fd, (struct sockaddr *)&to, sizeof(to)),
                     0);
    setsockopt(talker->fd, SOL_SOCKET, SO_RCVTIMEO, &deadline,
               sizeof(deadline));
    talker->in = fdopen(talker->fd, "r");
    ck_assert_ptr_nonnull(talker->in);
}

static void talker_close(struct talker *talker)
{
    fclose(talker->in);
}

static void say(struct talker *talker, const char *text)
{
    /* Where the server has closed, the next line is not there. */
    (void)!send(talker->fd, text, strlen(text), MSG_NOSIGNAL);
}

/* The next line; NULL: closed. Nothing else may keep a client waiting. */
static const char *next_line(struct talker *talker)
{
    static char line[LINE_BYTES];

    if (fgets(line, sizeof(line), talker->in) == NULL) {
        ck_assert_msg(feof(talker->in) || errno == ECONNRESET,
                      "nothing comes: %s", strerror(errno));
        return NULL;
    }
    return line;
}

static bool begins_with(const char *line, const char *with)
{
    return line != NULL && strncmp(line, with, strlen(with)) == 0;
}

/* Whether the next line is that; otherwise it is BUSY, or there is none. */
static bool hears(struct talker *talker, const char *expected)
{
    const char *line = next_line(talker);

    ck_assert_msg(line == NULL || begins_with(line, expected) ||
                      begins_with(line, "ERR BUSY ") ||
                      begins_with(line, "-BUSY "),
                  "instead of %s: %s", expected, line);
    return begins_with(line, expected);
}

/* --- what is said --------------------------------------------------------- */

struct acknowledged {
    bool claim, completion;
};

static void read_helps(struct talker *talker)
{
    unsigned lines = 0;

    for (unsigned i = 0; i < HELPS; i++) {
        const char *line = next_line(talker);

        if (!begins_with(line, "HELP ")) {
            ck_assert(line == NULL || begins_with(line, "ERR BUSY "));
            continue;
        }
        lines = (unsigned)strtoul(line + strlen("HELP "), NULL, 10);
        for (unsigned n = 0; n < lines; n++) {
            next_line(talker);
        }
    }
}

static void ask_for_much(struct talker *talker)
{
    static char helps[HELPS * 5 + 1];

    for (unsigned i = 0; i < HELPS; i++) {
        snprintf(helps + (size_t)i * 5, 6, "HELP\n");
    }
    say(talker, helps);
    read_helps(talker);
}

static struct acknowledged talk_all(const struct run *run, const char *key)
{
    struct acknowledged said = {0};
    struct talker talker;
    char text[128];

    talker_open(&talker, run);
    snprintf(text, sizeof(text), "SWEEP\nCLAIM %s lease=1h\n", key);
    say(&talker, text);
    hears(&talker, "SWEPT ");
    said.claim = hears(&talker, "CLAIMED ");
    snprintf(text, sizeof(text), "COMPLETE %s do", key);
    say(&talker, text);
    say(&talker, "ne\nSWEEP\n");
    if (said.claim) {
        said.completion = hears(&talker, "OK");
    } else {
        next_line(&talker);
    }
    hears(&talker, "SWEPT ");
    ask_for_much(&talker);
    say(&talker, "QUIT\n");
    hears(&talker, "BYE");
    talker_close(&talker);
    return said;
}

/* Nothing fails any more. */
static void expect_true(const struct run *run, const char *key,
                        struct acknowledged said)
{
    struct talker talker;
    const char *line;
    char text[64];

    talker_open(&talker, run);
    snprintf(text, sizeof(text), "SWEEP\nLOOKUP %s\n", key);
    say(&talker, text);
    ck_assert(hears(&talker, "SWEPT "));
    line = next_line(&talker);
    ck_assert_ptr_nonnull(line);
    ck_assert(!said.completion || begins_with(line, "COMPLETED \"done\" "));
    ck_assert(!said.claim || !begins_with(line, "NOT_FOUND"));
    talker_close(&talker);
}

/* --- tests ---------------------------------------------------------------- */

START_TEST(an_allocation_that_fails_costs_a_connection_at_most)
{
    static struct run run;
    unsigned nth = 0;
    unsigned runs = 0;

    do {
        struct acknowledged a;
        struct acknowledged b;

        /* Most of them are one for each HELP. */
        nth += nth < EACH_UP_TO ? 1 : STEP_THEN;
        runs++;
        run_begin(&run, nth);
        a = talk_all(&run, "a");
        b = talk_all(&run, "b");
        expect_true(&run, "a", a);
        expect_true(&run, "b", b);
        run_end(&run);
        ck_assert_int_eq(run.status, 0);
        /* At most one of the two met it. */
        ck_assert(a.completion || b.completion);
    } while (run.failed);
    printf("allocations that failed: %u of %u\n", runs - 1, nth);
    fflush(stdout);
    ck_assert_uint_gt(runs, EACH_UP_TO);
}
END_TEST

SUITE(memory_sweep, 300, an_allocation_that_fails_costs_a_connection_at_most)
