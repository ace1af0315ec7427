#include "daemon/config.h"

#include "base/check.h"
#include "base/units.h"
#include "daemon/address.h"
#include "proto/proto.h"

#include <errno.h>
#include <ini.h>
#include <inttypes.h>

enum setting_type {
    TYPE_TEXT,
    TYPE_LISTEN, /* a text that is a list of addresses */
    TYPE_NAMESPACE,
    TYPE_CHOICE,   /* one of the words of `words`; the number is its index */
    TYPE_DURATION, /* ms */
    TYPE_LEASE,    /* ms, or "ttl" for 0 */
    TYPE_BYTES,
    TYPE_NUMBER,
};

struct setting {
    const char *name;
    enum setting_type type;
    size_t offset;
    const char *initial;
    uint64_t min; /* of numbers; of a text: its length */
    uint64_t max;
    const char *help;
    const char *const *words; /* TYPE_CHOICE; NULL at the end */
};

static const char *const store_words[] = {"rocksdb", "memory", NULL};
static const char *const bool_words[] = {"no", "yes", NULL};

/* A line of a file has at most 198 bytes, the setting's name included. */
enum { TEXT_BYTES_MAX = 180 };

#define AT(field) offsetof(struct config, field)
#define SECOND    UINT64_C(1000)
#define HOUR      (3600 * SECOND)
#define DAY       (24 * HOUR)
#define KIB       UINT64_C(1024)
#define MIB       (1024 * KIB)
#define GIB       (1024 * MIB)

/* The one list of settings. tests/daemon/test_config.c holds conf/dedupd.conf
 * to it. */
static const struct setting settings[] = {
    {"listen", TYPE_LISTEN, AT(listen), "127.0.0.1:7411", 1, TEXT_BYTES_MAX,
     "addresses, comma-separated: IPV4:PORT, [IPV6]:PORT or unix:PATH; port 0 "
     "lets the system choose",
     NULL},
    {"data_dir", TYPE_TEXT, AT(data_dir), "/var/lib/dedupd", 1, TEXT_BYTES_MAX,
     "where everything is kept", NULL},
    {"log_dir", TYPE_TEXT, AT(log_dir), "", 0, TEXT_BYTES_MAX,
     "where RocksDB logs, not on the disk of data_dir; empty: "
     "$RUNTIME_DIRECTORY, else a directory of this user below /tmp",
     NULL},
    {"store", TYPE_CHOICE, AT(store), "rocksdb", 0, 1,
     "memory forgets everything at the end, for trying out", store_words},
    {"namespace", TYPE_NAMESPACE, AT(namespace), "default", 1,
     NAMESPACE_BYTES_MAX, "of a connection that chose none", NULL},
    {"ttl", TYPE_DURATION, AT(ttl), "1d", 1, 3650 * DAY,
     "how long a key is remembered, where a command names none", NULL},
    {"max_ttl", TYPE_DURATION, AT(max_ttl), "30d", 1, 3650 * DAY,
     "the longest ttl a command may name", NULL},
    {"lease", TYPE_LEASE, AT(lease), "ttl", 1, 3650 * DAY,
     "how long a claim excludes others, where it names none; ttl: as its ttl",
     NULL},
    {"max_lease", TYPE_DURATION, AT(max_lease), "30d", 1, 3650 * DAY,
     "the longest lease a command may name", NULL},
    {"grace", TYPE_DURATION, AT(grace), "1s", 0, HOUR,
     "added to every lease and ttl before it has run out; below about 100ms "
     "the clock costs many writes",
     NULL},
    {"sweep_interval", TYPE_DURATION, AT(sweep_interval), "1s", 1, DAY,
     "how often the sweeper frees what has expired", NULL},
    {"history", TYPE_NUMBER, AT(history), "16", 2, 1000,
     "records kept of a key, the current one included", NULL},
    {"require_fence", TYPE_CHOICE, AT(require_fence), "no", 0, 1,
     "yes: every COMPLETE and RELEASE needs a fence", bool_words},
    {"max_key", TYPE_BYTES, AT(max_key), "512", 1, 8 * KIB,
     "the longest idempotency key", NULL},
    {"max_receipt", TYPE_BYTES, AT(max_receipt), "64KiB", 0, MIB,
     "the longest receipt", NULL},
    {"max_connections", TYPE_NUMBER, AT(max_connections), "10000", 1, 1000000,
     "further ones are told BUSY", NULL},
    {"max_inflight", TYPE_NUMBER, AT(max_inflight), "128", 1, 65536,
     "commands of one connection at a time", NULL},
    {"output_limit", TYPE_BYTES, AT(output_limit), "1MiB", 64 * KIB, GIB,
     "replies held for one connection that does not read them", NULL},
    {"request_timeout", TYPE_DURATION, AT(request_timeout), "10s", 1, HOUR,
     "for a request that was begun and not ended", NULL},
    {"idle_timeout", TYPE_DURATION, AT(idle_timeout), "0", 0, 30 * DAY,
     "for a connection that asks nothing; 0: off", NULL},
    {"min_free", TYPE_BYTES, AT(min_free), "256MiB", 0, 1024 * GIB,
     "with less space on the disk, new claims are refused", NULL},
    {"block_cache", TYPE_BYTES, AT(block_cache), "32MiB", MIB, 1024 * GIB,
     "memory for blocks read from disk", NULL},
    {"write_buffer", TYPE_BYTES, AT(write_buffer), "16MiB", MIB, GIB,
     "memory for rows before they are sorted to disk; up to 2.25 times as much",
     NULL},
};

