"""Tests of what reads, compares and prints; no server is started."""
from __future__ import annotations

import math
import unittest

import alone
import disk
import keys
import load
import machine
import report
from plan import Finding, Memory, Results, levels_of
from rounds import Deadline, Row, Side, Target, measure, one_round
from servers import Counts, dedupd_counts, redis_counts
from wire import WireError, check_answers

OUTPUT = """\
SET k 1 NX: rps=0.0 (overall: -nan) avg_msec=-nan (overall: -nan)\r
====== SET k 1 NX ======
  20000 requests completed in 0.74 seconds
  50 parallel clients

Latency by percentile distribution:
0.000% <= 0.375 milliseconds (cumulative count 1)
50.000% <= 1.383 milliseconds (cumulative count 10141)
99.805% <= 5.487 milliseconds (cumulative count 19962)
99.902% <= 6.175 milliseconds (cumulative count 19981)
100.000% <= 6.535 milliseconds (cumulative count 20000)

Cumulative distribution of latencies:
99.950% <= 0.103 milliseconds (cumulative count 0)

Summary:
  throughput summary: 27063.60 requests per second
  latency summary (msec):
          avg       min       p50       p95       p99       max
        1.747     0.368     1.383     4.119     4.863     6.535
"""


def sample(rate: float, p99: float = 1.0) -> load.Sample:
    return load.Sample(100, rate, 0.5, p99, 2.0, 3.0, 10.0)


def counts(claims: int, errors: int = 0, added: int = 0) -> Counts:
    return Counts({"CLAIM": claims}, errors, added)


class RedisBenchmark(unittest.TestCase):
    def test_summary_and_percentiles_are_read(self) -> None:
        self.assertEqual(load.parse(OUTPUT), load.Sample(
            20000, 27063.6, 1.383, 4.863, 6.175, 6.535, math.nan))

    def test_few_requests_have_their_most_as_p999(self) -> None:
        short = "\n".join(line for line in OUTPUT.splitlines()
                          if not line.startswith("99.902"))
        self.assertEqual(load.parse(short).p999, 6.535)

    def test_output_without_summary_is_a_failure(self) -> None:
        with self.assertRaises(load.RunFailed):
            load.parse(OUTPUT.split("Summary")[0])

    def test_only_the_missing_config_is_no_complaint(self) -> None:
        warning = "WARNING: Could not fetch server CONFIG\n"
        self.assertIsNone(load.complaint(warning))
        self.assertEqual(load.complaint(warning + "Error from server: X\n"),
                         "Error from server: X")

    def test_keys_have_32_bytes_and_differ_from_run_to_run(self) -> None:
        work = load.Load(load.CLAIM, 1)
        first, second = work.arguments(), work.arguments()
        self.assertNotEqual(first, second)
        self.assertEqual(len(first[1].replace("__rand_int__", "0" * 12)), 32)

    def test_known_keys_are_the_same_in_every_run(self) -> None:
        work = load.Load("GET {key}", 1, tag="hot", adds=False)
        key = work.arguments()[1].replace("__rand_int__", "000000000007")
        self.assertEqual(key.encode(), keys.key_of("hot")(7))
        self.assertEqual(work.arguments(), work.arguments())


class Keys(unittest.TestCase):
    def test_random_ones_have_their_length(self) -> None:
        self.assertEqual(len(keys.random_key(3)), 32)
        self.assertEqual(len(keys.random_receipt(3)), 20)

    def test_long_tag_is_refused(self) -> None:
        with self.assertRaises(ValueError):
            keys.key_of("far-too-long-a-tag")


