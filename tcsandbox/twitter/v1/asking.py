"""What a v1.1 stream request asks for: reads twisted.web's Request once, into a plain record."""

from typing import Literal, cast
from urllib.parse import parse_qsl

import attrs
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.web.server import Request

from tcsandbox.twitter.common.oauth import SignedRequest
from tcsandbox.twitter.v1.filters import Filter, read_filter, refuse_count

FORM = "application/x-www-form-urlencoded"


@attrs.frozen
class StreamRequest:
    """
    A request for a v1.1 stream.

    `params` has the last value of each parameter of the query and the form body.
    """

    endpoint: str  # "filter" or "sample"
    signed: SignedRequest
    params: dict[str, str]
    gzip: bool
    host: str
    peer: str  # host:port

    def wanted(self) -> Filter:
        """Return what the stream is to carry; raise ConnectRefused for a bad request."""
        if self.endpoint == "sample":
            refuse_count(self.params)
            return Filter()
        return read_filter(self.params)


def read_stream_request(request: Request, endpoint: str) -> StreamRequest:
    """Return what matters of `request`, which was made to `endpoint`."""
    pairs = parse_qsl(request.uri.decode("latin-1").partition("?")[2], keep_blank_values=True)
    if (_header(request, "content-type") or "").partition(";")[0].strip().lower() == FORM:
        body = request.content.read() if request.content is not None else b""
        pairs += parse_qsl(body.decode("latin-1"), keep_blank_values=True)
    signed = SignedRequest(
        cast(Literal["GET", "POST"], request.method.decode("ascii")),
        _url(request),
        _header(request, "authorization"),
        pairs,
    )
    client = request.getClientAddress()
    host, port = "unknown", 0
    if isinstance(client, IPv4Address | IPv6Address):
        host, port = client.host, client.port
    codings = (_header(request, "accept-encoding") or "").lower()
    return StreamRequest(endpoint, signed, dict(pairs), "gzip" in codings, host, f"{host}:{port}")


def _header(request: Request, name: str) -> str | None:
    values = request.requestHeaders.getRawHeaders(name)
    return values[-1] if values else None


def _url(request: Request) -> str:
    scheme = "https" if request.isSecure() else "http"
    path = request.uri.decode("latin-1").partition("?")[0]
    return f"{scheme}://{_header(request, 'host') or ''}{path}"
