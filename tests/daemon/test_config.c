/* The table of settings: defaults, bounds, texts, and what people are shown.
 * The list of settings is written down here once more, on purpose. */
#include "base/banned.h"
#include "daemon/config.h"
#include "tests/lib/runner.h"

#include <inttypes.h>

#define SECOND UINT64_C(1000)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)
#define KIB    UINT64_C(1024)
#define MIB    (1024 * KIB)
#define GIB    (1024 * MIB)

/* What a setting is like; texts have no bounds here. */
struct expected {
    const char *name;
    const char *initial; /* as config_print() shows it */
    size_t offset;       /* of a number */
    uint64_t number;     /* it is at first */
    uint64_t min;
    uint64_t max;
    const char *malformed[4]; /* that are not of its kind */
};

#define AT(field) offsetof(struct config, field)
#define NO_DURATION                                                            \
    {                                                                          \
        "", "x", "10 s", "1w"                                                  \
    }
#define NO_SIZE                                                                \
    {                                                                          \
        "", "KiB", "1kb", "-1"                                                 \
    }
#define NO_NUMBER                                                              \
    {                                                                          \
        "", "+1", "1.5", "16x"                                                 \
    }

static const struct expected numbers[] = {
    {"ttl", "1d", AT(ttl), DAY, 1, 3650 * DAY, NO_DURATION},
    {"max_ttl", "30d", AT(max_ttl), 30 * DAY, 1, 3650 * DAY, NO_DURATION},
    {"lease", "ttl", AT(lease), 0, 1, 3650 * DAY, NO_DURATION},
    {"max_lease", "30d", AT(max_lease), 30 * DAY, 1, 3650 * DAY, NO_DURATION},
    {"grace", "1s", AT(grace), SECOND, 0, HOUR, NO_DURATION},
    {"sweep_interval", "1s", AT(sweep_interval), SECOND, 1, DAY, NO_DURATION},
    {"history", "16", AT(history), 16, 2, 1000, NO_NUMBER},
    {"max_key", "512", AT(max_key), 512, 1, 8 * KIB, NO_SIZE},
    {"max_receipt", "64KiB", AT(max_receipt), 64 * KIB, 0, MIB, NO_SIZE},
    {"max_connections", "10000", AT(max_connections), 10000, 1, 1000000,
     NO_NUMBER},
    {"max_inflight", "128", AT(max_inflight), 128, 1, 65536, NO_NUMBER},
    {"output_limit", "1MiB", AT(output_limit), MIB, 64 * KIB, GIB, NO_SIZE},
    {"request_timeout", "10s", AT(request_timeout), 10 * SECOND, 1, HOUR,
     NO_DURATION},
    {"idle_timeout", "0", AT(idle_timeout), 0, 0, 30 * DAY, NO_DURATION},
    {"min_free", "256MiB", AT(min_free), 256 * MIB, 0, 1024 * GIB, NO_SIZE},
    {"block_cache", "32MiB", AT(block_cache), 32 * MIB, MIB, 1024 * GIB,
     NO_SIZE},
    {"write_buffer", "16MiB", AT(write_buffer), 16 * MIB, MIB, GIB, NO_SIZE},
};

static const struct {
    const char *name;
    const char *initial;
} others[] = {
    {"listen", "127.0.0.1:7411"},
    {"data_dir", "/var/lib/dedupd"},
    {"log_dir", ""},
    {"store", "rocksdb"},
    {"namespace", "default"},
    {"require_fence", "no"},
};

enum {
    NUMBERS = sizeof(numbers) / sizeof(numbers[0]),
    OTHERS = sizeof(others) / sizeof(others[0]),
};

static uint64_t number_of(const struct config *config,
                          const struct expected *setting)
{
    uint64_t number;

    memcpy(&number, (const char *)config + setting->offset, sizeof(number));
    return number;
}

static void takes(struct config *config, const char *name, const char *value)
{
    struct err err = {""};
    int status = config_set(config, name, value, &err);

    ck_assert_msg(status == 0, "%s = %s: %s", name, value, err.text);
}

/* Refuses the value, names the setting, says so, and changes nothing. */
static void refuses(const char *name, const char *value, const char *why)
{
    struct config config;
    struct config before;
    struct err err = {""};

    config_init(&config);
    before = config;
    ck_assert_msg(config_set(&config, name, value, &err) == E_CONFIG,
                  "%s = %s is taken", name, value);
    ck_assert_msg(strncmp(err.text, name, strlen(name)) == 0, "%s", err.text);
    ck_assert_msg(strstr(err.text, why) != NULL, "%s = %s: %s", name, value,
                  err.text);
    ck_assert_mem_eq(&config, &before, sizeof(config));
}

