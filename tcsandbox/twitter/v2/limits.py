"""How often an endpoint may be called, and what its headers say.  Pure; time is a parameter."""

import math

import attrs

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
        """
        Return the three headers of the rate limit at `now`.

        The reset is in whole Unix seconds, never before the real one.
        """
        reset = (now if self._since is None else self._since) + self.seconds
        return {
            "x-rate-limit-limit": str(self.limit),
            "x-rate-limit-remaining": str(max(self.limit - self._used, 0)),
            "x-rate-limit-reset": str(math.ceil(reset)),
        }
