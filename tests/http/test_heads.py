"""The head of an answer: bounded, and cleaned, for short requests and for streams."""

from typing import Any, cast

import attrs
from treq.client import HTTPClient
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from tcclient.http.bodies import read_body
from tcclient.http.clients import AsItIs, rest_client
from tcclient.http.heads import MOST_HEAD
from tcclient.runtime.failures import explain
from tcclient.stream.clients import stream_client

OK = b"HTTP/1.1 200 OK\r\n"
LINE = b"X-Long: " + b"y" * 8000 + b"\r\n"


class HeadTalker(Protocol):
    """Answers the first request with what its factory says, over and over if that is `endless`."""

    factory: "TalkerFactory"

    def dataReceived(self, data: bytes) -> None:
        transport = cast(Any, self.transport)
        if self.factory.endless:
            transport.write(self.factory.says)
            transport.registerProducer(self, False)
            return
        for piece in self.factory.pieces:
            transport.write(piece)
        transport.loseConnection()

    def resumeProducing(self) -> None:
        """Say more of it."""
        cast(Any, self.transport).write(self.factory.endless)
        self.factory.said += len(self.factory.endless)

    def stopProducing(self) -> None:
        """Say no more."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.gone.callback(None)


@attrs.define
class TalkerFactory(Factory):
    says: bytes = b""
    endless: bytes = b""
    pieces: tuple[bytes, ...] = ()
    said: int = 0
    gone: Deferred[None] = attrs.field(factory=Deferred)

    noisy = False
    protocol = HeadTalker

    def __hash__(self) -> int:
        return id(self)


class HeadTests(TestCase):
    """Against a peer that says bytes of our choice, by each client that there is."""

    timeout = 30

    def setUp(self) -> None:
        loop = cast(Any, reactor)
        self.clients: tuple[HTTPClient, ...] = (
            rest_client(loop, None),
            stream_client(loop, None, stock=False),
            stream_client(loop, None, stock=True),
        )

    async def ask(self, client: HTTPClient, factory: TalkerFactory) -> tuple[int, bytes]:
        """The status and the body of its answer."""
        port = cast(Any, reactor).listenTCP(0, factory, interface="127.0.0.1")
        try:
            url = AsItIs.from_text(f"http://127.0.0.1:{port.getHost().port}/")
            response = await client.request("GET", url, unbuffered=True, allow_redirects=False)
            return response.code, await read_body(response, 1 << 20)
        finally:
            await port.stopListening()
            await factory.gone

    async def refused(self, factory: TalkerFactory) -> str:
        """What is wrong with the answer, in the words of the log; each client says the same."""
        said = set()
        for client in self.clients:
            one = attrs.evolve(factory, said=0, gone=Deferred())
            try:
                await self.ask(client, one)
            except Exception:
                said.add(explain(Failure()))
            self.assertLess(one.said, 8 << 20)  # what buffers of the system hold
        self.assertEqual(len(said), 1)
        return said.pop()

    async def test_a_head_without_end(self) -> None:
        """It is read up to a limit."""
        said = await self.refused(TalkerFactory(says=OK, endless=LINE))
        self.assertEqual(said, "the head of the answer is longer than 64 KiB")

    async def test_the_longest(self) -> None:
        """The limit itself is fine, and not a byte more."""
        short, last = LINE * 8, b"Content-Length: 2\r\n\r\n"
        more = MOST_HEAD - len(OK + short + last)
        for size, is_fine in ((more, True), (more + 1, False)):
            padding = b"X-Last: " + b"z" * (size - 10) + b"\r\n"
            factory = TalkerFactory(pieces=(OK + short + padding + last + b"{}",))
            if is_fine:
                self.assertEqual(await self.ask(self.clients[0], factory), (200, b"{}"))
            else:
                self.assertIn("64 KiB", await self.refused(factory))

    async def test_heads_that_come_in_any_pieces(self) -> None:
        """What is in a head or behind it is not lost, nor is a head before the true one."""
        whole = (
            b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        )
        for client in self.clients:
            for step in (1, 3, len(whole)):
                pieces = tuple(whole[at : at + step] for at in range(0, len(whole), step))
                found = await self.ask(client, TalkerFactory(pieces=pieces))
                self.assertEqual(found, (200, b"{}"))

    async def test_heads_before_the_true_one_without_number(self) -> None:
        """However many come in one read, the answer is the last."""
        pieces = (b"HTTP/1.1 100 Continue\r\n\r\n" * 2000 + OK + b"Content-Length: 2\r\n\r\n{}",)
        for client in self.clients:
            self.assertEqual(await self.ask(client, TalkerFactory(pieces=pieces)), (200, b"{}"))
        self.assertEqual(self.flushLoggedErrors(), [])

    async def test_bare_newlines(self) -> None:
        """They end lines as well."""
        pieces = (b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",)
        for client in self.clients:
            self.assertEqual(await self.ask(client, TalkerFactory(pieces=pieces)), (200, b"{}"))

    async def test_the_coding_that_is_none(self) -> None:
        """`Transfer-Encoding: identity`, which some proxies say, changes nothing."""
        for line in (b"Transfer-Encoding: identity\r\n", b"transfer-encoding:Identity \n"):
            for length in (b"Content-Length: 2\r\n", b""):
                pieces = (OK + line + length + b"\r\n{}",)
                for client in self.clients:
                    found = await self.ask(client, TalkerFactory(pieces=pieces))
                    self.assertEqual(found, (200, b"{}"))

    async def test_tls_where_none_was_expected(self) -> None:
        """An http address of a server that speaks TLS."""
        alert = b"\x15\x03\x03\x00\x02\x02\x46"
        said = await self.refused(TalkerFactory(pieces=(alert,)))
        self.assertIn("TLS is spoken there: an address that begins with https://", said)

    async def test_no_head(self) -> None:
        """A peer that hangs up within one is what it was before."""
        for pieces in ((b"HTTP/1.1 200 OK\r\nContent-",), (b"What?\r\n",), (b"\x00\x01",)):
            for client in self.clients:
                await self.assertFailure(
                    Deferred.fromCoroutine(self.ask(client, TalkerFactory(pieces=pieces))),
                    Exception,
                )
