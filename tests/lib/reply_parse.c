#include "tests/lib/reply_parse.h"

#include "base/check.h"

enum {
    WORD_BYTES_MAX = 64,
    STATS_NAME_BYTES_MAX = 64,
    RECEIPT_BYTES_MAX = 1 << 20,
};

/* Where the reader is. Once the state is not PARSE_REPLY it stays what it is,
 * and all that is read from then on is empty, so that a reader of many fields
 * looks once, at the end. */
struct cursor {
    struct parsed *parsed;
    struct slice in;
    size_t at;
    bool resp;
    enum parse_state state;
    uint64_t elements; /* RESP: of the array, not read yet */
};

static bool ok(const struct cursor *c)
{
    return c->state == PARSE_REPLY;
}

static void wrong(struct cursor *c, const char *expected)
{
    if (ok(c)) {
        c->state = PARSE_WRONG;
        c->parsed->wrong = expected;
        c->parsed->wrong_at = c->at;
    }
}

static void require(struct cursor *c, bool condition, const char *expected)
{
    if (!condition) {
        wrong(c, expected);
    }
}

/* --- bytes ---------------------------------------------------------------- */

/* The next byte, which stays where it is; 0 where there is none, and then the
 * state says so. */
static uint8_t peek(struct cursor *c)
{
    if (ok(c) && c->at == c->in.len) {
        c->state = PARSE_MORE;
    }
    return ok(c) ? c->in.data[c->at] : 0;
}

static uint8_t next(struct cursor *c)
{
    uint8_t byte = peek(c);

    c->at += ok(c);
    return byte;
}

/* Reads exactly this text. */
static void expect(struct cursor *c, const char *text)
{
    for (const char *p = text; ok(c) && *p != '\0'; p++) {
        uint8_t byte = peek(c);

        if (ok(c)) {
            require(c, byte == (uint8_t)*p, text);
            c->at++;
        }
    }
}

/* Appends to memory that was made large enough: nothing moves. */
static void keep(struct cursor *c, uint8_t byte)
{
    buf_append_byte(&c->parsed->memory, byte);
}

static size_t kept(const struct cursor *c)
{
    return buf_len(&c->parsed->memory);
}

/* The next `len` bytes. */
static void keep_front(struct cursor *c, size_t len)
{
    if (ok(c) && c->in.len - c->at < len) {
        c->state = PARSE_MORE;
    }
    if (ok(c)) {
        buf_append(&c->parsed->memory, c->in.data + c->at, len);
        c->at += len;
    }
}

/* What was kept since kept() was `from`. */
static struct slice kept_since(const struct cursor *c, size_t from)
{
    struct slice all = buf_slice(&c->parsed->memory);

    return ok(c) ? slice_of(all.data + from, all.len - from)
                 : (struct slice){0};
}

/* --- numbers -------------------------------------------------------------- */

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* Decimal digits without a leading zero; what follows them must be there. */
static uint64_t digits(struct cursor *c)
{
    size_t first = c->at;
    uint64_t number = 0;

    while (ok(c) && is_digit(peek(c))) {
        uint64_t digit = (uint64_t)(next(c) - '0');

        require(c, number <= (UINT64_MAX - digit) / 10, "a number of 64 bits");
        number = number * 10 + digit;
    }
    if (ok(c)) {
        require(c, c->at > first, "a digit");
        require(c, c->in.data[first] != '0' || c->at == first + 1,
                "a number without a leading zero");
    }
    return ok(c) ? number : 0;
}

/* --- RESP's parts --------------------------------------------------------- */

static uint64_t header(struct cursor *c, const char *mark)
{
    uint64_t number;

    expect(c, mark);
    number = digits(c);
    expect(c, "\r\n");
    return number;
}

static void take_element(struct cursor *c)
{
    require(c, c->elements > 0, "no further element");
    c->elements -= ok(c);
}

static struct slice bulk(struct cursor *c, size_t len_max)
{
    size_t from = kept(c);
    uint64_t len;

    take_element(c);
    len = header(c, "$");
    require(c, len <= len_max, "a shorter bulk string");
    keep_front(c, (size_t)len);
    expect(c, "\r\n");
    return kept_since(c, from);
}

static void bulk_text(struct cursor *c, const char *text)
{
    char length[32];

    snprintf(length, sizeof(length), "$%zu\r\n", strlen(text));
    take_element(c);
    expect(c, length);
    expect(c, text);
    expect(c, "\r\n");
}

/* --- quotes --------------------------------------------------------------- */

