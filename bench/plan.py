"""How much is measured, and what everything needs to do so."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rounds import Deadline, Effort, Row, Target
from servers import Programs, Workspace


@dataclass(frozen=True)
class Plan:
    """Sizes of a run of the harness; the defaults are those of the full one."""

    quick: bool = False
    rounds: int = 7
    seconds: float = 3
    levels: Sequence[int] = (1_000_000, 3_000_000, 10_000_000)
    hot_keys: int = 100_000
    point_rounds: int = 5
    connections: Sequence[int] = (1, 2, 5, 10, 20, 50, 100, 200, 500)
    history_keys: int = 10_000
    pasts: Sequence[int] = (0, 1, 10, 100)  # claims and releases of a key
    sweep_keys: int = 1_000_000
    sweep_lots: int = 3
    disk_keys: int = 1_000_000
    disk_single_keys: int = 20_000
    starts: int = 3
    budget_s: float = 3600

    def effort(self) -> Effort:
        return Effort(self.rounds, self.seconds)

    def stored_effort(self) -> Effort:
        """For what has to stay about as many keys as it was."""
        return Effort(self.rounds, self.seconds, requests_max=150_000)


QUICK = Plan(quick=True, rounds=3, seconds=0.6, levels=(1_000_000,),
             point_rounds=1, connections=(1, 10, 50, 200, 500),
             history_keys=5_000, pasts=(0, 1, 20), sweep_keys=200_000,
             sweep_lots=1, disk_keys=100_000, disk_single_keys=0, starts=1,
             budget_s=115)


def levels_of(keys: int, quick: bool) -> Sequence[int]:
    """Where to look on the way to so many stored keys."""
    return (keys,) if quick else (keys // 10, keys * 3 // 10, keys)


@dataclass
class Finding:
    """Something that is told in one line of a table."""

    subject: str
    value: str
    asked: str = ""
    verdict: str = ""  # of Target, or empty


@dataclass
class Memory:
    """Resident bytes after so many fresh claims."""

    keys: int
    redis: int
    dedupd: int
    target: Target | None


@dataclass
class Family:
    """What the tables of one column family hold, in bytes a finished key."""

    name: str
    entries: float
    raw_keys: float
    raw_values: float
    data: float
    index: float
    filter: float
    files: float


@dataclass
class Results:
    """All that was found out."""

    rows: list[Row] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)
    scale: list[Row] = field(default_factory=list)  # dedupd with itself
    alone: list[Finding] = field(default_factory=list)
    disk: list[Finding] = field(default_factory=list)
    families: list[Family] = field(default_factory=list)
    points: dict[int, Row] = field(default_factory=dict)  # by connections
    not_measured: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


@dataclass
class Bench:
    """What every measurement is given."""

    workspace: Workspace
    programs: Programs
    plan: Plan
    deadline: Deadline
    results: Results

    def say(self, text: str) -> None:
        print(f"  {text}", flush=True)
