#include "tests/faults/figures.h"

#include "base/banned.h"

#include <check.h>
#include <unistd.h>

void figures_add(struct figures *figures, uint64_t ms)
{
    ck_assert_uint_lt(figures->count, FIGURES_MAX);
    figures->ms[figures->count++] = ms;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

uint64_t figures_print(struct figures *figures, const char *what)
{
    uint64_t largest;

    ck_assert_uint_gt(figures->count, 0);
    qsort(figures->ms, figures->count, sizeof(figures->ms[0]), by_size);
    largest = figures->ms[figures->count - 1];
    printf("%s: %u times, median %llu ms, at most %llu ms\n", what,
           figures->count, (unsigned long long)figures->ms[figures->count / 2],
           (unsigned long long)largest);
    fflush(stdout);
    return largest;
}

unsigned how_often(unsigned usual, unsigned all)
{
    return getenv("FAULTS_ALL") != NULL ? all : usual;
}

unsigned random_below(unsigned limit)
{
    static uint64_t state;

    if (state == 0) {
        const char *given = getenv("FAULTS_SEED");

        state = given != NULL ? strtoull(given, NULL, 10) : now_ms();
        printf("FAULTS_SEED=%llu\n", (unsigned long long)state);
        fflush(stdout);
        state |= 1;
    }
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((state >> 33) % limit);
}

uint64_t process_cpu_ms(const struct process *process)
{
    char path[64];
    char line[1024];
    unsigned long long user;
    unsigned long long system;
    const char *at;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)process->pid);
    file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
    fclose(file);
    /* Behind the name, which may hold anything: the 14th and 15th field. */
    at = strrchr(line, ')');
    ck_assert_ptr_nonnull(at);
    ck_assert_int_eq(sscanf(at + 1,
                            " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
                            "%llu %llu",
                            &user, &system),
                     2);
    return (uint64_t)(user + system) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

uint64_t process_status_kib(const struct process *process, const char *name)
{
    char path[64];
    char line[256];
    uint64_t kib = 0;
    size_t len = strlen(name);
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)process->pid);
    file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, name, len) == 0 && line[len] == ':') {
            kib = strtoull(line + len + 1, NULL, 10);
        }
    }
    fclose(file);
    return kib;
}

void skipped(const char *why)
{
    printf("skipped: %s\n", why);
    fflush(stdout);
}
