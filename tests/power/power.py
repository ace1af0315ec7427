"""Cuts the power of a guest kernel in which dedupd is at work, again and again.

    power.py --build build [--cuts 10] [--per-disk 10] [--failing 4]
             [--fs ext4] [--seed N] [--keep]

A disk is cut up to ten times; one in five cuts comes while dedupd starts, and
one in two on a new disk, where it makes its data directory. After each cut the
next guest boots from it, dedupd has to start, and every key that was touched is
looked up; then the load goes on. What was answered is judged by tests/torture's
checker, after each cut and whole at the end, and by a second, simple judge
(record.py).

Then disks fail under load, some for a moment, and the power after them.

The control does the same with dedupd's syncs turned into nothing, and has to
lose: a harness whose control loses nothing does not cut power, and fails.

Exits with 0: nothing lost, or skipped; 1: something is wrong.
"""
from __future__ import annotations

import argparse
import math
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import record
from guest import KERNEL, Boot, Guest, GuestError

DISK_BYTES = 320 << 20  # the smallest that mkfs.xfs makes is 300 MiB
BOOT_MAX_S = 60
BOOTS_MAX = 3
LOOK_MAX_S = 120
LOAD_MAX_S = 30
CONTROLS = 3
RECORD, RECORD_AGAIN = "record", "record-again"
FAILURES = (1, 3, 30, 1000000)  # so many calls of the disk
FOR_EVER = FAILURES[-1]
NOTICE_MAX_S = 10  # a disk that has failed for ever
STORAGE_ERROR = 74
OLD_KEYS = 500  # of those that earlier cuts have proven, looked up again
EXACT_MS = 1000
CHECK_MAX_S = 600
LOST = re.compile(r"^([A-Z_]+): key ", re.MULTILINE)
SUMS = re.compile(r"^(valid|INVALID): (\d+) operations on (\d+) keys, "
                  r"(\d+) keys searched, (\d+) unsure", re.MULTILINE)


class Skip(Exception):
    """Why this cannot run here."""


class Broken(Exception):
    """A promise was not kept."""


class NoGuest(GuestError):
    """No kernel starts."""


class Refused(Exception):
    """The dedupd of a guest ended."""


@dataclass(frozen=True)
class Plan:
    build: Path
    work: Path
    fs: str
    cuts: int
    per_disk: int
    failing: int


@dataclass
class Sums:
    cuts: int = 0
    starting: int = 0  # of them, before all keys were looked up
    acknowledged: int = 0
    looked: int = 0
    facts: int = 0
    operations: int = 0
    searched: int = 0
    unsure: int = 0
    failures: int = 0


# --- judging ------------------------------------------------------------------


@dataclass(frozen=True)
class Verdict:
    valid: bool
    operations: int
    searched: int
    unsure: int
    report: str


def read_verdict(text: str) -> Verdict:
    found = SUMS.search(text)
    if found is None:
        raise GuestError(f"the checker said:\n{text}")
    return Verdict(found[1] == "valid", int(found[2]), int(found[4]),
                   int(found[5]), text)


def check(plan: Plan, lives: list[record.Life], exact: bool) -> Verdict:
    path = plan.work / "history"
    path.write_text(record.write_history(lives))
    program = plan.build / "tests/check-history"
    done = subprocess.run(
        [program, path, str(EXACT_MS), "1" if exact else "0"],
        capture_output=True, text=True, timeout=CHECK_MAX_S, check=False)
    return read_verdict(done.stdout + done.stderr)


def judge(plan: Plan, lives: list[record.Life], exact: bool = False) -> Verdict:
    verdict = check(plan, lives, exact)
    lost = record.loss(lives).lost
    if not verdict.valid or lost:
        raise Broken(f"{verdict.report}keys lost: {lost[:20]}")
    return verdict


# --- one disk and its lives ---------------------------------------------------


def booted(boot: Boot) -> Guest:
    """A guest whose first process runs. One that does not come so far has not
    touched its disk, and says nothing of dedupd."""
    for _ in range(BOOTS_MAX):
        guest = Guest(boot)
        up = False
        try:
            up = guest.wait_for(("booted",), BOOT_MAX_S) is not None
        finally:
            if not up:
                guest.cut()
        if up:
            return guest
    raise NoGuest(guest.last_words())


