"""
How requests leave this machine, over real sockets: whose certificate is trusted, and from which
address they come.

The policy tested is the default one, with a CA of our own in SSL_CERT_FILE.
"""

import gc
import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import attrs
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import DefaultOpenSSLContextFactory
from twisted.internet.task import Clock, deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import SkipTest, SynchronousTestCase, TestCase

from tcclient.control.answers import ServerError
from tcclient.control.client import ControlServer
from tcclient.control.exchange import ServerExchange
from tcclient.http.clients import user_agent
from tcclient.http.kept import LONGEST, KeptConnections
from tcclient.ledger.endings import Ending
from tcclient.runtime.backoff import Backoff
from tcclient.runtime.failures import explain
from tcclient.runtime.secrets import Secret
from tcclient.sources.twitter_v1.api import StatusesApi
from tcclient.sources.twitter_v1.query import Query
from tcclient.sources.twitter_v1.settings import Keys
from tcclient.stream.capturestream import CaptureStream, Upstream
from tcclient.stream.clients import stream_client
from tcclient.stream.framing import Overlong
from tcclient.stream.streamapi import StreamListener
from tcsandbox.server import CaptureServer
from tcsandbox.server.jobstore import TOKEN
from tcsandbox.twitter import SANDBOX_CREDENTIALS, Simulator
from tests.certificates import BAD, CA, GOOD, Certified, certify
from tests.marks import Need, needs

KEYS = Keys(**{name: Secret(value) for name, value in attrs.asdict(SANDBOX_CREDENTIALS).items()})
NOT_TRUSTED = "its TLS certificate is not trusted: self-signed, expired, or from an unknown CA"
WRONG_NAME = "its TLS certificate is for another name"


def has_ipv6_loopback() -> bool:
    """Whether this machine has the address ::1."""
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


@attrs.define
class Ear(StreamListener):
    """Tells the first thing that happens."""

    first: Deferred[Ending | None] = attrs.field(factory=Deferred)
    messages: list[bytes | Overlong] = attrs.field(factory=list)

    def opened(self) -> None:
        """Tell that the stream has opened."""
        self._tell(None)

    def heard(self) -> None:
        """Pass over it."""

    def received(self, messages: list[bytes | Overlong]) -> None:
        """Keep the messages."""
        self.messages += messages

    def ended(self, ending: Ending) -> None:
        """Tell the ending."""
        self._tell(ending)

    def _tell(self, what: Ending | None) -> None:
        if not self.first.called:
            self.first.callback(what)


class NetworkTestCase(TestCase):
    """Both servers, listening where a test says; our CA is trusted instead of the system's."""

    timeout = 30

    def setUp(self) -> None:
        self.trust(CA)
        self.server = CaptureServer(reactor)
        self.server.store.create("Elections", "cats")
        self.twitter = Simulator(reactor, Random(1))
        self.addCleanup(self.twitter.stop)
        self.addCleanup(self.server.hang_up)

    def trust(self, authority: Certified) -> None:
        """Name `authority` in SSL_CERT_FILE, for the length of the test."""
        path = Path(self.mktemp())
        path.write_bytes(authority.certificate.public_bytes(Encoding.PEM))
        before = dict(os.environ)
        os.environ["SSL_CERT_FILE"] = str(path)
        self.addCleanup(os.environ.update, before)
        if "SSL_CERT_FILE" not in before:
            self.addCleanup(os.environ.pop, "SSL_CERT_FILE", None)

    def listen(self, site: Factory, shows: Certified | None, interface: str = "127.0.0.1") -> int:
        """The port on which `site` is served, behind the certificate `shows` if there is one."""
        port: IListeningPort
        if shows is None:
            port = reactor.listenTCP(0, site, interface=interface)
        else:
            names = self.mktemp(), self.mktemp()
            for name, pem in zip(names, shows.to_pem(), strict=True):
                Path(name).write_bytes(pem)
            context = DefaultOpenSSLContextFactory(*names, SSL.TLS_SERVER_METHOD)
            port = reactor.listenSSL(0, site, context, interface=interface)
        self.addCleanup(port.stopListening)
        return int(port.getHost().port)

    async def list_jobs(self, base: str) -> int:
        """How many jobs the server at `base` lists."""
        return len((await self.asking(f"{base}/api/", Clock()).active_jobs()).jobs)

    def asking(self, base_url: str, clock: Clock) -> ControlServer:
        """A client of the server at this address."""
        connections = KeptConnections(reactor, clock)
        self.addCleanup(connections.stopService)
        return ControlServer(
            ServerExchange(
                connections.client,
                base_url,
                Secret(TOKEN),
                user_agent(1),
                clock,
                clock.seconds,
            )
        )

    async def rest_error(self, base: str) -> str:
        """Why it cannot be listed."""
        call = Deferred.fromCoroutine(self.list_jobs(base))
        return str(await self.assertFailure(call, ServerError))

    async def stream(self, base: str, source_addr: str | None = None) -> Ending | None:
        """What comes of connecting to the stream at `base`: None where it opens."""
        client = stream_client(reactor, source_addr, stock=False)
        api = StatusesApi(client, f"{base}/1.1/", KEYS, user_agent(1), reactor.seconds)
        ear = Ear()
        stream = CaptureStream(Upstream(api, Backoff(), reactor), Query(("cats",)), ear)
        stream.startService()
        try:
            return await ear.first
        finally:
            await stream.stopService()

    def connects(self) -> Sequence[dict[str, Any]]:
        """What the simulated Twitter knows of."""
        connects: list[dict[str, Any]] = self.twitter.state()["connects"]
        return connects


