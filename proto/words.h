/* The words of one request: what both framings make of its bytes, and what the
 * command is decoded from. Private to proto/. */
#ifndef PROTO_WORDS_H
#define PROTO_WORDS_H

#include "proto/proto.h"

enum word_form {
    WORD_BARE,    /* a line's, or one whose value alone is quoted */
    WORD_QUOTED,  /* a line's, in quotes as a whole */
    WORD_COUNTED, /* RESP's: its length was given, any bytes */
};

struct word {
    struct slice bytes; /* escapes resolved */
    enum word_form form;
};

/* The words behind the verb. Their bytes belong to the scratch memory that
 * they were read into. */
enum { WORDS_BEHIND_VERB_MAX = PROTO_WORDS_MAX - 1 };
struct words {
    struct word items[WORDS_BEHIND_VERB_MAX];
    size_t count;
};

/* The request that `frame` describes: all a framing has to bring along. */
struct request_bytes {
    const struct proto_frame *frame;
    struct slice input;
    uint8_t *scratch; /* frame->bytes of room */
};

/* proto_frame() for one framing; the input is not empty and `bytes_max` is the
 * longest request. */
enum proto_state line_frame(struct proto_frame *frame, struct slice input,
                            size_t bytes_max);
enum proto_state resp_frame(struct proto_frame *frame, struct slice input,
                            size_t bytes_max, int *status);

/* Finds the verb's name in the input. E_SYNTAX: the line does not begin with a
 * bare word; *sentence then says more. */
must_check int line_verb(const struct request_bytes *request,
                         struct slice *name, const char **sentence);
struct slice resp_verb(const struct request_bytes *request);

/* Reads the words behind the verb, which was found before, into the scratch
 * memory. E_SYNTAX: a word is malformed, or there are more than any request
 * has; *sentence then says more. */
must_check int line_words(const struct request_bytes *request,
                          struct words *words, const char **sentence);
must_check int resp_words(const struct request_bytes *request,
                          struct words *words, const char **sentence);

/* Splits `name=value`: which option the name is, and the value, which borrows
 * the word. OPTION_COUNT: no `=`, or no such name; then *value has no data
 * without a `=`. */
enum option_index option_split(struct slice word, struct slice *value);

/* Says why and fails: return refuse(E_SYNTAX, "…", sentence); */
static inline int refuse(int status, const char *because, const char **sentence)
{
    *sentence = because;
    return status;
}

#define SENTENCE_TOO_MANY_WORDS "too many arguments and options"

#endif
