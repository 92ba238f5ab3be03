"""A process that stood still."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tcclient.stream.standstill import Standstill


class StandstillTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.standstill = self.begin(0.5)

    def begin(self, still: float) -> Standstill:
        standstill = Standstill(still, self.clock)
        standstill.begin()
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))
        self.addCleanup(standstill.end)
        return standstill

    def test_none(self) -> None:
        """While its timer goes off in time, and after that."""
        for _ in range(40):
            self.clock.advance(0.25)
            self.assertEqual(self.standstill.age, 0.0)
        self.standstill.end()
        self.assertEqual(self.standstill.age, 0.0)

    def test_a_standstill(self) -> None:
        """Until as much time has passed again, what is read may be as old."""
        self.clock.rightNow += 3.0  # nothing is called meanwhile
        for passed in (3.0, 4.0, 5.75):
            self.clock.pump([0.25] * round((passed - self.standstill.age) / 0.25))
            self.assertEqual(self.standstill.age, passed)
        self.clock.pump([0.25])
        self.assertEqual(self.standstill.age, 0.0)

    def test_the_timer_comes_first(self) -> None:
        """It notices as well as who reads."""
        self.clock.advance(3.0)
        self.assertEqual(self.standstill.age, 3.0)

    def test_one_after_the_other(self) -> None:
        """They are one, where not all that waited for the first had been read."""
        self.clock.rightNow += 1.0
        self.assertEqual(self.standstill.age, 1.0)
        self.clock.rightNow += 0.75
        self.assertEqual(self.standstill.age, 1.75)
        self.clock.pump([0.25] * 6)
        self.assertEqual(self.standstill.age, 3.25)
        self.clock.pump([0.25])
        self.assertEqual(self.standstill.age, 0.0)
        self.clock.rightNow += 1.0
        self.assertEqual(self.standstill.age, 1.0)

    def test_a_little_late(self) -> None:
        """Is no standstill."""
        self.clock.rightNow += 0.5
        self.assertEqual(self.standstill.age, 0.0)

    def test_never(self) -> None:
        """With 0 nothing is one."""
        self.standstill.end()
        standstill = self.begin(0.0)
        self.clock.rightNow += 100.0
        self.assertEqual(standstill.age, 0.0)
