/* Connections that end at any moment, thousands of them, and all at once. */
#include "base/banned.h"
#include "tests/hostile/crowd.h"
#include "tests/hostile/normals.h"
#include "tests/hostile/scene.h"
#include "tests/hostile/usage.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    RESETS = 10000,
    HALF_CLOSES = 1000,
    STORM_PROCESSES = 2,
    STORM_CONNECTIONS = 10000, /* of each process */
    RETURNING = 10000,
    RETURN_MS = 30000,
};

static uint32_t next_number(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* A pipeline in both framings whose claims are all of the key `reset-i`. */
static struct slice pipeline(char *to, size_t size, unsigned i)
{
    int len = snprintf(to, size,
                       "CLAIM reset-%u owner=%u\nLOOKUP long\n"
                       "COMPLETE reset-%u done fence=1\nRELEASE reset-%u\n"
                       "*2\r\n$6\r\nLOOKUP\r\n$4\r\nlong\r\n"
                       "EXTEND reset-%u fence=2\nSTATS\nHELP\nPING\n",
                       i, i, i, i, i);

    return slice_of(to, (size_t)len);
}

START_TEST(resets_at_random_offsets_leave_nothing_behind)
{
    struct rig rig;
    struct usage before;
    uint32_t state = 11;
    uint64_t inflight = 0;

    rig_start(&rig, LIST("min_free=0"));
    scene_complete_long(&rig.client);
    before = usage_of(&rig.daemon.process);
    for (unsigned i = 0; i < RESETS; i++) {
        struct client c;
        char text[512];
        struct slice all = pipeline(text, sizeof(text), i);

        client_open(&c, &rig.daemon);
        client_push(&c,
                    slice_of(all.data, next_number(&state) % (all.len + 1)));
        if (next_number(&state) % 4 == 0) {
            client_poll(&c); /* some hear a part of the answers */
        }
        if (next_number(&state) % 8 == 0) {
            expect_is(client_ask(&rig.client, "PING"), "PONG");
        }
        client_reset(&c);
    }
    await_stat(&rig.client, "connections", 1);
    usage_await_descriptors(&rig.daemon.process, before.descriptors);
    for (unsigned i = 0; i < RESETS; i++) {
        char text[64];
        const char *reply;

        snprintf(text, sizeof(text), "LOOKUP reset-%u", i);
        reply = client_ask(&rig.client, text);
        ck_assert(begins(reply, "NOT_FOUND") || begins(reply, "INFLIGHT "));
        inflight += begins(reply, "INFLIGHT ");
    }
    ck_assert_uint_gt(inflight, 0);
    ck_assert_uint_eq(stat_of(&rig.client, "inflight"), inflight);
    printf("%d resets: %ju keys stay claimed, %ld descriptors before and "
           "after\n",
           RESETS, (uintmax_t)inflight, before.descriptors);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_half_close_gets_every_answer_of_what_was_whole)
{
    struct rig rig;
    struct usage before;
    uint32_t state = 5;

    rig_start(&rig, LIST("min_free=0"));
    await_stat(&rig.client, "connections", 1);
    before = usage_of(&rig.daemon.process);
    for (unsigned i = 0; i < HALF_CLOSES; i++) {
        unsigned whole = next_number(&state) % 20;
        struct buf text = {0};
        struct client c;

        for (unsigned k = 0; k < whole; k++) {
            buf_append_str(&text, k % 2 == 0 ? "PING\n" : "LOOKUP x\n");
        }
        buf_append_str(&text, "CLAIM never");
        client_open(&c, &rig.daemon);
        client_send_bytes(&c, buf_slice(&text));
        client_half_close(&c);
        for (unsigned k = 0; k < whole; k++) {
            expect_is(client_line(&c), k % 2 == 0 ? "PONG" : "NOT_FOUND");
        }
        expect_closed(&c);
        client_close(&c);
        buf_release(&text);
    }
    expect_is(client_ask(&rig.client, "LOOKUP never"), "NOT_FOUND");
    await_stat(&rig.client, "connections", 1);
    usage_await_descriptors(&rig.daemon.process, before.descriptors);
    rig_stop(&rig);
}
END_TEST

/* Connects and closes without a pause; every other one is reset. */
static void storm(unsigned port, pid_t parent)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0; i < STORM_CONNECTIONS && getppid() == parent; i++) {
        struct linger now = {.l_onoff = 1};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
            _exit(1);
        }
        /* An orderly end would keep its port for a minute. */
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        close(fd);
    }
    _exit(0);
}

