#include "tests/faults/small_disk.h"

#include "base/banned.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const char *path_on(const struct small_disk *disk, const char *name)
{
    static char path[2 * SITE_PATH_BYTES];

    snprintf(path, sizeof(path), "%s/%s", disk->dir, name);
    return path;
}

static bool mount_private(const char *dir, unsigned mib)
{
    char size[32];

    snprintf(size, sizeof(size), "size=%um", mib);
    return unshare(CLONE_NEWNS) == 0 &&
           mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", dir, "tmpfs", MS_NOSUID | MS_NODEV, size) == 0;
}

bool small_disk_make(struct small_disk *disk, const struct site *site,
                     unsigned mib)
{
    snprintf(disk->dir, sizeof(disk->dir), "%.200s/disk", site->dir);
    snprintf(disk->data_option, sizeof(disk->data_option), "data_dir=%s/data",
             disk->dir);
    directory_make(disk->dir);
    if (!mount_private(disk->dir, mib)) {
        printf("skipped: a tmpfs cannot be mounted here: %s\n",
               strerror(errno));
        (void)fflush(stdout);
        return false;
    }
    return true;
}

void small_disk_remove(struct small_disk *disk)
{
    ck_assert_int_eq(umount2(disk->dir, MNT_DETACH), 0);
}

uint64_t small_disk_free(const struct small_disk *disk)
{
    struct statvfs fs;

    ck_assert_int_eq(statvfs(disk->dir, &fs), 0);
    return (uint64_t)fs.f_bavail * fs.f_frsize;
}

/* Others may take what was free a moment ago. */
void small_disk_fill(const struct small_disk *disk, uint64_t leave)
{
    int fd =
        open(path_on(disk, "filler"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    struct stat filler;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &filler), 0);
    for (int i = 0; i < 100 && small_disk_free(disk) > leave; i++) {
        off_t more = (off_t)(small_disk_free(disk) - leave);

        if (fallocate(fd, 0, 0, filler.st_size + more) == 0) {
            filler.st_size += more;
        } else {
            ck_assert_int_eq(errno, ENOSPC);
        }
    }
    close(fd);
}

void small_disk_empty(const struct small_disk *disk)
{
    ck_assert_int_eq(unlink(path_on(disk, "filler")), 0);
}

uint64_t small_disk_ballast(const struct small_disk *disk)
{
    struct stat ballast;

    return stat(path_on(disk, "data/ballast"), &ballast) == 0
               ? (uint64_t)ballast.st_size
               : 0;
}

void small_disk_drop_ballast(const struct small_disk *disk)
{
    unlink(path_on(disk, "data/ballast"));
}

bool small_disk_read_only(const struct small_disk *disk, bool read_only)
{
    return mount(NULL, disk->dir, NULL,
                 MS_REMOUNT | MS_NOSUID | MS_NODEV |
                     (read_only ? MS_RDONLY : 0),
                 NULL) == 0;
}
