/* Preloaded into dedupd in the control runs: nothing is ever synced.
 *
 * A power cut then has to lose what was acknowledged; where it does not, the
 * harness does not cut power. */
#define _FILE_OFFSET_BITS 64
#include "base/banned.h"

#include <fcntl.h>
#include <unistd.h>

int fsync(int fd)
{
    (void)fd;
    return 0;
}

int fdatasync(int fd)
{
    (void)fd;
    return 0;
}

void sync(void)
{
}

int syncfs(int fd)
{
    (void)fd;
    return 0;
}

int sync_file_range(int fd, off64_t at, off64_t bytes, unsigned flags)
{
    (void)fd;
    (void)at;
    (void)bytes;
    (void)flags;
    return 0;
}
