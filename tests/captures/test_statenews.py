"""Which of what a client knows of itself is news to its server."""

from typing import Any

from msgspec import structs
from twisted.trial.unittest import SynchronousTestCase

from tcclient.captures.statenews import BEAT, CLOCK_MOVED, HostNews, StateNews
from tcclient.control.reports import Host, State

ANTS = State(job=1, condition="closed", revision=1, reason="no stream for 5 s", total=5, rate=1.0)
BEES = State(job=2, condition="ok", revision=1)


class StateNewsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.news = StateNews()
        self.news.told([ANTS, BEES], [1, 2])

    def of(self, *, urgent: bool, **changes: Any) -> list[State]:
        """What is to be told once ants are otherwise."""
        return self.news.of([structs.replace(ANTS, **changes), BEES], urgent=urgent)

    def test_what_cannot_wait(self) -> None:
        for changes in ({"condition": "ok"}, {"revision": 2}, {"reason": "another"}):
            self.assertEqual(len(self.of(urgent=True, **changes)), 1, changes)

    def test_what_can(self) -> None:
        """Numbers, and those in a reason; the next poll brings them."""
        for changes in ({"total": 6}, {"rate": 2.0}, {"lag": 1.0}, {"reason": "no stream for 9 s"}):
            self.assertEqual(self.of(urgent=True, **changes), [], changes)
            self.assertEqual(len(self.of(urgent=False, **changes)), 1, changes)

    def test_nothing(self) -> None:
        for urgent in (True, False):
            self.assertEqual(self.of(urgent=urgent), [])

    def test_what_can_wait_beside_what_cannot(self) -> None:
        """It waits: numbers are told so often and no more."""
        ants, bees = structs.replace(ANTS, condition="ok"), structs.replace(BEES, total=3)
        self.assertEqual(self.news.of([ants, bees], urgent=True), [ants])
        self.assertEqual(self.news.of([ants, bees], urgent=False), [ants, bees])

    def test_a_job_that_comes_back(self) -> None:
        """What was told while it was here before is not what the server has."""
        self.news.told([], [1])
        self.assertEqual(self.news.of([ANTS, BEES], urgent=True), [BEES])


class HostNewsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.news = HostNews()
        self.host = Host(version="1", disk_free=500, disk_size=1000, clock_offset=0.0, cpu=0.1)
        self.news.told(self.host, 0.0)

    def is_news(self, now: float, **changes: Any) -> bool:
        """Whether a machine that is otherwise is to be told of."""
        return self.news.is_news(structs.replace(self.host, **changes), now)

    def test_the_beat(self) -> None:
        self.assertEqual([self.is_news(now) for now in (1.0, BEAT - 1, BEAT)], [False, False, True])

    def test_what_changes_much(self) -> None:
        """A hundredth of the disk, a second of the clock, another version; on both sides of it."""
        for changes, expected in (
            ({"disk_free": 490}, False),
            ({"disk_free": 489}, True),
            ({"disk_free": 511}, True),
            ({"disk_free": None}, False),
            ({"clock_offset": CLOCK_MOVED}, False),
            ({"clock_offset": -CLOCK_MOVED - 0.1}, True),
            ({"version": "2"}, True),
            ({"cpu": 0.9, "memory": 5}, False),
        ):
            self.assertEqual(self.is_news(1.0, **changes), expected, changes)
