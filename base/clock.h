/* The steady wall clock: the only time that decides anything.
 *
 * It starts from the wall clock, advances with CLOCK_BOOTTIME and never goes
 * back; a step of the wall clock while the process runs does not move it. To
 * keep that promise across restarts its owner stores a few numbers and gives
 * them back at the next start.
 *
 * Same boot: it goes on from boot time, whatever the wall clock says now.
 * Another boot, or an unknown one: it goes on from the wall clock, but not
 * before the high-water mark. A wall clock that is behind the mark by no more
 * than the mark ran ahead when it was stored is right: time then stands at the
 * mark until the wall clock has reached it, so that many restarts do not add
 * up to a clock that is ahead. One that is further behind was set back: time
 * goes on from the mark. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { BOOT_ID_BYTES = 40 };

/* Raw time, in microseconds. Tests bring their own. */
struct clock {
    uint64_t (*wall_us)(void *arg); /* since 1970-01-01T00:00Z; may jump */
    uint64_t (*boot_us)(void *arg); /* since boot, counts suspend too */
    void *arg;
};

/* CLOCK_REALTIME and CLOCK_BOOTTIME. */
extern const struct clock clock_system;

/* Writes the boot's id, terminated: the environment's DEDUPD_BOOT_ID (a service
 * manager that hides /proc sets it), else the kernel's. False when neither can
 * be had; then `out` is "". */
bool clock_boot_id(char out[BOOT_ID_BYTES]);

/* What is stored between two runs. Zeroed: there was no earlier run. */
struct clock_marks {
    char boot_id[BOOT_ID_BYTES]; /* terminated; "": unknown */
    int64_t offset_us;           /* steady time minus boot time */
    uint64_t floor_ms;           /* steady time stands here until boot time
                                    plus offset is later */
    uint64_t stored_ms;          /* steady time when the mark was made */
    uint64_t high_water_ms;      /* no time beyond it was ever used */
};

/* One per engine; used by one thread at a time. */
struct steady {
    const struct clock *clock;
    int64_t offset_us;
    uint64_t floor_us;
};

/* Starts the clock after an earlier run and writes to `marks` what this run has
 * to store; the mark itself stays, see clock_mark(). */
void steady_start(struct steady *steady, const struct clock *clock,
                  const char *boot_id, struct clock_marks *marks);

/* Moves the mark so that times up to `ahead_ms` after `now_ms` may be used once
 * it is stored. */
void clock_mark(struct clock_marks *marks, uint64_t now_ms, uint64_t ahead_ms);

uint64_t steady_now_us(const struct steady *steady);

#endif
