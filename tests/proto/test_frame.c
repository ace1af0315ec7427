#include "base/check.h"
#include "tests/lib/proto_io.h"
#include "tests/lib/runner.h"

static void ck_reads_text(const char *stream, const char *expected)
{
    ck_reads_bytes(slice_str(stream), expected);
}

START_TEST(framings_alternate_in_one_stream)
{
    ck_reads_text("PING\n"
                  "*1\r\n$4\r\nPING\r\n"
                  "LOOKUP k\r\n"
                  "*2\r\n$6\r\nLOOKUP\r\n$3\r\na\nb\r\n"
                  "*0\r\n"
                  "\n"
                  "*1\r\n$4\r\nQUIT\r\n"
                  "QUIT\n",
                  "PING\n"
                  "PING\n"
                  "LOOKUP key=\"k\"\n"
                  "LOOKUP key=\"a\\x0ab\"\n"
                  "nothing\n"
                  "nothing\n"
                  "QUIT\n"
                  "QUIT\n");
}
END_TEST

START_TEST(an_error_in_a_request_leaves_the_stream_in_step)
{
    ck_reads_text("FROB \"\nPING\nPING x\nPING\n"
                  "*2\r\n$4\r\nFROB\r\n$1\r\nx\r\n*1\r\n$4\r\nPING\r\n",
                  "- ERR UNKNOWN_COMMAND\nPING\nPING ERR SYNTAX\nPING\n"
                  "- ERR UNKNOWN_COMMAND\nPING\n");
}
END_TEST

START_TEST(nothing_is_read_behind_a_hopeless_request)
{
    ck_reads_text("PING\n*1\r\n$x\r\nPING\nPING\n", "PING\nhopeless SYNTAX\n");
}
END_TEST

START_TEST(an_empty_stream_wants_more)
{
    ck_reads_text("", "");
}
END_TEST

START_TEST(a_request_that_is_not_whole_wants_more)
{
    ck_reads_text("PING", "more 4\n");
    ck_reads_text("PING\r", "more 5\n");
    ck_reads_text("\r", "more 1\n");
    ck_reads_text("*", "more 1\n");
    ck_reads_text("*1\r", "more 3\n");
    ck_reads_text("*1\r\n$4\r\nPING\r", "more 13\n");
}
END_TEST

START_TEST(blank_lines_mean_nothing)
{
    ck_reads_text("\n\r\n \n\t \t\r\n  PING\t \n",
                  "nothing\nnothing\nnothing\nnothing\nPING\n");
}
END_TEST

START_TEST(exactly_one_cr_before_lf_is_dropped)
{
    ck_reads_text("PING\r\n", "PING\n");
    ck_reads_text("PING\r\r\n", "- ERR SYNTAX\n");
    ck_reads_text("LOOKUP k\r\r\n", "LOOKUP ERR SYNTAX\n");
    ck_reads_text("LOOKUP k \r\r\n", "LOOKUP ERR SYNTAX\n");
    ck_reads_text("\r\r\n", "- ERR SYNTAX\n");
    ck_reads_text("\rPING\n", "- ERR SYNTAX\n");
    ck_reads_text("LOOKUP a\rb\n", "LOOKUP ERR SYNTAX\n");
}
END_TEST

START_TEST(an_asterisk_behind_a_blank_is_a_line)
{
    ck_reads_text(" *1\nPING\n", "- ERR UNKNOWN_COMMAND\nPING\n");
}
END_TEST

/* A PING that blanks stretch to `len` bytes, then `end` and another PING. */
static void ck_reads_long_line(size_t len, const char *end,
                               const char *expected)
{
    struct buf stream = {0};

    buf_append_str(&stream, "PING");
    for (size_t i = 4; i < len; i++) {
        buf_append_byte(&stream, ' ');
    }
    buf_append_str(&stream, end);
    buf_append_str(&stream, "PING\n");
    ck_reads_bytes(buf_slice(&stream), expected);
    buf_release(&stream);
}

