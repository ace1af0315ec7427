/* What a client hears: in which order, in which framing, about which
 * namespace, and how a conversation ends. */
#include "base/check.h"
#include "tests/lib/talk.h"

/* A bench and one client on it. */
struct rig {
    struct bench bench;
    struct talk talk;
};

static void rig_open(struct rig *rig)
{
    struct client_config config;

    bench_open(&rig->bench, STORE_MEM);
    bench_at(&rig->bench, 1000);
    config = talk_config(&rig->bench);
    talk_open(&rig->talk, &rig->bench, &config);
}

static void rig_close(struct rig *rig)
{
    talk_close(&rig->talk);
    bench_close(&rig->bench);
}

/* Sends, settles, and compares the replies. */
static void ask(struct rig *rig, bool resp, const char *requests,
                const char *replies)
{
    talk_say(&rig->talk, requests);
    talk_settle(&rig->talk);
    talk_expect(&rig->talk, resp, replies);
}

/* --- order ---------------------------------------------------------------- */

START_TEST(replies_come_in_the_order_of_the_requests)
{
    struct rig rig;

    rig_open(&rig);
    talk_say(&rig.talk, "CLAIM a\nPING\nCLAIM a\nCOMPLETE a r\nnonsense\n"
                        "LOOKUP a\nSTATS\nHELP\nRELEASE b\n");
    talk_advance(&rig.talk);
    /* PING and the error are settled, and wait for the CLAIM. */
    ck_assert_str_eq(talk_rest(&rig.talk), "");
    ck_assert_uint_eq(talk_with_engine(&rig.talk), 6);
    talk_turn(&rig.talk);
    talk_expect(&rig.talk, false,
                "CLAIMED, PONG, INFLIGHT, OK, UNKNOWN_COMMAND, COMPLETED r, "
                "STATS, HELP, OK");
    rig_close(&rig);
}
END_TEST

START_TEST(commands_behind_a_sweep_run_and_their_replies_wait)
{
    struct rig rig;

    rig_open(&rig);
    rig.talk.holds_sweeps = true;
    talk_say(&rig.talk, "CLAIM a\nSWEEP\nCLAIM b\nPING\n");
    talk_turn(&rig.talk);
    talk_expect(&rig.talk, false, "CLAIMED");
    ck_assert_uint_eq(talk_with_engine(&rig.talk), 1);
    talk_past(&rig.bench, "default", lookup("b"), "INFLIGHT");
    talk_say(&rig.talk, "COMPLETE b done\nSTATS\n");
    talk_turn(&rig.talk);
    ck_assert_str_eq(talk_rest(&rig.talk), "");
    talk_past(&rig.bench, "default", lookup("b"), "COMPLETED done");
    talk_end_sweeps(&rig.talk);
    talk_expect(&rig.talk, false, "SWEPT 0 0 0, CLAIMED, PONG, OK, STATS");
    rig_close(&rig);
}
END_TEST

START_TEST(every_sweep_is_answered_in_its_place)
{
    struct rig rig;

    rig_open(&rig);
    ask(&rig, false, "CLAIM a ttl=1s\n", "CLAIMED");
    bench_at(&rig.bench, 60000);
    rig.talk.holds_sweeps = true;
    talk_say(&rig.talk, "SWEEP\nPING\nSWEEP\nPING\n");
    talk_settle(&rig.talk);
    talk_end_sweeps(&rig.talk);
    talk_expect(&rig.talk, false, "SWEPT 1 1 0, PONG, SWEPT 0 0 0, PONG");
    rig_close(&rig);
}
END_TEST

