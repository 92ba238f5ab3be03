"""When the road between both ends stood still: this process had no processor, as under load."""

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from tests.faults.accounting import Span

BEAT = 0.02
LATE = 0.1
"""Seconds between two beats that are none of a machine with little to do."""


class Lateness:
    """`spans` has when nothing was handed on, though it may have come."""

    def __init__(self, clock: IReactorTime) -> None:
        self.spans: list[Span] = []
        self._clock = clock
        self._beaten = clock.seconds()
        self._timer = LoopingCall(self._beat)
        self._timer.clock = clock

    def begin(self) -> None:
        """Look from now on."""
        self._beaten = self._clock.seconds()
        self._timer.start(BEAT, now=False)

    def end(self) -> None:
        """Look no more."""
        self._timer.stop()

    def _beat(self) -> None:
        now = self._clock.seconds()
        if now - self._beaten > LATE:
            self.spans.append(Span(self._beaten, now))
        self._beaten = now
