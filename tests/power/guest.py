"""A guest kernel, and the end of its power.

Debian's user-mode-linux runs a kernel as processes of the host. The guest's
root is the host's, read-only. Its disk is a file of the host, behind a volatile
write cache (disk.c). Killing all its processes at once is a power cut.

The disk is a loop device over a file on hostfs, not one of user-mode-linux's
own: the driver of those (ubd, Linux 6.1) drops every flush.
"""
from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

KERNEL = "linux.uml"
HERE = Path(__file__).resolve().parent
END_MAX_S = 20
MARK = "power: "


class GuestError(Exception):
    """A guest that does not do what any guest must."""


@dataclass(frozen=True)
class Boot:
    """What one guest is started with."""

    build: Path  # of dedupd and of the programs here
    host: Path  # a directory that the guest may write; the disk is in it
    fs: str
    life: int
    seed: int
    seconds: int  # of load at most; 0: only look
    synced: bool  # False: dedupd's syncs do nothing


def command(boot: Boot) -> list[str]:
    """Words with `=` that the kernel does not know become init's
    environment."""
    environment = {
        "POWER_BUILD": boot.build, "POWER_HOST": boot.host,
        "POWER_FS": boot.fs, "POWER_LIFE": boot.life,
        "POWER_SEED": boot.seed, "POWER_SECONDS": boot.seconds,
    }
    if not boot.synced:
        environment["POWER_PRELOAD"] = boot.build / "tests/power-nosync.so"
    return [KERNEL, "root=/dev/root",
            "rootfstype=hostfs", "rootflags=/", "ro", "mem=256M", "quiet",
            f"init={HERE / 'init.sh'}", "con=null", "con0=null,fd:1",
            "con1=null,fd:1",
            *(f"{name}={value}" for name, value in environment.items())]


def members(group: int) -> list[int]:
    """Processes of a group that still run. A dead one may stay in the table
    where nobody waits for orphans."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text(errors="replace")
        except OSError:
            continue
        state, _, pgrp = stat.rpartition(")")[2].split()[:3]
        if int(pgrp) == group and state not in "ZX":
            found.append(int(entry.name))
    return found


class Guest:
    """One guest from its boot to its end."""

    def __init__(self, boot: Boot) -> None:
        environment = dict(
            os.environ, LD_PRELOAD=str(boot.build / "tests/power-disk.so"),
            POWER_DISK=str(boot.host / "disk"), POWER_DISK_SEED=str(boot.seed),
            POWER_DISK_FAILS=str(boot.host / "fail"))
        self.console = ""
        self.read = 0  # of the console, up to the line handed out last
        self.died = 0  # see cut(); 0: not yet
        self.process = subprocess.Popen(
            command(boot), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=environment,
            start_new_session=True)

    def __enter__(self) -> Guest:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    # --- what it says -------------------------------------------------------

    def receive(self, timeout_s: float) -> bool:
        """More of the console; false when none came."""
        assert self.process.stdout is not None
        fd = self.process.stdout.fileno()
        if not select.select([fd], [], [], max(timeout_s, 0))[0]:
            return False
        piece = os.read(fd, 65536)
        self.console += piece.decode(errors="replace").replace("\r", "")
        return bool(piece)

    def next_mark(self) -> str | None:
        """The next whole line for us, without its mark."""
        while (end := self.console.find("\n", self.read)) >= 0:
            line = self.console[self.read:end]
            self.read = end + 1
            if line.startswith(MARK):
                return line[len(MARK):]
        return None

    def wait_for(self, words: tuple[str, ...], seconds: float) -> str | None:
        """The next line for us that begins with one of the words. None: the
        time is over, or the guest."""
        until = time.monotonic() + seconds
        while True:
            while (mark := self.next_mark()) is not None:
                if mark.startswith(words):
                    return mark
            if not self.receive(until - time.monotonic()):
                return None

    def last_words(self) -> str:
        lines = [line for line in self.console.splitlines() if line.strip()]
        return "\n".join(lines[-12:])

    # --- its end ------------------------------------------------------------

    def cut(self) -> int:
        """Ends all of it at once; returns by when nothing ran any more, in
        microseconds of the wall clock."""
        if self.died > 0:
            return self.died
        group = self.process.pid
        os.killpg(group, signal.SIGKILL)  # not waited for yet: it is there
        self.process.wait(END_MAX_S)
        until = time.monotonic() + END_MAX_S
        while members(group):
            if time.monotonic() > until:
                raise GuestError("a killed guest does not end")
            time.sleep(0.01)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.died = int(time.time() * 1000000)
        return self.died