START_TEST(a_storm_of_connections_does_not_keep_the_others_waiting)
{
    struct rig rig;
    struct normals *normals = calloc(1, sizeof(*normals));
    pid_t pids[STORM_PROCESSES];
    struct usage before;
    double alone_ms;

    ck_assert_ptr_nonnull(normals);
    rig_start(&rig, LIST("min_free=0"));
    normals_open(normals, &rig.daemon);
    await_stat(&rig.client, "connections", NORMALS + 1);
    before = usage_of(&rig.daemon.process);
    normals_run(normals, 2000);
    alone_ms = normals_wait_us(normals, 990) / 1000.0;
    normals_forget(normals);
    for (int i = 0; i < STORM_PROCESSES; i++) {
        pid_t parent = getpid();

        pids[i] = fork();
        ck_assert_int_ge(pids[i], 0);
        if (pids[i] == 0) {
            storm(rig.daemon.port, parent);
        }
    }
    for (int i = 0; i < STORM_PROCESSES; i++) {
        int status = 0;

        while (waitpid(pids[i], &status, WNOHANG) == 0) {
            normals_run(normals, 100);
        }
        ck_assert_int_eq(status, 0);
    }
    printf("%d connects and closes: p99 of %d others %.2f ms, %.2f ms alone\n",
           STORM_PROCESSES * STORM_CONNECTIONS, NORMALS,
           normals_wait_us(normals, 990) / 1000.0, alone_ms);
    await_stat(&rig.client, "connections", NORMALS + 1);
    usage_await_descriptors(&rig.daemon.process, before.descriptors);
    normals_close(normals);
    free(normals);
    rig_stop(&rig);
}
END_TEST

/* As rig_restart(), but on the port that the crowd knows. */
static void restart_killed(struct rig *rig)
{
    char listen[64];
    unsigned port = rig->daemon.port;

    daemon_kill(&rig->daemon);
    client_close(&rig->client);
    snprintf(listen, sizeof(listen), "listen=127.0.0.1:%u", port);
    daemon_start(&rig->daemon, &rig->site,
                 LIST("max_connections=12000", "min_free=0", listen));
    client_open(&rig->client, &rig->daemon);
}

START_TEST(ten_thousand_clients_come_back_after_a_kill)
{
    struct rig rig;
    struct crowd crowd;
    struct crowd_tally *tally;
    uint64_t ready_ms;
    unsigned failed;

    if (crowd_descriptors() < RETURNING + 1000) {
        printf("skipped: only %u descriptors a process\n", crowd_descriptors());
        return;
    }
    rig_start(&rig, LIST("max_connections=12000", "min_free=0"));
    crowd_init(&crowd, &rig.daemon);
    tally = &crowd.shared->of[CROWD_CALLER];
    crowd_add_kind(&crowd, CROWD_CALLER, RETURNING);
    crowd_await_least(&tally->answers, RETURNING, RETURN_MS, "answers");
    /* Nobody tries while it is down: all come at the same moment. */
    atomic_store(&crowd.shared->holds, true);
    restart_killed(&rig);
    crowd_await_least(&tally->closed, RETURNING, RETURN_MS, "closed");
    failed = tally->failed;
    ready_ms = now_ms();
    atomic_store(&crowd.shared->holds, false);
    crowd_await_least(&tally->answers, 2 * RETURNING, RETURN_MS, "answers");
    printf("%d clients come back: the last one is answered after %.2f s\n",
           RETURNING, (double)(tally->answered_at_ms - ready_ms) / 1000);
    ck_assert_uint_eq(tally->wrong, 0);
    ck_assert_uint_eq(tally->failed, failed); /* none refused or reset */
    ck_assert_uint_eq(tally->closed, RETURNING);
    ck_assert_uint_eq(stat_of(&rig.client, "connections"), RETURNING + 1);
    crowd_end(&crowd);
    await_stat(&rig.client, "connections", 1);
    rig_stop(&rig);
}
END_TEST

SUITE(resets, 120, resets_at_random_offsets_leave_nothing_behind,
      a_half_close_gets_every_answer_of_what_was_whole,
      a_storm_of_connections_does_not_keep_the_others_waiting,
      ten_thousand_clients_come_back_after_a_kill)