static void takes_number(const struct expected *setting, uint64_t number)
{
    struct config config;
    char text[32];

    config_init(&config);
    snprintf(text, sizeof(text), "%" PRIu64, number);
    takes(&config, setting->name, text);
    ck_assert_uint_eq(number_of(&config, setting), number);
}

static void refuses_number(const struct expected *setting, uint64_t number)
{
    char text[32];

    snprintf(text, sizeof(text), "%" PRIu64, number);
    refuses(setting->name, text, "out of bounds");
}

/* --- values --------------------------------------------------------------- */

START_TEST(every_setting_has_its_default)
{
    struct config config;

    memset(&config, 0x5a, sizeof(config));
    config_init(&config);
    for (size_t i = 0; i < NUMBERS; i++) {
        ck_assert_uint_eq(number_of(&config, &numbers[i]), numbers[i].number);
    }
    ck_assert_str_eq(config.listen, "127.0.0.1:7411");
    ck_assert_str_eq(config.data_dir, "/var/lib/dedupd");
    ck_assert_str_eq(config.log_dir, "");
    ck_assert_str_eq(config.namespace, "default");
    ck_assert_uint_eq(config.store, CONFIG_STORE_ROCKSDB);
    ck_assert_uint_eq(config.require_fence, 0);
}
END_TEST

START_TEST(defaults_pass_the_check)
{
    struct config config;
    struct err err = {""};

    config_init(&config);
    ck_assert_int_eq(config_check(&config, &err), 0);
    ck_assert_str_eq(err.text, "");
}
END_TEST

START_TEST(bounds_are_inclusive_and_nothing_beyond_is_taken)
{
    for (size_t i = 0; i < NUMBERS; i++) {
        const struct expected *setting = &numbers[i];

        takes_number(setting, setting->min);
        takes_number(setting, setting->max);
        refuses_number(setting, setting->max + 1);
        refuses_number(setting, UINT64_MAX);
        refuses(setting->name, "99999999999999999999", "out of bounds");
        if (setting->min > 0) {
            refuses_number(setting, setting->min - 1);
        }
    }
}
END_TEST

START_TEST(malformed_values_are_refused)
{
    for (size_t i = 0; i < NUMBERS; i++) {
        for (size_t k = 0; k < 4; k++) {
            refuses(numbers[i].name, numbers[i].malformed[k], "not a");
        }
        refuses(numbers[i].name, "0x10", "not a");
        refuses(numbers[i].name, " 16", "not a");
    }
}
END_TEST

START_TEST(errors_name_the_bounds_in_units)
{
    refuses("ttl", "3651d", "1ms to 3650d");
    refuses("lease", "0", "1ms to 3650d");
    refuses("grace", "61m", "0 to 1h");
    refuses("max_receipt", "2MiB", "0 to 1MiB");
    refuses("output_limit", "1KiB", "64KiB to 1GiB");
    refuses("history", "1", "2 to 1000");
}
END_TEST

START_TEST(units_are_understood)
{
    struct config config;

    config_init(&config);
    takes(&config, "ttl", "250ms");
    ck_assert_uint_eq(config.ttl, 250);
    takes(&config, "ttl", "30s");
    ck_assert_uint_eq(config.ttl, 30 * SECOND);
    takes(&config, "ttl", "5m");
    ck_assert_uint_eq(config.ttl, 300 * SECOND);
    takes(&config, "ttl", "24h");
    ck_assert_uint_eq(config.ttl, DAY);
    takes(&config, "ttl", "7d");
    ck_assert_uint_eq(config.ttl, 7 * DAY);
    takes(&config, "max_receipt", "100");
    ck_assert_uint_eq(config.max_receipt, 100);
    takes(&config, "max_receipt", "2 KiB");
    ck_assert_uint_eq(config.max_receipt, 2 * KIB);
    takes(&config, "output_limit", "3MiB");
    ck_assert_uint_eq(config.output_limit, 3 * MIB);
    takes(&config, "min_free", "2GiB");
    ck_assert_uint_eq(config.min_free, 2 * GIB);
}
END_TEST

START_TEST(lease_may_be_as_the_ttl)
{
    struct config config;

    config_init(&config);
    takes(&config, "lease", "5m");
    ck_assert_uint_eq(config.lease, 300 * SECOND);
    takes(&config, "lease", "ttl");
    ck_assert_uint_eq(config.lease, 0);
    refuses("ttl", "ttl", "not a duration");
    refuses("lease", "TTL", "or ttl");
}
END_TEST

