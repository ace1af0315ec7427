#include "tests/lib/proto_io.h"
#include "tests/lib/runner.h"

/* Whether the one request that `bytes` are is another protocol's. */
static bool is_foreign(struct slice bytes)
{
    struct proto_frame frame = {0};
    int status = 0;

    ck_assert_int_eq(proto_frame(&frame, bytes, &proto_io_limits, &status),
                     PROTO_REQUEST);
    return proto_is_foreign(&frame, bytes);
}

static bool is_foreign_line(const char *line)
{
    return is_foreign(slice_str(line));
}

START_TEST(an_http_request_line_is_foreign)
{
    ck_assert(is_foreign_line("GET / HTTP/1.1\r\n"));
    ck_assert(is_foreign_line("POST /a?b=c HTTP/1.0\n"));
    ck_assert(is_foreign_line("PRI * HTTP/2.0\r\n"));
    ck_assert(is_foreign_line("HTTP/1.1\n"));
}
END_TEST

START_TEST(a_host_header_is_foreign_in_any_case)
{
    ck_assert(is_foreign_line("Host: localhost:7411\r\n"));
    ck_assert(is_foreign_line("HOST:x\n"));
}
END_TEST

START_TEST(the_beginning_of_tls_is_foreign)
{
    ck_assert(is_foreign(slice_of("\x16\x03\x01\x02\x00\n", 6)));
    ck_assert(!is_foreign(slice_of("\x16\x02\n", 3)));
    ck_assert(!is_foreign(slice_of("\x16\n", 2)));
}
END_TEST

START_TEST(other_unknown_lines_are_not_foreign)
{
    ck_assert(!is_foreign_line("GET k\r\n"));
    ck_assert(!is_foreign_line("GET / http/1.1\n"));
    ck_assert(!is_foreign_line("GET HTTP/1.1 k\n"));
    ck_assert(!is_foreign_line("HOSTS: x\n"));
    ck_assert(!is_foreign_line("Host\n"));
}
END_TEST

START_TEST(resp_is_never_foreign)
{
    ck_assert(!is_foreign_line("*3\r\n$3\r\nGET\r\n$1\r\n/\r\n"
                               "$8\r\nHTTP/1.1\r\n"));
}
END_TEST

SUITE(foreign, 10, an_http_request_line_is_foreign,
      a_host_header_is_foreign_in_any_case, the_beginning_of_tls_is_foreign,
      other_unknown_lines_are_not_foreign, resp_is_never_foreign)
