#include "tests/hostile/usage.h"

#include "base/banned.h"

#include <check.h>
#include <dirent.h>
#include <unistd.h>

enum { PATH_BYTES = 64, TEXT_BYTES = 4096 };

static const char *path_of(const struct process *process, const char *name)
{
    static char path[PATH_BYTES];

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)process->pid, name);
    return path;
}

static const char *text_of(const struct process *process, const char *name)
{
    static char text[TEXT_BYTES];
    FILE *file = fopen(path_of(process, name), "re");
    size_t len;

    ck_assert_ptr_nonnull(file);
    len = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[len] = '\0';
    return text;
}

static long kib_behind(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    ck_assert_ptr_nonnull(at);
    return strtol(at + strlen(name), NULL, 10);
}

/* The 14th and 15th word of it; the name, the second, may hold blanks. */
static long cpu_ms_in(const char *stat)
{
    const char *at = strrchr(stat, ')');
    long ticks = 0;

    ck_assert_ptr_nonnull(at);
    for (int word = 2; word <= 15; word++) {
        ticks += word >= 14 ? strtol(at, NULL, 10) : 0;
        at = strchr(at + 1, ' ');
        ck_assert_ptr_nonnull(at);
    }
    return ticks * 1000 / sysconf(_SC_CLK_TCK);
}

static long descriptors_of(const struct process *process)
{
    DIR *dir = opendir(path_of(process, "fd"));
    const struct dirent *entry;
    long count = 0;

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)) != NULL) {
        count += entry->d_name[0] != '.';
    }
    closedir(dir);
    return count;
}

struct usage usage_of(const struct process *process)
{
    struct usage usage = {0};
    const char *rollup = text_of(process, "smaps_rollup");

    usage.rss_kib = kib_behind(rollup, "\nRss:");
    usage.anonymous_kib = kib_behind(rollup, "\nAnonymous:");
    usage.cpu_ms = cpu_ms_in(text_of(process, "stat"));
    usage.descriptors = descriptors_of(process);
    return usage;
}

void usage_await_descriptors(const struct process *process, long most)
{
    uint64_t until_ms = now_ms() + WAIT_MS;

    while (descriptors_of(process) > most) {
        ck_assert_msg(left_ms(until_ms) > 0, "%ld descriptors stay open",
                      descriptors_of(process));
        pace();
    }
}
