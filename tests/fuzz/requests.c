#include "tests/fuzz/requests.h"

#include "base/check.h"
#include "tests/lib/command_bytes.h"
#include "tests/lib/proto_io.h"
#include "tests/lib/reply_parse.h"

#include <check.h>

/* What became of one request, in numbers of one size, so that two of them can
 * be compared byte by byte. The bytes of the command's slices follow it. */
struct note {
    uint64_t state; /* enum proto_state */
    uint64_t framing;
    uint64_t bytes;
    int64_t status;
    uint64_t verb;
    uint64_t is_foreign;
    uint64_t given;
    uint64_t fence;
    uint64_t lease_ms;
    uint64_t ttl_ms;
    uint64_t key_len;
    uint64_t receipt_len;
    uint64_t name_len;
    uint64_t owner_len;
    uint64_t fp_len;
    const char *sentence; /* static storage: the same text is the same place */
};

/* One pass over a stream. */
struct reading {
    const struct proto_limits *limits;
    struct buf *notes;
    bool thorough; /* look at each request by itself too */
};

bool command_equal(const struct command *a, const struct command *b)
{
    return a->verb == b->verb && a->given == b->given && a->fence == b->fence &&
           a->lease_ms == b->lease_ms && a->ttl_ms == b->ttl_ms &&
           slice_equal(a->key, b->key) && slice_equal(a->receipt, b->receipt) &&
           slice_equal(a->name, b->name) && slice_equal(a->owner, b->owner) &&
           slice_equal(a->fp, b->fp);
}

/* --- one request ---------------------------------------------------------- */

/* A request that is there as a whole, read by itself. */
static void reread(struct slice bytes, const struct proto_limits *limits,
                   uint8_t *scratch, struct command *command)
{
    struct proto_frame frame = {0};
    const char *sentence = NULL;
    int status = 0;

    ck_assert_int_eq(proto_frame(&frame, bytes, limits, &status),
                     PROTO_REQUEST);
    ck_assert_uint_eq(frame.bytes, bytes.len);
    status = proto_command(&frame, bytes, limits, scratch, command, &sentence);
    ck_assert_msg(status == 0, "%s: %s", status_name(status), sentence);
}

static void check_written(const struct command *command,
                          const struct proto_limits *limits,
                          void (*write)(struct buf *, const struct command *))
{
    static struct buf bytes;
    static struct buf scratch;
    struct command again;

    buf_clear(&bytes);
    write(&bytes, command);
    ck_assert(!buf_failed(&bytes));
    reread(buf_slice(&bytes), limits, buf_reserve(&scratch, buf_len(&bytes)),
           &again);
    ck_assert(command_equal(command, &again));
}

static void check_bounds(const struct command *command,
                         const struct proto_limits *limits)
{
    ck_assert_int_lt(command->verb, VERB_COUNT);
    ck_assert_uint_le(command->key.len, limits->key_bytes_max);
    ck_assert_uint_le(command->receipt.len, limits->receipt_bytes_max);
    ck_assert_uint_le(command->name.len, NAMESPACE_BYTES_MAX);
    ck_assert_uint_le(command->owner.len, OWNER_BYTES_MAX);
    ck_assert_uint_le(command->fp.len, FINGERPRINT_BYTES_MAX);
    ck_assert_uint_le(command->lease_ms, limits->lease_ms_max);
    ck_assert_uint_le(command->ttl_ms, limits->ttl_ms_max);
    ck_assert((command->given & OPTION_LEASE) == 0 || command->lease_ms > 0);
    ck_assert((command->given & OPTION_TTL) == 0 || command->ttl_ms > 0);
    ck_assert((command->given & OPTION_OWNER) == 0 || command->owner.len > 0);
    ck_assert((command->given & OPTION_FP) == 0 || command->fp.len > 0);
}

static bool is_within(const char *text, const uint8_t *from, size_t len)
{
    return (uintptr_t)text >= (uintptr_t)from &&
           (uintptr_t)text <= (uintptr_t)from + len;
}

