"""
The date, and who has to hear when this machine's clock is set, or when it has been asleep.

The reactor's clock is never set: durations and timers are its affair.  It stands still while the
machine sleeps.  Dates come from here, and have a type of their own, so that the type checker tells
the two apart.  Knows nothing of what is done with a date.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import NewType

from msgspec import Struct
from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.runtime.timers import Timers, Together

log = Logger()

Date = NewType("Date", float)
"""A point in time, in epoch seconds by this machine's clock."""

Wall = Callable[[], Date]
"""Returns the date now."""

LEAST = 1.0
"""Seconds of the smallest step that counts; what is due at a date may be off by one below it."""

APART = 0.1
"""Most seconds between two readings of one clock for readings of the others to belong to both."""

NAP = 0.25
"""
Seconds of the shortest sleep that counts.  A shorter one does not matter: each gap begins earlier
than the last byte by as much (ledger.gaps.IN_FLIGHT).  Readings that are APART make none as long.
"""

LOOK = 2.0
"""Seconds between two looks at the clocks where nobody asks for the date."""


def wall_time() -> Date:
    """Return the date now."""
    return Date(time.time())


def boot_clock() -> Callable[[], float] | None:
    """
    Return what reads the clock that is never set and goes on while the machine sleeps; None where
    the system has none, as elsewhere than on Linux: a sleep is taken for a clock set forward there.
    """
    number = getattr(time, "CLOCK_BOOTTIME", None)
    return None if number is None else partial(time.clock_gettime, number)


class Slept(Struct, frozen=True):
    """
    The machine slept for so many `seconds`, between two readings of the clocks that were `awake`
    seconds apart besides.
    """

    seconds: float
    awake: float


class Moved(Struct, frozen=True):
    """How the clocks moved otherwise than timers do, between two readings of them."""

    stepped: float = 0.0
    """Seconds by which the date was set, negative for back."""
    slept: Slept | None = None


_UNMOVED = Moved()
"""As nearly always; made once, since each read of a stream asks for the date."""


class Clocks(Struct):
    """
    What the clocks showed when they were read last: the reactor's, `steady`, the `wall` clock, and
    the `boot` clock, which goes on while the machine sleeps.  Pure.
    """

    steady: float
    wall: float
    boot: float

    def read(self, before: float, steady: float, wall: float, after: float) -> Moved:
        """
        Take readings of the first two between two of the boot clock, and return how they moved
        since the last time.  If the process was held up between the readings, or asleep, nothing
        follows: the next readings tell.
        """
        if after - before > APART:
            return _UNMOVED
        awake, passed = steady - self.steady, before - self.boot
        slept, stepped = passed - awake, wall - self.wall - passed
        self.steady, self.wall, self.boot = steady, wall, before
        if -LEAST <= stepped <= LEAST and slept <= NAP:
            return _UNMOVED
        return Moved(
            stepped if abs(stepped) > LEAST else 0.0,
            Slept(slept, awake) if slept > NAP else None,
        )


class WallClock:
    """
    Returns the date when called.  `clock` is the reactor, which goes by a clock that is never set;
    `show` reads the clock that can be, and `boot` the one that goes on while the machine sleeps,
    None where there is none.

    Each call compares them.  If the wall clock has been set since the last one, or the machine has
    slept, all listeners are told before the call returns: nothing is done by the new time before
    they know.  Until all have been told it is that time for whoever asks: what moves the clocks
    meanwhile is told afterwards.  So it has to be called now and then also where no date is wanted.
    """

    def __init__(
        self,
        clock: IReactorTime,
        show: Wall = wall_time,
        boot: Callable[[], float] | None = None,
    ) -> None:
        self._clock = clock
        self._show = show
        self._boot = clock.seconds if boot is None else boot
        self._knows_sleep = boot is not None
        self._clocks = Clocks(clock.seconds(), show(), self._boot())
        self._step_listeners: list[Callable[[float], object]] = []
        self._sleep_listeners: list[Callable[[Slept], object]] = []
        self._telling: Date | None = None

    def on_step(self, listener: Callable[[float], object]) -> None:
        """
        Have `listener` called when the wall clock has been set, with the seconds, negative for
        back; it must not raise.  Whatever is to be done at a certain date has to be asked for again
        then.
        """
        self._step_listeners.append(listener)

    def on_sleep(self, listener: Callable[[Slept], object]) -> None:
        """
        Have `listener` called when the machine has slept; it must not raise.  If the clock was set
        meanwhile, the listeners to that are called before.  Whatever is to be done at a certain
        date has to be asked for again then, too.
        """
        self._sleep_listeners.append(listener)

    def __call__(self) -> Date:
        if self._telling is not None:
            return self._telling
        before, steady = self._boot(), self._clock.seconds()
        now, after = self._show(), self._boot()
        moved = self._clocks.read(before, steady, now, after)
        if moved is not _UNMOVED:
            self._telling = now
            try:
                self._tell(moved)
            finally:
                self._telling = None
        return now

    def _tell(self, moved: Moved) -> None:
        if moved.stepped:
            self._tell_step(moved.stepped)
        if moved.slept is not None:
            self._tell_sleep(moved.slept)

    def _tell_step(self, seconds: float) -> None:
        forward = "forward" if self._knows_sleep else "forward, or it was asleep,"
        log.warn(
            "This machine's clock was set {how} by {seconds:.1f} s: file names follow it, and what "
            "was to be done in some time is still done in that time.",
            how=forward if seconds > 0 else "back",
            seconds=abs(seconds),
        )
        for listener in self._step_listeners:
            listener(seconds)

    def _tell_sleep(self, sleep: Slept) -> None:
        log.warn(
            "This machine was asleep for {seconds:.1f} s: nothing could come meanwhile, and what "
            "was due is done now.",
            seconds=sleep.seconds,
        )
        for listener in self._sleep_listeners:
            listener(sleep)


class Watch(Service):
    """
    Looks at the `wall` clock LOOK seconds of `clock` after the last look, or a little sooner, so
    that its listeners soon hear.
    """

    def __init__(self, clock: IReactorTime, wall: Wall) -> None:
        self._wall = wall
        self._timers = Timers(Together(clock))

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]  # not annotated
        self._look_later()

    def stopService(self) -> None:
        super().stopService()  # type: ignore[no-untyped-call]  # not annotated
        self._timers.stop("look")

    def _look_later(self) -> None:
        self._timers.start("look", LOOK, self._look)

    def _look(self) -> None:
        self._look_later()
        try:
            self._wall()
        except Exception:
            log.failure("The clocks could not be looked at; it is tried again.")
