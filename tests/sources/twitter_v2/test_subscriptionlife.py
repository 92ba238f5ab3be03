"""Behaviour of a subscription's states: what is told once, and what is not told any more."""

from typing import Any, cast

from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger.endings import LEFT, Ending
from tcclient.ledger.entries import Connected
from tcclient.sources.source import Subscriber
from tcclient.sources.twitter_v2.patience import Patience
from tcclient.sources.twitter_v2.subscription import Arrival
from tcclient.sources.twitter_v2.subscriptionlife import SWITCHED, new_subscription

CLOSED = Ending("closed", "the other side closed it", silent=2.0)


class Notes(Subscriber):
    """A capture that keeps what it, its archive and its capture log are told, in order."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.name = "cats"
        self.archive = cast(Any, self)
        self.capture_log = self

    def opened(self) -> None:
        """Keep that the stream is open."""
        self.told.append("opened")

    def note(self, entry: object) -> None:
        """Keep the kind of the line."""
        self.told.append(type(entry).__name__)

    def heard(self, backfill: int | None = None, after: float = 0.0) -> None:
        """Keep when posts begin to come."""
        self.told.append(("heard", after))

    def in_force(self, text: str | None, after: float, rules: tuple[str, ...]) -> None:
        """Keep which keywords are in force, and by which rules."""
        self.told.append(("in force", text, *rules))

    def written(self, ago: float) -> None:
        """Keep since how many seconds posts are missed only."""
        self.told.append(("written", ago))

    def unheard(self, ending: Ending) -> None:
        """Keep why nothing comes any more, and since how many seconds."""
        self.told.append((ending.cause, ending.silent))


class SubscriptionLifeTests(SynchronousTestCase):
    """The capture has asked for keywords."""

    def setUp(self) -> None:
        self.notes = Notes()
        self.clock = Clock()
        patience = Patience(self.clock, lambda: None)
        self.subscription = new_subscription(1, self.notes, self.clock, patience, lambda: 0.0)
        self.life = self.subscription.life
        self.life.want("cats", False, 0.0)

    def served(self, now: float, begins_in: float | None = None) -> None:
        """The posts come at `now`."""
        line = Connected(endpoint="stream", status=200, failed_attempts=0)
        self.life.serve(Arrival(now, line, begins_in, None))

    def told(self) -> list[object]:
        """What has been told since the last call."""
        told, self.notes.told = self.notes.told, []
        return told

    def test_the_posts_come_once(self) -> None:
        """That they still come is no news."""
        self.served(1.0, begins_in=3.0)
        self.served(2.0)
        self.assertEqual(self.told(), ["Connected", ("heard", 3.0), "opened"])

    def test_keywords_are_in_force_once(self) -> None:
        """And again when they have changed, but not before the posts come."""
        self.life.in_force(0.0, ("101",))
        self.served(1.0)
        self.told()
        for text in ("cats", "kittens"):
            self.life.want(text, False, 1.0)
            self.life.in_force(0.0, ("101",))
            self.life.in_force(0.0, ("101",))
            self.assertEqual(self.told(), [("in force", text, "101")])

    def test_nothing_is_lost_that_did_not_come(self) -> None:
        """Before the stream is open, and after it has ended."""
        self.life.lose(CLOSED)
        self.life.lack(1.0)
        self.assertEqual(self.told(), [])
        self.served(1.0)
        self.told()
        self.life.lose(CLOSED)
        self.life.lose(CLOSED)
        self.assertEqual(self.told(), [("closed", 2.0)])

    def test_rules_that_are_gone(self) -> None:
        """At most since they were seen last."""
        self.served(1.0)
        self.served(4.0)
        self.told()
        self.life.lack(9.0)
        self.assertEqual(self.told(), [("rules", 5.0)])

    def test_a_stop(self) -> None:
        """It is the reason, whatever becomes of the stream; nothing is told after it."""
        self.served(1.0)
        self.told()
        self.life.withdraw()
        self.life.lack(2.0)
        self.life.heard(None, 0.0)
        self.life.lose(SWITCHED)
        self.life.lose(CLOSED)
        self.served(3.0)
        self.assertEqual(self.told(), [("heard", 0.0), ("stopped", 0.0)])

    def test_a_stop_while_the_stream_ends_by_itself(self) -> None:
        """The ledger has the reason that there was."""
        for ending in (LEFT, CLOSED):
            self.life.want("cats", False, 0.0)
            self.served(1.0)
            self.told()
            self.life.withdraw()
            self.life.lose(ending)
            self.assertEqual(self.told(), [(ending.cause, ending.silent)])

    def test_the_sample_is_refused(self) -> None:
        """Once, also if its posts still come for a moment; they are not awaited then."""
        with capturedLogs() as logs:
            self.served(1.0)
            self.told()
            self.life.refuse()
            self.life.lose(SWITCHED)
            self.life.refuse()
            self.served(2.0)
        self.assertEqual(self.told(), ["SampleRefused", ("switched", 0.0)])
        self.assertEqual(len(logs), 1)
        self.life.admit()
        self.served(3.0)
        self.assertEqual(self.told(), ["Connected", "opened"])

    def test_too_many_wait_for_the_disk(self) -> None:
        """The posts are missed until it has taken them, whatever becomes of the stream."""
        self.served(1.0)
        self.told()
        with capturedLogs() as logs:
            self.life.overflow(0.0)
            self.life.overflow(0.0)
        self.assertEqual((self.told(), len(logs)), ([("disk", 0.0)], 1))
        self.subscription.missed = 3
        self.clock.advance(5)
        self.life.lose(CLOSED)
        self.served(6.0)
        self.life.heard(None, 0.0)
        self.assertEqual((self.told(), self.subscription.is_reached), ([], True))
        self.life.refill()
        self.assertEqual(self.told(), ["NotStored", ("written", 5.0)])
        self.served(7.0, begins_in=0.0)
        self.assertEqual(self.told(), ["Connected", ("heard", 0.0), "opened"])

    def test_it_stops_or_is_refused_while_too_many_wait(self) -> None:
        """The number is told, and it begins anew as any other does."""
        for leave in (self.life.withdraw, self.life.refuse):
            self.life.admit()
            self.life.want("cats", False, 0.0)
            self.served(1.0)
            with capturedLogs():
                self.life.overflow(0.0)
                self.subscription.missed = 3
                self.told()
                leave()
            self.assertEqual(self.told()[0], "NotStored")
            self.assertFalse(self.subscription.is_reached)
            self.life.refill()
            self.assertEqual(self.told(), [])
