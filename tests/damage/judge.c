#include "tests/damage/judge.h"

#include "base/banned.h"
#include "tests/lib/site.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    HANGS_AFTER_S = 20,
    WHY_BYTES = 400,
    WRONG_SHOWN_MAX = 40,
    APPENDED_MAX = 40000,
};

/* What the process that opened the copy says. */
struct verdict {
    enum outcome outcome;
    char why[WHY_BYTES];
    bool said;
};

static struct verdict *verdict; /* shared with that process */

static bool all_positions(void)
{
    return getenv("FAULTS_ALL") != NULL;
}

size_t judge_step(size_t usual, size_t all)
{
    return all_positions() ? all : usual;
}

/* --- in the process that opens it ----------------------------------------- */

static _Noreturn void say(enum outcome outcome, const char *why)
{
    verdict->outcome = outcome;
    snprintf(verdict->why, sizeof(verdict->why), "%s", why);
    verdict->said = true;
    _exit(0);
}

static int try_open(struct bench *b, const struct judge *judge, struct err *err)
{
    int status = bench_open_at(b, judge->work, judge->golden.write_buffer_bytes,
                               judge->golden.end_us, err);

    /* A merge began with the opening. */
    if (status == E_DATA && strcmp(err->text, BENCH_FIRST_WRITE) == 0) {
        say(OUTCOME_ENDED, "");
    }
    return status;
}

static void say_if_ended(struct bench *b, int kind, int error)
{
    struct session *session = b->store.session;

    if (kind == REPLY_ERROR && error == E_INDETERMINATE &&
        session->store->ops->trouble_status(session) == E_DATA) {
        say(OUTCOME_ENDED, "");
    }
}

/* Asks for every key; how many are CORRUPT. */
static unsigned ask_all(struct bench *b, const struct golden *golden,
                        const char *when)
{
    char why[WHY_BYTES];
    unsigned corrupt = 0;

    for (unsigned key = 0; key < golden->keys; key++) {
        const struct answer *right = &golden->answers[key];
        struct answer now = golden_ask(b, key);

        say_if_ended(b, now.kind, now.error);
        if (now.kind == REPLY_ERROR && now.error == E_CORRUPT) {
            corrupt++;
        } else if (memcmp(&now, right, sizeof(now)) != 0) {
            snprintf(why, sizeof(why), "%s key %u was %s and is %s", when, key,
                     answer_text(right), answer_text(&now));
            say(OUTCOME_WRONG, why);
        }
    }
    return corrupt;
}

/* A new key has to be servable, or CORRUPT like the others. */
static void claim_another(struct bench *b, const char *key)
{
    struct reply reply = bench_run(b, claim(key));

    say_if_ended(b, reply.kind, reply.error);
    if (reply.kind != REPLY_CLAIMED &&
        (reply.kind != REPLY_ERROR || reply.error != E_CORRUPT)) {
        say(OUTCOME_WRONG, reply_text(&reply));
    }
}

static unsigned sweep_and_ask(struct bench *b, const struct golden *golden)
{
    int status;

    sweeper_begin(&b->sweeper);
    do {
        status = sweeper_slice(&b->sweeper);
    } while (status == 0 && b->sweeper.running);
    say_if_ended(b, status == 0 ? REPLY_NONE : REPLY_ERROR, status);
    /* E_IO: nothing that is due can be found in the index. */
    if (status != 0 && status != E_IO) {
        say(OUTCOME_WRONG, "the sweeper has failed");
    }
    return ask_all(b, golden, "after a sweep");
}

static _Noreturn void serve(struct bench *b, const struct judge *judge)
{
    const struct golden *golden = &judge->golden;
    struct err err = {""};
    unsigned corrupt = ask_all(b, golden, "at first");

    claim_another(b, "another");
    corrupt += sweep_and_ask(b, golden);
    bench_stop(b);
    if (try_open(b, judge, &err) != 0) {
        char why[WHY_BYTES];

        snprintf(why, sizeof(why), "refused only when opened again: %.300s",
                 err.text);
        say(corrupt > 0 ? OUTCOME_CORRUPT : OUTCOME_WRONG, why);
    }
    corrupt += ask_all(b, golden, "when opened again");
    claim_another(b, "and another");
    bench_stop(b);
    say(corrupt > 0 ? OUTCOME_CORRUPT : OUTCOME_RIGHT, "");
}

