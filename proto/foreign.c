/* Lines of protocols that are not ours, told by how they begin or end. */
#include "base/check.h"
#include "proto/verbs.h"
#include "proto/words.h"

static const struct slice http_version = {(const uint8_t *)"HTTP/", 5};
static const struct slice host_header = {(const uint8_t *)"Host:", 5};
/* A record of a handshake, and the first byte of its version. */
static const struct slice tls_record = {(const uint8_t *)"\x16\x03", 2};

static bool has_prefix(struct slice bytes, struct slice prefix)
{
    return bytes.len >= prefix.len &&
           slice_equal(slice_of(bytes.data, prefix.len), prefix);
}

/* Behind the last space; all of it where there is none. */
static struct slice last_word(struct slice line)
{
    size_t at = line.len;

    while (at > 0 && line.data[at - 1] != ' ') {
        at--;
    }
    return slice_of(line.data + at, line.len - at);
}

bool proto_is_foreign(const struct proto_frame *frame, struct slice input)
{
    struct slice line = slice_of(input.data, frame->bytes);

    if (frame->framing != FRAMING_LINE) {
        return false;
    }
    return has_prefix(line, tls_record) ||
           has_prefix(last_word(line), http_version) ||
           (line.len >= host_header.len &&
            equal_in_any_case(slice_of(line.data, host_header.len),
                              host_header));
}