class Proof(unittest.TestCase):
    WORK = load.Load(load.CLAIM, 2, 4)

    def check(self, after: Counts) -> None:
        load.check("dedupd", self.WORK, 100, counts(5), after)

    def test_all_seen_and_stored_is_accepted(self) -> None:
        self.check(counts(105, added=99))
        self.check(counts(113, added=100))

    def test_errors_are_not_measured(self) -> None:
        with self.assertRaisesRegex(load.RunFailed, "3 errors"):
            self.check(counts(105, errors=3, added=100))

    def test_lost_commands_are_not_measured(self) -> None:
        for seen in (104, 114):
            with self.assertRaisesRegex(load.RunFailed, "of 100 CLAIM"):
                self.check(counts(seen, added=100))

    def test_claims_of_known_keys_are_not_fresh(self) -> None:
        with self.assertRaisesRegex(load.RunFailed, "stored 0 keys"):
            self.check(counts(105))

    def test_stats_of_dedupd_are_counted(self) -> None:
        found = dedupd_counts({
            "commands_CLAIM": "7", "errors_BUSY": "1", "errors_STALE": "2",
            "errors_UNKNOWN_COMMAND": "9", "rows_appended": "6",
            "version": "0.1.0"})
        self.assertEqual(found, Counts({"CLAIM": 7}, 3, 6))

    def test_info_of_redis_is_counted(self) -> None:
        line = "calls=8,usec=16,usec_per_call=8.00,rejected_calls=1," \
               "failed_calls=2"
        found = redis_counts({"cmdstat_set": line},
                             {"db0": "keys=5,expires=5,avg_ttl=1"})
        self.assertEqual(found, Counts({"SET": 8}, 3, 5))
        self.assertEqual(redis_counts({}, {}), Counts({}, 0, 0))


class Answers(unittest.TestCase):
    def test_expected_ones_pass(self) -> None:
        check_answers(b"OK\nOK\n", 2, b"OK")
        check_answers(b"+OK\r\n", 1, b"+OK")

    def test_any_other_one_is_told(self) -> None:
        with self.assertRaisesRegex(WireError, "answered ERR BUSY"):
            check_answers(b"OK\nERR BUSY x\nOK\n", 3, b"OK")


class Proc(unittest.TestCase):
    def test_resident_memory_is_read(self) -> None:
        self.assertEqual(machine.parse_rss_bytes(
            "Name:\tx\nVmHWM:\t  9 kB\nVmRSS:\t  12 kB\n"), 12288)

    def test_cpu_is_read_behind_any_name(self) -> None:
        fields = " ".join(str(number) for number in range(4, 40))
        stat = f"17 (a) b) S {fields}"
        self.assertEqual(machine.parse_cpu_ticks(stat), 14 + 15 + 16 + 17)

    def test_steal_is_the_eighth_number(self) -> None:
        before = machine.parse_cpu_times("cpu  1 1 1 1 1 1 1 10 5 5\ncpu0")
        after = machine.parse_cpu_times("cpu  1 1 1 76 1 1 1 35 9 9\ncpu0")
        self.assertAlmostEqual(before.steal_share_until(after), 0.25)

    def test_mount_is_the_innermost(self) -> None:
        info = ("1 0 8:1 / / rw - ext4 /dev/a rw\n"
                "2 1 8:2 / /data rw,noatime shared:1 - xfs /dev/b rw\n")
        self.assertEqual(machine.parse_mount(info, "/data/x"),
                         machine.Mount("8:2", "xfs", "rw,noatime"))
        self.assertEqual(machine.parse_mount(info, "/database").kind, "ext4")


class Ratios(unittest.TestCase):
    def test_ratio_is_the_median_of_neighbours(self) -> None:
        row = Row("x", rounds=[[sample(100), sample(110)],
                               [sample(10), sample(13)],
                               [sample(50), sample(60)]])
        self.assertAlmostEqual(row.ratio("rate"), 1.2)
        self.assertEqual(row.median("rate", 1), 60)

    def test_row_without_rounds_has_no_ratio(self) -> None:
        self.assertTrue(math.isnan(Row("x").ratio("rate")))

    def test_verdict_of_a_lower_bound(self) -> None:
        target = Target(1.0, 1.5)
        self.assertEqual([target.verdict(ratio) for ratio in
                          (0.99, 1.0, 1.5, math.nan)],
                         ["missed", "met", "reached", "missed"])

    def test_verdict_of_an_upper_bound(self) -> None:
        target = Target(1.0, 0.5, is_upper=True)
        self.assertEqual([target.verdict(ratio) for ratio in
                          (1.01, 1.0, 0.5, math.nan)],
                         ["missed", "met", "reached", "missed"])

    def test_rounds_change_their_order(self) -> None:
        order: list[str] = []

        def side(name: str) -> Side:
            def go() -> load.Sample:
                order.append(name)
                return sample(len(name))
            return Side(name, go)

        sides = [side("a"), side("bb")]
        rounds = [one_round(sides, number) for number in (0, 1)]
        self.assertEqual(order, ["a", "bb", "bb", "a"])
        self.assertEqual([[one.rate for one in samples]
                          for samples in rounds], [[1, 2], [1, 2]])

    def test_a_deadline_leaves_one_round(self) -> None:
        row = measure(Row("x"), [Side("a", lambda: sample(1))], 5,
                      Deadline(-1))
        self.assertEqual(len(row.rounds), 1)

    def test_a_failed_run_is_no_number(self) -> None:
        def go() -> load.Sample:
            raise load.RunFailed("errors")

        row = measure(Row("x"), [Side("a", go)], 5, Deadline(None))
        self.assertEqual((row.failure, row.rounds), ("errors", []))


