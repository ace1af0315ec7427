/* What bounds a client: commands, bytes of requests and bytes of replies under
 * way; and that whatever has to wait for them is done in the end. */
#include "base/check.h"
#include "tests/lib/command_bytes.h"
#include "tests/lib/store_faulty.h"
#include "tests/lib/talk.h"

struct rig {
    struct bench bench;
    struct talk talk;
    size_t held_max; /* the most bytes that were held at the end of a step */
};

enum { KEYS = 10, BIG_BYTES = 60000 };

/* Bounds are what a test changes of the configuration. */
struct bounds {
    size_t inflight;
    size_t output_bytes;
    enum store_kind store;
};

static void rig_open(struct rig *rig, struct bounds bounds)
{
    struct client_config config;

    memset(rig, 0, sizeof(*rig));
    bench_open(&rig->bench, bounds.store);
    bench_at(&rig->bench, 1000);
    config = talk_config(&rig->bench);
    if (bounds.inflight > 0) {
        config.inflight_max = bounds.inflight;
    }
    if (bounds.output_bytes > 0) {
        config.output_bytes_max = bounds.output_bytes;
    }
    talk_open(&rig->talk, &rig->bench, &config);
}

static void rig_close(struct rig *rig)
{
    talk_close(&rig->talk);
    bench_close(&rig->bench);
}

static const char *key_name(size_t i)
{
    static char name[8];

    snprintf(name, sizeof(name), "k%zu", i);
    return name;
}

static struct slice receipt_of(size_t i, size_t len, uint8_t *bytes)
{
    memset(bytes, (int)('a' + i), len);
    return slice_of(bytes, len);
}

/* Completes k0 to k9, each with a receipt of its own, past the client. */
static void complete_keys(struct rig *rig, size_t len)
{
    uint8_t *bytes = malloc(len);

    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < KEYS; i++) {
        talk_past(&rig->bench, "default", claim(key_name(i)), "CLAIMED");
        talk_past(&rig->bench, "default",
                  with_receipt(complete(key_name(i), ""),
                               receipt_of(i, len, bytes)),
                  "OK");
    }
    free(bytes);
}

static void complete_with(struct rig *rig, const char *key, uint8_t byte,
                          size_t len)
{
    uint8_t *bytes = malloc(len);

    ck_assert_ptr_nonnull(bytes);
    memset(bytes, byte, len);
    talk_past(&rig->bench, "default", claim(key), "CLAIMED");
    talk_past(&rig->bench, "default",
              with_receipt(complete(key, ""), slice_of(bytes, len)), "OK");
    free(bytes);
}

static void send_resp(struct rig *rig, struct command command)
{
    struct buf bytes = {0};

    command_resp(&bytes, &command);
    talk_send(&rig->talk, buf_slice(&bytes));
    buf_release(&bytes);
}

static void say_times(struct rig *rig, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        talk_say(&rig->talk, text);
    }
}

static size_t held(const struct rig *rig)
{
    return atomic_load(&rig->talk.client.window.held_bytes);
}

static bool is_all(struct slice bytes, uint8_t byte)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.data[i] != byte) {
            return false;
        }
    }
    return true;
}

static void expect_receipt(struct rig *rig, bool resp, uint8_t byte, size_t len)
{
    const struct reply *reply = &talk_next(&rig->talk, resp)->reply;

    ck_assert_int_eq((int)reply->kind, (int)REPLY_COMPLETED);
    ck_assert_uint_eq(reply->receipt.len, len);
    ck_assert(is_all(reply->receipt, byte));
}

/* --- commands ------------------------------------------------------------- */

START_TEST(no_more_than_max_inflight_commands_are_begun)
{
    struct rig rig;

    rig_open(&rig, (struct bounds){.inflight = 3});
    talk_say(&rig.talk, "CLAIM a\nCLAIM b\nCLAIM c\nCLAIM d\nCLAIM e\n");
    ck_assert_uint_eq(talk_with_engine(&rig.talk), 3);
    ck_assert_uint_eq(buf_len(&rig.talk.in), strlen("CLAIM d\nCLAIM e\n"));
    ck_assert(!client_may_begin(&rig.talk.client));
    talk_say(&rig.talk, "CLAIM f\n");
    ck_assert_uint_eq(talk_with_engine(&rig.talk), 3);
    talk_turn(&rig.talk);
    talk_expect(&rig.talk, false, "CLAIMED, CLAIMED, CLAIMED");
    ck_assert_uint_eq(talk_with_engine(&rig.talk), 3);
    ck_assert_uint_eq(buf_len(&rig.talk.in), 0);
    talk_settle(&rig.talk);
    talk_expect(&rig.talk, false, "CLAIMED, CLAIMED, CLAIMED");
    ck_assert(client_may_begin(&rig.talk.client));
    rig_close(&rig);
}
END_TEST

