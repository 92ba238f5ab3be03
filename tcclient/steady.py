"""
Time that does not jump when the machine's clock is set.

Twisted's timers follow the wall clock: set back by an hour it freezes all of them for that hour,
and set forward it makes all of them go off at once.  Knows when that has happened and puts them
right; somebody has to call look() often, which `clockwatch` does.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import attrs
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

log = Logger()

LEAST = 1.0
"""Seconds.  A smaller step puts no timer off by more than that, and is followed in silence."""

APART = 0.1
"""Seconds that two readings may be apart for what is read between them to mean anything."""


@attrs.define
class Offset:
    """How far the wall clock is ahead of the steady one, in seconds, as it was read last.  Pure."""

    seconds: float

    def read(self, before: float, wall: float, after: float) -> float:
        """
        The wall clock showed `wall` between two readings of the steady one.  Returns by how many
        seconds it has been set since the last time, negative for back; 0.0 where it has not, or
        where the process was held up in between, so that nothing follows.
        """
        if after - before > APART:
            return 0.0
        moved = wall - before - self.seconds
        self.seconds += moved
        return moved if abs(moved) > LEAST else 0.0


class Times:
    """
    Two clocks over one `reactor`: `wall` is for dates and names, `steady`, which only ever goes on,
    for durations.  What is to be called later, through either, keeps the time that it has left
    when the wall clock is set.
    """

    def __init__(
        self, reactor: IReactorTime, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.reactor = reactor
        self.wall: IReactorTime = _Clock(reactor.seconds, self)
        self.steady: IReactorTime = _Clock(monotonic, self)
        self._monotonic = monotonic
        self._offset = Offset(reactor.seconds() - monotonic())
        self._listeners: list[Callable[[float], object]] = []

    def on_step(self, listener: Callable[[float], object]) -> None:
        """
        `listener` is called by the reactor when the wall clock has been set, with the seconds,
        negative for back.  What it had asked to be called at a date is due at another one then.
        """
        self._listeners.append(listener)

    def look(self) -> None:
        """See whether the wall clock has been set since the last look."""
        moved = self._offset.read(self._monotonic(), self.reactor.seconds(), self._monotonic())
        if moved:
            for call in self.reactor.getDelayedCalls():
                call.delay(moved)
            # Not from here: a listener must not be called while it asks to be called later.
            self.reactor.callLater(0, self._tell, moved)

    def _tell(self, moved: float) -> None:
        # The steady clock stands still while a machine sleeps; nothing else tells the two apart.
        how = "forward, or it was asleep," if moved > 0 else "back"
        log.warn(
            "This machine's clock was set {how} by {seconds:.1f} s: file names follow it, and what "
            "was to be done in some time is still done in that time.",
            how=how,
            seconds=abs(moved),
        )
        for listener in self._listeners:
            listener(moved)


@implementer(IReactorTime)
class _Clock:
    """What `seconds` shows, with the reactor's timers."""

    def __init__(self, seconds: Callable[[], float], times: Times) -> None:
        self._seconds = seconds
        self._times = times

    def seconds(self) -> float:
        return self._seconds()

    def callLater(
        self, delay: float, callable: Callable[..., Any], *args: object, **kwargs: object
    ) -> IDelayedCall:
        # A call that is made between a step and the next look would be put off without need.
        self._times.look()
        return self._times.reactor.callLater(delay, callable, *args, **kwargs)

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        return self._times.reactor.getDelayedCalls()
