/* The memory store: for trying out and as the tests' twin of the real one.
 *
 * Nothing survives store_close(). Everything else is as store.h says, with the
 * same counts of rows read and of index entries. */
#ifndef STORAGE_STORE_MEM_H
#define STORAGE_STORE_MEM_H

#include "storage/store.h"

struct store *store_mem_open(const struct store_config *config, int *status,
                             struct err *err);

#endif
