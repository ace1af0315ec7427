"""Runs redis-benchmark and reads what it prints."""
from __future__ import annotations

import itertools
import math
import re
import subprocess
from dataclasses import dataclass

from keys import pattern
from servers import Counts, Dedupd, Server, ServerError

# More than 2^31 - 1 would silently mean one key.
FRESH = 1_000_000_000

CLAIM = "CLAIM {key}"
SET_NX = "SET {key} 1 NX PX 86400000"

run_numbers = itertools.count(1)


class RunFailed(Exception):
    """A run whose numbers mean nothing: errors, or no result."""


class RunTooSlow(Exception):
    """A run that was cut off; its server still answers."""


@dataclass(frozen=True)
class Load:
    """What redis-benchmark is asked to send. `{key}` in the words stands for
    a key out of `keyspace` many."""

    words: str
    connections: int
    pipeline: int = 1
    keyspace: int = FRESH
    tag: str = "bench"
    adds: bool = True  # whether (nearly) every request stores a key

    @property
    def verb(self) -> str:
        return self.words.split()[0]

    def arguments(self) -> list[str]:
        """Of one run: those that store keys have new ones each time."""
        key = pattern(self.tag, next(run_numbers) if self.adds else 0)
        return [word.format(key=key) for word in self.words.split()]


def fresh_claims(server: Server, connections: int, pipeline: int = 1) -> Load:
    """The same work in the words of either server."""
    words = CLAIM if isinstance(server, Dedupd) else SET_NX
    return Load(words, connections, pipeline)


@dataclass(frozen=True)
class Sample:
    """What one run showed. Latencies are milliseconds."""

    requests: int
    rate: float  # requests a second
    p50: float
    p99: float
    p999: float
    max: float
    cpu_us: float = math.nan  # of the server, a request


NUMBER = r"([\d.]+)"
SUMMARY = re.compile(r"avg\s+min\s+p50\s+p95\s+p99\s+max\s+"
                     + r"\s+".join([NUMBER] * 6))
REQUESTS = re.compile(r"(\d+) requests completed in")
RATE = re.compile(rf"throughput summary: {NUMBER} requests per second")
STEP = re.compile(rf"^{NUMBER}% <= {NUMBER} milliseconds", re.MULTILINE)


def percentile(output: str, wanted: float) -> float:
    """The first step of the distribution that is not below."""
    steps = output.split("Latency by percentile distribution:")[-1]
    steps = steps.split("Cumulative distribution")[0]
    for share, latency in STEP.findall(steps):
        if float(share) >= wanted:
            return float(latency)
    raise RunFailed("redis-benchmark printed no percentiles")


def parse(output: str) -> Sample:
    """The output without -q, at --precision 3."""
    requests, rate = REQUESTS.search(output), RATE.search(output)
    summary = SUMMARY.search(output)
    if requests is None or rate is None or summary is None:
        raise RunFailed("redis-benchmark printed no summary")
    _, _, p50, _, p99, most = (float(text) for text in summary.groups())
    return Sample(int(requests.group(1)), float(rate.group(1)), p50, p99,
                  percentile(output, 99.9), most)


def complaint(errors: str) -> str | None:
    """What redis-benchmark complained of, but for CONFIG."""
    for line in errors.splitlines():
        if line.strip() and "Could not fetch server CONFIG" not in line:
            return line.strip()
    return None


def command(port: int, load: Load, requests: int) -> list[str]:
    return ["redis-benchmark", "-h", "127.0.0.1", "-p", str(port),
            "-c", str(load.connections), "-P", str(load.pipeline),
            "-n", str(requests), "-r", str(load.keyspace),
            "--precision", "3", *load.arguments()]


def run(server: Server, load: Load, requests: int,
        timeout_s: float = 120) -> Sample:
    """One run, with proof from the server's own counters that it did what it
    was meant to do."""
    before = server.counts()
    try:
        done = subprocess.run(command(server.port, load, requests),
                              capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, timeout=timeout_s,
                              start_new_session=True)
    except subprocess.TimeoutExpired:
        if server.is_alive() and server.answers():
            raise RunTooSlow(f"cut off after {timeout_s:.0f} s") from None
        raise ServerError(f"{server.name} does not answer any more") from None
    text = complaint(done.stderr)
    if done.returncode != 0 or text is not None:
        raise RunFailed(f"{server.name}: {text or 'redis-benchmark failed'}")
    check(server.name, load, requests, before, server.counts())
    return parse(done.stdout)


def check(name: str, load: Load, requests: int, before: Counts,
          after: Counts) -> None:
    """What the counters of a server have to show after a run. The last round
    of a pipeline is sent whole, so there may be some more requests."""
    errors = after.errors - before.errors
    if errors != 0:
        raise RunFailed(f"{name} answered {errors} errors to {load.verb}")
    seen = (after.commands.get(load.verb, 0)
            - before.commands.get(load.verb, 0))
    spare = load.connections * load.pipeline
    if not requests <= seen <= requests + spare:
        raise RunFailed(f"{name} saw {seen} of {requests} {load.verb}")
    added = after.added - before.added
    if load.adds and added < 0.9 * requests:
        raise RunFailed(f"{name} stored {added} keys in {requests} requests")
    if not load.adds and added > 0:
        raise RunFailed(f"{name} stored {added} keys where all are known")
