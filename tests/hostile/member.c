#include "tests/hostile/member.h"

#include "base/banned.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    DRIP_MS = 5000,
    AGAIN_MS = 20, /* after a connect that failed */
    LOOK_MS = 50,  /* at what is due */
    EVENTS = 1024,
    REQUESTS_BYTES = 65536,
    REQUEST_BYTES = 64,
    /* The clients' side of the kernel's buffers would be elsewhere: thousands
     * of full ones here take the memory that all of TCP has. */
    SOCKET_BUFFER_BYTES = 32 * 1024,
};

enum member_state { APART, CONNECTING, OPEN };

struct member {
    enum crowd_kind kind;
    enum member_state state;
    int fd;
    unsigned id;
    unsigned asked;    /* of crowd_shared.asks */
    unsigned connects; /* so far */
    bool in_line;      /* of a reply */
    uint64_t connected_ms;
    uint64_t due_ms; /* when to connect, or to send the next byte */
    size_t unsent;   /* of the requests that it is sending */
};

struct process_of_crowd {
    const struct crowd_place *place;
    int epoll;
    struct member *members;
    unsigned count;
    uint64_t now_ms;
    unsigned claimed; /* keys of the flood */
    char flood[REQUESTS_BYTES];
    char deaf[REQUESTS_BYTES];
    size_t flood_bytes;
    size_t deaf_bytes;
};

static struct crowd_tally *tally_of(const struct process_of_crowd *self,
                                    const struct member *member)
{
    return &self->place->shared->of[member->kind];
}

/* Ends the process, which crowd_end() notices. */
static void give_up(const char *what)
{
    perror(what);
    _exit(2);
}

/* --- connecting ----------------------------------------------------------- */

static void watch(struct process_of_crowd *self, struct member *member, int how,
                  uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = member};

    if (epoll_ctl(self->epoll, how, member->fd, &event) != 0) {
        give_up("epoll_ctl");
    }
}

static int open_socket(const struct process_of_crowd *self)
{
    struct sockaddr_in from = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(self->place->source),
    };
    int on = 1;
    int bytes = SOCKET_BUFFER_BYTES;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 ||
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) !=
            0 ||
        bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0) {
        give_up("socket");
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    return fd;
}

static void try_again_soon(struct process_of_crowd *self, struct member *member)
{
    close(member->fd);
    member->state = APART;
    member->due_ms = self->now_ms + AGAIN_MS;
    atomic_fetch_add(&tally_of(self, member)->failed, 1);
}

static void begin_connect(struct process_of_crowd *self, struct member *member)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_port = htons(self->place->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };

    member->fd = open_socket(self);
    if (connect(member->fd, (struct sockaddr *)&to, sizeof(to)) != 0 &&
        errno != EINPROGRESS) {
        try_again_soon(self, member);
        return;
    }
    member->state = CONNECTING;
    watch(self, member, EPOLL_CTL_ADD, EPOLLOUT);
}

/* Keeps the shortest and the longest. */
static void note_age(struct crowd_tally *tally, uint64_t age_ms)
{
    uint64_t least = atomic_load(&tally->closed_min_ms);
    uint64_t most = atomic_load(&tally->closed_max_ms);

    while (
        age_ms < least &&
        !atomic_compare_exchange_weak(&tally->closed_min_ms, &least, age_ms)) {
    }
    while (age_ms > most && !atomic_compare_exchange_weak(&tally->closed_max_ms,
                                                          &most, age_ms)) {
    }
}

static void on_closed(struct process_of_crowd *self, struct member *member)
{
    struct crowd_tally *tally = tally_of(self, member);

    close(member->fd);
    member->state = APART;
    member->due_ms = self->now_ms;
    note_age(tally, now_ms() - member->connected_ms);
    atomic_fetch_sub(&tally->open, 1);
    atomic_fetch_add(&tally->closed, 1);
}

/* --- sending -------------------------------------------------------------- */

