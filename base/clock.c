#include "base/clock.h"

#include "base/banned.h"

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

/* An id is hex digits and dashes; anything else is not taken for one. */
static bool take_id(const char *text, char out[BOOT_ID_BYTES])
{
    size_t len = strspn(text, "0123456789abcdefABCDEF-");

    if (len == 0 || len >= BOOT_ID_BYTES ||
        (text[len] != '\0' && text[len] != '\n')) {
        return false;
    }
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
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
    fclose(file);
    return take_id(line, out);
}

void steady_start(struct steady *steady, const struct clock *clock,
                  const char *boot_id, struct clock_marks *marks)
{
    uint64_t boot_us = clock->boot_us(clock->arg);
    uint64_t start_us = clock->wall_us(clock->arg);
    bool same_boot = boot_id[0] != '\0' &&
                     strncmp(boot_id, marks->boot_id, BOOT_ID_BYTES) == 0;

    if (marks->high_water_ms > start_us / 1000) {
        start_us = marks->high_water_ms * 1000;
    }
    steady->clock = clock;
    steady->offset_us =
        same_boot ? marks->offset_us : (int64_t)(start_us - boot_us);
    marks->offset_us = steady->offset_us;
    memset(marks->boot_id, 0, sizeof(marks->boot_id));
    memcpy(marks->boot_id, boot_id, strnlen(boot_id, BOOT_ID_BYTES - 1));
}

uint64_t steady_now_us(const struct steady *steady)
{
    uint64_t boot_us = steady->clock->boot_us(steady->clock->arg);

    return (uint64_t)((int64_t)boot_us + steady->offset_us);
}