class CertificateTests(NetworkTestCase):
    """A server has to prove its name to both of our clients."""

    async def test_good(self) -> None:
        """Signed by a CA that the machine trusts, for the name or address that was asked for."""
        for host in ("localhost", "127.0.0.1"):
            port = self.listen(self.server.site, GOOD)
            self.assertEqual(await self.list_jobs(f"https://{host}:{port}"), 1)
            port = self.listen(self.twitter.site(), GOOD)
            self.assertIsNone(await self.stream(f"https://{host}:{port}"))
            self.assertEqual(self.connects()[-1]["status"], 200)

    async def test_bad(self) -> None:
        """Each is refused, with a clause that says why, and gets no request."""
        for what, bad in BAD.items():
            clause = WRONG_NAME if what == "another name" else NOT_TRUSTED
            port = self.listen(self.server.site, bad)
            self.assertEqual(await self.rest_error(f"https://localhost:{port}"), clause, what)
            port = self.listen(self.twitter.site(), bad)
            ending = await self.stream(f"https://localhost:{port}")
            assert ending is not None, what
            self.assertEqual((ending.cause, ending.detail), ("unreachable", clause), what)
        self.assertEqual((self.server.requests(), self.connects()), ([], []))

    async def test_an_address_needs_a_certificate_for_it(self) -> None:
        """A name's certificate is not good for the address behind it."""
        port = self.listen(self.server.site, certify("localhost", by=CA))
        self.assertEqual(await self.rest_error(f"https://127.0.0.1:{port}"), WRONG_NAME)

    async def test_our_ca_unknown_to_the_machine(self) -> None:
        """Without it in SSL_CERT_FILE, the good certificate is no good."""
        self.trust(certify("CA"))
        port = self.listen(self.server.site, GOOD)
        self.assertEqual(await self.rest_error(f"https://localhost:{port}"), NOT_TRUSTED)

    async def test_no_tls_there(self) -> None:
        """An https address of a server that speaks plain HTTP."""
        port = self.listen(_PeerFactory(_Plain), None)
        self.assertEqual(
            await self.rest_error(f"https://localhost:{port}"),
            "no TLS is spoken there: an address that begins with http:// may be meant",
        )

    async def test_ipv6(self) -> None:
        """The same for an address in brackets."""
        if not has_ipv6_loopback():
            raise SkipTest("this machine has no ::1")
        port = self.listen(self.server.site, GOOD, "::1")
        self.assertEqual(await self.list_jobs(f"https://[::1]:{port}"), 1)
        port = self.listen(self.twitter.site(), GOOD, "::1")
        self.assertIsNone(await self.stream(f"https://[::1]:{port}"))


class SourceAddressTests(NetworkTestCase):
    """What X is asked for leaves from source_addr, and nothing else does."""

    async def test_ipv4(self) -> None:
        """The other side sees each of them."""
        port = self.listen(self.twitter.site(), None, "0.0.0.0")
        for address in ("127.0.0.1", "127.0.0.2", "127.0.0.77"):
            self.assertIsNone(await self.stream(f"http://127.0.0.1:{port}", address))
            self.assertEqual(self.connects()[-1]["source"], address)

    async def test_ipv4_over_tls(self) -> None:
        """TLS changes nothing of it."""
        port = self.listen(self.twitter.site(), GOOD)
        self.assertIsNone(await self.stream(f"https://127.0.0.1:{port}", "127.0.0.3"))
        self.assertEqual(self.connects()[-1]["source"], "127.0.0.3")

    async def test_a_name_with_both_families(self) -> None:
        """The addresses of the other family are passed over."""
        port = self.listen(self.twitter.site(), None)
        self.assertIsNone(await self.stream(f"http://localhost:{port}", "127.0.0.2"))
        self.assertEqual(self.connects()[-1]["source"], "127.0.0.2")

    async def test_ipv6(self) -> None:
        """The same for ::1."""
        if not has_ipv6_loopback():
            raise SkipTest("this machine has no ::1")
        port = self.listen(self.twitter.site(), None, "::1")
        self.assertIsNone(await self.stream(f"http://[::1]:{port}", "::1"))
        self.assertEqual(self.connects()[-1]["source"], "::1")

    @needs(Need.SECONDS)
    async def test_not_ours(self) -> None:
        """An address that this machine does not have, or one of the other family."""
        port = self.listen(self.twitter.site(), None)
        for address in ("192.0.2.1", "::1"):
            ending = await self.stream(f"http://127.0.0.1:{port}", address)
            assert ending is not None
            self.assertIn("source_addr cannot be bound", ending.detail)
        # Twisted leaves a socket that could not be bound to the garbage collector.
        gc.collect()
        self.flushWarnings()


