#!/usr/bin/env python3
"""Measures dedupd beside Redis and by itself.

Prints tables and writes bench/RESULTS.md and docs/load.svg. With --quick or
--only it writes into build/bench alone. How fast it was never makes it fail;
wrong answers and servers that do not start do.
"""
from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import shutil
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

sys.dont_write_bytecode = True

import against_redis  # noqa: E402
import alone  # noqa: E402
import disk  # noqa: E402
import machine  # noqa: E402
import report  # noqa: E402
from load import RunFailed, RunTooSlow  # noqa: E402
from plan import QUICK, Bench, Plan, Results, levels_of  # noqa: E402
from rounds import Deadline, Row, median  # noqa: E402
from servers import Pair, Programs, ServerError, Workspace  # noqa: E402
from wire import WireError  # noqa: E402

TOP = Path(__file__).resolve().parent.parent
OUT = TOP / "build" / "bench"

# What is measured, in this order, and the seconds that it takes if quick.
STEPS = {
    "fresh": (against_redis.fresh_rows, 20),
    "hot": (against_redis.hot, 10),
    "stored": (against_redis.stored, 30),
    "sweep": (alone.sweep, 12),
    "disk": (disk.disk, 10),
    "history": (alone.history, 12),
    "picture": (against_redis.picture, 15),
}

TOOLS = ("redis-benchmark", "ldb", "sst_dump", "gnuplot")

FAILURES = (RunFailed, ServerError, WireError, disk.ToolFailed, OSError,
            subprocess.TimeoutExpired)


# --- what to do ---------------------------------------------------------------


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true",
                        help="in two minutes: fewer rounds, fewer keys")
    parser.add_argument("--only", metavar="STEPS",
                        help="some of " + ",".join(STEPS))
    parser.add_argument("--rounds", type=int, help="of a row")
    parser.add_argument("--seconds", type=float, help="of one run")
    parser.add_argument("--keys", type=int, metavar="N",
                        help="store so many; default: 10000000")
    parser.add_argument("--dedupd", metavar="FILE",
                        default=str(TOP / "build" / "dedupd"),
                        help="the program to measure; default: build/dedupd")
    parser.add_argument("--redis", metavar="FILE", default="redis-server",
                        help="the one beside it; default: redis-server")
    return parser.parse_args()


def plan_of(arguments: argparse.Namespace) -> Plan:
    plan = QUICK if arguments.quick else Plan()
    changes: dict[str, object] = {
        name: getattr(arguments, name) for name in ("rounds", "seconds")
        if getattr(arguments, name) is not None}
    if arguments.keys is not None:
        changes["levels"] = levels_of(arguments.keys, plan.quick)
    return dataclasses.replace(plan, **changes)


def steps_of(only: str | None) -> list[str]:
    names = only.split(",") if only else list(STEPS)
    for name in names:
        if name not in STEPS:
            raise ServerError(f"there is no step {name}")
    return names


# --- doing it -----------------------------------------------------------------


