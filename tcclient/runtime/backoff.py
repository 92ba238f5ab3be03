"""
How long to wait before the next connect.  Pure: takes the time, returns seconds.

The waits belong to an endpoint and its credentials, not to a capture: one Backoff outlives every
session, so that neither stop and start nor a keyword change shortens a wait.
"""

import math
from typing import ClassVar

import attrs


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


HTTP_RAMP = Ramp(5.0, 320.0)
NETWORK_RAMP = Ramp(0.25, 16.0, doubles=False)
"""Twitter's documented ramps, as is that of RATE_LIMIT below."""
AT_THE_TOP = Ramp(HTTP_RAMP.longest, HTTP_RAMP.longest)


@attrs.frozen
class Trouble:
    """
    Why there is no stream, as far as the next connect is concerned: its word in the ledger, and
    the ramp that the waits are from.  A source may know troubles besides those that stand here.

    `lingers` is for how many seconds a failure counts even when a connection has lasted since;
    0.0: not at all.
    """

    value: str
    ramp: Ramp
    lingers: float = 0.0

    DROP: ClassVar["Trouble"]
    """An established connection ended."""
    NETWORK: ClassVar["Trouble"]
    """There was no connection, no answer, or silence."""
    HTTP: ClassVar["Trouble"]
    """There was an answer that may be better in a while, such as 503."""
    RATE_LIMIT: ClassVar["Trouble"]
    """The answer was 420 or 429.  Each one lengthens the ban."""
    REFUSED: ClassVar["Trouble"]
    """The answer was 401, 403 or the like: somebody has to put something right."""
    QUERY_REFUSED: ClassVar["Trouble"]
    """The answer was 406, 413 or 416: another query may be accepted at once."""

    @property
    def at_the_top(self) -> float | None:
        """The longest wait in seconds, None where the waits do not rise."""
        return self.ramp.longest if self.ramp.first < self.ramp.longest else None


Trouble.DROP = Trouble("drop", NETWORK_RAMP)
Trouble.NETWORK = Trouble("network", NETWORK_RAMP)
Trouble.HTTP = Trouble("http", HTTP_RAMP)
# For 420 Twitter names no end; an hour keeps the client useful.
Trouble.RATE_LIMIT = Trouble("rate limit", Ramp(60.0, 3600.0))
Trouble.REFUSED = Trouble("refused", AT_THE_TOP)
Trouble.QUERY_REFUSED = Trouble("query refused", AT_THE_TOP)


class Backoff:
    """Counts the failures of one endpoint with one set of credentials."""

    def __init__(self) -> None:
        self._attempts: dict[Trouble, int] = {}
        self._wait = 0.0
        self._until = 0.0
        self._trouble: Trouble | None = None
        self._query: object = None
        self._last: dict[Trouble, float] = {}

    def failed(self, trouble: Trouble, now: float, at_least: float = 0.0) -> float:
        """
        Note a failure at `now` (seconds); returns the seconds to wait, at least those that the
        other side asked for.
        """
        if trouble.lingers:
            if now - self._last.get(trouble, -math.inf) > trouble.lingers:
                self._attempts.pop(trouble, None)
            self._last[trouble] = now
        attempt = self._attempts.get(trouble, 0) + 1
        self._attempts[trouble] = attempt
        self._wait = max(trouble.ramp.wait(attempt), at_least)
        self._until = now + self._wait
        self._trouble = trouble
        return self._wait

    def dropped(self, now: float) -> float:
        """Note that a connection ended that had proved itself; returns 0: reconnect at once."""
        self._wait, self._until, self._trouble = 0.0, now, Trouble.DROP
        return 0.0

    def proved(self) -> None:
        """Note that a connection has lasted: ramps start anew, but those that linger."""
        self._attempts = {one: n for one, n in self._attempts.items() if one.lingers}

    def asks_for(self, query: object) -> None:
        """Note that `query` will be asked: a refusal of another one is over then."""
        if query != self._query and self._trouble is Trouble.QUERY_REFUSED:
            self._until, self._trouble = 0.0, None
        self._query = query

    def remaining(self, now: float) -> float:
        """Return the seconds until the next connect is due, at most the wait that was imposed."""
        return max(0.0, min(self._until - now, self._wait))
