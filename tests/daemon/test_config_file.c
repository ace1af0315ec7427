/* Settings from files: what is read, and which file, line and reason an error
 * names; and the file that is installed. */
#include "base/banned.h"
#include "daemon/config.h"
#include "tests/lib/stores.h"

#include <limits.h>
#include <unistd.h>

/* A directory with one configuration file in it. */
struct written {
    char dir[PATH_MAX / 2];
    char path[PATH_MAX];
};

static void place_make(struct written *place)
{
    temp_dir_make(place->dir, sizeof(place->dir));
    snprintf(place->path, sizeof(place->path), "%s/dedupd.conf", place->dir);
}

static void write_file(const struct written *place, struct slice content)
{
    FILE *file = fopen(place->path, "we");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(content.data, 1, content.len, file), content.len);
    ck_assert_int_eq(fclose(file), 0);
}

/* Reads a file of this content over the defaults. */
static int read_bytes(struct config *config, struct slice content,
                      struct err *err)
{
    struct written place;
    int status;

    place_make(&place);
    write_file(&place, content);
    config_init(config);
    status = config_read(config, place.path, err);
    temp_dir_remove(place.dir);
    return status;
}

static void reads(struct config *config, const char *content)
{
    struct err err = {""};
    int status = read_bytes(config, slice_str(content), &err);

    ck_assert_msg(status == 0, "%s", err.text);
}

/* The error ends with `why` and names the file before. */
static void refuses(const char *content, const char *why)
{
    struct config config;
    struct err err = {""};
    size_t len;

    ck_assert_msg(read_bytes(&config, slice_str(content), &err) == E_CONFIG,
                  "taken: %s", content);
    len = strlen(err.text);
    ck_assert_msg(len > strlen(why) &&
                      strcmp(err.text + len - strlen(why), why) == 0,
                  "\"%s\" gives: %s", content, err.text);
    ck_assert_msg(strstr(err.text, "/dedupd.conf: line ") != NULL, "%s",
                  err.text);
}

static void is_default(const struct config *config)
{
    struct config initial;

    config_init(&initial);
    ck_assert_mem_eq(config, &initial, sizeof(initial));
}

/* --- what is read --------------------------------------------------------- */

START_TEST(file_sets_what_it_names)
{
    struct config config;
    struct config expected;

    reads(&config, "ttl = 1h\nmax_key=100\n\nstore =memory\n"
                   "data_dir = /a b/c=d\n");
    config_init(&expected);
    expected.ttl = 3600000;
    expected.max_key = 100;
    expected.store = CONFIG_STORE_MEMORY;
    snprintf(expected.data_dir, sizeof(expected.data_dir), "/a b/c=d");
    ck_assert_str_eq(config.data_dir, expected.data_dir);
    ck_assert_uint_eq(config.ttl, expected.ttl);
    ck_assert_uint_eq(config.max_key, expected.max_key);
    ck_assert_uint_eq(config.store, expected.store);
    ck_assert_uint_eq(config.max_ttl, expected.max_ttl);
    ck_assert_str_eq(config.listen, expected.listen);
}
END_TEST

START_TEST(comments_and_blank_lines_set_nothing)
{
    struct config config;

    reads(&config, "");
    is_default(&config);
    reads(&config, "# ttl = 1h\n; ttl = 1h\n\n   \n\t\n#\n;\n\r\n");
    is_default(&config);
    reads(&config, "ttl = 1h ; as the others do\n");
    ck_assert_uint_eq(config.ttl, 3600000);
}
END_TEST

START_TEST(files_of_other_editors_are_read)
{
    struct config config;

    reads(&config, "\xef\xbb\xbfttl = 1h\r\nmax_key = 100\r\n");
    ck_assert_uint_eq(config.ttl, 3600000);
    ck_assert_uint_eq(config.max_key, 100);
    reads(&config, "ttl = 1h");
    ck_assert_uint_eq(config.ttl, 3600000);
}
END_TEST

START_TEST(the_last_of_repeated_lines_counts)
{
    struct config config;

    reads(&config, "ttl = 1h\nttl = 2h\nmax_key = 7\nttl = 3h\n");
    ck_assert_uint_eq(config.ttl, 3 * 3600000);
    ck_assert_uint_eq(config.max_key, 7);
}
END_TEST

