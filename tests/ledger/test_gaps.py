"""When a capture has no stream: where gaps begin and end in one process."""

import attrs
from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger import entries
from tcclient.ledger.entries import moment
from tcclient.ledger.gaps import IN_FLIGHT, Coverage, Missing

NOON = 1_700_000_000.0
STALLED = Missing(NOON, "stall", "no byte came for 30 s", "cats")


class GapTests(SynchronousTestCase):
    def test_a_gap(self) -> None:
        """
        It has both ends, its length, why it began, and how often it was tried to end it.  What was
        on its way when it began is missing too; not where nothing had come yet.
        """
        coverage = Coverage()
        coverage.begins(STALLED)
        coverage.tried(503, "busy")
        coverage.tried(None, None)
        self.assertEqual(
            coverage.ends(NOON + 7.5, backfill=2),
            entries.Gap(
                begin=moment(NOON - IN_FLIGHT),
                end=moment(NOON + 7.5),
                seconds=7.5 + IN_FLIGHT,
                cause="stall",
                detail="no byte came for 30 s",
                attempts=2,
                keywords="cats",
                backfill=2,
            ),
        )

    def test_a_start(self) -> None:
        """Nothing had come before it."""
        gap = Coverage(Missing(NOON, "start", "the capture was started")).ends(NOON + 2)
        assert gap is not None
        self.assertEqual((gap.begin, gap.seconds), (moment(NOON), 2.0))

    def test_a_sleep_within(self) -> None:
        """It is in a gap of its own; what was missing before is missing again, and tried anew."""
        coverage = Coverage(STALLED)
        coverage.tried(503, "busy")
        asleep = Missing(NOON + 10, "sleep", "this machine slept", "cats")
        before, sleep = coverage.slept(NOON + 10, NOON + 99, asleep)
        self.assertEqual((before.cause, before.attempts), ("stall", 1))
        self.assertEqual((before.begin, before.end), (moment(NOON - IN_FLIGHT), moment(NOON + 10)))
        self.assertEqual((sleep.cause, sleep.attempts), ("sleep", 0))
        self.assertEqual((sleep.end, sleep.seconds), (moment(NOON + 99), 89 + IN_FLIGHT))
        self.assertEqual(coverage.missing, attrs.evolve(STALLED, begin=NOON + 99))

    def test_what_x_would_have_sent(self) -> None:
        """Since when; nothing where the capture was to begin, or X had no rule, or leave, of it."""
        self.assertIsNone(Coverage().missed(NOON))
        for cause, expected in (
            ("crash", 7.0 + IN_FLIGHT),
            ("client_stopped", 7.0 + IN_FLIGHT),
            ("stall", 7.0 + IN_FLIGHT),
            ("disk", 7.0 + IN_FLIGHT),
            ("start", None),
            ("rules", None),
            ("budget", None),
            ("switched", None),
        ):
            coverage = Coverage(Missing(NOON, cause, "it was so"))
            self.assertEqual(coverage.missed(NOON + 7), expected, cause)
            gap = coverage.ends(NOON + 7, backfill=1)
            assert gap is not None
            self.assertEqual(gap.backfill, None if expected is None else 1, cause)

    def test_what_the_last_attempt_said(self) -> None:
        """Its status, and the other side's words."""
        coverage = Coverage(STALLED)
        coverage.tried(None, None)
        coverage.tried(503, "busy")
        gap = coverage.ends(NOON + 1)
        assert gap is not None
        self.assertEqual((gap.status, gap.explanation), (503, "busy"))

    def test_one_gap_at_a_time(self) -> None:
        """What happens during a gap does not move its beginning; one that has ended is over."""
        coverage = Coverage()
        coverage.begins(STALLED)
        coverage.begins(attrs.evolve(STALLED, begin=NOON + 5, cause="closed"))
        gap = coverage.ends(NOON + 9)
        assert gap is not None
        self.assertEqual((gap.begin, gap.cause), (moment(NOON - IN_FLIGHT), "stall"))
        self.assertIsNone(coverage.ends(NOON + 10))

    def test_an_attempt_without_a_gap(self) -> None:
        """It changes nothing."""
        coverage = Coverage()
        coverage.tried(503, "busy")
        self.assertIsNone(coverage.missing)

    def test_the_clock_is_set_back(self) -> None:
        """No gap has less than no length."""
        gap = Coverage(STALLED).ends(NOON - 3600)
        assert gap is not None
        self.assertEqual((gap.begin, gap.end, gap.seconds), (*[moment(NOON - 3600)] * 2, 0.0))

    def test_the_clock_is_set_meanwhile(self) -> None:
        """The gap is as long as it was, and both its ends are by the new time."""
        for step in (3600.0, -3600.0):
            coverage = Coverage(STALLED)
            coverage.clock_stepped(step)
            gap = coverage.ends(NOON + step + 5)
            assert gap is not None
            begin = moment(NOON + step - IN_FLIGHT)
            self.assertEqual((gap.begin, gap.seconds), (begin, 5.0 + IN_FLIGHT))
            coverage.clock_stepped(step)
            self.assertIsNone(coverage.missing)
