"""
Time that does not jump when the machine's clock is set.

Twisted's timers follow the wall clock: one that is set back by an hour freezes all timers for that
hour, and one that is set forward makes all of them due at once.  Knows when that has happened, and
puts the timers right; does not know when to look, which `clockwatch` does.
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
"""Seconds of the smallest step that counts: a smaller one moves no timer by more than that."""

APART = 0.1
"""Most seconds between two readings of one clock for a reading of the other to belong to both."""


@attrs.define
class Offset:
    """By how many seconds the wall clock is ahead of the steady one, when read last.  Pure."""

    seconds: float

    def read(self, before: float, wall: float, after: float) -> float | None:
        """
        Take a reading `wall` of the wall clock between two readings of the steady one.  Return by
        how many seconds the wall clock has been set since the last time, negative for back, 0.0 if
        it has not; None if the process was held up between the readings, so that nothing follows.
        """
        if after - before > APART:
            return None
        moved = wall - before - self.seconds
        self.seconds += moved
        return moved if abs(moved) > LEAST else 0.0


class Times:
    """
    Two clocks over one `reactor`: `wall` for dates and names, and `steady`, which is never set, for
    durations.  A call that waits, asked of either, keeps the time that it has left when the wall
    clock is set.
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
        Have the reactor call `listener` when the wall clock has been set, with the seconds,
        negative for back.  Whatever is to be done at a certain date has to be asked for again then.
        """
        self._listeners.append(listener)

    def look(self) -> bool:
        """
        See whether the wall clock has been set since the last look, and put off timers then.
        Return whether it could be seen: not if the process was held up meanwhile.
        """
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
        """
        Do what callLater() of the reactor does.  As a rule the clocks are looked at first, so that
        the call is known to be made after all steps so far.
        """
        seen = self.look()
        call = self.reactor.callLater(delay, callable, *args, **kwargs)
        if seen:
            self._known.add(call)
        return call

    def _made_since(self, moved: float, due: float) -> bool:
        """
        Return whether a call that was not there at the last look was asked for after the step, so
        that it must not be put off.  Such calls are Twisted's own, which go to the reactor itself;
        some are due at once, and if one were put off by an hour, a connection would not be made.
        The answer is wrong for a call whose delay is longer than the step, which comes too early or
        too late by as much.
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
    """A clock that shows what `seconds` returns, and has the timers of `times`."""

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
