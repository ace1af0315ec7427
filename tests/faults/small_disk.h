/* A disk of its own for a test, small enough to be filled. */
#ifndef TESTS_FAULTS_SMALL_DISK_H
#define TESTS_FAULTS_SMALL_DISK_H

#include "tests/lib/site.h"

struct small_disk {
    char dir[SITE_PATH_BYTES];             /* where it is mounted */
    char data_option[2 * SITE_PATH_BYTES]; /* data_dir=… on it */
};

/* Mounts a tmpfs of so many MiB below the site, seen by this process and its
 * children alone, and gone with them. False, and says so, where that is not
 * allowed. */
bool small_disk_make(struct small_disk *disk, const struct site *site,
                     unsigned mib);
void small_disk_remove(struct small_disk *disk);

uint64_t small_disk_free(const struct small_disk *disk);

/* Another file on it takes all that is free but so many bytes; gives some back
 * where that is more than is free. */
void small_disk_fill(const struct small_disk *disk, uint64_t leave);

/* That file is gone. */
void small_disk_empty(const struct small_disk *disk);

/* How large the ballast of the data directory on it is. */
uint64_t small_disk_ballast(const struct small_disk *disk);
void small_disk_drop_ballast(const struct small_disk *disk);

/* Nothing can be written to it any more, or again. False: not allowed. */
bool small_disk_read_only(const struct small_disk *disk, bool read_only);

#endif
