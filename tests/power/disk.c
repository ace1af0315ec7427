/* Preloaded into user-mode-linux: gives its disk a volatile write cache.
 *
 * The disk is the file $POWER_DISK of the host, a loop device in the guest.
 * What the guest writes to it is kept in this process's memory until the guest
 * flushes its disk; killing the process is a power cut, and takes it away. As a
 * real disk may write early and in any order, some writes go to the file at
 * once, whole or in part, by $POWER_DISK_SEED. A sector of 512 bytes is never
 * torn.
 *
 * When the file $POWER_DISK_FAILS comes to be, it is removed, and as many of
 * the next writes and flushes as the number in it says fail.
 *
 * Without this, a killed guest loses no more than its page cache: the host
 * keeps what the guest's kernel has written, flushed or not.
 *
 * Nothing here allocates or locks: the guest kernel has one thread, and it is
 * none that libc knows of. */
#include "base/banned.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECTOR = 512 };

/* The file and what of it is not written yet. */
static struct {
    bool known; /* whether the rest is */
    bool ours;  /* there is a file */
    dev_t device;
    ino_t inode;
    size_t sectors;
    uint8_t *cache; /* as large as the file */
    bool *dirty;    /* a sector each */
    uint64_t random;
    const char *order; /* to fail; NULL: never */
    unsigned long failing;
} disk;

static ssize_t (*real_pread)(int, void *, size_t, off_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_fallocate)(int, int, off_t, off_t);

/* POSIX has it that a function pointer fits where dlsym() puts one. */
static void find(const char *name, void *function)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (found == NULL) {
        abort();
    }
    *(void **)function = found;
}

static void *memory(size_t bytes)
{
    void *got = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (got == MAP_FAILED) {
        abort();
    }
    return got;
}

static void know_disk(void)
{
    const char *path = getenv("POWER_DISK");
    const char *seed = getenv("POWER_DISK_SEED");
    struct stat stat_;

    disk.known = true;
    if (path == NULL || stat(path, &stat_) != 0) {
        return;
    }
    disk.device = stat_.st_dev;
    disk.inode = stat_.st_ino;
    disk.sectors = (size_t)stat_.st_size / SECTOR;
    disk.cache = memory(disk.sectors * SECTOR);
    disk.dirty = memory(disk.sectors * sizeof(*disk.dirty));
    disk.random = seed != NULL ? strtoull(seed, NULL, 10) : 0;
    disk.order = getenv("POWER_DISK_FAILS");
    disk.ours = true;
}

/* Before main(), when there is one thread. */
__attribute__((constructor)) static void begin(void)
{
    find("pread64", &real_pread);
    find("pwrite64", &real_pwrite);
    find("fsync", &real_fsync);
    find("fdatasync", &real_fdatasync);
    find("fallocate64", &real_fallocate);
    know_disk();
}

static bool is_disk(int fd)
{
    struct stat stat_;

    return disk.ours && fstat(fd, &stat_) == 0 && stat_.st_dev == disk.device &&
           stat_.st_ino == disk.inode;
}

/* Whether it is a transfer of whole sectors inside of the file. */
static bool is_whole(size_t bytes, off_t at)
{
    return at >= 0 && at % SECTOR == 0 && bytes % SECTOR == 0 &&
           ((size_t)at + bytes) / SECTOR <= disk.sectors;
}

/* How many calls are to fail, by an order that has just come; 0: none has. */
static unsigned long take_order(void)
{
    char digits[16] = "";
    int fd = disk.order != NULL ? open(disk.order, O_RDONLY | O_CLOEXEC) : -1;

    if (fd < 0) {
        return 0;
    }
    if (read(fd, digits, sizeof(digits) - 1) < 0 || unlink(disk.order) != 0) {
        abort();
    }
    close(fd);
    return strtoul(digits, NULL, 10);
}

static bool fails(void)
{
    if (disk.failing == 0) {
        disk.failing = take_order();
    }
    if (disk.failing == 0) {
        return false;
    }
    disk.failing--;
    errno = EIO;
    return true;
}