enum { SETTINGS_COUNT = sizeof(settings) / sizeof(settings[0]) };

static const struct setting *setting_find(const char *name)
{
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        if (strcmp(settings[i].name, name) == 0) {
            return &settings[i];
        }
    }
    return NULL;
}

static uint64_t *number_of(struct config *config, const struct setting *setting)
{
    return (uint64_t *)(void *)((char *)config + setting->offset);
}

static char *text_of(struct config *config, const struct setting *setting)
{
    return (char *)config + setting->offset;
}

/* --- texts of values ------------------------------------------------------
 */

enum { VALUE_TEXT_BYTES = CONFIG_TEXT_BYTES };

static const char *number_text(const struct setting *setting, uint64_t number,
                               char out[VALUE_TEXT_BYTES])
{
    switch (setting->type) {
    case TYPE_CHOICE:
        return setting->words[number];
    case TYPE_LEASE:
        return number == 0 ? "ttl" : units_duration_text(number, out);
    case TYPE_DURATION:
        return units_duration_text(number, out);
    case TYPE_BYTES:
        return units_bytes_text(number, out);
    case TYPE_NUMBER:
    case TYPE_TEXT:
    case TYPE_LISTEN:
    case TYPE_NAMESPACE:
    default:
        snprintf(out, VALUE_TEXT_BYTES, "%" PRIu64, number);
        return out;
    }
}

static bool is_text(const struct setting *setting)
{
    return setting->type == TYPE_TEXT || setting->type == TYPE_LISTEN ||
           setting->type == TYPE_NAMESPACE;
}

static const char *kind_text(const struct setting *setting)
{
    switch (setting->type) {
    case TYPE_DURATION:
        return "a duration such as 250ms, 30s, 5m, 24h, 7d";
    case TYPE_LEASE:
        return "a duration such as 250ms, 30s, 5m, 24h, 7d, or ttl";
    case TYPE_BYTES:
        return "a size such as 512, 64KiB, 1MiB, 2GiB";
    case TYPE_NUMBER:
        return "a number";
    case TYPE_NAMESPACE:
        return "1 to 64 of A-Z a-z 0-9 . _ - starting with a letter or digit";
    case TYPE_CHOICE:
    case TYPE_TEXT:
    case TYPE_LISTEN:
    default:
        return "a text";
    }
}

/* --- reading values -------------------------------------------------------
 */

static int parse_number(const struct setting *setting, struct slice value,
                        uint64_t *number)
{
    switch (setting->type) {
    case TYPE_DURATION:
    case TYPE_LEASE:
        return units_parse_duration_ms(value, number);
    case TYPE_BYTES:
        return units_parse_bytes(value, number);
    case TYPE_NUMBER:
    case TYPE_CHOICE:
    case TYPE_TEXT:
    case TYPE_LISTEN:
    case TYPE_NAMESPACE:
    default:
        return units_parse_number(value, number);
    }
}