static uint8_t hex_digit(struct cursor *c)
{
    uint8_t byte = next(c);

    require(c, is_digit(byte) || (byte >= 'a' && byte <= 'f'),
            "a lower-case hex digit");
    return is_digit(byte) ? (uint8_t)(byte - '0') : (uint8_t)(byte - 'a' + 10);
}

static bool has_letter(uint8_t byte)
{
    return byte == '\n' || byte == '\r' || byte == '\t';
}

static uint8_t hex_escape(struct cursor *c)
{
    uint8_t high = hex_digit(c);
    uint8_t byte = (uint8_t)(high * 16 + hex_digit(c));

    require(c, (byte < 0x20 || byte == 0x7f) && !has_letter(byte),
            "\\xHH only for what has no other form");
    return byte;
}

/* The byte behind the backslash, which was read. */
static uint8_t escaped(struct cursor *c)
{
    uint8_t letter = next(c);

    switch (letter) {
    case '"':
    case '\\':
        return letter;
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'x':
        return hex_escape(c);
    default:
        wrong(c, "an escape");
        return 0;
    }
}

/* How many bytes stand at the front as they are meant. */
static size_t plain_bytes(const struct cursor *c)
{
    size_t at = c->at;

    while (at < c->in.len && c->in.data[at] >= 0x20 && c->in.data[at] != 0x7f &&
           c->in.data[at] != '"' && c->in.data[at] != '\\') {
        at++;
    }
    return at - c->at;
}

static struct slice quoted(struct cursor *c, size_t len_max)
{
    size_t from = kept(c);

    expect(c, "\"");
    while (ok(c)) {
        keep_front(c, plain_bytes(c));
        if (peek(c) != '\\') {
            break;
        }
        next(c);
        keep(c, escaped(c));
    }
    expect(c, "\"");
    require(c, kept(c) - from <= len_max, "fewer bytes in quotes");
    return kept_since(c, from);
}

/* --- fields --------------------------------------------------------------- */

static void field_name(struct cursor *c, const char *name)
{
    if (c->resp) {
        bulk_text(c, name);
    } else {
        expect(c, " ");
        expect(c, name);
        expect(c, "=");
    }
}

static uint64_t number_field(struct cursor *c, const char *name)
{
    field_name(c, name);
    if (!c->resp) {
        return digits(c);
    }
    take_element(c);
    return header(c, ":");
}

static uint64_t fence_field(struct cursor *c)
{
    uint64_t fence = number_field(c, "fence");

    require(c, fence >= 1 && fence <= FENCE_MAX, "a fence from 1 to 2^53 - 1");
    return fence;
}

static uint64_t attempt_field(struct cursor *c)
{
    uint64_t attempt = number_field(c, "attempt");

    require(c, attempt >= 1, "an attempt from 1 on");
    return attempt;
}

static struct slice bytes_value(struct cursor *c, size_t len_max)
{
    return c->resp ? bulk(c, len_max) : quoted(c, len_max);
}

/* Whether another field follows. */
static bool is_more(struct cursor *c)
{
    return c->resp ? c->elements > 0 : peek(c) != '\n';
}

static struct slice owner_field(struct cursor *c)
{
    struct slice owner = {0};

    if (ok(c) && is_more(c)) {
        field_name(c, "owner");
        owner = bytes_value(c, OWNER_BYTES_MAX);
        require(c, owner.len > 0, "an owner of 1 to 64 bytes");
    }
    return owner;
}

static bool again_field(struct cursor *c)
{
    if (!ok(c) || !is_more(c)) {
        return false;
    }
    require(c, number_field(c, "again") == 1, "again=1 or nothing");
    return true;
}

static void end_state(struct cursor *c)
{
    if (c->resp) {
        require(c, c->elements == 0, "the end of the array");
    } else {
        expect(c, "\n");
    }
}

/* --- states: what stands behind the word ---------------------------------- */

static void claimed(struct cursor *c, struct reply *reply)
{
    reply->kind = REPLY_CLAIMED;
    reply->fence = fence_field(c);
    reply->lease_ms = number_field(c, "lease");
    reply->attempt = attempt_field(c);
    reply->again = again_field(c);
}

static void inflight(struct cursor *c, struct reply *reply)
{
    reply->kind = REPLY_INFLIGHT;
    reply->fence = fence_field(c);
    reply->age_ms = number_field(c, "age");
    reply->lease_ms = number_field(c, "lease");
    reply->retry_ms = number_field(c, "retry");
    reply->attempt = attempt_field(c);
    reply->owner = owner_field(c);
}

static void expired(struct cursor *c, struct reply *reply)
{
    reply->kind = REPLY_EXPIRED;
    reply->fence = fence_field(c);
    reply->age_ms = number_field(c, "age");
    reply->attempt = attempt_field(c);
    reply->owner = owner_field(c);
}

