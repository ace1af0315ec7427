"""What a finished key costs on disk.

The numbers after compaction are those of a copy of the data, compacted with
`ldb` of the same RocksDB; dedupd itself is not asked for anything.
"""
from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from against_redis import Content, complete, set_values
from keys import random_key, random_receipt
from plan import Bench, Family, Finding
from servers import Dedupd, Redis
from wire import Loader, Wire

FAMILIES = ("default", "rows", "due")


class ToolFailed(Exception):
    """ldb or sst_dump did."""


def tool(*command: str) -> str:
    """What a program of rocksdb-tools prints."""
    done = subprocess.run(command, capture_output=True, text=True,
                          check=False, timeout=600)
    output = done.stdout + done.stderr
    if done.returncode != 0 or "Failed: " in output:
        raise ToolFailed(f"{command[0]}: {output.strip()[:200]}")
    return output


# --- files --------------------------------------------------------------------


@dataclass(frozen=True)
class Sizes:
    """Bytes of the files of a data directory."""

    tables: int
    log: int  # what is in no table yet
    rest: int


def sizes(data: Path) -> Sizes:
    files = [path for path in data.rglob("*") if path.is_file()]
    tables = sum(path.stat().st_size for path in files
                 if path.suffix == ".sst")
    log = sum(path.stat().st_size for path in files if path.suffix == ".log")
    return Sizes(tables, log,
                 sum(path.stat().st_size for path in files) - tables - log)


def tables_of(data: Path) -> list[Path]:
    return sorted(data.glob("db/*.sst"))


# --- RocksDB's own numbers ----------------------------------------------------

PROPERTIES = {
    "entries": r"# entries: (\d+)",
    "raw_keys": r"raw key size: (\d+)",
    "raw_values": r"raw value size: (\d+)",
    "data": r"data block size: (\d+)",
    "index": r"index block size[^:]*: (\d+)",
    "filter": r"filter block size: (\d+)",
}


def parse_properties(text: str) -> tuple[str, dict[str, int]]:
    """The family of a table file, and its numbers, as sst_dump prints them."""
    family = re.search(r"column family name: (\S+)", text)
    found = {name: re.search(rf"^\s*{pattern}", text, re.MULTILINE)
             for name, pattern in PROPERTIES.items()}
    missing = [name for name, match in found.items() if match is None]
    if family is None or missing:
        raise ToolFailed(f"sst_dump does not tell {missing or 'the family'}")
    return family.group(1), {name: int(match.group(1))
                             for name, match in found.items() if match}


def properties(data: Path) -> dict[str, dict[str, int]]:
    """Of all table files, summed up by family."""
    names = (*PROPERTIES, "files")
    sums = {family: dict.fromkeys(names, 0) for family in FAMILIES}
    for table in tables_of(data):
        family, numbers = parse_properties(
            tool("sst_dump", "--show_properties", "--command=none",
                 f"--file={table}"))
        for name, number in numbers.items():
            sums[family][name] += number
        sums[family]["files"] += table.stat().st_size
    return sums


def block_bytes(options: str, family: str) -> str | None:
    """Of a family, from the text of RocksDB's OPTIONS file."""
    section = options.partition(f'[TableOptions/BlockBasedTable "{family}"]')
    found = re.search(r"^\s*block_size=(\d+)$", section[2], re.MULTILINE)
    return found.group(1) if found else None


def compact(data: Path) -> None:
    """Compacts every family, with the options that dedupd has set. ldb finds
    all of them in the files but the filter's, and with a filter it forgets
    the size of blocks."""
    options = max(data.glob("db/OPTIONS-*")).read_text()
    before = properties(data)
    for family in FAMILIES:
        command = ["ldb", f"--db={data}/db", f"--column_family={family}"]
        numbers = before[family]
        if numbers["filter"] > 0:
            bits = round(8 * numbers["filter"] / numbers["entries"])
            command.append(f"--bloom_bits={bits}")
            size = block_bytes(options, family)
            command += [f"--block_size={size}"] if size else []
        tool(*command, "compact")


# --- the measurement ----------------------------------------------------------


def content(keys: int) -> Content:
    return Content(keys, random_key, random_receipt)


def disk(bench: Bench) -> None:
    """Claims and completes keys, then weighs what is left of them."""
    keys, few = bench.plan.disk_keys, bench.plan.disk_single_keys
    weigh(bench, f"dedupd, {keys:,} keys, 4000 at a time", keys, 500, 8)
    if few:
        weigh(bench, f"dedupd, {few:,} keys, one at a time", few, 1, 1)
    redis(bench, keys)


def weigh(bench: Bench, subject: str, keys: int, batch: int,
          connections: int) -> None:
    server = Dedupd(bench.workspace, bench.programs.dedupd)
    server.start()
    with Loader(server.port, connections, batch) as loader:
        complete(loader, content(keys))
    server.settle()
    server.stop()
    tell(bench, f"{subject}, after a clean stop", sizes(server.data), keys)
    copy = bench.workspace.directory("copy") / "data"
    shutil.copytree(server.data, copy)
    compact(copy)  # which needs log_dir to be there still
    server.end()
    tell(bench, f"{subject}, all compacted", sizes(copy), keys)
    bench.results.families += families(batch, properties(copy), keys)
    shutil.rmtree(copy)


def tell(bench: Bench, subject: str, found: Sizes, keys: int) -> None:
    value = f"{found.tables / keys:.1f} in tables"
    if found.log:
        value += f" + {found.log / keys:.1f} in the log"
    bench.results.disk.append(Finding(subject, value))
    bench.say(f"{subject}: {value} bytes a key")


def families(batch: int, sums: dict[str, dict[str, int]],
             keys: int) -> list[Family]:
    """The family of meta rows weighs nothing."""
    crowd = "" if batch > 1 else ", one at a time"
    return [Family(name + crowd, **{what: number / keys for what, number
                                    in numbers.items()})
            for name, numbers in sums.items() if name != "default"]


def redis(bench: Bench, keys: int) -> None:
    """The same in Redis's append-only file, as written and as rewritten."""
    server = Redis(bench.workspace, bench.programs.redis)
    server.start()
    with Loader(server.port) as loader:
        set_values(loader, content(keys))
    server.settle()
    tell_redis(bench, "as it is", server, keys)
    with Wire(server.port) as wire:
        wire.ask("BGREWRITEAOF")
    server.settle()
    tell_redis(bench, "rewritten", server, keys)
    server.end()


def tell_redis(bench: Bench, state: str, server: Redis, keys: int) -> None:
    found = sizes(server.data)
    size = (found.tables + found.log + found.rest) / keys
    bench.results.disk.append(
        Finding(f"Redis, append-only file {state}", f"{size:.1f}"))
