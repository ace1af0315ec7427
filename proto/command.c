/* Words to commands. A bound that is broken is noted and the rest still read,
 * because a malformed request is E_SYNTAX whatever else is wrong with it. */
#include "base/check.h"
#include "base/units.h"
#include "proto/verbs.h"
#include "proto/words.h"

struct decoder {
    const struct proto_limits *limits;
    struct command *command;
    const char *out_of_bounds; /* the first bound broken; NULL: none */
    const char **sentence;
};

static void check_bound(struct decoder *decoder, bool within,
                        const char *sentence)
{
    if (!within && decoder->out_of_bounds == NULL) {
        decoder->out_of_bounds = sentence;
    }
}

enum option_index option_split(struct slice word, struct slice *value)
{
    const uint8_t *equals =
        word.len > 0 ? memchr(word.data, '=', word.len) : NULL;
    size_t name_len;

    *value = (struct slice){0};
    if (equals == NULL) {
        return OPTION_COUNT;
    }
    name_len = (size_t)(equals - word.data);
    *value = slice_of(equals + 1, word.len - name_len - 1);
    return option_find(slice_of(word.data, name_len));
}

static void set_key(struct decoder *decoder, struct slice key)
{
    check_bound(decoder,
                key.len > 0 && key.len <= decoder->limits->key_bytes_max,
                "the key is empty or longer than max_key");
    decoder->command->key = key;
}

static void set_receipt(struct decoder *decoder, struct slice receipt)
{
    check_bound(decoder, receipt.len <= decoder->limits->receipt_bytes_max,
                "the receipt is longer than max_receipt");
    decoder->command->receipt = receipt;
}

static void set_name(struct decoder *decoder, struct slice name)
{
    check_bound(decoder, proto_is_namespace(name),
                "a namespace is 1 to 64 of A-Z a-z 0-9 . _ - and starts with "
                "a letter or digit");
    decoder->command->name = name;
}

/* A line's word that was meant as an option is never taken for a key or a
 * receipt, so that a forgotten argument is not stored. */
static int check_positionals(struct decoder *decoder, const struct words *words,
                             size_t count)
{
    struct slice value;

    if (words->count < count) {
        return refuse(E_SYNTAX, "too few arguments, try HELP",
                      decoder->sentence);
    }
    for (size_t i = 0; i < count; i++) {
        if (words->items[i].form == WORD_BARE &&
            option_split(words->items[i].bytes, &value) != OPTION_COUNT) {
            return refuse(E_SYNTAX,
                          "an option stands where an argument is missing; if "
                          "it is the argument, quote it",
                          decoder->sentence);
        }
    }
    return 0;
}

static void set_positionals(struct decoder *decoder, enum arguments arguments,
                            const struct words *words)
{
    switch (arguments) {
    case ARGUMENTS_NONE:
        break;
    case ARGUMENTS_KEY:
        set_key(decoder, words->items[0].bytes);
        break;
    case ARGUMENTS_KEY_RECEIPT:
        set_key(decoder, words->items[0].bytes);
        set_receipt(decoder, words->items[1].bytes);
        break;
    case ARGUMENTS_NAMESPACE:
        set_name(decoder, words->items[0].bytes);
        break;
    }
}

static int set_duration(struct decoder *decoder, struct slice text,
                        uint64_t max_ms, uint64_t *out_ms)
{
    int status = units_parse_duration_ms(text, out_ms);

    if (status == E_SYNTAX) {
        return refuse(E_SYNTAX, "a duration is digits and ms, s, m, h or d",
                      decoder->sentence);
    }
    check_bound(decoder, status == 0 && *out_ms > 0 && *out_ms <= max_ms,
                "a duration is 0 or above its maximum");
    return 0;
}

static int set_fence(struct decoder *decoder, struct slice text)
{
    if (text.len > FENCE_DIGITS_MAX ||
        units_parse_number(text, &decoder->command->fence) < 0) {
        return refuse(E_SYNTAX, "a fence is 1 to 16 digits", decoder->sentence);
    }
    return 0;
}

