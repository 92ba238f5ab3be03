"""Behaviour of the shared stream while the disk of one of its captures takes no posts."""

import json
import os
from contextlib import ExitStack

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger.entries import seconds
from tcclient.ledger.gaps import IN_FLIGHT
from tcclient.sources.twitter_v2.patience import MOST_AWAITED, REFILL, Patience
from tcclient.sources.twitter_v2.subscription import MOST_WAITING
from tcclient.stream.standstill import REST_OF_IT
from tests.peers import settle
from tests.sources.twitter_v2.test_sharedstream import SharedStreamTestCase, post
from tests.storage.disk import in_the_way

SIZE = 500_000
MORE = MOST_WAITING // SIZE + 5
"""So many large posts are more than may wait."""


class StateTests(SynchronousTestCase):
    """The patience with one capture."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.over = 0
        self.patience = Patience(self.clock, self._changed)

    def _changed(self) -> None:
        self.over += 1

    def test_it_ends(self) -> None:
        """Once, and from then on others are not held up."""
        self.patience.pause()
        self.clock.advance(MOST_AWAITED - 0.1)
        self.patience.pause()
        self.assertEqual((self.patience.is_awaited, self.over), (True, 0))
        self.clock.advance(0.1)
        self.assertEqual((self.patience.is_awaited, self.over), (False, 1))
        self.assertFalse(self.patience.is_well)
        self.patience.resume()
        self.assertTrue(self.patience.is_well)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_it_comes_back_slowly(self) -> None:
        """A disk that comes and goes holds the others up for a tenth of the time."""
        held = 0.0
        for _ in range(100):
            self.patience.pause()
            for _ in range(40):
                held += 0.25 if self.patience.is_awaited else 0.0
                self.clock.advance(0.25)
            self.patience.resume()
            self.clock.advance(10)
        self.assertLessEqual(held, MOST_AWAITED + REFILL * 1000 + 100 * 0.25)
        self.patience.resume()
        self.clock.advance(MOST_AWAITED / REFILL)
        self.patience.pause()
        self.clock.advance(MOST_AWAITED - 0.1)
        self.assertTrue(self.patience.is_awaited)
        self.patience.resume()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class OneDiskTests(SharedStreamTestCase):
    """The folder of the cats takes nothing for a while, that of the dogs does."""

    def setUp(self) -> None:
        super().setUp()
        self.stream(1, 2)
        self.lives(30)
        self.last = 0

    def both(self, size: int = 0) -> None:
        """A post for both, with so many bytes more."""
        self.last += 1
        line = json.loads(post(self.last, self.rule(1), self.rule(2)))
        self.peer.says(json.dumps({**line, "x": "x" * size}).encode() + b"\r\n")

    def dries_up(self, later: float = MOST_AWAITED) -> None:
        """
        The cats' posts are more than may wait, so many seconds after the others are read for again:
        by then what came before has been read.
        """
        self.both()
        self.goes(MOST_AWAITED + later)
        for _ in range(MORE):
            self.both(SIZE)

    def test_the_others_wait_for_so_long_only(self) -> None:
        """Then they are read for, what comes for it waits, and nothing is missed."""
        self.both()
        with in_the_way(self.base / "cats"), capturedLogs() as events:
            self.both()
            self.goes(MOST_AWAITED - 0.25)
            self.assertFalse(self.peer.transport.reading)
            self.goes(0.25)
            self.assertTrue(self.peer.transport.reading)
            for _ in range(20):
                self.both()
            self.assertEqual(self.disk.stored("dogs"), [*range(1, 23)])
        said = [formatEvent(event) or "" for event in events]
        self.assertEqual(len([text for text in said if "for the others" in text]), 1, said)
        self.goes(2)
        self.assertEqual(self.disk.stored("cats"), [*range(1, 23)])
        self.assertEqual([one["cause"] for one in self.disk.account("cats", "gap")], ["start"])

    def test_more_than_may_wait(self) -> None:
        """Is a gap with its cause and a number; the others have all, and it goes on by itself."""
        with in_the_way(self.base / "cats"), capturedLogs():
            self.dries_up()
            dry = self.clock.seconds()
            for _ in range(10):
                self.both()
                self.goes(1)
        self.goes(2)
        well = self.clock.seconds()
        self.both()
        (_, gap) = self.disk.account("cats", "gap")
        self.assertEqual(gap["cause"], "disk")
        self.assertEqual(seconds(gap["begin"]), dry - REST_OF_IT - IN_FLIGHT)
        self.assertTrue(well - 2 <= seconds(gap["end"]) <= well, gap)
        stored = self.disk.stored("cats")
        self.assertEqual(self.disk.stored("dogs"), [*range(1, self.last + 1)])
        (missed,) = self.disk.account("cats", "not_stored")
        self.assertEqual(missed["posts"], self.last - len(stored))
        self.assertEqual(stored, [*range(1, len(stored)), self.last])
        self.assertEqual(self.disk.account("dogs", "gap")[1:], [])

    def test_more_than_may_wait_of_what_came_before(self) -> None:
        """Posts that are read right after the pause may be as old as that."""
        with in_the_way(self.base / "cats"), capturedLogs():
            trouble = self.clock.seconds()
            self.dries_up(later=0.0)
            self.goes(1)
        self.goes(2)
        gap = self.disk.account("cats", "gap")[-1]
        self.assertEqual((gap["cause"], seconds(gap["begin"])), ("disk", trouble - IN_FLIGHT))

    def test_until_when_all_is_stored(self) -> None:
        """
        The file has the time of the last post that was taken, in case the client is killed; less
        what a long read may have left.
        """
        with in_the_way(self.base / "cats"), capturedLogs():
            self.dries_up()
            dry = self.clock.seconds()
            self.goes(5)
            self.both()
        self.goes(1)
        (file,) = self.base.glob("cats/*.tmp")
        self.assertEqual(file.stat().st_mtime, dry - REST_OF_IT)
        self.assertGreater(len(self.disk.stored("cats")), 20)

    def test_the_connection_ends_meanwhile(self) -> None:
        """The gap goes on until its posts come again and can be taken."""
        with in_the_way(self.base / "cats"), capturedLogs():
            self.dries_up()
            self.peer.closes()
            self.goes(1)
            self.peer.answers()
            self.both()
            self.goes(5)
            self.peer.closes()
        self.goes(2)
        self.assertEqual(len(self.disk.account("cats", "gap")), 1)
        self.peer.answers()
        self.both()
        self.assertEqual([one["cause"] for one in self.disk.account("cats", "gap")][1:], ["disk"])
        self.assertEqual(self.disk.stored("cats")[-1], self.last)

    def test_it_stops_meanwhile(self) -> None:
        """Its gap ends with it, and the number is in its account."""
        with in_the_way(self.base / "cats"), capturedLogs():
            self.dries_up()
            session = self.sessions.pop(1)
            halted = Deferred.fromCoroutine(session.halt("stopped"))
            settle(self.clock)
        self.goes(2)
        self.successResultOf(halted)
        session.retire()
        session.stopService()
        self.assertEqual(self.disk.account("cats", "gap")[-1]["cause"], "disk")
        (missed,) = self.disk.account("cats", "not_stored")
        self.assertEqual(missed["posts"], self.last - len(self.disk.stored("cats")))
        self.assertEqual(self.streaming(), [2])

    def test_the_process_dies_meanwhile(self) -> None:
        """What waited is lost with it, and lies in the gap that the next one ends."""
        self.both()
        self.goes(1)
        trouble = self.clock.seconds()
        with in_the_way(self.base / "cats"), capturedLogs():
            self.dries_up()
            self.goes(5)
        self.dies()
        for path in self.base.glob("cats/*.tmp"):
            os.utime(path, (trouble, trouble))  # when it was written last
        self.stream(1, 2)
        self.goes(1)
        self.peer.says(b"\r\n")
        gap = self.disk.account("cats", "gap")[-1]
        self.assertLessEqual(seconds(gap["begin"]), trouble)
        self.assertGreater(seconds(gap["end"]), self.clock.seconds() - 1)

    def test_all_of_them(self) -> None:
        """Nothing is read while nobody can take a post: X would bill what is lost."""
        with ExitStack() as stack, capturedLogs():
            for name in ("cats", "dogs"):
                stack.enter_context(in_the_way(self.base / name))
            self.both()
            self.goes(3 * MOST_AWAITED)
            self.assertFalse(self.peer.transport.reading)
        self.goes(2)
        self.assertTrue(self.peer.transport.reading)
        self.assertEqual((self.disk.stored("cats"), self.disk.stored("dogs")), ([1], [1]))

    def test_the_other_one_follows(self) -> None:
        """It is awaited in its turn: where both disks are full, hardly anything is read."""
        with ExitStack() as stack, capturedLogs():
            stack.enter_context(in_the_way(self.base / "cats"))
            self.both()
            self.goes(MOST_AWAITED)
            stack.enter_context(in_the_way(self.base / "dogs"))
            self.both()
            self.goes(3 * MOST_AWAITED)
            self.assertFalse(self.peer.transport.reading)
        self.goes(2)
        self.assertEqual((self.disk.stored("cats"), self.disk.stored("dogs")), ([1, 2], [1, 2]))
