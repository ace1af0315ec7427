#include "tests/lib/proto_io.h"

#include "base/check.h"
#include "proto/verbs.h"

#include <check.h>
#include <sys/mman.h>
#include <unistd.h>

const struct proto_limits proto_io_limits = {
    .key_bytes_max = 16,
    .receipt_bytes_max = 32,
    .ttl_ms_max = 100000,
    .lease_ms_max = 50000,
};

uint8_t *guarded_room(enum guarded which, size_t len)
{
    static uint8_t *ends[GUARDED_COUNT];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    CHECK(len <= GUARDED_BYTES_MAX);
    if (ends[which] == NULL) {
        uint8_t *map =
            mmap(NULL, GUARDED_BYTES_MAX + page, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        CHECK(map != MAP_FAILED);
        ends[which] = map + GUARDED_BYTES_MAX;
        CHECK(mprotect(ends[which], page, PROT_NONE) == 0);
    }
    return ends[which] - len;
}

static void append_quoted(struct buf *to, const char *name, struct slice bytes)
{
    char text[8];

    buf_append_byte(to, ' ');
    buf_append_str(to, name);
    buf_append_str(to, "=\"");
    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t c = bytes.data[i];
        bool plain = c >= ' ' && c < 0x7f && c != '"' && c != '\\';

        snprintf(text, sizeof(text), plain ? "%c" : "\\x%02x", c);
        buf_append_str(to, text);
    }
    buf_append_byte(to, '"');
}

static void append_number(struct buf *to, const char *name, uint64_t number)
{
    buf_append_byte(to, ' ');
    buf_append_str(to, name);
    buf_append_byte(to, '=');
    buf_append_u64(to, number);
}

static void append_options(struct buf *to, const struct command *command)
{
    if ((command->given & OPTION_LEASE) != 0) {
        append_number(to, "lease", command->lease_ms);
    }
    if ((command->given & OPTION_TTL) != 0) {
        append_number(to, "ttl", command->ttl_ms);
    }
    if ((command->given & OPTION_OWNER) != 0) {
        append_quoted(to, "owner", command->owner);
    }
    if ((command->given & OPTION_FP) != 0) {
        append_quoted(to, "fp", command->fp);
    }
    if ((command->given & OPTION_FENCE) != 0) {
        append_number(to, "fence", command->fence);
    }
}

static void append_verb(struct buf *to, enum verb verb)
{
    if (verb == VERB_COUNT) {
        buf_append_byte(to, '-');
    } else {
        buf_append_slice(to, verb_info(verb)->name);
    }
}

static void append_command(struct buf *to, const struct command *command)
{
    enum arguments arguments = verb_info(command->verb)->arguments;

    append_verb(to, command->verb);
    if (arguments == ARGUMENTS_KEY || arguments == ARGUMENTS_KEY_RECEIPT) {
        append_quoted(to, "key", command->key);
    }
    if (arguments == ARGUMENTS_KEY_RECEIPT) {
        append_quoted(to, "receipt", command->receipt);
    }
    if (arguments == ARGUMENTS_NAMESPACE) {
        append_quoted(to, "name", command->name);
    }
    append_options(to, command);
}

/* Static text that a client may be shown: one line of bounded length. */
static void check_sentence(const char *sentence)
{
    if (sentence != NULL) {
        ck_assert_uint_gt(strlen(sentence), 0);
        ck_assert_uint_lt(strlen(sentence), 200);
        ck_assert_ptr_null(strpbrk(sentence, "\r\n"));
    }
}

static void append_request(struct buf *to, const struct proto_frame *frame,
                           struct slice input,
                           const struct proto_limits *limits)
{
    uint8_t *scratch = guarded_room(GUARDED_SCRATCH, frame->bytes);
    const char *sentence = "not set";
    struct command command;
    int status =
        proto_command(frame, input, limits, scratch, &command, &sentence);

    if (status == 0) {
        ck_assert_ptr_null(sentence);
        append_command(to, &command);
        return;
    }
    ck_assert(status == E_UNKNOWN_COMMAND || status == E_SYNTAX ||
              status == E_LIMIT);
    check_sentence(sentence);
    append_verb(to, command.verb);
    buf_append_str(to, " ERR ");
    buf_append_str(to, status_name(status));
}

/* Appends what became of the front of the input; returns how many bytes it
 * took, or 0 when there is nothing more to read. */
