"""How much of what was missed is asked for, and what has been seen before."""

from twisted.trial.unittest import SynchronousTestCase

from tcclient.twitter.backfill import MOST_IDS, Backfill


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

    def test_nothing_to_ask_for(self) -> None:
        """Before anything has come, after a stop, when it is not wanted, and once X refused it."""
        backfill = Backfill(wanted=True)
        self.assertEqual(backfill.minutes(0.0), 0)
        backfill.heard(0.0)
        backfill.closed()
        self.assertEqual(backfill.minutes(1.0), 0)
        backfill.heard(0.0)
        backfill.refused()
        self.assertEqual((backfill.minutes(1.0), backfill.on), (0, False))
        unwanted = Backfill(wanted=False)
        unwanted.heard(0.0)
        self.assertEqual(unwanted.minutes(1.0), 0)


class AgainTests(SynchronousTestCase):
    def test_seen_before(self) -> None:
        """A post is new once."""
        backfill = Backfill(wanted=True)
        self.assertEqual([backfill.is_new(id) for id in "abab"], [True, True, False, False])

    def test_not_wanted(self) -> None:
        """Nothing is remembered then, and everything is new."""
        backfill = Backfill(wanted=False)
        self.assertEqual([backfill.is_new(id) for id in "aa"], [True, True])

    def test_bounded(self) -> None:
        """The oldest ids are forgotten."""
        backfill = Backfill(wanted=True)
        for number in range(MOST_IDS + 1):
            backfill.is_new(str(number))
        self.assertTrue(backfill.is_new("0"))
        self.assertFalse(backfill.is_new(str(MOST_IDS)))
