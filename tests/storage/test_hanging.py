"""A disk that neither takes nor refuses anything: what waits for it, for how long, and how much."""

import threading
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tcclient.control.jobs import Job, Status
from tcclient.ledger.bookings import DiskTrouble
from tcclient.storage.answering import Knocking
from tcclient.storage.diskuse import DiskUse
from tcclient.storage.ending import LAST_TRY
from tcclient.storage.folders import CannotStore
from tcclient.storage.lane import PATIENCE, Lane
from tcclient.storage.pausing import MOST_WAITING_FOR_DISK
from tests.storage.disk import Acts, contents
from tests.storage.test_archive import ArchiveCase, job
from tests.storage.test_files import FilesCase
from tests.storefolders import anew


class LaneTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.acts = Clock(), Acts()
        self.changes: list[bool] = []
        self.lane = Lane(self.acts, self.clock, lambda: self.changes.append(self.lane.is_slow))
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))

    def run_(self, act: "object") -> Deferred[object]:
        return Deferred.fromCoroutine(self.lane.run(lambda: act))

    def test_one_at_a_time(self) -> None:
        """However long the first takes, only one thread waits."""
        done = [self.run_(number) for number in range(3)]
        for number, one in enumerate(done):
            self.assertEqual(len(self.acts.waiting), 1)
            self.assertNoResult(one)
            self.acts.do()
            self.assertEqual(self.successResultOf(one), number)

    def test_a_disk_that_does_not_answer(self) -> None:
        """It counts as slow after PATIENCE, until it answers, be it with a refusal."""
        refused = self.run_(1)
        self.clock.advance(PATIENCE - 0.1)
        self.assertEqual(self.changes, [])
        self.clock.advance(0.1)
        self.assertEqual(self.changes, [True])
        self.acts.do(OSError())
        self.failureResultOf(refused, OSError)
        self.assertEqual(self.changes, [True, False])


class WritingTests(FilesCase):
    """Posts for a disk that hangs."""

    def setUp(self) -> None:
        self.acts = Acts()
        self.use = DiskUse(writing=self.acts)
        super().setUp()
        self.addCleanup(self.acts.do_all)
        self.addCleanup(self.files.finish)

    def test_posts_that_come_meanwhile(self) -> None:
        """Are written together, behind the first; none counts before it is in the file."""
        self.write(b"a")
        for post in (b"b", b"c"):
            self.write(post)
        self.assertEqual((len(self.acts.waiting), self.files.waiting.posts), (1, 3))
        self.assertEqual((self.book.posts, self.files.unfinished), (0, 0))
        for _ in range(3):  # the folder, the file, the posts
            self.acts.do()
        self.assertEqual((self.book.posts, self.files.waiting.posts), (1, 2))
        self.acts.do_all()
        self.assertEqual((self.book.posts, self.files.unfinished), (3, 3))
        self.files.finish()
        self.acts.do_all()
        self.assert_files(_1230=b"a\nb\nc\n")

    def test_memory(self) -> None:
        """Nothing more is read with MOST_WAITING_FOR_DISK, nor after PATIENCE, until it answers."""
        for size, wait in ((MOST_WAITING_FOR_DISK, 0.0), (1, PATIENCE)):
            self.book.said.clear()
            self.write(b"x" * size)
            self.clock.advance(wait)
            self.assertTrue(self.book.is_paused)
            said = [f"troubled: it has not answered for {PATIENCE:g} s"] if wait else []
            self.assertEqual(self.book.said, said)
            self.acts.do_all()
            self.assertFalse(self.book.is_paused)
            self.assertEqual(self.files.waiting.posts, 0)

    def test_a_slot_that_ends_meanwhile(self) -> None:
        """Each post is in the file of its arrival."""
        self.write(b"a")
        self.clock.advance(600)
        self.write(b"b")
        self.acts.do_all()
        self.files.finish()
        self.acts.do_all()
        self.assert_files(_1230=b"a\n", _1240=b"b\n")

    def test_who_waits(self) -> None:
        """For what there is to be written: until it is, or the disk has not answered for long."""
        self.write(b"a")
        written = self.files.written()
        self.assertNoResult(written)
        self.acts.do_all()
        self.successResultOf(written)
        self.write(b"b")
        written = self.files.written()
        self.clock.advance(PATIENCE)
        self.successResultOf(written)
        self.assertEqual(self.files.waiting.posts, 1)

    def test_giving_up(self) -> None:
        """Who waits need not, and what the disk does after all is not counted here any more."""
        self.write(b"a")
        finished, written = self.files.finish(), self.files.written()
        for _ in range(2):
            self.acts.do()
        self.write(b"b")
        self.assertEqual(self.files.give_up(), 2)
        self.successResultOf(finished)
        self.successResultOf(written)
        self.acts.do_all()
        self.assertEqual((self.book.posts, self.acts.waiting), (0, []))
        self.assertEqual(contents(self.folder), {"test19971030_1230.json.tmp": b"a\n"})
        self.successResultOf(self.files.finish())