static int set_number(struct config *config, const struct setting *setting,
                      const char *value, struct err *err)
{
    char low[VALUE_TEXT_BYTES];
    char high[VALUE_TEXT_BYTES];
    uint64_t number;
    int status;

    if (setting->type == TYPE_LEASE && strcmp(value, "ttl") == 0) {
        *number_of(config, setting) = 0;
        return 0;
    }
    status = parse_number(setting, slice_str(value), &number);
    if (status == E_SYNTAX) {
        return err_set(err, E_CONFIG, "%s: not %s", setting->name,
                       kind_text(setting));
    }
    if (status < 0 || number < setting->min || number > setting->max) {
        return err_set(err, E_CONFIG, "%s: out of bounds, %s to %s",
                       setting->name, number_text(setting, setting->min, low),
                       number_text(setting, setting->max, high));
    }
    *number_of(config, setting) = number;
    return 0;
}

static int set_choice(struct config *config, const struct setting *setting,
                      const char *value, struct err *err)
{
    for (size_t i = 0; setting->words[i] != NULL; i++) {
        if (strcmp(setting->words[i], value) == 0) {
            *number_of(config, setting) = i;
            return 0;
        }
    }
    return err_set(err, E_CONFIG, "%s: neither %s nor %s", setting->name,
                   setting->words[0], setting->words[1]);
}

/* Whether a file could hold it: inih trims blanks and takes ` ;` for the
 * beginning of a comment. */
static bool is_plain(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
            return false;
        }
    }
    return len == 0 || (text[0] != ' ' && text[0] != ';' &&
                        text[len - 1] != ' ' && strstr(text, " ;") == NULL);
}

static int set_text(struct config *config, const struct setting *setting,
                    const char *value, struct err *err)
{
    size_t len = strlen(value);

    if (setting->type == TYPE_NAMESPACE &&
        !proto_is_namespace(slice_of(value, len))) {
        return err_set(err, E_CONFIG, "%s: not %s", setting->name,
                       kind_text(setting));
    }
    if (len < setting->min || len > setting->max) {
        return err_set(err, E_CONFIG,
                       "%s: must be %" PRIu64 " to %" PRIu64 " bytes",
                       setting->name, setting->min, setting->max);
    }
    if (!is_plain(value, len)) {
        return err_set(err, E_CONFIG,
                       "%s: must not begin or end with a blank, nor have a "
                       "control byte or a blank and ; in it",
                       setting->name);
    }
    if (setting->type == TYPE_LISTEN && address_check_all(value, err) < 0) {
        return E_CONFIG;
    }
    memcpy(text_of(config, setting), value, len + 1);
    return 0;
}

int config_set(struct config *config, const char *name, const char *value,
               struct err *err)
{
    const struct setting *setting = setting_find(name);

    if (setting == NULL) {
        return err_set(err, E_CONFIG, "%.64s: no such setting", name);
    }
    if (is_text(setting)) {
        return set_text(config, setting, value, err);
    }
    if (setting->type == TYPE_CHOICE) {
        return set_choice(config, setting, value, err);
    }
    return set_number(config, setting, value, err);
}

int config_set_pair(struct config *config, const char *pair, struct err *err)
{
    const char *equals = strchr(pair, '=');
    char name[64] = "";
    size_t len;

    if (equals == NULL) {
        return err_set(err, E_CONFIG, "%.64s: not of the form NAME=VALUE",
                       pair);
    }
    len = (size_t)(equals - pair);
    if (len >= sizeof(name)) {
        return err_set(err, E_CONFIG, "%.64s: no such setting", pair);
    }
    memcpy(name, pair, len);
    return config_set(config, name, equals + 1, err);
}

void config_init(struct config *config)
{
    memset(config, 0, sizeof(*config));
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        int status =
            config_set(config, settings[i].name, settings[i].initial, NULL);

        CHECK(status == 0);
    }
}

/* --- files ----------------------------------------------------------------
 */

/* inih cuts long lines into pieces, stops at a NUL byte, does not tell of a
 * section without settings, and does not say which line a handler's call is
 * for: the reader counts lines and refuses what it would not see. */
struct reading {
    struct config *config;
    FILE *file;
    char *text; /* of the line, getline's */
    size_t text_room;
    int line;
    bool failed;
    int bad_line; /* of `first`; 0: the file itself */
    struct err first;
};

