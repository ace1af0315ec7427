#include "proto/proto.h"

#include "base/banned.h"

/* A byte takes at most four in a line (\xHH); the rest is room for the verb,
 * the options and RESP's headers. */
enum { BYTES_PER_BYTE = 4, REST_BYTES = 4096 };

size_t proto_request_bytes_max(const struct proto_limits *limits)
{
    return BYTES_PER_BYTE *
               (limits->key_bytes_max + limits->receipt_bytes_max) +
           REST_BYTES;
}

static bool is_letter_or_digit(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c >= '0' && c <= '9');
}

bool proto_is_namespace(struct slice name)
{
    if (name.len == 0 || name.len > NAMESPACE_BYTES_MAX ||
        !is_letter_or_digit(name.data[0])) {
        return false;
    }
    for (size_t i = 1; i < name.len; i++) {
        uint8_t c = name.data[i];

        if (!is_letter_or_digit(c) && c != '.' && c != '_' && c != '-') {
            return false;
        }
    }
    return true;
}
