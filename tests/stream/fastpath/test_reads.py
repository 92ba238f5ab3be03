"""What one read brings stays together, over TCP and TLS, and takes a shortcut if there is one."""

import gc
import weakref
from collections.abc import Callable
from typing import Any, cast
from unittest import mock

from hyperlink import EncodedURL
from treq.client import HTTPClient
from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IProtocol, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import Certificate, PrivateCertificate, optionsForClientTLS
from twisted.internet.task import deferLater
from twisted.internet.testing import StringTransport
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.client import Agent
from twisted.web.iweb import IResponse
from zope.interface import implementer

from tcclient.runtime.failures import explain
from tcclient.sources.twitter_v1.api import StatusesApi
from tcclient.sources.twitter_v1.query import Query
from tcclient.stream.clients import stream_client
from tcclient.stream.connection import Connection, Timing
from tcclient.stream.fastpath.chunks import Pieces
from tcclient.stream.fastpath.inbox import SHORT, Inbox
from tcclient.stream.fastpath.reads import READ, joined
from tcclient.stream.fastpath.shortcut import PieceReader, Shortcut
from tests.certificates import CA, GOOD
from tests.peers import KEYS

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b"5\r\nhello\r\n"
LAST = b"0\r\n\r\n"


class Heard(Protocol):
    """Keeps what it is given, piece by piece, and how it ended."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.reasons: list[Failure] = []
        self.ended: Deferred[None] = Deferred()
        self.when_heard: Callable[[], object] = lambda: None

    def dataReceived(self, data: bytes) -> None:
        self.pieces.append(data)
        self.when_heard()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.reasons.append(reason)
        self.ended.callback(None)


class Takes(Heard, PieceReader):
    """The same, and takes pieces: how many at once."""

    def __init__(self) -> None:
        super().__init__()
        self.at_once: list[int] = []

    def piecesReceived(self, pieces: Pieces) -> None:
        self.pieces += pieces
        self.at_once.append(len(pieces.spans))
        self.when_heard()


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

    def test_what_a_read_tells_of_the_rest(self) -> None:
        """A short one has left nothing; of a longer one that is not known without a socket."""
        here, _ = self.connect()
        taken: list[bool] = []
        self.shortcut.take = lambda pieces: taken.append(pieces.is_all)
        for size in (1, SHORT, 1):
            here.socket.dataReceived((HEAD + CHUNK if not taken else b"") + b"%x\r\n" % size)
            here.socket.dataReceived(b"x" * size + b"\r\n")
        self.assertEqual(taken, [True, False, True])

    def test_a_full_read(self) -> None:
        """It may have left something, however much room the system has for more."""
        self.patch(Inbox, "_window", lambda _: 8 * READ)
        here, _ = self.connect()
        taken: list[bool] = []
        self.shortcut.take = lambda pieces: taken.append(pieces.is_all)
        for size in (READ - 1, READ):
            content = b"x" * (size - len(b"\r\n"))
            here.socket.dataReceived((b"" if taken else HEAD + CHUNK) + b"%x\r\n" % len(content))
            here.socket.dataReceived(content + b"\r\n")
        self.assertEqual(taken, [True, False])

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
    """Answers a request with what the test has written down, a piece at a time, and closes."""

    script: tuple[bytes, ...] = ()

    def dataReceived(self, data: bytes) -> None:
        self.left = list(self.script)
        self.goes_on()

    def goes_on(self) -> None:
        """The next piece; behind the last one the connection is closed."""
        transport = cast(Any, self.transport)
        if self.left:
            transport.write(self.left.pop(0))
        if not self.left:
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
        """The body of an answer, of which the next piece comes when one is heard, and its end."""
        served = Scripted()
        served.script = script
        self.factory.protocol = cast(Any, lambda: served)
        heard.when_heard = served.goes_on
        url = EncodedURL.from_text(f"http://127.0.0.1:{self.port.getHost().port}/")
        response = cast(IResponse, await client.request("GET", url, unbuffered=True))
        response.deliverBody(heard)
        await heard.ended
        heard.when_heard = lambda: None
        return b"".join(heard.pieces), explain(heard.reasons[0])

    async def test_much(self) -> None:
        """With a shortcut and without, what a read brings comes together."""
        script = (HEAD + CHUNK, CHUNK * 4000)
        for stock in (False, True):
            heard = Heard()
            client = stream_client(cast(Any, reactor), None, stock=stock)
            body, _ = await self.hear(client, script, heard)
            self.assertEqual(body, b"hello" * 4001)
            self.assertLess(len(heard.pieces), 100)

    async def test_through_the_capture(self) -> None:
        """A stream's connection takes its body by the shortcut: nobody on the way hides it."""
        served, taken = Scripted(), []
        served.script = (HEAD + CHUNK, CHUNK * 3, LAST)
        self.factory.protocol = cast(Any, lambda: served)

        def take(connection: Connection, pieces: Pieces) -> None:
            taken.append(len(pieces.spans))
            served.goes_on()

        self.patch(Connection, "piecesReceived", take)
        url = f"http://127.0.0.1:{self.port.getHost().port}/"
        client = stream_client(cast(Any, reactor), None, stock=False)
        api = StatusesApi(client, url, KEYS, "tcc/test", cast(Any, reactor).seconds)
        response, reader = await api.open(Query(("cats",))), Heard()
        connection = Connection(mock.Mock(), mock.Mock(), None, 60.0, cast(Any, reactor), Timing())
        response.deliverBody(connection.in_front_of(reader))
        await reader.ended
        self.assertEqual(taken, [1, 3])

    async def test_memory(self) -> None:
        """A connection that has ended is gone, without a look for what refers to each other."""
        heard = Takes()
        client = stream_client(cast(Any, reactor), None, stock=False)
        gc.collect()
        gc.disable()
        self.addCleanup(gc.enable)
        await self.hear(client, (HEAD + CHUNK, CHUNK, LAST), heard)
        gone = weakref.ref(heard)
        del heard
        for _ in range(500):  # until the socket is closed, too
            if gone() is None:
                break
            await deferLater(cast(Any, reactor), 0.01)
        self.assertIsNone(gone())

    async def test_endings(self) -> None:
        """The last chunk, a connection closed inside and between chunks, a body out of joint."""
        for script, content, ending, taken in (
            ((HEAD + CHUNK, CHUNK + LAST), b"hellohello", "ended the answer", 1),
            ((HEAD + CHUNK, CHUNK, LAST), b"hellohello", "ended the answer", 1),
            ((HEAD + CHUNK + LAST,), b"hello", "ended the answer", 0),
            ((HEAD + CHUNK, CHUNK, b"0\r\nA: b\r\n\r\n"), b"hellohello", "ended the answer", 1),
            ((HEAD + CHUNK, CHUNK), b"hellohello", "closed the connection", 1),
            ((HEAD + CHUNK, CHUNK + b"5\r\nhel"), b"hellohellohel", "closed the connection", 2),
            ((HEAD + CHUNK, CHUNK, b"0\r\n"), b"hellohello", "closed the connection", 1),
            ((HEAD + CHUNK, CHUNK + b"oh\r\n"), b"hellohello", "Chunk-size must be an integer", 1),
            ((HEAD + CHUNK, CHUNK + CHUNK[:-2] + CHUNK), b"hello" * 3, "Chunk", 2),
            (
                (HEAD + CHUNK, CHUNK + b"5;a\r\nhello\r\n", LAST),
                b"hello" * 3,
                "ended the answer",
                1,
            ),
            ((b"HTTP/1.1 200 OK\r\n\r\n" + CHUNK, CHUNK), CHUNK * 2, "closed the connection", 0),
        ):
            found = await self.hear(HTTPClient(Agent(reactor)), script, Heard())
            self.assertEqual(found[0], content, script)
            self.assertIn(ending, found[1])
            for stock, heard in ((True, Takes()), (False, Heard()), (False, Takes())):
                client = stream_client(cast(Any, reactor), None, stock=stock)
                same = await self.hear(client, script, heard)
                self.assertEqual(same, found, script)
            self.assertEqual(sum(heard.at_once), taken, script)