START_TEST(both_framings_alternate_on_one_connection)
{
    struct rig rig;
    struct slice receipt = slice_of("\0\"\n\xff", 4);
    const struct parsed *parsed;

    rig_open(&rig);
    talk_say(&rig.talk, "CLAIM k\n"
                        "*1\r\n$4\r\nPING\r\n"
                        "\r\nCOMPLETE k \"\\x00\\\"\\n\xff\"\r\n"
                        "*0\r\n*2\r\n$6\r\nLOOKUP\r\n$1\r\nk\r\n"
                        "LOOKUP k\nnonsense\n*1\r\n$8\r\nnonsense\r\n");
    talk_settle(&rig.talk);
    ck_reply(talk_next(&rig.talk, false)->reply, "CLAIMED");
    ck_assert_int_eq((int)talk_next(&rig.talk, true)->reply.kind,
                     (int)REPLY_PONG);
    ck_reply(talk_next(&rig.talk, false)->reply, "OK");
    parsed = talk_next(&rig.talk, true);
    ck_assert(slice_equal(parsed->reply.receipt, receipt));
    parsed = talk_next(&rig.talk, false);
    ck_assert(slice_equal(parsed->reply.receipt, receipt));
    ck_reply(talk_next(&rig.talk, false)->reply, "UNKNOWN_COMMAND");
    ck_reply(talk_next(&rig.talk, true)->reply, "UNKNOWN_COMMAND");
    ck_assert_str_eq(talk_rest(&rig.talk), "");
    rig_close(&rig);
}
END_TEST

/* --- namespaces ----------------------------------------------------------- */

START_TEST(namespace_binds_what_is_parsed_after_it)
{
    struct rig rig;
    uint64_t fence;

    rig_open(&rig);
    /* All is parsed before the engine has decided anything. */
    talk_say(&rig.talk, "CLAIM k\nNAMESPACE other\nCLAIM k\nNAMESPACE a.b\n"
                        "LOOKUP k\nNAMESPACE default\nLOOKUP k\n");
    ck_assert_uint_eq(talk_with_engine(&rig.talk), 4);
    talk_settle(&rig.talk);
    fence = talk_next(&rig.talk, false)->reply.fence;
    ck_reply(talk_next(&rig.talk, false)->reply, "OK");
    ck_reply(talk_next(&rig.talk, false)->reply, "CLAIMED");
    ck_reply(talk_next(&rig.talk, false)->reply, "OK");
    ck_reply(talk_next(&rig.talk, false)->reply, "NOT_FOUND");
    ck_reply(talk_next(&rig.talk, false)->reply, "OK");
    ck_reply(talk_next(&rig.talk, false)->reply, "INFLIGHT");
    ck_assert_uint_eq(rig.talk.parsed.reply.fence, fence);
    rig_close(&rig);
}
END_TEST

START_TEST(refused_namespace_changes_nothing)
{
    struct rig rig;
    char name[NAMESPACE_BYTES_MAX + 2];
    char request[128];

    rig_open(&rig);
    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    ask(&rig, false, "NAMESPACE other\nCLAIM k\n", "OK, CLAIMED");
    ask(&rig, false, "NAMESPACE -x\nLOOKUP k\n", "LIMIT, INFLIGHT");
    ask(&rig, false, "NAMESPACE \"\"\nNAMESPACE a b\nLOOKUP k\n",
        "LIMIT, SYNTAX, INFLIGHT");
    snprintf(request, sizeof(request), "NAMESPACE %s\nLOOKUP k\n", name);
    ask(&rig, false, request, "LIMIT, INFLIGHT");
    snprintf(request, sizeof(request), "NAMESPACE %s\nLOOKUP k\n", name + 1);
    ask(&rig, false, request, "OK, NOT_FOUND");
    rig_close(&rig);
}
END_TEST

START_TEST(client_that_chose_no_namespace_is_in_the_configured_one)
{
    struct rig rig;
    struct client_config config;

    rig_open(&rig);
    config = talk_config(&rig.bench);
    config.namespace = "mine";
    talk_close(&rig.talk);
    talk_open(&rig.talk, &rig.bench, &config);
    ask(&rig, false, "CLAIM k\n", "CLAIMED");
    talk_past(&rig.bench, "mine", lookup("k"), "INFLIGHT");
    talk_past(&rig.bench, "default", lookup("k"), "NOT_FOUND");
    rig_close(&rig);
}
END_TEST

/* --- ends ----------------------------------------------------------------- */

START_TEST(nothing_runs_behind_quit)
{
    struct rig rig;

    rig_open(&rig);
    talk_say(&rig.talk, "CLAIM a\nQUIT\nCLAIM b\nnonsense\n");
    ck_assert(rig.talk.client.said_last);
    ck_assert_uint_eq(buf_len(&rig.talk.in), 0);
    talk_say(&rig.talk, "CLAIM c\n");
    ck_assert_uint_eq(buf_len(&rig.talk.in), 0);
    talk_settle(&rig.talk);
    talk_expect(&rig.talk, false, "CLAIMED, BYE");
    talk_past(&rig.bench, "default", lookup("b"), "NOT_FOUND");
    talk_past(&rig.bench, "default", lookup("c"), "NOT_FOUND");
    ck_assert(!client_may_begin(&rig.talk.client));
    rig_close(&rig);
}
END_TEST

