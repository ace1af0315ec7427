/* The RESP framing: `*count`, then `$length` and that many bytes for each
 * word, CRLF behind every one of them. */
#include "base/check.h"
#include "proto/words.h"

enum {
    /* A mark, digits and CRLF; no number that is written so is in bounds. */
    HEADER_BYTES_MAX = 32,
    DIGITS_MAX = HEADER_BYTES_MAX - 3,
    WORD_BYTES_MIN = 6, /* $0\r\n\r\n */
};

/* What one step of the reader came to; a negative status is the third case. */
enum { STEP_MORE, STEP_DONE };

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* What does not fit is UINT64_MAX, which no limit allows. */
static uint64_t append_digit(uint64_t number, uint8_t digit)
{
    uint64_t value = (uint64_t)(digit - '0');

    return number > (UINT64_MAX - value) / 10 ? UINT64_MAX
                                              : number * 10 + value;
}

/* CRLF at `at`? Bytes that are not there yet are given the benefit. */
static int read_crlf(struct slice input, size_t at)
{
    if ((input.len > at && input.data[at] != '\r') ||
        (input.len > at + 1 && input.data[at + 1] != '\n')) {
        return E_SYNTAX;
    }
    return input.len > at + 1 ? STEP_DONE : STEP_MORE;
}

/* Reads `<mark>digits CRLF` at *at and moves *at behind it. It is short enough
 * to be read again from its mark when more of it has come. */
static int read_header(struct slice input, size_t *at, uint8_t mark,
                       uint64_t *number)
{
    size_t first = *at + 1;
    size_t end = first;
    int step;

    if (input.len <= *at) {
        return STEP_MORE;
    }
    if (input.data[*at] != mark) {
        return E_SYNTAX;
    }
    for (*number = 0; end < input.len && is_digit(input.data[end]); end++) {
        *number = append_digit(*number, input.data[end]);
        if (end - first == DIGITS_MAX) {
            return E_SYNTAX;
        }
    }
    if ((end == first && end < input.len) ||
        (end - first > 1 && input.data[first] == '0')) {
        return E_SYNTAX;
    }
    step = read_crlf(input, end);
    if (step == STEP_DONE) {
        *at = end + 2;
    }
    return step;
}

/* Words that are not kept share the last place. */
static struct proto_span *current_span(struct proto_frame *frame)
{
    return &frame->spans[frame->taken < PROTO_WORDS_MAX ? frame->taken
                                                        : PROTO_WORDS_MAX - 1];
}

static int read_count(struct proto_frame *frame, struct slice input,
                      size_t bytes_max)
{
    size_t at = 0;
    uint64_t count;
    int step = read_header(input, &at, '*', &count);

    if (step != STEP_DONE) {
        return step;
    }
    if (count > (bytes_max - at) / WORD_BYTES_MIN) {
        return E_LIMIT;
    }
    frame->words = (uint32_t)count;
    frame->bytes = at;
    return STEP_DONE;
}

static int read_length(struct proto_frame *frame, struct slice input,
                       size_t bytes_max)
{
    size_t at = frame->bytes;
    size_t behind = (frame->words - frame->taken - 1) * (size_t)WORD_BYTES_MIN;
    uint64_t len;
    int step = read_header(input, &at, '$', &len);

    if (step != STEP_DONE) {
        return step;
    }
    if (len > bytes_max || at + len + 2 + behind > bytes_max) {
        return E_LIMIT;
    }
    *current_span(frame) = (struct proto_span){(uint32_t)at, (uint32_t)len};
    frame->bytes = at;
    return STEP_DONE;
}

static int read_body(struct proto_frame *frame, struct slice input)
{
    const struct proto_span *span = current_span(frame);
    size_t end = (size_t)span->start + span->len;
    int step = read_crlf(input, end);

    if (step != STEP_DONE) {
        return step;
    }
    frame->bytes = end + 2;
    frame->taken++;
    if (frame->taken < frame->words) {
        *current_span(frame) = (struct proto_span){0};
    }
    return STEP_DONE;
}

/* A span starts at 0 until its length was read: `*` stands there. */
static int read_next(struct proto_frame *frame, struct slice input,
                     size_t bytes_max)
{
    if (frame->bytes == 0) {
        return read_count(frame, input, bytes_max);
    }
    if (current_span(frame)->start == 0) {
        return read_length(frame, input, bytes_max);
    }
    return read_body(frame, input);
}

static bool is_whole(const struct proto_frame *frame)
{
    return frame->bytes > 0 && frame->taken == frame->words;
}

enum proto_state resp_frame(struct proto_frame *frame, struct slice input,
                            size_t bytes_max, int *status)
{
    int step = STEP_DONE;

    while (step == STEP_DONE && !is_whole(frame)) {
        step = read_next(frame, input, bytes_max);
    }
    if (step < 0) {
        *status = step;
        return PROTO_HOPELESS;
    }
    if (step == STEP_MORE) {
        return PROTO_MORE;
    }
    return frame->words == 0 ? PROTO_NOTHING : PROTO_REQUEST;
}

static struct slice word_at(const struct request_bytes *request, size_t index)
{
    const struct proto_span *span = &request->frame->spans[index];

    CHECK((size_t)span->start + span->len <= request->frame->bytes);
    return slice_of(request->input.data + span->start, span->len);
}

struct slice resp_verb(const struct request_bytes *request)
{
    CHECK(is_whole(request->frame) && request->frame->words > 0);
    return word_at(request, 0);
}

int resp_words(const struct request_bytes *request, struct words *words,
               const char **sentence)
{
    uint8_t *to = request->scratch;

    words->count = 0;
    if (request->frame->words > PROTO_WORDS_MAX) {
        return refuse(E_SYNTAX, SENTENCE_TOO_MANY_WORDS, sentence);
    }
    for (size_t i = 1; i < request->frame->words; i++) {
        struct word *word = &words->items[words->count++];

        word->bytes = slice_copy(to, word_at(request, i));
        word->form = WORD_COUNTED;
        to += word->bytes.len;
    }
    return 0;
}
