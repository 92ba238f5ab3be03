"""
What is done at an interval, and again the next time if it fails.

Knows how a loop goes on and how all of them end; does not know what is done.
"""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from tcclient.captures.isolation import Isolation


class Rounds:
    """Makes loops that do not end when what they do fails; `isolation` says that it has failed."""

    def __init__(self, clock: IReactorTime, isolation: Isolation) -> None:
        self.clock = clock
        self._isolation = isolation
        self._loops: list[LoopingCall] = []
        self._under_way: set[Deferred[None]] = set()

    def loop(self, doing: str, act: Callable[[], Coroutine[Any, Any, None]]) -> LoopingCall:
        """Return a loop that awaits `act`; `doing` says for the log what it is."""

        loop = LoopingCall(self.begin, doing, act)
        loop.clock = self.clock
        self._loops.append(loop)
        return loop

    def begin(self, doing: str, act: Callable[[], Coroutine[Any, Any, None]]) -> Deferred[None]:
        """Await `act` once; what is returned fires then, whatever comes of it."""

        async def isolated() -> None:
            with suppress(CancelledError), self._isolation.of(doing):
                await act()

        # A LoopingCall ends for ever with the first exception that reaches it.
        acting = Deferred.fromCoroutine(isolated())
        self._under_way.add(acting)
        return acting.addCallback(lambda _: self._under_way.discard(acting))

    def stop(self) -> None:
        """End all loops, and cancel what they are doing."""
        for loop in self._loops:
            if loop.running:
                loop.stop()
        for acting in list(self._under_way):
            acting.cancel()
