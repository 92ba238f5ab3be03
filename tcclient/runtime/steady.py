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

    def read(self, before: float, wall: float, after: float) -> float | None:
        """
        The wall clock showed `wall` between two readings of the steady one.  Returns by how many
        seconds it has been set since the last time, negative for back, 0.0 where it has not; None
        where the process was held up in between, so that nothing follows.
        """
        if after - before > APART:
            return None
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
        self._known: set[IDelayedCall] = set()
        self._looked = reactor.seconds()

    def on_step(self, listener: Callable[[float], object]) -> None:
        """
        `listener` is called by the reactor when the wall clock has been set, with the seconds,
        negative for back.  What it had asked to be called at a date is due at another one then.
        """
        self._listeners.append(listener)

    def look(self) -> bool:
        """See whether the wall clock has been set since the last look.  False: not to be seen."""
        before, wall, after = self._monotonic(), self.reactor.seconds(), self._monotonic()
        moved = self._offset.read(before, wall, after)
        if moved is None:
            return False
        calls = self.reactor.getDelayedCalls()
        if moved:
            for call in calls:
                if call in self._known or not self._made_since(moved, call.getTime()):
                    call.delay(moved)
            # Not from here: a listener must not be called while it asks to be called later.
            self.reactor.callLater(0, self._tell, moved)
        self._known, self._looked = set(calls), wall
        return True

    def call_later(
        self, delay: float, callable: Callable[..., Any], *args: object, **kwargs: object
    ) -> IDelayedCall:
        """As the reactor's, and as a rule known to be asked for after all steps so far."""
        seen = self.look()
        call = self.reactor.callLater(delay, callable, *args, **kwargs)
        if seen:
            self._known.add(call)
        return call

    def _made_since(self, moved: float, due: float) -> bool:
        """
        Whether a call that was not there at the last look was made after the step, and is right.
        Twisted asks the reactor itself; some of its calls are due at once, and one that is put off
        by an hour keeps a connection from being made.  The exception is one that was to be made in
        more time than the clock was set by, which is done so much sooner or later.
        """
        if moved > 0:
            return due >= self._looked + moved - APART
        return due < self._looked

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
        return self._times.call_later(delay, callable, *args, **kwargs)

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        return self._times.reactor.getDelayedCalls()