static _Noreturn void open_and_serve(const struct judge *judge)
{
    static struct bench b;
    struct err err = {""};
    struct err again = {""};
    int status = try_open(&b, judge, &err);

    if (status == 0) {
        serve(&b, judge);
    }
    if (status != E_DATA && status != E_FORMAT) {
        say(OUTCOME_WRONG, err.text);
    }
    if (try_open(&b, judge, &again) != status) {
        say(OUTCOME_WRONG, "refused once, and then not or otherwise");
    }
    say(status == E_DATA ? OUTCOME_REFUSED_DATA : OUTCOME_REFUSED_FORMAT,
        err.text);
}

/* What is logged is of no interest, thousands of times. */
static _Noreturn void run(const struct judge *judge)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    dup2(null, STDERR_FILENO);
    alarm(HANGS_AFTER_S);
    open_and_serve(judge);
}

/* --- outside of it -------------------------------------------------------- */

static void judge_end(int status)
{
    if (!verdict->said || !WIFEXITED(status)) {
        verdict->outcome = OUTCOME_WRONG;
        snprintf(verdict->why, sizeof(verdict->why), "ended with %s %d",
                 WIFSIGNALED(status) ? "signal" : "exit code",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
}

static void spawn_and_wait(const struct judge *judge)
{
    int status;
    pid_t pid;

    verdict->said = false;
    (void)fflush(stdout);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        run(judge);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    judge_end(status);
}

static void show_wrong(const struct harm *harm)
{
    printf("WRONG: %s: %s at %llu, %zu bytes, seed %llu%s%s: %s\n", harm->name,
           harm_text(harm->kind), (unsigned long long)harm->at, harm->len,
           (unsigned long long)harm->seed, harm->other == NULL ? "" : ", ",
           harm->other == NULL ? "" : harm->other, verdict->why);
}

static void remove_work(const struct judge *judge)
{
    if (file_exists(judge->work)) {
        directory_remove(judge->work);
    }
}

void judge_harm(struct judge *judge, const struct harm *harm)
{
    char data[PATH_MAX + 8];
    uint64_t digest;

    remove_work(judge);
    directory_make(judge->work);
    snprintf(data, sizeof(data), "%s/data", judge->work);
    tree_copy(judge->data, data);
    harm_do(harm, data);
    digest = directory_digest(data);
    spawn_and_wait(judge);
    if ((verdict->outcome == OUTCOME_REFUSED_DATA ||
         verdict->outcome == OUTCOME_REFUSED_FORMAT) &&
        directory_digest(data) != digest) {
        verdict->outcome = OUTCOME_WRONG;
        snprintf(verdict->why, sizeof(verdict->why), "refused, but written to");
    }
    judge->counts[harm->kind][verdict->outcome]++;
    if (verdict->outcome == OUTCOME_WRONG && judge->wrong++ < WRONG_SHOWN_MAX) {
        show_wrong(harm);
    }
}

/* --- counts --------------------------------------------------------------- */

static void print_kind(const struct judge *judge, enum harm_kind kind)
{
    const unsigned *counts = judge->counts[kind];
    unsigned all = 0;

    for (int i = 0; i < OUTCOME_KINDS; i++) {
        all += counts[i];
    }
    if (all > 0) {
        printf("damage: %s: %s: %u: refused %u (65) %u (78), CORRUPT %u, "
               "ended %u (65), harmless %u, WRONG %u\n",
               judge->title, harm_text(kind), all, counts[OUTCOME_REFUSED_DATA],
               counts[OUTCOME_REFUSED_FORMAT], counts[OUTCOME_CORRUPT],
               counts[OUTCOME_ENDED], counts[OUTCOME_RIGHT],
               counts[OUTCOME_WRONG]);
    }
}

static void print_counts(struct judge *judge)
{
    for (enum harm_kind kind = 0; kind < HARM_KINDS; kind++) {
        print_kind(judge, kind);
    }
    memset(judge->counts, 0, sizeof(judge->counts));
    (void)fflush(stdout);
}

void judge_begin(struct judge *judge, const char *title)
{
    print_counts(judge);
    judge->title = title;
}

/* Every opening syncs: a memory file system saves most of the time. */
static void choose_place(void)
{
    if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK | X_OK) == 0) {
        setenv("TMPDIR", "/dev/shm", 1);
    }
}

