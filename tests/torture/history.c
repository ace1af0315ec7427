#include "tests/torture/history.h"

#include "base/check.h"
#include "base/units.h"

#include <stdlib.h>

void history_add(struct history *history, const struct op *op)
{
    if (history->count == history->room) {
        history->room = history->room * 2 + 64;
        history->ops =
            realloc(history->ops, history->room * sizeof(*history->ops));
        CHECK(history->ops != NULL);
    }
    history->ops[history->count++] = *op;
}

void history_release(struct history *history)
{
    free(history->ops);
    *history = (struct history){.ops = NULL};
}

bool op_unknown(const struct op *op)
{
    return op->kind == REPLY_NONE ||
           (op->kind == REPLY_ERROR && op->error == E_INDETERMINATE);
}

void op_set_answer(struct op *op, const struct reply *reply)
{
    op->kind = reply->kind;
    op->error = reply->error;
    op->again = reply->again;
    op->got_fence = reply->fence;
    op->got_attempt = reply->attempt;
    op->got_age_ms = reply->age_ms;
    op->got_lease_ms = reply->lease_ms;
    op->got_retry_ms = reply->retry_ms;
    op->got_ttl_ms = reply->ttl_ms;
}

/* --- words ---------------------------------------------------------------- */

/* A number with a name: `name=7`. Those that are 0 are not written. */
struct field {
    const char *name;
    size_t offset;
    size_t bytes;
};

#define FIELD(type, name, member)                                              \
    {                                                                          \
        name, offsetof(type, member), sizeof(((type *)NULL)->member)           \
    }

static const struct field asked[] = {
    FIELD(struct op, "key", key),         FIELD(struct op, "client", client),
    FIELD(struct op, "life", life),       FIELD(struct op, "fence", fence),
    FIELD(struct op, "lease", lease_ms),  FIELD(struct op, "ttl", ttl_ms),
    FIELD(struct op, "owner", owner),     FIELD(struct op, "fp", fp),
    FIELD(struct op, "receipt", receipt), FIELD(struct op, "seq", called_seq),
    FIELD(struct op, "to", ended_seq),    {NULL, 0, 0},
};

static const struct field answered[] = {
    FIELD(struct op, "again", again),
    FIELD(struct op, "fence", got_fence),
    FIELD(struct op, "attempt", got_attempt),
    FIELD(struct op, "age", got_age_ms),
    FIELD(struct op, "lease", got_lease_ms),
    FIELD(struct op, "retry", got_retry_ms),
    FIELD(struct op, "ttl", got_ttl_ms),
    FIELD(struct op, "receipt", got_receipt),
    FIELD(struct op, "owner", got_owner),
    {NULL, 0, 0},
};

static const struct field rules[] = {
    FIELD(struct history_rules, "grace", grace_ms),
    FIELD(struct history_rules, "ttl", ttl_ms),
    FIELD(struct history_rules, "lease", lease_ms),
    FIELD(struct history_rules, "lease_max", lease_ms_max),
    FIELD(struct history_rules, "require_fence", require_fence),
    FIELD(struct history_rules, "slack", slack_ms),
    FIELD(struct history_rules, "time_leaps", time_leaps),
    {NULL, 0, 0},
};

