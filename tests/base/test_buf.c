#include "base/buf.h"
#include "tests/lib/runner.h"

START_TEST(appended_bytes_are_taken_in_order)
{
    struct buf buf = {0};

    buf_append_str(&buf, "abc");
    buf_append_u64(&buf, 0);
    buf_append_u64(&buf, UINT64_MAX);
    buf_take(&buf, 2);
    ck_assert(
        slice_equal(buf_slice(&buf), slice_str("c018446744073709551615")));
    buf_release(&buf);
}
END_TEST

SUITE(buf, 10, appended_bytes_are_taken_in_order)
