"""Connections that are kept between requests, against a peer on a real socket."""

from typing import Any, cast

import attrs
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock, deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tcclient.http.bodies import read_body
from tcclient.http.clients import AsItIs
from tcclient.http.kept import FRESH, LONGEST, KeptConnections, lasts
from tcclient.runtime.failures import explain

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
OK = HEAD + b"\r\n{}"


class Answering(Protocol):
    """Answers each request by the next of its factory's answers, the last one over and over."""

    factory: "AnsweringFactory"

    def connectionMade(self) -> None:
        self.factory.connections.append(self)
        self.came = b""

    def dataReceived(self, data: bytes) -> None:
        self.came += data
        head, end, body = self.came.partition(b"\r\n\r\n")
        if not end or (head.startswith(b"PATCH") and not body):
            return
        self.came = b""
        self.factory.methods.append(head.split()[0].decode())
        answers = self.factory.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        transport = cast(Any, self.transport)
        if answer is None:
            transport.abortConnection()
            return
        transport.write(answer)
        if b"Close" in answer or b"cut" in answer or not answer:
            transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.gone += 1


@attrs.define(eq=False)
class AnsweringFactory(Factory):
    """An answer is bytes, b"" for hanging up, None for a reset, b" " for nothing that is heard."""

    answers: list[bytes | None]
    connections: list[Answering] = attrs.field(factory=list)
    methods: list[str] = attrs.field(factory=list)
    gone: int = 0

    noisy = False
    protocol = Answering


class KeptTestCase(TestCase):
    """A client whose connections are kept, and whose time is a Clock."""

    timeout = 30

    def setUp(self) -> None:
        self.clock = Clock()
        self.kept = KeptConnections(cast(Any, reactor), self.clock)
        self.addCleanup(self._end)

    async def _end(self) -> None:
        await self.kept.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def peer(self, *answers: bytes | None) -> AnsweringFactory:
        """What answers so from now on."""
        factory = AnsweringFactory(list(answers))
        port = cast(Any, reactor).listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(self._until, lambda: factory.gone == len(factory.connections))
        self.addCleanup(port.stopListening)
        self.url = AsItIs.from_text(f"http://127.0.0.1:{port.getHost().port}/")
        self.addCleanup(self.kept.stopService)
        return factory

    async def _until(self, condition: Any) -> None:
        while not condition():
            await deferLater(cast(Any, reactor), 0)

    async def ask(self, method: str = "GET") -> bytes:
        """The body of the answer."""
        body = b"{}" if method == "PATCH" else None
        response = await self.kept.client.request(method, self.url, data=body, unbuffered=True)
        return await read_body(response, 1 << 20)

    async def fails(self, method: str = "GET") -> str:
        """Why there is no answer."""
        try:
            await self.ask(method)
        except Exception:
            return explain(Failure())
        return "nothing"


class KeepingTests(KeptTestCase):
    """Which requests go by a connection that has carried one."""

    async def test_one_for_all(self) -> None:
        """Requests that follow each other share a connection, whatever they do."""
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        empty = b"HTTP/1.1 204 No Content\r\n\r\n"
        peer = self.peer(OK, chunked, empty, OK)
        found = [await self.ask(method) for method in ("GET", "PATCH", "PATCH", "GET")]
        self.assertEqual(found, [b"{}", b"{}", b"", b"{}"])
        self.assertEqual(len(peer.connections), 1)

    async def test_not_for_long(self) -> None:
        """What may be asked twice goes by one that has rested long; what changes something not."""
        for method, seconds, connections in (
            ("GET", LONGEST - 0.1, 1),
            ("GET", LONGEST, 2),
            ("PATCH", FRESH - 0.1, 1),
            ("PATCH", FRESH, 2),
        ):
            peer = self.peer(OK)
            await self.ask()
            self.clock.advance(seconds)
            await self.ask(method)
            self.assertEqual(len(peer.connections), connections, (method, seconds))

    async def test_as_long_as_the_other_side_says(self) -> None:
        """`Keep-Alive: timeout=5` is 5 s for the other side, so that a bit less is left here."""
        for seconds, connections in ((3.9, 1), (4, 2)):
            peer = self.peer(HEAD + b"Keep-Alive: timeout=5, max=100\r\n\r\n{}")
            await self.ask()
            self.clock.advance(seconds)
            await self.ask()
            self.assertEqual(len(peer.connections), connections)

    async def test_answers_that_end_theirs(self) -> None:
        """In any spelling; where the peer leaves it open all the same, it is ended here."""
        for answer in (
            HEAD + b"Connection: close\r\n\r\n{}",
            HEAD + b"connection: CLOSE\r\n\r\n{}",
            HEAD + b"Connection: keep-alive, close\r\n\r\n{}",
            HEAD + b"Connection: Close\r\n\r\n{}",
            HEAD + b"Keep-Alive: timeout=1\r\n\r\n{}",
            OK.replace(b"1.1", b"1.0"),
        ):
            peer = self.peer(answer)
            self.assertEqual([await self.ask(), await self.ask("PATCH")], [b"{}", b"{}"])
            self.assertEqual(len(peer.connections), 2, answer)
            await self._until(lambda peer=peer: peer.gone == 2)

    async def test_bytes_that_belong_to_no_answer(self) -> None:
        """They are nobody's, and the connection is not used again."""
        peer = self.peer(OK)
        await self.ask()
        cast(Any, peer.connections[0].transport).write(OK)
        await self._until(lambda: peer.gone)
        self.assertEqual(await self.ask(), b"{}")
        self.assertEqual(len(peer.connections), 2)


