"""
When a stream is not read because somebody cannot take posts, and what that says of its silence.

Knows time; is told by the connection what was read.
"""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from tcclient.stream.connection import Connection


class Pause:
    """
    The newest pause of a stream.  What had been waiting is read in as long again as it took, and in
    `most` seconds at the longest: no socket holds more than comes in these.
    """

    def __init__(self, most: float, clock: IReactorTime) -> None:
        self._most = most
        self._clock = clock
        self._began: float | None = None
        self._ended: float | None = None
        self._waiting: list[Deferred[None]] = []

    @property
    def is_on(self) -> bool:
        """Whether the stream is not to be read now."""
        return self._began is not None and self._ended is None

    def begin(self, connection: Connection | None) -> None:
        """
        Note that the stream is not read from now on: the pause before goes on where not all that
        had waited because of it may have been read.
        """
        if connection is None or not self.leaves_unread(connection):
            self._began = self._clock.seconds()
        self._ended = None

    def end(self) -> None:
        """Note that the stream is read again, and tell who waits for that."""
        self._ended = self._clock.seconds()
        waiting, self._waiting = self._waiting, []
        for over in waiting:
            over.callback(None)

    def forget(self) -> None:
        """Forget a pause that is over: it was of an older connection."""
        self._began = self._ended = None

    def when_over(self) -> Deferred[None]:
        """Fire when the stream is read again."""
        over: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(over)
        return over

    def leaves_unread(self, connection: Connection) -> bool:
        """Return whether bytes may still wait to be read because of the pause."""
        if self._began is None or not connection.is_heard:
            return False
        if self._ended is None:
            return True
        is_recent = self._clock.seconds() - self._ended < min(self._ended - self._began, self._most)
        return is_recent and not connection.has_caught_up

    def silence(self, connection: Connection) -> float:
        """Return the seconds since the last byte that was not waiting because of the pause."""
        if self._began is None or not self.leaves_unread(connection):
            return connection.silent
        return max(connection.silent, self._clock.seconds() - self._began)
