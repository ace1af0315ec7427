/* TCP addresses, and lists of addresses of any kind. */
#include "base/banned.h"
#include "daemon/address.h"
#include "tests/lib/runner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

struct set {
    struct bound bound[ADDRESSES_MAX];
    size_t count;
};

static void binds(struct set *set, const char *list)
{
    struct err err = {""};
    int status = address_bind_all(list, set->bound, &set->count, &err);

    ck_assert_msg(status == 0, "%s", err.text);
    ck_assert_int_eq(address_check_all(list, NULL), 0);
}

/* Refuses the list, binds nothing, and says why. */
static void refuses(const char *list, const char *why)
{
    struct set set = {.count = 99};
    struct err err = {""};

    ck_assert_msg(address_bind_all(list, set.bound, &set.count, &err) ==
                      E_CONFIG,
                  "taken: %s", list);
    ck_assert_uint_eq(set.count, 0);
    ck_assert_msg(strncmp(err.text, "listen: ", strlen("listen: ")) == 0, "%s",
                  err.text);
    ck_assert_msg(strstr(err.text, why) != NULL, "%s gives: %s", list,
                  err.text);
}

/* The same, and one can see it without binding anything. */
static void refuses_text(const char *list, const char *why)
{
    struct err err = {""};

    refuses(list, why);
    ck_assert_int_eq(address_check_all(list, &err), E_CONFIG);
    ck_assert_msg(strstr(err.text, why) != NULL, "%s gives: %s", list,
                  err.text);
}

static void release(struct set *set)
{
    address_close_all(set->bound, set->count);
}

/* The port that the text ends with. */
static unsigned port_of(const struct bound *bound)
{
    const char *colon = strrchr(bound->text, ':');

    ck_assert_ptr_nonnull(colon);
    return (unsigned)strtoul(colon + 1, NULL, 10);
}

/* 0 or the reason why not. */
static int connect_to(unsigned port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error;

    ck_assert_int_ge(fd, 0);
    error = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 ? 0 : errno;
    close(fd);
    return error;
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                   .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has =
        fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

    if (fd >= 0) {
        close(fd);
    }
    if (!has) {
        fputs("skipped: this machine has no IPv6\n", stderr);
    }
    return has;
}

/* --- one address ---------------------------------------------------------- */

START_TEST(chosen_port_is_described)
{
    struct set set;
    char text[ADDRESS_TEXT_BYTES];

    binds(&set, "127.0.0.1:0");
    ck_assert_uint_eq(set.count, 1);
    ck_assert(!set.bound[0].is_unix);
    ck_assert(set.bound[0].is_loopback);
    ck_assert_uint_gt(port_of(&set.bound[0]), 0);
    snprintf(text, sizeof(text), "127.0.0.1:%u", port_of(&set.bound[0]));
    ck_assert_str_eq(set.bound[0].text, text);
    release(&set);
}
END_TEST

START_TEST(named_port_is_bound)
{
    struct set first;
    struct set again;

    binds(&first, "127.0.0.1:0");
    release(&first);
    binds(&again, first.bound[0].text);
    ck_assert_str_eq(again.bound[0].text, first.bound[0].text);
    release(&again);
}
END_TEST

START_TEST(nobody_can_connect_before_it_listens)
{
    struct set set;
    unsigned port;

    binds(&set, "127.0.0.1:0");
    port = port_of(&set.bound[0]);
    ck_assert_int_eq(connect_to(port), ECONNREFUSED);
    ck_assert_int_eq(listen(set.bound[0].fd, 1), 0);
    ck_assert_int_eq(connect_to(port), 0);
    release(&set);
    ck_assert_int_eq(connect_to(port), ECONNREFUSED);
}
END_TEST

