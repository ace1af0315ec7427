#include "daemon/client.h"

#include "base/check.h"
#include "proto/verbs.h"

enum task_state { TASK_WITH_ENGINE, TASK_POSTPONED, TASK_DONE };

/* A request from its last byte to its reply. */
struct task {
    struct request request; /* what the engine sees */
    STAILQ_ENTRY(task) link;
    struct client *client;
    enum task_state state;
    enum proto_framing framing;
    size_t bytes;          /* of the request */
    size_t reserved_bytes; /* for the reply, a receipt apart */
    uint8_t memory[];      /* what the command borrows */
};

void client_init(struct client *client, const struct client_config *config)
{
    *client = (struct client){
        .config = config,
        .round_left = CLIENT_ROUND_MAX,
        .retry_max = config->inflight_max,
        .window = {.limit_bytes = config->output_bytes_max},
    };
    snprintf(client->namespace, sizeof(client->namespace), "%s",
             config->namespace);
    STAILQ_INIT(&client->tasks);
}

static void task_free(struct task *task)
{
    free(task->request.owned);
    free(task);
}

void client_release(struct client *client)
{
    struct task *task;

    CHECK(client->with_engine == 0);
    while ((task = STAILQ_FIRST(&client->tasks)) != NULL) {
        STAILQ_REMOVE_HEAD(&client->tasks, link);
        task_free(task);
    }
}

bool client_may_begin(const struct client *client)
{
    size_t held = atomic_load(&client->window.held_bytes);

    if (client->said_last || client->broken || client->postponed > 0) {
        return false;
    }
    if (client->inflight == 0 && held == 0) {
        return true;
    }
    return client->inflight < client->config->inflight_max &&
           client->inflight_bytes < CLIENT_INPUT_BYTES_MAX &&
           held + client->reserved_bytes + PROTO_LIST_BYTES_MAX <=
               client->config->output_bytes_max;
}

/* --- from bytes to requests -----------------------------------------------
 */

static struct task *task_add(struct client *client, enum proto_framing framing,
                             size_t bytes, size_t memory_bytes)
{
    struct task *task = malloc(sizeof(*task) + memory_bytes);

    if (task == NULL) {
        client->broken = true;
        return NULL;
    }
    *task = (struct task){
        .client = client,
        .state = TASK_DONE,
        .framing = framing,
        .bytes = bytes,
        .reserved_bytes = PROTO_REPLY_BYTES_MAX,
    };
    client->inflight++;
    client->inflight_bytes += bytes;
    client->reserved_bytes += task->reserved_bytes;
    STAILQ_INSERT_TAIL(&client->tasks, task, link);
    return task;
}

static void reserve_list(struct client *client, struct task *task)
{
    client->reserved_bytes += PROTO_LIST_BYTES_MAX - task->reserved_bytes;
    task->reserved_bytes = PROTO_LIST_BYTES_MAX;
}

static void give_out(struct client *client, struct task *task,
                     struct request_list *requests)
{
    task->state = TASK_WITH_ENGINE;
    client->with_engine++;
    STAILQ_INSERT_TAIL(requests, &task->request, link);
}

/* Encodes the stream's id behind the command's own bytes. */
static void name_stream(struct client *client, struct task *task,
                        uint8_t *memory)
{
    struct command *command = &task->request.command;

    task->request.stream =
        stream_encode(memory, slice_str(client->namespace), command->key);
    task->request.window = &client->window;
    task->request.bytes_per_receipt_byte =
        proto_receipt_bytes_max(task->framing, 1);
}

static void change_namespace(struct client *client, struct slice name)
{
    CHECK(name.len <= NAMESPACE_BYTES_MAX);
    memcpy(client->namespace, name.data, name.len);
    client->namespace[name.len] = '\0';
}

/* Starts a command that was read whole. */
static void begin(struct client *client, struct task *task, uint8_t *memory,
                  struct request_list *requests)
{
    const struct command *command = &task->request.command;
    struct reply *reply = &task->request.reply;

