"""When digests are due.  Pure."""

from datetime import datetime, timedelta

HOUR = 7
"""At which, in UTC, they are sent; weekly ones on Mondays."""
_DAYS = {"daily": 1, "weekly": 7}


def next_digest(every: str, now: datetime) -> datetime | None:
    """Return when the next digest is due after a moment; None where there is none."""
    if every not in _DAYS:
        return None
    at = now.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    if every == "weekly":
        at -= timedelta(days=at.weekday())
    while at <= now:
        at += timedelta(days=_DAYS[every])
    return at


def span_of(every: str) -> timedelta:
    """Return what time a digest is about."""
    return timedelta(days=_DAYS[every])