@dataclass
class Disk:
    """An image, and what the guests that had it were told."""

    plan: Plan
    name: str
    draw: random.Random
    lives: list[record.Life] = field(default_factory=list)
    unproven: set[int] = field(default_factory=set)  # touched, not looked up

    @property
    def served(self) -> bool:
        """Whether a dedupd has ever answered."""
        return any(life.ops for life in self.lives)

    @property
    def image(self) -> Path:
        return self.host / "disk"

    @property
    def host(self) -> Path:
        return self.plan.work / self.name

    def make(self) -> None:
        self.host.mkdir()
        with open(self.image, "wb") as image:
            image.truncate(DISK_BYTES)
        force = "-F" if self.plan.fs == "ext4" else "-f"
        subprocess.run([f"mkfs.{self.plan.fs}", "-q", force, self.image],
                       check=True, capture_output=True, timeout=60)

    def remove(self) -> None:
        shutil.rmtree(self.host)

    def keys(self, everything: bool) -> list[int]:
        """What the next guest is to look up."""
        known = sorted({op.key for life in self.lives for op in life.ops})
        if everything:
            return known
        proven = [key for key in known if key not in self.unproven]
        some = self.draw.sample(proven, min(OLD_KEYS, len(proven)))
        return sorted(self.unproven.union(some))

    def boot(self, seconds: int, synced: bool = True,
             everything: bool = False) -> Guest:
        keys = self.keys(everything)
        for name in RECORD, RECORD_AGAIN:
            (self.host / name).unlink(missing_ok=True)
        (self.host / "keys").write_text("\n".join(map(str, keys)) + "\n")
        return booted(Boot(self.plan.build, self.host,
                           self.plan.fs, len(self.lives),
                           self.draw.getrandbits(48), seconds, synced))

    def fail(self, calls: int) -> None:
        """From now on as many writes and flushes fail."""
        order = self.host / "order"
        order.write_text(f"{calls}\n")
        order.rename(self.host / "fail")

    def bury(self, name: str, died: int, looked: bool) -> None:
        """Adds what was recorded to what is known; `looked`: it has looked up
        all that earlier lives have touched."""
        path = self.host / name
        text = path.read_text() if path.exists() else ""
        life = record.Life(record.read_record(text), died)
        if self.lives and life.ops and \
                life.ops[0].called <= self.lives[-1].died:
            raise GuestError("the guest's clock is not the host's")
        self.lives.append(life)
        touched = {op.key for op in life.ops if op.verb != "LOOKUP"}
        self.unproven = touched | (set() if looked else self.unproven)


def expect(guest: Guest, word: str, seconds: float) -> str:
    """Waits until the guest says so."""
    mark = guest.wait_for((word, "failed", "dedupd ended", "load ended"),
                          seconds)
    if mark is not None and mark.startswith(word):
        return mark
    said = guest.last_words()
    if mark is not None and mark.startswith("dedupd ended"):
        raise Refused(f"{mark}:\n{said}")
    raise GuestError(f"no \"{word}\" from the guest, but {mark}:\n{said}")


# --- cuts ---------------------------------------------------------------------


def draw_delay(draw: random.Random, low_s: float, high_s: float) -> float:
    """Short ones as often as long ones."""
    return math.exp(draw.uniform(math.log(low_s), math.log(high_s)))


def cut_once(disk: Disk) -> tuple[float, bool]:
    """One guest; returns after how much load it was cut, and whether all keys
    had been looked up by then."""
    with disk.boot(LOAD_MAX_S) as guest:
        expect(guest, "starting", BOOT_MAX_S)
        early = disk.draw.random() < (0.2 if disk.served else 0.5)
        if early:
            delay = draw_delay(disk.draw, 0.005, 0.6)
            looked = guest.wait_for(("looked",), delay) is not None
        else:
            expect(guest, "looked", LOOK_MAX_S)
            delay = draw_delay(disk.draw, 0.05, 3)
            looked = True
            if guest.wait_for(("failed", "dedupd", "load"), delay) is not None:
                raise Broken(f"no power was cut:\n{guest.last_words()}")
        disk.bury(RECORD, guest.cut(), looked)
    return delay, looked


