"""
A stand-in for the capture server: the API over HTTP, with rows in memory and faults on demand.

Knows how a request gets from the socket to the API, and the controls below /sandbox/; what the API
answers, and how badly, is decided elsewhere.
"""

import io
import json
import sys
from argparse import Namespace
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import attrs
import msgspec
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IReactorTCP, IReactorTime
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from tcsandbox.saying import say
from tcsandbox.server import quirks, restapi
from tcsandbox.server.exchange import Exchange, Seen, play
from tcsandbox.server.jobstore import JobStore
from tcsandbox.server.keeping import Keeper
from tcsandbox.server.negotiation import ApiRequest
from tcsandbox.server.rows import TOKEN, UserAccount
from tcsandbox.server.serveroptions import read_arguments
from tcsandbox.server.views import job_members
from tcsandbox.site import TrackingSite

KEPT_REQUESTS: Final = 10_000
KEPT_BODY: Final = 4096
WELCOME: Final = b"This is a stand-in for the capture server. Its API is below /api/.\n"


def server_time(clock: IReactorTime) -> Callable[[], datetime]:
    """Return a function that gives the time of `clock`, whose seconds count from 1970."""
    return lambda: datetime.fromtimestamp(clock.seconds(), UTC)


class CaptureServer:
    """
    The whole stand-in, served by `listen`.

    Change `store` as a researcher would; `fault` and `quirk` decide how bad a server this is; a
    `keeper` saves the rows.
    """

    def __init__(self, clock: IReactorTime, *, worker_id: int = 1, token: str = TOKEN) -> None:
        self._clock = clock
        self._faults: list[quirks.ServerFault] = []
        self._log: deque[Seen] = deque(maxlen=KEPT_REQUESTS)
        self.quirks = quirks.Quirks()
        self.keeper: Keeper | None = None
        self.store = JobStore(server_time(clock), worker_id=worker_id, token=token)
        self.site = TrackingSite(_Entrance(self), clock)

    def quirk(self, **changes: object) -> None:
        """Replace members of `quirks` from the next request on; raise ValueError."""
        changed = {**msgspec.structs.asdict(self.quirks), **changes}
        self.quirks = msgspec.convert(changed, type=quirks.Quirks)

    def fault(self, fault: quirks.ServerFault) -> None:
        """Let `fault` happen from the next request on that no earlier fault concerns."""
        self._faults.append(fault)

    def clear_faults(self) -> None:
        """Forget the faults still to come; answers already held back stay so."""
        self._faults.clear()

    def pending_faults(self) -> list[dict[str, object]]:
        """Return the faults still to come, as JSON objects with the number of times left."""
        return [msgspec.to_builtins(fault) for fault in self._faults]

    def requests(self) -> list[Seen]:
        """Return the last 10,000 requests to the API, oldest first."""
        return list(self._log)

    def listen(
        self, reactor: IReactorTCP, port: int = 0, interface: str = "127.0.0.1"
    ) -> IListeningPort:
        """Serve on this port, 0 for any free one; raise CannotListenError."""
        return reactor.listenTCP(
            port,
            self.site,  # type: ignore[arg-type]  # a factory like any other
            interface=interface,
        )

    def hang_up(self) -> Deferred[None]:
        """Break every open connection; fires once none is left, nor any timer of theirs."""
        return self.site.abort()

    def state(self) -> dict[str, object]:
        """Return everything that can be known from outside, ready for JSON."""
        store = self.store
        return {
            "jobs": [
                job_members(job, store, f"/api/jobs/{job.id}/") for job in store.jobs.values()
            ],
            "updates": {
                str(job): {
                    "rows": len(rows),
                    "count": sum(row.count or 0 for row in rows),
                    "totals": [row.total_count for row in rows],
                }
                for job, rows in store.updates.items()
            },
            "requests": [attrs.asdict(seen) for seen in self._log],
            "quirks": msgspec.to_builtins(self.quirks),
            "faults": self.pending_faults(),
        }

    def serve(self, request: Request, asked: ApiRequest) -> None:
        """Answer a request to the API, or to an address that does not exist."""
        fault = self._take_fault(asked)
        seen = Seen(
            time=self._clock.seconds(),
            method=asked.method,
            path=asked.target,
            body=asked.body[:KEPT_BODY].decode("utf-8", "replace"),
            content_length="content-length" in asked.headers,
            user_agent=asked.headers.get("user-agent"),
            fault=None if fault is None else quirks.kind(fault),
        )
        self._log.append(seen)
        exchange = Exchange(request, self.quirks.framing, seen, self._clock)
        play(fault, exchange, lambda: self._work(asked))

    def _take_fault(self, asked: ApiRequest) -> quirks.ServerFault | None:
        """Return the fault that is to happen to this request, and count it; None for none."""
        for index, fault in enumerate(self._faults):
            if fault.concerns(asked.method, asked.path):
                if fault.times == 1:
                    del self._faults[index]
                elif fault.times is not None:
                    self._faults[index] = msgspec.structs.replace(fault, times=fault.times - 1)
                return fault
        return None

    def _work(self, asked: ApiRequest) -> restapi.ApiAnswer:
        """Return the true answer; what it changed is kept before it is sent."""
        answer = restapi.answer(asked, self.store, self.quirks)
        if self.keeper is not None and asked.method != "GET":
            self.keeper.save()
        return answer