def preflight(bench: Bench) -> None:
    """All is installed, both servers start, and there is room: some 800
    bytes a key."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            raise ServerError(f"{tool} is missing; `tools/deps bench`"
                              " installs it")
    with Pair(bench.workspace, bench.programs):
        pass
    need = max(bench.plan.levels) * 800
    free = shutil.disk_usage(bench.workspace.path).free
    if free < need:
        raise ServerError(f"{free >> 20} MiB are free on the disk, about"
                          f" {need >> 20} MiB are needed")


def take_step(bench: Bench, name: str) -> None:
    step, seconds = STEPS[name]
    results = bench.results
    if bench.deadline.left_s() < seconds:
        results.not_measured.append(f"{name}: no time was left")
        return
    print(name, flush=True)
    begin = time.monotonic()
    try:
        step(bench)
    except RunTooSlow as slow:
        results.not_measured.append(f"{name}: {slow}")
    except Exception as failure:  # what was measured so far is worth more
        if not isinstance(failure, FAILURES):
            traceback.print_exc()
        text = str(failure).replace(f"{TOP}/", "")
        results.failures.append(f"{name}: {text}")
        print(f"  failed: {text}", flush=True)
    bench.say(f"{time.monotonic() - begin:.0f} s")


def tell_left_out(bench: Bench) -> None:
    asked = max(Plan().levels)
    had = max((memory.keys for memory in bench.results.memory), default=0)
    if had < asked:
        bench.results.not_measured.append(
            f"what needs more than {had:,} keys stored, of {asked:,}")


def point(row: Row) -> list[float]:
    """The numbers that plot.gp reads of a row."""
    samples = [[getattr(one[side], what) for one in row.rounds]
               for side in (0, 1) for what in ("rate", "p99")]
    return [number for values in samples
            for number in (median(values), min(values), max(values))]


def draw(points: dict[int, Row], picture: Path) -> None:
    lines = [" ".join(map(str, [connections, *point(row)]))
             for connections, row in points.items() if row.rounds]
    file = OUT / "load.dat"
    file.write_text("\n".join(lines) + "\n")
    subprocess.run(["gnuplot", "-e",
                    f"points='{file}'; picture='{picture}'",
                    str(TOP / "bench" / "plot.gp")],
                   check=True, timeout=60)


def setup_of(bench: Bench) -> report.Setup:
    """Asked for at the end, so that the disk is as it was measured."""
    programs = bench.programs
    dedupd = Path(programs.dedupd)
    facts = machine.describe(OUT)
    facts.append(("append of 4 KiB and fdatasync",
                  f"{machine.sync_ms(bench.workspace.path):.2f} ms (median)"))
    versions = [
        ("dedupd", machine.first_line(programs.dedupd, "-V")),
        ("Redis", machine.first_line(programs.redis, "--version")),
        ("client", machine.first_line("redis-benchmark", "--version")),
        ("RocksDB", machine.package_version(dedupd, "librocksdb")),
        ("libuv", machine.package_version(dedupd, "libuv"))]
    settings = [
        ("dedupd", "defaults, but for `listen`, `data_dir` and `log_dir`"),
        ("Redis", "defaults, but for `--appendonly yes"
                  " --appendfsync always --save ''`")]
    date = time.strftime("%Y-%m-%d", time.gmtime())
    return report.Setup(date, facts, versions, settings)


def write(bench: Bench, is_full: bool) -> None:
    """Everything into build/bench; of a full run, also where it is kept."""
    (OUT / "results.json").write_text(
        json.dumps(dataclasses.asdict(bench.results), indent=1))
    notes = TOP / "bench" / "NOTES.md"
    text = report.page(setup_of(bench), bench,
                       notes.read_text() if notes.exists() else "")
    (OUT / "RESULTS.md").write_text(text)
    written = {OUT / "RESULTS.md": TOP / "bench" / "RESULTS.md"}
    if any(row.rounds for row in bench.results.points.values()):
        draw(bench.results.points, OUT / "load.svg")
        written[OUT / "load.svg"] = TOP / "docs" / "load.svg"
    if is_full:
        for made, kept in written.items():
            shutil.copy(made, kept)
    files = written.values() if is_full else written.keys()
    print("\nwritten: " + ", ".join(str(file.relative_to(TOP))
                                    for file in files))


def measure_all(arguments: argparse.Namespace) -> list[str]:
    """Returns what went wrong."""
    plan, steps = plan_of(arguments), steps_of(arguments.only)
    with Workspace(OUT) as workspace:
        bench = Bench(workspace, Programs(arguments.dedupd, arguments.redis),
                      plan, Deadline(plan.budget_s), Results())
        preflight(bench)
        for name in ("RESULTS.md", "results.json", "load.dat", "load.svg"):
            (OUT / name).unlink(missing_ok=True)
        for name in steps:
            take_step(bench, name)
        if "stored" in steps:
            tell_left_out(bench)
        print("\n" + report.tables(bench.results))
        write(bench, is_full=not plan.quick and len(steps) == len(STEPS)
              and max(plan.levels) == max(Plan().levels))
    rows = [*bench.results.rows, *bench.results.scale,
            *bench.results.points.values()]
    return bench.results.failures + [f"{row.title}: {row.failure}"
                                     for row in rows if row.failure]


def leave(*_: object) -> None:
    sys.exit(1)


def main() -> int:
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        failures = measure_all(parse_arguments())
    except FAILURES as failure:
        failures = [str(failure)]
    if failures:
        print(f"bench: {'; '.join(failures)}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
