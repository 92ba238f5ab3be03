"""How much of what was missed is asked for."""

from twisted.trial.unittest import SynchronousTestCase

from tcclient.sources.twitter_v2.backfill import Backfill


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
                backfill.resume(each, 0.0)
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
        unwanted.resume(3.0, 0.0)
        self.assertEqual(unwanted.minutes(1.0), 0)
