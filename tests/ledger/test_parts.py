"""Where the bytes of ledgers are found, by their ids and where they lie in the ledgers' lives."""

import errno
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger.bookings import JobFolder
from tcclient.ledger.ledgerfile import Ledger
from tcclient.ledger.parts import LedgerBytes, LedgerParts, ledgers_of
from tcclient.runtime.appending import End
from tests.storage.disk import full

NOVEMBER, DECEMBER, JANUARY = 1_700_000_000.0, 1_702_000_000.0, 1_705_000_000.0
LINE = JobFolder(server="x", name="cats")


class PartsCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp()) / "cats.ledger.jsonl"
        self.now = NOVEMBER

    def ledger(self) -> Ledger:
        """The ledger, opened at the date that it is now."""
        return Ledger(self.path, lambda: self.now)

    def whole(self, ledger: LedgerBytes) -> bytes:
        """All that there is of a ledger."""
        found = b""
        while piece := ledger.read(ledger.begin + len(found), 97):
            found += piece
        return found


class LifeTests(PartsCase):
    def test_months(self) -> None:
        """Their bytes follow each other, and what grows is known."""
        with self.ledger() as ledger:
            for self.now in (NOVEMBER, DECEMBER, JANUARY):
                ledger.write(LINE)
            id, length = ledger.id, ledger.length
        [found] = ledgers_of(self.path)
        self.assertEqual((found.id, found.begin, found.end, found.growing), (id, 0, length, True))
        files = sorted(self.path.parent.glob("cats.ledger.*-*.jsonl"))
        content = b"".join(file.read_bytes() for file in (*files, self.path))
        self.assertEqual(self.whole(found), content)

    def test_another_id(self) -> None:
        """It begins at 0, and what it follows does not grow any more."""
        with self.ledger() as ledger:
            ledger.write(LINE)
            first, length = ledger.id, ledger.length
            ledger.begin_another("ahead")
            ledger.write(LINE)
            second = ledger.id
        old, new = ledgers_of(self.path)
        self.assertEqual((old.id, old.end, old.growing), (first, length, False))
        self.assertEqual((new.id, new.begin, new.growing), (second, 0, True))
        self.assertEqual(self.whole(new), self.path.read_bytes())

    def test_a_file_of_an_older_release(self) -> None:
        """It is part of the ledger that goes on from it."""
        self.path.parent.mkdir()
        self.path.write_bytes(b'{"at": "2023-10-01T00:00:00.000Z", "kind": "x"}\n')
        self.assertEqual(ledgers_of(self.path), [])
        with self.ledger() as ledger:
            ledger.write(LINE)
            length = ledger.length
        [found] = ledgers_of(self.path)
        self.assertEqual((found.begin, found.end), (0, length))

    def test_a_file_that_was_taken_away(self) -> None:
        """What comes after it is there, and where that begins is known."""
        with self.ledger() as ledger:
            for self.now in (NOVEMBER, DECEMBER, JANUARY):
                ledger.write(LINE)
        month = sorted(self.path.parent.glob("cats.ledger.*-*.jsonl"))[1]
        month.unlink()
        [found] = ledgers_of(self.path)
        self.assertEqual(found.end - found.begin, self.path.stat().st_size)
        self.assertEqual(found.read(0, 10), b"")

    def test_what_ends_within_a_line(self) -> None:
        """The line is not there yet."""
        with self.ledger() as ledger:
            ledger.write(LINE)
            length = ledger.length
        with self.path.open("ab") as file:
            file.write(b'{"at": ')
        self.assertEqual(ledgers_of(self.path)[0].end, length)

    def test_an_id_that_is_none(self) -> None:
        """A file that names its ledger by an address, say, is left out."""
        self.path.parent.mkdir()
        at = '"at": "2023-10-01T00:00:00.000Z"'
        self.path.write_text(f'{{{at}, "kind": "ledger_begin", "ledger": "../../x"}}\n')
        self.assertEqual(ledgers_of(self.path), [])

    def test_what_the_disk_has_refused(self) -> None:
        """It is no part of an open ledger, though it may stand in the file for a while."""
        with self.ledger() as ledger:
            ledger.write(LINE)
            length = ledger.length
            ledger._end = End(ledger.fileno(), _refusing)
            with full(self.path, room=20):
                self.assertRaises(OSError, ledger.write, LINE)
            self.assertGreater(self.path.stat().st_size, length)
            self.assertEqual(ledger.length, length)
            self.assertEqual(ledgers_of(self.path, ledger.length)[0].end, length)

    def test_a_name_that_is_another_files_now(self) -> None:
        """Nothing of that is read, as when a month ends between looking and reading."""
        with self.ledger() as ledger:
            ledger.write(LINE)
            [before] = ledgers_of(self.path)
            self.now = DECEMBER
            ledger.write(LINE)
        self.assertEqual(before.read(0, 10), b"")

    @given(st.lists(st.sampled_from(["line", "month", "another", "open"]), max_size=12))
    def test_any_history(self, acts: list[str]) -> None:
        """What is kept of earlier looks makes no difference."""
        self.path = Path(self.mktemp()) / "cats.ledger.jsonl"
        parts, ledger = LedgerParts(), self.ledger()
        for act in acts:
            if act == "month":
                self.now += 32 * 86_400
            elif act == "another":
                ledger.begin_another("ahead")
            elif act == "open":
                ledger.close()
                ledger = self.ledger()
            ledger.write(LINE)
            found = parts.look({self.path: ledger.length})[self.path]
            anew = sorted(ledgers_of(self.path, ledger.length), key=lambda one: one.growing)
            self.assertEqual(found, anew)
            self.assertEqual(found[-1].end, ledger.length)
            self.assertEqual(len(self.whole(found[-1])), ledger.length)
        ledger.close()


def _refusing(fd: int, size: int) -> None:
    raise OSError(errno.EIO, "refused")


class LookTests(PartsCase):
    def test_a_folder_that_is_not_there(self) -> None:
        """It has no ledger, which is no trouble."""
        parts = LedgerParts()
        self.assertEqual((parts.look({self.path: None}), parts.unread), ({}, {}))

    def test_one_that_cannot_be_read(self) -> None:
        """It is said why, and the others are found."""
        with self.ledger() as ledger:
            ledger.write(LINE)
        other = self.path.with_name("dogs.ledger.jsonl")
        other.mkdir()
        parts = LedgerParts()
        self.assertEqual([*parts.look({other: None, self.path: None})], [self.path])
        self.assertEqual([*parts.unread], [other])
