/* The files beside tables, logs and MANIFEST, and their older copies. */
#include "base/banned.h"
#include "tests/damage/judge.h"

static struct judge j;

START_TEST(no_damage_to_a_small_file_loses_a_key)
{
    judge_open(&j, GOLDEN_MIXED);
    for (size_t file = 0; file < j.tree.count; file++) {
        size_t size = j.tree.sizes[file];
        const char *name = j.tree.names[file];

        if (strstr(name, ".sst") != NULL || strstr(name, ".log") != NULL ||
            strstr(name, "MANIFEST") != NULL) {
            continue;
        }
        judge_begin(&j, name);
        judge_positions(&j, file, 0, size,
                        size < 100 ? judge_step(3, 1) : judge_step(4096, 64),
                        8);
        judge_whole(&j, file);
    }
    judge_close(&j);
}
END_TEST

SUITE(damaged_small_files, 3600, no_damage_to_a_small_file_loses_a_key)
