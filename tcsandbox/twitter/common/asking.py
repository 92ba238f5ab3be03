"""What matters of a request: reads twisted.web's Request once, into a plain record."""

from typing import Literal, cast
from urllib.parse import parse_qsl

import attrs
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.web.server import Request

from tcsandbox.twitter.common.oauth import SignedRequest

FORM = "application/x-www-form-urlencoded"


@attrs.frozen
class SimulatorRequest:
    """A request; `query` has the last value of each parameter of the query."""

    signed: SignedRequest
    query: dict[str, str]
    body: bytes
    gzip: bool
    host: str
    peer: str  # host:port

    def form(self) -> dict[str, str]:
        """Return the body read as a form, with the last value of each member."""
        return dict(_pairs(self.body.decode("latin-1")))


def read_request(request: Request) -> SimulatorRequest:
    """Read `request` once and return what matters of it."""
    target, _, query = request.uri.decode("latin-1").partition("?")
    body = request.content.read() if request.content is not None else b""
    kind = (_header(request, "content-type") or "").partition(";")[0].strip().lower()
    scheme = "https" if request.isSecure() else "http"
    signed = SignedRequest(
        cast(Literal["GET", "POST"], request.method.decode("ascii")),
        f"{scheme}://{_header(request, 'host') or ''}{target}",
        _header(request, "authorization"),
        _pairs(query) + (_pairs(body.decode("latin-1")) if kind == FORM else []),
    )
    client = request.getClientAddress()
    host, port = "unknown", 0
    if isinstance(client, IPv4Address | IPv6Address):
        host, port = client.host, client.port
    gzip = "gzip" in (_header(request, "accept-encoding") or "").lower()
    return SimulatorRequest(signed, dict(_pairs(query)), body, gzip, host, f"{host}:{port}")


def _pairs(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True)


def _header(request: Request, name: str) -> str | None:
    values = request.requestHeaders.getRawHeaders(name)
    return values[-1] if values else None
