"""What the load in the guest wrote down, and what must still be there.

A record is a text of lines `NUMBER OP`, the op as tests/torture/history.h has
it. An op stands there before it is sent and again once it is answered.
"""
from __future__ import annotations

from dataclasses import dataclass, field

RULES = "rules grace=1000 ttl=86400000 slack=2000"
NO_ANSWER = "NONE"
# Errors that say nothing of the key.
SILENT = ("ERR SHUTTING_DOWN", "ERR BUSY", "ERR INDETERMINATE")


@dataclass(frozen=True)
class Op:
    """One command and its answer; times are microseconds."""

    called: int
    ended: int
    verb: str
    asked: dict[str, int]
    kind: str  # "CLAIMED", "ERR STALE", … or NO_ANSWER
    told: dict[str, int]

    @property
    def key(self) -> int:
        return self.asked["key"]

    @property
    def unknown(self) -> bool:
        return self.kind in (NO_ANSWER, "ERR INDETERMINATE")


@dataclass
class Life:
    """One guest, from its boot to its end."""

    ops: list[Op] = field(default_factory=list)
    died: int = 0


class RecordError(Exception):
    """A record that the load cannot have written."""


def read_fields(words: list[str]) -> dict[str, int]:
    pairs = (word.split("=", 1) for word in words)
    return {name: -1 if text == "foreign" else int(text)
            for name, text in pairs}


def read_op(line: str) -> Op:
    before, _, after = line.partition(" -> ")
    called, ended, verb, *asked = before.split()
    kind, *told = after.split()
    if kind == "ERR":
        kind = f"ERR {told.pop(0)}"
    return Op(int(called), int(ended), verb, read_fields(asked), kind,
              read_fields(told))


def read_record(text: str) -> list[Op]:
    """In the order in which they were asked. A last line that was cut is as
    good as never written."""
    ops: dict[int, Op] = {}
    for line in text.split("\n")[:-1]:
        number, _, rest = line.partition(" ")
        try:
            ops[int(number)] = read_op(rest)
        except (ValueError, KeyError) as error:
            raise RecordError(f"not a line of a record: {line}") from error
    return [ops[number] for number in sorted(ops)]


def write_fields(fields: dict[str, int]) -> str:
    return "".join(f" {name}={'foreign' if number < 0 else number}"
                   for name, number in fields.items())


def write_op(op: Op, died: int) -> str:
    """A command of unknown outcome may take effect until the guest died."""
    ended = max(died, op.called) if op.unknown else op.ended
    return (f"{op.called} {ended} {op.verb}{write_fields(op.asked)}"
            f" -> {op.kind}{write_fields(op.told)}")


def write_history(lives: list[Life]) -> str:
    lines = [RULES]
    for life in lives:
        lines += [write_op(op, life.died) for op in life.ops]
    return "\n".join(lines) + "\n"


def acknowledged(life: Life) -> int:
    """Commands that wrote something and were told so."""
    return sum(1 for op in life.ops
               if op.kind in ("OK", "EXTENDED")
               or (op.kind == "CLAIMED" and not op.told.get("again")))


# --- a second judge -----------------------------------------------------------
#
# The checker of tests/torture judges the whole. This one only knows two facts,
# so simple that it cannot be wrong in the same way.


@dataclass(frozen=True)
class Fact:
    """What every later LOOKUP of a key must answer."""

    since: int
    kind: str
    name: str
    number: int


def fact_of(ops: list[Op]) -> Fact | None:
    """From all ops on one key, in their order: the receipt that was
    acknowledged, or the claim that nobody tried to end. None where a short ttl
    may have ended it, or nothing is certain."""
    if any("ttl" in op.asked for op in ops):
        return None
    for op in ops:
        if op.verb == "COMPLETE" and op.kind == "OK":
            return Fact(op.ended, "COMPLETED", "receipt", op.asked["receipt"])
    claims = [op for op in ops if op.kind == "CLAIMED"]
    if not claims or any(op.verb in ("COMPLETE", "RELEASE") for op in ops):
        return None
    return Fact(claims[0].ended, "INFLIGHT", "fence", claims[0].told["fence"])


def by_key(lives: list[Life]) -> dict[int, list[Op]]:
    keys: dict[int, list[Op]] = {}
    for life in lives:
        for op in life.ops:
            keys.setdefault(op.key, []).append(op)
    return keys


def contradicts(op: Op, fact: Fact) -> bool:
    return (op.verb == "LOOKUP" and op.kind not in (NO_ANSWER, *SILENT)
            and op.called > fact.since
            and (op.kind != fact.kind
                 or op.told.get(fact.name) != fact.number))


@dataclass(frozen=True)
class Loss:
    facts: int
    lost: list[int]  # keys


def loss(lives: list[Life]) -> Loss:
    """Only of keys that were asked for in the last life."""
    looked = {op.key for op in lives[-1].ops
              if op.verb == "LOOKUP" and not op.unknown}
    facts = 0
    lost = []
    for key, ops in by_key(lives).items():
        fact = fact_of(ops)
        if key in looked and fact is not None:
            facts += 1
            if any(contradicts(op, fact) for op in ops):
                lost.append(key)
    return Loss(facts, sorted(lost))
