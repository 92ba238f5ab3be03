"""What whoever asks can make large, slow or many, on real sockets of a real process."""

import ipaddress
import json
import signal
import socket
import time
from pathlib import Path

from twisted.internet.address import IPv4Address
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tcserver.addresses import Network
from tcserver.channel import BoundedFactory, RequestLimits
from tests.e2e.processes import Running, python, start
from tests.marks import Need, needs
from tests.tcserver.smallserver import BODY, CONNECTIONS

HEAD = b"POST /healthz HTTP/1.1\r\nHost: localhost\r\n"
LONG = 60.0
"""Seconds that nothing here takes, however loaded the machine is."""


class Visitor:
    """One who asks, by a socket of its own."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), LONG)

    def sends(self, *pieces: bytes) -> None:
        """Send this, and regard it as well if nobody listens any more."""
        try:
            for piece in pieces:
                self.socket.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def hears(self) -> bytes:
        """All that comes until the other side hangs up."""
        heard = b""
        try:
            while piece := self.socket.recv(65536):
                heard += piece
        except ConnectionResetError:
            pass
        return heard

    def trickles(self, *pieces: bytes) -> bytes:
        """All that comes while a byte is sent now and then for as long as somebody listens."""
        self.sends(*pieces)
        self.socket.settimeout(0.1)
        began, heard = time.monotonic(), b""
        while time.monotonic() - began < LONG:
            self.sends(b"x")
            try:
                piece = self.socket.recv(65536)
            except TimeoutError:
                continue
            except ConnectionResetError:
                return heard
            if not piece:
                return heard
            heard += piece
        raise AssertionError("Nobody hangs up.")

    def asks(self) -> bytes:
        """The first line of the answer to a small request."""
        self.sends(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return self.socket.recv(65536).partition(b"\r\n")[0]


@needs(Need.PROCESSES)
class ChannelTests(TestCase):
    timeout = 180

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()

    async def served(self) -> tuple[Running, int]:
        """A server within small limits, and its port."""
        server = start(self, self.folder, python("-m", "tests.tcserver.smallserver", "site"))
        await server.says("port ")
        return server, int(server.out.split()[1])

    def visitor(self, port: int) -> Visitor:
        """One who is gone at the end of the test."""
        visitor = Visitor(port)
        self.addCleanup(visitor.socket.close)
        return visitor

    async def said(self, visitor: Visitor, *pieces: bytes) -> tuple[int, str]:
        """Status and sentence of the answer to this, which ends the connection."""
        await deferToThread(visitor.sends, *pieces)
        heard = await deferToThread(visitor.hears)
        head, _, body = heard.rpartition(b"\r\n\r\n")
        self.assertIn(b"Connection: close", head)
        return int(head.split()[1]), json.loads(body)["detail"]

    async def test_a_large_body(self) -> None:
        """It is refused by its head, before it comes; and who sends it all the same reads why."""
        _, port = await self.served()
        large = HEAD + b"Content-Length: %d\r\n\r\n"
        refused = (413, f"The request has more than {BODY} bytes.")
        for length in (BODY + 1, 10**12):
            self.assertEqual(await self.said(self.visitor(port), large % length), refused)
        pieces = [large % (64 << 20), *[b"x" * 65536] * 1024]
        self.assertEqual(await self.said(self.visitor(port), *pieces), refused)
        visitor = self.visitor(port)
        visitor.sends(large % BODY, b"x" * BODY)
        self.assertIn(b" 200 ", await deferToThread(visitor.socket.recv, 1000))

    async def test_a_body_that_does_not_say_how_large(self) -> None:
        """It is refused once it is too large; the rest is not waited for."""
        _, port = await self.served()
        head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
        chunk = b"%x\r\n%s\r\n" % (1000, b"x" * 1000)
        refused = (413, f"The request has more than {BODY} bytes.")
        chunks = [chunk] * (BODY // 1000)
        self.assertEqual(await self.said(self.visitor(port), head, *chunks, chunk), refused)
        visitor = self.visitor(port)
        visitor.sends(head, *chunks, b"0\r\n\r\n")
        self.assertIn(b" 200 ", await deferToThread(visitor.socket.recv, 1000))

    async def test_a_compressed_body(self) -> None:
        _, port = await self.served()
        head = HEAD + b"Content-Length: 3\r\nContent-Encoding: %s\r\n\r\nabc"
        status, sentence = await self.said(self.visitor(port), head % b"gzip")
        self.assertEqual((status, sentence), (415, "The body is compressed: send it as it is."))
        visitor = self.visitor(port)
        visitor.sends(head % b"identity")
        self.assertIn(b" 200 ", await deferToThread(visitor.socket.recv, 1000))

    async def test_sockets(self) -> None:
        """They count as connections while they are there, and no longer, however they end."""
        _, port = await self.served()
        head = (
            b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        )
        key = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        for path, status in ((b"/ws/", b" 403 "), (b"/ws/client/", b" 101 ")):
            for _ in range(2 * CONNECTIONS):
                visitor = self.visitor(port)
                visitor.sends(head % path + key)
                self.assertIn(status, await deferToThread(visitor.socket.recv, 1000))
                visitor.socket.close()
        visitor = self.visitor(port)
        visitor.sends(HEAD + b"Content-Length: 0\r\n\r\n")
        self.assertIn(b" 200 ", await deferToThread(visitor.socket.recv, 1000))

    async def test_many_bodies(self) -> None:
        """There is room for so many bytes of all of them; who is refused may come again later."""
        _, port = await self.served()
        head = HEAD + b"Content-Length: %d\r\n\r\n" % BODY
        crowd = [self.visitor(port) for _ in range(4)]
        for visitor in crowd:
            visitor.sends(head, b"x" * (BODY - 1))
        heard = [await deferToThread(visitor.hears) for visitor in crowd]
        refused = b"".join(heard)
        self.assertEqual(refused.count(b"HTTP/1.1 503 "), 1, heard)
        self.assertIn(b"Retry-After: 5\r\n", refused)
        self.assertTrue(refused.endswith(b'{"detail":"The server is busy."}'))
        visitor = self.visitor(port)
        visitor.sends(head, b"x" * BODY)
        self.assertIn(b" 200 ", await deferToThread(visitor.socket.recv, 1000))

    async def test_slow_senders(self) -> None:
        """Of a head, of a body, of nothing: each is hung up on, whatever still comes."""
        _, port = await self.served()
        for pieces in (
            (b"GET /",),
            (HEAD, b"A: "),
            (HEAD, b"Content-Length: 50000\r\n\r\n"),
            (HEAD, b"Transfer-Encoding: chunked\r\n\r\n", b"c350\r\n"),
        ):
            heard = await deferToThread(self.visitor(port).trickles, *pieces)
            self.assertEqual(heard, b"", pieces)
        silent, idle = self.visitor(port), self.visitor(port)
        self.assertIn(b" 200 ", await deferToThread(idle.asks))
        for visitor in (silent, idle):
            self.assertEqual(await deferToThread(visitor.hears), b"")

    async def test_a_head_without_end(self) -> None:
        """A line, many lines: refused, and the next one is served."""
        _, port = await self.served()
        line = self.said(self.visitor(port), HEAD, b"A: " + b"x" * 20_000)
        self.assertEqual((await line)[0], 431)
        for pieces in ((HEAD, b"A: b\r\n" * 600), (HEAD, (b"A: " + b"x" * 9000 + b"\r\n") * 2)):
            visitor = self.visitor(port)
            await deferToThread(visitor.sends, *pieces)
            self.assertIn(b" 400 ", await deferToThread(visitor.hears))
        self.assertIn(b" 200 ", await deferToThread(self.visitor(port).asks))

    async def test_many_connections(self) -> None:
        """Who comes is served; of those that wait the first has to go."""
        server, port = await self.served()
        crowd = [self.visitor(port) for _ in range(CONNECTIONS)]
        for visitor in crowd:
            self.assertIn(b" 200 ", await deferToThread(visitor.asks))
        self.assertIn(b" 200 ", await deferToThread(self.visitor(port).asks))
        self.assertEqual(await deferToThread(crowd[0].hears), b"")
        self.assertEqual(server.err.count("idle ones are closed"), 1)

    async def test_a_websocket(self) -> None:
        """There are none: it is refused, and nothing is logged."""
        server, port = await self.served()
        visitor = self.visitor(port)
        upgrade = (
            b"GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        visitor.sends(upgrade)
        self.assertIn(b" 403 ", await deferToThread(visitor.hears))
        ended = await server.end(signal.SIGTERM)
        self.assertEqual((ended.err, ended.status), ("", 0))

    async def test_a_signal_while_a_request_comes(self) -> None:
        """It ends at once, and complains of nothing."""
        server, port = await self.served()
        visitor = self.visitor(port)
        visitor.sends(HEAD + b"Content-Length: 50000\r\n\r\n", b"x" * 1000)
        self.assertIn(b" 200 ", await deferToThread(self.visitor(port).asks))
        ended = await server.end(signal.SIGTERM)
        self.assertEqual((ended.err, ended.status), ("", 0))


class PlaceTests(SynchronousTestCase):
    """From where how many connections may come."""

    def admitted(self, host: str, *trusted: Network) -> int:
        """How many of five from an address stay."""
        limits = RequestLimits(BODY, connections=4, of_a_place=2)
        factory = BoundedFactory(None, limits, trusted)
        with self.assertLogs("tcserver.admission"):
            made = [factory.buildProtocol(IPv4Address("TCP", host, port)) for port in range(5)]
        self.assertNotIn(None, made)
        return len(factory.admission._places)

    def test_places(self) -> None:
        """Proxies that are trusted, and this machine, stand for everybody who comes by them."""
        self.assertEqual(self.admitted("203.0.113.9"), 2)
        self.assertEqual(self.admitted("127.0.0.1"), 4)
        self.assertEqual(self.admitted("::ffff:127.0.0.1"), 4)
        self.assertEqual(self.admitted("10.0.0.7", ipaddress.ip_network("10.0.0.0/8")), 4)
        self.assertEqual(self.admitted("11.0.0.7", ipaddress.ip_network("10.0.0.0/8")), 2)
