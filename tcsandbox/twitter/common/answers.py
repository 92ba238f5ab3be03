"""How requests are answered without a stream.  Knows URLs, status lines and bodies."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from twisted.web.http import RESPONSES
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

Route: TypeAlias = tuple[str, set[bytes], Callable[[Request], None]]
"""A path, the methods that it takes, and what answers, now or later."""

PHRASES = {420: b"Enhance Your Calm"}

REASONS = {
    403: "The requesting account is not permitted to access this resource",
    406: "Parameter track item index 0 too short: ",
    413: "Parameter track has too many items",
    416: "Parameter count is not allowed for your role",
    420: "Easy there, Turbo. Too many requests recently. Enhance your calm.",
    429: "Too many requests",
    503: "Over capacity",
}

PAGE = """<html>
<head>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8"/>
<title>Error {status} {phrase}</title>
</head>
<body>
<h2>HTTP ERROR: {status}</h2>
<p>Problem accessing the stream. Reason:
<pre>    {reason}</pre>
</body>
</html>
"""

PLAIN = {406, 413, 416, 420, 429}  # Twitter explains these in one line of plain text


def phrase(status: int) -> bytes:
    """Return the words that follow `status` in a status line."""
    return PHRASES.get(status) or RESPONSES.get(status, b"Unknown")


def refusal_body(status: int, reason: str | None = None) -> bytes:
    """Return the body that Twitter sends with `status`: a plain line or a page, with the reason."""
    words = phrase(status).decode()
    reason = REASONS.get(status, words) if reason is None else reason
    if status in PLAIN:
        return f"{reason}\r\n".encode()
    return PAGE.format(status=status, phrase=words, reason=reason).encode()


def answer(
    request: Request, status: int, body: bytes, headers: Mapping[str, str] | None = None
) -> None:
    """Send the whole answer to `request`, and close the connection."""
    request.setResponseCode(status, phrase(status))
    page = body.startswith(b"<")
    request.setHeader(b"Content-Type", b"text/html" if page else b"text/plain")
    for name, value in (headers or {}).items():
        request.setHeader(name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
    request.setHeader(b"Content-Length", b"%d" % len(body))
    request.setHeader(b"Connection", b"close")
    request.channel.persistent = False
    request.write(body)
    request.finish()


class Pages(Resource):
    """Answers the paths of `routes`, and everything else by a 404 or 405 in Twitter's own form."""

    isLeaf = True

    def __init__(self, routes: Iterable[Route]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # twisted.web has no types here
        self._routes = {path.encode(): (methods, act) for path, methods, act in routes}

    def render(self, request: Request) -> int:
        """Let whoever knows the path answer the request, or refuse it."""
        methods, act = self._routes.get(request.path, ({request.method}, _not_found))
        if request.method in methods:
            act(request)
        else:
            answer(request, 405, refusal_body(405))
        return NOT_DONE_YET


def _not_found(request: Request) -> None:
    answer(request, 404, refusal_body(404))
