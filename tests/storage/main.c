#include "tests/lib/runner.h"

#include <stddef.h>

suite_fn suite_stream;
suite_fn suite_codec;
suite_fn suite_head_cache;
suite_fn suite_record;
suite_fn suite_due_entry;
suite_fn suite_layout;
suite_fn suite_streams;
suite_fn suite_conformance;
suite_fn suite_conformance_sweep;
suite_fn suite_conformance_lasting;
suite_fn suite_store_faulty;
suite_fn suite_ballast;
suite_fn suite_data_dir;
suite_fn suite_store_rocks;
suite_fn suite_lost_writes;

suite_fn *const suites[] = {
    suite_stream,
    suite_codec,
    suite_head_cache,
    suite_record,
    suite_due_entry,
    suite_layout,
    suite_streams,
    suite_conformance,
    suite_conformance_sweep,
    suite_conformance_lasting,
    suite_store_faulty,
    suite_ballast,
    suite_data_dir,
    suite_store_rocks,
    suite_lost_writes,
    NULL,
};
