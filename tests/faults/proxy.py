"""
A road between the client and the simulated Twitter, on which connections come to grief.

Knows sockets; nothing of HTTP.
"""

import math
import re
from collections import deque
from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.interfaces import IDelayedCall, IListeningPort, IOpenSSLContextFactory
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

HOST = "127.0.0.1"

Cutter = Callable[[bytes], list[bytes]]


def whole(data: bytes) -> list[bytes]:
    """As it came."""
    return [data]


def each_byte(data: bytes) -> list[bytes]:
    """A piece for each byte."""
    return [data[at : at + 1] for at in range(len(data))]


def within_crlf(data: bytes) -> list[bytes]:
    """Pieces that end after each CR."""
    return re.findall(rb"[^\r]*\r|[^\r]+", data)


@attrs.frozen
class Pace:
    """
    How what Twitter says is handed on: the first `most` pieces one at a time, with `pause` seconds
    after each, and what follows as it comes.
    """

    cut: Cutter = whole
    pause: float = 0.0
    most: float = 0


AT_ONCE = Pace()
BYTES = Pace(each_byte, most=math.inf)
BROKEN_LINES = Pace(within_crlf, most=math.inf)


class Proxy(Factory):
    """
    Hands on what comes, to and fro, unless it is told otherwise.  `pace` is that of connections
    made from now on; a `mute` proxy accepts connections, and that is all; one with `tls` speaks
    it with the client, and plainly with Twitter.
    """

    noisy = False

    def __init__(self, reactor: Any, port: int) -> None:
        self.reactor = reactor
        self.pace = AT_ONCE
        self.mute = False
        self.tls: IOpenSSLContextFactory | None = None
        self._target = port
        self._links: set[Link] = set()
        self._port: IListeningPort | None = None
        self.number = 0

    def listen(self) -> int:
        """The port on which it listens: always the same one after the first time."""
        if self.tls is None or self.mute:
            self._port = self.reactor.listenTCP(self.number, self, interface=HOST)
        else:
            self._port = self.reactor.listenSSL(self.number, self, self.tls, interface=HOST)
        self.number = self._port.getHost().port
        return self.number

    async def refuse(self) -> None:
        """Listen no longer, and reset what there is."""
        port, self._port = self._port, None
        if port is not None:
            await port.stopListening()
        self.each(Link.reset)

    async def stop(self) -> None:
        """Returns when no connection is left."""
        await self.refuse()
        await DeferredList([link.when_gone() for link in self._links])

    def each(self, act: "Callable[[Link], object]") -> None:
        """Do it to every connection."""
        for link in list(self._links):
            act(link)

    def buildProtocol(self, addr: object) -> "_Near":
        link = Link(self, self.pace)
        self._links.add(link)
        if not self.mute:
            far = TCP4ClientEndpoint(self.reactor, HOST, self._target)
            far.connect(Factory.forProtocol(link.make_far)).addErrback(link.unreachable)
        return link.near

    def forget(self, link: "Link") -> None:
        """Both ends of it are gone."""
        self._links.discard(link)


class Link:
    """One connection of the client's, and the one made for it to Twitter."""

    def __init__(self, proxy: Proxy, pace: Pace) -> None:
        self.near = _Near(self)
        self._far: _Far | None = None
        self._proxy = proxy
        self._pace = pace
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
            self._proxy.forget(self)
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
            self._timer = self._proxy.reactor.callLater(self._pace.pause, self._hand_on)
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
