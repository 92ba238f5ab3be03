"""
Has what may be a little early be done together, so that the process wakes up once for all of it.

Knows time; does not know what is done.
"""

import math
from collections.abc import Callable, Sequence

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

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
