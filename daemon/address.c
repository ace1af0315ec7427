#include "daemon/address.h"

#include "base/check.h"
#include "base/slice.h"
#include "base/units.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define UNIX_PREFIX "unix:"
enum { UNIX_PREFIX_LEN = sizeof(UNIX_PREFIX) - 1, PORT_MAX = 65535 };

static int fail_errno(const char *text, int error, struct err *err)
{
    return err_set(err, E_CONFIG, "listen: %s: %s", text, strerror(error));
}

static int open_socket(int family, const char *text, struct err *err)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        return fail_errno(text, errno, err);
    }
    return fd;
}

static int refuse_text(const char *text, struct err *err)
{
    return err_set(err, E_CONFIG,
                   "listen: %s: not IPV4:PORT, [IPV6]:PORT or unix:PATH", text);
}

/* --- TCP ------------------------------------------------------------------
 */

/* Cuts "HOST:PORT" or "[HOST]:PORT" in two; `host` has ADDRESS_TEXT_BYTES. */
static bool split_host(const char *text, char *host, bool *bracketed,
                       uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - text);
    uint64_t number;

    *bracketed = text[0] == '[';
    if (colon == NULL || (*bracketed && (len < 3 || text[len - 1] != ']'))) {
        return false;
    }
    if (units_parse_number(slice_str(colon + 1), &number) < 0 ||
        number > PORT_MAX) {
        return false;
    }
    *port = (uint16_t)number;
    if (*bracketed) {
        memcpy(host, text + 1, len - 2);
        host[len - 2] = '\0';
    } else {
        memcpy(host, text, len);
        host[len] = '\0';
    }
    return true;
}

struct inet {
    struct sockaddr_storage address;
    socklen_t len;
};

static bool parse_inet(const char *text, struct inet *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&out->address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&out->address;
    char host[ADDRESS_TEXT_BYTES];
    bool bracketed;
    uint16_t port;

    memset(out, 0, sizeof(*out));
    if (!split_host(text, host, &bracketed, &port)) {
        return false;
    }
    if (bracketed) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        out->len = sizeof(*v6);
        return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1;
    }
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    out->len = sizeof(*v4);
    return inet_pton(AF_INET, host, &v4->sin_addr) == 1;
}

/* Writes the address as it was bound. */
static void describe_inet(struct bound *bound)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);
    const struct sockaddr_in *v4 = (const void *)&address;
    const struct sockaddr_in6 *v6 = (const void *)&address;
    char host[INET6_ADDRSTRLEN] = "?";
    unsigned port;

    if (getsockname(bound->fd, (struct sockaddr *)&address, &len) != 0) {
        return;
    }
    if (address.ss_family == AF_INET) {
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
        port = ntohs(v4->sin_port);
        snprintf(bound->text, sizeof(bound->text), "%s:%u", host, port);
        bound->is_loopback = (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
    } else {
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
        /* The analyzer does not see that it is set, seen as another type.
         * NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage) */
        port = ntohs(v6->sin6_port);
        snprintf(bound->text, sizeof(bound->text), "[%s]:%u", host, port);
        bound->is_loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    }
}

static int bind_inet(const char *text, struct bound *bound, struct err *err)
{
    struct inet inet;
    int on = 1;

    if (!parse_inet(text, &inet)) {
        return refuse_text(text, err);
    }
    bound->fd = open_socket(inet.address.ss_family, text, err);
    if (bound->fd < 0) {
        return bound->fd;
    }
    setsockopt(bound->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (inet.address.ss_family == AF_INET6) {
        setsockopt(bound->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    }
    if (bind(bound->fd, (struct sockaddr *)&inet.address, inet.len) != 0) {
        fail_errno(text, errno, err);
        close(bound->fd);
        return E_CONFIG;
    }
    describe_inet(bound);
    return 0;
}

/* --- unix sockets ---------------------------------------------------------
 */

/* Whether a file is left of a process that has gone: a socket that refuses. */
static bool is_stale_socket(const struct sockaddr_un *address)
{
    struct stat file;
    bool stale = false;
    int fd;

    if (lstat(address->sun_path, &file) != 0 || !S_ISSOCK(file.st_mode)) {
        return false;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0) {
        stale = connect(fd, (const struct sockaddr *)address,
                        sizeof(*address)) != 0 &&
                errno == ECONNREFUSED;
        close(fd);
    }
    return stale;
}

static int bind_once(int fd, const struct sockaddr_un *address)
{
    /* The mode has to be right before anybody can connect. */
    mode_t before = umask(0177);
    int error =
        bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0
            ? 0
            : errno;

    umask(before);
    return error;
}

static bool parse_unix(const char *text, struct sockaddr_un *address)
{
    const char *path = text + UNIX_PREFIX_LEN;
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof(address->sun_path)) {
        return false;
    }
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, path, len + 1);
    return true;
}