/* What comes before is executed and answered, then the error, and then
 * nothing. */
static void ends_with(bool resp, struct slice hopeless, const char *error)
{
    struct rig rig;
    char replies[64];

    rig_open(&rig);
    talk_say(&rig.talk,
             resp ? "*2\r\n$5\r\nCLAIM\r\n$1\r\na\r\n" : "CLAIM a\n");
    talk_send(&rig.talk, hopeless);
    ck_assert(rig.talk.client.said_last);
    talk_say(&rig.talk, "\nCLAIM b\n\r\n*1\r\n$4\r\nPING\r\n");
    ck_assert_uint_eq(buf_len(&rig.talk.in), 0);
    talk_advance(&rig.talk);
    ck_assert_str_eq(talk_rest(&rig.talk), "");
    talk_turn(&rig.talk);
    snprintf(replies, sizeof(replies), "CLAIMED, %s", error);
    talk_expect(&rig.talk, resp, replies);
    talk_past(&rig.bench, "default", lookup("b"), "NOT_FOUND");
    rig_close(&rig);
}

START_TEST(input_that_cannot_be_followed_is_answered_last)
{
    ends_with(true, slice_str("*-1\r\n"), "SYNTAX");
    ends_with(true, slice_str("*x\r\n"), "SYNTAX");
    ends_with(true, slice_str("*01\r\n"), "SYNTAX");
    ends_with(true, slice_str("*1\n$4\nPING\n"), "SYNTAX");
    ends_with(true, slice_str("*1\r\n+PING\r\n"), "SYNTAX");
    ends_with(true, slice_str("*1\r\n$-1\r\n"), "SYNTAX");
    ends_with(true, slice_str("*1\r\n$4\r\nPINGx\r\n"), "SYNTAX");
    ends_with(true, slice_str("*1000000\r\n"), "LIMIT");
    ends_with(true, slice_str("*2\r\n$5\r\nCLAIM\r\n$999999\r\n"), "LIMIT");
}
END_TEST

START_TEST(what_another_protocol_sends_is_answered_last)
{
    ends_with(false,
              slice_str("POST / HTTP/1.1\r\nHost: 127.0.0.1:7411\r\n\r\n"),
              "UNKNOWN_COMMAND");
    ends_with(false, slice_str("host: 127.0.0.1:7411\r\n"), "UNKNOWN_COMMAND");
    ends_with(false, slice_str("\x16\x03\x01\x02\nCLAIM b\n"), "SYNTAX");
}
END_TEST

START_TEST(line_that_is_too_long_is_answered_last)
{
    struct bench bench;
    struct client_config config;
    struct buf line = {0};

    bench_open(&bench, STORE_MEM);
    config = talk_config(&bench);
    while (buf_len(&line) <= proto_request_bytes_max(&config.limits)) {
        buf_append_byte(&line, 'x');
    }
    bench_close(&bench);
    ends_with(false, buf_slice(&line), "LIMIT");
    buf_release(&line);
}
END_TEST

START_TEST(refused_client_hears_why_and_is_not_read)
{
    struct rig rig;

    rig_open(&rig);
    client_refuse(&rig.talk.client, E_BUSY, NULL);
    talk_say(&rig.talk, "CLAIM a\n");
    talk_settle(&rig.talk);
    talk_expect(&rig.talk, false, "BUSY");
    ck_assert_uint_eq(buf_len(&rig.talk.in), 0);
    talk_past(&rig.bench, "default", lookup("a"), "NOT_FOUND");
    rig_close(&rig);
}
END_TEST

START_TEST(blank_lines_and_empty_arrays_are_no_requests)
{
    struct rig rig;

    rig_open(&rig);
    talk_say(&rig.talk, "\n\r\n  \t\n*0\r\n\n");
    talk_settle(&rig.talk);
    ck_assert_str_eq(talk_rest(&rig.talk), "");
    ck_assert(!rig.talk.client.spoke);
    ck_assert_uint_eq(buf_len(&rig.talk.in), 0);
    talk_say(&rig.talk, "PIN");
    ck_assert(!rig.talk.client.spoke);
    talk_say(&rig.talk, "G\n");
    ck_assert(rig.talk.client.spoke);
    talk_settle(&rig.talk);
    talk_expect(&rig.talk, false, "PONG");
    rig_close(&rig);
}
END_TEST

