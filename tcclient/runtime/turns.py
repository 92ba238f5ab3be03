"""
Whose turn it is: so much is under way at once, and the rest waits in order; within work that is
long the reactor has turns.

Knows who waits; does not know what is done.
"""

import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater


class FewAtOnce:
    """
    At most `most` at once; of those that wait, the urgent ones come first.  However many wait, and
    have nothing to do in their turns, the stack does not grow, as it does with Twisted's semaphore.
    """

    def __init__(self, most: int) -> None:
        self._free = most
        self._is_handing_on = False
        self._urgent: deque[Deferred[None]] = deque()
        self._others: deque[Deferred[None]] = deque()

    def ordinary(self) -> AbstractAsyncContextManager[None]:
        """Wait for a turn, and have it within the block."""
        return self._turn(self._others)

    def urgent(self) -> AbstractAsyncContextManager[None]:
        """Wait for a turn before all that are ordinary, and have it within the block."""
        return self._turn(self._urgent)

    @asynccontextmanager
    async def _turn(self, waiting: deque[Deferred[None]]) -> AsyncIterator[None]:
        if self._free:
            self._free -= 1
        else:
            turn: Deferred[None] = Deferred(waiting.remove)
            waiting.append(turn)
            await turn
        try:
            yield
        finally:
            self._over()

    def _over(self) -> None:
        """Give the turn that is over to whoever waits for one."""
        self._free += 1
        if self._is_handing_on:
            return  # somebody below on the stack does it
        self._is_handing_on = True
        while self._free and (waiting := self._urgent or self._others):
            self._free -= 1
            waiting.popleft().callback(None)
        self._is_handing_on = False


LONGEST_TURN = 0.05
"""Seconds of this thread's CPU time after which the reactor has its turn."""


class Breath:
    """The pauses of a piece of work that begins now; `clock` is the reactor."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._since = time.thread_time()

    async def pause(self) -> None:
        """Return at once while the turn is short, and otherwise when the reactor has turned."""
        if time.thread_time() - self._since >= LONGEST_TURN:
            await deferLater(self._clock, 0)
            self._since = time.thread_time()
