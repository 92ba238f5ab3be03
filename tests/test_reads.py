"""What one read brings stays together, over TCP and TLS, and takes a shortcut if there is one."""

from typing import Any, cast

from hyperlink import EncodedURL
from treq.client import HTTPClient
from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IProtocol, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import Certificate, PrivateCertificate, optionsForClientTLS
from twisted.internet.testing import StringTransport
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.iweb import IResponse
from zope.interface import implementer

from tcclient.failures import explain
from tcclient.wire.chunks import Pieces
from tcclient.wire.reads import READ, joined
from tcclient.wire.shortcut import Shortcut
from tcclient.wire.web import stock_stream_client, stream_client
from tests.test_tls import CA, GOOD

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b"5\r\nhello\r\n"


class Heard(Protocol):
    """Keeps what it is given, piece by piece, and how it ended."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.reasons: list[Failure] = []
        self.ended: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.pieces.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.reasons.append(reason)
        self.ended.callback(None)


class Takes(Heard):
    """The same, and takes pieces: how many at once."""

    def __init__(self) -> None:
        super().__init__()
        self.at_once: list[int] = []

    def piecesReceived(self, pieces: Pieces) -> None:
        self.pieces += pieces
        self.at_once.append(len(pieces.spans))


@implementer(IStreamClientEndpoint)
class Here:
    """Connects at once, to a transport in memory."""

    def __init__(self) -> None:
        self.transport = StringTransport()
        self.socket: Any = None

    def connect(self, protocolFactory: Any) -> Deferred[IProtocol]:
        self.socket = protocolFactory.buildProtocol(None)
        self.socket.makeConnection(self.transport)
        return succeed(self.socket)


class InMemoryTests(SynchronousTestCase):
    """Reads as the test cuts them."""

    def connect(self, tls: Any = None) -> tuple[Here, Heard]:
        """A way in, and who stands at its end: it learns of no wrapper."""
        here, heard, self.shortcut = Here(), Heard(), Shortcut()
        endpoint = joined(here, tls, self.shortcut)
        made = self.successResultOf(endpoint.connect(Factory.forProtocol(lambda: heard)))
        self.assertIs(made, heard)
        self.assertEqual(cast(Any, here.transport).bufferSize, READ)
        return here, heard

    def test_plain(self) -> None:
        """Each read is one piece and one chunk; nothing waits for the next one."""
        here, heard = self.connect()
        for read in (HEAD, CHUNK * 3 + b"3\r\nab", b"c\r\n" + CHUNK):
            here.socket.dataReceived(read)
        self.assertEqual(heard.pieces, [HEAD, b"11\r\nhellohellohelloab", b"\r\n6\r\nchello"])

    def test_shortcut(self) -> None:
        """The client learns that a body begins, and how it ends; all else goes past it."""
        here, heard = self.connect()
        taken: list[list[bytes]] = []
        self.shortcut.take = lambda pieces: taken.append(list(pieces))
        for read in (
            HEAD,
            CHUNK,
            CHUNK * 2 + b"5\r\nhe",
            b"llo\r\n",
            CHUNK + b"0\r\n\r\n",
            b"more",
        ):
            here.socket.dataReceived(read)
        self.assertEqual(taken, [[b"hello", b"hello", b"he"], [b"llo"], [b"hello"]])
        self.assertEqual(heard.pieces, [HEAD, b"5\r\nhello", b"\r\n0\r\n\r\n", b"more"])

    def test_the_transport(self) -> None:
        """Is at hand as if nothing were between."""
        here, heard = self.connect()
        transport = cast(Any, heard.transport)
        transport.write(b"GET")
        transport.pauseProducing()
        self.assertEqual((here.transport.value(), here.transport.producerState), (b"GET", "paused"))
        transport.stopProducing()
        self.assertEqual(here.transport.producerState, "stopped")

    def test_the_end(self) -> None:
        """It is told once, and its reason is passed on."""
        here, heard = self.connect()
        here.socket.connectionLost(connectionDone)
        self.assertEqual(heard.reasons, [connectionDone])

    def test_records_of_one_read(self) -> None:
        """
        A post a record, twenty in a read: TLS gives them one by one, and one piece comes of it.
        This is what rests on the order in which Twisted's wrappers stand in front of each other.
        """
        server = Heard()
        key, certificate = GOOD.to_pem()
        factory = TLSMemoryBIOFactory(
            PrivateCertificate.loadPEM(certificate + key).options(),
            False,
            Factory.forProtocol(lambda: server),
            cast(Any, reactor),
        )
        factory.protocol = TLSMemoryBIOProtocol  # which makes each write a record
        ca = Certificate.loadPEM(CA.to_pem()[1])
        here, heard = self.connect(optionsForClientTLS("localhost", ca))
        there, wire = factory.buildProtocol(None), StringTransport()
        there.makeConnection(wire)

        def carry() -> None:
            for _ in range(4):
                for way, ear in ((here.transport, there), (wire, here.socket)):
                    said = way.value()
                    way.clear()
                    if said:
                        ear.dataReceived(said)

        carry()
        for piece in (HEAD, *[CHUNK] * 20):
            cast(Any, server.transport).write(piece)
        carry()
        self.assertEqual(heard.pieces, [HEAD, b"64\r\n" + b"hello" * 20])
        self.shortcut.take = lambda pieces: heard.pieces.append(b"|".join(pieces))
        for piece in (CHUNK, CHUNK, b"0\r\n\r\n"):
            cast(Any, server.transport).write(piece)
        cast(Any, server.transport).loseConnection()
        carry()
        self.assertEqual(heard.pieces[2:], [b"hello|hello", b"\r\n0\r\n\r\n"])
        here.socket.connectionLost(connectionDone)
        self.assertEqual(heard.reasons, [connectionDone])

    def test_an_arrangement_that_is_not_ours(self) -> None:
        """Where the one in front is not found, each piece is passed on as it comes."""
        here, heard = self.connect()
        front = here.socket.wrappedProtocol
        for piece in (HEAD, CHUNK + CHUNK, CHUNK):
            front.dataReceived(piece)
        self.assertEqual(heard.pieces, [HEAD, b"a\r\nhellohello", b"\r\n5\r\nhello"])


class Scripted(Protocol):
    """Answers a request with what the test has written down, and closes."""

    script: tuple[bytes, ...] = ()

    def dataReceived(self, data: bytes) -> None:
        transport = cast(Any, self.transport)
        transport.write(b"".join(self.script))
        transport.loseConnection()


class EndingTests(TestCase):
    """Over sockets, with Twisted's client: an end is what it is on Twisted's own way."""

    def setUp(self) -> None:
        self.factory = Factory.forProtocol(Scripted)
        self.port = cast(Any, reactor).listenTCP(0, self.factory, interface="127.0.0.1")
        self.addCleanup(self.port.stopListening)

    async def hear(
        self, client: HTTPClient, script: tuple[bytes, ...], heard: Heard
    ) -> tuple[bytes, str]:
        """The body of an answer, and why there is no more of it."""

        def scripted() -> Scripted:
            protocol = Scripted()
            protocol.script = script
            return protocol

        self.factory.protocol = cast(Any, scripted)
        url = EncodedURL.from_text(f"http://127.0.0.1:{self.port.getHost().port}/")
        response = cast(IResponse, await client.request("GET", url, unbuffered=True))
        response.deliverBody(heard)
        await heard.ended
        return b"".join(heard.pieces), explain(heard.reasons[0])

    async def test_endings(self) -> None:
        """The last chunk, a connection closed inside and between chunks, a body out of joint."""
        for script, content, ending in (
            ((HEAD, CHUNK, CHUNK, b"0\r\n\r\n"), b"hellohello", "ended the answer"),
            ((HEAD, CHUNK, b"0\r\nA: b\r\n\r\n"), b"hello", "ended the answer"),
            ((HEAD, CHUNK, CHUNK), b"hellohello", "closed the connection"),
            ((HEAD, CHUNK, b"5\r\nhel"), b"hellohel", "closed the connection"),
            ((HEAD, CHUNK, b"0\r\n"), b"hello", "closed the connection"),
            ((HEAD, CHUNK, CHUNK, b"oh\r\n"), b"hellohello", "Chunk-size must be an integer"),
            ((HEAD, b"5;a=b\r\nhello\r\n", b"0\r\n\r\n"), b"hello", "ended the answer"),
            ((b"HTTP/1.1 200 OK\r\n\r\n", CHUNK), CHUNK, "closed the connection"),
        ):
            found = await self.hear(stock_stream_client(cast(Any, reactor), None), script, Heard())
            self.assertEqual(found[0], content)
            self.assertIn(ending, found[1])
            for heard in (Heard(), Takes()):
                same = await self.hear(stream_client(cast(Any, reactor), None), script, heard)
                self.assertEqual(same, found, script)
