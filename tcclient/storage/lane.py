"""
What is done with files on one disk, one thing after the other, so that a disk that does not answer
holds up nobody else.

Knows turns, and for how long the disk has not answered; does not know what is done.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from twisted.internet.interfaces import IReactorTime

from tcclient.runtime.threads import Threads
from tcclient.runtime.turns import FewAtOnce

PATIENCE = 10.0
"""Seconds that a disk may take for one thing before it counts as slow."""

Result = TypeVar("Result")


class Lane:
    """
    Does one thing at a time by `threads`, so that a disk that does not answer keeps one of them
    waiting and no more.  `is_slow` says whether the present one has taken longer than PATIENCE;
    `changed` is called whenever that changes.
    """

    def __init__(
        self, threads: Threads, clock: IReactorTime, changed: Callable[[], object]
    ) -> None:
        self._threads = threads
        self._clock = clock
        self._changed = changed
        self._turns = FewAtOnce(1)
        self.is_slow = False

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Wait for a turn, and have it within the block, in which do() may be called."""
        return self._turns.ordinary()

    async def run(self, act: Callable[[], Result]) -> Result:
        """Have a turn for one act.  Return what it returns; raises what it raises."""
        async with self.turn():
            return await self.do(act)

    async def do(self, act: Callable[[], Result]) -> Result:
        """Do something within a turn.  Return what `act` returns; raises what it raises."""
        doing = self._threads(act)
        if doing.called:
            return await doing
        patience = self._clock.callLater(PATIENCE, self._tell, True)
        try:
            return await doing
        finally:
            if patience.active():
                patience.cancel()
            else:
                self._tell(False)

    def _tell(self, is_slow: bool) -> None:
        self.is_slow = is_slow
        self._changed()
