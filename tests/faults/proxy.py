"""
A road between the client and the simulated Twitter, on which connections come to grief.

Knows sockets; nothing of HTTP.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import DeferredList
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.interfaces import IListeningPort, IOpenSSLContextFactory
from twisted.internet.protocol import Factory, Protocol

from tests.faults.link import Link
from tests.faults.pace import AT_ONCE

HOST = "127.0.0.1"


class Proxy(Factory):
    """
    Hands on what comes, to and fro, unless it is told otherwise.  `pace` is that of connections
    made from now on; a `mute` proxy accepts connections, and that is all; one with `tls` speaks
    it with the client, and plainly with Twitter.
    """

    noisy = False

    def __init__(self, reactor: Any, port: int) -> None:
        self._reactor = reactor
        self.pace = AT_ONCE
        self.mute = False
        self.tls: IOpenSSLContextFactory | None = None
        self._target = port
        self._links: set[Link] = set()
        self._port: IListeningPort | None = None
        self.number = 0

    def listen(self) -> int:
        """The port on which it listens: always the same one after the first time."""
        if self.tls is None or self.mute:
            self._port = self._reactor.listenTCP(self.number, self, interface=HOST)
        else:
            self._port = self._reactor.listenSSL(self.number, self, self.tls, interface=HOST)
        self.number = self._port.getHost().port
        return self.number

    async def refuse(self) -> None:
        """Listen no longer, and reset what there is."""
        port, self._port = self._port, None
        if port is not None:
            await port.stopListening()
        self.each(Link.reset)

    async def stop(self) -> None:
        """Returns when no connection is left."""
        await self.refuse()
        await DeferredList([link.when_gone() for link in self._links])

    def each(self, act: Callable[[Link], object]) -> None:
        """Do it to every connection."""
        for link in list(self._links):
            act(link)

    def buildProtocol(self, addr: object) -> Protocol:
        link = Link(self._reactor, self.pace, self._links.discard)
        self._links.add(link)
        if not self.mute:
            far = TCP4ClientEndpoint(self._reactor, HOST, self._target)
            far.connect(Factory.forProtocol(link.make_far)).addErrback(link.unreachable)
        return link.near
