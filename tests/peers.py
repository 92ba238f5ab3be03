"""The other side of a stream, in memory: a test says what it answers and sends."""

from typing import Any, cast

import attrs
from msgspec import structs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocol, IPushProducer
from twisted.internet.protocol import connectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse
from zope.interface import implementer

from tcclient.http.gunzip import HIDDEN
from tcclient.runtime.backoff import Backoff, Refusal
from tcclient.runtime.secrets import Secret
from tcclient.sources.twitter.ids import EPOCH as EPOCH_OF_IDS
from tcclient.sources.twitter_v1.api import StatusesApi
from tcclient.sources.twitter_v1.query import Query
from tcclient.sources.twitter_v1.settings import Keys
from tcclient.stream.capturestream import Upstream
from tcclient.stream.connection import Timing
from tcclient.stream.streamapi import StreamApi

EPOCH = 1_700_000_000.0
STALL = 90.0
DONE = Failure(ResponseDone())
KEYS = Keys(
    api_key=Secret("the-api-key"),
    api_secret=Secret("the-api-secret"),
    access_token=Secret("the-access-token"),
    access_token_secret=Secret("the-token-secret"),
)


@implementer(IPushProducer)
@attrs.define
class FakeTransport:
    """The connection below an answer's body.  One that is `deaf` never reports its end."""

    deaf: bool = False
    hung_up: bool = False
    reading: bool = True
    protocol: IProtocol | None = None

    @property
    def disconnecting(self) -> bool:
        """Return whether it was hung up: Twisted's own protocols ask that."""
        return self.hung_up

    def loseConnection(self) -> None:
        """Hang up as txTwitter does it."""
        self.stopProducing()

    def stopProducing(self) -> None:
        """Hang up."""
        self.hung_up = True
        if not self.deaf:
            self.ends(connectionDone)

    def pauseProducing(self) -> None:
        """Read nothing."""
        self.reading = False

    def resumeProducing(self) -> None:
        """Read."""
        self.reading = True

    def ends(self, reason: Failure) -> None:
        """Report the end, once."""
        protocol, self.protocol = self.protocol, None
        if protocol is not None:
            protocol.connectionLost(reason)


@implementer(IResponse)
@attrs.define
class FakeResponse:
    """An answer's head, and a body that comes as the test says it."""

    code: int
    headers: Headers
    transport: FakeTransport = attrs.field(factory=FakeTransport)
    version: tuple[bytes, int, int] = (b"HTTP", 1, 1)
    phrase: bytes = b"Words"
    length: int = 0
    request: Any = None
    previousResponse: Any = None

    def deliverBody(self, protocol: IProtocol) -> None:
        """Have the body sent to `protocol`."""
        self.transport.protocol = protocol
        protocol.makeConnection(cast(Any, self.transport))

    def setPreviousResponse(self, response: IResponse) -> None:
        """Fail: nothing here asks for it."""
        raise AssertionError("no answer follows another one here")


class Peer:
    """The other side of one attempt to connect."""

    def __init__(self, query: Query) -> None:
        self.query = query
        self.cancelled = False
        self.answer: Deferred[IResponse] = Deferred(self._cancelled)
        self.transport = FakeTransport()

    @property
    def hung_up(self) -> bool:
        """Return whether the connection was ended from our side."""
        return self.transport.hung_up

    def answers(self, code: int = 200, coding: str = "", deaf: bool = False) -> "Peer":
        """Send the head of an answer."""
        self.transport.deaf = deaf
        headers = Headers({HIDDEN: [coding]} if coding else {})
        self.answer.callback(FakeResponse(code, headers, self.transport))
        return self

    def refuses(self, code: int, body: bytes = b"") -> None:
        """Send a whole answer that is not 200."""
        self.answers(code)
        self.says(body)
        self.closes()

    def fails(self, error: Exception) -> None:
        """Have the attempt fail: there is no answer."""
        self.answer.errback(Failure(error))

    def says(self, data: bytes) -> None:
        """Send a piece of the body; after the end of the connection that does nothing."""
        if self.transport.protocol is not None and data:
            cast(Any, self.transport.protocol).dataReceived(data)

    def closes(self, reason: Failure = DONE) -> None:
        """End the connection."""
        self.transport.ends(reason)

    def _cancelled(self, _: object) -> None:
        self.cancelled = True


class FakeApi(StreamApi[Query]):
    """
    v1.1 as far as its endpoints and codes go; the test speaks for the other side.

    Every refusal asks for a wait of `at_least` seconds, and `headers` are those of the last one.
    While there is something in `broken`, each attempt raises it.
    """

    def __init__(self) -> None:
        self._v1 = StatusesApi(cast(Any, None), "http://x/1.1/", KEYS, "test", Clock().seconds)
        self.at_least = 0.0
        self.headers = Headers()
        self.stall_timeout = STALL
        self.peers: list[Peer] = []
        self.broken: Exception | None = None

    @property
    def peer(self) -> Peer:
        """Return the other side of the newest attempt."""
        return self.peers[-1]

    def open(self, query: Query) -> Deferred[IResponse]:
        """Begin an attempt that the test answers."""
        if self.broken is not None:
            raise self.broken
        self.peers.append(Peer(query))
        return self.peer.answer

    def endpoint(self, query: Query) -> str:
        """Return that of v1.1."""
        return self._v1.endpoint(query)

    def refusal(self, status: int, headers: Headers, body: bytes) -> Refusal:
        """Return that of v1.1, with a wait."""
        self.headers = headers
        return structs.replace(self._v1.refusal(status, headers, body), at_least=self.at_least)


def clock_at(now: float = EPOCH) -> Clock:
    """Return a clock that shows `now`, in epoch seconds."""
    clock = Clock()
    clock.advance(now)
    return clock


def id_made(at: float, serial: int = 0) -> int:
    """Return the id of a post that was made at that time, in epoch seconds."""
    return (round((at - EPOCH_OF_IDS) * 1000) << 22) + serial


def upstream(api: FakeApi, clock: Clock, timing: Timing | None = None) -> Upstream[Query]:
    """Return what a stream from `api` needs, with no wait imposed yet."""
    return Upstream(api, Backoff(), clock, timing or Timing())


def settle(clock: Clock, passes: int = 5) -> None:
    """Let the reactor have some turns without time passing."""
    for _ in range(passes):
        clock.advance(0)
