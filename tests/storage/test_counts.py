"""What the server has taken is a member of the next line with counters, and known before that."""

from collections.abc import Sequence
from pathlib import Path

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tcaccount.numbers import Numbers
from tcclient.control.jobs import Job, Status
from tcclient.ledger.counters import Counters, CountUpdate, Row
from tcclient.ledger.fold import Fold
from tcclient.ledger.known import known_counters
from tcclient.ledger.lines import LedgerLine
from tcclient.ledger.reading import lines
from tcclient.ledger.vocabulary import COMMON
from tcclient.sources.registry import post_ids
from tcclient.storage.diskuse import DiskUse
from tcclient.storage.folders import Folders
from tcclient.storage.recovery import ledger_path
from tcclient.storage.slots import Naming
from tests import DEPTH
from tests.ledger.told import told
from tests.left import leave
from tests.storefolders import anew

NOON = 1_450_000_000.0


def job(id: int = 7, name: str = "test") -> Job:
    return Job(id, name, Status.STARTED, "obama", 0, None, False, None)


@attrs.define
class Server:
    """What it has taken."""

    rows: list[Row] = attrs.field(factory=list)
    counted: int = 0

    def take(self, update: CountUpdate) -> None:
        self.counted += update.count
        self.rows.append((update.count, update.total, update.rate))


class CountCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A client that has never run."""
        self.clock = Clock()
        self.clock.advance(NOON)
        self.server = Server()
        self.stored = 0
        base = Path(self.mktemp())
        use = DiskUse(ids=post_ids())
        self.folders = Folders(
            base, Naming("", utc=True), "http://s/", self.clock, self.clock.seconds, use=use
        )
        self.archive = self.folders.open(job())

    @property
    def ledger(self) -> Path:
        return ledger_path(self.folders.base_dir, "test")

    def store(self, posts: int = 1) -> None:
        self.archive.store([b"{}"] * posts)
        self.stored += posts

    def update(self, *, arrives: bool = True, answered: bool = True) -> None:
        """As the reporter does it."""
        self.clock.advance(1)
        tally = self.archive.tally
        if tally.unsettled:
            tally.settle(self.server.rows)
        update = tally.update(self.clock.seconds())
        if arrives:
            self.server.take(update)
        if arrives and answered:
            tally.accepted(update)

    def crash(self) -> None:
        """The process dies; the next one finds the disk as it was."""
        left = Path(self.mktemp())
        leave(self.folders.base_dir, left)
        self.archive.close()
        self.folders = anew(self.folders, base_dir=left)
        self.folders.begin()
        self.archive = self.folders.open(job())

    def counts(self) -> dict[str, int]:
        """By the kind of line."""
        found = [(line["kind"], line["count"]) for line in told(self.ledger) if "count" in line]
        assert len(dict(found)) == len(found), found
        return dict(found)

    def wrong(self) -> Sequence[str]:
        """What does not add up."""
        fold, found = Fold(), []
        numbers = Numbers(fold, lambda job: False, str)
        for line in lines(self.ledger, COMMON):
            if isinstance(line, LedgerLine):
                found += numbers.check(line)
            fold.take(line)
        return found


class CountTests(CountCase):
    def test_the_next_line_tells(self) -> None:
        """All of a slot together; nothing where there is nothing."""
        for _ in range(3):
            self.store(2)
            self.update()
        self.archive.finish()
        self.store()
        self.archive.close()
        self.assertEqual(self.counts(), {"file": 6})
        self.assertEqual(self.wrong(), [])

    def test_a_crash_before_that(self) -> None:
        """The opening tells it, and nothing is sent a second time."""
        self.store(5)
        self.update()
        self.crash()
        self.assertEqual(self.counts(), {"capture_open": 5})
        self.update()
        self.archive.close()
        self.assertEqual((self.server.counted, self.wrong()), (5, []))

    def test_a_crash_before_the_answer(self) -> None:
        """Whether it had come is asked; also where what was kept beside the ledger is gone."""
        for is_gone in (False, True):
            for arrives in (False, True):
                self.begin()
                self.store(5)
                self.archive.finish()
                self.store(2)
                self.update(arrives=arrives, answered=False)
                if is_gone:
                    self.ledger.with_name(".test.ledger.state").unlink()
                self.crash()
                self.update()
                self.archive.close()
                self.assertEqual((self.server.counted, self.wrong()), (7, []))

    def test_it_cannot_be_kept(self) -> None:
        """The old state goes, as it is not true any more; the server is asked."""
        self.store(5)
        self.update()
        state = self.ledger.with_name(".test.ledger.state")
        state.unlink()
        state.mkdir()
        self.store(2)
        self.update()
        self.crash()
        self.update()
        self.archive.close()
        self.assertEqual((self.server.counted, self.wrong()), (7, []))

    def test_a_report_of_nothing_new(self) -> None:
        """Keeps nothing: what it says is there."""
        self.store(5)
        self.update()
        state = self.ledger.with_name(".test.ledger.state")
        state.unlink()
        self.report()
        self.assertFalse(state.exists())
        self.store(1)
        self.report()
        self.assertTrue(state.exists())

    def report(self) -> None:
        """As the reporter does it."""
        total, _ = self.archive.tally.ping(self.clock.seconds())
        self.archive.tally.told(total)

    def test_another_job_has_the_folder_next(self) -> None:
        """What is known of the first one becomes a line of its own."""
        self.store(5)
        self.update()
        left = Path(self.mktemp())
        leave(self.folders.base_dir, left)
        self.archive.close()
        self.folders = anew(self.folders, base_dir=left)
        self.folders.begin()
        self.folders.open(job(8)).close()
        known = known_counters(self.ledger, 7)[7]
        self.assertEqual((known.counters, known.noted), (Counters(0, 5, 5), 5))
        self.assertEqual((self.counts(), self.wrong()), ({"update": 5}, []))
        self.archive = self.folders.open(job())
        self.update()
        self.archive.close()
        self.assertEqual(self.server.counted, 5)

    @settings(max_examples=60 * DEPTH, deadline=None)
    @given(st.lists(st.integers(0, 6), max_size=12))
    def test_any_order(self, acts: list[int]) -> None:
        """The server's counts, and those of the lines, add up to what is stored."""
        self.begin()
        for act in acts:
            match act:
                case 0 | 1:
                    self.store(act + 1)
                case 2:
                    self.update()
                case 3 | 4:
                    self.update(arrives=act == 3, answered=False)
                case 5:
                    self.archive.finish()
                case 6:
                    self.crash()
        self.update()
        self.archive.close()
        self.assertEqual(self.server.counted, self.stored)
        told_here = sum(line.get("count", 0) for line in told(self.ledger))
        self.assertEqual((told_here, self.wrong()), (self.stored, []))
