/* Table files: a damaged block makes the keys in it CORRUPT, a file that is
 * damaged as a whole, or not the right one, is refused. */
#include "base/banned.h"
#include "tests/damage/judge.h"
#include "tests/lib/site.h"

static struct judge j;

enum { FOOTER_BYTES = 53 };

/* The end of the name of a property, and its value. */
#define FAMILY_ROWS "namerows"
#define FAMILY_DUE  "namedue"
#define FAMILY_META "namedefault"

static bool is_table(size_t file)
{
    return strstr(j.tree.names[file], ".sst") != NULL;
}

/* The name of the column family stands among the properties of the file. */
static bool is_of(size_t file, const char *family)
{
    struct buf content = {0};
    struct slice bytes;
    bool found;

    file_read(tree_path(j.data, j.tree.names[file]), &content);
    bytes = buf_slice(&content);
    found = memmem(bytes.data, bytes.len, family, strlen(family)) != NULL;
    buf_release(&content);
    return found;
}

static void harm_table(size_t file)
{
    size_t size = j.tree.sizes[file];

    judge_positions(&j, file, 0, size - FOOTER_BYTES, judge_step(640, 32), 64);
    judge_whole(&j, file);
    for (size_t bit = 8 * (size - FOOTER_BYTES); bit < 8 * size;
         bit += judge_step(23, 1)) {
        judge_harm(&j, &(struct harm){.kind = HARM_BIT,
                                      .name = j.tree.names[file],
                                      .at = bit});
    }
}

static void harm_tables_of(enum golden_kind kind, const char *family,
                           const char *title)
{
    unsigned files = 0;

    judge_open(&j, kind);
    judge_begin(&j, title);
    for (size_t file = 0; file < j.tree.count; file++) {
        if (is_table(file) && is_of(file, family)) {
            harm_table(file);
            files++;
        }
    }
    judge_random(&j, ".sst", (unsigned)judge_step(20, 1000));
    judge_close(&j);
    ck_assert_uint_gt(files, 0);
}

START_TEST(no_damage_to_a_table_file_of_rows_loses_a_key)
{
    harm_tables_of(GOLDEN_TABLES, FAMILY_ROWS, "table files of rows");
}
END_TEST

START_TEST(no_damage_to_a_table_file_of_the_index_loses_a_key)
{
    harm_tables_of(GOLDEN_TABLES, FAMILY_DUE, "table files of the index");
}
END_TEST

START_TEST(no_damage_to_a_table_file_of_meta_rows_loses_a_key)
{
    harm_tables_of(GOLDEN_TABLES, FAMILY_META, "table files of meta rows");
}
END_TEST

START_TEST(exchanged_files_lose_no_key)
{
    judge_open(&j, GOLDEN_MIXED);
    judge_begin(&j, "any two files");
    for (size_t a = 0; a < j.tree.count; a++) {
        for (size_t b = a + 1; b < j.tree.count; b += judge_step(3, 1)) {
            judge_harm(&j, &(struct harm){.kind = HARM_SWAP,
                                          .name = j.tree.names[a],
                                          .other = j.tree.names[b]});
        }
    }
    judge_close(&j);
}
END_TEST

SUITE(damaged_tables, 7200, no_damage_to_a_table_file_of_rows_loses_a_key,
      no_damage_to_a_table_file_of_the_index_loses_a_key,
      no_damage_to_a_table_file_of_meta_rows_loses_a_key,
      exchanged_files_lose_no_key)
