"""
Judges how the running client is, every few seconds, and says each change in one line of the log.

Knows how that line reads; what is known, how it is judged and what is news is found elsewhere.
"""

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger, LogLevel

from tcclient.health.facts import ClientFacts
from tcclient.health.health import Level, as_line
from tcclient.health.judgement import judge
from tcclient.health.news import HealthChange, HealthNews
from tcclient.ledger.wording import length, when

log = Logger()

LOOK = 5.0
"""Seconds between two looks."""

_LEVELS = {Level.DEGRADED: LogLevel.warn, Level.DOWN: LogLevel.error}


class HealthLog:
    """
    Says how a client is by its `facts`, and by each look to whom it is to `tell`; what it was
    judged by is given to `keep`.  `clock` measures how long something has lasted.
    """

    def __init__(
        self,
        facts: Callable[[], ClientFacts],
        clock: IReactorTime,
        tell: Callable[[str], None],
        keep: Callable[[ClientFacts], object],
    ) -> None:
        self._facts = facts
        self._keep = keep
        self._clock = clock
        self._tell = tell
        self._news = HealthNews()

    async def look(self) -> None:
        """Judge, and log what is news."""
        facts = self._facts()
        self._keep(facts)
        health = judge(facts)
        self._tell(as_line(health, facts))
        change = self._news.take(health, self._clock.seconds())
        if change is not None:
            _say(change, facts.now)


def _say(change: HealthChange, now: float) -> None:
    """Log a change that was found at `now`, in epoch seconds."""
    health = change.health
    if health.level is Level.OK:
        log.info("Health: ok again, after {length}.", length=length(change.since))
        return
    since = now - change.since if health.since is None else health.since
    log.emit(
        _LEVELS[health.level],
        "Health: {how} since {since} UTC: {words}",
        how=health.level.value,
        since=when(since),
        words=health.words,
    )
