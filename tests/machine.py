"""A machine whose clock a test sets.  Knows nothing of who goes by it."""

from twisted.internet.task import Clock

from tcclient.runtime.wallclock import WallClock
from tests.peers import EPOCH

UPTIME = 1000.0
"""What a clock that is never set shows on a machine that was started lately."""


class Machine:
    """A machine whose clock can be set: `steady` goes on, and `wall` is what a client reads."""

    def __init__(self) -> None:
        self.steady = Clock()
        self.steady.advance(UPTIME)
        self._ahead = EPOCH - UPTIME
        self.wall = WallClock(self.steady, self.shows)

    def shows(self) -> float:
        """Return the date, as nobody has looked at it."""
        return self.steady.seconds() + self._ahead

    def set(self, seconds: float) -> None:
        """Somebody sets the clock; nobody has noticed."""
        self._ahead += seconds
