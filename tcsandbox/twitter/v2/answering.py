"""The way from twisted.web's Request to a plain record of it, and from a Reply to an answer."""

from urllib.parse import parse_qsl

import attrs
import msgspec
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.web.server import Request

from tcsandbox.twitter.common.answers import answer
from tcsandbox.twitter.v2.problems import Reply


@attrs.frozen
class V2Request:
    """
    What matters of a request to v2.

    `params` has the last value of each parameter of the query.
    """

    method: str
    params: dict[str, str]
    authorization: str | None = attrs.field(repr=False)
    body: bytes
    gzip: bool
    host: str
    peer: str  # host:port

    def form(self) -> dict[str, str]:
        """Return the body read as a form, with the last value of each member."""
        return dict(parse_qsl(self.body.decode("latin-1"), keep_blank_values=True))


def read_v2_request(request: Request) -> V2Request:
    """Read `request` once and return what matters of it."""
    query = request.uri.decode("latin-1").partition("?")[2]
    client = request.getClientAddress()
    host, port = "unknown", 0
    if isinstance(client, IPv4Address | IPv6Address):
        host, port = client.host, client.port
    return V2Request(
        method=request.method.decode("ascii"),
        params=dict(parse_qsl(query, keep_blank_values=True)),
        authorization=_header(request, "authorization"),
        body=request.content.read() if request.content is not None else b"",
        gzip="gzip" in (_header(request, "accept-encoding") or "").lower(),
        host=host,
        peer=f"{host}:{port}",
    )


def answer_json(request: Request, reply: Reply) -> None:
    """Answer `request` with `reply`, and close the connection."""
    headers = {"Content-Type": "application/json; charset=utf-8", **reply.headers}
    answer(request, reply.status, msgspec.json.encode(reply.body), headers)


def _header(request: Request, name: str) -> str | None:
    values = request.requestHeaders.getRawHeaders(name)
    return values[-1] if values else None
