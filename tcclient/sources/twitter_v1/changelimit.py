"""How often keywords may change on v1.1, where each change costs a connection.  Pure."""

from collections import deque


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
