#include "base/status.h"

struct status_text {
    const char *name;
    const char *sentence;
    int exit_code;
};

enum { EXIT_CODE_SOFTWARE = 70 };

static const struct status_text texts[] = {
#define X(name, sentence) {#name, sentence, EXIT_CODE_SOFTWARE},
    STATUS_WIRE_MAP(X)
#undef X
#define X(name, exit, sentence) {#name, sentence, exit},
        STATUS_INNER_MAP(X)
#undef X
};

static const struct status_text *text_of(int status)
{
    static const struct status_text ok = {"OK", "success", 0};
    static const struct status_text unknown = {"UNKNOWN", "unknown status",
                                               EXIT_CODE_SOFTWARE};
    int count = (int)(sizeof(texts) / sizeof(texts[0]));
    int index = STATUS_WIRE_INDEX(status);

    if (status == 0) {
        return &ok;
    }
    return index >= 0 && index < count ? &texts[index] : &unknown;
}

const char *status_name(int status)
{
    return text_of(status)->name;
}

const char *status_sentence(int status)
{
    return text_of(status)->sentence;
}

int status_exit_code(int status)
{
    return text_of(status)->exit_code;
}
