"""
A loop that goes round at an interval, and at once when it is prompted.

Knows when a round is due; does not know what is done in it, nor why somebody is in a hurry.
"""

import math
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.task import LoopingCall, deferLater

from tcclient.captures.rounds import Rounds


class PromptedLoop:
    """
    Awaits `act`, of which two rounds never overlap; `most` of them begin within so many times
    `apart` seconds.  `doing` says for the log what it is.
    """

    def __init__(
        self,
        rounds: Rounds,
        doing: str,
        act: Callable[[], Coroutine[Any, Any, None]],
        apart: float,
        most: int = 1,
    ) -> None:
        self.loop: LoopingCall = rounds.loop(doing, self._go)
        self.rarely = 0.0
        """
        Seconds from a round that is `done` to the next if nobody prompts, where that is more than
        the interval.
        """
        self._act = act
        self._clock = rounds.clock
        self._within = apart * most
        self._begun = deque([-math.inf] * most, most)
        self._done = -math.inf
        self._is_prompted = False

    def prompt(self) -> None:
        """Begin a round at once; while one is under way, once it has ended."""
        self._is_prompted = True
        waiting = self.loop.call
        if waiting is not None and waiting.active():
            wait = self._rest()
            if waiting.getTime() > self._clock.seconds() + wait:
                waiting.reset(wait)

    def done(self) -> None:
        """Note that the round has done what it is for: a failure is not left for long."""
        self._done = self._clock.seconds()

    async def _go(self) -> None:
        if not self._is_prompted and self._clock.seconds() - self._done < self.rarely:
            return
        await self._round()
        while self._is_prompted and self.loop.running:
            await deferLater(self._clock, self._rest())
            await self._round()

    async def _round(self) -> None:
        self._is_prompted, self._done = False, -math.inf
        self._begun.append(self._clock.seconds())
        await self._act()

    def _rest(self) -> float:
        """Return in how many seconds the next round may begin."""
        return max(0.0, self._begun[0] + self._within - self._clock.seconds())