START_TEST(client_that_goes_away_leaves_nothing_behind)
{
    struct rig rig;

    rig_open(&rig);
    talk_say(&rig.talk, "CLAIM a\nCOMPLETE a receipt\nLOOKUP a\nPING\nCLA");
    talk_turn(&rig.talk);
    talk_say(&rig.talk, "IM b\nPING\nLOOKUP a\n");
    rig.talk.holds_sweeps = true;
    ck_assert_uint_eq(talk_with_engine(&rig.talk), 2);
    /* As a connection does that was closed meanwhile: what the engine has
     * comes back, and nobody collects it. */
    while (!STAILQ_EMPTY(&rig.talk.outbox)) {
        struct request *request = STAILQ_FIRST(&rig.talk.outbox);
        struct request_list one = STAILQ_HEAD_INITIALIZER(one);

        STAILQ_REMOVE_HEAD(&rig.talk.outbox, link);
        STAILQ_INSERT_TAIL(&one, request, link);
        ck_assert_int_eq(talk_engine(&rig.bench, &one, NULL), 0);
        client_returned(request);
    }
    ck_assert(!client_is_idle(&rig.talk.client));
    client_release(&rig.talk.client);
    ck_assert(client_is_idle(&rig.talk.client));
    client_init(&rig.talk.client, &rig.talk.config);
    rig.talk.unread = 0;
    rig_close(&rig);
}
END_TEST

/* --- numbers -------------------------------------------------------------- */

static uint64_t commands_of(struct rig *rig, enum verb verb)
{
    return atomic_load(&rig->bench.store.counters.commands[verb]);
}

static uint64_t errors_of(struct rig *rig, int status)
{
    return atomic_load(
        &rig->bench.store.counters.errors[STATUS_WIRE_INDEX(status)]);
}

START_TEST(commands_are_counted_by_verb)
{
    struct rig rig;

    rig_open(&rig);
    talk_say(&rig.talk, "CLAIM a\nclaim b\nCLAIM\nCLAIM c lease=0\n"
                        "COMPLETE a r\nRELEASE b\nEXTEND a fence=1\nLOOKUP a\n"
                        "LOOKUP b\nNAMESPACE x\nSWEEP\nPING\nSTATS\nHELP\n"
                        "nonsense\n\n*0\r\n*1\r\n$4\r\nping\r\nQUIT\nPING\n");
    talk_settle(&rig.talk);
    ck_assert_uint_eq(commands_of(&rig, VERB_CLAIM), 4);
    ck_assert_uint_eq(commands_of(&rig, VERB_COMPLETE), 1);
    ck_assert_uint_eq(commands_of(&rig, VERB_RELEASE), 1);
    ck_assert_uint_eq(commands_of(&rig, VERB_EXTEND), 1);
    ck_assert_uint_eq(commands_of(&rig, VERB_LOOKUP), 2);
    ck_assert_uint_eq(commands_of(&rig, VERB_NAMESPACE), 1);
    ck_assert_uint_eq(commands_of(&rig, VERB_SWEEP), 1);
    ck_assert_uint_eq(commands_of(&rig, VERB_PING), 2);
    ck_assert_uint_eq(commands_of(&rig, VERB_STATS), 1);
    ck_assert_uint_eq(commands_of(&rig, VERB_HELP), 1);
    ck_assert_uint_eq(commands_of(&rig, VERB_QUIT), 1);
    talk_rest(&rig.talk);
    rig_close(&rig);
}
END_TEST