void judge_open(struct judge *judge, enum golden_kind kind)
{
    choose_place();
    memset(judge, 0, sizeof(*judge));
    verdict = mmap(NULL, sizeof(*verdict), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(verdict, MAP_FAILED);
    golden_make(&judge->golden, kind);
    snprintf(judge->data, PATH_MAX, "%s/data", judge->golden.dir);
    snprintf(judge->older, PATH_MAX, "%s/older", judge->golden.dir);
    snprintf(judge->work, PATH_MAX, "%s/work", judge->golden.dir);
    tree_list(&judge->tree, judge->data);
}

void judge_close(struct judge *judge)
{
    print_counts(judge);
    golden_remove(&judge->golden);
    ck_assert_msg(judge->wrong == 0, "%u damages did what they must not",
                  judge->wrong);
}

/* --- many damages --------------------------------------------------------- */

void judge_positions(struct judge *judge, size_t file, size_t from, size_t to,
                     size_t step, size_t len)
{
    static const enum harm_kind kinds[] = {HARM_ZEROS, HARM_NOISE, HARM_CUT};
    const char *name = judge->tree.names[file];

    for (size_t at = from; at < to; at += step) {
        judge_harm(judge, &(struct harm){.kind = HARM_BIT,
                                         .name = name,
                                         .at = at * 8 + at / step % 8});
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
            judge_harm(judge, &(struct harm){.kind = kinds[i],
                                             .name = name,
                                             .at = at,
                                             .len = len,
                                             .seed = at});
        }
    }
}

static void judge_holes(struct judge *judge, size_t file)
{
    enum { PAGE = 4096 };

    for (size_t at = 0; at < judge->tree.sizes[file]; at += PAGE) {
        judge_harm(judge, &(struct harm){.kind = HARM_HOLE,
                                         .name = judge->tree.names[file],
                                         .at = at,
                                         .len = PAGE});
    }
}

static void judge_longer(struct judge *judge, size_t file)
{
    static const size_t lens[] = {1, 4, 7, 64, 512, 4096, APPENDED_MAX};

    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        judge_harm(judge, &(struct harm){.kind = HARM_MORE_ZEROS,
                                         .name = judge->tree.names[file],
                                         .len = lens[i]});
        judge_harm(judge, &(struct harm){.kind = HARM_MORE_NOISE,
                                         .name = judge->tree.names[file],
                                         .len = lens[i],
                                         .seed = lens[i]});
    }
}

void judge_whole(struct judge *judge, size_t file)
{
    const char *name = judge->tree.names[file];

    judge_harm(judge, &(struct harm){.kind = HARM_EMPTY, .name = name});
    judge_harm(judge, &(struct harm){.kind = HARM_DELETE, .name = name});
    judge_longer(judge, file);
    judge_holes(judge, file);
    if (file_exists(tree_path(judge->older, name))) {
        judge_harm(judge, &(struct harm){.kind = HARM_OLDER,
                                         .name = name,
                                         .other = judge->older});
    }
}

static struct harm random_harm(const struct judge *judge, size_t file,
                               uint64_t *seed)
{
    static const enum harm_kind kinds[] = {HARM_BIT, HARM_BIT, HARM_ZEROS,
                                           HARM_NOISE, HARM_CUT};
    uint64_t size = judge->tree.sizes[file];
    struct harm harm = {.name = judge->tree.names[file]};

    harm.kind = kinds[harm_random(seed) % 5];
    harm.at = harm_random(seed) % (harm.kind == HARM_BIT ? size * 8 : size);
    harm.len = (size_t)1 << harm_random(seed) % 15;
    harm.seed = harm_random(seed);
    return harm;
}

void judge_random(struct judge *judge, const char *part, unsigned count)
{
    const char *given = getenv("FAULTS_SEED");
    uint64_t seed =
        given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);

    printf("damage: %s: FAULTS_SEED=%llu\n", judge->title,
           (unsigned long long)seed);
    for (unsigned i = 0; i < count;) {
        size_t file = harm_random(&seed) % judge->tree.count;

        if (judge->tree.sizes[file] > 0 &&
            strstr(judge->tree.names[file], part) != NULL) {
            struct harm harm = random_harm(judge, file, &seed);

            judge_harm(judge, &harm);
            i++;
        }
    }
}
