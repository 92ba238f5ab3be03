"""How much of what was missed is asked for, and what has been stored before."""

from collections.abc import Sequence

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from tcclient.sources.twitter_v2.backfill import LATE, MOST_IDS, MOST_MINUTES, Backfill
from tcclient.storage.archive import StoredCapture


@attrs.define
class Capture(StoredCapture):
    """What an earlier process has left of a capture; `ids` are those of the posts it has stored."""

    missed: float | None = 3.0
    job_id: int = 1
    ids: Sequence[str] | Deferred[list[str]] = ()
    asked: list[float] = attrs.field(factory=list)

    def newest_ids(self, seconds: float) -> Deferred[list[str]]:
        """Note for how many seconds they are asked for, and return them."""
        self.asked.append(seconds)
        return self.ids if isinstance(self.ids, Deferred) else succeed(list(self.ids))


class MinutesTests(SynchronousTestCase):
    def test_of_a_gap(self) -> None:
        """Whole minutes that cover it, one at least, five at most."""
        backfill = Backfill(wanted=True)
        backfill.heard(1000.0)
        table = (
            (0.0, 1),
            (0.1, 1),
            (60.0, 1),
            (60.1, 2),
            (240.1, 5),
            (300.0, 5),
            (9999.0, 5),
            (-5.0, 1),
        )
        for gap, minutes in table:
            self.assertEqual(backfill.minutes(1000.0 + gap), minutes, gap)

    def test_of_a_sleep(self) -> None:
        """The machine slept, and its clock stood still: it counts as well."""
        backfill = Backfill(wanted=True)
        backfill.slept(1e6)  # nothing was missed yet
        backfill.heard(1000.0)
        backfill.slept(100.0)
        self.assertEqual(backfill.minutes(1001.0), 2)

    def test_of_what_an_earlier_process_has_missed(self) -> None:
        """The longest counts, together with what has gone by since; and only until posts come."""
        for missed, minutes in (
            ((3.0,), 1),
            ((59.0,), 2),
            ((3.0, 100.0, 70.0), 2),
            ((1e9,), 5),
            ((-1e9,), 1),  # the clock was set
            ((None,), 0),
            ((None, 3.0), 1),
        ):
            backfill = Backfill(wanted=True)
            for each in missed:
                backfill.resume(Capture(each), 0.0)
            self.assertEqual(backfill.minutes(2.0), minutes, missed)
            backfill.heard(2.0)
            self.assertEqual(backfill.minutes(3.0), 1)

    def test_nothing_to_ask_for(self) -> None:
        """Before anything has come, after a stop, when it is not wanted, and once X refused it."""
        backfill = Backfill(wanted=True)
        self.assertEqual(backfill.minutes(0.0), 0)
        backfill.heard(0.0)
        backfill.closed()
        self.assertEqual(backfill.minutes(1.0), 0)
        backfill.heard(0.0)
        backfill.refused()
        self.assertEqual(backfill.minutes(1.0), 0)
        unwanted = Backfill(wanted=False)
        unwanted.heard(0.0)
        unwanted.resume(Capture(), 0.0)
        self.assertEqual(unwanted.minutes(1.0), 0)


class AgainTests(SynchronousTestCase):
    def test_seen_before(self) -> None:
        """A post is new once, and what comes again is counted."""
        backfill, takers = Backfill(wanted=True), [1]
        found = [backfill.who_lacks(id, takers) for id in "abab"]
        self.assertEqual((found, backfill.again), ([takers, takers, None, None], 2))

    def test_for_nobody(self) -> None:
        """It is new once all the same."""
        backfill = Backfill(wanted=True)
        self.assertEqual([backfill.who_lacks(id, []) for id in "aa"], [[], None])

    def test_not_wanted(self) -> None:
        """Nothing is remembered then, and everything is new."""
        backfill, takers = Backfill(wanted=False), [1]
        self.assertEqual([backfill.who_lacks(id, takers) for id in "aa"], [takers, takers])

    def test_bounded(self) -> None:
        """The oldest ids are forgotten."""
        backfill = Backfill(wanted=True)
        for number in range(MOST_IDS + 1):
            backfill.who_lacks(str(number), [])
        self.assertIsNotNone(backfill.who_lacks("0", []))
        self.assertIsNone(backfill.who_lacks(str(MOST_IDS), []))


class StoredTests(SynchronousTestCase):
    """What an earlier process has stored."""

    def test_for_each_capture(self) -> None:
        """A post is stored for those that have not got it."""
        backfill = Backfill(wanted=True)
        cats, dogs = Capture(ids="abc", job_id=1), Capture(ids="bcd", job_id=2)
        for capture in (cats, dogs):
            backfill.resume(capture, 0.0)
        self.assertEqual(
            [backfill.who_lacks(id, [1, 2]) for id in "abde"],
            [[2], None, [1], [1, 2]],
        )
        self.assertEqual([backfill.who_lacks(id, [1, 2]) for id in "abde"], [None] * 4)
        self.assertEqual(backfill.again, 5)

    def test_how_far_back(self) -> None:
        """As far as X sends anything, and some posts come late; nothing where none is missed."""
        backfill = Backfill(wanted=True)
        cats, dogs = Capture(), Capture(missed=None)
        for capture in (cats, dogs):
            backfill.resume(capture, 0.0)
        self.assertEqual((cats.asked, dogs.asked), ([MOST_MINUTES * 60 + LATE], []))

    def test_not_wanted(self) -> None:
        """Nobody looks."""
        cats = Capture()
        Backfill(wanted=False).resume(cats, 0.0)
        self.assertEqual(cats.asked, [])

    def test_known_in_time(self) -> None:
        """Whoever is about to connect can wait for it, and may give up."""
        backfill, cats = Backfill(wanted=True), Capture(ids=Deferred())
        self.successResultOf(backfill.when_recalled())
        backfill.resume(cats, 0.0)
        given_up, waiting = backfill.when_recalled(), backfill.when_recalled()
        given_up.cancel()
        self.failureResultOf(given_up)
        self.assertNoResult(waiting)
        cats.ids.callback(["a"])
        self.successResultOf(waiting)
        self.assertIsNone(backfill.who_lacks("a", [cats.job_id]))

    def test_cannot_be_known(self) -> None:
        """The log says so, and the capture goes on."""
        backfill, cats = Backfill(wanted=True), Capture(ids=Deferred())
        backfill.resume(cats, 0.0)
        waiting = backfill.when_recalled()
        cats.ids.errback(MemoryError())
        self.successResultOf(waiting)
        self.assertEqual(len(self.flushLoggedErrors(MemoryError)), 1)
