/* Commands as a client writes them, by writers that share nothing with proto/.
 *
 * Only what command->given names is written. A command that no client could
 * have written (an empty key, a namespace that is none) gives bytes that no
 * server should take. */
#ifndef TESTS_LIB_COMMAND_BYTES_H
#define TESTS_LIB_COMMAND_BYTES_H

#include "base/buf.h"
#include "base/command.h"

/* One line with its LF; keys, receipts and values of bytes always quoted. */
void command_line(struct buf *to, const struct command *command);

/* One RESP array of bulk strings. */
void command_resp(struct buf *to, const struct command *command);

#endif
