#include "tests/damage/harm.h"

#include "base/banned.h"
#include "tests/damage/tree.h"
#include "tests/lib/site.h"

#include <check.h>
#include <fcntl.h>
#include <unistd.h>

const char *harm_text(enum harm_kind kind)
{
    static const char *const texts[HARM_KINDS] = {
#define X(name, text) [HARM_##name] = text,
        HARM_MAP(X)
#undef X
    };

    return texts[kind];
}

/* splitmix64 */
uint64_t harm_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void flip(int fd, uint64_t bit)
{
    uint8_t byte;

    ck_assert_int_eq(pread(fd, &byte, 1, (off_t)(bit / 8)), 1);
    byte ^= (uint8_t)(1u << bit % 8);
    ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)(bit / 8)), 1);
}

static void overwrite(int fd, off_t at, size_t len, bool random, uint64_t seed)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = random ? (uint8_t)harm_random(&seed) : 0;

        ck_assert_int_eq(pwrite(fd, &byte, 1, at + (off_t)i), 1);
    }
}

static void punch(int fd, off_t at, size_t len)
{
    ck_assert_int_eq(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                               at, (off_t)len),
                     0);
}

/* Not beyond the end, where it would make the file longer. */
static size_t within(int fd, const struct harm *harm)
{
    uint64_t size = (uint64_t)lseek(fd, 0, SEEK_END);

    ck_assert_uint_lt(harm->at, size);
    return harm->at + harm->len <= size ? harm->len : (size_t)(size - harm->at);
}

static void harm_bytes(const struct harm *harm, int fd)
{
    off_t end = lseek(fd, 0, SEEK_END);

    if (harm->kind == HARM_BIT) {
        flip(fd, harm->at);
    } else if (harm->kind == HARM_CUT) {
        ck_assert_int_eq(ftruncate(fd, (off_t)harm->at), 0);
    } else if (harm->kind == HARM_HOLE) {
        punch(fd, (off_t)harm->at, within(fd, harm));
    } else if (harm->kind == HARM_MORE_ZEROS || harm->kind == HARM_MORE_NOISE) {
        overwrite(fd, end, harm->len, harm->kind == HARM_MORE_NOISE,
                  harm->seed);
    } else {
        overwrite(fd, (off_t)harm->at, within(fd, harm),
                  harm->kind == HARM_NOISE, harm->seed);
    }
}

static void swap(const char *a, const char *b)
{
    ck_assert_int_eq(renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE), 0);
}

static void put_back(const char *from, const char *to)
{
    struct buf content = {0};

    file_read(from, &content);
    file_write(to, buf_slice(&content));
    buf_release(&content);
}

void harm_do(const struct harm *harm, const char *dir)
{
    const char *path = tree_path(dir, harm->name);
    int fd;

    if (harm->kind == HARM_DELETE) {
        ck_assert_int_eq(unlink(path), 0);
    } else if (harm->kind == HARM_EMPTY) {
        ck_assert_int_eq(truncate(path, 0), 0);
    } else if (harm->kind == HARM_SWAP) {
        swap(path, tree_path(dir, harm->other));
    } else if (harm->kind == HARM_OLDER) {
        put_back(tree_path(harm->other, harm->name), path);
    } else {
        fd = open(path, O_RDWR | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        harm_bytes(harm, fd);
        close(fd);
    }
}