static void completed(struct cursor *c, struct reply *reply)
{
    reply->kind = REPLY_COMPLETED;
    expect(c, c->resp ? "" : " ");
    reply->receipt = bytes_value(c, RECEIPT_BYTES_MAX);
    reply->fence = fence_field(c);
    reply->age_ms = number_field(c, "age");
    reply->ttl_ms = number_field(c, "ttl");
}

static void not_found(struct cursor *c, struct reply *reply)
{
    (void)c;
    reply->kind = REPLY_NOT_FOUND;
}

static void swept(struct cursor *c, struct reply *reply)
{
    reply->kind = REPLY_SWEPT;
    reply->swept_scanned = number_field(c, "scanned");
    reply->swept_expired = number_field(c, "expired");
    reply->swept_retained = number_field(c, "retained");
}

/* In a line, `OK` may stand alone; in RESP that is a simple string. */
static void okay(struct cursor *c, struct reply *reply)
{
    reply->kind = REPLY_OK;
    if (ok(c) && (c->resp || is_more(c))) {
        reply->kind = REPLY_EXTENDED;
        reply->lease_ms = number_field(c, "lease");
    }
}

struct state {
    const char *word;
    void (*read)(struct cursor *c, struct reply *reply);
};

static const struct state states[] = {
    {"CLAIMED", claimed},
    {"INFLIGHT", inflight},
    {"EXPIRED", expired},
    {"COMPLETED", completed},
    {"NOT_FOUND", not_found},
    {"SWEPT", swept},
    {"OK", okay},
};

/* NULL: the word is none of a state. */
static const struct state *state_of(struct slice word)
{
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (slice_equal(word, slice_str(states[i].word))) {
            return &states[i];
        }
    }
    return NULL;
}

static void read_state(struct cursor *c, const struct state *state)
{
    state->read(c, &c->parsed->reply);
    end_state(c);
}

/* --- words without fields ------------------------------------------------- */

static const struct {
    const char *word;
    enum reply_kind kind;
} bare_words[] = {{"PONG", REPLY_PONG}, {"BYE", REPLY_BYE}, {"OK", REPLY_OK}};

/* False: it is none of them. */
static bool is_bare_word(struct slice word, enum reply_kind *kind)
{
    for (size_t i = 0; i < sizeof(bare_words) / sizeof(bare_words[0]); i++) {
        if (slice_equal(word, slice_str(bare_words[i].word))) {
            *kind = bare_words[i].kind;
            return true;
        }
    }
    return false;
}

/* --- errors --------------------------------------------------------------- */

/* Bytes that are not blank or control, up to one that is, which stays. */
static struct slice word(struct cursor *c)
{
    size_t from = kept(c);

    while (ok(c) && peek(c) > ' ' && peek(c) < 0x7f) {
        keep(c, next(c));
        require(c, kept(c) - from <= WORD_BYTES_MAX, "a shorter word");
    }
    return kept_since(c, from);
}

/* 0 where no client can see such a code. */
static int code_of(struct slice name)
{
#define X(code, sentence)                                                      \
    if (slice_equal(name, slice_str(#code))) {                                 \
        return E_##code;                                                       \
    }
    STATUS_WIRE_MAP(X)
#undef X
    return 0;
}

static struct slice sentence(struct cursor *c)
{
    size_t from = kept(c);

    while (ok(c) && peek(c) >= ' ' && peek(c) < 0x7f) {
        keep(c, next(c));
    }
    require(c, kept(c) > from, "a sentence");
    return kept_since(c, from);
}

static void code_and_sentence(struct cursor *c)
{
    struct reply *reply = &c->parsed->reply;

    reply->kind = REPLY_ERROR;
    reply->error = code_of(word(c));
    require(c, reply->error < 0, "an error code");
    expect(c, " ");
    c->parsed->sentence = sentence(c);
}

/* Behind `-`. */
static void resp_error(struct cursor *c)
{
    struct reply *reply = &c->parsed->reply;

    if (peek(c) == 'E' && ok(c)) {
        expect(c, "ERR unknown command");
        *reply = reply_error(E_UNKNOWN_COMMAND);
    } else {
        code_and_sentence(c);
        require(c, reply->error != E_UNKNOWN_COMMAND,
                "ERR for an unknown command");
    }
    expect(c, "\r\n");
}

/* --- lists ---------------------------------------------------------------- */

static struct parsed_item *add_item(struct cursor *c)
{
    static struct parsed_item nowhere;
    struct parsed *parsed = c->parsed;

    require(c, parsed->items_count < PARSED_ITEMS_MAX, "a shorter list");
    return ok(c) ? &parsed->items[parsed->items_count++] : &nowhere;
}

/* Behind `STATS` or `HELP`: how many lines follow, and those. */
static void list_lines(struct cursor *c, bool has_values)
{
    uint64_t count;

    expect(c, " ");
    count = digits(c);
    expect(c, "\n");
    for (uint64_t i = 0; ok(c) && i < count; i++) {
        struct parsed_item *item = add_item(c);

        if (has_values) {
            item->name = word(c);
            expect(c, " ");
            item->value = word(c);
            require(c, item->name.len > 0 && item->value.len > 0,
                    "a name and a value");
        } else {
            item->name = sentence(c);
        }
        expect(c, "\n");
    }
}

/* A number's digits as bytes, as a line has them. */
static struct slice number_or_bulk(struct cursor *c)
{
    char text[32];
    size_t from = kept(c);

    if (peek(c) != ':') {
        return bulk(c, STATS_NAME_BYTES_MAX);
    }
    take_element(c);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)header(c, ":"));
    for (const char *p = text; ok(c) && *p != '\0'; p++) {
        keep(c, (uint8_t)*p);
    }
    return kept_since(c, from);
}