class _Entrance(Resource):
    """A resource for every address, so that "//" and missing slashes arrive as they were sent."""

    isLeaf = True

    def __init__(self, server: CaptureServer) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # twisted.web.resource
        self._server = server

    def render(self, request: Request) -> bytes | int:
        """Answer the root and the controls here; hand anything else to the server."""
        asked = _as_asked(request)
        if asked.path == "/":
            request.setHeader("Content-Type", "text/plain; charset=utf-8")
            return WELCOME
        if not asked.path.startswith("/sandbox/"):
            self._server.serve(request, asked)
            return NOT_DONE_YET
        status, content = _control(self._server, asked)
        request.setResponseCode(status)
        request.setHeader("Content-Type", "application/json")
        return json.dumps(content, ensure_ascii=False).encode() + b"\n"


def _as_asked(request: Request) -> ApiRequest:
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


def _control(server: CaptureServer, asked: ApiRequest) -> tuple[int, object]:
    """
    Return the status and the JSON that answer a control.

    POST /sandbox/fault with a fault of quirks.py plans it, DELETE forgets all; POST
    /sandbox/quirk changes the members given; GET /sandbox/state tells everything.
    """
    try:
        match asked.method, asked.path:
            case "GET", "/sandbox/state":
                return 200, server.state()
            case "POST", "/sandbox/fault":
                server.fault(msgspec.json.decode(asked.body, type=quirks.ServerFault))
            case "DELETE", "/sandbox/fault":
                server.clear_faults()
            case "POST", "/sandbox/quirk":
                server.quirk(**msgspec.json.decode(asked.body, type=dict[str, object]))
            case _:
                return 404, {"error": f"There is no {asked.method} {asked.path}."}
    except ValueError as e:
        return 400, {"error": str(e)}
    return 200, {"quirks": msgspec.to_builtins(server.quirks), "faults": server.pending_faults()}


def _describe(server: CaptureServer, port: IListeningPort) -> str:
    """Return the sentence that says where the stand-in is and what it holds."""
    address = port.getHost()
    assert isinstance(address, IPv4Address | IPv6Address)
    host = f"[{address.host}]" if ":" in address.host else address.host
    user = server.store.users[server.store.worker_id]
    jobs = ", ".join(
        f"{job.id} {job.name!r} tracking {repr(job.keywords) if job.keywords else 'the sample'} "
        f"(status {job.status})"
        for job in server.store.jobs.values()
    )
    return (
        f"Capture server stand-in on http://{host}:{address.port}/api/"
        f" for the token {user.token}; jobs: {jobs or 'none'}."
    )


def _fill(server: CaptureServer, options: Namespace) -> None:
    """Put in the jobs that were kept, or those of the command line; raise OSError, ValueError."""
    if options.keep is not None:
        server.keeper = Keeper(options.keep, server.store)
        if server.keeper.load():
            return
    for name, keywords in options.job:
        server.store.create(name, keywords, options.status)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the stand-in alone until SIGINT or SIGTERM; raise SystemExit with a sentence."""
    options = read_arguments(sys.argv[1:] if arguments is None else arguments)
    from twisted.internet import reactor

    if isinstance(sys.stdout, io.TextIOWrapper):  # keywords have letters that a locale may lack
        sys.stdout.reconfigure(errors="backslashreplace")
    server = CaptureServer(reactor, worker_id=options.worker_id, token=options.token)
    for number, token in options.client:
        server.store.add_user(UserAccount(number, f"client{number}", token))
    try:
        _fill(server, options)
        port = server.listen(reactor, options.port, options.interface)
    except CannotListenError as e:
        raise SystemExit(f"Cannot listen on {e.interface} port {e.port}: {e.socketError}.") from e
    except (OSError, ValueError) as e:
        raise SystemExit(f"The jobs in {str(options.keep)!r} cannot be used: {e}") from e
    # A signal ends the process properly only once the reactor runs.
    ended: list[SystemExit] = []
    reactor.callWhenRunning(_say, _describe(server, port), reactor, ended)
    reactor.run()
    if ended:
        raise ended[0]


def _say(text: str, reactor: Any, ended: list[SystemExit]) -> None:
    """Print a text; where it cannot be, note how that ends the process, and stop the reactor."""
    try:
        say(text)
    except SystemExit as e:
        ended.append(e)
        reactor.stop()
