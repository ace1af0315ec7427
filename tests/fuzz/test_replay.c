/* What fuzzing has found, again: every file of corpus/ and of fixed/ through
 * its target, without the fuzzer. Run from the top of the tree. */
#include "base/check.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/runner.h"

#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file that runs, for whoever has to look into it. */
static char current[PATH_MAX];

static void say(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0) {
        return; /* nowhere is left to say so */
    }
}

static void name_current(int number)
{
    say("the target dies of ");
    say(current);
    say("\n");
    (void)raise(number);
}

static void name_what_kills(void)
{
    static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    struct sigaction action = {.sa_handler = name_current,
                               .sa_flags = (int)SA_RESETHAND};

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        CHECK(sigaction(signals[i], &action, NULL) == 0);
    }
}

static void run_file(fuzz_target *target)
{
    static uint8_t bytes[1 << 16];
    FILE *file = fopen(current, "re");
    size_t len;

    ck_assert_msg(file != NULL, "%s", current);
    len = fread(bytes, 1, sizeof(bytes), file);
    ck_assert_msg(len < sizeof(bytes), "%s is too long", current);
    (void)fclose(file); /* it was only read */
    target(slice_of(bytes, len));
}

static int is_file(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* How many files there were. */
static int run_folder(fuzz_target *target, const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_file, alphasort);

    for (int i = 0; i < count; i++) {
        snprintf(current, sizeof(current), "%s/%s", folder, entries[i]->d_name);
        free(entries[i]);
        run_file(target);
    }
    free(entries);
    return count;
}

#define X(name)                                                                \
    START_TEST(files_of_##name##_do_no_harm)                                   \
    {                                                                          \
        name_what_kills();                                                     \
        ck_assert_int_gt(run_folder(fuzz_##name, "tests/fuzz/corpus/" #name),  \
                         0);                                                   \
        run_folder(fuzz_##name, "tests/fuzz/fixed/" #name);                    \
    }                                                                          \
    END_TEST
FUZZ_TARGETS(X)
#undef X

suite_fn suite_replay;
Suite *suite_replay(void)
{
#define X(name) files_of_##name##_do_no_harm,
    return suite_of("replay", 120,
                    (const TTest *const[]){FUZZ_TARGETS(X) NULL});
#undef X
}
