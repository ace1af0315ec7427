#include "base/banned.h"
#include "tests/lib/rig.h"
#include "tests/lib/runner.h"

/* One conversation in both framings, with every verb that answers the same
 * twice. The namespace is its own each time and always as long. */
static const char script[] =
    "CLAIM k lease=1m owner=\"me too\"\r\n"
    "\n"
    "*3\r\n$5\r\nclaim\r\n$1\r\nk\r\n$12\r\nowner=me too\r\n"
    "LOOKUP \"\\x6b\"\n"
    "*0\r\n"
    "RELEASE k fence=1\n"
    "*4\r\n$8\r\nCOMPLETE\r\n$1\r\nk\r\n$2\r\n\r\n\r\n$7\r\nfence=1\r\n"
    "CLAIM j\n"
    "COMPLETE j \"a \\\"b\\\" \\n\"\r\n"
    "*2\r\n$6\r\nLOOKUP\r\n$1\r\nj\r\n"
    "LOOKUP  j \n"
    "nonsense \"\n"
    "CLAIM\n"
    "CLAIM x ttl=\"30 s\"\n"
    "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n"
    "PING\n"
    "*1\r\n$4\r\nQUIT\r\n";

/* Waits until the daemon has read what was sent on other connections: it
 * reads them in the order in which they became readable. */
static void barrier(struct client *client)
{
    expect_is(client_ask(client, "PING"), "PONG");
}

/* Plays the script with pauses behind byte `split`, or behind every byte if
 * that is 0, and returns all replies, masked, in static storage. */
static const char *play(struct rig *rig, unsigned run, size_t split)
{
    static char replies[4096];
    struct client c;
    char request[sizeof(script) + 32];
    size_t len;
    size_t sent = 0;

    snprintf(request, sizeof(request), "NAMESPACE n%06u\n%s", run, script);
    len = strlen(request);
    client_open(&c, &rig->daemon);
    while (sent < len) {
        size_t end = split == 0 ? sent + 1 : sent < split ? split : len;

        client_send_bytes(&c, slice_of(request + sent, end - sent));
        barrier(&rig->client);
        sent = end;
    }
    snprintf(replies, sizeof(replies), "%s", client_rest(&c));
    mask_numbers(replies);
    client_close(&c);
    return replies;
}

START_TEST(a_split_at_any_byte_changes_no_reply)
{
    struct rig rig;
    char whole[4096];
    size_t len = strlen(script) + strlen("NAMESPACE n000000\n");

    rig_start(&rig, LIST("store=memory"));
    snprintf(whole, sizeof(whole), "%s", play(&rig, 0, len));
    expect_begins(whole, "OK\nCLAIMED fence=# lease=# attempt=1\n*9\r\n");
    ck_assert_ptr_nonnull(strstr(whole, "PONG\n+BYE\r\n"));
    for (size_t split = 1; split < len; split++) {
        ck_assert_msg(strcmp(play(&rig, (unsigned)split, split), whole) == 0,
                      "split behind byte %zu", split);
    }
    rig_stop(&rig);
}
END_TEST

START_TEST(one_byte_at_a_time_changes_no_reply)
{
    struct rig rig;
    char whole[4096];

    rig_start(&rig, LIST("store=memory"));
    snprintf(whole, sizeof(whole), "%s", play(&rig, 0, sizeof(script) + 17));
    ck_assert_str_eq(play(&rig, 1, 0), whole);
    rig_stop(&rig);
}
END_TEST

SUITE(splits, 60, a_split_at_any_byte_changes_no_reply,
      one_byte_at_a_time_changes_no_reply)
