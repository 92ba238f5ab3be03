"""Delayed calls by name.  Knows when something is to be done, not what."""

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime


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