/* Sends the end of `bytes` that is `*unsent` long. */
static void send_rest(struct process_of_crowd *self, struct member *member,
                      const char *bytes, size_t len, size_t *unsent)
{
    ssize_t sent = send(member->fd, bytes + (len - *unsent), *unsent,
                        MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent > 0) {
        *unsent -= (size_t)sent;
        atomic_fetch_add(&tally_of(self, member)->sent_bytes, (uint64_t)sent);
    }
}

static void send_text(struct process_of_crowd *self, struct member *member,
                      const char *text)
{
    size_t unsent = strlen(text);

    send_rest(self, member, text, unsent, &unsent);
}

static size_t repeat(char *to, const char *text)
{
    size_t len = strlen(text);
    size_t used = 0;

    while (used + len <= REQUESTS_BYTES) {
        memcpy(to + used, text, len);
        used += len;
    }
    return used;
}

static void make_flood(struct process_of_crowd *self)
{
    self->flood_bytes = 0;
    while (self->flood_bytes + REQUEST_BYTES <= REQUESTS_BYTES) {
        self->flood_bytes +=
            (size_t)snprintf(self->flood + self->flood_bytes, REQUEST_BYTES,
                             "CLAIM flood-%x-%u lease=60s ttl=60s\n",
                             (unsigned)getpid(), self->claimed++);
    }
}

static void push_flood(struct process_of_crowd *self, struct member *member)
{
    if (member->unsent == 0) {
        make_flood(self);
        member->unsent = self->flood_bytes;
    }
    send_rest(self, member, self->flood, self->flood_bytes, &member->unsent);
}

static void push_deaf(struct process_of_crowd *self, struct member *member)
{
    size_t before;

    do {
        if (member->unsent == 0) {
            member->unsent = self->deaf_bytes;
        }
        before = member->unsent;
        send_rest(self, member, self->deaf, self->deaf_bytes, &member->unsent);
    } while (member->unsent < before);
}

static void ask_once(struct process_of_crowd *self, struct member *member,
                     const char *verb)
{
    char text[REQUEST_BYTES];

    snprintf(text, sizeof(text), "%s c-%x-%u-%u\n", verb, (unsigned)getpid(),
             member->id, member->connects);
    send_text(self, member, text);
}

/* --- receiving ------------------------------------------------------------ */

/* Whether a reply of that kind of member may begin so. */
static bool may_begin(enum crowd_kind kind, char first)
{
    return kind == CROWD_IDLE ? first == 'N' : first == 'C';
}

static void count_replies(struct process_of_crowd *self, struct member *member,
                          const char *bytes, size_t len)
{
    struct crowd_tally *tally = tally_of(self, member);

    for (size_t i = 0; i < len; i++) {
        if (!member->in_line && !may_begin(member->kind, bytes[i])) {
            atomic_fetch_add(&tally->wrong, 1);
        }
        member->in_line = bytes[i] != '\n';
        if (!member->in_line) {
            atomic_fetch_add(&tally->answers, 1);
            atomic_store(&tally->answered_at_ms, self->now_ms);
        }
    }
}

