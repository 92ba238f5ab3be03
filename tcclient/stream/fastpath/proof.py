"""
Whether the shortcut past Twisted's HTTP client works with the Twisted that is installed.

It is tried in memory, on an answer that ends and on one that is cut: the reader of the body has to
hear the same as from the client alone.  If a new Twisted changes what the shortcut relies on, that
costs some speed and no post.  Knows no socket.
"""

from io import BytesIO
from typing import Any, cast

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import FileWrapper, Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent
from twisted.web.iweb import IAgent, IAgentEndpointFactory
from zope.interface import implementer

from tcclient.runtime.failures import explain
from tcclient.stream.fastpath.chunks import Pieces
from tcclient.stream.fastpath.reads import joined
from tcclient.stream.fastpath.shortcut import Shortcut, ShortcutAgent

log = Logger()

_ENDED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"6\r\nfirst\n\r\n",
    b"7\r\nsecond\n\r\n6\r\nthi",
    b"rd\n\r\n",
    b"6\r\nlast.\n\r\n0\r\n\r\n",
)
"""The reads of an answer that ends."""
_CUT = (*_ENDED[:3], b"")
"""The reads of an answer that is cut within a chunk."""


def holds() -> bool:
    """
    Return whether the body of an answer is the same by the shortcut and without it.  Logs how it
    differs; never raises.
    """
    try:
        return all(_is_the_same(reads) for reads in (_ENDED, _CUT))
    except Exception:
        log.failure("The shortcut past Twisted's HTTP client cannot even be tried.")
        return False


def _is_the_same(reads: tuple[bytes, ...]) -> bool:
    """Return whether the reads bring the same body and end both ways; log it if not."""
    alone, by_shortcut = _ProofReader(), _ProofPieceReader()
    socket = _Memory()
    _hear(socket.agent(), socket, reads, alone)
    _hear(ShortcutAgent(socket.agent), socket, reads, by_shortcut)
    if by_shortcut.has_taken and by_shortcut.heard == alone.heard:
        return True
    log.warn(
        "By the shortcut past Twisted's HTTP client {found} is heard, and {told} without.",
        found=by_shortcut.heard if by_shortcut.has_taken else "nothing",
        told=alone.heard,
    )
    return False


def _hear(agent: IAgent, socket: "_Memory", reads: tuple[bytes, ...], reader: Protocol) -> None:
    """Let `reader` hear the body of an answer that comes over `socket` in these reads."""
    asking = agent.request(b"GET", b"http://localhost/")
    asking.addCallback(lambda response: response.deliverBody(reader))
    asking.addErrback(reader.connectionLost)
    for read in reads:
        socket.protocol.dataReceived(read)
    socket.protocol.connectionLost(Failure(connectionDone.value))


class _ProofReader(Protocol):
    """Keeps what it hears: the body, and a clause for its end."""

    def __init__(self) -> None:
        self.heard: list[str] = [""]

    def dataReceived(self, data: bytes) -> None:
        self.heard[0] += data.decode("latin-1")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.heard.append(explain(reason))


class _ProofPieceReader(_ProofReader):
    """Takes pieces too, and remembers whether it was given any."""

    has_taken = False

    def piecesReceived(self, pieces: Pieces) -> None:
        """Keep the pieces as a part of the body."""
        self.has_taken = True
        for piece in pieces:
            self.dataReceived(piece)


@implementer(IAgentEndpointFactory, IStreamClientEndpoint)
class _Memory:
    """
    Connects each request of its agents at once, in memory; the caller then speaks to `protocol`.
    """

    def __init__(self) -> None:
        self._shortcut: Shortcut | None = None

    def agent(self, shortcut: Shortcut | None = None) -> IAgent:
        """Return an agent whose connections know the shortcut, if there is one."""
        self._shortcut = shortcut
        made: IAgent = Agent.usingEndpointFactory(Clock(), self)
        return made

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        here = cast(IStreamClientEndpoint, self)
        return here if self._shortcut is None else joined(here, None, self._shortcut)

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        here = IPv4Address("TCP", "127.0.0.1", 0)
        self.protocol = cast(Any, protocolFactory.buildProtocol(here))
        self.protocol.makeConnection(FileWrapper(BytesIO()))
        return succeed(self.protocol)
