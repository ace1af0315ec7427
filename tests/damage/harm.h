/* One damage to one file of a data directory. */
#ifndef TESTS_DAMAGE_HARM_H
#define TESTS_DAMAGE_HARM_H

#include <stddef.h>
#include <stdint.h>

/* X(NAME, what is done) */
#define HARM_MAP(X)                                                            \
    X(BIT, "one bit flipped")                                                  \
    X(ZEROS, "bytes zeroed")                                                   \
    X(NOISE, "bytes overwritten at random")                                    \
    X(HOLE, "a hole punched")                                                  \
    X(CUT, "tail cut")                                                         \
    X(MORE_ZEROS, "zeros appended")                                            \
    X(MORE_NOISE, "random bytes appended")                                     \
    X(EMPTY, "emptied")                                                        \
    X(DELETE, "deleted")                                                       \
    X(SWAP, "exchanged with another")                                          \
    X(OLDER, "an older copy put back")

enum harm_kind {
#define X(name, text) HARM_##name,
    HARM_MAP(X)
#undef X
        HARM_KINDS
};

struct harm {
    enum harm_kind kind;
    const char *name;  /* of the file, from the data directory */
    const char *other; /* SWAP: the other file · OLDER: the other directory */
    uint64_t at;       /* BIT: of the bit · where bytes begin · CUT: what is
                          left */
    size_t len;        /* ZEROS, NOISE, HOLE, MORE_…: bytes */
    uint64_t seed;     /* NOISE, MORE_NOISE */
};

const char *harm_text(enum harm_kind kind);

void harm_do(const struct harm *harm, const char *dir);

/* The next number of a sequence that begins with any seed. */
uint64_t harm_random(uint64_t *state);

#endif
