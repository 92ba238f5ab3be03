"""
The simulator's URLs.

The streams of v1.1 are below /1.1, v2 is below /2 and /oauth2 (v2/web.py), and the controls are
below /sandbox.  Knows HTTP and JSON; leaves what is done to the simulator.
"""

from collections.abc import Callable
from typing import Protocol

import msgspec
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from tcsandbox.twitter.catalogue import read_fault
from tcsandbox.twitter.common.answers import answer, refusal_body
from tcsandbox.twitter.common.faults import SimulatorFault
from tcsandbox.twitter.common.text import Json
from tcsandbox.twitter.v1.asking import read_stream_request
from tcsandbox.twitter.v1.desk import V1Desk
from tcsandbox.twitter.v2.desk import V2Desk
from tcsandbox.twitter.v2.web import routes


class SimulatedTwitter(Protocol):
    """What the URLs ask of a simulator: see Simulator."""

    v1: V1Desk
    v2: V2Desk

    def fault(self, fault: SimulatorFault) -> int:
        """Let `fault` strike; return how many open streams it struck."""
        ...

    def say(self, data: bytes) -> int:
        """Send `data` on every open stream; return their number."""
        ...

    def set_rate(self, rate: float) -> None:
        """Send `rate` posts a second on each stream; raise ValueError for a bad rate."""
        ...

    def replay(self, data: bytes) -> None:
        """Answer the next connect with `data`, a whole HTTP response."""
        ...

    def state(self) -> Json:
        """Describe what goes on, ready for JSON."""
        ...


class Page(Resource):
    """A leaf that answers all of `methods` by calling `act`; other methods get a 405."""

    isLeaf = True

    def __init__(self, methods: set[bytes], act: Callable[[Request], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # twisted.web has no types here
        self._methods = methods
        self._act = act

    def render(self, request: Request) -> int:
        """Let `act` answer the request, now or later, or refuse the method."""
        if request.method in self._methods:
            self._act(request)
        else:
            refuse(request, 405)
        return NOT_DONE_YET


class UrlFolder(Resource):
    """
    A path with pages below it, and perhaps a `page` of its own.

    Everything else below it is answered by a 404 in Twitter's own form.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # as above
        self.page: Page | None = None

    def render(self, request: Request) -> int:
        """Let the path's own page answer, or send a 404."""
        page = self.page or Page({request.method}, lambda request: refuse(request, 404))
        return page.render(request)

    def getChild(self, path: bytes, request: Request) -> Resource:
        """Return a page that answers 404: twisted.web asks only for children that are missing."""
        return Page({request.method}, lambda request: refuse(request, 404))


def refuse(request: Request, status: int) -> None:
    """Answer with `status` and Twitter's words for it."""
    answer(request, status, refusal_body(status))


def folders(root: UrlFolder, path: str) -> UrlFolder:
    """Return the folder at `path` below `root`; make those that are missing."""
    for name in path.split("/"):
        child = root.children.get(name.encode())
        if not isinstance(child, UrlFolder):
            child = UrlFolder()
            root.putChild(name.encode(), child)
        root = child
    return root


def build_root(twitter: SimulatedTwitter) -> UrlFolder:
    """Return the root of all that the simulator serves."""
    root = UrlFolder()
    statuses = folders(root, "1.1/statuses")
    for endpoint in ("filter", "sample"):
        statuses.putChild(f"{endpoint}.json".encode(), _stream_page(twitter, endpoint))
    for path, methods, respond in routes(twitter.v2):
        folders(root, path).page = Page(methods, respond)
    sandbox = folders(root, "sandbox")
    for name, act in _controls(twitter).items():
        sandbox.putChild(name.encode(), Page({b"POST"}, _control(act)))
    sandbox.putChild(b"state", Page({b"GET"}, _control(lambda _: twitter.state())))
    return root


def _stream_page(twitter: SimulatedTwitter, endpoint: str) -> Page:
    def connect(request: Request) -> None:
        twitter.v1.connect(request, read_stream_request(request, endpoint))

    return Page({b"GET", b"POST"}, connect)


class _RateChange(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST to /sandbox/rate."""

    rate: float


def _controls(twitter: SimulatedTwitter) -> dict[str, Callable[[bytes], Json]]:
    """Return what each name below /sandbox does with a POST: from the body to the JSON answer."""

    def fault(body: bytes) -> Json:
        return {"streams": twitter.fault(read_fault(body))}

    def say(body: bytes) -> Json:
        return {"streams": twitter.say(body)}

    def rate(body: bytes) -> Json:
        wanted = msgspec.json.decode(body, type=_RateChange).rate
        twitter.set_rate(wanted)
        return {"rate": wanted}

    def replay(body: bytes) -> Json:
        twitter.replay(body)
        return {"bytes": len(body)}

    return {"fault": fault, "say": say, "rate": rate, "replay": replay}


def _control(act: Callable[[bytes], Json]) -> Callable[[Request], None]:
    """
    Return a function that answers a request with the JSON that `act` makes of its body.

    When `act` raises ValueError, the answer is a 400 with its sentence.
    """

    def render(request: Request) -> None:
        body = request.content.read() if request.content is not None else b""
        headers = {"Content-Type": "application/json"}
        try:
            status, reply = 200, msgspec.json.encode(act(body)) + b"\n"
        except (ValueError, msgspec.DecodeError) as e:
            status, reply, headers = 400, f"{e}\n".encode(), {"Content-Type": "text/plain"}
        answer(request, status, reply, headers)

    return render