class _Deaf(Protocol):
    """A peer which answers the stream's request, and then neither reads nor speaks."""

    _asked = b""

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self._asked += data
        if self._asked.endswith(b"stall_warnings=true"):
            self.transport.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            self.transport.pauseProducing()
            self.factory.paused.append(self.transport)


class _Plain(Protocol):
    """A peer that has never heard of TLS."""

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        self.transport.loseConnection()


class _Mute(Protocol):
    """A peer that accepts a connection and says nothing, not even in TLS."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.gone.callback(None)


class _PeerFactory(Factory):
    noisy = False

    def __init__(self, protocol: Callable[[], Protocol]) -> None:
        self.protocol = protocol
        self.gone: Deferred[None] = Deferred()
        self.connected: Deferred[None] = Deferred()
        self.paused: list[Any] = []

    def buildProtocol(self, addr: object) -> Any:
        protocol = super().buildProtocol(addr)
        reactor.callLater(0, self.connected.callback, None)
        return protocol


class _Once(Protocol):
    """A peer that answers one request, and then neither reads nor speaks, in TLS either."""

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        body = b'{"count": 0, "next": null, "previous": null, "results": []}'
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        self.transport.pauseProducing()
        self.factory.paused.append(self.transport)


class KeptTests(NetworkTestCase):
    """Connections to the capture server are kept over TLS too."""

    async def test_one_handshake(self) -> None:
        """Requests that follow each other share a connection."""
        met: list[object] = []
        build = self.server.site.buildProtocol

        def noting(address: object) -> object:
            met.append(address)
            return build(address)

        self.patch(self.server.site, "buildProtocol", noting)
        port = self.listen(self.server.site, GOOD)
        client = self.asking(f"https://localhost:{port}/api/", Clock())
        (job,) = (await client.active_jobs()).jobs
        await client.report(job, 1, None)
        await client.active_jobs()
        self.assertEqual((len(self.server.requests()), len(met)), (3, 1))

    async def test_the_end_of_one_to_a_deaf_peer(self) -> None:
        """It rests for so long and is ended, whether or not the peer answers the good-bye."""
        factory = _PeerFactory(_Once)
        port = self.listen(factory, GOOD)
        clock = Clock()
        client = self.asking(f"https://localhost:{port}/api/", clock)
        self.assertEqual((await client.active_jobs()).jobs, ())
        before = len(reactor.getReaders())
        clock.advance(LONGEST)
        while len(reactor.getReaders()) == before:
            await deferLater(reactor, 0)
        factory.paused[0].abortConnection()


class SilentPeerTests(NetworkTestCase):
    """A peer that does not play its part in the good-bye."""

    async def test_hanging_up_on_a_deaf_peer(self) -> None:
        """It need not answer TLS's good-bye: the timers stand still, and yet we get away."""
        factory = _PeerFactory(_Deaf)
        port = self.listen(factory, GOOD)
        clock = Clock()
        client = stream_client(reactor, None, stock=False)
        api = StatusesApi(client, f"https://localhost:{port}/1.1/", KEYS, "test", clock.seconds)
        ear = Ear()
        stream = CaptureStream(Upstream(api, Backoff(), clock), Query(), ear)
        stream.startService()
        self.assertIsNone(await ear.first)
        stopping = Deferred.fromCoroutine(
            stream.hang_up(Ending("stopped", "the capture was stopped"))
        )
        while not stopping.called:
            await deferLater(reactor, 0)
            clock.advance(0)
        await stopping
        self.assertEqual(clock.getDelayedCalls(), [])
        for transport in factory.paused:
            transport.abortConnection()

    async def test_a_handshake_that_never_comes(self) -> None:
        """Falls under the time-out of the answer."""
        factory = _PeerFactory(_Mute)
        port = self.listen(factory, None)
        clock = Clock()
        client = self.asking(f"https://localhost:{port}/api/", clock)
        listing = Deferred.fromCoroutine(client.active_jobs())
        await factory.connected
        clock.advance(10)
        self.assertEqual(
            str(await self.assertFailure(listing, ServerError)), "there was no answer in time"
        )
        await factory.gone


class ExplainTests(SynchronousTestCase):
    """What OpenSSL says, in a clause."""

    def test_every_shape_of_error(self) -> None:
        """None of them breaks the explanation itself."""
        for error, clause in (
            (SSL.Error([("SSL routines", "", "certificate verify failed")]), NOT_TRUSTED),
            (SSL.Error([("SSL routines", "", "wrong version number")]), "no TLS is spoken there"),
            (SSL.Error([("SSL routines", "", "bad signature")]), "TLS failed: bad signature"),
            (SSL.Error([]), "TLS failed: the other side broke off"),
            (SSL.Error(), "TLS failed: the other side broke off"),
            (SSL.SysCallError(-1, "Unexpected EOF"), "TLS failed: the other side broke off"),
            (SSL.ZeroReturnError(), "TLS failed: the other side broke off"),
        ):
            self.assertTrue(explain(Failure(error)).startswith(clause), repr(error))
