"""One X app: its plan, rules, rate limits and slots for streams.  Pure; time is a parameter."""

import math
from collections import deque

import attrs

from tcsandbox.twitter.common.stream import REMEMBERED, Sent
from tcsandbox.twitter.v2.connections import AppConnection, AppConnections
from tcsandbox.twitter.v2.plan import Plan
from tcsandbox.twitter.v2.pool import Draft, Pool
from tcsandbox.twitter.v2.rules import RuleStore
from tcsandbox.twitter.v2.usage import Usage

WINDOW = 900.0  # seconds, by X's "Rate limits" page


@attrs.define
class RateLimitWindow:
    """Allows `limit` calls in a window of `seconds`, which begins with its first call."""

    limit: int
    seconds: float = WINDOW
    _since: float | None = None
    _used: int = 0

    def allows(self, now: float) -> bool:
        """Count a call made at `now`, and return whether it was within the limit."""
        if self._since is None or not 0 <= now - self._since < self.seconds:
            self._since, self._used = now, 0
        self._used += 1
        return self._used <= self.limit

    def headers(self, now: float) -> dict[str, str]:
        """Return the three headers at `now`; the reset is never before the real one."""
        reset = (now if self._since is None else self._since) + self.seconds
        return {
            "x-rate-limit-limit": str(self.limit),
            "x-rate-limit-remaining": str(max(self.limit - self._used, 0)),
            "x-rate-limit-reset": str(math.ceil(reset)),
        }


@attrs.define
class App:
    """An app; its `recent` posts, and when its last search stream `ended`, serve backfill."""

    plan: Plan
    pool: Pool
    connections: AppConnections
    _scale: float
    usage: Usage = attrs.Factory(Usage)
    rules: RuleStore = attrs.Factory(lambda self: RuleStore(self._scale), takes_self=True)
    recent: deque[Sent] = attrs.Factory(lambda: deque(maxlen=REMEMBERED))
    ended: float | None = None  # the Unix time at which the last search stream ended
    _sent: int = 0  # on streams that are gone
    _streams: list[AppConnection] = attrs.Factory(list)
    _windows: dict[str, RateLimitWindow] = attrs.Factory(dict)

    def drafts(self, now: float) -> list[Draft]:
        """Return the drafts of posts for the rules that work at `now`."""
        self.pool.serve(self.rules.working(now), now)
        return self.pool.drafts

    def count(self, endpoint: str, now: float) -> tuple[bool, dict[str, str]]:
        """
        Count a request to `endpoint`, which is a name of one of the plan's limits.

        Return whether it was within the limit, and the headers that say so.
        """
        window = self._windows.setdefault(endpoint, RateLimitWindow(0, WINDOW * self._scale))
        window.limit = getattr(self.plan, endpoint)
        return window.allows(now), window.headers(now)

    def opened(self, connection: AppConnection) -> None:
        """Take note of a stream that has begun."""
        self._streams.append(connection)

    def closed(self, connection: AppConnection, now: float) -> None:
        """Give back the slot of a stream that has ended, after as long as the plan says."""
        self._streams.remove(connection)
        if connection.stream is not None:
            self._sent += connection.stream.sent
        if connection.endpoint == "filtered_stream":
            self.ended = now
        if connection.gone is None:
            connection.gone = now + self.plan.linger * self._scale
            connection.reason = "The client closed the connection"

    def used(self, now: float) -> Usage:
        """Return what the app has been sent up to `now`."""
        open_ = sum(one.stream.sent for one in self._streams if one.stream is not None)
        self.usage.count(self._sent + open_, now)
        return self.usage
