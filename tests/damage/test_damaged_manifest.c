/* The MANIFEST, with what it lists in log files, in table files, and in both.
 */
#include "base/banned.h"
#include "tests/damage/judge.h"

static struct judge j;

static void harm_manifest(enum golden_kind kind, const char *title)
{
    size_t file;

    judge_open(&j, kind);
    judge_begin(&j, title);
    file = tree_find(&j.tree, "MANIFEST");
    judge_positions(&j, file, 0, j.tree.sizes[file], judge_step(32, 1), 64);
    judge_whole(&j, file);
    judge_close(&j);
}

START_TEST(no_damage_to_the_manifest_loses_a_key_of_the_log)
{
    harm_manifest(GOLDEN_LOG, "MANIFEST with a log file");
}
END_TEST

START_TEST(no_damage_to_the_manifest_loses_a_key_of_logs)
{
    harm_manifest(GOLDEN_LOGS, "MANIFEST with log files");
}
END_TEST

START_TEST(no_damage_to_the_manifest_loses_a_key_of_tables_and_log)
{
    harm_manifest(GOLDEN_MIXED, "MANIFEST with tables and a log file");
}
END_TEST

START_TEST(no_damage_to_the_manifest_loses_a_key_of_tables)
{
    harm_manifest(GOLDEN_TABLES, "MANIFEST with tables");
}
END_TEST

SUITE(damaged_manifest, 7200, no_damage_to_the_manifest_loses_a_key_of_the_log,
      no_damage_to_the_manifest_loses_a_key_of_logs,
      no_damage_to_the_manifest_loses_a_key_of_tables_and_log,
      no_damage_to_the_manifest_loses_a_key_of_tables)