START_TEST(choices_take_their_words_alone)
{
    static const char *const wrong[] = {"", "YES", "true", "1", "rocks", "0"};
    struct config config;

    config_init(&config);
    takes(&config, "store", "memory");
    ck_assert_uint_eq(config.store, CONFIG_STORE_MEMORY);
    takes(&config, "store", "rocksdb");
    ck_assert_uint_eq(config.store, CONFIG_STORE_ROCKSDB);
    takes(&config, "require_fence", "yes");
    ck_assert_uint_eq(config.require_fence, 1);
    takes(&config, "require_fence", "no");
    ck_assert_uint_eq(config.require_fence, 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        refuses("store", wrong[i], "neither rocksdb nor memory");
        refuses("require_fence", wrong[i], "neither no nor yes");
    }
}
END_TEST

START_TEST(texts_have_bounds)
{
    static const char *const names[] = {"data_dir", "log_dir"};
    struct config config;
    char text[182];

    config_init(&config);
    memset(text, 'x', sizeof(text));
    text[181] = '\0';
    for (size_t i = 0; i < 2; i++) {
        refuses(names[i], text, "to 180 bytes");
        takes(&config, names[i], text + 1);
        takes(&config, names[i], "x");
    }
    takes(&config, "log_dir", "");
    ck_assert_str_eq(config.log_dir, "");
    refuses("data_dir", "", "1 to 180 bytes");
    refuses("listen", "", "1 to 180 bytes");
    refuses("listen", text, "1 to 180 bytes");
}
END_TEST

START_TEST(listen_must_be_a_list_of_addresses)
{
    struct config config;

    config_init(&config);
    takes(&config, "listen", "[::1]:7411 , unix:/run/x,0.0.0.0:0");
    ck_assert_str_eq(config.listen, "[::1]:7411 , unix:/run/x,0.0.0.0:0");
    refuses("listen", "7411", "listen: 7411: not IPV4:PORT, [IPV6]:PORT");
    refuses("listen", "127.0.0.1:1, x", "listen: x: not IPV4:PORT");
    refuses("listen", "unix:", "empty or too long");
}
END_TEST

START_TEST(namespace_must_be_one)
{
    static const char *const wrong[] = {"",    "-a",  ".a",      "_a",
                                        "a b", "a/b", "\xc3\xa4"};
    struct config config;
    char text[NAMESPACE_BYTES_MAX + 2];

    config_init(&config);
    memset(text, 'n', sizeof(text));
    text[NAMESPACE_BYTES_MAX + 1] = '\0';
    refuses("namespace", text, "1 to 64 of");
    takes(&config, "namespace", text + 1);
    ck_assert_str_eq(config.namespace, text + 1);
    takes(&config, "namespace", "0.a_B-c");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        refuses("namespace", wrong[i], "1 to 64 of");
    }
}
END_TEST

START_TEST(unknown_names_are_refused)
{
    refuses("nonsense", "1", "no such setting");
    refuses("", "1", "no such setting");
    refuses("TTL", "1s", "no such setting");
    refuses("ttl ", "1s", "no such setting");
    refuses("max-key", "1", "no such setting");
}
END_TEST

START_TEST(pairs_are_split_at_the_first_equals_sign)
{
    struct config config;
    struct err err = {""};

    config_init(&config);
    ck_assert_int_eq(config_set_pair(&config, "ttl=5s", &err), 0);
    ck_assert_uint_eq(config.ttl, 5000);
    ck_assert_int_eq(config_set_pair(&config, "data_dir=/a=b", &err), 0);
    ck_assert_str_eq(config.data_dir, "/a=b");
    ck_assert_int_eq(config_set_pair(&config, "log_dir=", &err), 0);
    ck_assert_int_eq(config_set_pair(&config, "ttl", &err), E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "ttl: not of the form NAME=VALUE"));
    ck_assert_int_eq(config_set_pair(&config, "", &err), E_CONFIG);
    ck_assert_int_eq(config_set_pair(&config, "=5s", &err), E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "no such setting"));
    ck_assert_int_eq(config_set_pair(&config, "ttl =5s", &err), E_CONFIG);
    ck_assert_int_eq(
        config_set_pair(&config,
                        "a_name_that_is_much_longer_than_that_of_any_setting_"
                        "there_is_or_ever_will_be=1",
                        &err),
        E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "no such setting"));
    ck_assert_uint_eq(config.ttl, 5000);
}
END_TEST

START_TEST(errors_may_go_nowhere)
{
    struct config config;

    config_init(&config);
    ck_assert_int_eq(config_set(&config, "ttl", "x", NULL), E_CONFIG);
    ck_assert_int_eq(config_set(&config, "x", "x", NULL), E_CONFIG);
    ck_assert_int_eq(config_set_pair(&config, "x", NULL), E_CONFIG);
    ck_assert_int_eq(config_read(&config, "/nowhere", NULL), E_CONFIG);
}
END_TEST

