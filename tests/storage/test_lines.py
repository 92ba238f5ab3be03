"""Lines that wait for a disk, and are appended in order when it takes them."""

import errno
import json

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger.backlog import AT_ONCE, MOST_LINES
from tcclient.ledger.bookings import NotStored
from tcclient.runtime.wallclock import Date
from tcclient.storage.lane import Lane
from tcclient.storage.lines import Lines
from tests.storage.disk import Acts

FULL = OSError(errno.ENOSPC, "No space left on device")


class LinesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.acts = Acts()
        self.refusals: list[bool] = []
        self.there: list[bytes] = []
        self.batches: list[int] = []
        self.error: OSError | None = None
        lane = Lane(self.acts, self.clock, lambda: None)
        self.lines = Lines(self.appending, lane, lambda: Date(self.clock.seconds()), self.hear)
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))
        self.addCleanup(self.acts.do_all)

    def appending(self, lines: list[bytes], now: Date) -> "object":
        """What appends them, in a thread, unless the disk refuses that."""

        def act() -> None:
            if self.error is None:
                self.there += lines
                self.batches.append(len(lines))

        return act

    def hear(self, refusal: OSError | None) -> None:
        """Whether the disk refused."""
        self.refusals.append(refusal is not None)

    def add(self, posts: int) -> None:
        self.lines.add(NotStored(posts=posts, reason="a test"), 7)

    def posts(self) -> list[int]:
        """Of the lines that are there."""
        return [json.loads(line)["posts"] for line in self.there]

    def test_a_disk_that_takes_its_time(self) -> None:
        """Nobody waits for it; what comes meanwhile is appended together, behind the first."""
        for number in range(4):
            self.add(number)
            self.clock.advance(1)
        self.assertEqual(len(self.acts.waiting), 1)
        written = self.lines.written()
        self.acts.do()
        self.assertNoResult(written)
        self.acts.do()
        self.successResultOf(written)
        self.assertEqual((self.posts(), self.batches), ([0, 1, 2, 3], [1, 3]))
        self.assertEqual([json.loads(line)["at"][17:19] for line in self.there][-1], "03")

    def test_a_disk_that_refuses(self) -> None:
        """The lines wait for the next one, in order; who waits for them hears of it."""
        self.add(1)
        written = self.lines.written()
        self.acts.do(FULL)
        self.failureResultOf(written, OSError)
        self.there.clear()  # what fails has appended nothing
        self.assertEqual(self.acts.waiting, [])
        self.add(2)
        self.acts.do_all()
        self.assertEqual((self.posts(), self.refusals), ([1, 2], [True, False]))
        self.assertTrue(self.lines.was_refused)
        self.add(3)
        self.acts.do_all()
        self.assertFalse(self.lines.was_refused)

    def test_a_disk_that_hangs(self) -> None:
        """Memory is bounded: what found no room is counted in a line before the others."""
        for number in range(MOST_LINES + 3):
            self.add(number)
        self.assertEqual(len(self.acts.waiting), 1)
        self.acts.do_all()
        dropped = [json.loads(line) for line in self.there if b"lines_dropped" in line]
        self.assertEqual([line["lines"] for line in dropped], [3])
        self.assertEqual(json.loads(self.there[0])["posts"], 0)
        self.assertLessEqual(max(self.batches), AT_ONCE + 1)

    def test_a_call_without_lines(self) -> None:
        """Is made once, however often it is asked for meanwhile, and once more then."""
        for _ in range(3):
            self.lines.call()
        written = self.lines.written()
        self.acts.do_all()
        self.successResultOf(written)
        self.assertEqual(self.batches, [0, 0])

    def test_who_does_not_wait_any_more(self) -> None:
        """Is not told; all else is as ever."""
        self.add(1)
        written: Deferred[None] = self.lines.written()
        written.addErrback(lambda _: None)
        written.cancel()
        self.acts.do_all()
        self.assertEqual(self.posts(), [1])
