"""Tests of what reads records and judges; no guest is booted."""
from __future__ import annotations

import os
import random
import subprocess
import sys
import unittest
from pathlib import Path

import guest
import power
import record

CLAIM = "1 100 200 CLAIM key=7 lease=600000 owner=3 -> CLAIMED fence=9 attempt=1"
SENT = "2 300 300 COMPLETE key=7 fence=9 receipt=4 -> NONE"
DONE = "2 300 400 COMPLETE key=7 fence=9 receipt=4 -> OK"
SHOWN = "1 900 950 LOOKUP key=7 life=1 -> COMPLETED fence=9 receipt=4"
ABSENT = "1 900 950 LOOKUP key=7 life=1 -> NOT_FOUND"
HELD = "1 900 950 LOOKUP key=7 life=1 -> INFLIGHT fence=9 attempt=1 owner=3"


def life(*lines: str, died: int = 0) -> record.Life:
    text = "".join(f"{line}\n" for line in lines)
    return record.Life(record.read_record(text), died)


def lost(*lives: record.Life) -> tuple[int, list[int]]:
    loss = record.loss(list(lives))
    return loss.facts, loss.lost


class Records(unittest.TestCase):
    def test_an_answer_replaces_what_was_sent(self) -> None:
        ops = life(CLAIM, SENT, DONE).ops
        self.assertEqual([op.kind for op in ops], ["CLAIMED", "OK"])
        self.assertEqual(ops[1].ended, 400)

    def test_a_torn_last_line_was_never_written(self) -> None:
        ops = record.read_record(f"{CLAIM}\n{SENT}\n{DONE}")
        self.assertEqual([op.kind for op in ops], ["CLAIMED", "NONE"])

    def test_a_bad_line_in_the_middle_is_refused(self) -> None:
        with self.assertRaises(record.RecordError):
            record.read_record("1 2\n" + CLAIM + "\n")

    def test_an_op_is_written_as_it_was_read(self) -> None:
        for line in (CLAIM, DONE, SHOWN, ABSENT, HELD,
                     "8 1 2 RELEASE key=7 fence=1 -> ERR STALE",
                     "8 1 2 LOOKUP key=7 -> COMPLETED fence=1 receipt=foreign"):
            op = record.read_op(line.partition(" ")[2])
            self.assertEqual(record.write_op(op, 5000),
                             line.partition(" ")[2])

    def test_what_was_not_answered_may_take_effect_until_the_cut(self) -> None:
        history = record.write_history([life(CLAIM, SENT, died=5000)])
        self.assertEqual(history.splitlines()[2],
                         "300 5000 COMPLETE key=7 fence=9 receipt=4 -> NONE")

    def test_only_writes_are_counted_as_acknowledged(self) -> None:
        again = "3 500 600 CLAIM key=7 owner=3 -> CLAIMED again=1 fence=9"
        shown = SHOWN.replace("1 900", "4 900")
        self.assertEqual(record.acknowledged(life(CLAIM, DONE, again, shown)),
                         2)


class Facts(unittest.TestCase):
    def test_an_acknowledged_receipt_must_be_shown(self) -> None:
        self.assertEqual(lost(life(CLAIM, DONE), life(SHOWN)), (1, []))
        self.assertEqual(lost(life(CLAIM, DONE), life(ABSENT)), (1, [7]))
        self.assertEqual(lost(life(CLAIM, DONE), life(HELD)), (1, [7]))

    def test_another_receipt_is_a_loss(self) -> None:
        other = SHOWN.replace("receipt=4", "receipt=5")
        self.assertEqual(lost(life(CLAIM, DONE), life(other)), (1, [7]))

    def test_an_untouched_claim_must_be_held(self) -> None:
        self.assertEqual(lost(life(CLAIM), life(HELD)), (1, []))
        self.assertEqual(lost(life(CLAIM), life(ABSENT)), (1, [7]))

    def test_an_error_is_a_loss_if_it_is_of_the_key(self) -> None:
        for error, keys in (("CORRUPT", [7]), ("SHUTTING_DOWN", [])):
            shown = ABSENT.replace("NOT_FOUND", f"ERR {error}")
            self.assertEqual(lost(life(CLAIM, DONE), life(shown)), (1, keys))

    def test_an_unanswered_completion_proves_nothing(self) -> None:
        for shown in (SHOWN, HELD):
            self.assertEqual(lost(life(CLAIM, SENT), life(shown)), (0, []))

    def test_a_short_ttl_proves_nothing(self) -> None:
        short = DONE.replace(" ->", " ttl=300 ->")
        self.assertEqual(lost(life(CLAIM, short), life(ABSENT)), (0, []))

    def test_keys_that_were_not_looked_up_prove_nothing(self) -> None:
        self.assertEqual(lost(life(CLAIM, DONE)), (0, []))


class Verdicts(unittest.TestCase):
    TEXT = "valid: 20 operations on 9 keys, 7 keys searched, 1 unsure, 0.5 s\n"

    def test_the_sums_are_read(self) -> None:
        self.assertEqual(power.read_verdict(self.TEXT),
                         power.Verdict(True, 20, 7, 1, self.TEXT))

    def test_what_is_broken_is_read(self) -> None:
        text = "LOST_CLAIM: key 7: gone\n" + self.TEXT.replace("valid",
                                                               "INVALID")
        self.assertFalse(power.read_verdict(text).valid)
        self.assertEqual(power.LOST.findall(text), ["LOST_CLAIM"])

    def test_a_checker_that_says_nothing_is_an_error(self) -> None:
        with self.assertRaises(guest.GuestError):
            power.read_verdict("history: cannot be read")


class Cuts(unittest.TestCase):
    def test_delays_stay_in_their_bounds(self) -> None:
        draw = random.Random(1)
        delays = [power.draw_delay(draw, 0.05, 3) for _ in range(1000)]
        self.assertGreaterEqual(min(delays), 0.05)
        self.assertLessEqual(max(delays), 3)
        self.assertLess(sorted(delays)[500], 1)

    def test_the_control_is_the_one_without_syncs(self) -> None:
        for synced in (True, False):
            boot = guest.Boot(Path("/b"), Path("/h"), "ext4", 0, 1, 2, synced)
            preloads = [word for word in guest.command(boot)
                        if word.startswith("POWER_PRELOAD=")]
            self.assertEqual(preloads == [], synced)

    def test_a_group_is_seen_while_it_runs(self) -> None:
        with subprocess.Popen([sys.executable, "-c", "input()"],
                              stdin=subprocess.PIPE,
                              start_new_session=True) as child:
            self.assertEqual(guest.members(child.pid), [child.pid])
            assert child.stdin is not None
            child.stdin.write(b"\n")
            child.stdin.close()
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
            self.assertEqual(guest.members(child.pid), [])


if __name__ == "__main__":
    unittest.main()
