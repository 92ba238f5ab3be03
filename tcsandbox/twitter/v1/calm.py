"""When too many connects earn a 420, and for how long.  Pure; time is a parameter."""

from collections import deque

import attrs


@attrs.define
class CalmPolicy:
    """
    Allows `connects` in any `window` seconds.

    One more is refused and starts a ban of `ban` seconds; every connect during a ban doubles it
    and starts it anew, as Twitter's 420 does.
    """

    connects: int
    window: float
    ban: float
    _seen: deque[float] = attrs.field(factory=deque, init=False)
    _current: float = attrs.field(default=0.0, init=False)
    _until: float = attrs.field(default=0.0, init=False)

    def refuses(self, now: float) -> bool:
        """Count a connect made at `now` and return whether it is refused."""
        while self._seen and self._seen[0] <= now - self.window:
            self._seen.popleft()
        banned = now < self._until
        if not banned and len(self._seen) < self.connects:
            self._seen.append(now)
            return False
        self._current = self._current * 2 if banned else self.ban
        self._until = now + self._current
        return True
