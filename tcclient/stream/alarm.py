"""
A wait that a sleep of the machine counts for, though the clock that timers go by stands still then.

Knows time; does not know what is waited for.
"""

from collections.abc import Callable, Sequence

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer


@implementer(IReactorTime)
class Alarm:
    """A clock whose newest delayed call comes earlier by what the machine has slept meanwhile."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._newest: IDelayedCall | None = None

    def seconds(self) -> float:
        """Return the time of the clock, in seconds."""
        return self._clock.seconds()

    def callLater(  # type: ignore[override]  # the interface names no `self`
        self, delay: float, call: Callable[..., object], *args: object, **kwargs: object
    ) -> IDelayedCall:
        """Have `call` called in so many seconds, in which the machine may sleep."""
        self._newest = self._clock.callLater(delay, call, *args, **kwargs)
        return self._newest

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        """Return the delayed calls of the clock."""
        return self._clock.getDelayedCalls()

    def slept(self, seconds: float) -> None:
        """Note that the machine has slept for so long."""
        if self._newest is not None and self._newest.active():
            left = self._newest.getTime() - self._clock.seconds()
            self._newest.reset(max(0.0, left - seconds))