/* splitmix64 */
static uint64_t random_next(void)
{
    uint64_t z = (disk.random += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Of 8 writes 5 wait for the flush, 1 is written at once, 2 in part. */
enum early { EARLY_NONE, EARLY_ALL, EARLY_SOME };

static enum early draw_early(void)
{
    uint64_t drawn = random_next() % 8;

    return drawn < 5 ? EARLY_NONE : drawn < 6 ? EARLY_ALL : EARLY_SOME;
}

static bool put(int fd, const uint8_t *from, size_t bytes, off_t at)
{
    return real_pwrite(fd, from, bytes, at) == (ssize_t)bytes;
}

static bool write_sector(int fd, const uint8_t *from, size_t sector,
                         enum early early)
{
    bool now =
        early == EARLY_ALL || (early == EARLY_SOME && random_next() % 2 == 0);

    memcpy(disk.cache + sector * SECTOR, from, SECTOR);
    disk.dirty[sector] = !now;
    return !now || put(fd, from, SECTOR, (off_t)(sector * SECTOR));
}

static ssize_t write_disk(int fd, const uint8_t *from, size_t bytes, off_t at)
{
    size_t first = (size_t)at / SECTOR;
    enum early early = draw_early();

    if (!is_whole(bytes, at)) {
        abort();
    }
    if (fails()) {
        return -1;
    }
    for (size_t i = 0; i < bytes / SECTOR; i++) {
        if (!write_sector(fd, from + i * SECTOR, first + i, early)) {
            return -1;
        }
    }
    return (ssize_t)bytes;
}

static ssize_t read_disk(int fd, uint8_t *to, size_t bytes, off_t at)
{
    size_t first = (size_t)at / SECTOR;
    ssize_t got = real_pread(fd, to, bytes, at);

    if (got != (ssize_t)bytes || !is_whole(bytes, at)) {
        return got;
    }
    for (size_t i = 0; i < bytes / SECTOR; i++) {
        if (disk.dirty[first + i]) {
            memcpy(to + i * SECTOR, disk.cache + (first + i) * SECTOR, SECTOR);
        }
    }
    return got;
}

/* The first sector from `at` on that is dirty, or not; all of them: none is. */
static size_t find_sector(size_t at, bool dirty)
{
    const bool *found = memchr(disk.dirty + at, (int)dirty, disk.sectors - at);

    return found != NULL ? (size_t)(found - disk.dirty) : disk.sectors;
}

/* Everything, in runs of sectors. The host stays up: its own caches need no
 * flush. */
static int flush_disk(int fd)
{
    size_t end = 0;
    size_t from;

    if (fails()) {
        return -1;
    }
    while ((from = find_sector(end, true)) < disk.sectors) {
        end = find_sector(from, false);
        if (!put(fd, disk.cache + from * SECTOR, (end - from) * SECTOR,
                 (off_t)(from * SECTOR))) {
            return -1;
        }
        memset(disk.dirty + from, false, end - from);
    }
    return 0;
}

/* --- what the guest kernel calls ------------------------------------------ */

ssize_t pread64(int fd, void *to, size_t bytes, off_t at);
ssize_t pwrite64(int fd, const void *from, size_t bytes, off_t at);
int fallocate64(int fd, int mode, off_t at, off_t bytes);

ssize_t pread64(int fd, void *to, size_t bytes, off_t at)
{
    return is_disk(fd) ? read_disk(fd, to, bytes, at)
                       : real_pread(fd, to, bytes, at);
}

ssize_t pwrite64(int fd, const void *from, size_t bytes, off_t at)
{
    return is_disk(fd) ? write_disk(fd, from, bytes, at)
                       : real_pwrite(fd, from, bytes, at);
}

int fsync(int fd)
{
    return is_disk(fd) ? flush_disk(fd) : real_fsync(fd);
}

int fdatasync(int fd)
{
    return is_disk(fd) ? flush_disk(fd) : real_fdatasync(fd);
}

/* The disk can neither discard nor write zeroes by itself; the guest then
 * writes them. */
int fallocate64(int fd, int mode, off_t at, off_t bytes)
{
    if (is_disk(fd)) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return real_fallocate(fd, mode, at, bytes);
}