static void reading_fail(struct reading *reading, const char *reason)
{
    if (!reading->failed) {
        reading->failed = true;
        reading->bad_line = reading->line;
        err_set(&reading->first, E_CONFIG, "line %d: %s", reading->line,
                reason);
    }
}

/* NULL, or why a line of this length cannot be read. */
static const char *line_trouble(const char *text, size_t len, size_t room)
{
    if (memchr(text, '\0', len) != NULL) {
        return "there is a NUL byte";
    }
    if (len >= room) {
        return "the line is too long";
    }
    if (text[0] == '[') {
        return "there are no sections";
    }
    if ((text[0] == ' ' || text[0] == '\t') &&
        text[strspn(text, " \t\r\n")] != '\0') {
        return "a line must not begin with a blank";
    }
    return NULL;
}

static char *read_line(char *line, int size, void *arg)
{
    struct reading *reading = arg;
    const char *trouble;
    ssize_t len;

    if (reading->failed) {
        return NULL;
    }
    len = getline(&reading->text, &reading->text_room, reading->file);
    if (len < 0) {
        return NULL;
    }
    reading->line++;
    trouble = line_trouble(reading->text, (size_t)len, (size_t)size);
    if (trouble != NULL) {
        reading_fail(reading, trouble);
        return NULL;
    }
    memcpy(line, reading->text, (size_t)len + 1);
    return line;
}

static int take_pair(void *arg, const char *section, const char *name,
                     const char *value)
{
    struct reading *reading = arg;
    struct err err = {""};

    if (section[0] != '\0') {
        reading_fail(reading, "there are no sections");
    } else if (config_set(reading->config, name, value, &err) < 0) {
        reading_fail(reading, err.text);
    }
    return 1;
}

int config_read(struct config *config, const char *path, struct err *err)
{
    struct reading reading = {.config = config, .file = fopen(path, "re")};
    int bad_line;

    if (reading.file == NULL) {
        return err_set(err, E_CONFIG, "%s: %s", path, strerror(errno));
    }
    bad_line = ini_parse_stream(read_line, &reading, take_pair, &reading);
    if (!reading.failed && ferror(reading.file)) {
        reading.failed = true;
        err_set(&reading.first, E_CONFIG, "cannot be read");
    }
    (void)fclose(reading.file); /* it was only read */
    free(reading.text);
    if (bad_line > 0 && (!reading.failed || bad_line < reading.bad_line)) {
        return err_set(err, E_CONFIG,
                       "%s: line %d: not of the form name = value", path,
                       bad_line);
    }
    return reading.failed
               ? err_set(err, E_CONFIG, "%s: %s", path, reading.first.text)
               : 0;
}

int config_check(const struct config *config, struct err *err)
{
    if (config->ttl > config->max_ttl) {
        return err_set(err, E_CONFIG, "ttl: above max_ttl");
    }
    if (config->lease > config->max_lease) {
        return err_set(err, E_CONFIG, "lease: above max_lease");
    }
    return 0;
}

/* --- for people -----------------------------------------------------------
 */

void config_print(const struct config *config, FILE *to)
{
    char text[VALUE_TEXT_BYTES];
    struct config copy = *config;

    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        const struct setting *s = &settings[i];
        const char *value = is_text(s)
                                ? text_of(&copy, s)
                                : number_text(s, *number_of(&copy, s), text);

        fprintf(to, "%s = %s\n", s->name, value);
    }
}

static void print_bounds(const struct setting *setting, FILE *to)
{
    char low[VALUE_TEXT_BYTES];
    char high[VALUE_TEXT_BYTES];

    if (setting->type == TYPE_CHOICE) {
        fprintf(to, ", %s or %s", setting->words[0], setting->words[1]);
    } else if (!is_text(setting)) {
        fprintf(to, ", %s to %s", number_text(setting, setting->min, low),
                number_text(setting, setting->max, high));
    }
}

void config_help(FILE *to)
{
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        const struct setting *s = &settings[i];

        fprintf(to, "  %s = %s\n      %s", s->name, s->initial,
                s->type == TYPE_CHOICE ? "a word" : kind_text(s));
        print_bounds(s, to);
        fprintf(to, "\n      %s\n", s->help);
    }
}