static void receive(struct process_of_crowd *self, struct member *member)
{
    static char bytes[REQUESTS_BYTES];
    ssize_t got = recv(member->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (got > 0) {
        count_replies(self, member, bytes, (size_t)got);
    } else if (got == 0 || errno != EAGAIN) {
        on_closed(self, member);
    }
}

/* --- the members' ways ---------------------------------------------------- */

static uint32_t events_of(enum crowd_kind kind)
{
    switch (kind) {
    case CROWD_DEAF:
        return EPOLLOUT | EPOLLET; /* an end is reported in any case */
    case CROWD_FLOOD:
        return EPOLLIN | EPOLLOUT;
    case CROWD_IDLE:
    case CROWD_DRIP:
    case CROWD_CALLER:
    case CROWD_KINDS:
    default:
        return EPOLLIN;
    }
}

static void on_connected(struct process_of_crowd *self, struct member *member)
{
    int error = 0;
    socklen_t len = sizeof(error);

    getsockopt(member->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error != 0) {
        try_again_soon(self, member);
        return;
    }
    member->state = OPEN;
    member->connects++;
    member->unsent = 0;
    member->in_line = false;
    member->asked = atomic_load(&self->place->shared->asks);
    member->connected_ms = now_ms();
    member->due_ms = self->now_ms;
    atomic_fetch_add(&tally_of(self, member)->open, 1);
    watch(self, member, EPOLL_CTL_MOD, events_of(member->kind));
    if (member->kind == CROWD_CALLER) {
        ask_once(self, member, "CLAIM");
    }
}

static void on_event(struct process_of_crowd *self, struct member *member,
                     uint32_t events)
{
    if (member->state == CONNECTING) {
        on_connected(self, member);
    } else if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
        on_closed(self, member);
    } else {
        if ((events & EPOLLOUT) != 0 && member->kind == CROWD_FLOOD) {
            push_flood(self, member);
        }
        if ((events & EPOLLOUT) != 0 && member->kind == CROWD_DEAF) {
            push_deaf(self, member);
        }
        if ((events & EPOLLIN) != 0) {
            receive(self, member);
        }
    }
}

static bool take_permit(struct process_of_crowd *self)
{
    _Atomic int *permits = &self->place->shared->permits;

    if (atomic_load(permits) > 0 && atomic_fetch_sub(permits, 1) > 0) {
        return true;
    }
    return false;
}

static void do_what_is_due(struct process_of_crowd *self, struct member *member)
{
    const struct crowd_shared *shared = self->place->shared;

    if (member->state == APART && self->now_ms >= member->due_ms &&
        !atomic_load(&shared->holds)) {
        if (member->kind != CROWD_IDLE || take_permit(self)) {
            begin_connect(self, member);
        }
    } else if (member->state == OPEN && member->kind == CROWD_DRIP &&
               self->now_ms >= member->due_ms) {
        send_text(self, member, "C");
        member->due_ms += DRIP_MS;
    } else if (member->state == OPEN && member->kind == CROWD_IDLE &&
               member->asked != atomic_load(&shared->asks)) {
        member->asked++;
        ask_once(self, member, "LOOKUP");
    }
}

static void look_at_all(struct process_of_crowd *self)
{
    for (unsigned i = 0; i < self->count; i++) {
        do_what_is_due(self, &self->members[i]);
    }
}

static void gather(struct process_of_crowd *self,
                   const unsigned counts[CROWD_KINDS])
{
    for (int kind = 0; kind < CROWD_KINDS; kind++) {
        for (unsigned i = 0; i < counts[kind]; i++) {
            self->members[self->count] =
                (struct member){.kind = (enum crowd_kind)kind,
                                .id = self->count};
            self->count++;
        }
    }
}

void members_run(const struct crowd_place *place,
                 const unsigned counts[CROWD_KINDS])
{
    static struct process_of_crowd self;
    static struct epoll_event events[EVENTS];
    uint64_t looked_ms = 0;

    self.place = place;
    self.epoll = epoll_create1(EPOLL_CLOEXEC);
    self.members = calloc(CROWD_PROCESS_MEMBERS, sizeof(struct member));
    if (self.epoll < 0 || self.members == NULL) {
        return;
    }
    self.deaf_bytes = repeat(self.deaf, "LOOKUP long\n");
    gather(&self, counts);
    for (;;) {
        int count = epoll_wait(self.epoll, events, EVENTS, LOOK_MS);

        self.now_ms = now_ms();
        for (int i = 0; i < count; i++) {
            on_event(&self, events[i].data.ptr, events[i].events);
        }
        if (self.now_ms - looked_ms >= LOOK_MS) {
            looked_ms = self.now_ms;
            look_at_all(&self);
        }
    }
}