START_TEST(answered_commands_count_until_they_are_collected)
{
    struct rig rig;

    rig_open(&rig, (struct bounds){.inflight = 2});
    talk_say(&rig.talk, "CLAIM a\nPING\nPING\nnonsense\nPING\n");
    ck_assert_uint_eq(rig.talk.client.inflight, 2);
    talk_advance(&rig.talk);
    ck_assert_uint_eq(rig.talk.client.inflight, 2);
    talk_settle(&rig.talk);
    talk_expect(&rig.talk, false, "CLAIMED, PONG, PONG, UNKNOWN_COMMAND, PONG");
    rig_close(&rig);
}
END_TEST

static void answers_one_by_one(struct bounds bounds)
{
    struct rig rig;

    rig_open(&rig, bounds);
    talk_say(&rig.talk, "NAMESPACE n\nCLAIM a\nSWEEP\nCLAIM a\nSTATS\nHELP\n"
                        "COMPLETE a r\nLOOKUP a\nnonsense\nQUIT\nPING\n");
    ck_assert_uint_eq(rig.talk.client.inflight, 1);
    talk_settle(&rig.talk);
    talk_expect(&rig.talk, false,
                "OK, CLAIMED, SWEPT 0 0 0, INFLIGHT, STATS, HELP, OK, "
                "COMPLETED r, UNKNOWN_COMMAND, BYE");
    rig_close(&rig);
}

START_TEST(one_at_a_time_is_enough_to_answer_all)
{
    answers_one_by_one((struct bounds){.inflight = 1});
    answers_one_by_one((struct bounds){.output_bytes = 1});
}
END_TEST

/* --- bytes of requests ---------------------------------------------------- */

START_TEST(bytes_of_requests_under_way_are_bounded)
{
    struct rig rig;
    struct command command = claim("a");
    uint8_t *bytes = calloc(1, 65536);
    size_t begun;

    ck_assert_ptr_nonnull(bytes);
    rig_open(&rig, (struct bounds){.inflight = 1000});
    send_resp(&rig, command);
    command = with_receipt(complete("a", ""), slice_of(bytes, 65536));
    for (int i = 0; i < 40; i++) {
        send_resp(&rig, command);
    }
    begun = talk_with_engine(&rig.talk);
    ck_assert_uint_gt(begun, 15);
    ck_assert_uint_lt(begun, 20);
    ck_assert_uint_ge(rig.talk.client.inflight_bytes, CLIENT_INPUT_BYTES_MAX);
    ck_assert_uint_lt(rig.talk.client.inflight_bytes,
                      CLIENT_INPUT_BYTES_MAX + 66000);
    ck_assert(!client_may_begin(&rig.talk.client));
    talk_settle(&rig.talk);
    ck_reply(talk_next(&rig.talk, true)->reply, "CLAIMED");
    for (int i = 0; i < 40; i++) {
        ck_reply(talk_next(&rig.talk, true)->reply, "OK");
    }
    ck_assert_str_eq(talk_rest(&rig.talk), "");
    rig_close(&rig);
    free(bytes);
}
END_TEST

START_TEST(one_request_above_the_bound_still_runs)
{
    enum { LEN = 1 << 20 };
    struct rig rig;
    struct client_config config;
    struct buf line = {0};

    rig_open(&rig, (struct bounds){.inflight = 0});
    config = talk_config(&rig.bench);
    config.limits.receipt_bytes_max = LEN;
    talk_close(&rig.talk);
    talk_open(&rig.talk, &rig.bench, &config);
    buf_append_str(&line, "CLAIM a\nCOMPLETE a \"");
    for (size_t i = 0; i < LEN; i++) {
        buf_append_str(&line, "\\x00");
    }
    buf_append_str(&line, "\"\nLOOKUP a\nPING\n");
    talk_send(&rig.talk, buf_slice(&line));
    talk_settle(&rig.talk);
    ck_reply(talk_next(&rig.talk, false)->reply, "CLAIMED");
    ck_reply(talk_next(&rig.talk, false)->reply, "OK");
    expect_receipt(&rig, false, 0, LEN);
    talk_expect(&rig.talk, false, "PONG");
    buf_release(&line);
    rig_close(&rig);
}
END_TEST

