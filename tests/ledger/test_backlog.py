"""Lines that a ledger could not take yet."""

import json

from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger.backlog import AT_ONCE, MOST_BYTES, MOST_LINES, Backlog
from tcclient.ledger.bookings import NotStored
from tcclient.ledger.entries import ClientStop
from tcclient.sources.twitter_v2.entries import ForeignPosts

NOW = 1_449_086_690.0


class BacklogTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.backlog = Backlog()

    def all(self) -> list[bytes]:
        """Take them all."""
        lines: list[bytes] = []
        while self.backlog:
            lines += self.backlog.first(NOW)
            self.backlog.taken()
        return lines

    def seen(self) -> list[int]:
        """The number in each line that is to be taken next."""
        lines = [json.loads(line) for line in self.backlog.first(NOW)]
        self.backlog.refused()
        return [line.get("pid") or line.get("lines") or len(line["by_rule"]) for line in lines]

    def test_in_order(self) -> None:
        """Each with its time and its job, until they are taken."""
        self.backlog.add(ClientStop(pid=1), None, NOW)
        self.backlog.add(ClientStop(pid=2), 7, NOW + 1)
        self.assertTrue(self.backlog)
        self.assertEqual(
            [json.loads(line) for line in self.backlog.first(NOW + 9)],
            [
                {"at": "2015-12-02T20:04:50.000Z", "kind": "client_stop", "pid": 1},
                {"at": "2015-12-02T20:04:51.000Z", "kind": "client_stop", "job": 7, "pid": 2},
            ],
        )
        self.backlog.taken()
        self.assertFalse(self.backlog)
        self.assertEqual(self.backlog.first(NOW), [])

    def test_some_at_a_time(self) -> None:
        """What is tried in vain again and again is bounded."""
        for pid in range(1, 2 * AT_ONCE + 2):
            self.backlog.add(ClientStop(pid=pid), None, NOW)
        for first, last in ((1, AT_ONCE), (AT_ONCE + 1, 2 * AT_ONCE), (201, 201)):
            self.assertEqual(self.seen(), list(range(first, last + 1)))
            self.backlog.first(NOW)
            self.backlog.taken()

    def test_what_comes_often_makes_room(self) -> None:
        """The oldest of that first; how many are gone is said before the others."""
        for pid in (1, 2):
            self.backlog.add(ClientStop(pid=pid), None, NOW)
            self.backlog.add(ForeignPosts(by_rule={"a": 1}), None, NOW)
        for _ in range(MOST_LINES - 4):
            self.backlog.add(ForeignPosts(by_rule={"a": 1, "b": 2, "c": 3}), None, NOW)
        self.assertEqual(self.seen()[:4], [1, 1, 2, 1])
        self.backlog.add(ClientStop(pid=9), None, NOW)
        self.assertEqual(self.seen()[:4], [1, 1, 2, 1])
        self.backlog.add(ClientStop(pid=9), None, NOW)
        self.assertEqual(self.seen()[:4], [2, 1, 2, 3])
        self.assertEqual(len(self.all()), MOST_LINES + 1)

    def test_what_comes_often_and_has_been_taken(self) -> None:
        """Is not there to make room any more."""
        self.backlog.add(ForeignPosts(by_rule={}), None, NOW)
        self.assertEqual(len(self.all()), 1)
        for pid in range(1, MOST_LINES + 2):
            self.backlog.add(ClientStop(pid=pid), None, NOW)
        self.assertEqual(self.seen()[:2], [1, 2])
        self.assertEqual(len(self.all()), MOST_LINES + 1)

    def test_what_does_not_come_often_goes_last(self) -> None:
        """But then it goes too."""
        for pid in range(1, MOST_LINES + 4):
            self.backlog.add(ClientStop(pid=pid), None, NOW)
        self.assertEqual(self.seen()[:3], [3, 4, 5])

    def test_what_is_being_written_stays(self) -> None:
        """What comes meanwhile, and finds no room, is counted in the lines behind it."""
        for pid in range(1, MOST_LINES + 2):
            self.backlog.add(ClientStop(pid=pid), None, NOW)
        written = self.backlog.first(NOW)
        self.backlog.add(ClientStop(pid=99_999), None, NOW)
        self.backlog.taken()
        self.assertEqual(self.seen()[:2], [1, AT_ONCE + 3])
        self.assertEqual(len(written + self.all()), MOST_LINES + 2)

    def test_bytes_are_bounded_too(self) -> None:
        """However few lines they are."""
        for _ in range(10):
            self.backlog.add(NotStored(posts=1, reason="x" * (MOST_BYTES // 4)), None, NOW)
        lines = self.all()
        self.assertEqual(len(lines), 4)
        self.assertEqual(json.loads(lines[0])["lines"], 7)
        self.assertLess(sum(map(len, lines)), MOST_BYTES)
