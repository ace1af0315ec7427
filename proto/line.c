/* The line framing: LF ends a request, blanks separate its words, quotes hold
 * what a bare word cannot. */
#include "base/check.h"
#include "proto/verbs.h"
#include "proto/words.h"

/* What is left of a line, and where the bytes of its words go. */
struct reader {
    struct slice rest;
    uint8_t *to;
    const char **sentence;
};

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static bool is_control(uint8_t c)
{
    return c < 0x20 || c == 0x7f;
}

static struct slice without_front(struct slice bytes, size_t len)
{
    return slice_of(bytes.data + len, bytes.len - len);
}

static struct slice without_blanks(struct slice bytes)
{
    size_t len = 0;

    while (len < bytes.len && is_blank(bytes.data[len])) {
        len++;
    }
    return without_front(bytes, len);
}

/* The line without its LF and one CR. */
static struct slice line_text(struct slice input, size_t bytes)
{
    size_t len = bytes - 1;

    if (len > 0 && input.data[len - 1] == '\r') {
        len--;
    }
    return slice_of(input.data, len);
}

enum proto_state line_frame(struct proto_frame *frame, struct slice input,
                            size_t bytes_max)
{
    /* The LF itself comes on top of the longest line. */
    size_t end = input.len <= bytes_max ? input.len : bytes_max + 1;
    const uint8_t *lf =
        memchr(input.data + frame->bytes, '\n', end - frame->bytes);

    if (lf == NULL) {
        frame->bytes = end;
        return end > bytes_max ? PROTO_HOPELESS : PROTO_MORE;
    }
    frame->bytes = (size_t)(lf - input.data) + 1;
    return without_blanks(line_text(input, frame->bytes)).len == 0
               ? PROTO_NOTHING
               : PROTO_REQUEST;
}

/* Measures the bare word at the front: up to a blank or the end. */
static int measure_bare(struct slice rest, size_t *len, const char **sentence)
{
    *len = 0;
    while (*len < rest.len && !is_blank(rest.data[*len])) {
        if (is_control(rest.data[*len])) {
            return refuse(E_SYNTAX, "a control byte outside of quotes",
                          sentence);
        }
        (*len)++;
    }
    return 0;
}

/* Splits the verb from what stands behind it. */
static int split_verb(const struct request_bytes *request, struct slice *name,
                      struct slice *rest, const char **sentence)
{
    struct slice line =
        without_blanks(line_text(request->input, request->frame->bytes));
    size_t len;
    int status;

    CHECK(line.len > 0);
    if (line.data[0] == '"') {
        return refuse(E_SYNTAX, "the command stands without quotes", sentence);
    }
    status = measure_bare(line, &len, sentence);
    if (status < 0) {
        return status;
    }
    *name = slice_of(line.data, len);
    *rest = without_front(line, len);
    return 0;
}

int line_verb(const struct request_bytes *request, struct slice *name,
              const char **sentence)
{
    struct slice rest;

    return split_verb(request, name, &rest, sentence);
}

static void put(struct reader *reader, uint8_t byte)
{
    *reader->to++ = byte;
}

/* Moves `len` bytes from the line to the word as they are. */
static void copy_front(struct reader *reader, size_t len)
{
    slice_copy(reader->to, slice_of(reader->rest.data, len));
    reader->to += len;
    reader->rest = without_front(reader->rest, len);
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that \xHH at the front means, or -1. */
static int hex_escape(struct slice rest)
{
    int high;
    int low;

    if (rest.len < 4) {
        return -1;
    }
    high = hex_value(rest.data[2]);
    low = hex_value(rest.data[3]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* The byte that the escape at the front means, or -1. */
static int escaped_byte(struct slice rest)
{
    switch (rest.len < 2 ? '\0' : rest.data[1]) {
    case '"':
        return '"';
    case '\\':
        return '\\';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'x':
        return hex_escape(rest);
    default:
        return -1;
    }
}

static int read_escape(struct reader *reader)
{
    int byte = escaped_byte(reader->rest);

    if (byte < 0) {
        return refuse(E_SYNTAX, "escapes are \\\" \\\\ \\n \\r \\t and \\xHH",
                      reader->sentence);
    }
    put(reader, (uint8_t)byte);
    reader->rest =
        without_front(reader->rest, reader->rest.data[1] == 'x' ? 4 : 2);
    return 0;
}

/* Drops the closing quote at the front, which must end the word. */
static int close_quotes(struct reader *reader)
{
    reader->rest = without_front(reader->rest, 1);
    if (reader->rest.len > 0 && !is_blank(reader->rest.data[0])) {
        return refuse(E_SYNTAX, "a closing quote must end its word",
                      reader->sentence);
    }
    return 0;
}

/* Reads from the opening quote at the front to behind the closing one. */
static int read_quotes(struct reader *reader)
{
    reader->rest = without_front(reader->rest, 1);
    while (reader->rest.len > 0) {
        uint8_t c = reader->rest.data[0];

        if (c == '"') {
            return close_quotes(reader);
        }
        if (is_control(c)) {
            return refuse(E_SYNTAX, "a control byte in quotes is \\xHH",
                          reader->sentence);
        }
        if (c != '\\') {
            copy_front(reader, 1);
        } else if (read_escape(reader) < 0) {
            return E_SYNTAX;
        }
    }
    return refuse(E_SYNTAX, "a quote is not closed", reader->sentence);
}

static int read_bare(struct reader *reader)
{
    size_t len;
    int status = measure_bare(reader->rest, &len, reader->sentence);

    if (status == 0) {
        copy_front(reader, len);
    }
    return status;
}

/* The length of `option=` where a quote follows it, else 0. */
static size_t option_before_quote(struct slice rest)
{
    struct slice value;

    if (option_split(rest, &value) == OPTION_COUNT || value.len == 0 ||
        value.data[0] != '"') {
        return 0;
    }
    return rest.len - value.len;
}

static int read_word(struct reader *reader, struct word *word)
{
    uint8_t *start = reader->to;
    bool quoted = reader->rest.data[0] == '"';
    int status;

    if (!quoted) {
        copy_front(reader, option_before_quote(reader->rest));
    }
    status =
        reader->rest.data[0] == '"' ? read_quotes(reader) : read_bare(reader);
    word->bytes = slice_of(start, (size_t)(reader->to - start));
    word->form = quoted ? WORD_QUOTED : WORD_BARE;
    return status;
}

int line_words(const struct request_bytes *request, struct words *words,
               const char **sentence)
{
    struct reader reader = {.to = request->scratch, .sentence = sentence};
    struct slice name;
    int status = split_verb(request, &name, &reader.rest, sentence);

    words->count = 0;
    while (status == 0) {
        reader.rest = without_blanks(reader.rest);
        if (reader.rest.len == 0) {
            break;
        }
        if (words->count == WORDS_BEHIND_VERB_MAX) {
            return refuse(E_SYNTAX, SENTENCE_TOO_MANY_WORDS, sentence);
        }
        status = read_word(&reader, &words->items[words->count++]);
    }
    return status;
}