START_TEST(empty_value_is_a_value)
{
    struct config config;

    reads(&config, "log_dir = /x\nlog_dir =\n");
    ck_assert_str_eq(config.log_dir, "");
    refuses("\nttl =\n", "line 2: ttl: not a duration such as 250ms, 30s, "
                         "5m, 24h, 7d");
}
END_TEST

/* --- what is refused ------------------------------------------------------ */

START_TEST(errors_name_file_line_and_reason)
{
    refuses("ttl = 1h\n\n# x\nnonsense = 1\n",
            "line 4: nonsense: no such setting");
    refuses("ttl = x\n", "line 1: ttl: not a duration such as 250ms, 30s, 5m, "
                         "24h, 7d");
    refuses("\n\n\nhistory = 1\n", "line 4: history: out of bounds, 2 to 1000");
    refuses("# a\nstore = disk\n", "line 2: store: neither rocksdb nor memory");
    refuses("max_key = 1\nmax_key = 0\n",
            "line 2: max_key: out of bounds, 1 to 8KiB");
    refuses("ttl = 1h\n= 2\n", "line 2: : no such setting");
}
END_TEST

START_TEST(line_without_equals_sign_is_refused)
{
    refuses("ttl\n", "line 1: not of the form name = value");
    refuses("ttl = 1h\n\nttl 2h\nmax_key = 1\n",
            "line 3: not of the form name = value");
}
END_TEST

START_TEST(first_of_several_errors_is_named)
{
    refuses("a = 1\nb = 2\n", "line 1: a: no such setting");
}
END_TEST

START_TEST(sections_are_refused)
{
    refuses("[dedupd]\nttl = 1h\n", "line 1: there are no sections");
    refuses("max_key = 9\n[x]\n\nttl = 1h\n", "line 2: there are no sections");
    refuses("[dedupd\nttl = 1h\n", "line 1: there are no sections");
    refuses("[]\n", "line 1: there are no sections");
    refuses("nonsense\nfoo = 1\n", "line 1: not of the form name = value");
}
END_TEST

START_TEST(continued_lines_are_refused)
{
    refuses("listen = 127.0.0.1:1\n  127.0.0.1:2\n",
            "line 2: a line must not begin with a blank");
    refuses("\tttl = 1h\n", "line 1: a line must not begin with a blank");
}
END_TEST

START_TEST(line_that_is_too_long_is_refused)
{
    char content[5000];
    struct config config;

    snprintf(content, sizeof(content), "ttl = 1h\ndata_dir = /%04000d\n", 0);
    refuses(content, "line 2: the line is too long");
    snprintf(content, sizeof(content), "#%04000d\n", 0);
    refuses(content, "line 1: the line is too long");
    /* Not cut into two lines, of which the second one would be a setting. */
    snprintf(content, sizeof(content), "#%0198dttl = 1h\n", 0);
    refuses(content, "line 1: the line is too long");
    snprintf(content, sizeof(content), "#%0190d\nttl = 1h\n", 0);
    reads(&config, content);
    ck_assert_uint_eq(config.ttl, 3600000);
}
END_TEST

START_TEST(nul_bytes_are_refused)
{
    static const char content[] = "max_key = 7\nttl = 1\0h\n";
    struct config config;
    struct err err = {""};

    ck_assert_int_eq(read_bytes(&config, slice_of(content, sizeof(content) - 1),
                                &err),
                     E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "line 2: "));
}
END_TEST

START_TEST(file_that_cannot_be_read_is_refused)
{
    struct config config;
    struct err err = {""};
    struct written place;

    place_make(&place);
    config_init(&config);
    ck_assert_int_eq(config_read(&config, place.path, &err), E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, place.path));
    ck_assert_ptr_nonnull(strstr(err.text, "No such file"));
    ck_assert_int_eq(config_read(&config, place.dir, &err), E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, place.dir));
    ck_assert_ptr_nonnull(strstr(err.text, "cannot be read"));
    is_default(&config);
    temp_dir_remove(place.dir);
}
END_TEST

/* --- there and back ------------------------------------------------------- */

static void comes_back(const struct config *config)
{
    struct config again;
    struct written place;
    struct err err = {""};
    FILE *file;

    place_make(&place);
    file = fopen(place.path, "we");
    ck_assert_ptr_nonnull(file);
    config_print(config, file);
    ck_assert_int_eq(fclose(file), 0);
    config_init(&again);
    ck_assert_msg(config_read(&again, place.path, &err) == 0, "%s", err.text);
    temp_dir_remove(place.dir);
    ck_assert_mem_eq(&again, config, sizeof(again));
}

