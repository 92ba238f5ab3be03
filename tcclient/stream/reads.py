"""
What one read of a stream's socket brings is passed on together: the body past the HTTP client, once
there is a shortcut, and all else to it.

Knows where a protocol is put in front of another, by Twisted's public wrappers; what is done to the
bytes is known to chunks.  TLS hands on each of its records by itself, so a protocol below it tells
the one above it how long a read lasts.  Where it does not find that one, as in an arrangement that
is not ours, each record is passed on at once: slower, and right.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import wrapClientTLS
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
    ITransport,
)
from twisted.internet.protocol import connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from tcclient.stream.chunks import Unchunker, as_chunk
from tcclient.stream.shortcut import Shortcut

READ = 1 << 19
"""Bytes that are read at once; Twisted's default is an eighth of it."""

BLOCK = 1 << 22
"""
Bytes of a block that is made and dropped, so that glibc keeps blocks of the size of a read.

It gives memory of 128 kB and more back to the kernel each time, and having it again, page by page,
costs more than all that is done to the bytes; until it has seen a larger block come and go
(mallopt(3), M_MMAP_THRESHOLD).  Elsewhere this does nothing.
"""


def joined(
    tcp: IStreamClientEndpoint, tls: IOpenSSLClientConnectionCreator | None, shortcut: Shortcut
) -> IStreamClientEndpoint:
    """Leads where `tcp` leads, with TLS where there is `tls`; for one request."""
    bytes(BLOCK)  # made and dropped
    socket = _Wrapping(tcp, _Socket)
    return _Wrapping(wrapClientTLS(tls, socket) if tls else socket, partial(_Front, shortcut))


class _Front(ProtocolWrapper):
    """In front of the HTTP client.  While a read lasts, its pieces are kept."""

    def __init__(self, shortcut: Shortcut, factory: Any, client: IProtocol) -> None:
        self._shortcut = shortcut
        self._unchunker = Unchunker()
        self._pieces: list[bytes] = []
        self._within_read = False
        super().__init__(factory, client)

    def dataReceived(self, data: bytes) -> None:
        self._pieces.append(data)
        if not self._within_read:
            self.read_ends()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.read_ends()
        super().connectionLost(reason)  # type: ignore[no-untyped-call]  # not annotated
        self._shortcut.take = None  # whoever it is holds this connection as well

    def read_begins(self) -> None:
        """Keep what comes until read_ends()."""
        self._within_read = True

    def read_ends(self) -> None:
        """Hand on what has come since the last time, the body's pieces by the shortcut."""
        self._within_read = False
        read = b"".join(self._pieces)
        self._pieces.clear()
        is_first = not self._unchunker.has_begun
        before, body, after = self._unchunker.take(read)
        if before:
            super().dataReceived(before)  # type: ignore[no-untyped-call]  # not annotated
        if body and not is_first and self._shortcut.take is not None:
            self._shortcut.take(body)
        elif body:
            chunk = as_chunk(body, is_first=is_first)
            super().dataReceived(chunk)  # type: ignore[no-untyped-call]  # not annotated
        if after:
            super().dataReceived(after)  # type: ignore[no-untyped-call]  # not annotated


class _Socket(ProtocolWrapper):
    """Next to the transport."""

    def makeConnection(self, transport: ITransport) -> None:
        cast(Any, transport).bufferSize = READ
        super().makeConnection(transport)  # type: ignore[no-untyped-call]  # not annotated

    def dataReceived(self, data: bytes) -> None:
        front = self._front()
        if front is not None:
            front.read_begins()
        super().dataReceived(data)  # type: ignore[no-untyped-call]  # not annotated
        if front is not None:
            front.read_ends()

    def _front(self) -> _Front | None:
        protocol = self.wrappedProtocol
        while isinstance(protocol, ProtocolWrapper):
            if isinstance(protocol, _Front):
                return protocol
            protocol = protocol.wrappedProtocol
        return None


@implementer(IStreamClientEndpoint)
class _Wrapping:
    """Puts a wrapper in front of what connects to an endpoint, and does not learn of it."""

    def __init__(
        self, endpoint: IStreamClientEndpoint, wrapper: Callable[[Any, IProtocol], ProtocolWrapper]
    ) -> None:
        self._endpoint = endpoint
        self._wrapper = wrapper

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        factory = WrappingFactory(protocolFactory)
        factory.noisy = False
        factory.protocol = self._wrapper
        connecting = cast(Deferred[Any], self._endpoint.connect(factory))
        return connecting.addCallback(lambda made: cast(IProtocol, made.wrappedProtocol))
