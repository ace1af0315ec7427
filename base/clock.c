#include "base/clock.h"

#include "base/banned.h"

#include <ctype.h>

static uint64_t read_clock_us(clockid_t id)
{
    struct timespec now;

    if (clock_gettime(id, &now) != 0) {
        abort(); /* both clocks exist on every kernel this can run on */
    }
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t system_wall_us(void *arg)
{
    (void)arg;
    return read_clock_us(CLOCK_REALTIME);
}

static uint64_t system_boot_us(void *arg)
{
    (void)arg;
    return read_clock_us(CLOCK_BOOTTIME);
}

const struct clock clock_system = {system_wall_us, system_boot_us, NULL};

/* An id is hex digits; dashes and case are how it is written. Anything else is
 * not taken for one. */
static bool take_id(const char *text, char out[BOOT_ID_BYTES])
{
    size_t len = strspn(text, "0123456789abcdefABCDEF-");
    size_t at = 0;

    if (len >= BOOT_ID_BYTES || (text[len] != '\0' && text[len] != '\n')) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '-') {
            out[at++] = (char)tolower((unsigned char)text[i]);
        }
    }
    out[at] = '\0';
    return at > 0;
}

bool clock_boot_id(char out[BOOT_ID_BYTES])
{
    const char *given = getenv("DEDUPD_BOOT_ID");
    char line[BOOT_ID_BYTES + 8] = "";
    FILE *file;

    memset(out, 0, BOOT_ID_BYTES);
    if (given != NULL && take_id(given, out)) {
        return true;
    }
    file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (file == NULL) {
        return false;
    }
    if (fgets(line, sizeof(line), file) == NULL) {
        line[0] = '\0';
    }
    (void)fclose(file); /* it was only read */
    return take_id(line, out);
}

static uint64_t boot_now_us(const struct steady *steady)
{
    return steady->clock->boot_us(steady->clock->arg);
}

/* Boot time only rises, so a steady time before the one that was stored is that
 * of another boot, whatever the id says: a machine may come back from an image
 * of its memory, or an id may be given by hand. */
static bool is_same_boot(const struct steady *steady, const char *boot_id,
                         const struct clock_marks *marks)
{
    return boot_id[0] != '\0' &&
           strncmp(boot_id, marks->boot_id, BOOT_ID_BYTES) == 0 &&
           steady_now_us(steady) / 1000 >= marks->stored_ms;
}

static void start_from_wall(struct steady *steady,
                            const struct clock_marks *marks)
{
    uint64_t start_us = steady->clock->wall_us(steady->clock->arg);
    uint64_t mark_us = marks->high_water_ms * 1000;

    steady->floor_us = 0;
    if (start_us < mark_us) {
        steady->floor_us = mark_us;
        if (start_us / 1000 < marks->stored_ms) {
            start_us = mark_us;
        }
    }
    steady->offset_us = (int64_t)(start_us - boot_now_us(steady));
}

void steady_start(struct steady *steady, const struct clock *clock,
                  const char *boot_id, struct clock_marks *marks)
{
    *steady = (struct steady){.clock = clock,
                              .offset_us = marks->offset_us,
                              .floor_us = marks->floor_ms * 1000};
    if (!is_same_boot(steady, boot_id, marks)) {
        start_from_wall(steady, marks);
    }
    marks->offset_us = steady->offset_us;
    marks->floor_ms = steady->floor_us / 1000;
    memset(marks->boot_id, 0, sizeof(marks->boot_id));
    memcpy(marks->boot_id, boot_id, strnlen(boot_id, BOOT_ID_BYTES - 1));
}

void clock_mark(struct clock_marks *marks, uint64_t now_ms, uint64_t ahead_ms)
{
    marks->stored_ms = now_ms;
    marks->high_water_ms = now_ms + ahead_ms;
}

uint64_t steady_now_us(const struct steady *steady)
{
    uint64_t now_us =
        (uint64_t)((int64_t)boot_now_us(steady) + steady->offset_us);

    return now_us > steady->floor_us ? now_us : steady->floor_us;
}