/* --- what one setting alone cannot say ------------------------------------ */

START_TEST(default_durations_are_within_the_maxima)
{
    struct config config;
    struct err err = {""};

    config_init(&config);
    takes(&config, "max_ttl", "1h");
    ck_assert_int_eq(config_check(&config, &err), E_CONFIG);
    ck_assert_str_eq(err.text, "ttl: above max_ttl");
    takes(&config, "ttl", "1h");
    ck_assert_int_eq(config_check(&config, &err), 0);
    takes(&config, "max_lease", "10m");
    ck_assert_int_eq(config_check(&config, &err), 0);
    takes(&config, "lease", "11m");
    ck_assert_int_eq(config_check(&config, &err), E_CONFIG);
    ck_assert_str_eq(err.text, "lease: above max_lease");
    takes(&config, "lease", "10m");
    ck_assert_int_eq(config_check(&config, &err), 0);
    /* A lease above the ttl is cut, not refused. */
    takes(&config, "ttl", "1m");
    ck_assert_int_eq(config_check(&config, &err), 0);
}
END_TEST

/* --- for people ----------------------------------------------------------- */

/* What a function prints, terminated; to be freed. */
static char *printed(const struct config *config)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);

    ck_assert_ptr_nonnull(to);
    if (config != NULL) {
        config_print(config, to);
    } else {
        config_help(to);
    }
    ck_assert_int_eq(fclose(to), 0);
    return text;
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    while ((text = strstr(text, part)) != NULL) {
        text += strlen(part);
        count++;
    }
    return count;
}

START_TEST(print_shows_every_setting_and_no_other)
{
    struct config config;
    char line[128];
    char *text;

    config_init(&config);
    text = printed(&config);
    ck_assert_uint_eq(count_of(text, "\n"), NUMBERS + OTHERS);
    for (size_t i = 0; i < NUMBERS; i++) {
        snprintf(line, sizeof(line), "%s = %s\n", numbers[i].name,
                 numbers[i].initial);
        ck_assert_msg(strstr(text, line) != NULL, "no %sin:\n%s", line, text);
    }
    for (size_t i = 0; i < OTHERS; i++) {
        snprintf(line, sizeof(line), "%s = %s\n", others[i].name,
                 others[i].initial);
        ck_assert_msg(strstr(text, line) != NULL, "no %sin:\n%s", line, text);
    }
    free(text);
}
END_TEST

START_TEST(help_names_every_setting_with_default_and_bounds)
{
    char *text = printed(NULL);
    char line[128];

    for (size_t i = 0; i < NUMBERS; i++) {
        snprintf(line, sizeof(line), "\n  %s = %s\n", numbers[i].name,
                 numbers[i].initial);
        ck_assert_msg(strstr(text, line) != NULL, "no %s in:\n%s", line, text);
    }
    for (size_t i = 0; i < OTHERS; i++) {
        snprintf(line, sizeof(line), "  %s = %s\n", others[i].name,
                 others[i].initial);
        ck_assert_msg(strstr(text, line) != NULL, "no %s in:\n%s", line, text);
    }
    ck_assert_uint_eq(count_of(text, "\n"), 3 * (NUMBERS + OTHERS));
    ck_assert_ptr_nonnull(strstr(text, "a duration such as"));
    ck_assert_ptr_nonnull(strstr(text, ", 1ms to 3650d\n"));
    ck_assert_ptr_nonnull(strstr(text, ", 64KiB to 1GiB\n"));
    ck_assert_ptr_nonnull(strstr(text, "a number, 2 to 1000\n"));
    ck_assert_ptr_nonnull(strstr(text, ", rocksdb or memory\n"));
    ck_assert_ptr_nonnull(strstr(text, ", no or yes\n"));
    free(text);
}
END_TEST

SUITE(config, 20, every_setting_has_its_default, defaults_pass_the_check,
      bounds_are_inclusive_and_nothing_beyond_is_taken,
      malformed_values_are_refused, errors_name_the_bounds_in_units,
      units_are_understood, lease_may_be_as_the_ttl,
      choices_take_their_words_alone, texts_have_bounds,
      listen_must_be_a_list_of_addresses, namespace_must_be_one,
      unknown_names_are_refused, pairs_are_split_at_the_first_equals_sign,
      errors_may_go_nowhere, default_durations_are_within_the_maxima,
      print_shows_every_setting_and_no_other,
      help_names_every_setting_with_default_and_bounds)
