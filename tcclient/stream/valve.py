"""
Decides when a transport reads: whenever it is not paused, and no rest saves work.

Each read wakes the whole process, and at thousands of posts a second that is most of what they
cost.  So reads that follow each other closely, and leave nothing unread, are kept apart by a rest,
in which more comes together.  Knows sizes and times of reads; does not know what is read.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime

from tcclient.runtime.producers import Pausable
from tcclient.stream.fastpath.inbox import SHORT

REST = 0.12
"""
Seconds of a rest.  Waking up costs as much as some fifty posts, and with this it happens eight
times a second.  What has not been read is lost if the connection is reset, which is allowed for:
ledger.gaps.IN_FLIGHT is more than twice as long.
"""

AT_ONCE = 0.01
"""Seconds after a rest within which a read brings what came during the rest."""

MOST_UNREAD = 1 << 20
"""
Most bytes that may come during a rest, at the rate before it; a rest in which more would come is
shorter.  The system has to keep them, and if it cannot, the other side has to wait.
"""


MOST_BEHIND_A_REST = 3 << 16
"""
Bytes.  A rest that brings more is not followed by another at once: it may have held up the other
side, which sends at its own rate only to who reads.  This is enough for 450 posts a second.
"""


def rest_within(wait: float) -> float:
    """Return the seconds of the longest rest; a tenth of `wait` is left for after the read."""
    return min(REST, wait * 9 / 10)


class Valve(Pausable):
    """
    Lets a transport read or not.  `rest` is in seconds, 0 for none.  Without a transport it only
    remembers whether it is paused.
    """

    def __init__(self, rest: float, clock: IReactorTime) -> None:
        self._rest = rest
        self._clock = clock
        self._transport: IPushProducer | None = None
        self.is_paused = False
        self._is_held = False
        self._resting: IDelayedCall | None = None
        self._hurries = 0
        self._rested = 0.0  # seconds of rest since the last read
        self._bytes = 0  # that have been read since the last rest was decided on
        self._seconds = 0.0  # in which they came

    def connect(self, transport: IPushProducer) -> None:
        """Decide for `transport` from now on when it reads."""
        self._transport = transport
        if self.is_paused:
            self._set()

    def disconnect(self) -> None:
        """Forget the transport, and end a rest."""
        self._transport = None
        self._end_rest()

    def pauseProducing(self) -> None:
        """Read nothing until resumeProducing() is called."""
        self.is_paused = True
        self._set()

    def resumeProducing(self) -> None:
        """Read again, at once or when a rest is over."""
        if self.is_paused:
            self.is_paused = False
            self._set()

    def hold(self, is_held: bool) -> None:
        """Read nothing while this is so, whether or not it is paused."""
        if is_held != self._is_held:
            self._is_held = is_held
            self._set()

    def has_read(self, size: int, gap: float, *, is_all: bool) -> None:
        """
        Note that `size` bytes were read, `gap` seconds after the read before; begin a rest if that
        `is_all` there was, and it followed that one closely.  Of more than SHORT bytes that counts
        only behind a rest: otherwise the other side sends as fast as it can.
        """
        self._bytes += size
        self._seconds += gap
        close = gap < (self._rested + AT_ONCE if self._rested else self._rest)
        is_all = size < SHORT or (is_all and self._rested > 0 and size < MOST_BEHIND_A_REST)
        self._rested = 0.0
        if self.is_paused or self._is_held:
            self._set()  # Twisted resumes a body's transport, whatever it was made to do before
        elif is_all and close and not self._hurries and self._resting is None:
            self._rested = self._bounded_rest()
            self._resting = self._clock.callLater(self._rested, self._end_rest)
            self._set()

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """Take no rest between reads within the `with` block; end one that is being taken."""
        self._hurries += 1
        self._end_rest()
        try:
            yield
        finally:
            self._hurries -= 1

    def _bounded_rest(self) -> float:
        """Return how long to rest so that MOST_UNREAD bytes come at the most."""
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
        """Have the transport read, or not."""
        if self._transport is None:
            return
        if self.is_paused or self._is_held or self._resting is not None:
            self._transport.pauseProducing()
        else:
            self._transport.resumeProducing()