START_TEST(printed_settings_read_back_the_same)
{
    static const char *const pairs[] = {
        "listen=unix:/run/x.sock, [::1]:7411",
        "data_dir=/srv/dedupd/data",
        "log_dir=/run/dedupd",
        "store=memory",
        "namespace=a.b-c_0",
        "ttl=90061001ms",
        "max_ttl=3650d",
        "lease=1ms",
        "max_lease=3650d",
        "grace=0",
        "sweep_interval=1ms",
        "history=1000",
        "require_fence=yes",
        "max_key=8KiB",
        "max_receipt=1048575",
        "max_connections=1000000",
        "max_inflight=1",
        "output_limit=1GiB",
        "request_timeout=59m",
        "idle_timeout=30d",
        "min_free=1024GiB",
        "block_cache=1048577",
        "write_buffer=1GiB",
    };
    struct config config;
    struct config initial;

    config_init(&config);
    comes_back(&config);
    initial = config;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct config before = config;

        ck_assert_int_eq(config_set_pair(&config, pairs[i], NULL), 0);
        ck_assert_mem_ne(&config, &before, sizeof(config));
        comes_back(&config);
    }
    ck_assert_mem_ne(&config, &initial, sizeof(config));
}
END_TEST

/* --- the file that is installed ------------------------------------------- */

static const char installed[] = "conf/dedupd.conf";

/* Reads a whole file, terminated; to be freed. */
static char *content_of(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t room = 0;

    ck_assert_msg(file != NULL, "%s: run the tests at the top of the tree",
                  path);
    ck_assert_int_gt(getdelim(&text, &room, '\0', file), 0);
    ck_assert_int_eq(fclose(file), 0);
    return text;
}

/* `#name = …`: a setting that stands in a comment. */
static bool is_setting(const char *line)
{
    return line[0] == '#' && line[1] >= 'a' && line[1] <= 'z';
}

/* Copies the lines, settings without their `#`. */
static char *uncommented(const char *text, size_t *settings)
{
    char *all = calloc(1, strlen(text) + 1);
    char *to = all;

    ck_assert_ptr_nonnull(all);
    *settings = 0;
    while (*text != '\0') {
        size_t len = strcspn(text, "\n") + 1;
        size_t skip = is_setting(text);

        *settings += skip;
        memcpy(to, text + skip, len - skip);
        to += len - skip;
        text += len;
    }
    return all;
}

START_TEST(installed_file_changes_nothing)
{
    struct config config;
    struct err err = {""};

    config_init(&config);
    ck_assert_msg(config_read(&config, installed, &err) == 0, "%s", err.text);
    is_default(&config);
}
END_TEST

START_TEST(installed_file_shows_every_setting_at_its_default)
{
    struct config config;
    char *text = content_of(installed);
    size_t settings;
    char *all = uncommented(text, &settings);
    char *printed = NULL;
    size_t printed_len = 0;
    FILE *to = open_memstream(&printed, &printed_len);
    size_t count = 0;

    reads(&config, all);
    is_default(&config);
    config_print(&config, to);
    ck_assert_int_eq(fclose(to), 0);
    for (char *line = printed; *line != '\0'; line = strchr(line, '\n') + 1) {
        char wanted[128];

        snprintf(wanted, sizeof(wanted), "\n#%.*s =", (int)strcspn(line, " "),
                 line);
        ck_assert_msg(strstr(text, wanted) != NULL, "no %s in %s", wanted + 1,
                      installed);
        count++;
    }
    ck_assert_uint_eq(settings, count);
    free(printed);
    free(all);
    free(text);
}
END_TEST

SUITE(config_file, 20, file_sets_what_it_names,
      comments_and_blank_lines_set_nothing, files_of_other_editors_are_read,
      the_last_of_repeated_lines_counts, empty_value_is_a_value,
      errors_name_file_line_and_reason, line_without_equals_sign_is_refused,
      first_of_several_errors_is_named, sections_are_refused,
      continued_lines_are_refused, line_that_is_too_long_is_refused,
      nul_bytes_are_refused, file_that_cannot_be_read_is_refused,
      printed_settings_read_back_the_same, installed_file_changes_nothing,
      installed_file_shows_every_setting_at_its_default)
