"""Rounds that alternate between sides, and what they come to.

The speed of a shared machine drifts by more than what is measured here. So the
sides take turns, only neighbours are compared, and the ratio of a row is the
median of its rounds' ratios.
"""
from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import machine
from load import Load, RunFailed, RunTooSlow, Sample, run
from servers import Server


@dataclass(frozen=True)
class Target:
    """What is asked of a ratio, and what to reach for."""

    least: float
    reach: float | None = None
    is_upper: bool = False  # whether it bounds from above

    def holds(self, ratio: float, bound: float) -> bool:
        return ratio <= bound if self.is_upper else ratio >= bound

    def verdict(self, ratio: float) -> str:
        if math.isnan(ratio) or not self.holds(ratio, self.least):
            return "missed"
        if self.reach is not None and self.holds(ratio, self.reach):
            return "reached"
        return "met"


@dataclass(frozen=True)
class Side:
    """One of those that take turns."""

    name: str
    go: Callable[[], Sample]


@dataclass
class Row:
    """One kind of work, measured in rounds: one sample of each side."""

    title: str
    sides: Sequence[str] = ("Redis", "dedupd")
    target: Target | None = None
    target_p99: Target | None = None
    rounds: list[list[Sample]] = field(default_factory=list)
    steal: float = 0.0
    failure: str | None = None
    note: str = ""

    def median(self, what: str, side: int) -> float:
        """Of all rounds, of one side; `what` names a field of Sample."""
        return median([getattr(one[side], what) for one in self.rounds])

    def ratios(self, what: str, side: int = 1) -> list[float]:
        """Of each round: this side by the first one."""
        return [divide(getattr(one[side], what), getattr(one[0], what))
                for one in self.rounds]

    def ratio(self, what: str, side: int = 1) -> float:
        return median(self.ratios(what, side))


def median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else math.nan


def divide(a: float, b: float) -> float:
    return a / b if b else math.nan


class Deadline:
    """A time after which nothing new is begun; None: there is none."""

    def __init__(self, budget_s: float | None) -> None:
        self.end = math.inf if budget_s is None else (
            time.monotonic() + budget_s)

    def left_s(self) -> float:
        return self.end - time.monotonic()


@dataclass(frozen=True)
class Effort:
    """How much is done for a row."""

    rounds: int
    seconds: float  # of one run, roughly
    requests_max: int = 10_000_000  # of one run


class Paced:
    """Runs of one load on one server, each about so many seconds long. The
    first call warms up and finds out how many requests that is."""

    def __init__(self, server: Server, load: Load, effort: Effort) -> None:
        self.server, self.load, self.effort = server, load, effort
        self.rate = 0.0

    def requests(self) -> int:
        """At least some round trips of every connection."""
        wanted = int(self.rate * self.effort.seconds)
        least = max(300, 20 * self.load.connections * self.load.pipeline)
        return min(max(wanted, least), self.effort.requests_max)

    def __call__(self) -> Sample:
        if self.rate == 0:
            self._run()
        return self._run()

    def _run(self) -> Sample:
        timeout_s = 30 + 10 * self.effort.seconds
        sample = run_and_settle(self.server, self.load, self.requests(),
                                timeout_s)
        self.rate = sample.rate
        return sample


def run_and_settle(server: Server, load: Load, requests: int,
                   timeout_s: float = 120) -> Sample:
    """One run, and the CPU that the server spent on it, then and later."""
    before = server.cpu_seconds()
    sample = run(server, load, requests, timeout_s)
    server.settle()
    spent = server.cpu_seconds() - before
    return replace(sample, cpu_us=spent * 1e6 / sample.requests)


def one_round(sides: Sequence[Side], number: int) -> list[Sample]:
    """In odd rounds the other way round."""
    order = range(len(sides))
    samples = {at: sides[at].go()
               for at in (order if number % 2 == 0 else reversed(order))}
    return [samples[at] for at in order]


def measure(row: Row, sides: Sequence[Side], rounds: int,
            deadline: Deadline) -> Row:
    """Adds rounds to the row. Past the deadline it ends after the one it is
    in. ServerError goes to the caller."""
    row.sides = [side.name for side in sides]
    before = machine.cpu_times()
    try:
        for _ in range(rounds):
            if row.rounds and deadline.left_s() < 0:
                break
            row.rounds.append(one_round(sides, len(row.rounds)))
    except RunTooSlow as slow:
        row.note = str(slow)
    except RunFailed as failed:
        row.failure = str(failed)
    row.steal = before.steal_share_until(machine.cpu_times())
    return row