START_TEST(a_line_has_a_longest_length_without_its_lf)
{
    size_t max = proto_request_bytes_max(&proto_io_limits);

    ck_reads_long_line(max - 2, "\n", "PING\nPING\n");
    ck_reads_long_line(max - 1, "\n", "PING\nPING\n");
    ck_reads_long_line(max, "\n", "PING\nPING\n");
    ck_reads_long_line(max + 1, "\n", "hopeless LIMIT\n");
    ck_reads_long_line(max + 2, "\n", "hopeless LIMIT\n");
}
END_TEST

START_TEST(a_cr_counts_to_the_length_of_a_line)
{
    size_t max = proto_request_bytes_max(&proto_io_limits);

    ck_reads_long_line(max - 2, "\r\n", "PING\nPING\n");
    ck_reads_long_line(max - 1, "\r\n", "PING\nPING\n");
    ck_reads_long_line(max, "\r\n", "hopeless LIMIT\n");
}
END_TEST

START_TEST(a_line_is_hopeless_as_soon_as_no_lf_can_come_in_time)
{
    size_t max = proto_request_bytes_max(&proto_io_limits);
    struct proto_frame frame = {0};
    uint8_t *line = guarded_room(GUARDED_INPUT, max + 1);
    int status = 0;

    memset(line, 'x', max + 1);
    ck_assert_int_eq(proto_frame(&frame, slice_of(line, max), &proto_io_limits,
                                 &status),
                     PROTO_MORE);
    ck_assert_uint_eq(frame.bytes, max);
    ck_assert_int_eq(proto_frame(&frame, slice_of(line, max + 1),
                                 &proto_io_limits, &status),
                     PROTO_HOPELESS);
    ck_assert_int_eq(status, E_LIMIT);
}
END_TEST

START_TEST(what_was_looked_at_is_not_looked_at_again)
{
    struct proto_frame frame = {0};
    uint8_t *line = guarded_room(GUARDED_INPUT, 8);
    int status = 0;

    memcpy(line, "PING....", 8);
    ck_assert_int_eq(proto_frame(&frame, slice_of(line, 8), &proto_io_limits,
                                 &status),
                     PROTO_MORE);
    memcpy(line, "PI\nG....", 8);
    ck_assert_int_eq(proto_frame(&frame, slice_of(line, 8), &proto_io_limits,
                                 &status),
                     PROTO_MORE);
}
END_TEST

START_TEST(a_frame_says_how_long_the_request_is_with_its_end)
{
    static const char *const streams[] = {"PING\nPING\n", "PING\r\n\n",
                                          "*1\r\n$4\r\nPING\r\nPING",
                                          "*0\r\n\r\n", " \r\n\r\n"};
    static const size_t bytes[] = {5, 6, 14, 4, 3};

    for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
        struct proto_frame frame = {0};
        int status = 0;

        ck_assert_int_ne(proto_frame(&frame, slice_str(streams[i]),
                                     &proto_io_limits, &status),
                         PROTO_MORE);
        ck_assert_uint_eq(frame.bytes, bytes[i]);
    }
}
END_TEST

SUITE(frame, 10, framings_alternate_in_one_stream,
      an_error_in_a_request_leaves_the_stream_in_step,
      nothing_is_read_behind_a_hopeless_request, an_empty_stream_wants_more,
      a_request_that_is_not_whole_wants_more, blank_lines_mean_nothing,
      exactly_one_cr_before_lf_is_dropped, an_asterisk_behind_a_blank_is_a_line,
      a_line_has_a_longest_length_without_its_lf,
      a_cr_counts_to_the_length_of_a_line,
      a_line_is_hopeless_as_soon_as_no_lf_can_come_in_time,
      what_was_looked_at_is_not_looked_at_again,
      a_frame_says_how_long_the_request_is_with_its_end)
