#include "base/log.h"

#include "tests/lib/runner.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Puts the other end of what is written to stderr into `from`; the process is
 * the test's own. */
static void take_stderr(int to)
{
    ck_assert_int_eq(dup2(to, STDERR_FILENO), STDERR_FILENO);
    close(to);
}

static int pipe_stderr(void)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    take_stderr(ends[1]);
    return ends[0];
}

static const char *read_text(int from)
{
    static char text[4096];
    ssize_t got = read(from, text, sizeof(text) - 1);

    ck_assert_int_gt(got, 0);
    text[got] = '\0';
    return text;
}

START_TEST(an_event_is_one_line_with_its_priority)
{
    int from = pipe_stderr();

    log_info("ready: %d", 17);
    ck_assert_str_eq(read_text(from), "<6>ready: 17\n");
    log_error("%s", "two\nlines,\ta tab and \x7f");
    ck_assert_str_eq(read_text(from), "<3>two lines, a tab and  \n");
}
END_TEST

START_TEST(a_long_event_is_cut_and_still_a_line)
{
    int from = pipe_stderr();
    char text[3000];
    const char *line;

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_warn("%s", text);
    line = read_text(from);
    ck_assert_uint_lt(strlen(line), sizeof(text) / 2);
    ck_assert_int_eq(strncmp(line, "<4>xxx", 6), 0);
    ck_assert_str_eq(strchr(line, '\n'), "\n");
}
END_TEST

START_TEST(a_person_at_a_terminal_sees_no_priority)
{
    int from = posix_openpt(O_RDWR | O_NOCTTY);
    int to;

    ck_assert_int_ge(from, 0);
    ck_assert_int_eq(grantpt(from), 0);
    ck_assert_int_eq(unlockpt(from), 0);
    to = open(ptsname(from), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(to, 0);
    take_stderr(to);
    log_info("ready");
    ck_assert_int_eq(strncmp(read_text(from), "ready", 5), 0);
}
END_TEST

START_TEST(a_line_that_cannot_be_written_is_lost_and_the_next_one_is_not)
{
    int from;
    int full = open("/dev/full", O_WRONLY);

    ck_assert_int_ge(full, 0);
    take_stderr(full);
    log_error("lost");
    from = pipe_stderr();
    log_error("found");
    ck_assert_str_eq(read_text(from), "<3>found\n");
}
END_TEST

SUITE(log, 10, an_event_is_one_line_with_its_priority,
      a_long_event_is_cut_and_still_a_line,
      a_person_at_a_terminal_sees_no_priority,
      a_line_that_cannot_be_written_is_lost_and_the_next_one_is_not)
