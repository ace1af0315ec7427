/* Many lives of one daemon on one data directory, each ended by a fault under
 * load, and the judgement over all of them together. */
#ifndef TESTS_TORTURE_LIVES_H
#define TESTS_TORTURE_LIVES_H

#include "tests/torture/check.h"
#include "tests/torture/profile.h"
#include "tests/torture/tally.h"

/* "kill-start"; static storage. */
const char *nemesis_name(enum nemesis nemesis);

struct torture {
    uint64_t seed; /* all draws follow from it, though not what time decides */
    unsigned lives;
    unsigned life_ms; /* the longest */
    const struct profile *profile;
    unsigned nemeses; /* 1 << enum nemesis of those that may be drawn */
    struct check_options check;
    bool lying_disk;      /* between two lives an old copy of the data comes
                             back, as if nothing had been synced since */
    const char *save_dir; /* where a bad history goes, and its data directory
                             stays; NULL: both are dropped */
};

/* What came of one set. Zeroed before. */
struct outcome {
    bool good;
    struct buf why;         /* owned; not good: for a person to read */
    struct verdict verdict; /* owned; zeroed if it did not come to that */
};

/* On stdout; nothing of a good one. It is too long for a message of a test. */
void outcome_print(const struct outcome *outcome);

void outcome_release(struct outcome *outcome);

/* Runs one set and adds it to the tally. What the daemon does wrong is in the
 * outcome; what this machine cannot do fails the running test. */
void torture_run(const struct torture *torture, struct tally *tally,
                 struct outcome *outcome);

#endif
