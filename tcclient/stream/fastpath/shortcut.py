"""
Leads the body of one answer past the HTTP client, from the socket to the protocol that reads it.

The client gets the beginning and the end of the answer as usual, and of the body only as much as it
needs to begin it; its decoder would copy all of the body twice.  This takes public names only:
each request has an agent of its own, so that the answer can be told which connection is its own.
Knows no sockets and no chunks.
"""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocol
from twisted.python.components import proxyForInterface
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

from tcclient.stream.fastpath.chunks import Pieces


@runtime_checkable
class PieceReader(Protocol):
    """A protocol for a body that can take many pieces at once."""

    def piecesReceived(self, pieces: Pieces) -> None:
        """Take pieces of the body as dataReceived() would, one after the other; none is empty."""


class Shortcut:
    """
    The shortcut of one request: `take` is called with pieces of its answer's body; while it is
    None, they go to the HTTP client.
    """

    def __init__(self) -> None:
        self.take: Callable[[Pieces], None] | None = None


@implementer(IAgent)
class ShortcutAgent:
    """
    An agent whose answers use a shortcut.  `agent` makes the one for a single request, whose
    connection knows the shortcut that it is given.
    """

    def __init__(self, agent: Callable[[Shortcut], IAgent]) -> None:
        self._agent = agent

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,
    ) -> Deferred[IResponse]:
        shortcut = Shortcut()
        asking = self._agent(shortcut).request(method, uri, headers, bodyProducer)
        return asking.addCallback(_Shortened, shortcut)


class _Shortened(proxyForInterface(IResponse)):  # type: ignore[misc]  # made at run time
    """An answer that opens the shortcut to the protocol of its body, if that is a PieceReader."""

    def __init__(self, response: IResponse, shortcut: Shortcut) -> None:
        super().__init__(response)
        self._shortcut = shortcut

    def deliverBody(self, protocol: IProtocol) -> None:
        self.original.deliverBody(protocol)  # first, as it delivers what has come before
        if isinstance(protocol, PieceReader):
            self._shortcut.take = protocol.piecesReceived