/* Indexed by kind; an error is two words. */
static const char *const kinds[] = {
    [REPLY_NONE] = "NONE",           [REPLY_OK] = "OK",
    [REPLY_EXTENDED] = "EXTENDED",   [REPLY_CLAIMED] = "CLAIMED",
    [REPLY_INFLIGHT] = "INFLIGHT",   [REPLY_EXPIRED] = "EXPIRED",
    [REPLY_COMPLETED] = "COMPLETED", [REPLY_NOT_FOUND] = "NOT_FOUND",
    [REPLY_ERROR] = "ERR",
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static const char *const verbs[] = {
    [VERB_CLAIM] = "CLAIM",     [VERB_COMPLETE] = "COMPLETE",
    [VERB_RELEASE] = "RELEASE", [VERB_EXTEND] = "EXTEND",
    [VERB_LOOKUP] = "LOOKUP",
};

enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

static const char foreign[] = "foreign";

/* --- writing -------------------------------------------------------------- */

static uint64_t field_get(const struct field *field, const void *from)
{
    const uint8_t *at = (const uint8_t *)from + field->offset;
    uint64_t wide;
    uint32_t narrow;

    if (field->bytes == sizeof(wide)) {
        memcpy(&wide, at, sizeof(wide));
        return wide;
    }
    if (field->bytes == sizeof(narrow)) {
        memcpy(&narrow, at, sizeof(narrow));
        return narrow;
    }
    return *at;
}

static void write_fields(const struct field *field, const void *from,
                         struct buf *out)
{
    for (; field->name != NULL; field++) {
        uint64_t number = field_get(field, from);

        if (number == 0) {
            continue;
        }
        buf_append_byte(out, ' ');
        buf_append_str(out, field->name);
        buf_append_byte(out, '=');
        if (number == HISTORY_FOREIGN) {
            buf_append_str(out, foreign);
        } else {
            buf_append_u64(out, number);
        }
    }
}

void op_write(const struct op *op, struct buf *out)
{
    CHECK((size_t)op->verb < VERBS && (size_t)op->kind < KINDS &&
          kinds[op->kind] != NULL);
    buf_append_u64(out, op->called_us);
    buf_append_byte(out, ' ');
    buf_append_u64(out, op->ended_us);
    buf_append_byte(out, ' ');
    buf_append_str(out, verbs[op->verb]);
    write_fields(asked, op, out);
    buf_append_str(out, " -> ");
    buf_append_str(out, kinds[op->kind]);
    if (op->kind == REPLY_ERROR) {
        buf_append_byte(out, ' ');
        buf_append_str(out, status_name(op->error));
    }
    write_fields(answered, op, out);
}

void history_write(const struct history *history, struct buf *out)
{
    buf_append_str(out, "rules");
    write_fields(rules, &history->rules, out);
    buf_append_byte(out, '\n');
    for (size_t i = 0; i < history->count; i++) {
        op_write(&history->ops[i], out);
        buf_append_byte(out, '\n');
    }
}

/* --- reading -------------------------------------------------------------- */

/* Takes the bytes up to `end`, and that; all of it where there is none. */
static struct slice take_until(struct slice *text, uint8_t end)
{
    const uint8_t *at =
        text->len > 0 ? memchr(text->data, end, text->len) : NULL;
    size_t len = at != NULL ? (size_t)(at - text->data) : text->len;
    size_t taken = at != NULL ? len + 1 : len;
    struct slice before = slice_of(text->data, len);

    *text = slice_of(text->data + taken, text->len - taken);
    return before;
}

static struct slice take_word(struct slice *text)
{
    struct slice word = slice_of(NULL, 0);

    while (word.len == 0 && text->len > 0) {
        word = take_until(text, ' ');
    }
    return word;
}

static bool read_number(struct slice word, uint64_t *out)
{
    if (slice_equal(word, slice_str(foreign))) {
        *out = HISTORY_FOREIGN;
        return true;
    }
    return units_parse_number(word, out) == 0;
}

static bool field_set(const struct field *field, uint64_t number, void *to)
{
    uint8_t *at = (uint8_t *)to + field->offset;
    uint32_t narrow = (uint32_t)number;

    if (field->bytes == sizeof(number)) {
        memcpy(at, &number, sizeof(number));
        return true;
    }
    if (field->bytes == sizeof(narrow)) {
        memcpy(at, &narrow, sizeof(narrow));
        return number <= UINT32_MAX;
    }
    *at = number != 0;
    return number <= 1;
}

static bool read_field(const struct field *field, struct slice word, void *to)
{
    struct slice name = take_until(&word, '=');
    uint64_t number;

    while (field->name != NULL && !slice_equal(name, slice_str(field->name))) {
        field++;
    }
    return field->name != NULL && read_number(word, &number) &&
           field_set(field, number, to);
}

/* Reads fields up to a word that is `end`, or to the end of the line. */
static bool read_fields(const struct field *fields, struct slice *line,
                        const char *end, void *to)
{
    struct slice word;

    while ((word = take_word(line)).len > 0) {
        if (slice_equal(word, slice_str(end))) {
            return true;
        }
        if (!read_field(fields, word, to)) {
            return false;
        }
    }
    return end[0] == '\0';
}

static bool read_name(struct slice word, const char *const *names, size_t count,
                      size_t *out)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i] != NULL && slice_equal(word, slice_str(names[i]))) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool read_error(struct slice word, int *out)
{
    for (int status = STATUS_FIRST_ + 1; status < STATUS_WIRE_END_; status++) {
        if (slice_equal(word, slice_str(status_name(status)))) {
            *out = status;
            return true;
        }
    }
    return false;
}

static bool read_asked(struct slice *line, struct op *op)
{
    size_t verb;

    if (!read_number(take_word(line), &op->called_us) ||
        !read_number(take_word(line), &op->ended_us) ||
        !read_name(take_word(line), verbs, VERBS, &verb)) {
        return false;
    }
    op->verb = (enum verb)verb;
    return read_fields(asked, line, "->", op) && op->called_us <= op->ended_us;
}

bool op_read(struct slice line, struct op *op)
{
    size_t kind;

    *op = (struct op){.kind = REPLY_NONE};
    if (!read_asked(&line, op) ||
        !read_name(take_word(&line), kinds, KINDS, &kind)) {
        return false;
    }
    op->kind = (enum reply_kind)kind;
    if (op->kind == REPLY_ERROR && !read_error(take_word(&line), &op->error)) {
        return false;
    }
    return read_fields(answered, &line, "", op);
}

static bool read_rules(struct slice line, struct history_rules *out)
{
    return slice_equal(take_word(&line), slice_str("rules")) &&
           read_fields(rules, &line, "", out);
}

bool history_read(struct slice text, struct history *history, size_t *bad_line)
{
    struct op op;

    *bad_line = 1;
    if (!read_rules(take_until(&text, '\n'), &history->rules)) {
        return false;
    }
    while (text.len > 0) {
        struct slice line = take_until(&text, '\n');

        (*bad_line)++;
        if (line.len == 0) {
            continue;
        }
        if (!op_read(line, &op)) {
            return false;
        }
        history_add(history, &op);
    }
    return true;
}
