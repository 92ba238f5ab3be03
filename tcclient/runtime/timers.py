"""
Delayed calls by name.  Knows when something is to be done, not what.
"""

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Timers:
    """Each name is at most one call that is due."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._calls: dict[str, IDelayedCall] = {}

    def start(self, name: str, seconds: float, act: Callable[[], object]) -> None:
        """Call `act` then; one of that name that is due already stands."""
        if name not in self._calls:
            self._calls[name] = self._clock.callLater(seconds, self._ring, name, act)

    def stop(self, *names: str) -> None:
        """Forget the calls; one that is not due is no error."""
        for name in names:
            call = self._calls.pop(name, None)
            if call is not None:
                call.cancel()

    def _ring(self, name: str, act: Callable[[], object]) -> None:
        del self._calls[name]
        act()