START_TEST(sockets_are_neither_inherited_nor_blocking)
{
    struct set set;

    binds(&set, "127.0.0.1:0");
    ck_assert_int_ne(fcntl(set.bound[0].fd, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_ne(fcntl(set.bound[0].fd, F_GETFL) & O_NONBLOCK, 0);
    release(&set);
}
END_TEST

START_TEST(only_loopback_counts_as_such)
{
    struct set set;

    binds(&set, "0.0.0.0:0, 127.255.0.1:0");
    ck_assert(!set.bound[0].is_loopback);
    ck_assert_str_eq(strrchr(set.bound[0].text, ':') - strlen("0.0.0.0"),
                     set.bound[0].text);
    ck_assert(set.bound[1].is_loopback);
    release(&set);
}
END_TEST

START_TEST(ipv6_is_bound_and_described)
{
    struct set set;
    char text[ADDRESS_TEXT_BYTES];

    if (!has_ipv6()) {
        return;
    }
    binds(&set, "[::1]:0, [::]:0, [0:0:0::1]:0");
    ck_assert_uint_eq(set.count, 3);
    snprintf(text, sizeof(text), "[::1]:%u", port_of(&set.bound[0]));
    ck_assert_str_eq(set.bound[0].text, text);
    ck_assert(set.bound[0].is_loopback);
    ck_assert(!set.bound[0].is_unix);
    snprintf(text, sizeof(text), "[::]:%u", port_of(&set.bound[1]));
    ck_assert_str_eq(set.bound[1].text, text);
    ck_assert(!set.bound[1].is_loopback);
    ck_assert_int_eq(strncmp(set.bound[2].text, "[::1]:", 6), 0);
    release(&set);
}
END_TEST

/* Both can be listed side by side. */
START_TEST(ipv6_leaves_ipv4_alone)
{
    struct set six;
    struct set four;
    char text[ADDRESS_TEXT_BYTES];

    if (!has_ipv6()) {
        return;
    }
    binds(&six, "[::]:0");
    ck_assert_int_eq(listen(six.bound[0].fd, 1), 0);
    snprintf(text, sizeof(text), "0.0.0.0:%u", port_of(&six.bound[0]));
    binds(&four, text);
    ck_assert_int_eq(listen(four.bound[0].fd, 1), 0);
    release(&six);
    release(&four);
}
END_TEST

START_TEST(port_in_use_is_refused)
{
    struct set set;

    binds(&set, "127.0.0.1:0");
    ck_assert_int_eq(listen(set.bound[0].fd, 1), 0);
    refuses(set.bound[0].text, set.bound[0].text);
    refuses(set.bound[0].text, "Address already in use");
    ck_assert_int_eq(address_check_all(set.bound[0].text, NULL), 0);
    release(&set);
}
END_TEST

START_TEST(address_of_another_machine_is_refused)
{
    refuses("192.0.2.1:0", "192.0.2.1:0: Cannot assign requested address");
}
END_TEST

START_TEST(malformed_addresses_are_refused_by_name)
{
    static const char *const lists[] = {
        "",
        " ",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:x",
        "127.0.0.1:-1",
        "127.0.0.1:+1",
        "127.0.0.1:65536",
        "127.0.0.1:99999999999999999999",
        "127.0.0.1:1x",
        "127.0.0.1 :1",
        ":7411",
        "localhost:7411",
        "127.0.0:7411",
        "127.0.0.256:7411",
        "*:7411",
        "::1:7411",
        "[::1]",
        "[::1]7411",
        "[::1:7411",
        "[]:7411",
        "[127.0.0.1]:7411",
        "[::1]]:7411",
        "[:7411",
        "]:7411",
        "7411",
        "UNIX:/tmp/x",
        "tcp:127.0.0.1:1",
    };

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        refuses_text(lists[i], "not IPV4:PORT, [IPV6]:PORT or unix:PATH");
    }
    refuses_text("127.0.0.1:x", "listen: 127.0.0.1:x: ");
}
END_TEST

/* --- lists ---------------------------------------------------------------- */

START_TEST(blanks_around_addresses_are_ignored)
{
    struct set set;

    binds(&set, " \t127.0.0.1:0 \t,127.0.0.2:0,  127.0.0.3:0\t");
    ck_assert_uint_eq(set.count, 3);
    ck_assert_int_eq(strncmp(set.bound[0].text, "127.0.0.1:", 10), 0);
    ck_assert_int_eq(strncmp(set.bound[1].text, "127.0.0.2:", 10), 0);
    ck_assert_int_eq(strncmp(set.bound[2].text, "127.0.0.3:", 10), 0);
    release(&set);
}
END_TEST

START_TEST(empty_members_are_refused)
{
    refuses_text(",127.0.0.1:0", "not IPV4:PORT");
    refuses_text("127.0.0.1:0,,127.0.0.1:0", "not IPV4:PORT");
    refuses_text("127.0.0.1:0, ,127.0.0.1:0", "not IPV4:PORT");
}
END_TEST

START_TEST(nothing_stays_bound_when_one_of_a_list_fails)
{
    struct set busy;
    struct set good;
    char list[3 * ADDRESS_TEXT_BYTES];

    binds(&good, "127.0.0.1:0");
    release(&good);
    binds(&busy, "127.0.0.1:0");
    ck_assert_int_eq(listen(busy.bound[0].fd, 1), 0);
    snprintf(list, sizeof(list), "%s,%s", good.bound[0].text,
             busy.bound[0].text);
    refuses(list, busy.bound[0].text);
    /* A socket that was left open would be the first to listen here. */
    binds(&good, good.bound[0].text);
    ck_assert_int_eq(listen(good.bound[0].fd, 1), 0);
    release(&good);
    release(&busy);
}
END_TEST

START_TEST(lists_are_bounded)
{
    struct set set;
    char list[(ADDRESSES_MAX + 1) * 16] = "127.0.0.1:0";

    for (int i = 1; i < ADDRESSES_MAX; i++) {
        size_t len = strlen(list);

        snprintf(list + len, sizeof(list) - len, ",127.0.0.1:0");
    }
    binds(&set, list);
    ck_assert_uint_eq(set.count, ADDRESSES_MAX);
    release(&set);
    snprintf(list + strlen(list), sizeof(list) - strlen(list), ",127.0.0.1:0");
    refuses_text(list, "more than 16 addresses");
}
END_TEST

START_TEST(address_that_is_too_long_is_refused)
{
    char text[ADDRESS_TEXT_BYTES + 1];

    memset(text, '1', sizeof(text));
    text[ADDRESS_TEXT_BYTES] = '\0';
    refuses_text(text, "too long");
    refuses_text(text + 1, "not IPV4:PORT");
}
END_TEST

SUITE(address, 10, chosen_port_is_described, named_port_is_bound,
      nobody_can_connect_before_it_listens,
      sockets_are_neither_inherited_nor_blocking, only_loopback_counts_as_such,
      ipv6_is_bound_and_described, ipv6_leaves_ipv4_alone,
      port_in_use_is_refused, address_of_another_machine_is_refused,
      malformed_addresses_are_refused_by_name,
      blanks_around_addresses_are_ignored, empty_members_are_refused,
      nothing_stays_bound_when_one_of_a_list_fails, lists_are_bounded,
      address_that_is_too_long_is_refused)
