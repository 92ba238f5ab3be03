"""
Loops that go round at an interval, and at once when they are prompted; and what is otherwise while
the real-time channel is up: news is told at once, and polls are rare.

Knows when to look; does not know what is told, nor how.
"""

import math
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from twisted.internet.task import LoopingCall, deferLater

from tcclient.captures.rounds import Rounds
from tcclient.captures.telling import Telling
from tcclient.control.realtime import ChannelUser, Introduction, RealtimeChannel
from tcclient.control.reports import Held
from tcclient.runtime.timers import Timers


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


GLANCE = 0.25
"""Seconds between two looks at what has changed, at least: each change of a capture is a line."""
RARELY = 60.0
"""Seconds between two polls that nobody has prompted: hints may be lost."""
HINTED, TOGETHER = 0.5, 2
"""Seconds for each poll that hints have prompted, at least, and how many of them come at once."""


class AtOnce(ChannelUser):
    """
    Has loops of the `rounds` go round as the `channel` says: one that polls by `poll`, and one that
    has `telling` send the ledgers.
    """

    def __init__(
        self,
        rounds: Rounds,
        poll: Callable[[], Coroutine[Any, Any, None]],
        telling: Telling,
        channel: RealtimeChannel,
    ) -> None:
        self.polling = PromptedLoop(rounds, "polling", poll, HINTED, TOGETHER)
        self._following = PromptedLoop(rounds, "sending ledgers", telling.follow, GLANCE)
        self._telling = telling
        self._clock = rounds.clock
        self._timers = Timers(rounds.clock)
        self._is_up = False
        self._every = 0.0
        self._glanced = -GLANCE
        channel.begin(self)

    def start(self, interval: float) -> None:
        """Poll and send ledgers each so many seconds, unless something is known sooner."""
        self.polling.loop.start(interval, now=True)
        self._following.loop.start(interval, now=False)

    def introduce(self) -> Introduction:
        return self._telling.introduce()

    def grown(self) -> None:
        """Tell what has changed, as a ledger has become longer, and send that."""
        if self._is_up:
            wait = self._glanced + GLANCE - self._clock.seconds()
            self._timers.start("glance", max(0.0, wait), self._glance)

    def up(self, every: float, held: Sequence[Held]) -> None:
        self._is_up, self._every = True, every
        self.polling.rarely = RARELY
        self._telling.begin_anew(at_once=True)
        self._telling.follower.compare(held)
        self._following.prompt()
        self._count()

    def down(self) -> None:
        self._is_up = False
        self._timers.stop("glance", "count")
        self.polling.rarely = 0.0
        self._telling.begin_anew(at_once=False)

    def changed(self, job: int, revision: int) -> None:
        if not self._telling.has_seen(job, revision):
            self.polling.prompt()

    def looked_at(self, job: int) -> None:
        self._telling.glimpsing.look([job])

    def again(self) -> None:
        self._telling.forget()

    def _glance(self) -> None:
        self._glanced = self._clock.seconds()
        self._telling.look()
        self._following.prompt()

    def _count(self) -> None:
        """Tell numbers too, each time that the server wants them."""
        self._timers.start("count", self._every, self._count)
        self._telling.count()
