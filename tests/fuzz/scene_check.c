#include "tests/fuzz/scene_check.h"

#include "base/check.h"
#include "tests/fuzz/requests.h"

/* --- memory --------------------------------------------------------------- */

enum {
    ARENA_BYTES = 16 << 20,
    /* Beyond it nothing is sent before all is settled: every entry may still
     * get the longest receipt. */
    ARENA_FULL = 2 << 20,
};

static uint8_t arena[ARENA_BYTES];
static size_t arena_used;

void arena_reset(void)
{
    arena_used = 0;
}

bool arena_has_room(void)
{
    return arena_used < ARENA_FULL;
}

static uint8_t *arena_take(size_t len)
{
    uint8_t *taken = arena + arena_used;

    CHECK(len <= ARENA_BYTES - arena_used);
    arena_used += len;
    return taken;
}

static struct slice keep(struct slice bytes)
{
    return slice_copy(arena_take(bytes.len), bytes);
}

/* --- what was sent ---------------------------------------------------------
 */

static struct scene_entry *add_entry(struct lane *lane)
{
    struct scene_entry *entry = &lane->entries[lane->added++];

    CHECK(lane->added <= SCENE_ENTRIES_MAX);
    *entry = (struct scene_entry){.resp = lane->frame.framing == FRAMING_RESP,
                                  .ns = keep(lane->ns)};
    return entry;
}

static void note_request(struct scene *scene, struct lane *lane)
{
    struct scene_entry *entry = add_entry(lane);
    struct command *command = &entry->command;

    entry->error =
        proto_command(&lane->frame, buf_slice(&lane->sent),
                      &scene->config.limits, arena_take(lane->frame.bytes),
                      command, &entry->sentence);
    if (command->verb == VERB_COUNT &&
        proto_is_foreign(&lane->frame, buf_slice(&lane->sent))) {
        entry->sentence = "this port speaks neither HTTP nor TLS";
        lane->over = true;
    }
    if (entry->error < 0) {
        return;
    }
    if (command->verb == VERB_NAMESPACE) {
        lane->ns = slice_copy(lane->ns_bytes, command->name);
    }
    lane->over = command->verb == VERB_QUIT;
}

static void note_hopeless(struct lane *lane, int status)
{
    struct scene_entry *entry = add_entry(lane);

    entry->error = status;
    entry->sentence = status == E_LIMIT ? "the request is too long" : NULL;
    lane->over = true;
}

void note_sent(struct scene *scene, struct lane *lane, struct slice bytes)
{
    buf_append_slice(&lane->sent, bytes);
    ck_assert(!buf_failed(&lane->sent));
    while (!lane->over && !lane->stopped) {
        int status = 0;
        enum proto_state state =
            proto_frame(&lane->frame, buf_slice(&lane->sent),
                        &scene->config.limits, &status);

        if (state == PROTO_MORE) {
            break;
        }
        if (state == PROTO_HOPELESS) {
            note_hopeless(lane, status);
            break;
        }
        if (state == PROTO_REQUEST) {
            note_request(scene, lane);
        }
        buf_take(&lane->sent, lane->frame.bytes);
        lane->frame = (struct proto_frame){0};
    }
}

/* --- decisions -------------------------------------------------------------
 */

static bool has_key(enum verb verb)
{
    return verb == VERB_CLAIM || verb == VERB_COMPLETE ||
           verb == VERB_RELEASE || verb == VERB_EXTEND || verb == VERB_LOOKUP;
}

/* Commands on keys are decided in order; so are those of the other kinds, but
 * between the kinds there is no order. */
static struct scene_entry *next_undecided(struct lane *lane, enum verb verb)
{
    for (size_t i = lane->answered; i < lane->added; i++) {
        struct scene_entry *entry = &lane->entries[i];

        if (entry->error == 0 && !entry->decided &&
            (entry->command.verb == verb ||
             (has_key(verb) && has_key(entry->command.verb)))) {
            return entry;
        }
    }
    ck_abort_msg("a %d that nobody sent was decided", (int)verb);
    return NULL;
}