    switch (command->verb) {
    case VERB_CLAIM:
    case VERB_COMPLETE:
    case VERB_RELEASE:
    case VERB_EXTEND:
    case VERB_LOOKUP:
        name_stream(client, task, memory);
        give_out(client, task, requests);
        break;
    case VERB_STATS:
        reserve_list(client, task);
        give_out(client, task, requests);
        break;
    case VERB_SWEEP:
        give_out(client, task, requests);
        break;
    case VERB_NAMESPACE:
        change_namespace(client, command->name);
        reply->kind = REPLY_OK;
        break;
    case VERB_PING:
        reply->kind = REPLY_PONG;
        break;
    case VERB_HELP:
        reserve_list(client, task);
        reply->kind = REPLY_HELP;
        break;
    case VERB_QUIT:
        client->said_last = true;
        reply->kind = REPLY_BYE;
        break;
    case VERB_COUNT:
    default:
        check_failed("a verb of the table", __FILE__, __LINE__);
    }
}

static void read_request(struct client *client, struct slice input,
                         struct request_list *requests)
{
    const struct proto_frame *frame = &client->frame;
    size_t stream_bytes = stream_id_bytes(slice_str(client->namespace),
                                          slice_of(NULL, frame->bytes));
    struct task *task = task_add(client, frame->framing, frame->bytes,
                                 frame->bytes + stream_bytes);
    const char *sentence = NULL;
    struct command *command;
    int status;

    if (task == NULL) {
        return;
    }
    client->spoke = true;
    command = &task->request.command;
    status = proto_command(frame, input, &client->config->limits, task->memory,
                           command, &sentence);
    if (command->verb != VERB_COUNT) {
        counters_command(client->config->counters, command->verb);
    } else if (proto_is_foreign(frame, input)) {
        client->said_last = true;
        sentence = "this port speaks neither HTTP nor TLS";
    }
    if (status < 0) {
        task->request.reply = reply_error_because(status, sentence);
        return;
    }
    begin(client, task, task->memory + frame->bytes, requests);
}

void client_refuse(struct client *client, int status, const char *sentence)
{
    struct task *task = task_add(client, client->frame.framing, 0, 0);

    client->said_last = true;
    if (task != NULL) {
        task->request.reply = reply_error_because(status, sentence);
    }
}

size_t client_feed(struct client *client, struct slice input,
                   struct request_list *requests)
{
    size_t used = 0;

    while (used < input.len && client->round_left > 0 &&
           client_may_begin(client)) {
        struct slice rest = slice_of(input.data + used, input.len - used);
        int status = 0;
        enum proto_state state =
            proto_frame(&client->frame, rest, &client->config->limits, &status);

        if (state == PROTO_MORE) {
            break;
        }
        if (state == PROTO_HOPELESS) {
            client_refuse(client, status,
                          status == E_LIMIT ? "the request is too long" : NULL);
            return input.len;
        }
        if (state == PROTO_REQUEST) {
            read_request(client, rest, requests);
        }
        client->round_left--;
        used += client->frame.bytes;
        client->frame = (struct proto_frame){0};
    }
    return client->said_last ? input.len : used;
}

/* --- from replies to bytes ------------------------------------------------
 */

static void refuse_stopping(struct task *task)
{
    task->state = TASK_DONE;
    task->request.postponed = false;
    task->request.reply = reply_error(E_SHUTTING_DOWN);
}

struct client *client_returned(struct request *request)
{
    struct task *task = (struct task *)(void *)((char *)request -
                                                offsetof(struct task, request));
    struct client *client = task->client;

    client->with_engine--;
    if (!request->postponed) {
        task->state = TASK_DONE;
        client->decided++;
    } else if (client->stopped) {
        refuse_stopping(task);
    } else {
        task->state = TASK_POSTPONED;
        client->postponed++;
    }
    return client;
}

