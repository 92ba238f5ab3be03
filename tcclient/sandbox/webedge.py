"""
Where twisted.web meets the stand-in: its site, and its requests as the API reads them.

Knows connections and headers; knows no addresses and no answers.
"""

from typing import Any
from weakref import WeakSet

from twisted.internet.interfaces import IAddress, IProtocol, IReactorTime
from twisted.web.http import Request as HTTPRequest
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from tcclient.sandbox.negotiation import ApiRequest


class SandboxSite(Site):
    """A site without an access log, whose connections can be broken."""

    def __init__(self, resource: Resource, clock: IReactorTime) -> None:
        super().__init__(  # type: ignore[no-untyped-call]  # twisted.web.server
            resource, reactor=clock
        )
        self._channels: WeakSet[IProtocol] = WeakSet()

    def buildProtocol(self, addr: IAddress | None) -> Any:
        channel = super().buildProtocol(addr)  # type: ignore[no-untyped-call]  # twisted.web.server
        self._channels.add(channel)
        return channel

    def log(self, request: HTTPRequest) -> None:
        """Nothing: what was asked stands in the state."""

    def hang_up(self) -> None:
        """Break every open connection; a port that stops listening leaves them open."""
        for channel in list(self._channels):
            channel.transport.abortConnection()  # type: ignore[attr-defined]  # IProtocol hides it


def as_asked(request: Request) -> ApiRequest:
    """The request with its body; of a header that stands twice the last is taken."""
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
