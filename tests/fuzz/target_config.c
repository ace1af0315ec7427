/* Settings: files, -o and what they are made of. */
#include "base/check.h"
#include "base/units.h"
#include "daemon/address.h"
#include "daemon/config.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/taker.h"

#include <check.h>
#include <sys/mman.h>
#include <unistd.h>

enum { TEXT_BYTES_MAX = 4096 };

/* --- a file that config_read() can open ------------------------------------
 */

static const char *file_path(void)
{
    static char path[64];

    if (path[0] == '\0') {
        int fd = memfd_create("settings", MFD_CLOEXEC);

        CHECK(fd >= 0);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    }
    return path;
}

static const char *write_file(struct slice text)
{
    FILE *file = fopen(file_path(), "we");

    CHECK(file != NULL);
    CHECK(text.len == 0 || fwrite(text.data, 1, text.len, file) == text.len);
    CHECK(fclose(file) == 0);
    return file_path();
}

static struct slice print(const struct config *config, char *text)
{
    FILE *to = fmemopen(text, TEXT_BYTES_MAX, "w");
    long len;

    CHECK(to != NULL);
    config_print(config, to);
    len = ftell(to);
    CHECK(len > 0 && len < TEXT_BYTES_MAX);
    CHECK(fclose(to) == 0);
    return slice_of(text, (size_t)len);
}

/* --- what holds of every configuration -------------------------------------
 */

/* A sentence for a person, of one line as far as the file's own bytes go. */
static void check_sentence(const struct err *err)
{
    ck_assert_ptr_nonnull(memchr(err->text, '\0', sizeof(err->text)));
    ck_assert_str_ne(err->text, "");
}

/* What stands in it can be written to a file and is the same when read. */
static void check_prints(const struct config *config)
{
    static char first[TEXT_BYTES_MAX];
    static char second[TEXT_BYTES_MAX];
    struct slice text = print(config, first);
    struct config again;
    struct err err = {""};

    config_init(&again);
    ck_assert_msg(config_read(&again, write_file(text), &err) == 0, "%s in\n%s",
                  err.text, first);
    ck_assert(slice_equal(text, print(&again, second)));
    ck_assert_int_eq(config_check(config, NULL), config_check(&again, NULL));
}

/* --- the ways in ------------------------------------------------------------
 */

static void check_file(struct slice text)
{
    struct config config;
    struct err err = {""};

    config_init(&config);
    if (config_read(&config, write_file(text), &err) < 0) {
        check_sentence(&err);
    }
    check_prints(&config);
}

/* A text without its NULs, terminated. */
static char *text_of(struct slice bytes, char out[TEXT_BYTES_MAX])
{
    size_t len = 0;

    for (size_t i = 0; i < bytes.len && len < TEXT_BYTES_MAX - 1; i++) {
        if (bytes.data[i] != '\0') {
            out[len++] = (char)bytes.data[i];
        }
    }
    out[len] = '\0';
    return out;
}

/* One setting as -o, and the same as a file: what is taken as the one is taken
 * as the other and means the same. */
static void set_both(struct config *config, const char *pair)
{
    static char by_option[TEXT_BYTES_MAX];
    static char by_file[TEXT_BYTES_MAX];
    struct config before = *config;
    struct config other = *config;
    struct err err = {""};
    struct slice text;

    if (config_set_pair(config, pair, &err) < 0) {
        check_sentence(&err);
        ck_assert_mem_eq(config, &before, sizeof(before));
        return;
    }
    text = print(config, by_option);
    ck_assert_msg(config_read(&other, write_file(slice_str(pair)), &err) == 0,
                  "%s", err.text);
    ck_assert(slice_equal(text, print(&other, by_file)));
}

static void check_options(struct slice bytes)
{
    static char text[TEXT_BYTES_MAX];
    struct config config;
    char *pair = text_of(bytes, text);

    config_init(&config);
    while (pair != NULL) {
        char *end = strchr(pair, '\n');

        if (end != NULL) {
            *end++ = '\0';
        }
        set_both(&config, pair);
        pair = end;
    }
    check_prints(&config);
}

/* --- what settings are made of ----------------------------------------------
 */

static void check_address(struct slice bytes)
{
    static char text[TEXT_BYTES_MAX];
    struct err err = {""};

    if (address_check_all(text_of(bytes, text), &err) < 0) {
        check_sentence(&err);
    }
}

typedef int parse_fn(struct slice text, uint64_t *out);

static void check_number(parse_fn *parse, struct slice text)
{
    uint64_t number;
    int status = parse(text, &number);

    ck_assert(status == 0 || status == E_SYNTAX || status == E_LIMIT);
}

/* What is written of a number reads back as it. */
static void check_written(struct taker *from)
{
    uint64_t number = take_u64(from);
    char text[UNITS_TEXT_BYTES];
    uint64_t read;

    ck_assert_int_eq(units_parse_duration_ms(
                         slice_str(units_duration_text(number, text)), &read),
                     0);
    ck_assert_uint_eq(read, number);
    ck_assert_int_eq(
        units_parse_bytes(slice_str(units_bytes_text(number, text)), &read), 0);
    ck_assert_uint_eq(read, number);
}

static void check_units(struct taker *from)
{
    struct taker numbers = *from;

    check_number(units_parse_number, from->rest);
    check_number(units_parse_duration_ms, from->rest);
    check_number(units_parse_bytes, from->rest);
    check_written(&numbers);
}

void fuzz_config(struct slice input)
{
    struct taker taker = {input};

    switch (take_byte(&taker) & 3) {
    case 0:
        check_file(taker.rest);
        break;
    case 1:
        check_options(taker.rest);
        break;
    case 2:
        check_address(taker.rest);
        break;
    default:
        check_units(&taker);
        break;
    }
}
