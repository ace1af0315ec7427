/* Lines and lengths that nobody would send: the right error, the end of the
 * connection, nothing behind it carried out, and no memory for it. */
#include "base/banned.h"
#include "tests/hostile/usage.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

enum {
    LINE_BYTES_MAX = 4 * (512 + 65536) + 4096,
    GROWTH_KIB_MAX = 8192,
};

/* The request, then commands that must not run. */
static void ck_refused(struct rig *rig, struct slice request, const char *error)
{
    struct client c;
    struct buf bytes = {0};

    buf_append_slice(&bytes, request);
    buf_append_str(&bytes, "\r\nCLAIM evil\n*2\r\n$5\r\nCLAIM\r\n$4\r\n"
                           "evil\r\nPING\n");
    client_open(&c, &rig->daemon);
    client_send_bytes(&c, buf_slice(&bytes));
    expect_begins(client_line(&c), error);
    expect_closed(&c);
    client_close(&c);
    buf_release(&bytes);
}

static void ck_nothing_ran(struct rig *rig, long before_kib)
{
    expect_is(client_ask(&rig->client, "LOOKUP evil"), "NOT_FOUND");
    ck_assert_uint_eq(stat_of(&rig->client, "commands_CLAIM"), 0);
    ck_assert(UNDER_SANITIZER ||
              usage_of(&rig->daemon.process).anonymous_kib - before_kib <=
                  GROWTH_KIB_MAX);
}

static void append_xs(struct buf *line, size_t count)
{
    uint8_t *room = buf_reserve(line, count);

    ck_assert_ptr_nonnull(room);
    memset(room, 'x', count);
    buf_commit(line, count);
}

START_TEST(a_line_over_the_limit_ends_the_connection)
{
    static const size_t lengths[] = {LINE_BYTES_MAX + 1, LINE_BYTES_MAX + 2,
                                     1 << 20, 64 << 20};
    struct rig rig;
    long before_kib;

    rig_start(&rig, LIST("min_free=0"));
    before_kib = usage_of(&rig.daemon.process).anonymous_kib;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct buf line = {0};

        append_xs(&line, lengths[i]);
        ck_refused(&rig, buf_slice(&line), "ERR LIMIT ");
        buf_release(&line);
    }
    ck_nothing_ran(&rig, before_kib);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_line_up_to_the_limit_leaves_the_connection)
{
    struct rig rig;

    rig_start(&rig, LIST("min_free=0"));
    for (size_t len = LINE_BYTES_MAX - 2; len <= LINE_BYTES_MAX; len++) {
        struct buf line = {0};

        append_xs(&line, len);
        buf_append_str(&line, "\nPING\n");
        client_send_bytes(&rig.client, buf_slice(&line));
        expect_begins(client_line(&rig.client), "ERR UNKNOWN_COMMAND ");
        expect_is(client_line(&rig.client), "PONG");
        buf_release(&line);
    }
    rig_stop(&rig);
}
END_TEST

START_TEST(counts_and_lengths_that_cannot_be_end_the_connection)
{
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        {"9223372036854775807", "-LIMIT "},
        {"9223372036854775808", "-LIMIT "},
        {"18446744073709551616", "-LIMIT "},
        {"99999999999999999999999", "-LIMIT "},
        {"4294967296", "-LIMIT "},
        {"268289", "-LIMIT "},
        {"-1", "-SYNTAX "},
        {"-9223372036854775808", "-SYNTAX "},
        {"0x10", "-SYNTAX "},
        {"+5", "-SYNTAX "},
        {"05", "-SYNTAX "},
        {"00", "-SYNTAX "},
        {"", "-SYNTAX "},
        {" 5", "-SYNTAX "},
        {"5 ", "-SYNTAX "},
        {"5\n", "-SYNTAX "},
    };
    struct rig rig;
    long before_kib;
    char request[128];

    rig_start(&rig, LIST("min_free=0"));
    before_kib = usage_of(&rig.daemon.process).anonymous_kib;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(request, sizeof(request), "*%s\r\n", cases[i].text);
        ck_refused(&rig, slice_str(request), cases[i].error);
        snprintf(request, sizeof(request), "*2\r\n$5\r\nCLAIM\r\n$%s\r\n",
                 cases[i].text);
        ck_refused(&rig, slice_str(request), cases[i].error);
    }
    ck_nothing_ran(&rig, before_kib);
    rig_stop(&rig);
}
END_TEST

/* `count` is the most that could fit with empty words. */
START_TEST(a_count_is_believed_only_if_its_words_could_fit)
{
    enum { COUNT_MAX = (LINE_BYTES_MAX - 8) / 6 };
    struct rig rig;
    char request[32];

    rig_start(&rig, LIST("min_free=0"));
    snprintf(request, sizeof(request), "*%d\r\n", COUNT_MAX + 1);
    ck_refused(&rig, slice_str(request), "-LIMIT ");
    snprintf(request, sizeof(request), "*%d\r\n", COUNT_MAX);
    ck_refused(&rig, slice_str(request), "-SYNTAX "); /* a word is missing */
    snprintf(request, sizeof(request), "*%d\r\n", COUNT_MAX - 1);
    ck_refused(&rig, slice_str(request), "-SYNTAX ");
    expect_is(client_ask(&rig.client, "LOOKUP evil"), "NOT_FOUND");
    rig_stop(&rig);
}
END_TEST

/* Advertised, and then nothing comes of it. */
START_TEST(a_word_that_is_never_finished_takes_no_memory_and_is_closed)
{
    enum { CLIENTS = 200 };
    static struct client clients[CLIENTS];
    struct rig rig;
    long before_kib;

    rig_start(&rig, LIST("min_free=0", "request_timeout=2s"));
    expect_is(client_ask(&rig.client, "PING"), "PONG");
    before_kib = usage_of(&rig.daemon.process).anonymous_kib;
    for (int i = 0; i < CLIENTS; i++) {
        client_open(&clients[i], &rig.daemon);
        client_send(&clients[i],
                    "*3\r\n$8\r\nCOMPLETE\r\n$1\r\nk\r\n$65536\r\nx");
    }
    expect_is(client_ask(&rig.client, "PING"), "PONG");
    ck_assert(UNDER_SANITIZER ||
              usage_of(&rig.daemon.process).anonymous_kib - before_kib <=
                  GROWTH_KIB_MAX / 8);
    for (int i = 0; i < CLIENTS; i++) {
        expect_closed(&clients[i]);
        client_close(&clients[i]);
    }
    ck_nothing_ran(&rig, before_kib);
    rig_stop(&rig);
}
END_TEST

SUITE(oversized, 60, a_line_over_the_limit_ends_the_connection,
      a_line_up_to_the_limit_leaves_the_connection,
      counts_and_lengths_that_cannot_be_end_the_connection,
      a_count_is_believed_only_if_its_words_could_fit,
      a_word_that_is_never_finished_takes_no_memory_and_is_closed)
