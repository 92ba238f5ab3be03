"""The account beside the data: how lines are kept, found again, and protected from others."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger.backlog import MOST_LINES
from tcclient.ledger.bookings import CaptureClose, CaptureOpen, Update
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import Entry
from tcclient.ledger.fold import newest_counters
from tcclient.ledger.ledgerfile import Ledger, LedgerInUse
from tests.marks import Need, needs
from tests.storage.disk import file_size_limit, full, held_by_another_process

NOW = datetime(2015, 12, 2, 20, 4, 50, 724000, tzinfo=UTC).timestamp()

BLOCK = 1 << 16
"""The ledger is read backwards in pieces of this size."""


class Remark(Entry, frozen=True):
    """A kind of line that the tests have made up."""

    number: int | None = None
    text: str | None = None


class One(Remark, frozen=True):
    """A second one."""


class Two(Remark, frozen=True):
    """A third one."""


class Three(Remark, frozen=True):
    """A fourth one."""


class LedgerCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.path = Path(self.mktemp(), "test", "test.ledger.jsonl")

    def open(self, *, alone: bool = True) -> Ledger:
        return Ledger(self.path, self.clock.seconds, alone=alone)

    def put(self, content: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(content)

    def lines(self) -> list[dict[str, Any]]:
        """The lines of the file, as any reader sees them; each must be JSON."""
        content = self.path.read_bytes()
        self.assertTrue(content.endswith(b"\n"))
        return [json.loads(line) for line in content.split(b"\n")[:-1]]

    def newest_first(self) -> list[dict[str, Any]]:
        with self.open(alone=False) as ledger:
            return list(ledger.newest_first())


class WritingTests(LedgerCase):
    def test_a_line_is_an_object_with_time_and_kind(self) -> None:
        """The time is UTC with milliseconds; the folder is made."""
        with self.open() as ledger:
            ledger.write(Remark(number=12))
        self.assertEqual(
            self.path.read_bytes(),
            b'{"at": "2015-12-02T20:04:50.724Z", "kind": "remark", "number": 12}\n',
        )

    def test_lines_are_added_behind_those_that_are_there(self) -> None:
        """Also by a later process."""
        for number in range(3):
            with self.open() as ledger:
                ledger.write(One(number=number))
                ledger.write(Two(number=number))
        self.assertEqual(
            [(line["kind"], line["number"]) for line in self.lines()],
            [(kind, number) for number in range(3) for kind in ("one", "two")],
        )

    def test_text_stays_within_its_line(self) -> None:
        """Line ends of all kinds, non-ASCII and lone surrogates come back as they were."""
        text = "a\nb\rc\r\nd\x0be\x1cf\x85g\u2028h\0 é 日本 🎉 \ud83d"
        with self.open() as ledger:
            ledger.write(Remark(text=text))
            self.assertEqual(next(ledger.newest_first())["text"], text)
        self.assertEqual(len(self.lines()), 1)

    def test_a_line_that_does_not_fit_leaves_the_file_as_it_was(self) -> None:
        """Half of it had been written; the next one follows the last whole line."""
        with self.open() as ledger:
            ledger.write(One())
            before = self.path.read_bytes()
            with file_size_limit(len(before) + 20):
                self.assertRaises(OSError, ledger.write, Two())
            self.assertEqual(self.path.read_bytes(), before)
            ledger.write(Three())
        self.assertEqual([line["kind"] for line in self.lines()], ["one", "three"])

    def test_two_processes_write_to_a_shared_ledger(self) -> None:
        """Lines of both stand whole, in the order of writing."""
        with self.open(alone=False) as one, self.open(alone=False) as other:
            for number in range(10):
                (one, other)[number % 2].write(Remark(number=number))
        self.assertEqual([line["number"] for line in self.lines()], list(range(10)))


class TornTailTests(LedgerCase):
    def test_a_torn_tail_is_cut_off_and_said(self) -> None:
        """A crash within a line costs that line only."""
        self.put(b'{"kind": "one"}\n{"kind": "tw')
        with self.open() as ledger:
            ledger.write(Three())
        self.assertEqual(
            [(line["kind"], line.get("cut_bytes")) for line in self.lines()],
            [("one", None), ("ledger_repaired", 12), ("three", None)],
        )

    def test_a_whole_ledger_is_not_repaired(self) -> None:
        """Opening changes nothing in it."""
        for content in (b"", b"\n", b'{"kind": "one"}\n', b"not ours\n"):
            self.put(content)
            self.open().close()
            self.assertEqual(self.path.read_bytes(), content)

    def test_a_torn_tail_of_any_size_is_cut(self) -> None:
        """Up to the last newline, however far it is, and whatever control characters follow."""
        for tail in (b"x", b"a\rb", b"\0" * 5000, b"x" * BLOCK, b"x\r" * BLOCK, b"x" * 300_000):
            for whole in (b"", b'{"kind": "one"}\n', b"\n"):
                self.put(whole + tail)
                self.open().close()
                content = self.path.read_bytes()
                self.assertTrue(content.startswith(whole + b'{"at"'), (whole, tail[:5]))
                self.assertEqual(json.loads(content[len(whole) :])["cut_bytes"], len(tail))

    def test_behind_the_torn_tail_of_a_shared_ledger_a_new_line_begins(self) -> None:
        """It is not cut, since another process may be writing it, but costs no other line."""
        self.put(b'{"kind": "one"}\n{"kind": "tw')
        with self.open(alone=False) as ledger:
            ledger.write(Three())
            ledger.write(Remark())
        self.assertEqual([line["kind"] for line in self.newest_first()], ["remark", "three", "one"])
        self.assertTrue(self.path.read_bytes().startswith(b'{"kind": "one"}\n{"kind": "tw\n{'))


class ReadingTests(LedgerCase):
    def test_the_newest_line_comes_first(self) -> None:
        """And the oldest last."""
        with self.open() as ledger:
            for number in range(5):
                ledger.write(Remark(number=number))
            self.assertEqual([line["number"] for line in ledger.newest_first()], [4, 3, 2, 1, 0])

    def test_an_empty_ledger_has_no_lines(self) -> None:
        """Nor has one that holds nothing but a torn line."""
        self.assertEqual(self.newest_first(), [])
        self.put(b'{"kind": "one"}')
        self.assertEqual(self.newest_first(), [])

    def test_what_cannot_be_read_is_passed_over(self) -> None:
        """Garbage, bare carriage returns, other encodings, other types, endless nesting."""
        good = b'{"kind": "good"}\n'
        for bad in (
            b"\n", b"\r\n", b"garbage\n", b"\xff\xfe\n", b"\0\0\0\0\n", b"[1]\n", b'"text"\n',
            b"null\n", b'{"kind": "bad\n', b"a\rb\n", b"[" * 200_000 + b"\n",
            b'{"n": ' + b"9" * 5000 + b"}\n",
        ):  # fmt: skip
            self.put(good + bad + good)
            self.assertEqual(self.newest_first(), [{"kind": "good"}] * 2, bad[:20])

    @settings(derandomize=True, deadline=None, database=None, max_examples=60)
    @given(
        st.lists(
            st.integers(0, 40) | st.integers(BLOCK - 30, BLOCK + 10) | st.integers(0, 3 * BLOCK),
            max_size=6,
        ),
        st.integers(0, 20),
    )
    @example([BLOCK - 10, BLOCK - 10], 0)
    @example([3 * BLOCK, 0, 3 * BLOCK], 0)
    @example([0, BLOCK - 17 - 10], 7)
    def test_lines_are_found_wherever_the_blocks_end(self, sizes: list[int], torn: int) -> None:
        """Short lines and lines of several blocks, with their ends on either side of a border."""
        lines = [{"n": number, "t": "x" * size} for number, size in enumerate(sizes)]
        whole = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        self.put(whole + b"{" * torn)
        self.assertEqual(self.newest_first(), lines[::-1])


class CountersTests(LedgerCase):
    def test_the_last_numbers_of_each_job_are_found(self) -> None:
        """Whatever other jobs and other lines stand between."""
        with self.open() as ledger:
            ledger.write(CaptureOpen(schema=1, name="test", counters=Counters(10, 0, 0)), 7)
            ledger.write(CaptureClose(counters=Counters(5, 1, 1)), 8)
            ledger.write(CaptureClose(counters=Counters(10, 20, 15)), 7)
            ledger.write(Remark(number=1), 7)
            ledger.write(CaptureClose(counters=Counters(5, 6, 1)), 8)
            self.assertEqual(
                newest_counters(ledger.read_backwards(), 7).get(7), Counters(10, 20, 15)
            )
            self.assertEqual(newest_counters(ledger.read_backwards(), 8).get(8), Counters(5, 6, 1))
            self.assertIsNone(newest_counters(ledger.read_backwards(), 9).get(9))

    def test_a_line_says_what_happened_and_the_numbers_after_it(self) -> None:
        """As an object of its own, so that totals can be followed through the ledger."""
        with self.open() as ledger:
            ledger.write(Update(count=5, counters=Counters(1, 2, 3)), 7)
        self.assertEqual(
            self.lines(),
            [
                {
                    "at": "2015-12-02T20:04:50.724Z",
                    "kind": "update",
                    "job": 7,
                    "count": 5,
                    "account": {"base": 1, "posts": 2, "settled": 3},
                }
            ],
        )

    def test_numbers_that_are_no_counters_are_passed_over(self) -> None:
        """The last good ones stand; members of a later version do no harm."""
        good = {"base": 1, "posts": 2, "settled": 3}
        close: dict[str, Any] = {"at": "2015-12-02T20:04:50.724Z", "kind": "capture_close"}
        for bad in (
            None, 4, [], {}, {"base": 1}, {**good, "posts": "2"}, {**good, "posts": None},
            {**good, "base": True}, {**good, "settled": 1.5},
        ):  # fmt: skip
            lines: list[Any] = [{"job": 7, "account": good}, {"job": 7, "account": bad}]
            lines += [{"job": None, "account": good}, {"account": {**good, "posts": 99}}]
            lines = [{**close, **line} for line in lines]
            self.put(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
            with self.open(alone=False) as ledger:
                self.assertEqual(
                    newest_counters(ledger.read_backwards(), 7).get(7),
                    Counters(1, 2, 3),
                    bad,
                )
        newer = {**close, "job": 7, "account": {**good, "new": 4}}
        self.put(json.dumps(newer).encode() + b"\n")
        with self.open(alone=False) as ledger:
            self.assertEqual(newest_counters(ledger.read_backwards(), 7).get(7), Counters(1, 2, 3))


class WaitingTests(LedgerCase):
    """A line that is noted is written when it can be."""

    def test_it_comes_before_the_next_one(self) -> None:
        """And has the time of its own."""
        with self.open() as ledger:
            ledger.note(One(number=1))
            with full(self.path):
                self.assertRaises(OSError, ledger.note, Two(number=2), 7)
                self.clock.advance(1)
                self.assertRaises(OSError, ledger.note, One(number=3))
                self.assertRaises(OSError, ledger.write, One(number=99))
                self.assertRaises(OSError, ledger.catch_up)
            self.clock.advance(1)
            ledger.write(One(number=4))
            ledger.catch_up()
        self.assertEqual(
            [(line["at"][17:], line["number"], line.get("job")) for line in self.lines()],
            [
                *(("50.724Z", 1, None), ("50.724Z", 2, 7), ("51.724Z", 3, None)),
                ("52.724Z", 4, None),
            ],
        )

    def test_those_that_found_no_room_are_counted(self) -> None:
        """In a line before the others."""
        with self.open() as ledger:
            ledger.note(One(number=1))
            with full(self.path):
                for number in range(MOST_LINES + 2):
                    self.assertRaises(OSError, ledger.note, One(number=number))
            ledger.catch_up()
        lines = self.lines()
        self.assertEqual((lines[1]["kind"], lines[1]["lines"]), ("lines_dropped", 2))
        self.assertEqual((lines[2]["number"], len(lines)), (2, MOST_LINES + 2))


class TakenAwayTests(LedgerCase):
    """Somebody tidies up while the ledger is open."""

    def test_the_file_or_its_folder(self) -> None:
        """It begins anew, alone as before; the old descriptor is closed."""
        for takes_away in (Path.unlink, lambda path: shutil.rmtree(path.parent)):
            with self.open() as ledger:
                ledger.write(One(number=1))
                before = len(list(Path("/proc/self/fd").iterdir()))
                takes_away(self.path)
                ledger.write(One(number=2))
                self.assertEqual([line["number"] for line in self.lines()], [2])
                self.assertRaises(LedgerInUse, self.open)
                self.assertEqual(len(list(Path("/proc/self/fd").iterdir())), before)
            self.path.unlink()

    def test_another_one_in_its_place(self) -> None:
        """It is gone on with, behind a line that says so; nothing in it is touched."""
        with self.open() as ledger:
            ledger.write(One(number=1))
            kept = self.path.rename(self.path.with_name("kept"))
            ledger.write(One(number=2))
            kept.rename(self.path)
            ledger.write(One(number=3))
            ledger.write(One(number=4))
        self.assertEqual(
            [line.get("number", line["kind"]) for line in self.lines()],
            [1, "ledger_resumed", 3, 4],
        )

    @needs(Need.PROCESSES)
    def test_another_client_begins_it(self) -> None:
        """The line waits, until that lets go."""
        with self.open() as ledger:
            ledger.write(One(number=1))
            self.path.unlink()
            with held_by_another_process(self.path):
                self.assertRaises(OSError, ledger.note, One(number=2))
                self.assertRaises(OSError, ledger.note, One(number=3))
            ledger.write(One(number=4))
        self.assertEqual([line["number"] for line in self.lines()], [2, 3, 4])


class LockTests(LedgerCase):
    @needs(Need.PROCESSES)
    def test_two_clients_in_one_folder(self) -> None:
        """The second is refused, and may only read; nothing is left open by the refusal."""
        with held_by_another_process(self.path):
            before = list(Path("/proc/self/fd").iterdir())
            error = self.assertRaises(LedgerInUse, self.open)
            self.assertEqual(str(error), str(self.path))
            self.assertEqual(list(Path("/proc/self/fd").iterdir()), before)
            self.assertEqual(self.newest_first(), [])

    @needs(Need.PROCESSES)
    def test_the_torn_tail_of_another_client_is_left_alone(self) -> None:
        """It may be the line that it is just writing."""
        with held_by_another_process(self.path):
            self.put(b"torn")
            self.assertRaises(LedgerInUse, self.open)
            self.assertEqual(self.path.read_bytes(), b"torn")

    @needs(Need.PROCESSES)
    def test_a_killed_client_lets_go(self) -> None:
        """SIGKILL leaves no lock behind."""
        with held_by_another_process(self.path) as client:
            client.kill()
            client.wait()
            self.open().close()

    def test_a_closed_ledger_is_free(self) -> None:
        """Within one process too, where a folder is held once as well."""
        with self.open():
            self.assertRaises(LedgerInUse, self.open)
        self.open().close()

    def test_a_ledger_that_cannot_be_made(self) -> None:
        """A file stands where the folder should be: OSError, which is not "in use"."""
        self.path.parent.parent.mkdir(parents=True)
        self.path.parent.write_bytes(b"")
        self.assertRaises(OSError, self.open)