/* --- bytes of replies ----------------------------------------------------- */

/* Turns and reads, until the next reply that is expected is there. */
static void step(struct rig *rig)
{
    talk_turn(&rig->talk);
    if (held(rig) > rig->held_max) {
        rig->held_max = held(rig);
    }
    talk_read(&rig->talk);
    talk_advance(&rig->talk);
}

START_TEST(large_receipts_wait_until_there_is_room)
{
    struct rig rig;

    rig_open(&rig, (struct bounds){.output_bytes = 200000});
    complete_keys(&rig, BIG_BYTES);
    rig.talk.reads = false;
    for (size_t i = 0; i < KEYS; i++) {
        send_resp(&rig, lookup(key_name(i)));
    }
    ck_assert_uint_eq(talk_with_engine(&rig.talk), KEYS);
    talk_turn(&rig.talk);
    ck_assert_uint_eq(rig.talk.client.postponed, KEYS - 3);
    ck_assert_uint_le(held(&rig), 200000);
    ck_assert_uint_ge(held(&rig), 3 * BIG_BYTES);
    ck_assert(!client_may_begin(&rig.talk.client));
    /* Nothing is given out again before all of it has left. */
    client_drained(&rig.talk.client, rig.talk.unread - 1);
    rig.talk.unread = 1;
    talk_advance(&rig.talk);
    ck_assert_uint_eq(talk_with_engine(&rig.talk), 0);
    talk_read(&rig.talk);
    talk_advance(&rig.talk);
    /* The others would only come back again. */
    ck_assert_uint_eq(talk_with_engine(&rig.talk), 3);
    ck_assert_uint_eq(rig.talk.client.postponed, KEYS - 6);
    step(&rig);
    step(&rig);
    step(&rig);
    ck_assert(client_is_idle(&rig.talk.client));
    ck_assert_uint_le(rig.held_max, 200000);
    for (size_t i = 0; i < KEYS; i++) {
        expect_receipt(&rig, true, (uint8_t)('a' + i), BIG_BYTES);
    }
    ck_assert_str_eq(talk_rest(&rig.talk), "");
    rig_close(&rig);
}
END_TEST

START_TEST(nothing_overtakes_what_has_to_wait)
{
    struct rig rig;

    rig_open(&rig, (struct bounds){.output_bytes = 100000});
    complete_keys(&rig, BIG_BYTES);
    rig.talk.reads = false;
    send_resp(&rig, lookup("k0"));
    send_resp(&rig, lookup("k1"));
    send_resp(&rig, claim("new"));
    send_resp(&rig, lookup("never"));
    send_resp(&rig, (struct command){.verb = VERB_PING});
    talk_turn(&rig.talk);
    ck_assert_uint_eq(rig.talk.client.postponed, 3);
    talk_past(&rig.bench, "default", lookup("new"), "NOT_FOUND");
    send_resp(&rig, claim("later"));
    ck_assert_uint_gt(buf_len(&rig.talk.in), 0);
    talk_turn(&rig.talk);
    talk_past(&rig.bench, "default", lookup("later"), "NOT_FOUND");
    expect_receipt(&rig, true, 'a', BIG_BYTES);
    ck_assert_str_eq(talk_rest(&rig.talk), "");
    talk_read(&rig.talk);
    talk_settle(&rig.talk);
    expect_receipt(&rig, true, 'b', BIG_BYTES);
    ck_assert_str_eq(talk_rest(&rig.talk), "");
    talk_read(&rig.talk);
    talk_settle(&rig.talk);
    talk_expect(&rig.talk, true, "CLAIMED, NOT_FOUND, PONG, CLAIMED");
    rig_close(&rig);
}
END_TEST

