"""
Connections that are kept between short requests, and when one of them is not to be used again.

A request may meet a connection that the other side is just closing.  One that changes nothing is
asked once more then, by a new connection; any other never is, and goes by a kept connection only
where that has just been heard of.  Knows heads and time; does not know what is asked.
"""

import re
from collections.abc import Hashable
from functools import partial
from typing import Any, cast

from treq.client import HTTPClient
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IProtocol, IReactorTime, IStreamClientEndpoint
from twisted.python.failure import Failure
from twisted.web.client import Agent, HTTPConnectionPool
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

from tcclient.http.clients import Endpoints
from tcclient.http.gunzip import HideCoding
from tcclient.http.heads import HeadReader
from tcclient.runtime.failures import root

LONGEST = 15
"""
Seconds that a connection rests before it is ended: longer than between two polls, and shorter than
the 60 to 75 s after which most servers and proxies end it.
"""
FRESH = 1.0
"""The same before a request that changes something: gunicorn ends one after 2 s, others later."""
MARGIN = 1.0
"""Seconds by which a connection is given up before the other side has said that it does."""

_CLOSES = re.compile(rb"(?im)^connection:[^\n]*\bclose\b")
_TIMEOUT = re.compile(rb"(?im)^keep-alive:[^\n]*\btimeout[ \t]*=[ \t]*(\d{1,9})")


def lasts(head: bytes) -> float:
    """Return how many seconds a connection may rest after an answer with this head, 0 for none."""
    if not head.startswith(b"HTTP/1.1 ") or _CLOSES.search(head):
        return 0.0
    told = _TIMEOUT.search(head)
    return min(LONGEST, max(0.0, int(told[1]) - MARGIN)) if told else LONGEST


class KeptConnections(Service):
    """
    Connections to one server, two at the most that rest.  `client` asks by them; stopService() ends
    those that rest, and fires when they are gone.  Time is the `clock`'s.
    """

    def __init__(self, reactor: IReactorTime, clock: IReactorTime) -> None:
        pool = HTTPConnectionPool(clock)
        pool.cachedConnectionTimeout = LONGEST
        pool.retryAutomatically = False  # it would not say which connection it takes
        self._pool = pool
        endpoints = Endpoints(reactor, None, partial(LastingHead, clock))
        self.client = HTTPClient(HideCoding(_KeepingAgent(reactor, endpoints, pool)))

    def stopService(self) -> Deferred[None]:
        super().stopService()  # type: ignore[no-untyped-call]  # not annotated
        return cast("Deferred[None]", self._pool.closeCachedConnections())


class LastingHead(HeadReader):
    """Reads the heads of answers that one connection carries, one after the other."""

    def __init__(self, clock: IReactorTime, factory: Any, client: IProtocol) -> None:
        super().__init__(factory, client)
        self._clock = clock
        self._heard = self._until = 0.0
        self.is_new = True
        """Whether it has carried no answer."""

    def carries_another(self, rest: float) -> bool:
        """Return whether it may carry a request more, unless it has rested for `rest` seconds."""
        return self.is_new or self._clock.seconds() < min(self._until, self._heard + rest)

    def expect(self) -> None:
        """Read the head of another answer."""
        self._head = bytearray()
        vars(self).pop("dataReceived", None)

    def loseConnection(self) -> None:
        """End it at once: a silent TLS peer never answers a goodbye."""
        self._until = 0.0
        cast(Any, self.transport).abortConnection()

    def _cleaned(self, head: bytes) -> bytes:
        self.is_new, self._heard, seconds = False, self._clock.seconds(), lasts(head)
        self._until = self._heard + seconds
        # Twisted knows `close` in small letters alone, and does not look at the version.
        closing = head if seconds else head.replace(b"\n", b"\nConnection: close\r\n", 1)
        return super()._cleaned(closing)


class _Choice:
    """
    What an agent takes for its pool, for one request: of the connections that rest only those will
    do that have not rested for `rest` seconds.
    """

    persistent = True

    def __init__(self, pool: HTTPConnectionPool, rest: float) -> None:
        self._pool = pool
        self._rest = rest
        self.is_kept = False
        """Whether a connection was taken that had carried an answer."""

    def getConnection(self, key: Hashable, endpoint: IStreamClientEndpoint) -> Deferred[Any]:
        """Return a connection; fires once there is one."""
        return self._pool.getConnection(key, endpoint).addCallback(self._judge, key, endpoint)

    def _judge(self, connection: Any, key: Hashable, endpoint: IStreamClientEndpoint) -> Any:
        head: LastingHead = connection.transport
        if not head.carries_another(self._rest):
            head.loseConnection()
            return self.getConnection(key, endpoint)
        self.is_kept = not head.is_new
        head.expect()
        return connection


@implementer(IAgent)
class _KeepingAgent:
    """An agent that keeps connections in the pool."""

    def __init__(
        self, reactor: IReactorTime, endpoints: Endpoints, pool: HTTPConnectionPool
    ) -> None:
        self._reactor = reactor
        self._endpoints = endpoints
        self._pool = pool

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,
    ) -> Deferred[IResponse]:
        changes_nothing = method == b"GET"
        choice = _Choice(self._pool, LONGEST if changes_nothing else FRESH)
        asked = self._by(choice).request(method, uri, headers, bodyProducer)
        if changes_nothing:
            asked.addErrback(self._ask_again, choice, uri, headers)
        return asked

    def _ask_again(
        self, failure: Failure, choice: _Choice, uri: bytes, headers: Headers | None
    ) -> Deferred[IResponse] | Failure:
        """Ask by a new connection where a kept one has been closed."""
        if not choice.is_kept or not isinstance(root(failure), ConnectionDone | ConnectionLost):
            return failure
        return self._by(_Choice(self._pool, 0.0)).request(b"GET", uri, headers)

    def _by(self, choice: _Choice) -> IAgent:
        pool = cast(HTTPConnectionPool, choice)
        return cast(IAgent, Agent.usingEndpointFactory(self._reactor, self._endpoints, pool))