def live(disk: Disk, synced: bool, delay_s: float) -> None:
    with disk.boot(LOAD_MAX_S, synced) as guest:
        expect(guest, "looked", BOOT_MAX_S + LOOK_MAX_S)
        guest.wait_for(("failed",), delay_s)
        disk.bury(RECORD, guest.cut(), True)


def look_at_all(disk: Disk) -> None:
    with disk.boot(0, everything=True) as guest:
        expect(guest, "looked", LOOK_MAX_S + BOOT_MAX_S)
        disk.bury(RECORD, guest.cut(), True)


def add_life(sums: Sums, disk: Disk) -> str:
    life = disk.lives[-1]
    facts = record.loss(disk.lives).facts
    looked = sum(op.verb == "LOOKUP" and not op.unknown for op in life.ops)
    told = record.acknowledged(life)
    sums.acknowledged += told
    sums.looked += looked
    sums.facts += facts
    return f"{looked} keys looked up, {facts} facts hold, then {told} writes" \
           " acknowledged"


def use_disk(disk: Disk, cuts: int, sums: Sums) -> None:
    disk.make()
    for _ in range(cuts):
        delay, looked = cut_once(disk)
        judge(disk.plan, disk.lives)
        sums.cuts += 1
        sums.starting += not looked
        since = "of load" if looked else "into the start"
        print(f"cut {sums.cuts}: {add_life(sums, disk)}, cut {delay:.3f} s"
              f" {since}", flush=True)
    look_at_all(disk)
    verdict = judge(disk.plan, disk.lives, exact=True)
    print(f"disk {disk.name}: {add_life(sums, disk)};"
          f" {verdict.operations} operations, all in order", flush=True)
    sums.operations += verdict.operations
    sums.searched += verdict.searched
    sums.unsure += verdict.unsure
    disk.remove()


def use_disks(plan: Plan, draw: random.Random) -> Sums:
    sums = Sums()
    while sums.cuts < plan.cuts:
        disk = Disk(plan, f"disk-{sums.cuts // plan.per_disk + 1}", draw)
        use_disk(disk, min(plan.per_disk, plan.cuts - sums.cuts), sums)
    return sums


# --- a disk that fails --------------------------------------------------------


def end_of(mark: str) -> tuple[int, int]:
    """The exit code and the time of a dedupd that ended."""
    found = re.fullmatch(r"dedupd ended (\d+) at (\d+)", mark)
    if found is None:
        raise GuestError(f"no end of dedupd: {mark}")
    return int(found[1]), int(found[2])


def start_again(guest: Guest, disk: Disk, mark: str) -> str:
    """dedupd has ended. Either the power goes at once, or the guest starts it
    once more, over what its page cache has."""
    code, died = end_of(mark)
    if code != STORAGE_ERROR:
        raise Broken(f"{mark}:\n{guest.last_words()}")
    if disk.draw.random() < 0.5:
        disk.bury(RECORD, guest.cut(), True)
        return "power cut at once"
    disk.bury(RECORD, died, True)
    again = guest.wait_for(("looked", "dedupd ended"), LOOK_MAX_S)
    looked = again is not None and again.startswith("looked")
    if looked:
        guest.wait_for(("failed",), draw_delay(disk.draw, 0.05, 1))
    disk.bury(RECORD_AGAIN, guest.cut(), looked)
    return "serves again" if looked else f"then {again}"


def fail_once(disk: Disk, calls: int) -> str:
    with disk.boot(LOAD_MAX_S) as guest:
        expect(guest, "looked", BOOT_MAX_S + LOOK_MAX_S)
        guest.wait_for(("failed",), draw_delay(disk.draw, 0.05, 1))
        disk.fail(calls)
        mark = guest.wait_for(("dedupd ended",), NOTICE_MAX_S)
        if mark is not None:
            return f"dedupd ended, {start_again(guest, disk, mark)}"
        if calls == FOR_EVER:
            raise Broken(f"dedupd serves without a disk:\n"
                         f"{guest.last_words()}")
        disk.bury(RECORD, guest.cut(), True)
        return "dedupd did not need what failed"