static int refuse_path(const char *text, struct err *err)
{
    return err_set(err, E_CONFIG,
                   "listen: %s: the path is empty or too long for a socket",
                   text);
}

static void note_file(const char *path, struct bound *bound)
{
    struct stat file;

    if (lstat(path, &file) == 0) {
        bound->file_device = file.st_dev;
        bound->file_number = file.st_ino;
    }
}

static int bind_unix(const char *text, struct bound *bound, struct err *err)
{
    struct sockaddr_un address;
    int error;

    if (!parse_unix(text, &address)) {
        return refuse_path(text, err);
    }
    bound->fd = open_socket(AF_UNIX, text, err);
    if (bound->fd < 0) {
        return bound->fd;
    }
    error = bind_once(bound->fd, &address);
    if (error == EADDRINUSE && is_stale_socket(&address) &&
        unlink(address.sun_path) == 0) {
        error = bind_once(bound->fd, &address);
    }
    if (error == 0 && listen(bound->fd, SOMAXCONN) != 0) {
        error = errno;
        unlink(address.sun_path);
    }
    if (error != 0) {
        close(bound->fd);
        return fail_errno(text, error, err);
    }
    note_file(address.sun_path, bound);
    bound->is_unix = true;
    bound->is_loopback = true;
    snprintf(bound->text, sizeof(bound->text), "%s", text);
    return 0;
}

void address_unlink(const struct bound *bound)
{
    const char *path = bound->text + UNIX_PREFIX_LEN;
    struct stat file;

    if (bound->is_unix && lstat(path, &file) == 0 &&
        file.st_dev == bound->file_device &&
        file.st_ino == bound->file_number) {
        unlink(path);
    }
}

/* --- lists ----------------------------------------------------------------
 */

void address_close_all(struct bound *bound, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        address_unlink(&bound[i]);
        close(bound[i].fd);
    }
}

static bool is_unix_text(const char *text)
{
    return strncmp(text, UNIX_PREFIX, UNIX_PREFIX_LEN) == 0;
}

/* What is done with each address of a list, in order. */
typedef int address_step(const char *text, size_t index, void *arg,
                         struct err *err);

/* Copies the next address of the list to `text` and moves on: to what stands
 * behind its comma, or to NULL where there is none. */
static bool next_address(const char **list, char text[ADDRESS_TEXT_BYTES])
{
    const char *start = *list + strspn(*list, " \t");
    size_t len = strcspn(start, ",");
    size_t kept = len;

    while (kept > 0 && (start[kept - 1] == ' ' || start[kept - 1] == '\t')) {
        kept--;
    }
    if (kept >= ADDRESS_TEXT_BYTES) {
        return false;
    }
    memcpy(text, start, kept);
    text[kept] = '\0';
    *list = start[len] == ',' ? start + len + 1 : NULL;
    return true;
}

static int each_address(const char *list, address_step *step, void *arg,
                        struct err *err)
{
    char text[ADDRESS_TEXT_BYTES];
    size_t index = 0;
    int status = 0;

    do {
        if (index == ADDRESSES_MAX) {
            status = err_set(err, E_CONFIG, "listen: more than %d addresses",
                             ADDRESSES_MAX);
        } else if (!next_address(&list, text)) {
            status = err_set(err, E_CONFIG, "listen: an address is too long");
        } else {
            status = step(text, index++, arg, err);
        }
    } while (status == 0 && list != NULL);
    return status;
}

static int check_one(const char *text, size_t index, void *arg, struct err *err)
{
    struct sockaddr_un path;
    struct inet inet;

    (void)index;
    (void)arg;
    if (is_unix_text(text)) {
        return parse_unix(text, &path) ? 0 : refuse_path(text, err);
    }
    return parse_inet(text, &inet) ? 0 : refuse_text(text, err);
}

int address_check_all(const char *list, struct err *err)
{
    return each_address(list, check_one, NULL, err);
}

struct binding {
    struct bound *bound;
    size_t count;
};

static int bind_one(const char *text, size_t index, void *arg, struct err *err)
{
    struct binding *binding = arg;
    struct bound *bound = &binding->bound[index];
    int status;

    *bound = (struct bound){.fd = -1};
    status = is_unix_text(text) ? bind_unix(text, bound, err)
                                : bind_inet(text, bound, err);
    binding->count += status == 0;
    return status;
}

int address_bind_all(const char *list, struct bound bound[ADDRESSES_MAX],
                     size_t *count, struct err *err)
{
    struct binding binding = {.bound = bound};
    int status = each_address(list, bind_one, &binding, err);

    if (status < 0) {
        address_close_all(bound, binding.count);
        binding.count = 0;
    }
    *count = binding.count;
    return status;
}
