"""One X app: its plan, rules, rate limits and slots for streams.  Pure; time is a parameter."""

import math
from collections import deque

import attrs

from tcsandbox.twitter.common.stream import REMEMBERED, Sent
from tcsandbox.twitter.v2 import problems
from tcsandbox.twitter.v2.plan import Plan
from tcsandbox.twitter.v2.pool import Draft, Pool
from tcsandbox.twitter.v2.problems import Denied
from tcsandbox.twitter.v2.rules import RuleStore

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
    _scale: float
    rules: RuleStore = attrs.Factory(lambda self: RuleStore(self._scale), takes_self=True)
    recent: deque[Sent] = attrs.Factory(lambda: deque(maxlen=REMEMBERED))
    ended: float | None = None  # the Unix time at which the last search stream ended
    _open: int = 0
    _lingering: list[float] = attrs.Factory(list)  # when each slot becomes free
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

    def take_slot(self, now: float) -> None:
        """Take a slot for a stream that begins; raise Denied while all slots are taken."""
        self._lingering = [until for until in self._lingering if now < until]
        if self._open + len(self._lingering) >= self.plan.connections:
            raise Denied(problems.TOO_MANY_CONNECTIONS)
        self._open += 1

    def leave_slot(self, now: float, search: bool) -> None:
        """Give back the slot of a stream that has ended, after as long as the plan says."""
        self._open -= 1
        if search:
            self.ended = now
        if self.plan.linger:
            self._lingering.append(now + self.plan.linger * self._scale)
