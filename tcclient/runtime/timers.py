"""
Delayed calls by name, and those that may be a little early, which are done together so that the
process wakes up once for all of them.  Knows when something is to be done, not what.
"""

import math
from collections.abc import Callable, Sequence

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer


class Timers:
    """Delayed calls of one clock, at most one of each name."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._calls: dict[str, IDelayedCall] = {}

    def start(self, name: str, seconds: float, act: Callable[[], object]) -> None:
        """Call `act` in `seconds`, unless a call of that name is already waiting."""
        if name not in self._calls:
            self._calls[name] = self._clock.callLater(seconds, self._ring, name, act)

    def waits(self, name: str) -> bool:
        """Return whether a call of that name is waiting."""
        return name in self._calls

    def stop(self, *names: str) -> None:
        """Cancel the calls of these names that are waiting."""
        for name in names:
            call = self._calls.pop(name, None)
            if call is not None:
                call.cancel()

    def _ring(self, name: str, act: Callable[[], object]) -> None:
        del self._calls[name]
        act()


GRID = 1.0
"""
Seconds between two moments at which things are done that may be early by that: what is done each
second, for several captures, then is done in one turn of the reactor.
"""

PATIENT = 1.0
"""Seconds.  What is to be done in less is done in time."""


@implementer(IReactorTime)
class Together:
    """
    A clock whose delayed calls of PATIENT seconds or more come at the last multiple of GRID before
    they are due.  Not for a LoopingCall, which would go round when it is early and again in time.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock

    def seconds(self) -> float:
        """Return the time of the clock, in seconds."""
        return self._clock.seconds()

    def callLater(  # type: ignore[override]  # the interface names no `self`
        self, delay: float, call: Callable[..., object], *args: object, **kwargs: object
    ) -> IDelayedCall:
        """Have `call` called in so many seconds, or up to GRID earlier."""
        if delay >= PATIENT:
            now = self._clock.seconds()
            delay = math.floor((now + delay) / GRID) * GRID - now
        return self._clock.callLater(delay, call, *args, **kwargs)

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        """Return the delayed calls of the clock."""
        return self._clock.getDelayedCalls()
