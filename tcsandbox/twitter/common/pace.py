"""How many posts are due: turns a rate into whole numbers.  Pure; time is a parameter."""

import attrs

LONGEST_GAP = 1.0  # seconds made up for after the process or its clock stood still


@attrs.define
class Pace:
    """A rate of `rate` posts a second, which may be changed at any time; 0 means none."""

    rate: float
    _asked: float | None = None
    _due: float = 0.0

    def due(self, now: float) -> int:
        """Return the posts due since the last call; the first call only starts the count."""
        since = 0.0 if self._asked is None else now - self._asked
        self._asked = now
        # a clock that steps back makes nothing due, one that leaps makes no flood due
        self._due += self.rate * min(max(since, 0.0), LONGEST_GAP)
        whole = int(self._due)
        self._due -= whole
        return whole

    def rest(self) -> None:
        """Stop counting until the next call of due(): nobody listens meanwhile."""
        self._asked = None
