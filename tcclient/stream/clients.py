"""
How the request for a stream leaves this machine, and how its body gets past the HTTP client.

Knows which way is taken; does not know what is asked for.
"""

from typing import cast

from treq.client import HTTPClient
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.logger import Logger
from twisted.web.client import Agent
from twisted.web.iweb import IAgent

from tcclient.http.clients import Endpoints
from tcclient.http.gunzip import HideCoding
from tcclient.stream.fastpath import proof, reads
from tcclient.stream.fastpath.shortcut import Shortcut, ShortcutAgent

log = Logger()


def stream_client(reactor: IReactorTime, source_addr: str | None, *, stock: bool) -> HTTPClient:
    """
    Return a client for streams that leave from `source_addr`, None for any address.  It does not
    decompress their bodies, which `gunzip` does.

    Where `stock` is true, or the shortcut past Twisted's HTTP client fails its test, bodies go
    through all of that client.  In the second case the log says so.
    """
    if not stock and not proof.holds():
        log.warn(
            "The shortcut past Twisted's HTTP client does not hold with this Twisted: the stream "
            "goes through all of it, which costs more and loses nothing. Please report this."
        )
        stock = True

    def agent(shortcut: Shortcut) -> IAgent:
        endpoints = StreamEndpoints(reactor, source_addr, shortcut)
        return cast(IAgent, Agent.usingEndpointFactory(reactor, endpoints))

    # Also where nobody opens the shortcut, what one read brings is passed on together: Connection
    # takes a short piece as a sign that no more waits.
    return HTTPClient(HideCoding(agent(Shortcut()) if stock else ShortcutAgent(agent)))


class StreamEndpoints(Endpoints):
    """How to reach a host for a stream: what one read brings is passed on together."""

    def __init__(self, reactor: IReactorTime, source_addr: str | None, shortcut: Shortcut) -> None:
        super().__init__(reactor, source_addr)
        self._shortcut = shortcut

    def _over(
        self, tcp: IStreamClientEndpoint, tls: IOpenSSLClientConnectionCreator | None
    ) -> IStreamClientEndpoint:
        return reads.joined(tcp, tls, self._shortcut)
