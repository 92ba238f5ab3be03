"""
How often keywords may change: on v1.1 a change costs a connection, on v2 several requests.  Pure.

Knows when changes were made; makes none.
"""

from collections import deque


class ChangeLimit:
    """
    Keeps keyword changes from looking like abuse: the first six in five minutes go through at once,
    later ones once a minute.
    """

    MOST = 6
    """How many changes within WINDOW may be made at once."""
    WINDOW = 300.0
    """Seconds in which MOST changes may be made at once."""
    SPACING = 60.0
    """Seconds between two changes beyond those."""

    def __init__(self) -> None:
        self._made: deque[float] = deque(maxlen=self.MOST)

    def delay(self, now: float) -> float:
        """Return the seconds until a change may be made, 0.0 for now."""
        if len(self._made) < self.MOST or now - self._made[0] >= self.WINDOW:
            return 0.0
        return max(0.0, min(self._made[-1] + self.SPACING - now, self.SPACING))

    def made(self, now: float) -> None:
        """Count a change that is made at `now`, in seconds."""
        self._made.append(now)
