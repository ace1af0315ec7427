/* Hash tables: uthash, with running out of memory as a failed CHECK.
 *
 * Only for tables whose size the program bounds itself. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include "base/check.h"

#define uthash_fatal(message) check_failed(message, __FILE__, __LINE__)
#include <uthash.h>

#endif
