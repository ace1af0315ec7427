#include "tests/lib/client.h"

#include "base/banned.h"

#include <check.h>
#include <ctype.h>

bool begins(const char *text, const char *prefix)
{
    return text != NULL && strncmp(text, prefix, strlen(prefix)) == 0;
}

uint64_t number_of(const char *reply, const char *name)
{
    char field[32];
    const char *at;

    ck_assert_ptr_nonnull(reply);
    snprintf(field, sizeof(field), " %s=", name);
    at = strstr(reply, field);
    ck_assert_msg(at != NULL, "no %s in \"%s\"", name, reply);
    return strtoull(at + strlen(field), NULL, 10);
}

uint64_t fence_of(const char *reply)
{
    return number_of(reply, "fence");
}

/* The first digit of a number that follows the name, in a line, in the text of
 * a RESP reply or in its bytes; NULL where there is none behind `text`. */
static char *number_behind(char *text, const char *name)
{
    while ((text = strstr(text, name)) != NULL) {
        text += strlen(name);
        if (*text == '=' && isdigit((unsigned char)text[1])) {
            return text + 1;
        }
        if (begins(text, "\",") && isdigit((unsigned char)text[2])) {
            return text + 2;
        }
        if (begins(text, "\r\n:")) {
            return text + 3;
        }
    }
    return NULL;
}

void mask_numbers(char *text)
{
    static const char *const names[] = {"fence", "age", "lease", "ttl",
                                        "retry"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *at = text;

        while ((at = number_behind(at, names[i])) != NULL) {
            size_t digits = strspn(at, "0123456789");

            *at = '#';
            memmove(at + 1, at + digits, strlen(at + digits) + 1);
        }
    }
}

uint64_t stat_of(struct client *client, const char *name)
{
    const char *line = client_ask(client, "STATS");
    size_t len = strlen(name);
    uint64_t value = 0;
    bool found = false;
    unsigned long lines;

    expect_begins(line, "STATS ");
    lines = strtoul(line + strlen("STATS "), NULL, 10);
    for (unsigned long i = 0; i < lines; i++) {
        line = client_line(client);
        ck_assert_ptr_nonnull(line);
        if (begins(line, name) && line[len] == ' ') {
            value = strtoull(line + len + 1, NULL, 10);
            found = true;
        }
    }
    ck_assert_msg(found, "STATS does not name %s", name);
    return value;
}
