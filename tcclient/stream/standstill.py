"""
Notices that this process has stood still, so that what it reads next may be as old as that.

A machine that swaps or is moved, or a process that is stopped, reads nothing for a while, and after
that first what has waited in sockets meanwhile.  Taken for new, that would make the account of what
was heard say too much.  Knows time; knows no sockets.
"""

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

STILL = 0.2
"""
Seconds without a beat that count as a standstill.  A shorter one does not matter: each gap begins
earlier than the last byte by more than that (ledger.gaps.IN_FLIGHT).
"""

REST_OF_IT = 0.5
"""Seconds in which the other side sends what still waits there, once nothing waits here."""


class Standstill:
    """
    Takes the time between two beats for a standstill if it is longer than `still` seconds; with 0
    it never does.  Whoever reads calls beat() first; from begin() to end() a timer calls it too,
    twice in that time.
    """

    def __init__(self, still: float, clock: IReactorTime) -> None:
        self._still = still
        self._clock = clock
        self._beaten = self._since = self._until = clock.seconds()
        self._timer = LoopingCall(self.beat)
        self._timer.clock = clock

    def begin(self) -> None:
        """Start the timer: from now on it is a standstill if no beat comes."""
        self._beaten = self._clock.seconds()
        if self._still:
            self._timer.start(self._still / 2, now=False)

    def end(self) -> None:
        """Stop the timer."""
        if self._timer.running:
            self._timer.stop()

    def beat(self) -> None:
        """Note that the process is running, and whether it stood still since the last beat."""
        now = self._clock.seconds()
        if self._still and now - self._beaten > self._still:
            if self._beaten >= self._until:
                self._since = self._beaten
            self._until = now + (now - self._since)  # after as long again all is read
        self._beaten = now

    def caught_up(self) -> None:
        """Note that nothing waits here to be read any more."""
        self._until = min(self._until, self._clock.seconds() + REST_OF_IT)

    @property
    def age(self) -> float:
        """Seconds since the standstill began, while older bytes may still be unread; then 0.0."""
        self.beat()
        return self._beaten - self._since if self._beaten < self._until else 0.0
