/* Random streams: whatever they hold, nothing reads or writes beyond its
 * memory, every error has its status, and cutting changes nothing. The checks
 * are proto_io's; the seeds are fixed. */
#include "base/check.h"
#include "tests/lib/proto_io.h"
#include "tests/lib/runner.h"

enum { STREAM_BYTES_MAX = 160 };

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static size_t below(uint64_t *state, size_t bound)
{
    return (size_t)(next_random(state) >> 11) % bound;
}

/* Pieces that streams are made of, so that many get past the first byte. */
static const char *const pieces[] = {
    "CLAIM",   "COMPLETE ",  "RELEASE", "EXTEND ",
    "LOOKUP ", "NAMESPACE ", "SWEEP",   "PING",
    "STATS",   "HELP",       "QUIT",    "FROB ",
    " ",       "\t",         "\n",      "\r\n",
    "\r",      "\"",         "\\",      "\\x",
    "\\n",     "=",          "k ",      "ttl=",
    " lease=", "owner=\"",   "fp=",     "fence=",
    "5s",      "0",          "*",       "*1\r\n",
    "*2\r\n",  "*3\r\n",     "*13\r\n", "$",
    "$0\r\n",  "$1\r\n",     "$4\r\n",  "$6\r\n",
    "$-1\r\n", "$99999\r\n", "1",       "9223372036854775807",
    "\x7f",    "\xff",       "a=b",
};

static void append_piece(struct buf *to, uint64_t *state)
{
    size_t count = sizeof(pieces) / sizeof(pieces[0]);
    size_t which = below(state, count + 1);

    if (which == count) {
        buf_append_byte(to, (uint8_t)next_random(state));
    } else {
        buf_append_str(to, pieces[which]);
    }
}

static void append_noise(struct buf *to, uint64_t *state)
{
    buf_append_byte(to, (uint8_t)(next_random(state) >> 16));
}

/* A request that is whole, with one byte changed more often than not. */
static void append_damaged(struct buf *to, uint64_t *state)
{
    static const char *const lines[] = {
        "CLAIM k lease=1s ttl=2s owner=o fp=f",
        "COMPLETE k r fence=12 ttl=1s",
        "RELEASE k fence=7",
        "EXTEND k fence=7 lease=1s",
        "LOOKUP k",
        "NAMESPACE a.b",
        "PING",
        "FROB a b c d e f g h i j k l m",
    };
    const char *line = lines[below(state, sizeof(lines) / sizeof(lines[0]))];
    size_t start = buf_len(to);

    if (below(state, 2) == 0) {
        resp_append_split(to, line);
    } else {
        buf_append_str(to, line);
        buf_append_byte(to, '\n');
    }
    if (below(state, 4) != 0) {
        to->data[start + below(state, buf_len(to) - start)] =
            (uint8_t)(next_random(state) >> 16);
    }
}

typedef void append_fn(struct buf *to, uint64_t *state);

static void fuzz(uint64_t seed, int rounds, append_fn *append)
{
    uint64_t state = seed;
    struct buf stream = {0};
    struct buf whole = {0};
    struct buf cut = {0};

    for (int i = 0; i < rounds; i++) {
        size_t len = 1 + below(&state, STREAM_BYTES_MAX);
        size_t first;

        buf_clear(&stream);
        buf_clear(&whole);
        buf_clear(&cut);
        while (buf_len(&stream) < len) {
            append(&stream, &state);
        }
        first = below(&state, buf_len(&stream) + 1);
        proto_io_read(&whole, buf_slice(&stream), buf_len(&stream), 1,
                      &proto_io_limits);
        proto_io_read(&cut, buf_slice(&stream), first, 1 + below(&state, 32),
                      &proto_io_limits);
        ck_assert_msg(slice_equal(buf_slice(&whole), buf_slice(&cut)),
                      "seed %llu round %d: %s instead of %s",
                      (unsigned long long)seed, i, (const char *)cut.data,
                      (const char *)whole.data);
    }
    buf_release(&stream);
    buf_release(&whole);
    buf_release(&cut);
}

START_TEST(random_bytes_do_no_harm)
{
    fuzz(UINT64_C(0x9e3779b97f4a7c15), 100000, append_noise);
}
END_TEST

START_TEST(random_pieces_do_no_harm)
{
    fuzz(UINT64_C(0x2545f4914f6cdd1d), 100000, append_piece);
}
END_TEST

START_TEST(damaged_requests_do_no_harm)
{
    fuzz(UINT64_C(0x853c49e6748fea9b), 100000, append_damaged);
}
END_TEST

SUITE(fuzz, 120, random_bytes_do_no_harm, random_pieces_do_no_harm,
      damaged_requests_do_no_harm)
