"""
What is otherwise while the real-time channel is up: news is told at once, and polls are rare.

Knows when to look; does not know what is told, nor how.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from tcclient.captures.prompting import PromptedLoop
from tcclient.captures.rounds import Rounds
from tcclient.captures.telling import Telling
from tcclient.control.realtime import ChannelUser, Introduction, RealtimeChannel
from tcclient.control.reports import Held
from tcclient.runtime.timers import Timers

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
