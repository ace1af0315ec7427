"""Starts, watches and ends the two servers.

Every server belongs to a workspace: one temporary directory, which is removed
at the end together with every process that was started in it.
"""
from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import machine
from wire import Wire, WireError

START_MAX_S = 300
STOP_MAX_S = 60
SETTLE_MAX_S = 90


class ServerError(Exception):
    """A server that does not start, or is gone."""


@dataclass(frozen=True)
class Counts:
    """What a server says it has done so far."""

    commands: dict[str, int]  # by verb, in capitals
    errors: int
    added: int  # dedupd: records appended; Redis: keys stored


class Workspace:
    """A temporary directory below `parent` and what runs in it."""

    def __init__(self, parent: Path) -> None:
        parent.mkdir(parents=True, exist_ok=True)
        self.path = Path(tempfile.mkdtemp(prefix="run-", dir=parent))
        self.servers: list[Server] = []

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        for server in self.servers:
            server.end()
        shutil.rmtree(self.path, ignore_errors=True)

    def directory(self, name: str) -> Path:
        """A new, empty one."""
        path = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.path))
        return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One server on a free port of this machine, with data of its own."""

    name = "server"

    def __init__(self, workspace: Workspace, program: str) -> None:
        self.program = program
        self.home = workspace.directory(self.name.lower())
        self.data = self.home / "data"
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        workspace.servers.append(self)

    def command(self) -> list[str]:
        raise NotImplementedError

    def counts(self) -> Counts:
        raise NotImplementedError

    def is_busy(self) -> bool:
        """Whether it says itself that it works in the background."""
        return False

    # --- from start to end --------------------------------------------------

    def start(self) -> float:
        """Returns the seconds until it answered its first PING."""
        self.data.mkdir(exist_ok=True, mode=0o700)
        begin = time.monotonic()
        with open(self.home / "output", "wb") as output:
            # A session of its own: Ctrl-C is for the harness alone.
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, start_new_session=True)
        while not self.answers():
            if self.process.poll() is not None:
                raise ServerError(f"{self.name} does not start:"
                                  f" {self.last_words()}")
            if time.monotonic() - begin > START_MAX_S:
                raise ServerError(f"{self.name} does not serve within"
                                  f" {START_MAX_S} s")
            time.sleep(0.005)
        return time.monotonic() - begin

    def answers(self, timeout_s: float = 5) -> bool:
        try:
            with Wire(self.port, timeout_s) as wire:
                return wire.ask("PING").lstrip("+") == "PONG"
        except (OSError, WireError):
            return False

    def last_words(self) -> str:
        text = (self.home / "output").read_text(errors="replace").strip()
        return text.splitlines()[-1] if text else "it said nothing"

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        if self.process is None or not self.is_alive():
            raise ServerError(f"{self.name} is gone: {self.last_words()}")
        return self.process.pid

    def stop(self) -> float:
        """Asks it to stop, with SIGTERM; returns the seconds it took."""
        begin = time.monotonic()
        os.kill(self.pid, signal.SIGTERM)
        assert self.process is not None
        try:
            self.process.wait(STOP_MAX_S)
        except subprocess.TimeoutExpired:
            raise ServerError(f"{self.name} does not stop within"
                              f" {STOP_MAX_S} s") from None
        return time.monotonic() - begin

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def end(self) -> None:
        """For good: its data goes, too."""
        self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    # --- while it runs ------------------------------------------------------

    def rss_bytes(self) -> int:
        return machine.rss_bytes(self.pid)

    def cpu_seconds(self) -> float:
        return machine.cpu_seconds(self.pid)

    def settle(self) -> None:
        """Waits until it has done what it does in the background, and until
        nothing is left to be written to disk."""
        window_s, end = 0.1, time.monotonic() + SETTLE_MAX_S
        quiet = 0
        while quiet < 2 and time.monotonic() < end:
            before = self.cpu_seconds()
            time.sleep(window_s)
            spent = self.cpu_seconds() - before
            is_quiet = spent < 0.15 * window_s and not self.is_busy()
            quiet = quiet + 1 if is_quiet else 0
        os.sync()


class Dedupd(Server):
    """dedupd on its defaults, but for where it listens and keeps things."""

    name = "dedupd"

    def __init__(self, workspace: Workspace, program: str,
                 *settings: str) -> None:
        super().__init__(workspace, program)
        self.settings = settings

    def command(self) -> list[str]:
        logs = self.home / "log"
        logs.mkdir(exist_ok=True)
        settings = (f"data_dir={self.data}", f"log_dir={logs}",
                    f"listen=127.0.0.1:{self.port}", *self.settings)
        return [self.program] + [word for setting in settings
                                 for word in ("-o", setting)]

    def stats(self) -> dict[str, str]:
        with Wire(self.port) as wire:
            return wire.stats()

    def counts(self) -> Counts:
        return dedupd_counts(self.stats())


class Redis(Server):
    """Redis that answers once its append-only file is synced."""

    name = "Redis"

    def command(self) -> list[str]:
        return [self.program, "--bind", "127.0.0.1", "--port", str(self.port),
                "--dir", str(self.data), "--appendonly", "yes",
                "--appendfsync", "always", "--save", ""]

    def info(self, section: str) -> dict[str, str]:
        with Wire(self.port) as wire:
            return wire.info(section)

    def counts(self) -> Counts:
        return redis_counts(self.info("commandstats"), self.info("keyspace"))

    def is_busy(self) -> bool:
        state = self.info("persistence")
        return (state["aof_rewrite_in_progress"],
                state["aof_rewrite_scheduled"]) != ("0", "0")


# redis-benchmark asks for CONFIG, which dedupd does not have.
HARMLESS_ERROR = "errors_UNKNOWN_COMMAND"


def dedupd_counts(stats: dict[str, str]) -> Counts:
    commands = {name.removeprefix("commands_"): int(value)
                for name, value in stats.items()
                if name.startswith("commands_")}
    errors = sum(int(value) for name, value in stats.items()
                 if name.startswith("errors_") and name != HARMLESS_ERROR)
    return Counts(commands, errors, int(stats["rows_appended"]))


def redis_counts(commandstats: dict[str, str],
                 keyspace: dict[str, str]) -> Counts:
    commands, errors = {}, 0
    for name, text in commandstats.items():
        fields = dict(field.split("=") for field in text.split(","))
        verb = name.removeprefix("cmdstat_").upper()
        commands[verb] = int(fields["calls"])
        errors += int(fields["rejected_calls"]) + int(fields["failed_calls"])
    keys = keyspace.get("db0", "keys=0").split(",")[0]
    return Counts(commands, errors, int(keys.removeprefix("keys=")))


class Pair:
    """Redis and dedupd side by side, both empty, for one measurement."""

    def __init__(self, workspace: Workspace, programs: Programs) -> None:
        self.redis = Redis(workspace, programs.redis)
        self.dedupd = Dedupd(workspace, programs.dedupd)

    def __enter__(self) -> Pair:
        for server in self.both:
            server.start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self.both:
            server.end()

    @property
    def both(self) -> tuple[Server, Server]:
        return self.redis, self.dedupd


@dataclass(frozen=True)
class Programs:
    """Paths of what is measured."""

    dedupd: str
    redis: str
