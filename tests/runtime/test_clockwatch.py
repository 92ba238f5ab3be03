"""That somebody looks whether the clock was set, also when the reactor's timers stand still."""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.clockwatch import TICK, ClockWatch
from tests.marks import Need, needs
from tests.peers import EPOCH
from tests.runtime.test_steady import HOUR, Wall

LIMIT = 20.0
"""Seconds that the thread is waited for; it takes half of one."""


class Reactor(Clock):
    """Time as the test says, and what threads want to be called."""

    def __init__(self) -> None:
        super().__init__()
        self.rightNow = EPOCH
        self.wanted: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def callFromThread(self, callable: Any) -> None:
        """Keep what a thread wants to be called, for the test to call it."""
        self.wanted.put(callable)


class ClockWatchTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = Reactor()
        self.wall = Wall(self.reactor)
        self.steps: list[float] = []
        self.wall.times.on_step(self.steps.append)
        self.watch = ClockWatch(self.wall.times)
        self.watch.startService()
        self.addCleanup(self.stop)

    def stop(self) -> None:
        """Stop, where that has not been done, and see that nothing is left."""
        if self.watch.running:
            self.watch.stopService()
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertNotIn("clock watch", [thread.name for thread in threading.enumerate()])

    def test_forward(self) -> None:
        """What had time left is not done at once: the watch's own timer comes first."""
        self.wall.times.steady.callLater(TICK + 0.1, self.steps.append, 0.0)
        self.wall.set(HOUR)
        self.reactor.advance(0)
        self.reactor.advance(0)
        self.assertEqual(self.steps, [HOUR])
        self.reactor.advance(TICK + 0.1)
        self.assertEqual(self.steps, [HOUR, 0.0])

    @needs(Need.SECONDS)
    def test_back(self) -> None:
        """The thread looks while no timer goes off."""
        self.wall.set(-HOUR)
        self.reactor.advance(TICK)
        self.assertEqual(self.steps, [])
        self.reactor.wanted.get(timeout=LIMIT)()
        self.reactor.advance(0)
        self.assertEqual(self.steps, [-HOUR])

    @needs(Need.SECONDS)
    def test_it_goes_on(self) -> None:
        """Step after step is noticed, by the timer and by the thread."""
        for _ in range(2):
            self.wall.set(HOUR)
            self.reactor.advance(TICK)
            self.reactor.advance(0)
            self.wall.set(-HOUR)
            self.reactor.wanted.get(timeout=LIMIT)()
            self.reactor.advance(0)
        self.assertEqual(self.steps, [HOUR, -HOUR] * 2)

    def test_stopped_and_started(self) -> None:
        """Stopped, it leaves neither thread nor timer; started again, it looks again."""
        self.watch.stopService()
        self.stop()
        self.watch.startService()
        self.wall.set(HOUR)
        self.reactor.advance(TICK)
        self.reactor.advance(0)
        self.assertEqual(self.steps, [HOUR])
