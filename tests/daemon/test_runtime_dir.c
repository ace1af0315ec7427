/* Where a library may log: what is asked in which order, and what is refused.
 *
 * The last resort is a directory below /tmp that is named after the user, so
 * tests that look at it become a user of their own, which only root can. */
#include "base/banned.h"
#include "daemon/runtime_dir.h"
#include "tests/lib/stores.h"

#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY_S_UID = 1948703211 };

static int ask(const char *setting, const char *environment, char *out,
               struct err *err)
{
    if (environment == NULL) {
        unsetenv("RUNTIME_DIRECTORY");
    } else {
        setenv("RUNTIME_DIRECTORY", environment, 1);
    }
    return runtime_dir(setting, out, PATH_MAX, err);
}

static void gives(const char *setting, const char *environment,
                  const char *expected)
{
    char out[PATH_MAX];
    struct err err = {""};

    ck_assert_msg(ask(setting, environment, out, &err) == 0, "%s", err.text);
    ck_assert_str_eq(out, expected);
}

static void refuses(const char *setting, const char *environment,
                    const char *why)
{
    char out[PATH_MAX];
    struct err err = {""};

    ck_assert_int_eq(ask(setting, environment, out, &err), E_CONFIG);
    ck_assert_msg(strncmp(err.text, "log_dir: ", strlen("log_dir: ")) == 0,
                  "%s", err.text);
    ck_assert_msg(strstr(err.text, why) != NULL, "%s", err.text);
}

/* --- what is named -------------------------------------------------------- */

START_TEST(setting_comes_first)
{
    char dir[PATH_MAX];

    temp_dir_make(dir, sizeof(dir));
    gives(dir, NULL, dir);
    gives(dir, "/nowhere", dir);
    temp_dir_remove(dir);
}
END_TEST

START_TEST(service_manager_comes_second)
{
    char dir[PATH_MAX / 2];
    char several[PATH_MAX];

    temp_dir_make(dir, sizeof(dir));
    gives("", dir, dir);
    snprintf(several, sizeof(several), "%s:/nowhere:/tmp", dir);
    gives("", several, dir);
    temp_dir_remove(dir);
}
END_TEST

START_TEST(named_directory_is_not_made)
{
    char dir[PATH_MAX / 2];
    char inside[PATH_MAX];
    struct stat file;

    temp_dir_make(dir, sizeof(dir));
    snprintf(inside, sizeof(inside), "%s/log", dir);
    refuses(inside, NULL, "No such file");
    refuses("", inside, "No such file");
    ck_assert_int_ne(stat(inside, &file), 0);
    temp_dir_remove(dir);
}
END_TEST

START_TEST(named_file_is_refused)
{
    char dir[PATH_MAX / 2];
    char path[PATH_MAX];
    FILE *file;

    temp_dir_make(dir, sizeof(dir));
    snprintf(path, sizeof(path), "%s/log", dir);
    file = fopen(path, "wxe");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fclose(file), 0);
    refuses(path, NULL, "not a directory");
    refuses("", path, "not a directory");
    refuses("", path, path);
    temp_dir_remove(dir);
}
END_TEST

/* --- the last resort ------------------------------------------------------ */

/* Runs the function, with the path of the directory, in a process of a user
 * that nobody else is. */
static void as_nobody_else(void (*check)(const char *dir))
{
    char dir[PATH_MAX];
    int status = -1;
    pid_t pid;

    if (geteuid() != 0) {
        fputs("skipped: only root can become another user\n", stderr);
        return;
    }
    snprintf(dir, sizeof(dir), "/tmp/dedupd-%u", (unsigned)NOBODY_S_UID);
    remove(dir);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        ck_assert_int_eq(seteuid(NOBODY_S_UID), 0);
        check(dir);
        /* Sanitizers cannot look into a process that has changed its user. */
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(remove(dir), 0);
    ck_assert_int_eq(status, 0);
}

static void is_made_and_used_again(const char *dir)
{
    struct stat file;

    gives("", NULL, dir);
    gives("", NULL, dir);
    gives("", "", dir);
    gives("", "relative/path", dir);
    ck_assert_int_eq(lstat(dir, &file), 0);
    ck_assert(S_ISDIR(file.st_mode));
    ck_assert_uint_eq(file.st_mode & 07777, 0700);
    ck_assert_uint_eq(file.st_uid, NOBODY_S_UID);
}

START_TEST(directory_of_the_user_is_made_and_used_again)
{
    as_nobody_else(is_made_and_used_again);
}
END_TEST

static void is_refused_while_others_may_enter(const char *dir)
{
    gives("", NULL, dir);
    ck_assert_int_eq(chmod(dir, 0710), 0);
    refuses("", NULL, "not a directory of this user alone");
    ck_assert_int_eq(chmod(dir, 0701), 0);
    refuses("", NULL, "set log_dir");
    ck_assert_int_eq(chmod(dir, 0700), 0);
    gives("", NULL, dir);
}

START_TEST(directory_that_others_may_enter_is_refused)
{
    as_nobody_else(is_refused_while_others_may_enter);
}
END_TEST

static void is_refused_of_root(const char *dir)
{
    ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(mkdir(dir, 0700), 0);
    ck_assert_int_eq(seteuid(NOBODY_S_UID), 0);
    refuses("", NULL, "not a directory of this user alone");
}

START_TEST(directory_of_another_user_is_refused)
{
    as_nobody_else(is_refused_of_root);
}
END_TEST

static void is_refused_as_link_and_as_file(const char *dir)
{
    char target[PATH_MAX];
    FILE *file;

    /* All would be well with what the link leads to. */
    snprintf(target, sizeof(target), "%s-target", dir);
    rmdir(target); /* of a run that was killed */
    ck_assert_int_eq(mkdir(target, 0700), 0);
    ck_assert_int_eq(symlink(target, dir), 0);
    refuses("", NULL, "not a directory of this user alone");
    ck_assert_int_eq(unlink(dir), 0);
    ck_assert_int_eq(rmdir(target), 0);
    file = fopen(dir, "wxe");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fclose(file), 0);
    refuses("", NULL, "not a directory of this user alone");
}

START_TEST(link_or_file_in_its_place_is_refused)
{
    as_nobody_else(is_refused_as_link_and_as_file);
}
END_TEST

SUITE(runtime_dir, 10, setting_comes_first, service_manager_comes_second,
      named_directory_is_not_made, named_file_is_refused,
      directory_of_the_user_is_made_and_used_again,
      directory_that_others_may_enter_is_refused,
      directory_of_another_user_is_refused,
      link_or_file_in_its_place_is_refused)
