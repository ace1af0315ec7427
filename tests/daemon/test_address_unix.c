/* Unix sockets: their files, who may use them, and what may be in the way. */
#include "base/banned.h"
#include "daemon/address.h"
#include "tests/lib/stores.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A directory with room for one socket file, bound at most once. */
struct socket_file {
    char dir[64];
    char path[96];
    char text[ADDRESS_TEXT_BYTES];
    struct bound bound[ADDRESSES_MAX];
    size_t count;
    struct err err;
};

static void place_make(struct socket_file *place)
{
    *place = (struct socket_file){.count = 0};
    temp_dir_make(place->dir, sizeof(place->dir));
    snprintf(place->path, sizeof(place->path), "%s/sock", place->dir);
    snprintf(place->text, sizeof(place->text), "unix:%s", place->path);
}

static int try_bind(struct socket_file *place)
{
    return address_bind_all(place->text, place->bound, &place->count,
                            &place->err);
}

static void binds(struct socket_file *place)
{
    ck_assert_msg(try_bind(place) == 0, "%s", place->err.text);
    ck_assert_uint_eq(place->count, 1);
}

static void refuses(struct socket_file *place, const char *why)
{
    ck_assert_int_eq(try_bind(place), E_CONFIG);
    ck_assert_uint_eq(place->count, 0);
    ck_assert_msg(strstr(place->err.text, place->text) != NULL, "%s",
                  place->err.text);
    ck_assert_msg(strstr(place->err.text, why) != NULL, "%s", place->err.text);
}

static void release(struct socket_file *place)
{
    address_close_all(place->bound, place->count);
    place->count = 0;
}

static bool exists(const char *path)
{
    struct stat file;

    return lstat(path, &file) == 0;
}

static int connect_to(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error;

    ck_assert_int_ge(fd, 0);
    ck_assert_uint_lt(strlen(path), sizeof(to.sun_path));
    memcpy(to.sun_path, path, strlen(path));
    error = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 ? 0 : errno;
    close(fd);
    return error;
}

/* As a process that was killed leaves it. */
static void leave_stale(struct socket_file *place)
{
    binds(place);
    ck_assert_int_eq(listen(place->bound[0].fd, 1), 0);
    close(place->bound[0].fd);
    place->count = 0;
    ck_assert(exists(place->path));
    ck_assert_int_eq(connect_to(place->path), ECONNREFUSED);
}

/* --- files ---------------------------------------------------------------- */

START_TEST(socket_file_is_there_until_it_is_closed)
{
    struct socket_file place;
    struct stat file;

    place_make(&place);
    binds(&place);
    ck_assert_str_eq(place.bound[0].text, place.text);
    ck_assert(place.bound[0].is_unix);
    ck_assert(place.bound[0].is_loopback);
    ck_assert_int_eq(lstat(place.path, &file), 0);
    ck_assert(S_ISSOCK(file.st_mode));
    ck_assert_int_eq(connect_to(place.path), 0);
    release(&place);
    ck_assert(!exists(place.path));
    temp_dir_remove(place.dir);
}
END_TEST

START_TEST(file_of_somebody_else_is_not_removed)
{
    struct socket_file place;
    FILE *other;

    place_make(&place);
    binds(&place);
    ck_assert_int_eq(unlink(place.path), 0);
    other = fopen(place.path, "w");
    ck_assert_ptr_nonnull(other);
    ck_assert_int_eq(fclose(other), 0);
    release(&place);
    ck_assert(exists(place.path));
    temp_dir_remove(place.dir);
}
END_TEST

START_TEST(one_path_cannot_be_bound_twice)
{
    struct socket_file place;
    struct bound again[ADDRESSES_MAX];
    struct err err = {""};
    size_t count;

    place_make(&place);
    binds(&place);
    ck_assert_int_eq(address_bind_all(place.text, again, &count, &err),
                     E_CONFIG);
    ck_assert_int_eq(connect_to(place.path), 0);
    release(&place);
    temp_dir_remove(place.dir);
}
END_TEST

START_TEST(only_the_owner_may_connect)
{
    static const mode_t masks[] = {0, 022, 077, 0777};
    struct socket_file place;
    struct stat file;

    place_make(&place);
    for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
        umask(masks[i]);
        binds(&place);
        ck_assert_int_eq(stat(place.path, &file), 0);
        ck_assert_uint_eq(file.st_mode & 07777, 0600);
        release(&place);
        /* And the process keeps its mask. */
        ck_assert_uint_eq(umask(022), masks[i]);
    }
    temp_dir_remove(place.dir);
}
END_TEST

START_TEST(unlink_removes_the_file_of_a_unix_socket_alone)
{
    struct socket_file place;

    place_make(&place);
    binds(&place);
    place.bound[0].is_unix = false;
    address_unlink(&place.bound[0]);
    ck_assert(exists(place.path));
    place.bound[0].is_unix = true;
    address_unlink(&place.bound[0]);
    ck_assert(!exists(place.path));
    ck_assert_int_eq(listen(place.bound[0].fd, 1), 0);
    close(place.bound[0].fd);
    temp_dir_remove(place.dir);
}
END_TEST

/* --- what is in the way --------------------------------------------------- */

START_TEST(file_of_a_process_that_has_gone_is_replaced)
{
    struct socket_file place;

    place_make(&place);
    leave_stale(&place);
    binds(&place);
    ck_assert_int_eq(listen(place.bound[0].fd, 1), 0);
    ck_assert_int_eq(connect_to(place.path), 0);
    release(&place);
    temp_dir_remove(place.dir);
}
END_TEST

