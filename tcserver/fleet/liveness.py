"""Whether a client lives, by when it was last heard of.  Pure."""

from datetime import datetime, timedelta
from enum import StrEnum

TERM = timedelta(seconds=45)
"""A client that asks every ten seconds has missed four times by then."""
GRACE = timedelta(minutes=5)


class Liveness(StrEnum):
    """How long a client has been silent, in a word."""

    NEVER = "never seen"
    HERE = "here"
    LATE = "late"
    LOST = "lost"


def liveness(last: datetime | None, now: datetime) -> Liveness:
    """Return whether a client whose last contact was then is here."""
    if last is None:
        return Liveness.NEVER
    silent = now - last
    if silent <= TERM:
        return Liveness.HERE
    return Liveness.LATE if silent <= TERM + GRACE else Liveness.LOST