START_TEST(twice_as_many_are_given_out_again_once_all_had_room)
{
    static const size_t given_out[] = {1, 2, 4, 8, 8};
    struct rig rig;

    rig_open(&rig, (struct bounds){.inflight = 32, .output_bytes = 65536});
    complete_with(&rig, "long", 'x', BIG_BYTES);
    complete_with(&rig, "short", 'x', 100);
    rig.talk.reads = false;
    send_resp(&rig, lookup("long"));
    send_resp(&rig, lookup("long"));
    for (int i = 0; i < 22; i++) {
        send_resp(&rig, lookup("short"));
    }
    talk_turn(&rig.talk);
    ck_assert_uint_eq(rig.talk.client.postponed, 23);
    for (size_t i = 0; i < sizeof(given_out) / sizeof(given_out[0]); i++) {
        talk_read(&rig.talk);
        talk_advance(&rig.talk);
        ck_assert_uint_eq(talk_with_engine(&rig.talk), given_out[i]);
        talk_turn(&rig.talk);
    }
    ck_assert(client_is_idle(&rig.talk.client));
    talk_rest(&rig.talk);
    rig_close(&rig);
}
END_TEST

/* In a line a byte may take four. */
START_TEST(room_is_counted_as_the_framing_needs_it)
{
    struct rig rig;

    rig_open(&rig, (struct bounds){.output_bytes = 400000});
    complete_with(&rig, "k", 0, BIG_BYTES);
    rig.talk.reads = false;
    say_times(&rig, "LOOKUP k\n", 2);
    talk_turn(&rig.talk);
    ck_assert_uint_eq(rig.talk.client.postponed, 1);
    talk_read(&rig.talk);
    talk_settle(&rig.talk);
    expect_receipt(&rig, false, 0, BIG_BYTES);
    expect_receipt(&rig, false, 0, BIG_BYTES);
    talk_read(&rig.talk);
    for (int i = 0; i < 6; i++) {
        send_resp(&rig, lookup("k"));
    }
    talk_turn(&rig.talk);
    ck_assert_uint_eq(rig.talk.client.postponed, 0);
    ck_assert_uint_le(held(&rig), 400000);
    for (int i = 0; i < 6; i++) {
        expect_receipt(&rig, true, 0, BIG_BYTES);
    }
    rig_close(&rig);
}
END_TEST

START_TEST(one_reply_above_the_limit_still_gets_through)
{
    struct rig rig;

    rig_open(&rig, (struct bounds){.output_bytes = 65536});
    complete_with(&rig, "k", 0, BIG_BYTES);
    rig.talk.reads = false;
    say_times(&rig, "CLAIM k\nPING\n", 3);
    for (int i = 0; i < 3; i++) {
        talk_settle(&rig.talk);
        expect_receipt(&rig, false, 0, BIG_BYTES);
        ck_assert_uint_gt(held(&rig), 4 * BIG_BYTES);
        talk_expect(&rig.talk, false, "PONG");
        talk_read(&rig.talk);
    }
    talk_advance(&rig.talk);
    ck_assert(client_is_idle(&rig.talk.client));
    rig_close(&rig);
}
END_TEST

START_TEST(client_that_reads_nothing_is_not_read_any_more)
{
    enum { PINGS = 100000, LIMIT = 65536 };
    struct rig rig;
    size_t answered;
    size_t pongs;

    rig_open(&rig, (struct bounds){.output_bytes = LIMIT});
    rig.talk.reads = false;
    for (int i = 0; i < PINGS / 1000; i++) {
        say_times(&rig, "PING\n", 1000);
        talk_advance(&rig.talk);
    }
    ck_assert_uint_gt(buf_len(&rig.talk.in), 0);
    ck_assert(!client_may_begin(&rig.talk.client));
    ck_assert_uint_le(held(&rig), LIMIT);
    answered = buf_len(&rig.talk.out) / strlen("PONG\n");
    ck_assert_uint_gt(answered, 1000);
    ck_assert_uint_eq(answered + buf_len(&rig.talk.in) / strlen("PING\n"),
                      PINGS);
    talk_advance(&rig.talk);
    ck_assert_uint_eq(buf_len(&rig.talk.out) / strlen("PONG\n"), answered);
    while (buf_len(&rig.talk.in) > 0) {
        talk_read(&rig.talk);
        talk_advance(&rig.talk);
    }
    for (pongs = 0; buf_len(&rig.talk.out) > 0; pongs++) {
        struct slice out = buf_slice(&rig.talk.out);

        CHECK(memcmp(out.data, "PONG\n", strlen("PONG\n")) == 0);
        buf_take(&rig.talk.out, strlen("PONG\n"));
    }
    ck_assert_uint_eq(pongs, PINGS);
    rig_close(&rig);
}
END_TEST

