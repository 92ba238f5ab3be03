"""
How long to wait before the next attempt to connect, and what a refusal by the other side means for
it and for the user.  Knows no API.  Pure: takes the time, returns seconds.

The waits belong to an endpoint and its credentials, not to a capture: one Backoff outlives every
session, so that neither stop and start nor a change of keywords shortens a wait.
"""

import math
from typing import ClassVar

from msgspec import Struct


class Ramp(Struct, frozen=True):
    """
    The waits after one failure, two, and so on, in seconds: the first one, the longest, and whether
    each is twice the one before, or longer than it by the first.
    """

    first: float
    longest: float
    doubles: bool = True

    def wait(self, attempt: int) -> float:
        """Return the wait after failure number `attempt`, counted from 1."""
        factor = 2.0 ** min(attempt - 1, 60) if self.doubles else attempt
        return min(self.first * factor, self.longest)


HTTP_RAMP = Ramp(5.0, 320.0)
NETWORK_RAMP = Ramp(0.25, 16.0, doubles=False)
"""The ramps that Twitter documents, as are the first waits of RATE_LIMIT below."""
AT_THE_TOP = Ramp(HTTP_RAMP.longest, HTTP_RAMP.longest)
"""Always the longest wait: for an answer that is hardly different the next time."""


class Trouble(Struct, frozen=True):
    """
    Why there is no stream, as far as the next attempt is concerned.  `value` is the word for it in
    the ledger, and `ramp` has the waits.  A source may have troubles of its own besides these.

    `lingers` is for how many seconds a failure counts, even if a connection has lasted since;
    0.0: until one has.
    """

    value: str
    ramp: Ramp
    lingers: float = 0.0

    DROP: ClassVar["Trouble"]
    """An established connection ended."""
    NETWORK: ClassVar["Trouble"]
    """There was no connection, no answer, or silence."""
    HTTP: ClassVar["Trouble"]
    """The answer was one that may be better in a while, such as 503."""
    RATE_LIMIT: ClassVar["Trouble"]
    """The answer was 420 or 429.  Each such attempt lengthens the ban."""
    REFUSED: ClassVar["Trouble"]
    """The answer was 401, 403 or the like: somebody has to put something right."""
    REFUSED_SINCE: ClassVar["Trouble"]
    """The same where the same credentials have worked before: it may pass by itself."""
    QUERY_REFUSED: ClassVar["Trouble"]
    """The answer was 406, 413 or 416: another query may be accepted at once."""

    def is_at_the_top(self, wait: float) -> bool:
        """Return whether a wait of so many seconds is the longest of a ramp that rises."""
        return self.ramp.first < self.ramp.longest <= wait


Trouble.DROP = Trouble("drop", NETWORK_RAMP)
Trouble.NETWORK = Trouble("network", NETWORK_RAMP)
Trouble.HTTP = Trouble("http", HTTP_RAMP)
# Twitter names no longest wait for 420; with an hour the client stays useful.
Trouble.RATE_LIMIT = Trouble("rate limit", Ramp(60.0, 3600.0))
Trouble.REFUSED = Trouble("refused", AT_THE_TOP)
Trouble.REFUSED_SINCE = Trouble("refused", HTTP_RAMP)
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
        self._has_worked = False

    def failed(self, trouble: Trouble, now: float, at_least: float = 0.0) -> float:
        """
        Note a failure at `now` (seconds).  Return the seconds to wait: those of the ramp, and not
        less than `at_least`, which the other side asked for.
        """
        trouble = self.understood(trouble)
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

    def understood(self, trouble: Trouble) -> Trouble:
        """Return which trouble that is for credentials that have worked or not."""
        since = trouble is Trouble.REFUSED and self._has_worked
        return Trouble.REFUSED_SINCE if since else trouble

    def worked(self) -> None:
        """Note that these credentials have got what they ask for."""
        self._has_worked = True

    def dropped(self, now: float) -> float:
        """Note that a connection that had lasted has ended.  Return 0.0: connect again at once."""
        self._wait, self._until, self._trouble = 0.0, now, Trouble.DROP
        return 0.0

    def slept(self, seconds: float) -> None:
        """Note that the machine slept for so long, and the clock of `now` stood still."""
        self._until -= seconds

    def proved(self) -> None:
        """Note that a connection has lasted: all ramps begin anew, but those that linger."""
        self.worked()
        self._attempts = {one: n for one, n in self._attempts.items() if one.lingers}

    def asks_for(self, query: object) -> None:
        """Note that `query` is asked next.  The wait for the refusal of another one ends."""
        if query != self._query and self._trouble is Trouble.QUERY_REFUSED:
            self._until, self._trouble = 0.0, None
        self._query = query

    def remaining(self, now: float) -> float:
        """Return the seconds until the next attempt: the last wait at most."""
        return max(0.0, min(self._until - now, self._wait))


FROM_BETWEEN = "an answer of something in between"
"""How the ledger begins to explain a refusal that does not come from the other side."""


class Refusal(Struct, frozen=True):
    """
    The meaning of an answer other than 200.

    `advice` is a sentence that says what to do, `explanation` what the other side said, and
    `at_least` the shortest wait in seconds that it asks for.  `is_from_between` says that not the
    other side has answered, but a proxy or the like.
    """

    trouble: Trouble
    advice: str
    explanation: str = ""
    at_least: float = 0.0
    is_from_between: bool = False

    @property
    def noted(self) -> str | None:
        """The explanation as the ledger has it, which tells who has given it; None for none."""
        if self.is_from_between:
            return ": ".join(filter(None, (FROM_BETWEEN, self.explanation)))
        return self.explanation or None


class RefusalError(Exception):
    """
    Raised where something was refused that is needed before the stream can be asked for.  str() is
    a clause that says what was refused; `refusal` is what that means, and `status` that of the
    answer, None where there was none.
    """

    def __init__(self, reason: str, refusal: Refusal, status: int | None = None) -> None:
        super().__init__(reason)
        self.refusal = refusal
        self.status = status