static void ask_model(struct scene *scene, const struct scene_entry *entry,
                      const struct reply *reply)
{
    uint64_t now_ms = bench_now_ms(&scene->bench);
    bool is_sweep = entry->command.verb == VERB_SWEEP;
    struct err why = {""};
    bool good = is_sweep && scene->swept_early
                    ? model_check_masked(scene->model, entry->ns,
                                         &entry->command, now_ms, reply, &why)
                    : model_check(scene->model, entry->ns, &entry->command,
                                  now_ms, reply, &why);

    ck_assert_msg(good, "verb %d at %llu: %s", (int)entry->command.verb,
                  (unsigned long long)now_ms, why.text);
    /* STATS, and a sweep that finds nothing, use no time. */
    if (has_key(entry->command.verb) || reply->swept_scanned > 0) {
        scene->used_ms = now_ms;
    }
    if (is_sweep) {
        scene->swept_early = false;
    }
}

void check_decision(struct scene *scene, struct lane *lane,
                    const struct request *request)
{
    enum verb verb = request->command.verb;
    struct scene_entry *entry = next_undecided(lane, verb);

    ck_assert(command_equal(&entry->command, &request->command));
    if (has_key(verb)) {
        ck_assert(slice_equal(stream_namespace(request->stream), entry->ns));
        ck_assert(slice_equal(stream_key(request->stream), entry->command.key));
    }
    ask_model(scene, entry, &request->reply);
    entry->decided = true;
    entry->reply = request->reply;
    entry->reply.receipt = keep(request->reply.receipt);
    entry->reply.owner = keep(request->reply.owner);
}

/* --- replies ---------------------------------------------------------------
 */

/* What the client has to be told. */
static struct reply expected_reply(const struct lane *lane,
                                   const struct scene_entry *entry)
{
    static const enum reply_kind kinds[VERB_COUNT] = {
        [VERB_NAMESPACE] = REPLY_OK,
        [VERB_PING] = REPLY_PONG,
        [VERB_HELP] = REPLY_HELP,
        [VERB_QUIT] = REPLY_BYE,
    };

    if (entry->error < 0) {
        return reply_error_because(entry->error, entry->sentence);
    }
    if (entry->decided) {
        return entry->reply;
    }
    if (kinds[entry->command.verb] != REPLY_NONE) {
        return (struct reply){.kind = kinds[entry->command.verb]};
    }
    ck_assert_msg(lane->stopped, "an answer before the decision");
    return reply_error(E_SHUTTING_DOWN);
}

static bool same_fields(const struct reply *a, const struct reply *b)
{
    return a->kind == b->kind && a->error == b->error && a->fence == b->fence &&
           a->attempt == b->attempt && a->age_ms == b->age_ms &&
           a->lease_ms == b->lease_ms && a->retry_ms == b->retry_ms &&
           a->ttl_ms == b->ttl_ms && a->again == b->again &&
           a->swept_scanned == b->swept_scanned &&
           a->swept_expired == b->swept_expired &&
           a->swept_retained == b->swept_retained &&
           slice_equal(a->receipt, b->receipt) &&
           slice_equal(a->owner, b->owner);
}

/* The sentence is the daemon's own, never anything of the client's. */
static void check_sentence(const struct parsed *parsed,
                           const struct reply *expected, bool resp)
{
    const char *said = expected->sentence == NULL
                           ? status_sentence(expected->error)
                           : expected->sentence;

    if (expected->kind == REPLY_ERROR &&
        !(resp && expected->error == E_UNKNOWN_COMMAND)) {
        ck_assert(slice_equal(parsed->sentence, slice_str(said)));
    }
}

void check_replies(struct lane *lane)
{
    while (buf_len(&lane->talk.out) > 0) {
        const struct scene_entry *entry = &lane->entries[lane->answered];
        const struct parsed *parsed;
        struct reply expected;

        ck_assert_msg(lane->answered < lane->added, "an answer too many");
        expected = expected_reply(lane, entry);
        parsed = talk_next(&lane->talk, entry->resp);
        ck_assert_msg(same_fields(&parsed->reply, &expected),
                      "verb %d: kind %d instead of %d, error %s of %s",
                      (int)entry->command.verb, (int)parsed->reply.kind,
                      (int)expected.kind, status_name(parsed->reply.error),
                      status_name(expected.error));
        check_sentence(parsed, &expected, entry->resp);
        lane->answered++;
    }
}

void check_settled(struct lane *lane)
{
    if (!lane->stopped) {
        ck_assert_uint_eq(lane->answered, lane->added);
        ck_assert_int_eq(lane->over, lane->talk.client.said_last);
    }
    if (!lane->stopped && !lane->over) {
        ck_assert_uint_eq(buf_len(&lane->sent), buf_len(&lane->talk.in));
    }
    lane->added = 0;
    lane->answered = 0;
}