def use_failing_disks(plan: Plan, draw: random.Random, sums: Sums) -> None:
    """What was acknowledged is there after a disk has failed under load, and
    then the power. Nothing that only the page cache had may have been shown."""
    for number in range(plan.failing):
        calls = FAILURES[number % len(FAILURES)]
        disk = Disk(plan, f"failing-{number + 1}", draw)
        disk.make()
        live(disk, True, 0.3)
        what = fail_once(disk, calls)
        told = record.acknowledged(disk.lives[1])
        look_at_all(disk)
        verdict = judge(plan, disk.lives, exact=True)
        sums.failures += 1
        print(f"failing disk {sums.failures}: {calls} calls fail after {told}"
              f" acknowledged writes: {what}; {verdict.operations} operations,"
              " all in order", flush=True)
        disk.remove()


# --- the control --------------------------------------------------------------


def what_is_lost(disk: Disk) -> str | None:
    """None: nothing."""
    try:
        look_at_all(disk)
    except Refused as refused:
        return f"dedupd refuses the disk: {refused}".splitlines()[0]
    loss = record.loss(disk.lives)
    verdict = check(disk.plan, disk.lives, exact=False)
    if not loss.lost and verdict.valid:
        return None
    kinds = ", ".join(sorted(set(LOST.findall(verdict.report))))
    return f"{len(loss.lost)} of {loss.facts} facts lost; {kinds}"


def control(plan: Plan, draw: random.Random) -> int:
    """How often a dedupd that does not sync was seen to lose something."""
    seen = 0
    for number in range(1, CONTROLS + 1):
        disk = Disk(plan, f"control-{number}", draw)
        disk.make()
        live(disk, True, 0.3)
        live(disk, False, draw_delay(draw, 0.5, 2))
        lost = what_is_lost(disk)
        print(f"control {number}, without syncs: {lost or 'NOTHING LOST'}",
              flush=True)
        seen += lost is not None
        disk.remove()
    return seen


# --- the whole ----------------------------------------------------------------


def probe(plan: Plan) -> None:
    """Whether a guest boots here at all."""
    for program in (KERNEL, f"mkfs.{plan.fs}"):
        if shutil.which(program) is None:
            raise Skip(f"there is no {program}")
    disk = Disk(plan, "probe", random.Random(0))
    disk.make()
    try:
        with disk.boot(0):
            pass
    except NoGuest as said:
        raise Skip(f"user-mode-linux does not boot here:\n{said}") from said
    disk.remove()


def campaign(plan: Plan, seed: int) -> int:
    probe(plan)
    print(f"power cuts: {plan.cuts} on {plan.fs}, seed {seed}", flush=True)
    begin = time.monotonic()
    draw = random.Random(seed)
    sums = use_disks(plan, draw)
    use_failing_disks(plan, draw, sums)
    seen = control(plan, draw)
    print(f"{sums.cuts} cuts ({sums.starting} while starting),"
          f" {sums.acknowledged} acknowledged writes, {sums.looked} keys looked"
          f" up, {sums.facts} facts hold, {sums.operations} operations judged"
          f" ({sums.searched} keys searched, {sums.unsure} unsure),"
          f" {sums.failures} disks failed, 0 lost, 0 doubled;"
          f" control lost {seen} of {CONTROLS};"
          f" {time.monotonic() - begin:.0f} s")
    if seen < CONTROLS:
        print("the control has to lose every time: the harness is wrong")
    return 0 if seen == CONTROLS else 1


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--cuts", type=int, default=10)
    parser.add_argument("--per-disk", type=int, default=10)
    parser.add_argument("--failing", type=int, default=4,
                        help="so many disks that fail")
    parser.add_argument("--fs", choices=("ext4", "xfs"), default="ext4")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", action="store_true",
                        help="leave the disks and records where they are")
    return parser.parse_args()


def main() -> int:
    arguments = read_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    seed = arguments.seed
    if seed is None:
        seed = random.SystemRandom().getrandbits(32)
    work = Path(tempfile.mkdtemp(prefix="dedupd-power-")).resolve()
    plan = Plan(arguments.build.resolve(), work, arguments.fs, arguments.cuts,
                arguments.per_disk, arguments.failing)
    keep = arguments.keep
    try:
        return campaign(plan, seed)
    except Skip as why:
        print(f"skipped: {why}")
        return 0
    except (Broken, Refused, GuestError, record.RecordError) as what:
        print(f"FAILED, seed {seed}: {type(what).__name__}: {what}")
        print(f"disks and records are in {work}")
        keep = True
        return 1
    finally:
        if not keep:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
