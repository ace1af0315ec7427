#include "base/check.h"
#include "proto/words.h"

enum proto_state proto_frame(struct proto_frame *frame, struct slice input,
                             const struct proto_limits *limits, int *status)
{
    size_t bytes_max = proto_request_bytes_max(limits);
    enum proto_state state;

    CHECK(bytes_max <= UINT32_MAX); /* or a span could not hold an offset */
    CHECK(frame->bytes <= input.len);
    if (input.len == 0) {
        return PROTO_MORE;
    }
    if (frame->bytes == 0) {
        frame->framing = input.data[0] == '*' ? FRAMING_RESP : FRAMING_LINE;
    }
    if (frame->framing == FRAMING_RESP) {
        return resp_frame(frame, input, bytes_max, status);
    }
    state = line_frame(frame, input, bytes_max);
    if (state == PROTO_HOPELESS) {
        *status = E_LIMIT;
    }
    return state;
}
