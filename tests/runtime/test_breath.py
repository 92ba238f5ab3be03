"""Behaviour of the pauses within long work."""

import time

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.turns import LONGEST_TURN, Breath


def work(seconds: float) -> None:
    """Use that much of the CPU."""
    begun = time.thread_time()
    while time.thread_time() - begun < seconds:
        pass


class BreathTests(SynchronousTestCase):
    """By the CPU time of the thread, so that a busy machine changes nothing."""

    def test_short_work(self) -> None:
        """It goes on at once."""
        breath = Breath(Clock())
        self.successResultOf(Deferred.fromCoroutine(breath.pause()))

    def test_long_work(self) -> None:
        """The reactor turns, and the next turn is as long as the first."""
        clock = Clock()
        breath = Breath(clock)
        for _ in range(2):
            work(LONGEST_TURN)
            pause = Deferred.fromCoroutine(breath.pause())
            self.assertNoResult(pause)
            clock.advance(0)
            self.successResultOf(pause)
            self.successResultOf(Deferred.fromCoroutine(breath.pause()))

    def test_work_that_is_given_up(self) -> None:
        """Nothing is left of it."""
        clock = Clock()
        breath = Breath(clock)
        work(LONGEST_TURN)
        pause = Deferred.fromCoroutine(breath.pause())
        pause.cancel()
        self.failureResultOf(pause, CancelledError)
        self.assertEqual(clock.getDelayedCalls(), [])
