"""Lets the reactor turn within work that is long.  Does not know what the work is."""

import time

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

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
