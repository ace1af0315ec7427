/* Judges a saved history and prints the verdict.
 *
 *     check-history FILE [EXACT_MS [ONE_IN]]
 *
 * Exits with 0: valid, 1: invalid, 2: the file cannot be read. */
#include "tests/torture/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { VALID = 0, INVALID = 1, UNREADABLE = 2, PIECE_BYTES = 1 << 20 };

static bool read_all(FILE *file, struct buf *text)
{
    size_t len;

    do {
        uint8_t *to = buf_reserve(text, PIECE_BYTES);

        if (to == NULL) {
            return false;
        }
        len = fread(to, 1, PIECE_BYTES, file);
        buf_commit(text, len);
    } while (len > 0);
    return ferror(file) == 0;
}

static bool load(const char *path, struct buf *text, struct history *history)
{
    FILE *file = fopen(path, "rb");
    size_t bad_line;
    bool good;

    if (file == NULL) {
        perror(path);
        return false;
    }
    good = read_all(file, text);
    (void)fclose(file); /* it was only read */
    if (!good) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return false;
    }
    if (!history_read(buf_slice(text), history, &bad_line)) {
        fprintf(stderr, "%s:%zu: not a line of a history\n", path, bad_line);
        return false;
    }
    return true;
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int judge(const struct history *history,
                 const struct check_options *options)
{
    struct verdict verdict;
    double started_s = seconds();
    struct slice report;
    bool valid;

    check_history(history, options, &verdict);
    report = buf_slice(&verdict.report);
    (void)fwrite(report.data, 1, report.len, stdout);
    printf("%s: %zu operations on %zu keys, %zu keys searched, %zu unsure, "
           "%.2f s\n",
           verdict.valid ? "valid" : "INVALID", verdict.ops, verdict.keys,
           verdict.exact_keys, verdict.exact_unsure, seconds() - started_s);
    valid = verdict.valid;
    verdict_release(&verdict);
    return valid ? VALID : INVALID;
}

int main(int argc, char **argv)
{
    struct check_options options = {.exact_ms = 1000, .exact_one_in = 1};
    struct history history = {0};
    struct buf text = {0};
    int status = UNREADABLE;

    if (argc < 2 || argc > 4) {
        fputs("usage: check-history FILE [EXACT_MS [ONE_IN]]\n", stderr);
        return UNREADABLE;
    }
    if (argc > 2) {
        options.exact_ms = strtoull(argv[2], NULL, 10);
    }
    if (argc > 3) {
        options.exact_one_in = (unsigned)strtoul(argv[3], NULL, 10);
    }
    if (load(argv[1], &text, &history)) {
        status = judge(&history, &options);
    }
    history_release(&history);
    buf_release(&text);
    return status;
}
