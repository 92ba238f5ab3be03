"""
How long to wait before the next connect.  Pure: takes the time, returns seconds.

The waits belong to an endpoint and its credentials, not to a capture: one Backoff outlives every
session, so that neither stop and start nor a keyword change shortens a wait.
"""

import enum
from collections import deque

import attrs


class Trouble(enum.Enum):
    """Why there is no stream, as far as the next connect is concerned."""

    DROP = "drop"
    """An established connection ended."""
    NETWORK = "network"
    """No connection, no answer, or silence."""
    HTTP = "http"
    """An answer that may be better in a while, such as 503."""
    DUPLICATE = "duplicate"
    """Another client uses the credentials: reconnecting at once would only throw it out in turn."""
    SLOT = "slot"
    """v2: the one connection is taken, maybe by our own last one, which X has not let go of."""
    RATE_LIMIT = "rate limit"
    """420 or 429.  Each one lengthens the ban."""
    REFUSED = "refused"
    """401, 403 and the like: somebody has to put something right."""
    QUERY_REFUSED = "query refused"
    """406, 413, 416: another query may be accepted at once."""


@attrs.frozen
class Ramp:
    """Waits in seconds: the first, the longest, and what the n-th makes of it."""

    first: float
    longest: float
    doubles: bool = True

    def wait(self, attempt: int) -> float:
        """The wait after failure number `attempt`, counted from 1."""
        factor = 2.0 ** min(attempt - 1, 60) if self.doubles else attempt
        return min(self.first * factor, self.longest)


NETWORK = Ramp(0.25, 16.0, doubles=False)
HTTP = Ramp(5.0, 320.0)
RATE_LIMIT = Ramp(60.0, 3600.0)
"""Twitter's documented ramps.  For 420 it names no end; an hour keeps the client useful."""
SLOT = Ramp(30.0, 300.0)
"""An old slot lingers for minutes, rarely for hours; 50 connects in 15 minutes are granted."""
AT_THE_TOP = Ramp(HTTP.longest, HTTP.longest)

RAMPS = {
    Trouble.DROP: NETWORK,
    Trouble.NETWORK: NETWORK,
    Trouble.HTTP: HTTP,
    Trouble.DUPLICATE: HTTP,
    Trouble.SLOT: SLOT,
    Trouble.RATE_LIMIT: RATE_LIMIT,
    Trouble.REFUSED: AT_THE_TOP,
    Trouble.QUERY_REFUSED: AT_THE_TOP,
}

DUPLICATE_FORGOTTEN = 600.0
"""Seconds after which a new duplicate login starts its ramp anew; above the ramp's longest wait."""


class Backoff:
    """Counts the failures of one endpoint with one set of credentials."""

    def __init__(self) -> None:
        self._attempts: dict[Trouble, int] = {}
        self._wait = 0.0
        self._until = 0.0
        self._trouble: Trouble | None = None
        self._query: object = None
        self._last_duplicate = float("-inf")

    def failed(self, trouble: Trouble, now: float, at_least: float = 0.0) -> float:
        """
        Note a failure at `now` (seconds); returns the seconds to wait, at least those that the
        other side asked for.
        """
        if trouble is Trouble.DUPLICATE:
            if now - self._last_duplicate > DUPLICATE_FORGOTTEN:
                self._attempts.pop(trouble, None)
            self._last_duplicate = now
        attempt = self._attempts.get(trouble, 0) + 1
        self._attempts[trouble] = attempt
        self._wait = max(RAMPS[trouble].wait(attempt), at_least)
        self._until = now + self._wait
        self._trouble = trouble
        return self._wait

    def dropped(self, now: float) -> float:
        """Note that a connection ended that had proved itself; returns 0: reconnect at once."""
        self._wait, self._until, self._trouble = 0.0, now, Trouble.DROP
        return 0.0

    def proved(self) -> None:
        """A connection has lasted: the ramps start anew, except that of duplicate logins."""
        duplicates = self._attempts.get(Trouble.DUPLICATE)
        self._attempts = {} if duplicates is None else {Trouble.DUPLICATE: duplicates}

    def asks_for(self, query: object) -> None:
        """`query` will be asked: where it is another one, the refusal of the last is over."""
        if query != self._query and self._trouble is Trouble.QUERY_REFUSED:
            self._until, self._trouble = 0.0, None
        self._query = query

    def remaining(self, now: float) -> float:
        """Seconds until the next connect is due; never more than the wait that was imposed."""
        return max(0.0, min(self._until - now, self._wait))


class ChangeLimit:
    """
    Keeps keyword changes from looking like abuse, where each costs a new connection: the first six
    in five minutes go through at once, later ones once a minute.
    """

    MOST = 6
    WINDOW = 300.0
    SPACING = 60.0

    def __init__(self) -> None:
        self._made: deque[float] = deque(maxlen=self.MOST)

    def delay(self, now: float) -> float:
        """Seconds until a change may be made."""
        if len(self._made) < self.MOST or now - self._made[0] >= self.WINDOW:
            return 0.0
        return max(0.0, min(self._made[-1] + self.SPACING - now, self.SPACING))

    def made(self, now: float) -> None:
        """A change is being made."""
        self._made.append(now)
