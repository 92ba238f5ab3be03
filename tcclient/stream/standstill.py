"""
Whether this process has stood still: what it reads at first after that is as old as the standstill.

A machine that swaps or is moved, or a process that is stopped, reads nothing for a while, and then
what has waited in sockets meanwhile, before what comes.  Who takes that for the newest says too
much.
"""

from twisted.internet.interfaces import IDelayedCall, IReactorTime

STILL = 0.2
"""Seconds without a beat; a shorter time is within the one by which each gap begins earlier."""


REST_OF_IT = 0.5
"""Seconds in which the other side sends what was left with it, once nothing waits here."""


class Standstill:
    """
    `still` is how long nothing has to happen, in seconds; 0: never mind.  Whoever reads beats
    first, and two beats come in that time by themselves from begin() to end().
    """

    def __init__(self, still: float, clock: IReactorTime) -> None:
        self._still = still
        self._clock = clock
        self._beaten = self._since = self._until = clock.seconds()
        self._next: IDelayedCall | None = None

    def begin(self) -> None:
        """From now on no beat means that the process stands still."""
        self._beaten = self._clock.seconds()
        if self._still:
            self._later()

    def end(self) -> None:
        """No timer is left."""
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def beat(self) -> None:
        """Something is about to be done."""
        now = self._clock.seconds()
        if self._still and now - self._beaten > self._still:
            if self._beaten >= self._until:
                self._since = self._beaten
            self._until = now + (now - self._since)  # in twice the time all is read
        self._beaten = now

    def caught_up(self) -> None:
        """Nothing waits to be read any more."""
        self._until = min(self._until, self._clock.seconds() + REST_OF_IT)

    @property
    def age(self) -> float:
        """Seconds since the standstill began, as long as not all may have been read; or else 0."""
        self.beat()
        return self._beaten - self._since if self._beaten < self._until else 0.0

    def _later(self) -> None:
        self._next = self._clock.callLater(self._still / 2, self._beat_by_itself)

    def _beat_by_itself(self) -> None:
        self.beat()
        self._later()