/* The reply to a request that is refused, as a client reads it. */
static void check_refusal(enum proto_framing framing, int status,
                          const char *sentence)
{
    static struct buf bytes;
    static struct parsed parsed;
    struct reply reply = reply_error_because(status, sentence);
    const char *said = sentence == NULL ? status_sentence(status) : sentence;
    bool resp = framing == FRAMING_RESP;

    if (sentence != NULL) {
        ck_assert(!is_within(sentence,
                             guarded_room(GUARDED_INPUT, 0) - GUARDED_BYTES_MAX,
                             GUARDED_BYTES_MAX));
        ck_assert(!is_within(
            sentence, guarded_room(GUARDED_SCRATCH, 0) - GUARDED_BYTES_MAX,
            GUARDED_BYTES_MAX));
    }
    buf_clear(&bytes);
    proto_reply(&bytes, framing, &reply, NULL);
    ck_assert_uint_le(buf_len(&bytes), PROTO_REPLY_BYTES_MAX);
    ck_assert_int_eq(reply_parse(&parsed, resp, buf_slice(&bytes)),
                     PARSE_REPLY);
    ck_assert_uint_eq(parsed.used, buf_len(&bytes));
    ck_assert_int_eq(parsed.reply.error, status);
    ck_assert(slice_equal(parsed.sentence, slice_str(said)) ||
              (resp && status == E_UNKNOWN_COMMAND));
}

static void add_note(const struct reading *reading, const struct note *note,
                     const struct command *command)
{
    struct buf *to = reading->notes;

    buf_append(to, note, sizeof(*note));
    buf_append_slice(to, command->key);
    buf_append_slice(to, command->receipt);
    buf_append_slice(to, command->name);
    buf_append_slice(to, command->owner);
    buf_append_slice(to, command->fp);
    ck_assert(!buf_failed(to));
}

/* Decodes the request at the front of the input. What is undefined after an
 * error is left out. */
static struct note decode(const struct reading *reading,
                          const struct proto_frame *frame, struct slice input,
                          struct command *command)
{
    uint8_t *scratch = guarded_room(GUARDED_SCRATCH, frame->bytes);
    struct note note = {.framing = frame->framing, .bytes = frame->bytes};

    note.sentence = "not set";
    note.status = proto_command(frame, input, reading->limits, scratch, command,
                                &note.sentence);
    note.verb = command->verb;
    note.is_foreign =
        command->verb == VERB_COUNT && proto_is_foreign(frame, input);
    if (note.status < 0) {
        ck_assert(note.status == E_UNKNOWN_COMMAND || note.status == E_SYNTAX ||
                  note.status == E_LIMIT);
        *command = (struct command){.verb = command->verb};
        return note;
    }
    ck_assert_ptr_null(note.sentence);
    note.given = command->given;
    note.fence = command->fence;
    note.lease_ms = command->lease_ms;
    note.ttl_ms = command->ttl_ms;
    note.key_len = command->key.len;
    note.receipt_len = command->receipt.len;
    note.name_len = command->name.len;
    note.owner_len = command->owner.len;
    note.fp_len = command->fp.len;
    return note;
}

/* Cut out of its stream, it is the same request. */
static void check_alone(const struct reading *reading, struct slice request,
                        size_t from)
{
    static struct buf alone;
    struct reading by_itself = *reading;
    struct proto_frame frame = {0};
    struct command command;
    struct note note;
    struct slice input;
    struct slice before = buf_slice(reading->notes);
    int status = 0;

    input = slice_copy(guarded_room(GUARDED_OTHER, request.len), request);
    ck_assert_int_eq(proto_frame(&frame, input, reading->limits, &status),
                     PROTO_REQUEST);
    buf_clear(&alone);
    by_itself.notes = &alone;
    note = decode(&by_itself, &frame, input, &command);
    note.state = PROTO_REQUEST;
    add_note(&by_itself, &note, &command);
    ck_assert(slice_equal(buf_slice(&alone),
                          slice_of(before.data + from, before.len - from)));
}

static void check_command(const struct reading *reading,
                          const struct command *command)
{
    check_bounds(command, reading->limits);
    check_written(command, reading->limits, command_line);
    check_written(command, reading->limits, command_resp);
}