START_TEST(errors_are_counted_by_code)
{
    struct rig rig;

    rig_open(&rig);
    ask(&rig, false,
        "nonsense\nGET a\nCLAIM\nCLAIM a lease=0\nCOMPLETE a r\n"
        "CLAIM a owner=o fp=f\nCOMPLETE a r\nCOMPLETE a r fence=1\n"
        "CLAIM a fp=g\nLOOKUP b\nEXTEND b\nRELEASE b\nNAMESPACE .\n",
        "UNKNOWN_COMMAND, UNKNOWN_COMMAND, SYNTAX, LIMIT, NOT_FOUND, CLAIMED, "
        "FENCE_REQUIRED, STALE, MISMATCH, NOT_FOUND, FENCE_REQUIRED, OK, "
        "LIMIT");
    ck_assert_uint_eq(errors_of(&rig, E_UNKNOWN_COMMAND), 2);
    ck_assert_uint_eq(errors_of(&rig, E_SYNTAX), 1);
    ck_assert_uint_eq(errors_of(&rig, E_LIMIT), 2);
    /* LOOKUP's answer is none. */
    ck_assert_uint_eq(errors_of(&rig, E_NOT_FOUND), 1);
    ck_assert_uint_eq(errors_of(&rig, E_FENCE_REQUIRED), 2);
    ck_assert_uint_eq(errors_of(&rig, E_STALE), 1);
    ck_assert_uint_eq(errors_of(&rig, E_MISMATCH), 1);
    ck_assert_uint_eq(errors_of(&rig, E_CONFLICT), 0);
    ask(&rig, false, "CLAIM c\nCOMPLETE c 1\nCOMPLETE c 2\nEXTEND c fence=1\n",
        "CLAIMED, OK, CONFLICT, STALE");
    ck_assert_uint_eq(errors_of(&rig, E_CONFLICT), 1);
    rig_close(&rig);
}
END_TEST

static const char *const stats_names[] = {
#define X(name, text) text,
    COUNTER_MAP(X)
#undef X
#define X(name, arguments, options, usage, help) "commands_" #name,
        VERB_MAP(X)
#undef X
#define X(name, sentence) "errors_" #name,
            STATUS_WIRE_MAP(X)
#undef X
                "version",
};

enum { STATS_NAMES = sizeof(stats_names) / sizeof(stats_names[0]) };

static struct slice stat_of(const struct parsed *parsed, const char *name)
{
    for (size_t i = 0; i < parsed->items_count; i++) {
        if (slice_equal(parsed->items[i].name, slice_str(name))) {
            return parsed->items[i].value;
        }
    }
    ck_abort_msg("STATS has no %s", name);
    return (struct slice){0};
}

static void check_stats(const struct parsed *parsed, const char *claims)
{
    ck_assert_int_eq((int)parsed->reply.kind, (int)REPLY_STATS);
    ck_assert_uint_eq(parsed->items_count, STATS_NAMES);
    for (size_t i = 0; i < STATS_NAMES; i++) {
        ck_assert_uint_gt(stat_of(parsed, stats_names[i]).len, 0);
    }
    ck_assert(slice_equal(stat_of(parsed, "version"), slice_str("1.2.3")));
    ck_assert(
        slice_equal(stat_of(parsed, "commands_CLAIM"), slice_str(claims)));
    ck_assert(slice_equal(stat_of(parsed, "live_keys"), slice_str("2")));
    ck_assert(slice_equal(stat_of(parsed, "errors_SYNTAX"), slice_str("1")));
    ck_assert(slice_equal(stat_of(parsed, "rows_appended"), slice_str("2")));
}

START_TEST(stats_has_every_number_in_both_framings)
{
    struct rig rig;

    rig_open(&rig);
    ask(&rig, false, "CLAIM a\nCLAIM b\nCLAIM\n", "CLAIMED, CLAIMED, SYNTAX");
    talk_say(&rig.talk, "STATS\nCLAIM a\n*1\r\n$5\r\nstats\r\n");
    talk_settle(&rig.talk);
    /* Commands are counted when they come, so both tell the same. */
    check_stats(talk_next(&rig.talk, false), "4");
    ck_reply(talk_next(&rig.talk, false)->reply, "INFLIGHT");
    check_stats(talk_next(&rig.talk, true), "4");
    rig_close(&rig);
}
END_TEST

static void check_help(const struct parsed *parsed)
{
    static const char *const usages[] = {
#define X(name, arguments, options, usage, help) usage "  ",
        VERB_MAP(X)
#undef X
    };

    ck_assert_int_eq((int)parsed->reply.kind, (int)REPLY_HELP);
    ck_assert_uint_eq(parsed->items_count, VERB_COUNT);
    for (size_t i = 0; i < VERB_COUNT; i++) {
        struct slice line = parsed->items[i].name;

        ck_assert_uint_gt(line.len, strlen(usages[i]));
        ck_assert_mem_eq(line.data, usages[i], strlen(usages[i]));
    }
}

