/* The one list of status codes: what a function may return besides 0.
 *
 * A status is an int: 0, or one of the negative values below. "Not there" is
 * an answer and has no status of its own, except where a client is told
 * NOT_FOUND. The first part of the list is shown to clients: the name without
 * E_ is the CODE of an `ERR CODE sentence` reply. The second part stays inside
 * the process; those that end it say with which exit code (sysexits.h). */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

/* X(NAME, SENTENCE): the sentence stands after the code when the place that
 * found the error has none of its own. It never repeats a client's bytes. */
#define STATUS_WIRE_MAP(X)                                                     \
    X(SYNTAX, "the request is malformed")                                      \
    X(UNKNOWN_COMMAND, "no such command, try HELP")                            \
    X(LIMIT, "a key, receipt, option or duration is out of bounds")            \
    X(NOT_FOUND, "nobody holds a claim on this key")                           \
    X(CONFLICT, "the key is completed")                                        \
    X(STALE, "the fence is not that of the last claim")                        \
    X(MISMATCH, "the fingerprint differs from the claim's")                    \
    X(FENCE_REQUIRED, "this needs the fence that CLAIMED gave")                \
    X(CORRUPT, "the stored record of this key cannot be read")                 \
    X(BUSY, "too much at once, nothing was done")                              \
    X(NO_SPACE, "the disk is almost full, nothing was done")                   \
    X(INDETERMINATE, "the outcome is unknown, repeat the same command")        \
    X(AUTH, "not authenticated")                                               \
    X(DENIED, "not allowed")                                                   \
    X(SHUTTING_DOWN, "the daemon is stopping, nothing was done")

/* X(NAME, EXIT, SENTENCE) */
#define STATUS_INNER_MAP(X)                                                    \
    X(SEQUENCE, 70, "sequence conflict")                                       \
    X(MEMORY, 70, "out of memory")                                             \
    X(DATA, 65, "corrupt data")                                                \
    X(IO, 74, "storage error")                                                 \
    X(FULL, 75, "no space left")                                               \
    X(CONFIG, 78, "bad configuration")                                         \
    X(FORMAT, 78, "unusable data directory")

enum {
    STATUS_FIRST_ = -1000,
#define X(name, sentence) E_##name,
    STATUS_WIRE_MAP(X)
#undef X
        STATUS_WIRE_END_,
    STATUS_INNER_FIRST_ = STATUS_WIRE_END_ - 1,
#define X(name, exit, sentence) E_##name,
    STATUS_INNER_MAP(X)
#undef X
        STATUS_END_
};

/* How many codes clients can see, and the index of one among them. */
#define STATUS_WIRE_COUNT         (STATUS_WIRE_END_ - STATUS_FIRST_ - 1)
#define STATUS_WIRE_INDEX(status) ((status)-STATUS_FIRST_ - 1)

_Static_assert(STATUS_END_ < 0, "every status but success is negative");

/* A result that must not be dropped on the floor. */
#define must_check __attribute__((warn_unused_result))

/* The name without E_ ("STALE"); "OK" for 0. Never NULL, static storage. */
const char *status_name(int status);

/* One English sentence without a full stop. Never NULL, static storage. */
const char *status_sentence(int status);

/* The exit code of a process that ends because of this status; 0 for 0. */
int status_exit_code(int status);

#endif