/* The first element was read: a name of STATS, or a line of HELP, which are
 * told apart by the blanks that the latter has. */
static void list_elements(struct cursor *c, struct slice first)
{
    bool is_help = first.len > 0 && memchr(first.data, ' ', first.len) != NULL;

    c->parsed->reply.kind = is_help ? REPLY_HELP : REPLY_STATS;
    add_item(c)->name = first;
    while (ok(c) && (is_help ? c->elements > 0 : true)) {
        if (is_help) {
            add_item(c)->name = bulk(c, 4096);
            continue;
        }
        c->parsed->items[c->parsed->items_count - 1].value = number_or_bulk(c);
        if (c->elements == 0) {
            break;
        }
        add_item(c)->name = bulk(c, STATS_NAME_BYTES_MAX);
    }
}

/* --- replies -------------------------------------------------------------- */

static void read_array(struct cursor *c)
{
    struct slice first;
    const struct state *state;

    c->elements = header(c, "*");
    first = bulk(c, 4096);
    if (!ok(c)) {
        return;
    }
    state = state_of(first);
    if (state != NULL) {
        read_state(c, state);
    } else {
        list_elements(c, first);
    }
}

static void read_simple(struct cursor *c)
{
    struct slice name = word(c);

    require(c, is_bare_word(name, &c->parsed->reply.kind), "OK, PONG or BYE");
    expect(c, "\r\n");
}

static void read_resp(struct cursor *c)
{
    switch (peek(c)) {
    case '*':
        read_array(c);
        break;
    case '+':
        next(c);
        read_simple(c);
        break;
    case '-':
        next(c);
        resp_error(c);
        break;
    default:
        wrong(c, "one of * + -");
    }
}

static void read_line(struct cursor *c)
{
    struct reply *reply = &c->parsed->reply;
    struct slice name = word(c);
    const struct state *state = ok(c) ? state_of(name) : NULL;

    if (state != NULL) {
        read_state(c, state);
    } else if (slice_equal(name, slice_str("ERR"))) {
        expect(c, " ");
        code_and_sentence(c);
        expect(c, "\n");
    } else if (slice_equal(name, slice_str("STATS"))) {
        reply->kind = REPLY_STATS;
        list_lines(c, true);
    } else if (slice_equal(name, slice_str("HELP"))) {
        reply->kind = REPLY_HELP;
        list_lines(c, false);
    } else {
        require(c, is_bare_word(name, &reply->kind), "the word of a reply");
        expect(c, "\n");
    }
}

/* Clears the last reply and makes room for all that this one can have. */
static void begin(struct parsed *parsed, size_t len)
{
    struct buf memory = parsed->memory;

    buf_clear(&memory);
    CHECK(buf_reserve(&memory, 2 * len + 64) != NULL);
    *parsed = (struct parsed){.memory = memory};
}

enum parse_state reply_parse(struct parsed *parsed, bool resp,
                             struct slice input)
{
    struct cursor c = {
        .parsed = parsed,
        .in = input,
        .resp = resp,
        .state = PARSE_REPLY,
    };

    begin(parsed, input.len);
    if (resp) {
        read_resp(&c);
    } else {
        read_line(&c);
    }
    parsed->used = ok(&c) ? c.at : 0;
    return c.state;
}

void parsed_release(struct parsed *parsed)
{
    buf_release(&parsed->memory);
    *parsed = (struct parsed){0};
}