enum { LISTS = 40, LISTS_LIMIT = 65536 };

/* Behind a command that keeps the engine busy, so that nothing is collected. */
static void begins_few_lists(const char *request, enum reply_kind kind)
{
    struct rig rig;

    rig_open(&rig, (struct bounds){.output_bytes = LISTS_LIMIT});
    rig.talk.reads = false;
    talk_say(&rig.talk, "CLAIM a\n");
    say_times(&rig, request, LISTS);
    ck_assert_uint_eq(rig.talk.client.inflight,
                      LISTS_LIMIT / PROTO_LIST_BYTES_MAX);
    while (!client_is_idle(&rig.talk.client)) {
        ck_assert_uint_le(held(&rig) + rig.talk.client.reserved_bytes,
                          LISTS_LIMIT);
        step(&rig);
    }
    ck_reply(talk_next(&rig.talk, false)->reply, "CLAIMED");
    for (int i = 0; i < LISTS; i++) {
        ck_assert_int_eq((int)talk_next(&rig.talk, false)->reply.kind,
                         (int)kind);
    }
    ck_assert_str_eq(talk_rest(&rig.talk), "");
    rig_close(&rig);
}

START_TEST(lists_are_begun_only_where_they_fit)
{
    begins_few_lists("STATS\n", REPLY_STATS);
    begins_few_lists("HELP\n", REPLY_HELP);
}
END_TEST

START_TEST(what_waits_behind_a_sweep_is_done_in_the_end)
{
    struct rig rig;

    rig_open(&rig, (struct bounds){.output_bytes = 100000});
    complete_keys(&rig, BIG_BYTES);
    rig.talk.holds_sweeps = true;
    send_resp(&rig, lookup("k0"));
    send_resp(&rig, (struct command){.verb = VERB_SWEEP});
    send_resp(&rig, lookup("k1"));
    send_resp(&rig, lookup("k2"));
    talk_settle(&rig.talk);
    expect_receipt(&rig, true, 'a', BIG_BYTES);
    ck_assert_str_eq(talk_rest(&rig.talk), "");
    /* The engine still has a request of this client. */
    ck_assert_uint_eq(rig.talk.client.postponed, 2);
    ck_assert_uint_eq(held(&rig), 0);
    talk_end_sweeps(&rig.talk);
    talk_settle(&rig.talk);
    ck_reply(talk_next(&rig.talk, true)->reply, "SWEPT 0 0 0");
    expect_receipt(&rig, true, 'b', BIG_BYTES);
    expect_receipt(&rig, true, 'c', BIG_BYTES);
    ck_assert_str_eq(talk_rest(&rig.talk), "");
    rig_close(&rig);
}
END_TEST

/* --- ends ----------------------------------------------------------------- */

START_TEST(stop_answers_what_was_postponed)
{
    struct rig rig;

    rig_open(&rig, (struct bounds){.output_bytes = 100000});
    complete_keys(&rig, BIG_BYTES);
    rig.talk.reads = false;
    send_resp(&rig, lookup("k0"));
    send_resp(&rig, lookup("k1"));
    send_resp(&rig, claim("new"));
    send_resp(&rig, (struct command){.verb = VERB_PING});
    talk_turn(&rig.talk);
    send_resp(&rig, claim("unparsed"));
    ck_assert_uint_gt(buf_len(&rig.talk.in), 0);
    client_stop(&rig.talk.client);
    talk_say(&rig.talk, "CLAIM late\n");
    talk_settle(&rig.talk);
    ck_assert_uint_eq(buf_len(&rig.talk.in), 0);
    expect_receipt(&rig, true, 'a', BIG_BYTES);
    talk_expect(&rig.talk, true, "SHUTTING_DOWN, SHUTTING_DOWN, PONG");
    talk_past(&rig.bench, "default", lookup("new"), "NOT_FOUND");
    talk_past(&rig.bench, "default", lookup("unparsed"), "NOT_FOUND");
    talk_past(&rig.bench, "default", lookup("late"), "NOT_FOUND");
    rig_close(&rig);
}
END_TEST

