"""What dedupd promises of itself, and how it starts."""
from __future__ import annotations

import math
import re
import threading
import time
from dataclasses import dataclass

from keys import key_of
from load import CLAIM, Load, Sample, fresh_claims, run
from plan import Bench, Finding
from rounds import (Paced, Row, Side, Target, measure, median,
                    run_and_settle)
from servers import Dedupd, Pair, Server
from wire import Loader, Wire, WireError


def finding(bench: Bench, subject: str, value: str, asked: str = "",
            verdict: str = "") -> None:
    bench.results.alone.append(Finding(subject, value, asked, verdict))
    bench.say(f"{subject}: {value}")


def range_of(values: list[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}"


# --- a key's past -------------------------------------------------------------

def tag_of(past: int) -> str:
    return f"past-{past}"


def claim_all(loader: Loader, tag: str, keys: int) -> None:
    key = key_of(tag)
    loader.run((b"CLAIM %s\n" % key(i) for i in range(keys)), b"CLAIMED ")


def release_all(loader: Loader, tag: str, keys: int) -> None:
    key = key_of(tag)
    loader.run((b"RELEASE %s\n" % key(i) for i in range(keys)), b"OK")


def claims_and_releases(loader: Loader, tag: str, keys: int) -> Sample:
    begin = time.monotonic()
    claim_all(loader, tag, keys)
    release_all(loader, tag, keys)
    rate = 2 * keys / (time.monotonic() - begin)
    return Sample(2 * keys, rate, math.nan, math.nan, math.nan, math.nan)


class Pairs:
    """Claims and releases every key of a kind once. Those without a past are
    new ones each time."""

    def __init__(self, server: Dedupd, past: int, keys: int) -> None:
        self.server, self.past, self.keys = server, past, keys
        self.calls = 0
        self.rows_read: list[float] = []  # of each call, a command

    def __call__(self) -> Sample:
        tag = tag_of(self.past) + ("" if self.past else f"-{self.calls}")
        before = int(self.server.stats()["rows_read"])
        with Loader(self.server.port) as loader:
            sample = claims_and_releases(loader, tag, self.keys)
        read = int(self.server.stats()["rows_read"]) - before
        self.rows_read.append(read / sample.requests)
        self.calls += 1
        self.server.settle()
        return sample


def history(bench: Bench) -> None:
    """Whether it costs more to use a key that was used often."""
    keys, pasts = bench.plan.history_keys, bench.plan.pasts
    server = Dedupd(bench.workspace, bench.programs.dedupd)
    server.start()
    with Loader(server.port) as loader:
        for past in pasts:
            for _ in range(past):
                claims_and_releases(loader, tag_of(past), keys)
        for past in pasts:
            claim_all(loader, tag_of(past), keys)
    server.settle()
    bench.results.scale.append(lookup_row(bench, server))
    with Loader(server.port) as loader:
        for past in pasts:
            release_all(loader, tag_of(past), keys)
    bench.results.scale.append(pairs_row(bench, server))
    server.end()


def past_name(past: int) -> str:
    return f"used {past} x" if past else "never used"


def lookup_row(bench: Bench, server: Dedupd) -> Row:
    """LOOKUP of claimed keys."""
    pasts, effort = bench.plan.pasts, bench.plan.effort()
    row = Row("LOOKUP, 50 x 16")
    loads = [Load("LOOKUP {key}", 50, 16, keyspace=bench.plan.history_keys,
                  tag=tag_of(past), adds=False) for past in pasts]
    return measure(row, [Side(past_name(past), Paced(server, load, effort))
                         for past, load in zip(pasts, loads)],
                   effort.rounds, bench.deadline)


def pairs_row(bench: Bench, server: Dedupd) -> Row:
    """CLAIM and RELEASE, and the rows they read."""
    pasts = bench.plan.pasts
    row = Row("CLAIM and RELEASE, 8 x 500")
    pairs = [Pairs(server, past, bench.plan.history_keys) for past in pasts]
    measure(row, [Side(past_name(past), one)
                  for past, one in zip(pasts, pairs)],
            bench.plan.rounds, bench.deadline)
    reads = [median(one.rows_read) for one in pairs]
    same = Target(1.01, is_upper=True).verdict(reads[-1] / max(reads[1], 1))
    finding(bench, "rows read by a CLAIM or RELEASE of a key used "
            + ", ".join(map(str, pasts)) + " times",
            ", ".join(f"{read:.2f}" for read in reads),
            f"as many at {pasts[-1]} as at {pasts[1]}", same)
    return row


# --- the sweep ----------------------------------------------------------------

EXPIRES_S = 1.0 + 1.0  # the ttl below and the default grace
SLICE_S = 1.0


class Sweeping:
    """SWEEP on a connection of its own."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.answer = ""
        self.begin = self.end = time.monotonic()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            with Wire(self.port, timeout_s=600) as wire:
                self.begin = time.monotonic()
                self.answer = wire.ask("SWEEP")
        except (OSError, WireError) as error:
            self.answer = str(error)
        self.end = time.monotonic()

    def is_running(self) -> bool:
        return self.thread.is_alive()

    def seconds(self) -> float:
        return self.end - self.begin

    def expired(self) -> int:
        found = re.match(r"SWEPT scanned=\d+ expired=(\d+) ", self.answer)
        if found is None:
            raise WireError(f"SWEEP was answered: {self.answer}")
        return int(found.group(1))


@dataclass(frozen=True)
class Slice:
    """A run and the time it took."""

    sample: Sample
    begin: float
    end: float

    def share_within(self, begin: float, end: float) -> float:
        shared = min(self.end, end) - max(self.begin, begin)
        return max(0.0, shared) / (self.end - self.begin)


@dataclass
class Lot:
    """One sweep: by the load without it, just before and after."""

    rate: float = math.nan
    p99: float = math.nan
    overlap: float = 0.0
    keys_per_s: float = 0.0
    seconds: float = 0.0


def take_slice(server: Server, load: Load, rate: float) -> Slice:
    begin = time.monotonic()
    sample = run(server, load, max(2000, int(rate * SLICE_S)))
    return Slice(sample, begin, time.monotonic())


def within(slices: list[Slice], sweep: Sweeping) -> tuple[list[Slice], float]:
    """The slices that count as during the sweep: those nearly all of whose
    time it ran, or the one that comes closest. And the least such share."""
    shares = [one.share_within(sweep.begin, sweep.end) for one in slices]
    least = min(0.9, max(shares))
    chosen = [(one, share) for one, share in zip(slices, shares)
              if share >= least]
    return [one for one, _ in chosen], min(share for _, share in chosen)


def sweep_lot(bench: Bench, server: Dedupd, rate: float) -> Lot:
    keys, load = bench.plan.sweep_keys, Load(CLAIM, 50)
    run(server, Load(CLAIM + " ttl=1s", 50, 16, tag="short"), keys,
        timeout_s=120 + keys / 5000)
    server.settle()
    time.sleep(EXPIRES_S + 0.2)
    quiet = [take_slice(server, load, rate) for _ in range(2)]
    rate = quiet[-1].sample.rate
    sweep, slices = Sweeping(server.port), []
    while sweep.is_running():
        slices.append(take_slice(server, load, rate))
        rate = slices[-1].sample.rate
    expired, (busy, overlap) = sweep.expired(), within(slices, sweep)
    if expired < 0.98 * keys:
        raise WireError(f"SWEEP removed {expired} of {keys} keys")
    server.settle()
    quiet += [take_slice(server, load, rate) for _ in range(2)]
    return Lot(compared("rate", busy, quiet), compared("p99", busy, quiet),
               overlap, expired / sweep.seconds(), sweep.seconds())


def compared(what: str, busy: list[Slice], quiet: list[Slice]) -> float:
    def middle(slices: list[Slice]) -> float:
        return median([getattr(one.sample, what) for one in slices])
    return middle(busy) / middle(quiet)


def sweep(bench: Bench) -> None:
    """Expired keys are removed while 50 connections claim fresh ones."""
    server = Dedupd(bench.workspace, bench.programs.dedupd,
                    "sweep_interval=1d")
    server.start()
    rate = run_and_settle(server, Load(CLAIM, 50), 10_000).rate
    lots = []
    for number in range(bench.plan.sweep_lots):
        if number == 0 or bench.deadline.left_s() > 0:
            lots.append(sweep_lot(bench, server, rate))
    server.end()
    tell_sweep(bench, lots)


def tell_sweep(bench: Bench, lots: list[Lot]) -> None:
    rates = [lot.rate for lot in lots]
    slower = [lot.p99 for lot in lots]
    rate, p99 = median(rates), median(slower)
    subject = f"sweep of {bench.plan.sweep_keys:,} keys under load, "
    finding(bench, subject + "throughput", f"{rate:.2f} of that without"
            f" ({range_of(rates)})", "at least 0.8", Target(0.8).verdict(rate))
    finding(bench, subject + "p99", f"{p99:.2f} of that without"
            f" ({range_of(slower)})", "below 2",
            Target(2, is_upper=True).verdict(p99))
    speed = median([lot.keys_per_s for lot in lots])
    seconds = median([lot.seconds for lot in lots])
    finding(bench, subject + "speed", f"{speed:,.0f} keys/s, {seconds:.1f} s;"
            f" {min(lot.overlap for lot in lots):.0%} of the load's time"
            " was within")


# --- the start ----------------------------------------------------------------


def start_times(bench: Bench, pair: Pair, keys: int) -> None:
    """From exec to the first answered PING, of servers that have keys. What
    they have written is in the page cache."""
    for server in (pair.dedupd, pair.redis):
        times: dict[str, list[float]] = {"kill -9": [], "a clean stop": []}
        starts = bench.plan.starts if server is pair.dedupd else 1
        for _ in range(starts):
            # Something to recover.
            run(server, fresh_claims(server, 50, 16), 50_000)
            server.kill()
            times["kill -9"].append(server.start())
            server.stop()
            times["a clean stop"].append(server.start())
        for end, seconds in times.items():
            tell_start(bench, server, keys, end, seconds)


def tell_start(bench: Bench, server: Server, keys: int, end: str,
               seconds: list[float]) -> None:
    worst = max(seconds)
    is_asked = isinstance(server, Dedupd)
    finding(bench, f"{server.name} with {keys:,} keys answers after {end}",
            f"{median(seconds):.2f} s (at most {worst:.2f} s)",
            "within 2 s" if is_asked else "",
            Target(2, is_upper=True).verdict(worst) if is_asked else "")
