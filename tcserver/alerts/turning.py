"""
When what is seen of a subject becomes a change of its alert, and when that flaps.  Pure.

    ok ⇄ degraded ⇄ down, and ok ⇄ down: what was seen for as long as wait() says, and differs from
    what was told, is told.  Who changes MOST_FLIPS times within LATELY is flapping, until there was
    no change for LATELY: then nothing is told but these two.
"""

from datetime import datetime, timedelta
from enum import StrEnum

import attrs

from tcclient.health.health import Level
from tcserver.alerts.conditions import AlertKind

LATELY = timedelta(hours=1)
MOST_FLIPS = 6
CALM = timedelta(minutes=2)
"""How long something has to be well before that is told."""
_WAITS = {
    AlertKind.RUNNING: timedelta(minutes=5),
    AlertKind.CREDENTIALS: timedelta(minutes=2),
    AlertKind.HEALTH: timedelta(minutes=3),
    AlertKind.CLIENT: timedelta(minutes=1),
    AlertKind.KEYWORDS: timedelta(minutes=1),
    AlertKind.DISK: timedelta(minutes=1),
    AlertKind.CLOCK: timedelta(minutes=1),
}


class NewsKind(StrEnum):
    """What people are told of a change."""

    CHANGED = "changed"
    FLAPPING = "flapping"
    STEADY = "steady"


@attrs.frozen
class AlertStanding:
    """What was told of a subject, and since when; what is seen of it, and since when."""

    state: Level
    since: datetime
    seen: Level
    seen_since: datetime
    flapping: bool = False


def wait(kind: AlertKind, seen: Level) -> timedelta:
    """Return for how long something has to be seen before it is told."""
    return CALM if seen == Level.OK else _WAITS.get(kind, timedelta())


def is_due(kind: AlertKind, before: AlertStanding, now: datetime) -> bool:
    """Return whether what is seen is to be told."""
    return before.seen != before.state and now - before.seen_since >= wait(kind, before.seen)


def news(flapping: bool, lately: int) -> NewsKind | None:
    """
    Return what is told of a change, the `lately`-th within LATELY: nothing where one flaps already.
    """
    if flapping:
        return None
    return NewsKind.FLAPPING if lately >= MOST_FLIPS else NewsKind.CHANGED


def is_steady(before: AlertStanding, now: datetime) -> bool:
    """Return whether one that flapped does so no more."""
    return before.flapping and before.seen == before.state and now - before.since >= LATELY
