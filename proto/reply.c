/* What each reply consists of, once for both framings. */
#include "base/check.h"
#include "proto/encode.h"
#include "proto/proto.h"
#include "proto/verbs.h"

enum { FIELDS_MAX = 6, HELP_LINE_BYTES = 256 };

enum field_kind {
    FIELD_END,
    FIELD_NUMBER,   /* a uint64_t, always shown */
    FIELD_FLAG,     /* a bool, shown as 1 when set */
    FIELD_BYTES,    /* a slice, shown unless empty */
    FIELD_NAMELESS, /* a slice, always shown, by itself */
};

struct field {
    enum field_kind kind;
    const char *name;
    size_t offset; /* in struct reply */
};

/* A reply that is a word and fields, in the order in which they are shown. */
struct shape {
    const char *word;
    bool simple; /* RESP has a short form for it */
    struct field fields[FIELDS_MAX + 1];
};

#define NUMBER(name, member)                                                   \
    {                                                                          \
        FIELD_NUMBER, name, offsetof(struct reply, member)                     \
    }
#define FENCE   NUMBER("fence", fence)
#define ATTEMPT NUMBER("attempt", attempt)
#define AGE     NUMBER("age", age_ms)
#define LEASE   NUMBER("lease", lease_ms)
#define RETRY   NUMBER("retry", retry_ms)
#define TTL     NUMBER("ttl", ttl_ms)
#define AGAIN                                                                  \
    {                                                                          \
        FIELD_FLAG, "again", offsetof(struct reply, again)                     \
    }
#define OWNER                                                                  \
    {                                                                          \
        FIELD_BYTES, "owner", offsetof(struct reply, owner)                    \
    }
#define RECEIPT                                                                \
    {                                                                          \
        FIELD_NAMELESS, NULL, offsetof(struct reply, receipt)                  \
    }

/* The kinds without a word here are written by functions of their own. */
static const struct shape shapes[] = {
    [REPLY_OK] = {"OK", true, {{0}}},
    [REPLY_PONG] = {"PONG", true, {{0}}},
    [REPLY_BYE] = {"BYE", true, {{0}}},
    [REPLY_EXTENDED] = {"OK", false, {LEASE}},
    [REPLY_CLAIMED] = {"CLAIMED", false, {FENCE, LEASE, ATTEMPT, AGAIN}},
    [REPLY_INFLIGHT] = {"INFLIGHT",
                        false,
                        {FENCE, AGE, LEASE, RETRY, ATTEMPT, OWNER}},
    [REPLY_EXPIRED] = {"EXPIRED", false, {FENCE, AGE, ATTEMPT, OWNER}},
    [REPLY_COMPLETED] = {"COMPLETED", false, {RECEIPT, FENCE, AGE, TTL}},
    [REPLY_NOT_FOUND] = {"NOT_FOUND", false, {{0}}},
    [REPLY_SWEPT] = {"SWEPT",
                     false,
                     {NUMBER("scanned", swept_scanned),
                      NUMBER("expired", swept_expired),
                      NUMBER("retained", swept_retained)}},
    [REPLY_ERROR] = {NULL, false, {{0}}},
};

static const struct encoder *encoder_of(enum proto_framing framing)
{
    return framing == FRAMING_RESP ? &encoder_resp : &encoder_line;
}

static uint64_t number_of(const struct reply *reply, const struct field *field)
{
    uint64_t number;

    memcpy(&number, (const char *)reply + field->offset, sizeof(number));
    return number;
}

static bool flag_of(const struct reply *reply, const struct field *field)
{
    bool flag;

    memcpy(&flag, (const char *)reply + field->offset, sizeof(flag));
    return flag;
}

static struct slice bytes_of(const struct reply *reply,
                             const struct field *field)
{
    struct slice bytes;

    memcpy(&bytes, (const char *)reply + field->offset, sizeof(bytes));
    return bytes;
}

/* How many elements of a RESP array the field is: 0 where it is not shown. */
static size_t elements_of(const struct reply *reply, const struct field *field)
{
    switch (field->kind) {
    case FIELD_NUMBER:
        return 2;
    case FIELD_FLAG:
        return flag_of(reply, field) ? 2 : 0;
    case FIELD_BYTES:
        return bytes_of(reply, field).len > 0 ? 2 : 0;
    case FIELD_NAMELESS:
    case FIELD_END:
    default:
        CHECK(field->kind == FIELD_NAMELESS);
        return 1;
    }
}

