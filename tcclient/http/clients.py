"""How requests leave this machine: by which agent, and from which address."""

from typing import NoReturn

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
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from tcclient import __version__

CONNECT_TIMEOUT = 30.0
"""Seconds for name and TCP handshake."""


class AsItIs(EncodedURL):
    """
    An address that treq sends as it stands.

    treq encodes host names for DNS, which fails for IPv6 literals and underscores (hyperlink #68);
    the settings accept ASCII only, so there is nothing to encode.
    """

    def to_uri(self) -> "AsItIs":
        return self


def user_agent(client_id: int) -> str:
    """Name, version and number of this client."""
    return f"tcc/{__version__} (client {client_id})"


def rest_client(reactor: IReactorTime) -> HTTPClient:
    """For short requests, a connection each.  TLS as Endpoints says."""
    return HTTPClient(Agent.usingEndpointFactory(reactor, Endpoints(reactor, None)))


@implementer(IAgentEndpointFactory)
class Endpoints:
    """
    How to reach a host: from `source_addr`, and with TLS verified against the system's CA store or
    SSL_CERT_FILE, the certificate's names included.
    """

    def __init__(self, reactor: IReactorTime, source_addr: str | None) -> None:
        self._reactor = reactor
        self._bind = None if source_addr is None else (source_addr, 0)
        self._tls = BrowserLikePolicyForHTTPS()

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        tcp = HostnameEndpoint(
            self._reactor, uri.host, uri.port, timeout=CONNECT_TIMEOUT, bindAddress=self._bind
        )
        secure = uri.scheme == b"https"
        tls = self._tls.creatorForNetloc(uri.host, uri.port) if secure else None
        return _Quiet(self._over(tcp, tls))

    def _over(
        self, tcp: IStreamClientEndpoint, tls: IOpenSSLClientConnectionCreator | None
    ) -> IStreamClientEndpoint:
        return wrapClientTLS(tls, tcp) if tls else tcp


@implementer(IStreamClientEndpoint)
class _Quiet:
    """Twisted's HTTP client logs the start and stop of a factory with every request."""

    def __init__(self, endpoint: IStreamClientEndpoint) -> None:
        self._endpoint = endpoint

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        if isinstance(protocolFactory, Factory):
            protocolFactory.noisy = False
        return self._endpoint.connect(protocolFactory).addErrback(_explain_family)


def _explain_family(failure: Failure) -> NoReturn:
    """To Python an IPv6 source_addr for an IPv4 socket is a TypeError, not an error of bind()."""
    if failure.check(TypeError) and "AF_INET" in str(failure.value):
        raise ConnectBindError(string=str(failure.value))
    failure.raiseException()
