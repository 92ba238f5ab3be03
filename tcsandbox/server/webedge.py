"""
Where twisted.web meets the stand-in: its site, and its requests as the API reads them.

Knows connections and headers; knows no addresses and no answers.
"""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.web.http import Request as HTTPRequest
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from tcsandbox.server.negotiation import ApiRequest


class QuietSite(Site):
    """A site without an access log and without a limit for idle connections."""

    noisy = False

    def __init__(self, resource: Resource, clock: IReactorTime) -> None:
        super().__init__(  # type: ignore[no-untyped-call]  # twisted.web.server
            resource, timeout=None, reactor=clock
        )

    def log(self, request: HTTPRequest) -> None:
        """Write no access log: what was asked stands in the state."""


class Connections(WrappingFactory):
    """The open connections of a site, which a port that stops listening leaves open."""

    noisy = False

    def __init__(self, site: Site) -> None:
        super().__init__(site)  # type: ignore[no-untyped-call]  # twisted.protocols.policies
        self._waiting: list[Deferred[None]] = []

    def hang_up(self) -> Deferred[None]:
        """Break all connections; fires once none is left."""
        gone: Deferred[None] = Deferred()
        self._waiting.append(gone)
        for connection in list(self.protocols):
            connection.abortConnection()
        self._settle()
        return gone

    def unregisterProtocol(self, p: ProtocolWrapper) -> None:
        """Forget a closed connection; after the last one hang_up()'s Deferreds fire."""
        super().unregisterProtocol(p)  # type: ignore[no-untyped-call]  # twisted.protocols.policies
        self._settle()

    def _settle(self) -> None:
        if not self.protocols:
            waiting, self._waiting = self._waiting, []
            for gone in waiting:
                gone.callback(None)


def as_asked(request: Request) -> ApiRequest:
    """Return the request with its body; of a header that stands twice the last is taken."""
    headers = {
        name.decode("latin-1").lower(): values[-1].decode("latin-1")
        for name, values in request.requestHeaders.getAllRawHeaders()
    }
    return ApiRequest(
        method=request.method.decode("latin-1"),
        target=request.uri.decode("latin-1"),
        headers=headers,
        body=b"" if request.content is None else request.content.read(),
        base=f"http://{headers.get('host', 'localhost')}",
    )
