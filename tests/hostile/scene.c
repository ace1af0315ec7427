#include "tests/hostile/scene.h"

#include "base/banned.h"

#include <check.h>

void scene_complete_long(struct client *client)
{
    struct buf request = {0};

    expect_begins(client_ask(client, "CLAIM long"), "CLAIMED ");
    buf_append_str(&request, "COMPLETE long ");
    memset(buf_reserve(&request, LONG_RECEIPT_BYTES), 'r', LONG_RECEIPT_BYTES);
    buf_commit(&request, LONG_RECEIPT_BYTES);
    buf_append_str(&request, "\n");
    client_send_bytes(client, buf_slice(&request));
    expect_is(client_line(client), "OK");
    buf_release(&request);
}

void await_stat(struct client *client, const char *name, uint64_t value)
{
    uint64_t until_ms = now_ms() + WAIT_MS;
    uint64_t is;

    while ((is = stat_of(client, name)) != value) {
        ck_assert_msg(left_ms(until_ms) > 0, "%s stays %ju instead of %ju",
                      name, (uintmax_t)is, (uintmax_t)value);
        pace();
    }
}
