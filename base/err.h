/* One sentence for a person who waits: start-up and configuration errors. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum { ERR_TEXT_BYTES = 512 };

struct err {
    char text[ERR_TEXT_BYTES]; /* always terminated; "" when nothing is wrong */
};

/* Writes the sentence, cut to fit, and returns `status`, so that a caller can
 * fail in one line: return err_set(err, E_CONFIG, "…"). `err` may be NULL. */
int err_set(struct err *err, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
