/* The format is that of RocksDB's wiki page "Write Ahead Log File Format":
 * blocks of 32 KiB that hold pieces, a header and its bytes each; a write is
 * one whole piece or a first, middle ones and a last. A write begins with its
 * sequence number and the count of its rows; the next one's sequence number is
 * the sum of both. */
#include "storage/log_files.h"

#include "base/units.h"
#include "storage/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum {
    BLOCK_BYTES = 32768,
    HEADER_BYTES = 7, /* checksum 4, length 2, kind 1; little-endian */
    BEGIN_BYTES = 12, /* of a write: sequence number 8, count 4 */
    DIGITS_MAX = 20,
};

enum piece { PIECE_NONE, PIECE_WHOLE, PIECE_FIRST, PIECE_MIDDLE, PIECE_LAST };

struct reader {
    uint64_t next; /* the sequence number that has to come; 0: any */
    uint64_t got;  /* instead of it; 0: no gap */
    bool in_write; /* its last piece is to come */
    uint8_t begin[BEGIN_BYTES];
    size_t begin_len;
    uint8_t block[BLOCK_BYTES];
};

static uint64_t load_little(const uint8_t *from, size_t bytes)
{
    uint64_t number = 0;

    while (bytes > 0) {
        number = number << 8 | from[--bytes];
    }
    return number;
}

/* --- one file ------------------------------------------------------------- */

static void end_write(struct reader *reader)
{
    uint64_t sequence = load_little(reader->begin, 8);
    uint64_t count = load_little(reader->begin + 8, 4);

    reader->in_write = false;
    if (reader->begin_len < BEGIN_BYTES || reader->got != 0) {
        return;
    }
    if (reader->next != 0 && sequence != reader->next) {
        reader->got = sequence;
    } else {
        reader->next = sequence + count;
    }
}

static void take_piece(struct reader *reader, enum piece piece,
                       const uint8_t *bytes, size_t len)
{
    size_t some;

    if (piece == PIECE_WHOLE || piece == PIECE_FIRST) {
        reader->in_write = true;
        reader->begin_len = 0;
    }
    some = BEGIN_BYTES - reader->begin_len;
    some = len < some ? len : some;
    if (!reader->in_write) {
        return;
    }
    memcpy(reader->begin + reader->begin_len, bytes, some);
    reader->begin_len += some;
    if (piece == PIECE_WHOLE || piece == PIECE_LAST) {
        end_write(reader);
    }
}

/* A piece that is none, or does not fit, is where RocksDB leaves the block. */
static void take_block(struct reader *reader, size_t len)
{
    size_t at = 0;

    while (len - at >= HEADER_BYTES) {
        const uint8_t *header = reader->block + at;
        size_t bytes = (size_t)load_little(header + 4, 2);
        unsigned piece = header[6];

        at += HEADER_BYTES;
        if (piece == PIECE_NONE || piece > PIECE_LAST || bytes > len - at) {
            reader->in_write = false;
            return;
        }
        take_piece(reader, (enum piece)piece, header + HEADER_BYTES, bytes);
        at += bytes;
    }
}

/* Fills the block as far as the file goes; less than 0 if it cannot be read. */
static ssize_t read_block(struct reader *reader, int fd)
{
    size_t len = 0;
    ssize_t got = 1;

    while (len < BLOCK_BYTES && got > 0) {
        got = read(fd, reader->block + len, BLOCK_BYTES - len);
        len += got > 0 ? (size_t)got : 0;
    }
    return got < 0 ? -1 : (ssize_t)len;
}

static int read_file(struct reader *reader, int dir_fd, const char *name,
                     struct err *err)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    ssize_t len = -1;
    int status = 0;

    reader->in_write = false;
    while (fd >= 0 && (len = read_block(reader, fd)) > 0) {
        take_block(reader, (size_t)len);
    }
    if (len < 0) {
        status = err_set(err, E_IO, "db/%s: %s", name, strerror(errno));
    } else if (reader->got != 0) {
        status = err_set(err, E_DATA,
                         "lost writes: db/%s goes on at write %llu, but write "
                         "%llu was to come; a log file in db was damaged",
                         name, (unsigned long long)reader->got,
                         (unsigned long long)reader->next);
    }
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

/* --- all of them ---------------------------------------------------------- */

/* "000013.log" is number 13; anything else is 0. */
static uint64_t number_of(const char *name)
{
    static const char suffix[] = ".log";
    size_t digits = strspn(name, "0123456789");
    uint64_t number;

    if (digits == 0 || digits > DIGITS_MAX ||
        strcmp(name + digits, suffix) != 0 ||
        units_parse_number(slice_of(name, digits), &number) != 0) {
        return 0;
    }
    return number;
}

static int is_log(const struct dirent *entry)
{
    return number_of(entry->d_name) > 0;
}

static int by_number(const struct dirent **a, const struct dirent **b)
{
    uint64_t x = number_of((*a)->d_name);
    uint64_t y = number_of((*b)->d_name);

    return (x > y) - (x < y);
}

int log_files_check(const char *db_path, uint64_t first, struct err *err)
{
    struct reader *reader = memory_get(1, sizeof(*reader));
    struct dirent **names = NULL;
    int dir_fd = open(db_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int count = dir_fd < 0 ? -1 : scandir(db_path, &names, is_log, by_number);
    int status = 0;

    if (count < 0) {
        status = err_set(err, E_IO, "db cannot be listed: %s", strerror(errno));
    }
    for (int i = 0; i < count; i++) {
        if (status == 0 && number_of(names[i]->d_name) >= first) {
            status = read_file(reader, dir_fd, names[i]->d_name, err);
        }
        free(names[i]);
    }
    free(names);
    if (dir_fd >= 0) {
        close(dir_fd);
    }
    free(reader);
    return status;
}