START_TEST(served_socket_is_in_use)
{
    struct socket_file place;
    struct socket_file second;

    place_make(&place);
    binds(&place);
    ck_assert_int_eq(listen(place.bound[0].fd, 1), 0);
    second = place;
    refuses(&second, "Address already in use");
    ck_assert_int_eq(connect_to(place.path), 0);
    release(&place);
    temp_dir_remove(place.dir);
}
END_TEST

/* Its queue is full, so it does not answer either; but it is there. */
START_TEST(busy_socket_is_in_use)
{
    struct socket_file place;
    struct socket_file second;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fds[8];
    size_t count = 0;

    place_make(&place);
    binds(&place);
    ck_assert_int_eq(listen(place.bound[0].fd, 0), 0);
    memcpy(to.sun_path, place.path, strlen(place.path));
    do {
        ck_assert_uint_lt(count, 8);
        fds[count] =
            socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        ck_assert_int_ge(fds[count], 0);
    } while (connect(fds[count++], (struct sockaddr *)&to, sizeof(to)) == 0);
    ck_assert_int_eq(errno, EAGAIN);
    second = place;
    refuses(&second, "Address already in use");
    ck_assert(exists(place.path));
    while (count > 0) {
        close(fds[--count]);
    }
    release(&place);
    temp_dir_remove(place.dir);
}
END_TEST

static void write_file(const char *path)
{
    FILE *file = fopen(path, "wxe");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs("precious", file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(file_that_is_no_socket_is_never_removed)
{
    struct socket_file place;
    struct stat file;

    place_make(&place);
    write_file(place.path);
    refuses(&place, "Address already in use");
    ck_assert_int_eq(stat(place.path, &file), 0);
    ck_assert_int_eq(file.st_size, (off_t)strlen("precious"));
    temp_dir_remove(place.dir);
}
END_TEST

START_TEST(directory_in_the_way_is_never_removed)
{
    struct socket_file place;

    place_make(&place);
    ck_assert_int_eq(mkdir(place.path, 0700), 0);
    refuses(&place, "Address already in use");
    ck_assert(exists(place.path));
    temp_dir_remove(place.dir);
}
END_TEST

START_TEST(link_to_a_stale_socket_is_never_removed)
{
    struct socket_file place;
    struct socket_file target;

    place_make(&place);
    place_make(&target);
    leave_stale(&target);
    ck_assert_int_eq(symlink(target.path, place.path), 0);
    refuses(&place, "Address already in use");
    ck_assert(exists(place.path));
    ck_assert(exists(target.path));
    temp_dir_remove(place.dir);
    temp_dir_remove(target.dir);
}
END_TEST

/* --- texts and lists ------------------------------------------------------ */

START_TEST(path_must_fit_a_socket_address)
{
    struct socket_file place;
    struct sockaddr_un address;
    size_t len = sizeof(address.sun_path) + strlen("unix:");

    place_make(&place);
    snprintf(place.text, sizeof(place.text), "unix:");
    refuses(&place, "empty or too long");
    memset(place.text + strlen("unix:"), 'x', len);
    place.text[len] = '\0';
    refuses(&place, "empty or too long");
    snprintf(place.text, sizeof(place.text), "unix:%s/no/sock", place.dir);
    refuses(&place, "No such file or directory");
    temp_dir_remove(place.dir);
}
END_TEST

START_TEST(list_that_fails_leaves_no_socket_file)
{
    struct socket_file place;
    struct err err = {""};
    char list[2 * ADDRESS_TEXT_BYTES];

    place_make(&place);
    snprintf(list, sizeof(list), "127.0.0.1:0, %s , nonsense", place.text);
    ck_assert_int_eq(address_bind_all(list, place.bound, &place.count, &err),
                     E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "listen: nonsense: "));
    ck_assert_uint_eq(place.count, 0);
    ck_assert(!exists(place.path));
    temp_dir_remove(place.dir);
}
END_TEST

START_TEST(kinds_may_be_mixed_in_a_list)
{
    struct socket_file place;
    struct err err = {""};
    char list[2 * ADDRESS_TEXT_BYTES];

    place_make(&place);
    snprintf(list, sizeof(list), " %s ,127.0.0.1:0", place.text);
    ck_assert_int_eq(address_bind_all(list, place.bound, &place.count, &err),
                     0);
    ck_assert_uint_eq(place.count, 2);
    ck_assert(place.bound[0].is_unix);
    ck_assert_str_eq(place.bound[0].text, place.text);
    ck_assert(!place.bound[1].is_unix);
    release(&place);
    ck_assert(!exists(place.path));
    temp_dir_remove(place.dir);
}
END_TEST

SUITE(address_unix, 10, socket_file_is_there_until_it_is_closed,
      only_the_owner_may_connect,
      unlink_removes_the_file_of_a_unix_socket_alone,
      file_of_a_process_that_has_gone_is_replaced, served_socket_is_in_use,
      busy_socket_is_in_use, file_that_is_no_socket_is_never_removed,
      directory_in_the_way_is_never_removed,
      link_to_a_stale_socket_is_never_removed,
      file_of_somebody_else_is_not_removed, one_path_cannot_be_bound_twice,
      path_must_fit_a_socket_address, list_that_fails_leaves_no_socket_file,
      kinds_may_be_mixed_in_a_list)
