"""
The date, and who has to hear when this machine's clock is set.

The reactor's clock is never set: durations and timers are its affair.  Dates come from here, and
have a type of their own, so that the type checker tells the two apart.  Knows nothing of what is
done with a date.
"""

import time
from collections.abc import Callable
from typing import NewType

from msgspec import Struct
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

log = Logger()

Date = NewType("Date", float)
"""A point in time, in epoch seconds by this machine's clock."""

Wall = Callable[[], Date]
"""Returns the date now."""

LEAST = 1.0
"""Seconds of the smallest step that counts; what is due at a date may be off by one below it."""

APART = 0.1
"""Most seconds between two readings of one clock for a reading of the other to belong to both."""


def wall_time() -> Date:
    """Return the date now."""
    return Date(time.time())


class Offset(Struct):
    """By how many seconds the date is ahead of the reactor's clock, when read last.  Pure."""

    seconds: float

    def read(self, before: float, wall: float, after: float) -> float:
        """
        Take a reading `wall` of the date between two readings of the reactor's clock.  Return by
        how many seconds the wall clock has been set since the last time, negative for back, 0.0 if
        it has not, or if the process was held up between the readings, so that nothing follows.
        """
        if after - before > APART:
            return 0.0
        moved = wall - before - self.seconds
        self.seconds += moved
        return moved if abs(moved) > LEAST else 0.0


class WallClock:
    """
    Returns the date when called.  `clock` is the reactor, which goes by a clock that is never set;
    `show` reads the clock that can be.

    Each call compares the two.  If the wall clock has been set since the last one, all listeners
    are told before the call returns: nothing is done by the new time before they know.  So it has
    to be called now and then also where no date is wanted.
    """

    def __init__(self, clock: IReactorTime, show: Wall = wall_time) -> None:
        self._clock = clock
        self._show = show
        self._offset = Offset(show() - clock.seconds())
        self._listeners: list[Callable[[float], object]] = []

    def on_step(self, listener: Callable[[float], object]) -> None:
        """
        Have `listener` called when the wall clock has been set, with the seconds, negative for
        back; it must not raise.  Whatever is to be done at a certain date has to be asked for again
        then.
        """
        self._listeners.append(listener)

    def __call__(self) -> Date:
        before, now, after = self._clock.seconds(), self._show(), self._clock.seconds()
        moved = self._offset.read(before, now, after)
        if moved:
            self._tell(moved)
        return now

    def _tell(self, moved: float) -> None:
        # The reactor's clock stands still while a machine sleeps; nothing else tells the two apart.
        how = "forward, or it was asleep," if moved > 0 else "back"
        log.warn(
            "This machine's clock was set {how} by {seconds:.1f} s: file names follow it, and what "
            "was to be done in some time is still done in that time.",
            how=how,
            seconds=abs(moved),
        )
        for listener in self._listeners:
            listener(moved)
