#include "tests/lib/command_bytes.h"

#include "base/check.h"

static const char *verb_text(enum verb verb)
{
#define X(name, arguments, options, usage, help) [VERB_##name] = #name,
    static const char *const names[VERB_COUNT] = {VERB_MAP(X)};
#undef X

    CHECK(verb < VERB_COUNT);
    return names[verb];
}

static void append_quoted(struct buf *to, struct slice bytes)
{
    static const char hex[] = "0123456789abcdef";

    buf_append_byte(to, '"');
    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t byte = bytes.data[i];

        if (byte == '"' || byte == '\\') {
            buf_append_byte(to, '\\');
            buf_append_byte(to, byte);
        } else if (byte == '\n') {
            buf_append_str(to, "\\n");
        } else if (byte == '\r') {
            buf_append_str(to, "\\r");
        } else if (byte == '\t') {
            buf_append_str(to, "\\t");
        } else if (byte < 0x20 || byte == 0x7f) {
            buf_append_str(to, "\\x");
            buf_append_byte(to, (uint8_t)hex[byte >> 4]);
            buf_append_byte(to, (uint8_t)hex[byte & 15]);
        } else {
            buf_append_byte(to, byte);
        }
    }
    buf_append_byte(to, '"');
}

static void line_number(struct buf *to, const struct command *command,
                        enum option option, const char *name, uint64_t number)
{
    if ((command->given & option) != 0) {
        buf_append_byte(to, ' ');
        buf_append_str(to, name);
        buf_append_u64(to, number);
    }
}

static void line_bytes(struct buf *to, const struct command *command,
                       enum option option, const char *name, struct slice bytes)
{
    if ((command->given & option) != 0) {
        buf_append_byte(to, ' ');
        buf_append_str(to, name);
        append_quoted(to, bytes);
    }
}

void command_line(struct buf *to, const struct command *command)
{
    buf_append_str(to, verb_text(command->verb));
    if (command->key.len > 0) {
        buf_append_byte(to, ' ');
        append_quoted(to, command->key);
    }
    if (command->verb == VERB_COMPLETE) {
        buf_append_byte(to, ' ');
        append_quoted(to, command->receipt);
    }
    if (command->verb == VERB_NAMESPACE) {
        buf_append_byte(to, ' ');
        buf_append_slice(to, command->name);
    }
    line_number(to, command, OPTION_LEASE, "lease=", command->lease_ms);
    line_number(to, command, OPTION_TTL, "ttl=", command->ttl_ms);
    line_number(to, command, OPTION_FENCE, "fence=", command->fence);
    line_bytes(to, command, OPTION_OWNER, "owner=", command->owner);
    line_bytes(to, command, OPTION_FP, "fp=", command->fp);
    buf_append_byte(to, '\n');
}

/* Words are collected first, because their number stands in front. */
struct words {
    struct buf bulk;
    uint64_t count;
};

static void add_word(struct words *words, const char *prefix, struct slice rest)
{
    buf_append_byte(&words->bulk, '$');
    buf_append_u64(&words->bulk, strlen(prefix) + rest.len);
    buf_append_str(&words->bulk, "\r\n");
    buf_append_str(&words->bulk, prefix);
    buf_append_slice(&words->bulk, rest);
    buf_append_str(&words->bulk, "\r\n");
    words->count++;
}

static void add_number(struct words *words, const struct command *command,
                       enum option option, const char *prefix, uint64_t number)
{
    struct buf digits = {0};

    if ((command->given & option) != 0) {
        buf_append_u64(&digits, number);
        add_word(words, prefix, buf_slice(&digits));
        buf_release(&digits);
    }
}

static void add_arguments(struct words *words, const struct command *command)
{
    if (command->key.len > 0) {
        add_word(words, "", command->key);
    }
    if (command->verb == VERB_COMPLETE) {
        add_word(words, "", command->receipt);
    }
    if (command->verb == VERB_NAMESPACE) {
        add_word(words, "", command->name);
    }
}

void command_resp(struct buf *to, const struct command *command)
{
    struct words words = {.count = 0};

    add_word(&words, verb_text(command->verb), slice_of(NULL, 0));
    add_arguments(&words, command);
    add_number(&words, command, OPTION_LEASE, "lease=", command->lease_ms);
    add_number(&words, command, OPTION_TTL, "ttl=", command->ttl_ms);
    add_number(&words, command, OPTION_FENCE, "fence=", command->fence);
    if ((command->given & OPTION_OWNER) != 0) {
        add_word(&words, "owner=", command->owner);
    }
    if ((command->given & OPTION_FP) != 0) {
        add_word(&words, "fp=", command->fp);
    }
    buf_append_byte(to, '*');
    buf_append_u64(to, words.count);
    buf_append_str(to, "\r\n");
    buf_append_slice(to, buf_slice(&words.bulk));
    if (buf_failed(&words.bulk)) {
        to->failed = true;
    }
    buf_release(&words.bulk);
}
