"""dedupd and Redis side by side, in turns."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from alone import start_times
from keys import RECEIPT_BYTES, key_of
from load import CLAIM, Load, RunFailed, RunTooSlow, Sample, fresh_claims
from plan import Bench, Memory
from rounds import (Deadline, Effort, Paced, Row, Side, Target, measure,
                    run_and_settle)
from servers import Dedupd, Pair, Server
from wire import Loader

P99 = Target(1.0, 0.5, is_upper=True)
FRESH_TARGETS = {1: Target(1.0, 1.2), 50: Target(1.2, 2.0),
                 500: Target(1.5, 2.5)}
STORED_TARGET = Target(1.0, 1.5)
HOT_TARGET = Target(0.6, 1.0)
MEMORY_TARGETS = {3_000_000: Target(1 / 3, 0.1, is_upper=True),
                  10_000_000: Target(1 / 3, 0.1, is_upper=True)}
SCALE_TARGET = Target(0.8)


def count(number: int) -> str:
    """10000000 is `10 M`."""
    for unit, name in ((1_000_000, " M"), (1_000, " k")):
        if number >= unit:
            return f"{number / unit:g}{name}"
    return str(number)


def say_row(bench: Bench, row: Row) -> Row:
    numbers = " / ".join(f"{row.median('rate', side):,.0f}"
                         for side in range(len(row.sides)))
    bench.say(f"{row.title}: {row.failure or numbers} {row.note}".rstrip())
    return row


def sides(pair: Pair, redis: Load, dedupd: Load,
          effort: Effort) -> tuple[Side, Side]:
    return (Side("Redis", Paced(pair.redis, redis, effort)),
            Side("dedupd", Paced(pair.dedupd, dedupd, effort)))


# --- fresh claims -------------------------------------------------------------


def fresh_row(connections: int, target: Target | None = None,
              target_p99: Target | None = None) -> Row:
    plural = "" if connections == 1 else "s"
    return Row(f"fresh CLAIM, {connections} connection{plural}",
               target=target, target_p99=target_p99)


def fresh(bench: Bench, row: Row, connections: int, effort: Effort) -> None:
    """Adds rounds on servers that are empty at first, without pipelining."""
    with Pair(bench.workspace, bench.programs) as pair:
        both = sides(pair, fresh_claims(pair.redis, connections),
                     fresh_claims(pair.dedupd, connections), effort)
        measure(row, both, effort.rounds, bench.deadline)


def fresh_rows(bench: Bench) -> None:
    for connections, target in FRESH_TARGETS.items():
        row = fresh_row(connections, target, P99)
        fresh(bench, row, connections, bench.plan.effort())
        bench.results.rows.append(say_row(bench, row))


def picture(bench: Bench) -> None:
    """All points in turn, and again, so that each has its share of whatever
    the machine does meanwhile."""
    plan = bench.plan
    points = {connections: fresh_row(connections)
              for connections in plan.connections}
    bench.results.points = points
    effort = Effort(1, min(plan.seconds, 1.5))
    for number in range(plan.point_rounds):
        for connections, row in points.items():
            if bench.deadline.left_s() > 0:
                fresh(bench, row, connections, effort)
        bench.say(f"round {number + 1} of {plan.point_rounds}")


# --- completed keys -----------------------------------------------------------


def hot(bench: Bench) -> None:
    """CLAIM of completed keys by GET of keys that are there."""
    keys = bench.plan.hot_keys
    row = Row(f"CLAIM of {count(keys)} completed keys by GET, 50 x 16",
              target=HOT_TARGET, target_p99=P99)
    with Pair(bench.workspace, bench.programs) as pair:
        with Loader(pair.dedupd.port) as loader:
            complete(loader, hot_content(keys))
        with Loader(pair.redis.port) as loader:
            set_values(loader, hot_content(keys))
        for server in pair.both:
            server.settle()
        both = sides(pair, hot_load("GET {key}", keys),
                     hot_load(CLAIM, keys), bench.plan.effort())
        measure(row, both, bench.plan.rounds, bench.deadline)
    bench.results.rows.append(say_row(bench, row))


@dataclass(frozen=True)
class Content:
    """The first so many keys of some kind, and what becomes of them."""

    keys: int
    key: Callable[[int], bytes]
    receipt: Callable[[int], bytes]

    def requests(self, form: bytes) -> Iterator[bytes]:
        """One a key; the form has places for both."""
        return (form % (self.key(i), self.receipt(i))
                for i in range(self.keys))


def hot_load(words: str, keys: int) -> Load:
    return Load(words, 50, 16, keyspace=keys, tag="hot", adds=False)


def hot_content(keys: int) -> Content:
    return Content(keys, key_of("hot"), lambda _: b"r" * RECEIPT_BYTES)


def complete(loader: Loader, content: Content) -> None:
    """Claims and completes."""
    loader.run(content.requests(b"CLAIM %s%.0s\n"), b"CLAIMED ")
    loader.run(content.requests(b"COMPLETE %s %s\n"), b"OK")


def set_values(loader: Loader, content: Content) -> None:
    """What Redis would be told in the place of `complete`."""
    loader.run(content.requests(b"SET %s 1 NX PX 86400000%.0s\n"), b"+OK")
    loader.run(content.requests(b"SET %s %s PX 86400000\n"), b"+OK")


# --- with many keys stored ----------------------------------------------------


def pipelined(server: Server) -> Load:
    return fresh_claims(server, 50, 16)


class Growing:
    """Loads a server with fresh keys up to `goal`, in equal parts: one a
    call. Keys that come twice by chance make it up to a hundredth less."""

    def __init__(self, server: Server, goal: int, parts: int) -> None:
        self.server, self.goal, self.parts = server, goal, parts

    def __call__(self) -> Sample:
        missing = self.goal - self.server.counts().added
        requests = max(missing // self.parts, 50 * 16)
        self.parts -= 1
        return run_and_settle(self.server, pipelined(self.server), requests,
                              timeout_s=60 + requests / 2000)


def grow(bench: Bench, servers: tuple[Server, ...], goal: int) -> Row:
    """A round is at most about a million keys. Raises RunTooSlow or RunFailed
    if a server was not loaded."""
    have = min(server.counts().added for server in servers)
    parts = max(1, round((goal - have) / 1_000_000))
    row = Row(f"fresh CLAIM, 50 x 16, from {count(round(have, -5))}"
              f" to {count(goal)}")
    measure(row, [Side(server.name, Growing(server, goal, parts))
                  for server in servers], parts, Deadline(None))
    if row.failure is not None:
        raise RunFailed(row.failure)
    if len(row.rounds) < parts:
        raise RunTooSlow(row.note)
    return say_row(bench, row)


def fitting(pair: Pair, wanted: int, seconds: float) -> int:
    """The level if both servers can be loaded in that time, or a lower one."""
    rates = [run_and_settle(server, pipelined(server), 50_000).rate
             for server in pair.both]
    takes_s = sum(wanted / rate for rate in rates)
    return wanted if takes_s <= seconds else 300_000


def remember_memory(bench: Bench, pair: Pair, keys: int) -> None:
    memory = Memory(keys, pair.redis.rss_bytes(), pair.dedupd.rss_bytes(),
                    MEMORY_TARGETS.get(keys))
    bench.results.memory.append(memory)
    bench.say(f"resident after {count(keys)} keys: Redis"
              f" {memory.redis >> 20} MiB, dedupd {memory.dedupd >> 20} MiB")


def stored_row(bench: Bench, pair: Pair, keys: int) -> None:
    row = Row(f"fresh CLAIM, 50 x 16, {count(keys)} keys stored",
              target=STORED_TARGET, target_p99=P99)
    effort = bench.plan.stored_effort()
    both = sides(pair, pipelined(pair.redis), pipelined(pair.dedupd), effort)
    measure(row, both, effort.rounds, bench.deadline)
    bench.results.rows.append(say_row(bench, row))


def scale_row(bench: Bench, large: Server, few: int, many: int) -> None:
    """dedupd with many keys by another dedupd with few."""
    small = Dedupd(bench.workspace, bench.programs.dedupd)
    small.start()
    grow(bench, (small,), few)
    row = Row("fresh CLAIM, 50 x 16", target=SCALE_TARGET)
    effort = bench.plan.stored_effort()
    measure(row, [Side(f"{count(keys)} keys",
                       Paced(server, pipelined(server), effort))
                  for keys, server in ((few, small), (many, large))],
            effort.rounds, bench.deadline)
    small.end()
    bench.results.scale.append(say_row(bench, row))


def stored(bench: Bench) -> None:
    """Loads both servers level by level, and looks at the first and last."""
    levels = list(bench.plan.levels)
    with Pair(bench.workspace, bench.programs) as pair:
        if bench.plan.quick:
            levels = [fitting(pair, levels[0], seconds=30)]
        for level in levels:
            if bench.deadline.left_s() < 0:
                raise RunTooSlow(f"no time was left for {count(level)} keys")
            bench.results.rows.append(grow(bench, pair.both, level))
            remember_memory(bench, pair, level)
            if level in (levels[0], levels[-1]):
                stored_row(bench, pair, level)
        if len(levels) > 1:
            scale_row(bench, pair.dedupd, levels[0], levels[-1])
        start_times(bench, pair, levels[-1])