/* What is not whole yet can still become a request that is not too long. */
static void check_waiting(const struct reading *reading,
                          const struct proto_frame *frame)
{
    size_t bytes_max = proto_request_bytes_max(reading->limits);
    uint32_t at =
        frame->taken < PROTO_WORDS_MAX ? frame->taken : PROTO_WORDS_MAX - 1;

    ck_assert_uint_le(frame->bytes, bytes_max);
    ck_assert_uint_le(frame->words, bytes_max);
    if (frame->spans[at].start > 0 && frame->taken < PROTO_WORDS_MAX) {
        ck_assert_uint_le((uint64_t)frame->spans[at].start +
                              frame->spans[at].len + 2,
                          bytes_max);
    }
}

/* Notes what stands at the front of the input; false: nothing more can be read
 * before there are more bytes. */
static bool read_front(const struct reading *reading, struct proto_frame *frame,
                       struct slice input, size_t *used)
{
    struct command command = {.verb = VERB_COUNT};
    int status = 0;
    enum proto_state state =
        proto_frame(frame, input, reading->limits, &status);
    struct note note = {.framing = frame->framing, .bytes = frame->bytes};

    ck_assert_uint_le(frame->bytes, input.len);
    *used = frame->bytes;
    if (state == PROTO_MORE) {
        check_waiting(reading, frame);
        return false;
    }
    if (state == PROTO_REQUEST) {
        note = decode(reading, frame, input, &command);
    }
    if (state == PROTO_HOPELESS) {
        ck_assert(status == E_LIMIT || status == E_SYNTAX);
        note.status = status;
        note.bytes = 0; /* where it was given up may depend on the cuts */
    }
    note.state = state;
    add_note(reading, &note, &command);
    if (note.status < 0 && reading->thorough) {
        check_refusal(frame->framing, (int)note.status, note.sentence);
    } else if (note.status == 0 && state == PROTO_REQUEST &&
               reading->thorough) {
        check_command(reading, &command);
    }
    return state != PROTO_HOPELESS;
}

/* --- streams -------------------------------------------------------------- */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t note_bytes(const struct buf *notes, size_t from)
{
    return buf_len(notes) - from;
}

/* Reads all that is whole between `start` and `end`; returns where the next
 * request begins, or past the end of the stream once it is hopeless. */
static size_t read_whole(const struct reading *reading,
                         struct proto_frame *frame, struct slice stream,
                         size_t start, size_t end)
{
    size_t from = buf_len(reading->notes);
    size_t used;

    slice_copy(guarded_room(GUARDED_INPUT, end - start),
               slice_of(stream.data + start, end - start));
    for (;;) {
        struct slice input =
            slice_of(guarded_room(GUARDED_INPUT, end - start), end - start);
        bool goes_on = read_front(reading, frame, input, &used);

        if (!goes_on) {
            return note_bytes(reading->notes, from) > 0 ? stream.len + 1
                                                        : start;
        }
        ck_assert_uint_gt(used, 0);
        if (reading->thorough) {
            struct note note;

            memcpy(&note, buf_slice(reading->notes).data + from, sizeof(note));
            if (note.state == PROTO_REQUEST) {
                check_alone(reading, slice_of(stream.data + start, used), from);
            }
        }
        from = buf_len(reading->notes);
        start += used;
        *frame = (struct proto_frame){0};
    }
}

static void read_stream(const struct reading *reading, struct slice stream,
                        size_t first, size_t step)
{
    struct proto_frame frame = {0};
    size_t start = 0;
    size_t end = smaller(first, stream.len);

    buf_clear(reading->notes);
    for (;;) {
        start = read_whole(reading, &frame, stream, start, end);
        if (start > stream.len || end == stream.len) {
            break;
        }
        end += smaller(step, stream.len - end);
    }
    buf_append(reading->notes, &start, sizeof(start));
}

void requests_check(struct slice stream, size_t first, size_t step,
                    const struct proto_limits *limits)
{
    static struct buf whole;
    static struct buf cut;

    read_stream(&(struct reading){limits, &whole, true}, stream, stream.len, 1);
    read_stream(&(struct reading){limits, &cut, false}, stream, first, step);
    ck_assert_msg(slice_equal(buf_slice(&whole), buf_slice(&cut)),
                  "cut at %zu and then every %zu bytes", first, step);
}
