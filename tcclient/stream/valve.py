"""
Whether a transport reads: it does unless it is paused, or a short rest pays.

A post read as it comes costs an awakening of the whole process; at thousands of posts a second
that is most of their price.  So short reads that follow each other closely are kept apart by a
rest, in which more comes together.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime

from tcclient.runtime.producers import Pausable

REST = 0.08
"""
Seconds: an awakening costs as much as some fifty posts, and this makes a dozen a second.  What has
not been read is lost with a connection that is reset; ledger.gaps.IN_FLIGHT is three times as much.
"""

AT_ONCE = 0.01
"""Seconds after a rest in which what came meanwhile is read."""

MOST_UNREAD = 1 << 20
"""
Bytes that may come in a rest, by the rate before it, which is the shorter for that.  The system has
to keep them, and where it cannot the other side has to wait.
"""

SHORT = 1 << 15
"""
Bytes.  A read with fewer has left nothing in the socket, nor with the other side: one that has to
wait for room here, which begins with 64 kB on Linux (tcp_rmem), sends more at once when there is
some.  With a bound of 128 kB some posts waited for three rests, 240 ms.
"""


def rest_within(wait: float) -> float:
    """The longest rest where a post may wait so many seconds, a fifth of them after it was read."""
    return min(REST, wait * 4 / 5)


class Valve(Pausable):
    """
    Between a transport and who reads from it.  `rest` is in seconds, 0 for none.  Without a
    transport it only remembers whether it is paused.
    """

    def __init__(self, rest: float, clock: IReactorTime) -> None:
        self._rest = rest
        self._clock = clock
        self._transport: IPushProducer | None = None
        self.is_paused = False
        self._resting: IDelayedCall | None = None
        self._hurries = 0
        self._rested = 0.0  # seconds, since something was read
        self._bytes = 0  # that have come since the last rest began
        self._seconds = 0.0  # in which they have

    def connect(self, transport: IPushProducer) -> None:
        """From now on `transport` does what is decided here."""
        self._transport = transport
        if self.is_paused:
            self._set()

    def disconnect(self) -> None:
        """It is gone, and no timer is left."""
        self._transport = None
        self._end_rest()

    def pauseProducing(self) -> None:
        """Read nothing until resumeProducing()."""
        self.is_paused = True
        self._set()

    def resumeProducing(self) -> None:
        """Read again, at once or when a rest is over."""
        if self.is_paused:
            self.is_paused = False
            self._set()

    def has_read(self, size: int, gap: float) -> None:
        """So many bytes have come, `gap` seconds after the ones before."""
        self._bytes += size
        self._seconds += gap
        close = gap < (self._rested + AT_ONCE if self._rested else self._rest)
        self._rested = 0.0
        if self.is_paused:
            self._set()  # Twisted resumes a body's transport, whatever it was made to do before
        elif size < SHORT and close and not self._hurries and self._resting is None:
            self._rested = self._bounded_rest()
            self._resting = self._clock.callLater(self._rested, self._end_rest)
            self._set()

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """No rest, and none begins."""
        self._hurries += 1
        self._end_rest()
        try:
            yield
        finally:
            self._hurries -= 1

    def _bounded_rest(self) -> float:
        rate = self._bytes / max(self._seconds, self._rest)
        self._bytes, self._seconds = 0, 0.0
        return self._rest if rate * self._rest <= MOST_UNREAD else MOST_UNREAD / rate

    def _end_rest(self) -> None:
        call, self._resting = self._resting, None
        if call is not None:
            if call.active():
                call.cancel()
            self._set()

    def _set(self) -> None:
        if self._transport is None:
            return
        if self.is_paused or self._resting is not None:
            self._transport.pauseProducing()
        else:
            self._transport.resumeProducing()