class Sweeps(unittest.TestCase):
    def test_slices_within_are_chosen(self) -> None:
        class Sweep:
            begin, end = 10.0, 12.5

        slices = [alone.Slice(sample(at), at, at + 1) for at in (10, 11, 12)]
        chosen, overlap = alone.within(slices, Sweep())  # type: ignore
        self.assertEqual([one.begin for one in chosen], [10, 11])
        self.assertEqual(overlap, 1.0)

    def test_a_short_sweep_has_the_slice_that_comes_closest(self) -> None:
        class Sweep:
            begin, end = 10.0, 10.4

        slices = [alone.Slice(sample(1), 10, 11)]
        chosen, overlap = alone.within(slices, Sweep())  # type: ignore
        self.assertEqual(len(chosen), 1)
        self.assertAlmostEqual(overlap, 0.4)


class Disk(unittest.TestCase):
    PROPERTIES = """\
  # data blocks: 1
  # entries: 20
  raw key size: 1000
  raw average key size: 50.000000
  raw value size: 580
  data block size: 412
  index block size (user-key? 1, delta-value? 1): 57
  filter block size: 9
  # entries for filter: 20
  column family name: rows
"""

    def test_properties_are_read(self) -> None:
        self.assertEqual(disk.parse_properties(self.PROPERTIES), ("rows", {
            "entries": 20, "raw_keys": 1000, "raw_values": 580, "data": 412,
            "index": 57, "filter": 9}))

    def test_missing_properties_are_told(self) -> None:
        with self.assertRaises(disk.ToolFailed):
            disk.parse_properties("column family name: rows")

    def test_size_of_blocks_is_that_of_the_family(self) -> None:
        options = ('[TableOptions/BlockBasedTable "default"]\n'
                   "  block_size=4096\n"
                   '[TableOptions/BlockBasedTable "rows"]\n'
                   "  block_size_deviation=10\n  block_size=8192\n")
        self.assertEqual(disk.block_bytes(options, "rows"), "8192")
        self.assertIsNone(disk.block_bytes(options, "due"))


class Report(unittest.TestCase):
    def row(self) -> Row:
        return Row("fresh", target=Target(1.2, 2.0),
                   target_p99=Target(1.0, 0.5, is_upper=True),
                   rounds=[[sample(1000), sample(1100, 0.4)]])

    def test_tables_are_aligned(self) -> None:
        lines = report.table(("a", "b"), [("long", "1"), ("x", "22")])
        self.assertEqual(lines.splitlines(), [
            "| a    |  b |", "| ---- | -: |", "| long |  1 |",
            "| x    | 22 |"])

    def test_what_was_missed_is_listed(self) -> None:
        results = Results(rows=[self.row()])
        self.assertEqual(report.shortfalls(results),
                         ["fresh: throughput 1.10 of that of Redis,"
                          " asked ≥ 1.2"])

    def test_failed_rows_show_no_numbers(self) -> None:
        row = self.row()
        row.failure = "errors"
        self.assertIn("failed", report.throughput_line(row))
        self.assertEqual(report.throughput_line(row)[1:4], ["", "", ""])
        self.assertEqual(report.shortfalls(Results(rows=[row])),
                         ["fresh: failed, errors"])

    def test_all_of_it_prints(self) -> None:
        results = Results(
            rows=[self.row(), Row("later")], scale=[self.row()],
            memory=[Memory(10, 300, 90, Target(1 / 3, 0.1, is_upper=True))],
            alone=[Finding("start", "1 s", "within 2 s", "met")],
            disk=[Finding("dedupd", "90")], not_measured=["later"])
        text = report.tables(results)
        for part in ("not measured", "0.300", "| met", "≤ 0.333"):
            self.assertIn(part, text)

    def test_levels_lie_on_the_way(self) -> None:
        self.assertEqual(levels_of(10_000_000, quick=False),
                         (1_000_000, 3_000_000, 10_000_000))


if __name__ == "__main__":
    unittest.main()
