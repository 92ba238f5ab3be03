"""
How many posts of the plan's cap X says are used, asked at the start and each hour.

Knows what of it is worth a line; never stops a capture: X does that by itself.
"""

from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.health.facts import LimitFacts
from tcclient.health.judgement import is_nearly_used_up
from tcclient.ledger.wording import number
from tcclient.runtime.backoff import RefusalError
from tcclient.runtime.timers import Timers
from tcclient.runtime.unattended import unattended
from tcclient.runtime.wallclock import Date, Wall
from tcclient.sources.twitter_v2.slot.appapi import AppApi, PostUsage

log = Logger()

HOUR = 3600.0
DAY = 24 * HOUR
PLAN = "plan"
"""What X's cap is called beside the limits of the budget."""


def next_reset(day: int, now: Date) -> float:
    """
    Return when the cycle that ends on this day of the month is over: its next midnight in UTC, in a
    month that has fewer days that of the last one.  `now` is in epoch seconds.
    """
    at = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for month in (at, at.replace(day=1) + timedelta(days=32)):
        last = monthrange(month.year, month.month)[1]
        reset = month.replace(day=min(max(day, 1), last))
        if reset.timestamp() > now:
            break
    return reset.timestamp()


def in_words(usage: PostUsage) -> str:
    """Return how much of the plan is used, as a clause."""
    until = f"; the cycle ends on day {usage.reset_day} of the month" if usage.reset_day else ""
    return f"{number(usage.used)} of the plan's {number(usage.cap)} posts are used{until}"


class UsageWatch(Service):
    """Asks `app` for the usage, and has the newest answer."""

    def __init__(self, app: AppApi, clock: IReactorTime, wall: Wall) -> None:
        self._app = app
        self._wall = wall
        self._timers = Timers(clock)
        self._asking: Deferred[None] | None = None
        self._usage: PostUsage | None = None
        self._said: object = None

    def startService(self) -> None:
        """Ask at once, and each hour from now on."""
        super().startService()  # type: ignore[no-untyped-call]  # not annotated
        self._ask()

    def stopService(self) -> None:
        super().stopService()  # type: ignore[no-untyped-call]  # not annotated
        self._timers.stop("ask")
        if self._asking is not None:
            self._asking.cancel()

    def limits(self) -> tuple[LimitFacts, ...]:
        """Return how far the plan's cap is used; nothing where X has not said."""
        usage = self._usage
        if usage is None:
            return ()
        until = next_reset(usage.reset_day, self._wall()) if usage.reset_day else None
        return (LimitFacts(PLAN, usage.used, usage.cap, until, of_plan=True),)

    def _ask(self) -> None:
        self._asking = unattended(self._look(), log, "The usage could not be read.")

    async def _look(self) -> None:
        wait = HOUR
        try:
            self._usage = await self._app.usage()
            self._say(self._usage)
        except RefusalError as e:
            wait = DAY if e.status in (403, 404) else HOUR
            self._news(str(e), log.info, f"X does not say how many posts are used: {e}")
        if self.running:
            self._timers.start("ask", wait, self._ask)

    def _say(self, usage: PostUsage) -> None:
        """Say what is used: at the start, and when it is nearly all, or all."""
        is_used_up = usage.used >= usage.cap
        nearly = is_nearly_used_up(usage.used, usage.cap)
        say = log.warn if nearly else log.info
        self._news((is_used_up, nearly), say, f"X says that {in_words(usage)}")

    def _news(self, state: object, say: Callable[..., None], text: str) -> None:
        if state != self._said:
            say("{text}.", text=text)
        self._said = state
