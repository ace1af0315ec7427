"""What /proc and /sys know: processes, stolen time, the machine."""
from __future__ import annotations

import os
import re
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


# --- processes ----------------------------------------------------------------


def parse_rss_bytes(status: str) -> int:
    """Resident bytes from the text of /proc/PID/status."""
    found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found.group(1)) * 1024 if found else 0


def parse_cpu_ticks(stat: str) -> int:
    """CPU of a process and of its children that have ended, from the text of
    /proc/PID/stat. The name in it may hold blanks and parentheses."""
    fields = stat[stat.rindex(")") + 2:].split()
    utime, stime, cutime, cstime = fields[11:15]
    return int(utime) + int(stime) + int(cutime) + int(cstime)


def rss_bytes(pid: int) -> int:
    return parse_rss_bytes(Path(f"/proc/{pid}/status").read_text())


def cpu_seconds(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat").read_text()
    return parse_cpu_ticks(stat) / TICKS_PER_SECOND


# --- stolen time --------------------------------------------------------------


@dataclass(frozen=True)
class CpuTimes:
    """Ticks of all CPUs since boot."""

    total: int
    steal: int

    def steal_share_until(self, later: CpuTimes) -> float:
        passed = later.total - self.total
        return (later.steal - self.steal) / passed if passed > 0 else 0.0


def parse_cpu_times(stat: str) -> CpuTimes:
    """From the text of /proc/stat. What guests used is in `user` already."""
    ticks = [int(word) for word in stat.split("\n", 1)[0].split()[1:9]]
    return CpuTimes(total=sum(ticks), steal=ticks[7])


def cpu_times() -> CpuTimes:
    return parse_cpu_times(Path("/proc/stat").read_text())


# --- the disk -----------------------------------------------------------------


@dataclass(frozen=True)
class Mount:
    device: str  # MAJOR:MINOR
    kind: str
    options: str


def parse_mount(mountinfo: str, path: str) -> Mount:
    """The mount that holds an absolute path, from /proc/self/mountinfo. Where
    several are mounted on one place, the last one is seen."""
    best, found = -1, Mount("?", "?", "?")
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        point, options = left.split()[4:6]
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= best:
            best = len(point)
            found = Mount(left.split()[2], right.split()[0], options)
    return found


def scheduler(device: str) -> str:
    """The one in use stands in brackets; a partition has its disk's."""
    for place in ("queue", "../queue"):
        file = Path(f"/sys/dev/block/{device}/{place}/scheduler")
        if file.exists():
            text = file.read_text().strip()
            found = re.search(r"\[(.+?)\]", text)
            return found.group(1) if found else text
    return "unknown"


def sync_ms(directory: Path, count: int = 100) -> float:
    """Median time to append 4 KiB to a file there and fdatasync it."""
    name = directory / "sync"
    times = []
    with open(name, "wb", buffering=0) as file:
        for _ in range(count):
            start = time.monotonic()
            file.write(b"\0" * 4096)
            os.fdatasync(file.fileno())
            times.append((time.monotonic() - start) * 1000)
    name.unlink()
    return statistics.median(times)


# --- description --------------------------------------------------------------


def _cpu_model(cpuinfo: str) -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    model = found.group(1) if found else "unknown"
    virtual = re.search(r"^flags\s*:.*\bhypervisor\b", cpuinfo, re.MULTILINE)
    return model + (", virtual machine" if virtual else "")


def describe(directory: Path) -> list[tuple[str, str]]:
    """Names and values for a table; nothing that names this machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    mountinfo = Path("/proc/self/mountinfo").read_text()
    mount = parse_mount(mountinfo, str(directory.resolve()))
    return [
        ("CPU", _cpu_model(Path("/proc/cpuinfo").read_text())),
        ("cores", str(len(os.sched_getaffinity(0)))),
        ("memory", f"{memory / 2**30:.1f} GiB"),
        ("kernel", f"Linux {os.uname().release.split('-')[0]}"),
        ("file system", f"{mount.kind} ({mount.options})"),
        ("disk scheduler", scheduler(mount.device)),
    ]


def first_line(*command: str) -> str:
    """What a program prints first, or `unknown`."""
    try:
        done = subprocess.run(command, capture_output=True, text=True,
                              timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    lines = done.stdout.strip().splitlines()
    return lines[0] if lines else "unknown"


def package_version(library: Path, name: str) -> str:
    """The Debian package of a shared library that a program is linked to."""
    linked = subprocess.run(["ldd", str(library)], capture_output=True,
                            text=True, timeout=10, check=False).stdout
    found = re.search(rf"=> (\S*/{name}\S*)", linked)
    if found is None:
        return "unknown"
    file = os.path.realpath(found.group(1))
    # With merged /usr, dpkg may know the file without the prefix.
    for path in (file, file.removeprefix("/usr")):
        owner = first_line("dpkg-query", "-S", path)
        if ": " in owner:
            package = owner.rsplit(": ", 1)[0]
            return first_line("dpkg-query", "-W", "-f",
                              "${Package} ${Version}", package)
    return os.path.basename(file)
