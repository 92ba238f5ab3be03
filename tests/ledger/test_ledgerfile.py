"""The account beside the data: how lines are kept, found again, and protected from others."""

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count, pairwise
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger import ledgerfile
from tcclient.ledger.another import why_another
from tcclient.ledger.bookings import CaptureClose, CaptureOpen, LedgerBegin, Update
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import Entry, as_line
from tcclient.ledger.fold import newest_counters
from tcclient.ledger.ledgerfile import Ledger
from tcclient.ledger.locks import LedgerInUse
from tcclient.ledger.reading import newest_first, raw_newest_first
from tcclient.ledger.segments import begin_of, behind, files, finished, read_begin
from tcclient.ledger.state import StateFile
from tcclient.runtime.appending import End
from tests.ledger.told import told
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


class Killed(BaseException):
    """Raised in place of the end of the process."""


@contextmanager
def dies_at(place: int) -> Iterator[Callable[[], bool]]:
    """
    The process ends just before its call with this number, of those that change something on the
    disk; yields whether it has.
    """
    died, calls = False, count()

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def instead(*arguments: Any, **more: Any) -> Any:
            nonlocal died
            if died or next(calls) == place:
                died = True
                raise Killed
            return call(*arguments, **more)

        return instead

    names = ("writev", "pwrite", "fsync", "rename")
    before = {name: getattr(os, name) for name in names}
    try:
        for name, call in before.items():
            setattr(os, name, dying(call))
        yield lambda: died
    finally:
        for name, call in before.items():
            setattr(os, name, call)


class LedgerCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.path = Path(self.mktemp(), "test", "test.ledger.jsonl")

    def open(self) -> Ledger:
        return Ledger(self.path, self.clock.seconds)

    def put(self, content: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(content)

    def lines(self) -> list[dict[str, Any]]:
        """The lines, but for the first, as any reader sees them; each must be JSON."""
        return told(self.path)

    def newest_first(self) -> list[dict[str, Any]]:
        """Those that are JSON objects."""
        lines = []
        for raw in raw_newest_first(self.path):
            with contextlib.suppress(ValueError, RecursionError):
                lines.append(json.loads(raw))
        objects = [line for line in lines if isinstance(line, dict)]
        return [line for line in objects if line.get("kind") != "ledger_begin"]


class WritingTests(LedgerCase):
    def test_a_line_is_an_object_with_time_and_kind(self) -> None:
        """The time is UTC with milliseconds; the folder is made."""
        with self.open() as ledger:
            ledger.write(Remark(number=12))
        self.assertEqual(
            self.path.read_bytes().splitlines()[1:],
            [b'{"at": "2015-12-02T20:04:50.724Z", "kind": "remark", "number": 12}'],
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
            self.assertEqual(self.newest_first()[0]["text"], text)
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

    def test_a_part_that_could_not_be_cut_off_at_once(self) -> None:
        """It is cut off before the next line, and leaves no blank line in its place."""
        with self.open() as ledger:
            ledger.write(One())
            refusals = [OSError(errno.EIO, "refused")]

            def truncate(fd: int, size: int) -> None:
                if refusals:
                    raise refusals.pop()
                os.ftruncate(fd, size)

            ledger._end = End(ledger.fileno(), truncate)
            with full(self.path, room=20):
                self.assertRaises(OSError, ledger.write, Two())
            self.assertEqual(refusals, [])
            ledger.write(Three())
        self.assertEqual([line["kind"] for line in self.lines()], ["one", "three"])


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
        """Opening changes nothing in what it has."""
        for content in (b"\n", b'{"kind": "one"}\n', b"not ours\n"):
            self.put(content)
            self.open().close()
            [before] = finished(self.path)
            self.assertEqual(before.read_bytes(), content)
            shutil.rmtree(self.path.parent)

    def test_a_torn_tail_of_any_size_is_cut(self) -> None:
        """Up to the last newline, however far it is, and whatever control characters follow."""
        for tail in (b"x", b"a\rb", b"\0" * 5000, b"x" * BLOCK, b"x\r" * BLOCK, b"x" * 300_000):
            for whole in (b"", b'{"kind": "one"}\n', b"\n"):
                self.put(whole + tail)
                self.open().close()
                [before] = finished(self.path)
                content = before.read_bytes()
                self.assertTrue(content.startswith(whole + b'{"at"'), (whole, tail[:5]))
                self.assertEqual(json.loads(content[len(whole) :])["cut_bytes"], len(tail))
                shutil.rmtree(self.path.parent)


class MonthTests(LedgerCase):
    """The ledger is one over all its files, and each says what comes before it."""

    def write(self, number: int) -> str:
        """A line, by a process of its own; returns the id of the ledger."""
        with self.open() as ledger:
            ledger.write(Remark(number=number))
            return ledger.id

    def begins(self) -> list[dict[str, Any]]:
        """The first lines of all files, the oldest first."""
        return [json.loads(path.read_bytes().splitlines()[0]) for path in files(self.path)]

    def next_month(self) -> None:
        self.clock.advance(31 * 86400)

    def numbers(self) -> list[int]:
        return [line["number"] for line in self.lines()]

    def test_it_has_an_id_for_life(self) -> None:
        """The same in each process, and in all its files."""
        first = self.write(1)
        self.assertEqual(self.write(2), first)
        self.next_month()
        self.assertEqual(self.write(3), first)
        self.assertEqual({begin["ledger"] for begin in self.begins()}, {first})
        self.assertEqual(len(first), 32)

    def test_a_file_for_each_month(self) -> None:
        """A process that runs goes on in a new one; names say the month of the lines, in UTC."""
        with self.open() as ledger:
            for number in range(4):
                ledger.write(Remark(number=number))
                self.next_month()
        names = [path.name for path in files(self.path)]
        self.assertEqual(
            names,
            [f"test.ledger{month}.jsonl" for month in (".2015-12", ".2016-01", ".2016-02", "")],
        )
        self.assertEqual(self.numbers(), [0, 1, 2, 3])
        self.assertEqual([line["number"] for line in self.newest_first()], [3, 2, 1, 0])

    def test_the_chain(self) -> None:
        """A file names the one before, with its SHA-256; offsets count all bytes of the life."""
        for number in range(3):
            self.write(number)
            self.next_month()
        length = 0
        for before, after in pairwise(files(self.path)):
            content = before.read_bytes()
            length += len(content)
            begin = json.loads(after.read_bytes().splitlines()[0])
            self.assertEqual(begin["before"], before.name)
            self.assertEqual(begin["sha256"], hashlib.sha256(content).hexdigest())
            self.assertEqual(begin["offset"], length)
        with self.open() as ledger:
            self.assertEqual(ledger.length, length + self.path.stat().st_size)

    def test_a_name_that_is_taken(self) -> None:
        """By a file that somebody has put there: it is left alone, and comes first."""
        self.write(1)
        other = self.path.with_name("test.ledger.2015-12.jsonl")
        other.write_bytes(b'{"at": "2015-12-01T00:00:00.000Z", "kind": "remark", "number": 0}\n')
        self.next_month()
        self.write(2)
        self.assertEqual(self.numbers(), [0, 1, 2])
        self.assertTrue(self.path.with_name("test.ledger.2015-12_00.jsonl").exists())

    def test_a_clock_that_is_set_back(self) -> None:
        """It is no new month; one that was set forward and back has begun one."""
        self.write(1)
        self.next_month()
        self.write(2)
        self.clock.rightNow -= 40 * 86400
        self.write(3)
        self.assertEqual((self.numbers(), len(files(self.path))), ([1, 2, 3], 2))

    def test_a_ledger_of_an_earlier_release(self) -> None:
        """It gets an id and is gone on with: its bytes are the first of the life."""
        old = b'{"at": "2015-11-30T20:04:50.724Z", "kind": "lines_dropped", "lines": 1}\n'
        self.put(old)
        self.write(2)
        self.assertEqual([path.name for path in finished(self.path)], ["test.ledger.2015-11.jsonl"])
        self.assertEqual(finished(self.path)[0].read_bytes(), old)
        self.assertEqual(self.begins()[1]["offset"], len(old))
        self.assertEqual([line["kind"] for line in self.lines()], ["lines_dropped", "remark"])

    def test_a_ledger_that_was_removed(self) -> None:
        """Another one follows it, whether a process had it open or not."""
        first = self.write(1)
        self.path.unlink()
        second = self.write(2)
        self.assertEqual(self.begins()[0]["follows"], first)
        with self.open() as ledger:
            self.path.unlink()
            ledger.write(Remark(number=3))
            self.assertNotIn(ledger.id, (first, second))
        self.assertEqual(self.begins()[0]["follows"], second)
        self.assertEqual(self.begins()[0]["because"], "removed")

    def test_only_months_are_left(self) -> None:
        """The next file says which came before it, also where nothing is kept beside the ledger."""
        for is_known in (True, False):
            first = self.write(1)
            self.path.rename(month := self.path.with_name("test.ledger.2015-12.jsonl"))
            if not is_known:
                StateFile(self.path).path.unlink()
            self.write(2)
            begin = self.begins()[-1]
            self.assertEqual((begin["follows"], begin["because"]), (first, "removed"))
            self.assertEqual(begin["before"], month.name)
            self.assertEqual(begin["sha256"], hashlib.sha256(month.read_bytes()).hexdigest())
            self.path.unlink()

    def test_a_ledger_that_was_put_back_from_a_backup(self) -> None:
        """It lacks lines, which a server may have: what comes is another ledger's."""
        first = self.write(1)
        backup = self.path.read_bytes()
        self.write(2)
        self.path.write_bytes(backup)
        second = self.write(3)
        begin = self.begins()[-1]
        self.assertEqual((begin["follows"], begin["because"]), (first, "shorter"))
        self.assertEqual(begin.get("offset", 0), 0)
        self.assertNotEqual(second, first)
        self.assertEqual(self.numbers(), [1, 3])

    def test_written_over_while_it_is_open(self) -> None:
        """By an older one, by that of another month, or by nothing: another ledger begins."""
        for backup, because in ((1, "shorter"), (0, "shorter"), (2, "replaced")):
            path = self.path.parent.with_name(f"{because}{backup}") / self.path.name
            with Ledger(path, self.clock.seconds) as ledger:
                ledger.write(Remark(number=1))
                older = {0: b"", 1: path.read_bytes()}
                older[2] = older[1].replace(ledger.id.encode(), b"f" * 32) * 9
                ledger.write(Remark(number=2))
                first = ledger.id
                path.write_bytes(older[backup])
                ledger.write(Remark(number=3))
                self.assertTrue(ledger.is_renewed)
                self.assertNotEqual(ledger.id, first)
                begin = begin_of(path)
                assert begin is not None
                self.assertEqual((begin.line.follows, begin.line.because), (first, because))
                self.assertEqual(ledger.length, path.stat().st_size)
                ledger.is_renewed = False
                second = ledger.id
                ledger.write(Remark(number=4))
                self.assertEqual((ledger.id, ledger.is_renewed), (second, False))
            numbers = [one["number"] for one in told(path)]
            self.assertEqual(numbers[-2:], [3, 4])

    def test_written_over_by_a_copy_that_has_only_begun(self) -> None:
        """It is empty at first, and full while another ledger is about to begin."""
        with self.open() as ledger:
            ledger.write(Remark(number=1))
            older = self.path.read_bytes()
            ledger.write(Remark(number=2))
            self.path.write_bytes(b"")

            def behind_and_filled(path: Path, first: LedgerBegin) -> LedgerBegin:
                path.write_bytes(older)
                return behind(path, first)

            self.patch(ledgerfile, "behind", behind_and_filled)
            ledger.write(Remark(number=3))
            self.assertEqual(finished(self.path)[-1].read_bytes(), older)
            begin = begin_of(self.path)
            assert begin is not None
            self.assertEqual(begin.line.ledger, ledger.id)
        self.assertEqual(self.numbers(), [1, 3])

    def test_lines_of_somebody_else(self) -> None:
        """They are behind those that were there: it is the same ledger."""
        with self.open() as ledger:
            ledger.write(Remark(number=1))
            first = ledger.id
            with self.path.open("ab") as other:
                other.write(as_line(Remark(number=2), None, self.clock.seconds()))
            ledger.write(Remark(number=3))
            self.assertEqual((ledger.id, ledger.is_renewed), (first, False))
        self.assertEqual(self.numbers(), [1, 2, 3])

    def on_disk(self, path: Path) -> Ledger:
        """The ledger at a path, where files keep their inodes."""
        return Ledger(path, self.clock.seconds, ino=lambda _, fd: os.fstat(fd).st_ino)

    def test_a_folder_that_was_copied_with_what_is_kept_beside(self) -> None:
        """The copy is another ledger, with all lines; the original goes on, in a new month too."""
        with self.on_disk(self.path) as ledger:
            ledger.write(Remark(number=1))
            first = ledger.id
        copy = self.path.parent.with_name("copy") / self.path.name
        shutil.copytree(self.path.parent, copy.parent)
        for path in (copy, copy, self.path):
            self.clock.advance(32 * 86400)
            with self.on_disk(path) as ledger:
                ledger.write(Remark(number=2))
                self.assertEqual(why_another(path), None if path == self.path else "copied")
                self.assertEqual(ledger.id == first, path == self.path)
        first_of_copy = begin_of(finished(copy)[1])
        assert first_of_copy is not None
        line = first_of_copy.line
        self.assertEqual((line.follows, line.because), (first, "copied"))
        self.assertEqual([line["number"] for line in told(copy)], [1, 2, 2])

    def test_a_folder_that_was_copied_where_files_do_not_keep_their_inodes(self) -> None:
        """It goes on: such a file system looks the same after each mount."""
        with Ledger(self.path, self.clock.seconds, ino=lambda *_: None) as ledger:
            ledger.write(Remark(number=1))
            first = ledger.id
        copy = self.path.parent.with_name("copy") / self.path.name
        shutil.copytree(self.path.parent, copy.parent)
        with self.on_disk(copy) as ledger:
            self.assertEqual(ledger.id, first)

    def test_killed_before_the_file_of_a_new_month_was_known(self) -> None:
        """What is kept beside the ledger is of the month before: that is no copy."""
        with self.on_disk(self.path) as ledger:
            ledger.write(Remark(number=1))
            first, state = ledger.id, ledger.kept.path
        before = state.read_bytes()
        self.clock.advance(32 * 86400)
        with self.on_disk(self.path) as ledger:
            ledger.write(Remark(number=2))
        state.write_bytes(before)
        with self.on_disk(self.path) as ledger:
            self.assertEqual(ledger.id, first)

    def test_a_folder_that_was_copied_without_what_is_kept_beside(self) -> None:
        """It is the same ledger: nothing says otherwise."""
        first = self.write(1)
        for hidden in self.path.parent.glob(".*"):
            hidden.unlink()
        self.assertEqual(self.write(2), first)

    def test_what_is_kept_beside_is_damaged(self) -> None:
        """It is as if it were not there."""
        first = self.write(1)
        [kept] = self.path.parent.glob(".*.state")
        for content in (b"", b"{", b"\xff" * 600, b'{"length": "x"}', b'{"ledger": "x"'):
            kept.write_bytes(content)
            self.assertEqual(self.write(2), first, content)

    def test_what_is_kept_beside_is_no_file(self) -> None:
        """It is as if it were not there; nobody waits at a FIFO, and a file takes its place."""
        first = self.write(1)
        [kept] = self.path.parent.glob(".*.state")
        kept.unlink()
        os.mkfifo(kept)
        self.assertEqual(self.write(2), first)
        self.assertFalse(kept.is_fifo())
        self.assertEqual(self.write(3), first)
        self.assertTrue(kept.is_file())

    def test_a_crash_at_any_moment_of_a_new_month(self) -> None:
        """No line is lost or there twice, and the chain is whole, wherever it ends."""
        for place in range(12):
            with self.open() as ledger:
                ledger.write(Remark(number=1))
                self.next_month()
                with dies_at(place) as died, contextlib.suppress(Killed):
                    ledger.write(Remark(number=2))
            with self.open() as ledger:
                ledger.write(Remark(number=3))
            self.assertIn(self.numbers(), ([1, 3], [1, 2, 3]), place)
            for before, after in pairwise(files(self.path)):
                begin = json.loads(after.read_bytes().splitlines()[0])
                content = before.read_bytes()
                self.assertEqual(begin["sha256"], hashlib.sha256(content).hexdigest())
            shutil.rmtree(self.path.parent)
            if not died():
                return
        self.fail("it never came to its end")


class SizeLimitTests(LedgerCase):
    """No file may become larger than that: `ulimit -f`, or 4 GiB on vfat."""

    def test_the_next_file(self) -> None:
        """Takes what does not fit, of a process that runs and of those that start."""
        text = "x" * 1000
        with file_size_limit(6000):
            with self.open() as ledger:
                for number in range(10):
                    ledger.write(Remark(number=number, text=text))
            for number in range(10, 20):
                with self.open() as ledger:
                    ledger.write(Remark(number=number, text=text))
        self.assertEqual([line["number"] for line in self.lines()], list(range(20)))
        names = [path.name for path in finished(self.path)]
        expected = ["", "_00", "_01"]
        self.assertEqual(names, [f"test.ledger.2015-12{end}.jsonl" for end in expected])
        for before, after in pairwise(files(self.path)):
            begin = json.loads(after.read_bytes().splitlines()[0])
            self.assertEqual(begin["sha256"], hashlib.sha256(before.read_bytes()).hexdigest())

    def test_a_start_that_has_to_repair(self) -> None:
        """There is no room to say so: the next file says it."""
        with self.open() as ledger:
            for number in range(5):
                ledger.write(Remark(number=number, text="x" * 1000))
        size = self.path.stat().st_size
        with self.path.open("ab") as file:
            file.write(b"{")
        with file_size_limit(size + 1), self.open() as ledger:
            ledger.write(Remark(number=5))
        kinds = [(line["kind"], line.get("cut_bytes")) for line in self.lines()[-2:]]
        self.assertEqual(kinds, [("ledger_repaired", 1), ("remark", None)])
        self.assertEqual(len(finished(self.path)), 1)

    def test_a_line_that_no_file_takes(self) -> None:
        """Is not there; not each attempt begins another file."""
        with self.open() as ledger:
            with file_size_limit(6000):
                for _ in range(5):
                    self.assertRaises(OSError, ledger.write, Remark(text="x" * 7000))
            ledger.write(Remark(text="x" * 7000))
        self.assertEqual((len(self.lines()), finished(self.path)), (1, []))


class ReadingTests(LedgerCase):
    def test_the_newest_line_comes_first(self) -> None:
        """And the oldest last."""
        with self.open() as ledger:
            for number in range(5):
                ledger.write(Remark(number=number))
            self.assertEqual([line["number"] for line in self.newest_first()], [4, 3, 2, 1, 0])

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
                newest_counters(newest_first(self.path), 7).get(7), Counters(10, 20, 15)
            )
            self.assertEqual(newest_counters(newest_first(self.path), 8).get(8), Counters(5, 6, 1))
            self.assertIsNone(newest_counters(newest_first(self.path), 9).get(9))

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
            self.assertEqual(
                newest_counters(newest_first(self.path), 7).get(7), Counters(1, 2, 3), bad
            )
        newer = {**close, "job": 7, "account": {**good, "new": 4}}
        self.put(json.dumps(newer).encode() + b"\n")
        self.assertEqual(newest_counters(newest_first(self.path), 7).get(7), Counters(1, 2, 3))


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
        """It is another ledger's beginning, and that follows the one whose lines it lacks."""
        with self.open() as ledger:
            ledger.write(One(number=1))
            kept = self.path.rename(self.path.with_name("kept"))
            ledger.write(One(number=2))
            second = ledger.id
            kept.rename(self.path)
            ledger.write(One(number=3))
            ledger.write(One(number=4))
            begin = read_begin(ledger.fileno())
        assert begin is not None
        self.assertEqual((begin.line.follows, begin.line.because), (second, "replaced"))
        self.assertEqual([line["number"] for line in self.lines()], [1, 3, 4])

    def test_its_folder_is_away_and_comes_back(self) -> None:
        """The ledger in it goes on, behind a line that says that it lacks some."""
        away = self.path.parent.with_name("away")
        with self.open() as ledger:
            ledger.write(One(number=1))
            first = ledger.id
            self.path.parent.rename(away)
            ledger.write(One(number=2))
            begin = read_begin(ledger.fileno())
            assert begin is not None
            self.assertEqual((begin.line.follows, begin.line.because), (first, "removed"))
            self.path.parent.rename(away.with_name("hidden"))
            away.rename(self.path.parent)
            ledger.write(One(number=3))
            ledger.write(One(number=4))
            self.assertEqual(ledger.id, first)
        self.assertEqual(
            [line.get("number", line["kind"]) for line in self.lines()],
            [1, "ledger_resumed", 3, 4],
        )

    @needs(Need.PROCESSES)
    def test_another_client_begins_it(self) -> None:
        """Nothing is written, until that lets go."""
        with self.open() as ledger:
            ledger.write(One(number=1))
            self.path.unlink()
            with held_by_another_process(self.path):
                self.assertRaises(OSError, ledger.write, One(number=2))
                self.assertRaises(OSError, ledger.write, One(number=3))
            ledger.write(One(number=4))
        self.assertEqual(
            [line.get("number", line["kind"]) for line in self.lines()],
            ["ledger_resumed", 4],
        )


class LockTests(LedgerCase):
    @needs(Need.PROCESSES)
    def test_two_clients_in_one_folder(self) -> None:
        """The second is refused, and may only read; nothing is left open by the refusal."""
        with held_by_another_process(self.path):
            before = list(Path("/proc/self/fd").iterdir())
            error = self.assertRaises(LedgerInUse, self.open)
            self.assertEqual(error.filename, str(self.path))
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
