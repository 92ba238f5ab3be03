"""
A way for the body of one answer past the HTTP client, from the socket to who reads it.

The client learns of the answer's beginning and of its end, as ever, and of what comes between as
much as it takes to begin a body; Twisted's decoder would copy all of it twice.  Public names only:
each request has an agent of its own, so that the answer can be told which connection is its own.
"""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocol
from twisted.python.components import proxyForInterface
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

from tcclient.stream.chunks import Pieces


@runtime_checkable
class PieceReader(Protocol):
    """A body's protocol that takes many pieces at once."""

    def piecesReceived(self, pieces: Pieces) -> None:
        """As dataReceived() of one after the other; none is empty."""


class Shortcut:
    """Of one request: `take` is who takes pieces of its answer's body, None for the client."""

    def __init__(self) -> None:
        self.take: Callable[[Pieces], None] | None = None


@implementer(IAgent)
class ShortcutAgent:
    """`agent` makes that of one request, over connections that know of its shortcut."""

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
    """An answer that opens the shortcut to who asks for its body, where they take pieces."""

    def __init__(self, response: IResponse, shortcut: Shortcut) -> None:
        super().__init__(response)
        self._shortcut = shortcut

    def deliverBody(self, protocol: IProtocol) -> None:
        self.original.deliverBody(protocol)  # what has come by now, before what comes then
        if isinstance(protocol, PieceReader):
            self._shortcut.take = protocol.piecesReceived
