/* A sample of what tests/damage/ tries thousands of times, with the program
 * itself: its exit codes and its answers. */
#include "base/banned.h"
#include "tests/faults/figures.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_DATA = 65, EXIT_FORMAT = 78, KEYS = 200 };

static void complete_all(struct client *c, int from, int to)
{
    struct buf all = {0};
    char text[64];

    for (int i = from; i < to; i++) {
        snprintf(text, sizeof(text), "CLAIM k%d\nCOMPLETE k%d \"%032d", i, i,
                 i);
        buf_append_str(&all, text);
        for (int n = 0; n < 40; n++) {
            buf_append_u64(&all, (uint64_t)random_below(1u << 31));
        }
        buf_append_str(&all, "\"\n");
    }
    client_send_bytes(c, buf_slice(&all));
    for (int i = from; i < to; i++) {
        expect_begins(client_line(c), "CLAIMED ");
        expect_is(client_line(c), "OK");
    }
    buf_release(&all);
}

/* Half of the keys in table files, half in the log. */
static void fill_and_kill(struct rig *rig)
{
    rig_start(rig, NOTHING);
    complete_all(&rig->client, 0, KEYS / 2);
    rig_restart(rig, SIGTERM, NOTHING);
    complete_all(&rig->client, KEYS / 2, KEYS);
    client_close(&rig->client);
    daemon_kill(&rig->daemon);
}

static void flip(const char *path, off_t at)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    uint8_t byte;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    byte ^= 0x40;
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static off_t size_of(const char *path)
{
    struct stat found;

    ck_assert_int_eq(stat(path, &found), 0);
    return found.st_size;
}

static const char *manifest_of(const struct rig *rig)
{
    static char path[2 * SITE_PATH_BYTES];
    struct buf name = {0};

    file_read(site_path(&rig->site, "data/db/CURRENT"), &name);
    snprintf(path, sizeof(path), "%s/db/%.*s", rig->site.data,
             (int)buf_len(&name) - 1, (const char *)buf_slice(&name).data);
    buf_release(&name);
    return path;
}

static void expect_refused(struct rig *rig, int expected)
{
    uint64_t digest = directory_digest(rig->site.data);

    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(daemon_refuses(&rig->site, NOTHING, ""), expected);
        ck_assert_uint_eq(directory_digest(rig->site.data), digest);
    }
}

START_TEST(the_end_of_the_manifest_is_missed)
{
    struct rig rig;
    const char *path;

    fill_and_kill(&rig);
    path = manifest_of(&rig);
    flip(path, size_of(path) - 20);
    expect_refused(&rig, EXIT_DATA);
    flip(path, size_of(path) - 20);
    ck_assert_int_eq(truncate(path, size_of(path) - 100), 0);
    expect_refused(&rig, EXIT_DATA);
    site_remove(&rig.site);
}
END_TEST

START_TEST(a_damaged_format_is_refused_as_not_ours)
{
    struct rig rig;

    fill_and_kill(&rig);
    flip(site_path(&rig.site, "data/FORMAT"), 3);
    expect_refused(&rig, EXIT_FORMAT);
    site_remove(&rig.site);
}
END_TEST

START_TEST(the_end_of_the_log_is_missed)
{
    struct rig rig;
    const char *path;

    fill_and_kill(&rig);
    path = directory_largest(rig.site.data, ".log");
    ck_assert_int_eq(truncate(path, size_of(path) - 1), 0);
    expect_refused(&rig, EXIT_DATA);
    site_remove(&rig.site);
}
END_TEST

/* How many of the keys are CORRUPT; the others have to be as they were. */
static int count_corrupt(struct client *c)
{
    char text[64];
    int corrupt = 0;

    for (int i = 0; i < KEYS; i++) {
        const char *reply;

        snprintf(text, sizeof(text), "CLAIM k%d", i);
        reply = client_ask(c, text);
        snprintf(text, sizeof(text), "COMPLETED \"%032d", i);
        if (begins(reply, "ERR CORRUPT ")) {
            corrupt++;
        } else {
            expect_begins(reply, text);
        }
    }
    return corrupt;
}

START_TEST(keys_of_a_damaged_block_are_corrupt_and_all_others_served)
{
    struct rig rig;
    int corrupt;

    fill_and_kill(&rig);
    flip(directory_largest(rig.site.data, ".sst"), 100);
    daemon_start(&rig.daemon, &rig.site, NOTHING);
    client_open(&rig.client, &rig.daemon);
    corrupt = count_corrupt(&rig.client);
    ck_assert_int_gt(corrupt, 0);
    ck_assert_int_lt(corrupt, KEYS / 2);
    expect_begins(client_ask(&rig.client, "SWEEP"), "SWEPT ");
    expect_begins(client_ask(&rig.client, "CLAIM zz"), "CLAIMED ");
    ck_assert_uint_gt(stat_of(&rig.client, "rows_corrupt"), 0);
    rig_restart(&rig, SIGKILL, NOTHING);
    ck_assert_int_eq(count_corrupt(&rig.client), corrupt);
    rig_stop(&rig);
}
END_TEST

SUITE(damage, 120, the_end_of_the_manifest_is_missed,
      a_damaged_format_is_refused_as_not_ours, the_end_of_the_log_is_missed,
      keys_of_a_damaged_block_are_corrupt_and_all_others_served)