/* STATS as a table: counters by name, then what is not a number. */
enum { STATS_MAX = 96, STAT_NAME_BYTES = 48 };

struct stats_page {
    struct proto_stat stats[STATS_MAX];
    char names[STATS_MAX][STAT_NAME_BYTES];
    size_t count;
};

static void add_stat(void *arg, const char *name, uint64_t value)
{
    struct stats_page *page = arg;
    char *copy = page->names[page->count];

    CHECK(page->count < STATS_MAX - 1);
    snprintf(copy, STAT_NAME_BYTES, "%s", name);
    page->stats[page->count++] =
        (struct proto_stat){.name = copy, .number = value};
}

static void write_stats(struct client *client, struct buf *out,
                        const struct task *task)
{
    struct stats_page page = {.count = 0};
    struct proto_stats stats;

    counters_each(client->config->counters, add_stat, &page);
    page.stats[page.count++] =
        (struct proto_stat){.name = "version", .text = client->config->version};
    stats = (struct proto_stats){page.stats, page.count};
    proto_reply(out, task->framing, &task->request.reply, &stats);
}

static void write_reply(struct client *client, struct buf *out,
                        const struct task *task)
{
    const struct reply *reply = &task->request.reply;

    CHECK(reply->kind != REPLY_NONE);
    if (reply->kind == REPLY_ERROR) {
        counters_error(client->config->counters, reply->error);
    }
    if (reply->kind == REPLY_STATS) {
        write_stats(client, out, task);
    } else {
        proto_reply(out, task->framing, reply, NULL);
    }
}

/* The reply is written: what was reserved for it becomes what it is. */
static void task_finish(struct client *client, struct task *task,
                        size_t reply_bytes)
{
    STAILQ_REMOVE_HEAD(&client->tasks, link);
    client->inflight--;
    client->inflight_bytes -= task->bytes;
    client->reserved_bytes -= task->reserved_bytes;
    atomic_fetch_add(&client->window.held_bytes, reply_bytes);
    atomic_fetch_sub(&client->window.held_bytes, task->request.receipt_bytes);
    task_free(task);
}

bool client_collect(struct client *client, struct buf *out)
{
    struct task *task;
    bool any = false;

    while ((task = STAILQ_FIRST(&client->tasks)) != NULL &&
           task->state == TASK_DONE) {
        size_t before = buf_len(out);

        write_reply(client, out, task);
        task_finish(client, task, buf_len(out) - before);
        any = true;
    }
    if (buf_failed(out)) {
        client->broken = true;
    }
    return any;
}

void client_drained(struct client *client, size_t len)
{
    atomic_fetch_sub(&client->window.held_bytes, len);
}

bool client_may_retry(const struct client *client)
{
    /* The engine goes on postponing until it has none of them left. */
    return client->postponed > 0 && client->with_engine == 0 &&
           atomic_load(&client->window.held_bytes) == 0;
}

/* As many as fitted, or twice as many if all of them did. */
static void adapt_retry(struct client *client)
{
    size_t next =
        client->window.postponing ? client->decided : 2 * client->retry_max;

    if (next > client->config->inflight_max) {
        next = client->config->inflight_max;
    }
    client->retry_max = next > 0 ? next : 1;
    client->decided = 0;
}

void client_retry(struct client *client, struct request_list *requests)
{
    struct task *task;

    if (!client_may_retry(client)) {
        return;
    }
    adapt_retry(client);
    client->window.postponing = false;
    STAILQ_FOREACH (task, &client->tasks, link) {
        if (client->with_engine == client->retry_max) {
            break;
        }
        if (task->state == TASK_POSTPONED) {
            client->postponed--;
            give_out(client, task, requests);
        }
    }
}

void client_stop(struct client *client)
{
    struct task *task;

    client->said_last = true;
    client->stopped = true;
    client->postponed = 0;
    STAILQ_FOREACH (task, &client->tasks, link) {
        if (task->state == TASK_POSTPONED) {
            refuse_stopping(task);
        }
    }
}
