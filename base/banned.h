/* Functions that are too easy to use wrongly: using one fails to compile. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/* System headers that name them must come before the poison. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* With fortified headers some are macros under clang, which it will not
 * poison. */
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets
#pragma GCC poison strtok atoi atol atoll gmtime localtime ctime asctime

#endif
