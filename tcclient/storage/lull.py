"""
Waits until no more posts come for the moment, so that those that wait are written together.

Knows how long the first of them has waited; writes nothing.
"""

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from tcclient.runtime.timers import Timers
from tcclient.storage.waiting import Waiting


class Lull:
    """
    Calls `act` when a turn of the reactor, in which every stream is read, has added nothing to
    `waiting`, or after `longest` seconds, whichever comes first.
    """

    def __init__(
        self, waiting: Waiting, longest: float, clock: IReactorTime, act: Callable[[], object]
    ) -> None:
        self._waiting = waiting
        self._longest = longest
        self._clock = clock
        self._act = act
        self._timers = Timers(clock)

    def await_one(self) -> None:
        """Have `act` called, unless that is to come already, as long as something waits then."""
        self._look_soon(0, self._clock.seconds())

    def stop(self) -> None:
        """Do not call `act` any more."""
        self._timers.stop("look")

    def _look_soon(self, before: int, since: float) -> None:
        """Look in the next turn whether still `before` bytes wait; the first came at `since`."""

        def look() -> None:
            size = self._waiting.bytes
            if size and (size == before or self._clock.seconds() - since >= self._longest):
                self._act()
            elif size:
                self._look_soon(size, since)

        self._timers.start("look", 0, look)
