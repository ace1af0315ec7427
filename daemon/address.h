/* Addresses to listen on, from text to bound sockets and back. */
#ifndef DAEMON_ADDRESS_H
#define DAEMON_ADDRESS_H

#include "base/err.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ADDRESS_TEXT_BYTES = 128,
    ADDRESSES_MAX = 16, /* in one list */
};

/* A socket that is bound. A TCP socket does not listen yet: nobody can connect
 * before the store is open. A unix socket does, for one that does not would
 * look left over to another process; its clients wait. */
struct bound {
    int fd; /* owned */
    bool is_unix;
    bool is_loopback;     /* or a unix socket */
    uint64_t file_device; /* of a unix socket's file, as it was made */
    uint64_t file_number;
    char text[ADDRESS_TEXT_BYTES]; /* ADDRESS:PORT as it was bound, with the
                                      port the system chose, or unix:PATH */
};

/* Whether the list could be bound as far as its text goes; binds nothing. 0, or
 * E_CONFIG with a sentence. */
must_check int address_check_all(const char *list, struct err *err);

/* Binds every address of the comma-separated list. E_CONFIG with a sentence
 * that names the address; then nothing stays bound. A socket file that nobody
 * serves any more is replaced, a served one is "in use". */
must_check int address_bind_all(const char *list,
                                struct bound bound[ADDRESSES_MAX],
                                size_t *count, struct err *err);

/* Closes the sockets and removes the socket files. */
void address_close_all(struct bound *bound, size_t count);

/* Removes the file of a unix socket if it is still the one that was made;
 * nothing for others. */
void address_unlink(const struct bound *bound);

#endif
