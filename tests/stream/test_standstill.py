"""A process that stood still."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tcclient.stream.standstill import LOOK, REST_OF_IT, Standstill

STILL = 0.5
LATE = LOOK + STILL
"""Seconds after which the timer is later than it ever is."""


class StandstillTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.standstill = self.begin(STILL)

    def begin(self, still: float) -> Standstill:
        standstill = Standstill(still, self.clock)
        standstill.begin()
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))
        self.addCleanup(standstill.end)
        return standstill

    def stand(self, seconds: float) -> None:
        """Let nothing run for so long, not even the timer."""
        self.clock.rightNow += seconds

    def test_none(self) -> None:
        """While its timer goes off in time, and after that."""
        for _ in range(40):
            self.clock.advance(0.25)
            self.assertEqual(self.standstill.age, 0.0)
        self.standstill.end()
        self.assertEqual(self.standstill.age, 0.0)

    def test_it_wakes_the_process_seldom(self) -> None:
        """However often something is read, the timer goes off once each LOOK seconds."""
        due = {call.getTime() for call in self.clock.getDelayedCalls()}
        self.assertEqual(due, {LOOK})
        self.clock.advance(LOOK / 2)
        self.standstill.read(is_all=True)
        self.assertEqual({call.getTime() for call in self.clock.getDelayedCalls()}, due)

    def test_a_standstill(self) -> None:
        """Until as much time has passed again, what is read may be as old."""
        self.stand(3.0)
        self.standstill.read(is_all=False)
        for passed in (3.0, 4.0, 5.75):
            while self.standstill.age < passed:
                self.clock.pump([0.25])
                self.standstill.read(is_all=False)
            self.assertEqual(self.standstill.age, passed)
        self.clock.pump([0.25])
        self.assertEqual(self.standstill.age, 0.0)

    def test_the_timer_comes_first(self) -> None:
        """It notices as well as who reads."""
        self.clock.advance(3.0)
        self.assertEqual(self.standstill.age, 3.0)
        self.standstill.read(is_all=False)
        self.assertEqual(self.standstill.age, 3.0)

    def test_until_all_is_read(self) -> None:
        """Soon after a read that leaves nothing what comes is new, even if the timer is late."""
        self.stand(3.0)
        self.standstill.read(is_all=True)
        self.clock.advance(0.0)
        self.assertEqual(self.standstill.age, 3.0)
        self.clock.pump([REST_OF_IT / 2] * 2)
        self.assertEqual(self.standstill.age, 0.0)

    def test_one_after_the_other(self) -> None:
        """They are one, where not all that waited for the first had been read."""
        self.stand(2.0)
        self.standstill.read(is_all=False)
        self.stand(2.0)
        self.standstill.read(is_all=False)
        self.assertEqual(self.standstill.age, 4.0)

    def test_between_two_signs(self) -> None:
        """
        Nobody can tell a short one from a time in which nothing came.  Before a read that may have
        left something it counts, from the last sign but one on; before others it does not matter.
        """
        for passed, is_all, age in (
            (STILL + 0.25, True, 0.0),
            (STILL + 0.25, False, STILL + 0.25),
            (STILL, False, 0.0),
        ):
            self.standstill.end()
            self.standstill = self.begin(STILL)
            self.stand(passed)
            self.standstill.read(is_all=is_all)
            self.assertEqual(self.standstill.age, age)

    def test_a_timer_that_goes_off_right_before_the_read(self) -> None:
        """It proves nothing of the time before."""
        self.clock.advance(LOOK)
        self.standstill.read(is_all=False)
        self.assertEqual(self.standstill.age, LOOK)

    def test_much_at_once_on_a_quiet_stream(self) -> None:
        """Nothing older than the last sign but one can have waited: that long nothing came."""
        self.clock.pump([0.25] * 50)
        self.standstill.read(is_all=False)
        self.assertLessEqual(self.standstill.age, 2 * LOOK)

    def test_a_little_late(self) -> None:
        """Is no standstill."""
        self.stand(LATE)
        self.clock.advance(0.0)
        self.assertEqual(self.standstill.age, 0.0)

    def test_never(self) -> None:
        """With 0 nothing is one."""
        self.standstill.end()
        standstill = self.begin(0.0)
        self.stand(100.0)
        standstill.read(is_all=False)
        self.assertEqual(standstill.age, 0.0)