class EndingTests(KeptTestCase):
    """A connection that dies is what one that is not there is."""

    async def test_between_requests(self) -> None:
        """The next request makes another one."""
        peer = self.peer(OK)
        await self.ask()
        cast(Any, peer.connections[0].transport).loseConnection()
        await self._until(lambda: peer.gone)
        await deferLater(cast(Any, reactor), 0)
        self.assertEqual(await self.ask("PATCH"), b"{}")
        self.assertEqual(len(peer.connections), 2)

    async def test_as_it_is_asked(self) -> None:
        """What changes nothing is asked once more, and only once; what may is not."""
        for end in (b"", None):
            peer = self.peer(OK, end, OK)
            await self.ask()
            self.assertEqual(await self.ask(), b"{}")
            self.assertEqual((len(peer.connections), peer.methods), (2, ["GET"] * 3))

            peer = self.peer(OK, end, end, OK)
            await self.ask()
            self.assertIn("the connection", await self.fails())
            self.assertEqual((len(peer.connections), peer.methods), (2, ["GET"] * 3))

            peer = self.peer(OK, end, OK)
            await self.ask()
            self.assertIn("the connection", await self.fails("PATCH"))
            self.assertEqual((len(peer.connections), peer.methods), (1, ["GET", "PATCH"]))

    async def test_a_new_one(self) -> None:
        """What fails there fails."""
        peer = self.peer(b"", OK)
        self.assertEqual(await self.fails(), "the other side closed the connection")
        self.assertEqual(peer.methods, ["GET"])

    async def test_within_an_answer(self) -> None:
        """It fails, and the next request makes another connection."""
        peer = self.peer(OK, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut", OK)
        await self.ask()
        self.assertEqual(await self.fails(), "the other side closed the connection")
        self.assertEqual(await self.ask(), b"{}")
        self.assertEqual(peer.methods, ["GET"] * 3)

    async def test_half_open(self) -> None:
        """Whoever waits in vain and gives up is not asked by that connection again."""
        peer = self.peer(OK, b" ", OK)
        await self.ask()
        waiting = Deferred.fromCoroutine(self.fails())
        await self._until(lambda: len(peer.methods) == 2)
        self.assertNoResult(waiting)
        waiting.cancel()
        await waiting
        self.assertEqual(await self.ask("PATCH"), b"{}")
        self.assertEqual((len(peer.connections), peer.methods), (2, ["GET", "GET", "PATCH"]))

    async def test_stop(self) -> None:
        """It ends them, and fires once they are gone."""
        peer = self.peer(OK)
        await self.ask()
        await self.kept.stopService()
        await self._until(lambda: peer.gone)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class LastsTests(SynchronousTestCase):
    """How long a connection lasts after an answer with this head."""

    def test_heads(self) -> None:
        """In seconds; 0 is not at all."""
        for head, seconds in (
            (b"HTTP/1.1 200 OK\r\n\r\n", LONGEST),
            (b"HTTP/1.1 200 OK\nkeep-alive: max=3, TIMEOUT = 7\n\n", 6),
            (b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=9999\r\n\r\n", LONGEST),
            (b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=soon\r\n\r\n", LONGEST),
            (b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=0\r\n\r\n", 0),
            (b"HTTP/1.1 200 OK\r\nX-Connection: close\r\n\r\n", LONGEST),
            (b"HTTP/1.1 200 OK\r\nConnection: upgrade,Close\r\n\r\n", 0),
            (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", 0),
        ):
            self.assertEqual(lasts(head), seconds, head)
