"""
Which change of a client's health is worth a line, so that what comes and goes is said once.  Pure.

Knows when something has lasted; does not know where it is said.
"""

from msgspec import Struct

from tcclient.health.health import Code, Finding, Health, Level
from tcclient.health.judgement import PATIENCE


class _Told(Struct):
    """
    A finding that is watched: first and last found at these seconds, `down` when it was last as bad
    as that.
    """

    finding: Finding
    first: float
    last: float
    down: float | None = None

    def look(self, finding: Finding, now: float) -> None:
        self.finding, self.last = finding, now
        if finding.level is Level.DOWN:
            self.down = now

    def level(self, now: float) -> Level:
        """Return how bad it is, or has been of late."""
        is_down = self.down is not None and now - self.down < PATIENCE
        return Level.DOWN if is_down else Level.DEGRADED


class HealthChange(Struct, frozen=True):
    """
    What is to be said: the health with what is found now, since `since` seconds; or, where it is ok
    again, that it was not for so long.
    """

    health: Health
    since: float


class HealthNews:
    """
    Takes the health every few seconds, and says what of it is news.

    What is down is news at once, as the judgement had its patience before; what is degraded is when
    it has lasted for PATIENCE: a stream that is made again by itself is no news.  What was said is
    over when it has not been found for PATIENCE, and is less bad when it has not been worse for as
    long: so what comes and goes makes no lines.
    """

    def __init__(self) -> None:
        self._watched: dict[Code, _Told] = {}
        self._said: dict[Code, Level] = {}
        self._began = self._ended = 0.0

    def take(self, health: Health, now: float) -> HealthChange | None:
        """Take how the client is at `now`, in seconds of a clock that is never set."""
        self._watch(health, now)
        told = {
            code: watched.level(now)
            for code, watched in self._watched.items()
            if code in self._said or _is_news(watched, now)
        }
        if told and not self._said:
            self._began = min(self._watched[code].first for code in told)
        self._ended = max((self._watched[code].last for code in told), default=self._ended)
        if told == self._said:
            return None
        self._said = told
        if not told:
            return HealthChange(Health.of(()), self._ended - self._began)
        return self._as_bad_as(told, now)

    def _watch(self, health: Health, now: float) -> None:
        """Take note of what is found now, and forget what has not been found for long."""
        for finding in health.findings:
            self._watched.setdefault(finding.key, _Told(finding, now, now)).look(finding, now)
        for code in [c for c, one in self._watched.items() if now - one.last >= PATIENCE]:
            del self._watched[code]

    def _as_bad_as(self, told: dict[Code, Level], now: float) -> HealthChange:
        """Return the health by what is told: with what is found now, or else was of late."""
        of_late = [self._watched[code] for code in told]
        found = [one for one in of_late if one.last == now] or of_late
        level = max(told.values(), key=lambda level: level.severity)
        health = Health(level=level, findings=Health.of(one.finding for one in found).findings)
        worst = [self._watched[code].first for code, its in told.items() if its is level]
        return HealthChange(health, now - min(worst))


def _is_news(watched: _Told, now: float) -> bool:
    """Return whether something that was not said is to be said."""
    if watched.last != now:
        return False
    return watched.finding.level is Level.DOWN or now - watched.first > PATIENCE
