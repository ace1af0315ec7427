#include "daemon/runtime_dir.h"

#include "base/banned.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_directory(const char *path, struct err *err)
{
    struct stat file;

    if (stat(path, &file) != 0) {
        return err_set(err, E_CONFIG, "log_dir: %s: %s", path, strerror(errno));
    }
    if (!S_ISDIR(file.st_mode)) {
        return err_set(err, E_CONFIG, "log_dir: %s: not a directory", path);
    }
    return 0;
}

/* /tmp is everybody's: another user may have put something in the place. */
static int make_private(const char *path, struct err *err)
{
    struct stat file;

    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return err_set(err, E_CONFIG, "log_dir: %s: %s", path, strerror(errno));
    }
    if (lstat(path, &file) != 0 || !S_ISDIR(file.st_mode) ||
        file.st_uid != geteuid() || (file.st_mode & 077) != 0) {
        return err_set(err, E_CONFIG,
                       "log_dir: %s is not a directory of this user alone; "
                       "set log_dir",
                       path);
    }
    return 0;
}

int runtime_dir(const char *setting, char *out, size_t out_bytes,
                struct err *err)
{
    const char *given = getenv("RUNTIME_DIRECTORY");

    if (setting[0] != '\0') {
        snprintf(out, out_bytes, "%s", setting);
        return check_directory(out, err);
    }
    if (given != NULL && given[0] == '/') {
        snprintf(out, out_bytes, "%.*s", (int)strcspn(given, ":"), given);
        return check_directory(out, err);
    }
    snprintf(out, out_bytes, "/tmp/dedupd-%u", (unsigned)geteuid());
    return make_private(out, err);
}
