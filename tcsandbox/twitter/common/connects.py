"""The list of everybody who asked for a stream.  Knows numbers and times; time is a parameter."""

from collections import deque

import attrs

REMEMBERED = 10_000  # connects


@attrs.define
class Attempt:
    """A request for a stream; `status` is 0 as long as it has no answer."""

    number: int
    time: float
    endpoint: str
    source: str  # the client's address
    track: str
    locations: str
    status: int = 0


@attrs.define
class ConnectLog:
    """`attempts` are the last 10,000 requests for a stream, of all APIs, the oldest first."""

    attempts: deque[Attempt] = attrs.Factory(lambda: deque(maxlen=REMEMBERED))
    _count: int = 0

    def add(
        self, endpoint: str, source: str, now: float, track: str = "", locations: str = ""
    ) -> Attempt:
        """Append a request made at `now`, with the next number, and return it."""
        self._count += 1
        attempt = Attempt(self._count, now, endpoint, source, track, locations)
        self.attempts.append(attempt)
        return attempt