START_TEST(failed_commit_gives_all_room_back)
{
    struct rig rig;

    rig_open(&rig,
             (struct bounds){.output_bytes = 100000, .store = STORE_FAULTY});
    complete_keys(&rig, BIG_BYTES);
    rig.talk.reads = false;
    store_faulty_fail(rig.bench.store.store, FAULTY_APPEND, 1);
    send_resp(&rig, claim("new"));
    send_resp(&rig, lookup("k0"));
    send_resp(&rig, lookup("k1"));
    send_resp(&rig, claim("other"));
    talk_turn(&rig.talk);
    ck_assert_int_eq(rig.talk.failure, E_INDETERMINATE);
    rig.talk.failure = 0;
    client_stop(&rig.talk.client);
    talk_advance(&rig.talk);
    /* Whoever was decided may have been stored; whoever was not, was not. */
    talk_expect(&rig.talk, true,
                "INDETERMINATE, INDETERMINATE, SHUTTING_DOWN, SHUTTING_DOWN");
    rig_close(&rig);
}
END_TEST

START_TEST(errors_of_postponed_commands_are_counted)
{
    struct rig rig;
    _Atomic uint64_t *errors;

    rig_open(&rig, (struct bounds){.output_bytes = 100000});
    complete_keys(&rig, BIG_BYTES);
    errors = rig.bench.store.counters.errors;
    send_resp(&rig, lookup("k0"));
    send_resp(&rig, lookup("k1"));
    rig.talk.reads = false;
    talk_turn(&rig.talk);
    client_stop(&rig.talk.client);
    talk_advance(&rig.talk);
    ck_assert_uint_eq(atomic_load(&errors[STATUS_WIRE_INDEX(E_SHUTTING_DOWN)]),
                      1);
    ck_assert_uint_eq(
        atomic_load(&rig.bench.store.counters.commands[VERB_LOOKUP]), 2);
    rig_close(&rig);
}
END_TEST

START_TEST(a_round_ends_after_its_share_and_the_next_goes_on)
{
    struct client_config config = {
        .limits = {.key_bytes_max = 512, .receipt_bytes_max = 65536},
        .namespace = "default",
        .inflight_max = 100000,
        .output_bytes_max = 1 << 30,
        .version = "0",
    };
    static struct counters counters;
    struct request_list none = STAILQ_HEAD_INITIALIZER(none);
    struct buf input = {0};
    struct buf out = {0};
    struct client client;
    size_t used;

    config.counters = &counters;
    client_init(&client, &config);
    for (int i = 0; i < CLIENT_ROUND_MAX; i++) {
        buf_append_str(&input, i % 2 == 0 ? "PING\n" : "\n");
    }
    buf_append_str(&input, "HELP\n");
    used = client_feed(&client, buf_slice(&input), &none);
    ck_assert_uint_eq(used, buf_len(&input) - 5);
    buf_take(&input, used);
    ck_assert_uint_eq(client_feed(&client, buf_slice(&input), &none), 0);
    client_new_round(&client);
    ck_assert_uint_eq(client_feed(&client, buf_slice(&input), &none), 5);
    ck_assert(client_collect(&client, &out));
    ck_assert(client_is_idle(&client));
    client_drained(&client, buf_len(&out));
    client_release(&client);
    buf_release(&input);
    buf_release(&out);
}
END_TEST

SUITE(client_bounds, 30, no_more_than_max_inflight_commands_are_begun,
      answered_commands_count_until_they_are_collected,
      one_at_a_time_is_enough_to_answer_all,
      bytes_of_requests_under_way_are_bounded,
      one_request_above_the_bound_still_runs,
      large_receipts_wait_until_there_is_room,
      nothing_overtakes_what_has_to_wait,
      twice_as_many_are_given_out_again_once_all_had_room,
      room_is_counted_as_the_framing_needs_it,
      one_reply_above_the_limit_still_gets_through,
      client_that_reads_nothing_is_not_read_any_more,
      lists_are_begun_only_where_they_fit,
      what_waits_behind_a_sweep_is_done_in_the_end,
      stop_answers_what_was_postponed, failed_commit_gives_all_room_back,
      errors_of_postponed_commands_are_counted,
      a_round_ends_after_its_share_and_the_next_goes_on)
