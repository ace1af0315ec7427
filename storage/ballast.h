/* The ballast: a file of nothing in the data directory, given up when the disk
 * is full.
 *
 * Opening a database writes what its log holds to tables before it lets go of
 * the log. On a full disk it could not be opened, not even to read; then the
 * ballast is removed and the open tried again. It grows back, a piece at a
 * time, once there is room.
 *
 * Used by one thread at a time, but for ballast_missing(). */
#ifndef STORAGE_BALLAST_H
#define STORAGE_BALLAST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct ballast {
    int dir_fd;                  /* borrowed */
    uint64_t bytes_wanted;       /* at most an eighth of the file system */
    _Atomic uint64_t bytes_held; /* that the disk really has for it */
    bool failing;                /* could not grow, and that was logged */
};

/* Looks at what is there and changes nothing. */
void ballast_init(struct ballast *ballast, int dir_fd, uint64_t bytes_wanted);

/* How much of the free space is meant for it. Any thread. */
uint64_t ballast_missing(const struct ballast *ballast);

/* Takes up to 16 MiB more of the disk, or gives back what is too much. The
 * caller has seen that there is room for all that is missing. A failure is
 * logged. */
void ballast_grow(struct ballast *ballast);

/* Removes it. False: there was none. */
bool ballast_release(struct ballast *ballast);

/* Whether there is room to go on without it: for a few MiB of log. */
bool ballast_can_stay(const struct ballast *ballast);

#endif
