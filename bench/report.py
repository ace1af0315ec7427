"""Tables of the results: for the terminal, and for RESULTS.md."""
from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from plan import Bench, Memory, Results
from rounds import Row, Target, median


@dataclass
class Setup:
    """What was measured, where and how; names and values."""

    date: str
    machine: list[tuple[str, str]]
    versions: list[tuple[str, str]]
    settings: list[tuple[str, str]]


# --- pieces -------------------------------------------------------------------


def table(head: Sequence[str], lines: Sequence[Sequence[str]],
          texts: int = 1) -> str:
    """A Markdown table that can be read as it is. The first `texts` columns
    are flush left."""
    widths = [max(len(line[at]) for line in (head, *lines))
              for at in range(len(head))]

    def line_of(cells: Sequence[str]) -> str:
        padded = [cell.ljust(width) if at < texts else cell.rjust(width)
                  for at, (cell, width) in enumerate(zip(cells, widths))]
        return "| " + " | ".join(padded) + " |"

    rule = ["-" * width if at < texts else "-" * (width - 1) + ":"
            for at, width in enumerate(widths)]
    return "\n".join([line_of(head), line_of(rule),
                      *(line_of(line) for line in lines)])


def paragraph(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 80)


def bullet(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 80, initial_indent="- ",
                         subsequent_indent="  ")