class LeavingTests(ArchiveCase):
    """The process ends while a disk hangs."""

    def setUp(self) -> None:
        super().setUp()
        self.acts = Acts()
        self.folders = anew(self.folders, use=DiskUse(writing=self.acts))
        self.archive = self.folders.open(job())
        self.acts.do_all()
        self.addCleanup(self.acts.do_all)
        self.addCleanup(self.archive.close)

    def test_in_time(self) -> None:
        """LAST_TRY after the disk took something last; the log says what is left."""
        self.archive.store([b"{}"] * 2)
        finished = self.archive.finish()
        self.archive.leave()
        self.clock.advance(LAST_TRY - 0.1)
        while not self.archive.tally.posts:
            self.acts.do()
        self.archive.store([b"{}"] * 5)
        self.clock.advance(LAST_TRY - 0.1)
        self.assertNoResult(finished)
        with capturedLogs() as events:
            self.clock.advance(0.2)
        self.successResultOf(finished)
        self.assertTrue(self.archive.is_given_up)
        self.assertEqual([(e["log_level"], e["posts"]) for e in events], [(LogLevel.error, 5)])
        self.successResultOf(self.archive.close())

    def test_nothing_to_wait_for(self) -> None:
        """It is closed at once, and nothing is given up."""
        self.archive.leave()
        closed = self.archive.close()
        self.acts.do_all()
        self.successResultOf(closed)
        self.clock.advance(2 * LAST_TRY)
        self.assertFalse(self.archive.is_given_up)

    def test_a_ledger_that_hangs(self) -> None:
        """Does not keep the process either."""
        self.archive.note(DiskTrouble(reason="a test"))
        self.archive.leave()
        closed = self.archive.close()
        self.clock.advance(LAST_TRY)
        self.successResultOf(closed)

    def test_what_is_told(self) -> None:
        """Nothing that a disk could not keep: whoever dies then would know less than the server."""
        self.archive.store([b"{}"] * 2)
        said = Deferred.fromCoroutine(self.archive.all_said())
        self.clock.advance(2)
        self.assertFalse(self.successResultOf(said))
        said = Deferred.fromCoroutine(self.archive.all_said())
        self.acts.do_all()
        self.assertTrue(self.successResultOf(said))
        self.archive.tally.ping(self.clock.seconds())
        said = Deferred.fromCoroutine(self.archive.all_said())
        self.clock.advance(2)
        self.assertFalse(self.successResultOf(said))


class OpeningTests(ArchiveCase):
    def test_a_disk_that_does_not_answer(self) -> None:
        """The job cannot be stored, which is said; the next attempt finds out anew."""
        silent = {self.base / "test"}
        use = DiskUse(silent=lambda folders: silent.intersection(folders))
        self.folders = anew(self.folders, use=use)
        self.folders.begin()
        error = self.assertRaises(CannotStore, self.folders.open, job())
        self.assertIn("its disk does not answer", str(error))
        self.folders.open(Job(8, "other", Status.STARTED, "a", None, 1, False, None)).close()
        silent.clear()
        self.folders.open(job()).close()


class KnockingTests(SynchronousTestCase):
    def test_each_answer(self) -> None:
        """A disk that is there, or refuses, answers; one that hangs is not asked twice."""
        here, hanging = Path(self.mktemp()), Path("hanging")
        here.mkdir()
        answer, asked = threading.Event(), []

        def knock(folder: Path) -> None:
            asked.append(folder)
            if folder == hanging:
                answer.wait(60)
            folder.lstat()

        silent = Knocking(knock)
        self.assertEqual(silent([here, hanging, here / "none"]), {hanging})
        self.assertEqual(silent([hanging, here]), {hanging})
        self.assertEqual(asked.count(hanging), 1)
        answer.set()
        while silent([hanging]):
            pass
        self.assertEqual(silent([here]), set())
