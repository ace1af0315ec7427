#include "tests/lib/model_batch.h"

#include "base/check.h"
#include "tests/lib/command_bytes.h"

/* One request and its answer. */
struct entry {
    bool resp;
    enum reply_kind kind; /* of a request that the model does not know;
                             REPLY_NONE: compare with the model */
    int error;            /* REPLY_ERROR: which */
    struct slice ns;
    struct command command;
    struct reply reply;
    uint8_t *receipt; /* owned, like both below */
    uint8_t *reply_receipt;
    uint8_t *reply_owner;
};

struct lane {
    struct entry entries[BATCH_ENTRIES_MAX];
    size_t added;
    size_t answered;
    size_t compared;
    struct slice ns;
};

struct batch {
    struct model *model;
    bool masked;
    struct lane lanes[BATCH_LANES_MAX];
};

static struct slice copy(struct slice from, uint8_t **owned)
{
    *owned = malloc(from.len + 1);
    CHECK(*owned != NULL);
    return slice_copy(*owned, from);
}

static void entry_release(struct entry *entry)
{
    free(entry->receipt);
    free(entry->reply_receipt);
    free(entry->reply_owner);
    *entry = (struct entry){.resp = false};
}

static struct lane *lane_of(struct batch *batch, size_t lane)
{
    CHECK(lane < BATCH_LANES_MAX);
    return &batch->lanes[lane];
}

static void lane_clear(struct lane *lane)
{
    for (size_t i = 0; i < lane->added; i++) {
        entry_release(&lane->entries[i]);
    }
    lane->added = 0;
    lane->answered = 0;
    lane->compared = 0;
}

struct batch *batch_new(struct model *model, bool masked)
{
    struct batch *batch = calloc(1, sizeof(*batch));

    CHECK(batch != NULL);
    batch->model = model;
    batch->masked = masked;
    for (size_t i = 0; i < BATCH_LANES_MAX; i++) {
        batch_reconnect(batch, i);
    }
    return batch;
}

void batch_free(struct batch *batch)
{
    for (size_t i = 0; i < BATCH_LANES_MAX; i++) {
        lane_clear(&batch->lanes[i]);
    }
    free(batch);
}

void batch_reconnect(struct batch *batch, size_t lane)
{
    CHECK(lane_of(batch, lane)->added == 0);
    lane_of(batch, lane)->ns = slice_str("default");
}

/* --- adding --------------------------------------------------------------- */

static struct entry *add(struct lane *lane, bool resp, enum reply_kind kind)
{
    struct entry *entry = &lane->entries[lane->added++];

    CHECK(lane->added <= BATCH_ENTRIES_MAX);
    *entry = (struct entry){.resp = resp, .kind = kind};
    return entry;
}

static void write_command(struct buf *to, bool resp,
                          const struct command *command)
{
    if (resp) {
        command_resp(to, command);
    } else {
        command_line(to, command);
    }
}

static void add_namespace(struct lane *lane, bool resp, struct slice ns,
                          struct buf *to)
{
    struct command command = {.verb = VERB_NAMESPACE, .name = ns};

    add(lane, resp, REPLY_OK);
    lane->ns = ns;
    write_command(to, resp, &command);
}

/* What changes nothing, but stands in the way. */
static void add_noise(struct lane *lane, bool resp, struct rng *rng,
                      struct buf *to)
{
    struct command command = {.verb = VERB_PING};
    struct entry *entry = add(lane, resp, REPLY_PONG);

    switch (rng_below(rng, 5)) {
    case 0:
        buf_append_str(to, resp ? "*0\r\n" : " \r\n\n");
        write_command(to, resp, &command);
        break;
    case 1:
        entry->kind = REPLY_ERROR;
        entry->error = E_UNKNOWN_COMMAND;
        buf_append_str(to, resp ? "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n" : "get k\n");
        break;
    case 2:
        entry->kind = REPLY_ERROR;
        entry->error = E_SYNTAX;
        buf_append_str(to, resp ? "*1\r\n$5\r\nCLAIM\r\n" : "CLAIM \"k\n");
        break;
    case 3:
        entry->kind = REPLY_ERROR;
        entry->error = E_LIMIT;
        buf_append_str(to, resp ? "*3\r\n$5\r\nCLAIM\r\n$1\r\nk\r\n"
                                  "$7\r\nlease=0\r\n"
                                : "CLAIM k ttl=0\n");
        break;
    default:
        write_command(to, resp, &command);
    }
}