static int set_token(struct decoder *decoder, struct slice value,
                     size_t bytes_max, struct slice *out)
{
    check_bound(decoder, value.len > 0 && value.len <= bytes_max,
                "owner and fp are 1 to 64 bytes");
    *out = value;
    return 0;
}

static int set_option(struct decoder *decoder, enum option_index index,
                      struct slice value)
{
    const struct proto_limits *limits = decoder->limits;
    struct command *command = decoder->command;

    switch (index) {
    case OPTION_INDEX_LEASE:
        return set_duration(decoder, value, limits->lease_ms_max,
                            &command->lease_ms);
    case OPTION_INDEX_TTL:
        return set_duration(decoder, value, limits->ttl_ms_max,
                            &command->ttl_ms);
    case OPTION_INDEX_OWNER:
        return set_token(decoder, value, OWNER_BYTES_MAX, &command->owner);
    case OPTION_INDEX_FP:
        return set_token(decoder, value, FINGERPRINT_BYTES_MAX, &command->fp);
    case OPTION_INDEX_FENCE:
    case OPTION_COUNT:
    default:
        CHECK(index == OPTION_INDEX_FENCE); /* read_option() has looked */
        return set_fence(decoder, value);
    }
}

static int read_option(struct decoder *decoder, unsigned allowed,
                       const struct word *word)
{
    struct slice value;
    enum option_index index = option_split(word->bytes, &value);
    unsigned bit = 1U << index;

    if (word->form == WORD_QUOTED || value.data == NULL) {
        return refuse(E_SYNTAX, "too many arguments, or an option without =",
                      decoder->sentence);
    }
    if (index == OPTION_COUNT) {
        return refuse(E_SYNTAX, "no such option", decoder->sentence);
    }
    if ((allowed & bit) == 0) {
        return refuse(E_SYNTAX, "this command does not take that option",
                      decoder->sentence);
    }
    if ((decoder->command->given & bit) != 0) {
        return refuse(E_SYNTAX, "an option is given twice", decoder->sentence);
    }
    decoder->command->given |= bit;
    return set_option(decoder, index, value);
}

static int decode_words(struct decoder *decoder, const struct words *words)
{
    const struct verb_info *info = verb_info(decoder->command->verb);
    size_t count = arguments_count(info->arguments);
    int status = check_positionals(decoder, words, count);

    if (status < 0) {
        return status;
    }
    set_positionals(decoder, info->arguments, words);
    for (size_t i = count; i < words->count; i++) {
        status = read_option(decoder, info->options, &words->items[i]);
        if (status < 0) {
            return status;
        }
    }
    if (decoder->out_of_bounds != NULL) {
        return refuse(E_LIMIT, decoder->out_of_bounds, decoder->sentence);
    }
    return 0;
}

static int read_verb(const struct request_bytes *request,
                     struct command *command, const char **sentence)
{
    struct slice name;

    if (request->frame->framing == FRAMING_RESP) {
        name = resp_verb(request);
    } else if (line_verb(request, &name, sentence) < 0) {
        return E_SYNTAX;
    }
    command->verb = verb_find(name);
    return command->verb == VERB_COUNT ? E_UNKNOWN_COMMAND : 0;
}

int proto_command(const struct proto_frame *frame, struct slice input,
                  const struct proto_limits *limits, uint8_t *scratch,
                  struct command *command, const char **sentence)
{
    struct request_bytes request = {frame, input, scratch};
    struct decoder decoder = {limits, command, NULL, sentence};
    struct words words;
    int status;

    CHECK(frame->bytes > 0 && frame->bytes <= input.len);
    *command = (struct command){.verb = VERB_COUNT};
    *sentence = NULL;
    status = read_verb(&request, command, sentence);
    if (status < 0) {
        return status;
    }
    status = frame->framing == FRAMING_RESP
                 ? resp_words(&request, &words, sentence)
                 : line_words(&request, &words, sentence);
    return status < 0 ? status : decode_words(&decoder, &words);
}