START_TEST(help_has_every_verb_in_both_framings)
{
    struct rig rig;

    rig_open(&rig);
    talk_say(&rig.talk, "HELP\n*1\r\n$4\r\nHELP\r\n");
    talk_settle(&rig.talk);
    check_help(talk_next(&rig.talk, false));
    check_help(talk_next(&rig.talk, true));
    rig_close(&rig);
}
END_TEST

/* --- pieces --------------------------------------------------------------- */

#define PIPELINE                                                               \
    "CLAIM a owner=o\r\n"                                                      \
    "\n*3\r\n$8\r\nCOMPLETE\r\n$1\r\na\r\n$3\r\n\r\n\n\r\n"                    \
    "COMPLETE a \"\\r\\n\\n\" fence=1000000\n"                                 \
    "*0\r\nNAMESPACE n\nCLAIM \"a b\" fp=\"\\xff\\x00\"\n"                     \
    "*2\r\n$6\r\nLOOKUP\r\n$3\r\na b\r\nnonsense\n"                            \
    "  \n*1\r\n$4\r\nHELP\r\n*2\r\n$5\r\nCLAIM\r\n$1\r\n\n\r\n"                \
    "LOOKUP \"\\n\"\nSWEEP\nPING\n*1\r\n$1\r\n\x01\r\nLOOKUP a\nQUIT\n"

enum { PIECES_MAX = sizeof(PIPELINE) };

/* Sends the pipeline in pieces that end at `ends`; returns all replies. */
static char *replies_to_pieces(const size_t *ends, size_t count, bool turns)
{
    struct rig rig;
    const char *text = PIPELINE;
    size_t from = 0;
    char *replies;

    rig_open(&rig);
    for (size_t i = 0; i < count; i++) {
        talk_send(&rig.talk, slice_of(text + from, ends[i] - from));
        from = ends[i];
        if (turns) {
            talk_settle(&rig.talk);
        }
    }
    talk_settle(&rig.talk);
    replies = strdup(talk_rest(&rig.talk));
    ck_assert_ptr_nonnull(replies);
    rig_close(&rig);
    return replies;
}

static void check_pieces(const size_t *ends, size_t count, bool turns,
                         const char *expected)
{
    char *replies = replies_to_pieces(ends, count, turns);

    ck_assert_str_eq(replies, expected);
    free(replies);
}

START_TEST(pieces_of_a_pipeline_make_no_difference)
{
    size_t len = strlen(PIPELINE);
    size_t each[PIECES_MAX];
    char *whole = replies_to_pieces(&len, 1, false);

    ck_assert_ptr_nonnull(strstr(whole, "CLAIMED fence=1000000 "));
    ck_assert_ptr_nonnull(strstr(whole, "-ERR unknown command\r\n"));
    ck_assert_ptr_nonnull(strstr(whole, "-FENCE_REQUIRED "));
    ck_assert_ptr_nonnull(strstr(whole, "SWEPT "));
    ck_assert_ptr_nonnull(strstr(whole, "\nBYE\n"));
    for (size_t cut = 1; cut < len; cut++) {
        check_pieces((size_t[]){cut, len}, 2, cut % 2 == 0, whole);
        each[cut - 1] = cut;
    }
    each[len - 1] = len;
    check_pieces(each, len, false, whole);
    check_pieces(each, len, true, whole);
    free(whole);
}
END_TEST

SUITE(client, 30, replies_come_in_the_order_of_the_requests,
      commands_behind_a_sweep_run_and_their_replies_wait,
      every_sweep_is_answered_in_its_place,
      both_framings_alternate_on_one_connection,
      namespace_binds_what_is_parsed_after_it,
      refused_namespace_changes_nothing,
      client_that_chose_no_namespace_is_in_the_configured_one,
      nothing_runs_behind_quit, input_that_cannot_be_followed_is_answered_last,
      what_another_protocol_sends_is_answered_last,
      line_that_is_too_long_is_answered_last,
      refused_client_hears_why_and_is_not_read,
      blank_lines_and_empty_arrays_are_no_requests,
      client_that_goes_away_leaves_nothing_behind, commands_are_counted_by_verb,
      errors_are_counted_by_code, stats_has_every_number_in_both_framings,
      help_has_every_verb_in_both_framings,
      pieces_of_a_pipeline_make_no_difference)
