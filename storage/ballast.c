#include "storage/ballast.h"

#include "base/log.h"
#include "base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    MIB = 1 << 20,
    STEP_BYTES = 16 * MIB, /* so that no turn waits for long */
    NOISE_BYTES = 64 * 1024,
    ROOM_BYTES = 4 * MIB,
    BLOCK_BYTES = 512, /* of st_blocks */
    DISK_PARTS = 8,
};

static const char name[] = "ballast";

/* A disk may be smaller than what is wanted: an eighth of it is what a start
 * may have there. */
static uint64_t bytes_max(int dir_fd)
{
    struct statvfs fs;

    if (fstatvfs(dir_fd, &fs) < 0) {
        return UINT64_MAX;
    }
    return (uint64_t)fs.f_blocks * fs.f_frsize / DISK_PARTS;
}

/* What a power cut has left without blocks is made again. */
static uint64_t bytes_there(int dir_fd)
{
    struct stat found;

    if (fstatat(dir_fd, name, &found, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISREG(found.st_mode) ||
        found.st_blocks * BLOCK_BYTES < found.st_size) {
        return 0;
    }
    return (uint64_t)found.st_size;
}

void ballast_init(struct ballast *ballast, int dir_fd, uint64_t bytes_wanted)
{
    uint64_t most = bytes_max(dir_fd);

    *ballast = (struct ballast){
        .dir_fd = dir_fd,
        .bytes_wanted = bytes_wanted < most ? bytes_wanted : most,
        .bytes_held = bytes_there(dir_fd),
    };
}

uint64_t ballast_missing(const struct ballast *ballast)
{
    return sub_floor(ballast->bytes_wanted, atomic_load(&ballast->bytes_held));
}

/* Bytes that no file system makes smaller. */
static void make_noise(uint64_t words[], size_t count, uint64_t seed)
{
    uint64_t x = seed | 1;

    for (size_t i = 0; i < count; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        words[i] = x;
    }
}

static int write_range(int fd, uint64_t from, uint64_t to)
{
    static uint64_t noise[NOISE_BYTES / sizeof(uint64_t)];

    while (from < to) {
        size_t len =
            to - from < NOISE_BYTES ? (size_t)(to - from) : (size_t)NOISE_BYTES;
        ssize_t done;

        make_noise(noise, NOISE_BYTES / sizeof(uint64_t), from);
        done = pwrite(fd, noise, len, (off_t)from);
        if (done <= 0) {
            return -1;
        }
        from += (uint64_t)done;
    }
    return 0;
}

/* Not every file system can reserve. */
static int resize(int fd, uint64_t from, uint64_t to)
{
    if (to < from) {
        return ftruncate(fd, (off_t)to);
    }
    if (fallocate(fd, 0, 0, (off_t)to) == 0) {
        return 0;
    }
    return errno == EOPNOTSUPP || errno == ENOSYS ? write_range(fd, from, to)
                                                  : -1;
}

static uint64_t next_size(uint64_t held, uint64_t wanted)
{
    return wanted < held || wanted - held < STEP_BYTES ? wanted
                                                       : held + STEP_BYTES;
}

void ballast_grow(struct ballast *ballast)
{
    uint64_t held = atomic_load(&ballast->bytes_held);
    uint64_t next = next_size(held, ballast->bytes_wanted);
    int fd;

    if (next == held) {
        return;
    }
    fd = openat(ballast->dir_fd, name,
                O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && resize(fd, held, next) == 0) {
        atomic_store(&ballast->bytes_held, next);
        ballast->failing = false;
    } else if (!ballast->failing) {
        log_warn("cannot make the file ballast of the data directory: %s",
                 strerror(errno));
        ballast->failing = true;
    }
    if (fd >= 0) {
        close(fd);
    }
}

bool ballast_release(struct ballast *ballast)
{
    if (unlinkat(ballast->dir_fd, name, 0) < 0) {
        return false;
    }
    atomic_store(&ballast->bytes_held, 0);
    /* Some file systems have the space only once they have noted that. */
    (void)fsync(ballast->dir_fd);
    return true;
}

/* Asked for, because a quota does not show in what is free. */
bool ballast_can_stay(const struct ballast *ballast)
{
    int fd =
        openat(ballast->dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    int error = fd < 0 ? errno : posix_fallocate(fd, 0, ROOM_BYTES);

    if (fd >= 0) {
        close(fd);
    }
    return error != ENOSPC && error != EDQUOT;
}
