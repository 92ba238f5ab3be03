"""
Notices that this process has stood still, so that what it reads next may be as old as that; and
waits for which a sleep of the machine counts, though the clock of timers stands still then.

A machine that swaps or is moved, or a process that is stopped, reads nothing for a while, and after
that first what has waited in sockets meanwhile.  Taken for new, that would make the account of what
was heard say too much.  Knows time; knows no sockets.
"""

from collections.abc import Callable, Sequence

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from tcclient.runtime.timers import Together

STILL = 0.2
"""
Seconds in which nothing ran that count as a standstill.  A shorter one does not matter: each gap
begins earlier than the last byte by more than that (ledger.gaps.IN_FLIGHT).
"""

LOOK = 1.0
"""
Seconds between two signs of life where nothing comes.  Each wakes the process, and ten a second
were half of what a client costs that has nothing to do.
"""

REST_OF_IT = 0.5
"""Seconds in which the other side sends what still waits there, once nothing waits here."""


class Standstill:
    """
    Takes it for a standstill if a sign of life is more than `still` seconds late; with 0 it never
    does.  Each read is a sign, and from begin() to end() so is a timer that goes off each LOOK
    seconds.  A shorter one between two signs cannot be told from a time in which nothing came: it
    counts before a read that may have left bytes unread, and does not matter before others.
    """

    def __init__(self, still: float, clock: IReactorTime) -> None:
        self._still = still
        self._clock = Together(clock)
        now = clock.seconds()
        self._read = self._looked = self._looked_before = self._since = self._until = now
        self._timer: IDelayedCall | None = None

    def begin(self) -> None:
        """Start the timer: from now on it is a standstill if no sign comes."""
        self._read = self._looked = self._looked_before = self._clock.seconds()
        self._look_later()

    def end(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def read(self, *, is_all: bool) -> None:
        """Note that something was read now; `is_all` is whether no byte is left anywhere."""
        now = self._clock.seconds()
        if self._still:
            self._see(now)
            surely_awake = max(self._read, self._looked_before)
            if not is_all and now - surely_awake > self._still:
                self._stood(surely_awake, now)
        self._read = now
        if is_all:
            self._until = min(self._until, now + REST_OF_IT)

    @property
    def age(self) -> float:
        """Seconds since the standstill began, while older bytes may still be unread; then 0.0."""
        now = self._clock.seconds()
        return now - self._since if now < self._until else 0.0

    def _look_later(self) -> None:
        if self._still:
            self._timer = self._clock.callLater(LOOK, self._look)

    def _look(self) -> None:
        now = self._clock.seconds()
        self._see(now)
        self._looked_before, self._looked = self._looked, now
        self._look_later()

    def _see(self, now: float) -> None:
        """Take it for a standstill if the timer is late, and nothing was read meanwhile."""
        awake = max(self._read, self._looked)
        if now - self._looked > LOOK + self._still and now - awake > self._still:
            self._stood(awake, now)

    def _stood(self, since: float, now: float) -> None:
        if since >= self._until:
            self._since = since
        self._until = now + (now - self._since)  # after as long again all is read


@implementer(IReactorTime)
class Alarm:
    """A clock whose newest delayed call comes earlier by what the machine has slept meanwhile."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._newest: IDelayedCall | None = None

    def seconds(self) -> float:
        """Return the time of the clock, in seconds."""
        return self._clock.seconds()

    def callLater(  # type: ignore[override]  # the interface names no `self`
        self, delay: float, call: Callable[..., object], *args: object, **kwargs: object
    ) -> IDelayedCall:
        """Have `call` called in so many seconds, in which the machine may sleep."""
        self._newest = self._clock.callLater(delay, call, *args, **kwargs)
        return self._newest

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        """Return the delayed calls of the clock."""
        return self._clock.getDelayedCalls()

    def slept(self, seconds: float) -> None:
        """Note that the machine has slept for so long."""
        if self._newest is not None and self._newest.active():
            left = self._newest.getTime() - self._clock.seconds()
            self._newest.reset(max(0.0, left - seconds))
