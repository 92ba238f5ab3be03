"""
How requests leave this machine: by which agent, from which address, and with which TLS.

Knows hosts and sockets; does not know what is asked.
"""

from typing import NoReturn, cast

from hyperlink import EncodedURL
from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectBindError
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent, BrowserLikePolicyForHTTPS
from twisted.web.iweb import IAgent, IAgentEndpointFactory
from zope.interface import implementer

from tcclient import __version__
from tcclient.http.gunzip import HideCoding
from tcclient.http.heads import HeadMaker, HeadReader, Wrapping

CONNECT_TIMEOUT = 30.0
"""Seconds in which a host's name has to be resolved and TCP connected."""


class AsItIs(EncodedURL):
    """
    A URL that treq sends as it is.

    treq encodes host names for DNS, which fails for IPv6 literals and underscores (hyperlink #68);
    the settings accept ASCII only, so there is nothing to encode.
    """

    def to_uri(self) -> "AsItIs":
        """Return this URL; hyperlink would encode it here."""
        return self


def user_agent(client_id: int) -> str:
    """Return the User-Agent of this client: `tcc/VERSION (client NUMBER)`."""
    return f"tcc/{__version__} (client {client_id})"


def rest_client(reactor: IReactorTime, source_addr: str | None) -> HTTPClient:
    """
    Return a client for short requests, whose bodies `bodies` reads and decompresses.  Each has a
    connection of its own, made by Endpoints, from `source_addr`, None for any address.
    """
    endpoints = Endpoints(reactor, source_addr)
    return HTTPClient(HideCoding(cast(IAgent, Agent.usingEndpointFactory(reactor, endpoints))))


@implementer(IAgentEndpointFactory)
class Endpoints:
    """
    How to reach a host: from the address `source_addr`, None for any, and within CONNECT_TIMEOUT.
    For https the certificate and its names are verified, against the system's CA store or
    SSL_CERT_FILE.  `head` makes what reads the heads of answers.
    """

    def __init__(
        self, reactor: IReactorTime, source_addr: str | None, head: HeadMaker = HeadReader
    ) -> None:
        self._reactor = reactor
        self._head = head
        self._bind = None if source_addr is None else (source_addr, 0)
        self._tls = BrowserLikePolicyForHTTPS()

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        return _Quiet(Wrapping(self._connecting(uri), self._head))

    def for_sockets(self, uri: URI) -> IStreamClientEndpoint:
        """How to reach a host with another protocol than that of Twisted's HTTP client."""
        return _Quiet(self._connecting(uri))

    def _connecting(self, uri: URI) -> IStreamClientEndpoint:
        tcp = HostnameEndpoint(
            self._reactor, uri.host, uri.port, timeout=CONNECT_TIMEOUT, bindAddress=self._bind
        )
        secure = uri.scheme == b"https"
        return self._over(tcp, self._tls.creatorForNetloc(uri.host, uri.port) if secure else None)

    def _over(
        self, tcp: IStreamClientEndpoint, tls: IOpenSSLClientConnectionCreator | None
    ) -> IStreamClientEndpoint:
        return wrapClientTLS(tls, tcp) if tls else tcp


@implementer(IStreamClientEndpoint)
class _Quiet:
    """An endpoint that keeps factories from logging their start and stop with every request."""

    def __init__(self, endpoint: IStreamClientEndpoint) -> None:
        self._endpoint = endpoint

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        if isinstance(protocolFactory, Factory):
            protocolFactory.noisy = False
        return self._endpoint.connect(protocolFactory).addErrback(_explain_family)


def _explain_family(failure: Failure) -> NoReturn:
    """
    Raise ConnectBindError for an IPv6 source_addr with an IPv4 socket, which Python reports as a
    TypeError; raise any other failure as it is.
    """
    if failure.check(TypeError) and "AF_INET" in str(failure.value):
        raise ConnectBindError(string=str(failure.value))
    failure.raiseException()