def milliseconds(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def rate_text(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:,.0f}"


def bound(target: Target | None, which: str = "least") -> str:
    number = getattr(target, which) if target else None
    if target is None or number is None:
        return ""
    return f"{'≤' if target.is_upper else '≥'} {number:.3g}"


def verdict(target: Target | None, ratio: float) -> str:
    return target.verdict(ratio) if target else ""


def ratio_text(row: Row, what: str, side: int = 1) -> str:
    """The median and, in parentheses, the least and the most."""
    values = row.ratios(what, side)
    spread = f"({min(values):.2f} to {max(values):.2f})"
    return f"{median(values):.2f} {spread}"


def state_of(row: Row) -> str | None:
    """Why a row has no numbers; None if it has."""
    if row.failure is not None:
        return "failed"
    return None if row.rounds else "not measured"


# --- tables of rows -----------------------------------------------------------

THROUGHPUT = ("work", "Redis /s", "dedupd /s", "ratio", "asked", "reach for",
              "verdict", "CPU µs", "rounds", "steal")
LATENCY = ("work", "p50", "p99", "p99.9", "ratio of p99", "asked",
           "reach for", "verdict")


def throughput_line(row: Row) -> list[str]:
    state = state_of(row)
    if state is not None:
        return [row.title, "", "", "", bound(row.target),
                bound(row.target, "reach"), state, "", "", ""]
    cpu = "/".join(f"{row.median('cpu_us', side):.0f}" for side in (0, 1))
    return [row.title, rate_text(row.median("rate", 0)),
            rate_text(row.median("rate", 1)), ratio_text(row, "rate"),
            bound(row.target), bound(row.target, "reach"),
            verdict(row.target, row.ratio("rate")), cpu,
            str(len(row.rounds)), f"{row.steal:.0%}"]


def latency_line(row: Row) -> list[str]:
    state = state_of(row)
    if state is not None:
        return [row.title, "", "", "", "", bound(row.target_p99),
                bound(row.target_p99, "reach"), state]
    both = [" / ".join(milliseconds(row.median(what, side))
                       for side in (0, 1)) for what in ("p50", "p99", "p999")]
    return [row.title, *both, ratio_text(row, "p99"), bound(row.target_p99),
            bound(row.target_p99, "reach"),
            verdict(row.target_p99, row.ratio("p99"))]


def memory_line(memory: Memory) -> list[str]:
    ratio = memory.dedupd / memory.redis
    return [f"{memory.keys:,} fresh claims", f"{memory.redis / 2**20:,.0f}",
            f"{memory.dedupd / 2**20:,.0f}", f"{ratio:.3f}",
            bound(memory.target), bound(memory.target, "reach"),
            verdict(memory.target, ratio)]


def scale_lines(row: Row) -> list[list[str]]:
    """One line for every side but the first."""
    if state_of(row) is not None:
        return [[row.title, "", "", "", "", bound(row.target),
                 str(state_of(row))]]
    return [[row.title, f"{row.sides[0]}; {row.sides[side]}",
             rate_text(row.median("rate", 0)),
             rate_text(row.median("rate", side)),
             ratio_text(row, "rate", side), bound(row.target),
             verdict(row.target, row.ratio("rate", side))]
            for side in range(1, len(row.sides))]


# --- sections -----------------------------------------------------------------


def throughput_section(results: Results) -> str:
    return "\n\n".join([
        "## Throughput", paragraph("""
            Requests a second, medians of the rounds. The ratio is dedupd by
            Redis: the median of the rounds' own ratios, and in parentheses
            the least and the most of them. It is not the quotient of the two
            medians. CPU is that of the server, Redis / dedupd, in µs a
            request, with what it did in the background until it was quiet.
            Steal is the share of time that the host withheld."""),
        table(THROUGHPUT, [throughput_line(row) for row in results.rows])])


def latency_section(results: Results) -> str:
    return "\n\n".join([
        "## Latency", paragraph("""
            Milliseconds, Redis / dedupd, medians of the rounds. The ratio of
            p99 is made as that of throughput: the lower, the better."""),
        table(LATENCY, [latency_line(row) for row in results.rows])])


def memory_section(results: Results) -> str:
    return "\n\n".join([
        "## Resident memory", "MiB (VmRSS), when the servers had settled.",
        table(("after", "Redis", "dedupd", "ratio", "asked", "reach for",
               "verdict"), [memory_line(one) for one in results.memory])])


def scale_table(results: Results) -> str:
    return "\n\n".join([
        paragraph("""
            Both sides are dedupd: with more keys stored, or with keys that
            were claimed and released so often before. Requests a second. A
            key that was never used before has no row to read, and none to
            keep: it is cheaper by a fixed amount."""),
        table(("work", "sides", "first /s", "other /s", "ratio", "asked",
               "verdict"), [line for row in results.scale
                            for line in scale_lines(row)], texts=2)])


def alone_section(results: Results) -> str:
    findings = table(("what", "measured", "asked", "verdict"),
                     [(one.subject, one.value, one.asked, one.verdict)
                      for one in results.alone], texts=4)
    return "\n\n".join(["## dedupd by itself"]
                       + [scale_table(results)] * bool(results.scale)
                       + [findings] * bool(results.alone))


def disk_section(results: Results) -> str:
    parts = ["## Bytes on disk of a finished key", paragraph("""
        A key of 32 random hexadecimal digits, claimed and completed with a
        receipt of 20 random characters: 31 bytes that cannot be compressed.
        Keys that are claimed together share entries of the index. Compacted
        was a copy, with RocksDB's `ldb`.""")]
    parts.append(table(("what", "bytes a key"),
                       [(one.subject, one.value) for one in results.disk],
                       texts=2))
    if results.families:
        parts += ["All compacted, by column family, bytes a finished key:",
                  table(("family", "entries", "raw keys", "raw values",
                         "blocks", "index", "filter", "files"),
                        [(one.name, f"{one.entries:.3f}", *(
                            f"{value:.1f}" for value in (
                                one.raw_keys, one.raw_values, one.data,
                                one.index, one.filter, one.files)))
                         for one in results.families])]
    return "\n\n".join(parts)


def shortfalls(results: Results) -> list[str]:
    """All that was asked for and missed, or failed."""
    texts = []
    for row in [*results.rows, *results.scale, *results.points.values()]:
        if row.failure is not None:
            texts.append(f"{row.title}: failed, {row.failure}")
        elif row.rounds:
            texts += [f"{row.title}: {text}" for text in missed_by(row)]
    texts += [f"memory after {one.keys:,} fresh claims:"
              f" {one.dedupd / one.redis:.2f} of Redis's, asked"
              f" {bound(one.target)}" for one in results.memory
              if verdict(one.target, one.dedupd / one.redis) == "missed"]
    texts += [f"{one.subject}: {one.value}, asked {one.asked}"
              for one in results.alone if one.verdict == "missed"]
    return texts + [f"failed: {text}" for text in results.failures]


def missed_by(row: Row) -> list[str]:
    kinds = (("rate", "throughput", row.target), ("p99", "p99", row.target_p99))
    return [f"{name} {row.ratio(what):.2f} of that of {row.sides[0]}, asked"
            f" {bound(target)}" for what, name, target in kinds
            if verdict(target, row.ratio(what)) == "missed"]


def shortfall_section(results: Results) -> str:
    texts = shortfalls(results)
    parts = ["## What falls short",
             "\n".join(map(bullet, texts)) if texts else "Nothing."]
    if results.not_measured:
        parts += ["Not measured:", "\n".join(map(bullet,
                                                 results.not_measured))]
    return "\n\n".join(parts)


def tables(results: Results) -> str:
    """Everything that was measured."""
    wanted = ((results.rows, throughput_section),
              (results.rows, latency_section),
              (results.memory, memory_section),
              (results.alone or results.scale, alone_section),
              (results.disk, disk_section), (True, shortfall_section))
    return "\n\n".join(section(results) for has, section in wanted if has)


# --- the whole page -----------------------------------------------------------


def setup_section(setup: Setup) -> str:
    return "\n\n".join([
        "## Machine, versions, settings",
        table(("what", ""), setup.machine + setup.versions, texts=2),
        table(("server", "settings"), setup.settings, texts=2)])


def method_section(bench: Bench) -> str:
    plan = bench.plan
    return "\n\n".join(["## How it was measured", *map(paragraph, (
        """`redis-benchmark` speaks RESP to both servers. They, their data and
        the client share this machine's cores and one disk. All keys have 32
        bytes. A fresh CLAIM is `CLAIM key`; for Redis it is
        `SET key 1 NX PX 86400000`.""",
        f"""The servers take turns: Redis, dedupd, then dedupd, Redis, and so
        on, {plan.rounds} rounds of a row and about {plan.seconds:g} s a run,
        after a run that warms up and is dropped. The idle server stays up.
        After each run its server is waited for until it uses no CPU (Redis:
        until no rewrite of its file is under way) and the disk has what was
        written, so that nobody's background work falls into the other's run;
        it shows in the CPU of a request. Rows without stored keys begin with
        empty servers. Rows with stored keys claim at most 150,000 more in a
        run, so that few are added.""",
        """Before and after every run the counters of the server are compared:
        it has to have seen as many commands as were sent, answered no error,
        and stored as many keys as the work means. Otherwise the run is shown
        as failed.""",
        """Sweep: keys whose ttl was one second have expired; 50 connections
        claim fresh keys, just before, during and just after a SWEEP on another
        connection. `sweep_interval` is a day there, so that nothing else
        sweeps. Start: from exec to the first answered PING, with all files in
        the page cache; killed right after a burst of claims. The verdict is
        that of the slowest start.""",
        """To repeat it: `make bench`, which takes some 30 minutes, 4 GB of
        memory and 8 GB of disk, and writes this page and
        [the picture](../docs/load.svg). With `QUICK=1` behind it, it takes two
        minutes and writes below `build/bench` alone. `bench/bench.py` has more
        arguments; its `--help` tells them."""))])


def page(setup: Setup, bench: Bench, notes: str) -> str:
    """RESULTS.md. `notes` is what a person has to say about it."""
    parts = ["# Benchmark results", paragraph(f"""
        Measured {setup.date}. This page is written by `make bench`; what a
        person has to say about it is kept in `bench/NOTES.md` and repeated
        here."""), tables(bench.results)]
    if notes.strip():
        parts.append(notes.strip())
    if any(row.rounds for row in bench.results.points.values()):
        parts.append("![throughput and p99 by connections](../docs/load.svg)")
    parts += [setup_section(setup), method_section(bench)]
    return "\n\n".join(parts) + "\n"
