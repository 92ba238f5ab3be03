"""
The patience with a capture that cannot take posts: how long the stream that all share is not read
for its sake.

            pause                over
    well ---------> awaited ------------> overtaken
     ^  <-resume-----+                      |
     +----------------resume----------------+

In `awaited` nothing is read, so that all its posts wait, with X or on the way.  In `overtaken` the
others are read for: its posts wait here, as far as there is room for them.

Knows times; does not know who shares the stream.
"""

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from tcclient.runtime.timers import Timers

MOST_AWAITED = 10.0
"""
Seconds for which the stream is not read for one capture.  A disk that is slow, or away for a
moment, takes less; and what X sends in so long, 2,500 posts at its limit of 250 a second, finds
room on the way here, so that X does not close the connection for a slow reader.
"""
REFILL = 0.1
"""
How much of that time a capture gets back for each second in which it takes posts: one whose disk
comes and goes holds up the others for a tenth of the time at most.
"""


class Patience:
    """
    The patience with one capture; `changed` is called when it is over.  `is_awaited` and
    `is_overtaken` say in which state it is, for whoever decides for all captures.
    """

    def __init__(self, clock: IReactorTime, changed: Callable[[], object]) -> None:
        self._clock = clock
        self._timers = Timers(clock)
        self._changed = changed
        self.is_awaited = self.is_overtaken = False
        self._left = MOST_AWAITED
        self._since = clock.seconds()

    @property
    def is_well(self) -> bool:
        """Whether the capture takes posts."""
        return not (self.is_awaited or self.is_overtaken)

    def pause(self) -> None:
        """Await the capture, which cannot take posts, for as long as there is patience."""
        if self.is_well:
            self.is_awaited = True
            self._left = min(MOST_AWAITED, self._left + REFILL * self._lasted())
            self._timers.start("over", self._left, self._overtake)

    def resume(self) -> None:
        """Take note that the capture takes posts again, and has taken what waited."""
        if not self.is_well:
            lasted = self._lasted()
            self._left = max(0.0, self._left - lasted) if self.is_awaited else 0.0
            self._timers.stop("over")
            self.is_awaited = self.is_overtaken = False

    def _overtake(self) -> None:
        self.is_awaited, self.is_overtaken = False, True
        self._changed()

    def _lasted(self) -> float:
        """Return how long the last state has lasted, and begin to measure the next one."""
        before, self._since = self._since, self._clock.seconds()
        return self._since - before
