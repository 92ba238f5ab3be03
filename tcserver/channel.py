"""
HTTP's connections with bounds on all that whoever asks can make large, slow or many.

Daphne keeps a body of any size before anybody looks at it, and waits for one that comes a byte a
minute.  Knows HTTP and Daphne's protocol; knows no application.
"""

from collections.abc import Sequence
from http import HTTPStatus
from io import BytesIO
from typing import Any

import attrs
import msgspec
from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.ws_protocol import WebSocketProtocol
from twisted.web.http import HTTPChannel

from tcserver.addresses import Network, neighbourhood, parsed
from tcserver.admission import Admission

Channel: Any = HTTPChannel
"""Twisted's, of which a part is typed, and that in the way of its use."""
PLAIN = {b"", b"identity"}
"""The encodings of a body that is sent as it is."""


@attrs.frozen
class RequestLimits:
    """
    What is taken from whoever asks: `body` bytes of a request, `bodies` of all that are there at
    once; `within` seconds from a request's first byte to its last, and as long for the next one;
    `connections` in all, `of_a_place` from one address.  One that was refused is listened to for
    `linger` seconds, so that it can read why.
    """

    body: int
    bodies: int = 64 << 20
    within: float = 60.0
    linger: float = 5.0
    connections: int = 4000
    of_a_place: int = 1000


class BoundedRequest(WebRequest):  # type: ignore[misc]  # daphne has no types
    """
    Daphne's request, whose body is kept in memory, up to the limit.

    Twisted would also take forms apart, which nobody asks it for and which has no limit.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args, parsePOSTFormSubmission=False)

    def process(self) -> Any:
        """Answer, or become a socket, which goes on being counted as this connection."""
        transport = self.channel.transport
        done = super().process()
        if isinstance(transport.protocol, BoundedSocket):
            transport.protocol.channel = self.channel
        return done

    def gotLength(self, length: int | None) -> None:
        """Begin the body; it is too small for a file."""
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        """Keep a piece of the body, if there is room for it."""
        if self.channel.takes(len(data)):
            super().handleContentChunk(data)


class BoundedSocket(WebSocketProtocol):  # type: ignore[misc]  # daphne has no types
    """Daphne's socket, in the place of the `channel` whose connection it has taken over."""

    channel: "BoundedChannel | None" = None

    def connectionLost(self, reason: Any) -> None:
        """Make room."""
        if self.channel is not None:
            self.channel.factory.admission.leave(self.channel)
        super().connectionLost(reason)

    def serverSend(self, content: Any, binary: bool = False) -> None:
        """Send; at a socket that is closing there is nobody to send to, which is no error."""
        if self.state in (self.STATE_OPEN, self.STATE_CONNECTING):
            super().serverSend(content, binary)

    def serverClose(self, code: int | None = None) -> None:
        """Close with any code: sendClose() takes 1000 and those of applications alone."""
        self.sendCloseFrame(code=code or 1000)


class BoundedChannel(Channel):  # type: ignore[misc]  # as Channel says
    """A connection that is given time and room for one request after the other."""

    requestFactory = BoundedRequest

    def __init__(self, limits: RequestLimits, factory: "BoundedFactory") -> None:
        super().__init__()
        self.factory = factory
        self.timeOut = limits.within
        self._limits = limits
        self._begun = self._refused = False
        self._held = 0

    def dataReceived(self, data: bytes) -> None:
        """Read on, unless it was refused."""
        if self._refused:
            return
        if not self._begun:
            self._begun = True
            self.setTimeout(self._limits.within)
        super().dataReceived(data)

    def resetTimeout(self) -> None:
        """Leave the time as it is: a byte now and then does not prolong it."""

    def allHeadersReceived(self) -> None:
        """Refuse by what the head says of the body, or go on to that."""
        headers = self.requests[-1].requestHeaders
        if self.length is not None and self.length > self._limits.body:
            self._refuse_size()
        elif self.length != 0 and {*headers.getRawHeaders(b"Content-Encoding", ())} - PLAIN:
            detail = "The body is compressed: send it as it is."
            self.refuse(415, detail, b"Accept-Encoding: identity")
        else:
            super().allHeadersReceived()

    def allContentReceived(self) -> None:
        """Have the request answered."""
        if not self._refused:
            self.factory.admission.works(self)
            super().allContentReceived()

    def requestDone(self, request: Any) -> None:
        """Wait for the next one."""
        self._begun = False
        self._let_go()
        self.factory.admission.waits(self)
        super().requestDone(request)

    def connectionLost(self, reason: Any) -> None:
        """Make room."""
        self._let_go()
        self.factory.admission.leave(self)
        super().connectionLost(reason)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Refuse a line of the head that does not end."""
        self.refuse(431, "The head of the request is too long.")

    def takes(self, size: int) -> bool:
        """Return whether so many bytes more of the body are taken; otherwise it is refused."""
        if self._refused:
            return False
        self._held += size
        self.factory.held += size
        if self._held > self._limits.body:
            self._refuse_size()
        elif self.factory.held > self._limits.bodies:
            self.refuse(503, "The server is busy.", b"Retry-After: 5")
        return not self._refused

    def refuse(self, status: int, detail: str, *headers: bytes) -> None:
        """Answer before the request is there, and hang up once that can have been read."""
        self._refused = True
        self._let_go()
        body = msgspec.json.encode({"detail": detail})
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode(),
            b"Content-Type: application/json",
            b"Content-Length: %d" % len(body),
            b"Connection: close",
            *headers,
        )
        self.transport.write(b"\r\n".join(head) + b"\r\n\r\n" + body)
        # Whoever is hung up on while sending may lose what came before.
        self.transport.loseWriteConnection()
        self.setTimeout(self._limits.linger)

    def _refuse_size(self) -> None:
        self.refuse(413, f"The request has more than {self._limits.body} bytes.")

    def _let_go(self) -> None:
        self.factory.held -= self._held
        self._held = 0


class BoundedFactory(HTTPFactory):  # type: ignore[misc]  # daphne has no types
    """
    Makes the connections.  `held` bytes of bodies are there now.

    Proxies in `trusted`, and this machine, may have as many connections as all together.
    """

    def __init__(self, server: Any, limits: RequestLimits, trusted: Sequence[Network]) -> None:
        super().__init__(server)
        self.admission: Admission[BoundedChannel] = Admission(limits.connections, limits.of_a_place)
        self.held = 0
        self._limits = limits
        self._trusted = trusted

    def buildProtocol(self, addr: Any) -> BoundedChannel | None:
        """Return a new connection, or None where there is no room for one."""
        channel = BoundedChannel(self._limits, self)
        channel.callLater = self.reactor.callLater
        welcome, leaving = self.admission.enter(channel, self._place(addr.host))
        if leaving is not None and leaving.transport is not None:
            leaving.transport.abortConnection()
        return channel if welcome else None

    def _place(self, host: str) -> str | None:
        address = parsed(host)
        if address is None or address.is_loopback:
            return None
        if any(address in network for network in self._trusted):
            return None
        return neighbourhood(host)