static size_t read_front(struct buf *to, struct proto_frame *frame,
                         struct slice input, const struct proto_limits *limits,
                         bool *hopeless)
{
    int status = 1;
    enum proto_state state = proto_frame(frame, input, limits, &status);
    size_t bytes = frame->bytes;

    ck_assert_uint_le(frame->bytes, input.len);
    if (state == PROTO_MORE) {
        ck_assert_int_eq(status, 1);
        return 0;
    }
    if (state == PROTO_HOPELESS) {
        ck_assert(status == E_LIMIT || status == E_SYNTAX);
        buf_append_str(to, "hopeless ");
        buf_append_str(to, status_name(status));
        *hopeless = true;
    } else if (state == PROTO_NOTHING) {
        buf_append_str(to, "nothing");
    } else {
        append_request(to, frame, input, limits);
    }
    buf_append_byte(to, '\n');
    if (state != PROTO_HOPELESS) {
        ck_assert_uint_gt(bytes, 0);
        *frame = (struct proto_frame){0};
    }
    return state == PROTO_HOPELESS ? 0 : bytes;
}

/* Reads all that is whole between `start` and `end` of the stream; returns
 * where the next request starts. */
static size_t read_whole(struct buf *to, struct proto_frame *frame,
                         struct slice stream, size_t start, size_t end,
                         const struct proto_limits *limits, bool *hopeless)
{
    size_t taken;

    do {
        uint8_t *room = guarded_room(GUARDED_INPUT, end - start);
        struct slice input =
            slice_copy(room, slice_of(stream.data + start, end - start));

        taken = read_front(to, frame, input, limits, hopeless);
        start += taken;
    } while (taken > 0);
    return start;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

void proto_io_read(struct buf *transcript, struct slice stream, size_t first,
                   size_t step, const struct proto_limits *limits)
{
    struct proto_frame frame = {0};
    bool hopeless = false;
    size_t start = 0;
    size_t end = smaller(first, stream.len);

    CHECK(step > 0);
    for (;;) {
        start = read_whole(transcript, &frame, stream, start, end, limits,
                           &hopeless);
        if (hopeless || end == stream.len) {
            break;
        }
        end += smaller(step, stream.len - end);
    }
    if (!hopeless && start < stream.len) {
        buf_append_str(transcript, "more ");
        buf_append_u64(transcript, stream.len - start);
        buf_append_byte(transcript, '\n');
    }
    *buf_reserve(transcript, 1) = '\0';
}

void ck_reads_bytes(struct slice stream, const char *expected)
{
    struct buf transcript = {0};

    proto_io_read(&transcript, stream, stream.len, 1, &proto_io_limits);
    ck_assert_str_eq((const char *)buf_slice(&transcript).data, expected);
    buf_release(&transcript);
}

static void ck_reads_one(const struct buf *request, const char *expected)
{
    struct buf line = {0};

    buf_append_str(&line, expected);
    buf_append_byte(&line, '\n');
    buf_append_byte(&line, '\0');
    ck_reads_bytes(buf_slice(request), (const char *)buf_slice(&line).data);
    buf_release(&line);
}

void ck_reads_line(const char *line, const char *expected)
{
    struct buf request = {0};

    buf_append_str(&request, line);
    buf_append_byte(&request, '\n');
    ck_reads_one(&request, expected);
    buf_release(&request);
}

void ck_reads_resp(const char *const words[], const char *expected)
{
    struct buf request = {0};
    size_t count = 0;

    while (words[count] != NULL) {
        count++;
    }
    resp_append_count(&request, count);
    for (size_t i = 0; i < count; i++) {
        resp_append_word(&request, slice_str(words[i]));
    }
    ck_reads_one(&request, expected);
    buf_release(&request);
}

void ck_reads(const char *line, const char *expected)
{
    struct buf request = {0};

    ck_reads_line(line, expected);
    resp_append_split(&request, line);
    ck_reads_one(&request, expected);
    buf_release(&request);
}

void resp_append_count(struct buf *to, size_t count)
{
    buf_append_byte(to, '*');
    buf_append_u64(to, count);
    buf_append_str(to, "\r\n");
}

void resp_append_word(struct buf *to, struct slice word)
{
    buf_append_byte(to, '$');
    buf_append_u64(to, word.len);
    buf_append_str(to, "\r\n");
    buf_append_slice(to, word);
    buf_append_str(to, "\r\n");
}

void resp_append_split(struct buf *to, const char *text)
{
    struct buf words = {0};
    size_t count = 0;

    for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
        size_t len = strcspn(text, " ");

        resp_append_word(&words, slice_of(text, len));
        text += len;
        count++;
    }
    resp_append_count(to, count);
    buf_append_slice(to, buf_slice(&words));
    buf_release(&words);
}
