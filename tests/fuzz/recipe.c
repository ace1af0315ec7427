#include "tests/fuzz/recipe.h"

#include "base/command.h"
#include "tests/lib/command_bytes.h"
#include "tests/lib/proto_io.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The last one is none. */
static const char *const table_words[] = {
#define X(name, arguments, options, usage, help) #name,
    VERB_MAP(X)
#undef X
#define X(name, text) text "=",
        OPTION_MAP(X)
#undef X
            "k",
    "a.b",
    "0",
    "1",
    "5s",
    "100000",
    "9007199254740991",
    "",
};

static const uint64_t numbers[] = {
    0, 1, 5, 1000, 50000, 50001, 100000, 100001, UINT64_C(1) << 53, UINT64_MAX,
};

static const char *const requests[] = {
    "CLAIM k lease=1s ttl=2s owner=o fp=f",
    "COMPLETE k r fence=12 ttl=1s fp=f",
    "RELEASE k fence=7",
    "EXTEND k fence=7 lease=1s",
    "LOOKUP k",
    "NAMESPACE a.b",
    "SWEEP",
    "PING",
    "STATS",
    "HELP",
    "QUIT",
    "FROB a b c d e f g h i j k l m",
};

/* --- words ---------------------------------------------------------------- */

/* A word of the table, and perhaps some bytes behind it. */
static void make_word(struct buf *word, struct taker *from)
{
    uint8_t choice = take_byte(from);

    buf_clear(word);
    buf_append_str(word, table_words[(choice >> 3) % COUNT(table_words)]);
    buf_append_slice(word, take_bytes(from, choice & 7));
}

static void append_quoted(struct buf *to, struct slice word)
{
    static const char hex[] = "0123456789abcdef";

    buf_append_byte(to, '"');
    for (size_t i = 0; i < word.len; i++) {
        uint8_t byte = word.data[i];

        if (byte >= ' ' && byte != '"' && byte != '\\' && byte != 0x7f) {
            buf_append_byte(to, byte);
            continue;
        }
        buf_append_str(to, "\\x");
        buf_append_byte(to, (uint8_t)hex[byte >> 4]);
        buf_append_byte(to, (uint8_t)hex[byte & 15]);
    }
    buf_append_byte(to, '"');
}

/* `name="value"` or the whole word in quotes. */
static void append_line_word(struct buf *to, struct slice word, bool whole)
{
    const uint8_t *equals =
        whole || word.len == 0 ? NULL : memchr(word.data, '=', word.len);
    size_t before = equals == NULL ? 0 : (size_t)(equals - word.data) + 1;

    buf_append(to, word.data, before);
    append_quoted(to, slice_of(word.data + before, word.len - before));
}

static void words_line(struct buf *to, struct taker *from, uint8_t count)
{
    static struct buf word;
    uint8_t quotes = take_byte(from);

    for (uint8_t i = 0; i < count; i++) {
        make_word(&word, from);
        if (i > 0) {
            buf_append_byte(to, ' ');
        }
        if (i > 0 && (quotes & 1) != 0) {
            append_line_word(to, buf_slice(&word), (quotes & 2) != 0);
        } else {
            buf_append_slice(to, buf_slice(&word));
        }
        quotes = (uint8_t)(quotes >> 1 | quotes << 7);
    }
    buf_append_str(to, (quotes & 1) != 0 ? "\r\n" : "\n");
}

static void words_resp(struct buf *to, struct taker *from, uint8_t count)
{
    static struct buf word;

    resp_append_count(to, count);
    for (uint8_t i = 0; i < count; i++) {
        make_word(&word, from);
        resp_append_word(to, buf_slice(&word));
    }
}

/* --- requests ------------------------------------------------------------- */

static uint64_t take_number(struct taker *from)
{
    uint8_t choice = take_byte(from);

    return choice < 200 ? numbers[choice % COUNT(numbers)] : take_u64(from);
}

/* A command of any fields, within bounds or not. */
static void append_command(struct buf *to, struct taker *from, bool resp)
{
    struct command command = {.verb = (enum verb)take_below(from, VERB_COUNT)};

    command.given = take_byte(from) & ((1U << OPTION_COUNT) - 1);
    command.key = take_bytes(from, take_below(from, 20));
    command.receipt = take_bytes(from, take_below(from, 36));
    command.name = take_bytes(from, take_below(from, 4));
    command.owner = take_bytes(from, take_below(from, 66));
    command.fp = take_bytes(from, take_below(from, 66));
    command.fence = take_number(from);
    command.lease_ms = take_number(from);
    command.ttl_ms = take_number(from);
    if (resp) {
        command_resp(to, &command);
    } else {
        command_line(to, &command);
    }
}

static void append_known(struct buf *to, struct taker *from, bool resp)
{
    const char *text = requests[take_below(from, COUNT(requests))];

    if (resp) {
        resp_append_split(to, text);
    } else {
        buf_append_str(to, text);
        buf_append_byte(to, '\n');
    }
}

/* Few are long, for they take long. */
static void append_fill(struct buf *to, struct taker *from)
{
    uint8_t byte = take_byte(from);
    size_t len = take_byte(from);

    len = len < 240 ? len : (len - 239) * 512;

    for (size_t i = 0; i < len; i++) {
        buf_append_byte(to, byte);
    }
}

/* A count or a length in RESP, of any number. */
static void append_header(struct buf *to, struct taker *from, uint8_t choice)
{
    static const char *const heads[] = {"$", "*1\r\n$", "*2\r\n$", "*"};

    buf_append_str(to, heads[choice & 3]);
    buf_append_u64(to, take_number(from));
    buf_append_str(to, (choice & 4) != 0 ? "0\r\n" : "\r\n");
}

/* Changes a byte of what is there, counted from the end. */
static void damage(struct buf *to, struct taker *from)
{
    size_t back = 1 + (size_t)take_byte(from);
    uint8_t byte = take_byte(from);

    if (back <= buf_len(to)) {
        to->data[to->end - back] = byte;
    }
}

static void append_step(struct buf *to, struct taker *from, bool resp)
{
    uint8_t choice = take_byte(from);

    resp = (choice & 8) != 0 ? !resp : resp;
    switch (choice & 7) {
    case 0:
        buf_append_slice(to, take_bytes(from, take_byte(from)));
        break;
    case 1:
        append_fill(to, from);
        break;
    case 2:
    case 3:
        if (resp) {
            words_resp(to, from, choice >> 4);
        } else {
            words_line(to, from, choice >> 4);
        }
        break;
    case 4:
        append_command(to, from, resp);
        break;
    case 5:
        append_header(to, from, choice >> 4);
        break;
    case 6:
        append_known(to, from, resp);
        break;
    default:
        damage(to, from);
        break;
    }
}

void recipe_stream(struct buf *to, struct taker *from, bool resp)
{
    while (taker_has_more(from) && buf_len(to) < RECIPE_BYTES_MAX) {
        append_step(to, from, resp);
    }
}