static bool flip(struct rng *rng)
{
    return rng_percent(rng, 50);
}

void batch_add(struct batch *batch, size_t lane_index, struct rng *rng,
               const struct model_step *step, struct buf *to)
{
    struct lane *lane = lane_of(batch, lane_index);
    struct entry *entry;

    if (!slice_equal(step->ns, lane->ns)) {
        add_namespace(lane, flip(rng), step->ns, to);
    }
    if (rng_percent(rng, 6)) {
        add_noise(lane, flip(rng), rng, to);
    }
    entry = add(lane, flip(rng), REPLY_NONE);
    entry->ns = step->ns;
    entry->command = step->command;
    entry->command.receipt = copy(step->command.receipt, &entry->receipt);
    write_command(to, entry->resp, &entry->command);
}

/* --- answers -------------------------------------------------------------- */

bool batch_owes(const struct batch *batch, size_t lane_index, bool *resp)
{
    const struct lane *lane = &batch->lanes[lane_index];

    if (lane->answered == lane->added) {
        return false;
    }
    *resp = lane->entries[lane->answered].resp;
    return true;
}

bool batch_answer(struct batch *batch, size_t lane_index,
                  const struct reply *reply, struct err *why)
{
    struct lane *lane = lane_of(batch, lane_index);
    struct entry *entry = &lane->entries[lane->answered];

    CHECK(lane->answered < lane->added);
    lane->answered++;
    entry->reply = *reply;
    entry->reply.receipt = copy(reply->receipt, &entry->reply_receipt);
    entry->reply.owner = copy(reply->owner, &entry->reply_owner);
    if (entry->kind == REPLY_NONE ||
        (reply->kind == entry->kind && reply->error == entry->error)) {
        return true;
    }
    err_set(why, -1, "an answer of kind %d, error %s; should be %d, %s",
            (int)reply->kind, status_name(reply->error), (int)entry->kind,
            status_name(entry->error));
    return false;
}

/* Index of the next entry to be compared; lane->answered: none. */
static size_t next_index(const struct lane *lane)
{
    size_t i = lane->compared;

    while (i < lane->answered && lane->entries[i].kind != REPLY_NONE) {
        i++;
    }
    return i;
}

bool batch_next(const struct batch *batch, size_t lane_index,
                struct reply *reply)
{
    const struct lane *lane = &batch->lanes[lane_index];
    size_t i = next_index(lane);

    if (i == lane->answered) {
        return false;
    }
    *reply = lane->entries[i].reply;
    return true;
}

static void report_difference(struct buf *report, size_t lane,
                              const struct entry *entry, const struct err *why)
{
    buf_append_str(report, "lane ");
    buf_append_u64(report, lane);
    buf_append_str(report, entry->resp ? ", RESP, in " : ", line, in ");
    buf_append_slice(report, entry->ns);
    buf_append_str(report, ": ");
    command_line(report, &entry->command);
    buf_append_str(report, why->text);
    buf_append_byte(report, '\n');
}

bool batch_decided(struct batch *batch, size_t lane_index, uint64_t now_ms,
                   struct buf *report)
{
    struct lane *lane = lane_of(batch, lane_index);
    size_t i = next_index(lane);
    struct entry *entry = &lane->entries[i];
    struct err why = {.text = ""};
    bool good;

    CHECK(i < lane->answered);
    lane->compared = i + 1;
    good = batch->masked
               ? model_check_masked(batch->model, entry->ns, &entry->command,
                                    now_ms, &entry->reply, &why)
               : model_check(batch->model, entry->ns, &entry->command, now_ms,
                             &entry->reply, &why);
    if (!good) {
        report_difference(report, lane_index, entry, &why);
    }
    return good;
}

bool batch_finish(struct batch *batch)
{
    for (size_t i = 0; i < BATCH_LANES_MAX; i++) {
        struct lane *lane = &batch->lanes[i];

        if (lane->answered < lane->added || next_index(lane) < lane->answered) {
            return false;
        }
        lane_clear(lane);
    }
    return true;
}
