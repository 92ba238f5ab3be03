"""What may be early is done together."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.timers import GRID, PATIENT, Together


class TogetherTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.together = Together(self.clock)
        self.addCleanup(lambda: self.assertEqual(self.together.getDelayedCalls(), []))

    def due(self, *delays: float) -> list[float]:
        """When calls come that are to come in so many seconds."""
        came: list[float] = []
        for delay in delays:
            self.together.callLater(delay, lambda: came.append(self.clock.seconds()))
        while calls := self.together.getDelayedCalls():
            self.clock.rightNow = min(call.getTime() for call in calls)
            self.clock.advance(0)
        return came

    def test_patient_ones_come_in_one_turn(self) -> None:
        """Those that are due within the same GRID, never after they are due."""
        self.clock.advance(0.01)
        self.assertEqual(self.due(1.0, 1.1, 1.9, 2.0), [1.0] * 3 + [2.0])

    def test_the_others_come_in_time(self) -> None:
        """Nobody waits for what is due soon."""
        self.clock.advance(0.01)
        self.assertEqual(self.due(0.0, 0.1), [0.01, 0.01 + 0.1])
        self.assertGreaterEqual(PATIENT, GRID)

    def test_what_is_due_at_such_a_moment(self) -> None:
        """It comes then."""
        self.assertEqual(self.due(1.0, 2.0), [1.0, 2.0])

    def test_what_is_done_each_second(self) -> None:
        """Whenever it was begun, all of it is done in one turn from its second time on."""
        came: dict[str, list[float]] = {"a": [], "b": []}

        def again(name: str) -> None:
            came[name].append(self.clock.seconds())
            if len(came[name]) < 4:
                self.together.callLater(1.0, again, name)

        self.together.callLater(1.0, again, "a")
        self.clock.advance(0.4)
        self.together.callLater(1.0, again, "b")
        self.clock.pump([0.1] * 60)
        self.assertEqual(came["a"], came["b"])
        self.assertEqual(len(came["a"]), 4)

    def test_it_can_be_cancelled(self) -> None:
        """As with any clock."""
        self.together.callLater(1.0, self.fail).cancel()
        self.assertEqual(self.due(), [])