static void write_field(struct buf *to, const struct encoder *encoder,
                        const struct reply *reply, const struct field *field)
{
    switch (field->kind) {
    case FIELD_NUMBER:
        encoder->number(to, field->name, number_of(reply, field));
        break;
    case FIELD_FLAG:
        encoder->number(to, field->name, 1);
        break;
    case FIELD_BYTES:
        encoder->bytes(to, field->name, bytes_of(reply, field));
        break;
    case FIELD_NAMELESS:
    case FIELD_END:
    default:
        CHECK(field->kind == FIELD_NAMELESS);
        encoder->nameless(to, bytes_of(reply, field));
        break;
    }
}

static void write_state(struct buf *to, const struct encoder *encoder,
                        const struct reply *reply, const struct shape *shape)
{
    size_t elements = 1;

    for (const struct field *f = shape->fields; f->kind != FIELD_END; f++) {
        elements += elements_of(reply, f);
    }
    encoder->state_begin(to, shape->word, elements);
    for (const struct field *f = shape->fields; f->kind != FIELD_END; f++) {
        if (elements_of(reply, f) > 0) {
            write_field(to, encoder, reply, f);
        }
    }
    encoder->state_end(to);
}

static void write_error(struct buf *to, const struct encoder *encoder,
                        const struct reply *reply)
{
    int index = STATUS_WIRE_INDEX(reply->error);

    CHECK(index >= 0 && index < STATUS_WIRE_COUNT);
    encoder->error(to, reply->error,
                   reply->sentence != NULL ? reply->sentence
                                           : status_sentence(reply->error));
}

static void write_stats(struct buf *to, const struct encoder *encoder,
                        const struct proto_stats *stats)
{
    CHECK(stats != NULL);
    encoder->list_begin(to, "STATS", stats->count, 2 * stats->count);
    for (size_t i = 0; i < stats->count; i++) {
        const struct proto_stat *stat = &stats->stats[i];

        if (stat->text != NULL) {
            encoder->item_text(to, stat->name, stat->text);
        } else {
            encoder->item_number(to, stat->name, stat->number);
        }
    }
}

static int usage_width(void)
{
    size_t width = 0;

    for (unsigned i = 0; i < VERB_COUNT; i++) {
        size_t len = strlen(verb_info((enum verb)i)->usage);

        width = len > width ? len : width;
    }
    return (int)width;
}

static void write_help(struct buf *to, const struct encoder *encoder)
{
    int width = usage_width();
    char line[HELP_LINE_BYTES];

    encoder->list_begin(to, "HELP", VERB_COUNT, VERB_COUNT);
    for (unsigned i = 0; i < VERB_COUNT; i++) {
        const struct verb_info *info = verb_info((enum verb)i);

        snprintf(line, sizeof(line), "%-*s  %s", width, info->usage,
                 info->help);
        encoder->item(to, line);
    }
}

static void write_shape(struct buf *to, const struct encoder *encoder,
                        const struct reply *reply)
{
    const struct shape *shape;

    CHECK((size_t)reply->kind < sizeof(shapes) / sizeof(shapes[0]));
    shape = &shapes[reply->kind];
    CHECK(shape->word != NULL);
    if (shape->simple) {
        encoder->simple(to, shape->word);
    } else {
        write_state(to, encoder, reply, shape);
    }
}

void proto_reply(struct buf *to, enum proto_framing framing,
                 const struct reply *reply, const struct proto_stats *stats)
{
    const struct encoder *encoder = encoder_of(framing);

    if (reply->kind == REPLY_ERROR) {
        write_error(to, encoder, reply);
    } else if (reply->kind == REPLY_STATS) {
        write_stats(to, encoder, stats);
    } else if (reply->kind == REPLY_HELP) {
        write_help(to, encoder);
    } else {
        write_shape(to, encoder, reply);
    }
}

size_t proto_receipt_bytes_max(enum proto_framing framing, size_t len)
{
    return len * encoder_of(framing)->bytes_per_byte;
}
