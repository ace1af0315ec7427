/* Write-ahead logs: nothing that was acknowledged may be missing from them. */
#include "base/banned.h"
#include "tests/damage/judge.h"

static struct judge j;

enum { LOG_BLOCK = 32768, HEADER = 7 };

START_TEST(no_damage_to_the_only_log_file_loses_a_key)
{
    size_t file;

    judge_open(&j, GOLDEN_LOG);
    judge_begin(&j, "one log file");
    file = tree_find(&j.tree, ".log");
    judge_positions(&j, file, 0, j.tree.sizes[file], judge_step(64, 8), 64);
    judge_whole(&j, file);
    judge_close(&j);
}
END_TEST

/* Around the borders of the blocks, where a record may begin anew. */
static void harm_block_borders(size_t file)
{
    size_t size = j.tree.sizes[file];

    for (size_t at = 0; at < size; at += LOG_BLOCK) {
        size_t to = at + 4 * HEADER < size ? at + 4 * HEADER : size;

        judge_positions(&j, file, at, to, HEADER, LOG_BLOCK);
    }
}

START_TEST(no_damage_to_one_of_several_log_files_loses_a_key)
{
    judge_open(&j, GOLDEN_LOGS);
    judge_begin(&j, "several log files");
    for (size_t file = 0; file < j.tree.count; file++) {
        if (strstr(j.tree.names[file], ".log") != NULL) {
            judge_positions(&j, file, 0, j.tree.sizes[file],
                            judge_step(4096, 256), 4096);
            harm_block_borders(file);
            judge_whole(&j, file);
        }
    }
    judge_random(&j, ".log", (unsigned)judge_step(100, 5000));
    judge_close(&j);
}
END_TEST

SUITE(damaged_logs, 7200, no_damage_to_the_only_log_file_loses_a_key,
      no_damage_to_one_of_several_log_files_loses_a_key)
