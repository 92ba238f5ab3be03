"""A machine whose clock a test sets, and which can sleep.  Knows nothing of who goes by it."""

from twisted.internet.task import Clock

from tcclient.runtime.wallclock import WallClock
from tests.peers import EPOCH

UPTIME = 1000.0
"""What a clock that is never set shows on a machine that was started lately."""


class Machine:
    """
    A machine whose clock can be set: `steady` goes on while it is awake, and `wall` is what a
    client reads.  With `knows_sleep` there is a clock that goes on while it sleeps.
    """

    def __init__(self, knows_sleep: bool = True) -> None:
        self.steady = Clock()
        self.steady.advance(UPTIME)
        self._ahead = EPOCH - UPTIME
        self._slept = 0.0
        boot = (lambda: self.steady.seconds() + self._slept) if knows_sleep else None
        self.wall = WallClock(self.steady, self.shows, boot)

    def shows(self) -> float:
        """Return the date, as nobody has looked at it."""
        return self.steady.seconds() + self._ahead

    def set(self, seconds: float) -> None:
        """Somebody sets the clock; nobody has noticed."""
        self._ahead += seconds

    def sleep(self, seconds: float) -> None:
        """The machine sleeps; nobody has noticed."""
        self._ahead += seconds
        self._slept += seconds
