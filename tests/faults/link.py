"""
One connection of the client's and the one made for it to Twitter, and what may befall both.

Knows sockets; nothing of HTTP.
"""

from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from tests.faults.pace import Pace


class Link:
    """`near` is the client's connection; `forget` is called when both are gone."""

    def __init__(self, clock: IReactorTime, pace: Pace, forget: Callable[["Link"], object]) -> None:
        self.near = _Near(self)
        self._far: _Far | None = None
        self._clock = clock
        self._pace = pace
        self._forget = forget
        self._held = False
        self._asked = bytearray()
        self._pieces: deque[bytes] = deque()
        self._timer: IDelayedCall | None = None
        self._handed_on = 0
        self._waiting: list[Deferred[None]] = []

    def make_far(self) -> "_Far":
        """The other end."""
        self._far = _Far(self)
        return self._far

    def when_gone(self) -> Deferred[None]:
        """Fires when both ends are."""
        gone: Deferred[None] = Deferred()
        self._waiting.append(gone)
        return gone

    # What befalls it.

    def reset(self) -> None:
        """RST, on both sides."""
        self.near.abort()
        if self._far is not None:
            self._far.abort()

    def close(self) -> None:
        """FIN to the client; to Twitter it is as if the client had gone."""
        self.near.transport.loseConnection()
        if self._far is not None:
            self._far.abort()

    def half_open(self) -> None:
        """Twitter's end dies, and the client is not told."""
        self._held = True
        if self._far is not None:
            self._far.abort()

    def hold(self) -> None:
        """A black hole: both ends stay, and nothing passes any more."""
        self._held = True
        if self._far is not None:
            self._far.transport.pauseProducing()

    # What comes.

    def far_is_there(self, far: "_Far") -> None:
        """Twitter has accepted."""
        if not self.near.there:
            far.abort()
        far.transport.write(bytes(self._asked))
        self._asked.clear()

    def unreachable(self, reason: Failure) -> None:
        """There is no Twitter."""
        self.near.abort()

    def client_says(self, data: bytes) -> None:
        """To be handed on, now or when there is a Twitter."""
        if self._far is None or not self._far.there:
            self._asked += data
        elif not self._held:
            self._far.transport.write(data)

    def twitter_says(self, data: bytes) -> None:
        """To be handed on at its pace."""
        if self._held or not self.near.there:
            return
        self._pieces += self._pace.cut(data)
        if self._timer is None:
            self._hand_on()

    def ended(self) -> None:
        """One end is gone: so is the other, but where it is not to know."""
        far = self._far
        if not self.near.there:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if far is not None and not self._held:
                far.abort()
        elif not self._held:
            self._finish()
        if not self.near.there and not (far and far.there):
            self._forget(self)
            waiting, self._waiting = self._waiting, []
            for gone in waiting:
                gone.callback(None)

    def _hand_on(self) -> None:
        self._timer = None
        if self._handed_on >= self._pace.most:
            self.near.transport.writeSequence(self._pieces)
            self._pieces.clear()
        elif self._pieces:
            self.near.transport.write(self._pieces.popleft())
            self._handed_on += 1
            self._timer = self._clock.callLater(self._pace.pause, self._hand_on)
        self._finish()

    def _finish(self) -> None:
        """Let the client go when it has all that a Twitter said who is gone."""
        if self._far is not None and not self._far.there and not self._pieces:
            self.near.transport.loseConnection()


class _End(Protocol):
    """One of the two connections of a link."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.there = False

    def connectionMade(self) -> None:
        self.there = True
        self.transport.setTcpNoDelay(True)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.there = False
        self.link.ended()

    def abort(self) -> None:
        """Reset it, if it is there."""
        if self.there:
            self.transport.abortConnection()


class _Near(_End):
    """The client's."""

    def dataReceived(self, data: bytes) -> None:
        self.link.client_says(data)


class _Far(_End):
    """Twitter's."""

    def connectionMade(self) -> None:
        super().connectionMade()
        self.link.far_is_there(self)

    def dataReceived(self, data: bytes) -> None:
        self.link.twitter_says(data)
