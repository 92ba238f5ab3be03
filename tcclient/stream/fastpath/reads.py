"""
Passes on together what one read of a stream's socket brings: the body by the shortcut past the HTTP
client, once it is open, and everything else to that client.

Knows how a protocol is put in front of another by Twisted's public wrappers; does not know chunks.
TLS passes on each of its records by itself, so a protocol below TLS tells the one above it when a
read begins and ends.  Where it does not find that one, as in an arrangement that is not ours, each
record is passed on at once, which is slower and just as right.
"""

from functools import cache, partial
from typing import Any, cast

from twisted.internet.endpoints import wrapClientTLS
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IProtocol,
    IStreamClientEndpoint,
    ITransport,
)
from twisted.internet.protocol import connectionDone
from twisted.protocols.policies import ProtocolWrapper
from twisted.python.failure import Failure

from tcclient.http.heads import Wrapping
from tcclient.stream.fastpath.chunks import Pieces, Unchunker, as_chunk
from tcclient.stream.fastpath.inbox import Inbox
from tcclient.stream.fastpath.shortcut import Shortcut

READ = 1 << 19
"""Most bytes that are read at once; Twisted's default is an eighth of it."""

BLOCK = 1 << 22
"""Bytes of a block that is larger than a read."""


@cache
def keep_blocks() -> None:
    """
    Have glibc keep blocks of the size of a read, by making a larger one and dropping it, once.

    Without that, glibc gives a block of 128 kB or more back to the kernel each time, and getting it
    again, page by page, costs more than all that is done to the bytes.  Once it has seen a larger
    block come and go, it does so no more (mallopt(3), M_MMAP_THRESHOLD): the next such block would
    be cleared by hand, for 2 ms and 4 MiB.  Elsewhere this does nothing.
    """
    bytes(BLOCK)


def joined(
    tcp: IStreamClientEndpoint, tls: IOpenSSLClientConnectionCreator | None, shortcut: Shortcut
) -> IStreamClientEndpoint:
    """
    Return an endpoint for one request that connects to where `tcp` does, over TLS if there is
    `tls`, and passes on together what one read brings.
    """
    keep_blocks()
    socket = Wrapping(tcp, _Socket)
    return Wrapping(wrapClientTLS(tls, socket) if tls else socket, partial(_Front, shortcut))


class _Front(ProtocolWrapper):
    """The protocol in front of the HTTP client.  It keeps what comes while a read lasts."""

    def __init__(self, shortcut: Shortcut, factory: Any, client: IProtocol) -> None:
        self._shortcut = shortcut
        self._unchunker = Unchunker()
        self._pieces: list[bytes] = []
        self._within_read = self._has_all = False
        super().__init__(factory, client)

    def dataReceived(self, data: bytes) -> None:
        self._pieces.append(data)
        if not self._within_read:
            self.read_ends()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.read_ends()
        super().connectionLost(reason)  # type: ignore[no-untyped-call]  # not annotated
        self._shortcut.take = None  # whoever takes pieces refers to this connection in turn

    def read_begins(self, *, is_all: bool) -> None:
        """Keep what comes until read_ends(); `is_all` is whether the read has left nothing."""
        self._within_read = True
        self._has_all = is_all

    def read_ends(self) -> None:
        """Pass on what has come since the last time, the pieces of the body by the shortcut."""
        self._within_read = False
        read = b"".join(self._pieces)
        self._pieces.clear()
        is_first = not self._unchunker.has_begun
        before, body, after = self._unchunker.take(read)
        if before:
            super().dataReceived(before)  # type: ignore[no-untyped-call]  # not annotated
        if body and not is_first and self._shortcut.take is not None:
            self._shortcut.take(Pieces(body.read, body.spans, self._has_all))
        elif body:
            chunk = as_chunk(body, is_first=is_first)
            super().dataReceived(chunk)  # type: ignore[no-untyped-call]  # not annotated
        if after:
            super().dataReceived(after)  # type: ignore[no-untyped-call]  # not annotated


class _Socket(ProtocolWrapper):
    """The protocol next to the transport.  It tells a _Front when a read begins and ends."""

    def makeConnection(self, transport: ITransport) -> None:
        cast(Any, transport).bufferSize = READ
        self._inbox = Inbox(transport)
        super().makeConnection(transport)  # type: ignore[no-untyped-call]  # not annotated

    def dataReceived(self, data: bytes) -> None:
        front = self._front()
        if front is not None:
            # Of a full read nobody knows what it has left.
            is_all = len(data) < READ and self._inbox.has_all(len(data))
            front.read_begins(is_all=is_all)
        super().dataReceived(data)  # type: ignore[no-untyped-call]  # not annotated
        if front is not None:
            front.read_ends()

    def _front(self) -> _Front | None:
        """Return the protocol in front of the HTTP client; None if it is not found."""
        protocol = self.wrappedProtocol
        while isinstance(protocol, ProtocolWrapper):
            if isinstance(protocol, _Front):
                return protocol
            protocol = protocol.wrappedProtocol
        return None
