"""
Where the client's core is watched at work: a capture server, a Twitter, a folder, and the client.

Scene has both ends on loopback sockets and real time.  Clockwork has the same server's rules and a
Twitter that the test speaks for in memory, with a clock that stands until the test moves it.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from random import Random
from typing import Any, cast

import attrs
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionDone, ConnectionRefusedError
from twisted.internet.task import Clock, deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from tcclient.captures.poller import Intervals, Poller
from tcclient.config.settings import Output, Server, Settings
from tcclient.control.client import ControlServer
from tcclient.control.exchange import ServerExchange
from tcclient.control.realtime import NO_CHANNEL, RealtimeChannel
from tcclient.runtime.ownprocess import ALONE, OwnProcess
from tcclient.runtime.secrets import Secret
from tcclient.service import make_poller
from tcclient.sources.registry import post_ids
from tcclient.sources.twitter_v1.configured import TwitterV1
from tcclient.sources.twitter_v1.feed import V1Source
from tcclient.sources.twitter_v1.settings import Keys, V1Section
from tcclient.storage.diskuse import DiskUse
from tcclient.storage.folders import Folders
from tcclient.storage.slots import TORN, Naming
from tcsandbox.server import CaptureServer, quirks, restapi
from tcsandbox.server.negotiation import ApiRequest
from tcsandbox.server.rows import TOKEN, JobRow
from tcsandbox.twitter import SANDBOX_CREDENTIALS, Simulator, SimulatorSettings
from tests.ledger.told import told
from tests.left import leave
from tests.peers import DONE, FakeApi, FakeResponse, clock_at, settle, upstream

reactor = cast(Any, _reactor)

PING, UPDATE = 0.02, 0.1
"""Seconds; a settings file would have 10 and 30."""
BASE = "http://testserver/api/"
POST = '{"id":%d,"id_str":"%d","text":"about cats","user":{"id":1,"screen_name":"me"}}'


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Return as soon as `condition` holds; fail where it does not within a generous time."""
    deadline = reactor.seconds() + seconds
    while not condition():
        if reactor.seconds() > deadline:
            raise AssertionError("What was waited for has not happened.")
        await deferLater(reactor, 0.005)


@attrs.define
class Disk:
    """What the client has left in its folder, `base`."""

    base: Path

    def posts(self, name: str) -> list[bytes]:
        """Return the lines of a capture's data files, finished or not, file by file."""
        return [
            line
            for path in sorted((self.base / name).glob(f"{name}2*"))
            if path.suffix != TORN  # what a crash in a write has left of a post is none
            for line in path.read_bytes().splitlines()
        ]

    def ids(self, name: str) -> list[int]:
        """Return the ids of these posts."""
        return [json.loads(line)["id"] for line in self.posts(name)]

    def finished(self, name: str) -> list[Path]:
        """Return the files that have their final name."""
        return sorted((self.base / name).glob("*.json"))

    def unfinished(self) -> list[Path]:
        """Return the files of all captures that do not have their final name yet."""
        return sorted(self.base.glob("*/*.tmp"))

    def ledger(self, name: str, kind: str = "") -> list[dict[str, Any]]:
        """Return the lines of a capture's ledger, or those of one kind."""
        lines = told(self.base / name / f"{name}.ledger.jsonl")
        return [line for line in lines if kind in ("", line["kind"])]


class Researcher:
    """What the tests do to, and know of, the stand-in server."""

    def __init__(self, server: CaptureServer) -> None:
        self.server = server
        self.store = server.store

    def row(self, job: int = 1) -> JobRow:
        """Return the job as the server has it."""
        return self.store.jobs[job]

    def told(self, job: int = 1) -> int:
        """Return the sum of all counts in the job's history."""
        return sum(update.count or 0 for update in self.store.updates[job])


class Scene(Researcher):
    """
    Everything over sockets, on v1.1.  `rate` is the posts a second that Twitter sends on a stream,
    and `journal` is told of each.

    At the end of the test the client is stopped, its files must be finished, and nothing is left.
    """

    def __init__(
        self, test: TestCase, rate: float = 0.0, journal: Any = None, **settings: Any
    ) -> None:
        super().__init__(CaptureServer(reactor))
        self.twitter = Simulator(reactor, Random(1), SimulatorSettings(rate=rate), journal)
        self.disk = Disk(Path(test.mktemp()).absolute())
        self.client: Poller | None = None
        self._settings = settings
        self._test = test
        self._twitter_port = reactor.listenTCP(0, self.twitter.site(), interface="127.0.0.1")
        self._server_port = self.server.listen(reactor)
        self.address = self._server_port.getHost().port
        test.addCleanup(self._end)

    def settings(self) -> Settings:
        """Return the settings that a file for this scene would have."""
        auth = {name: Secret(value) for name, value in attrs.asdict(SANDBOX_CREDENTIALS).items()}
        server = {
            "base_url": f"http://127.0.0.1:{self.address}/api/",
            "client_id": self.store.worker_id,
            "auth_token": Secret(TOKEN),
            "ping_interval": PING,
            "update_interval": UPDATE,
        }
        return Settings(
            path=self.disk.base / "settings.json",
            server=Server(**{**server, **self._settings}),
            source=TwitterV1(
                V1Section(
                    api="1.1",
                    stream_url=f"http://127.0.0.1:{self._twitter_port.getHost().port}/1.1/",
                ),
                Keys(**auth),
            ),
            output=Output(base_dir=self.disk.base, minute_interval=60),
        )

    def start(self) -> None:
        """Start a client as twistd would."""
        self.client = make_poller(self.settings(), reactor)
        self.client.startService()

    async def stop(self) -> None:
        """End the client, as a SIGTERM does.  Returns when it has ended."""
        client, self.client = self.client, None
        if client is not None:
            await client.stopService()
            self._test.assertEqual(self.disk.unfinished(), [])

    async def restart(self) -> None:
        """End the client, and start another one with the same settings."""
        await self.stop()
        self.start()

    async def crash(self) -> None:
        """
        The client is gone from one moment to the next, and leaves what it has on the disk: a copy
        of its folder, made at that moment, is the folder from now on.
        """
        left = self.disk.base.with_name(self.disk.base.name + "-left")
        leave(self.disk.base, left)
        self.server.fault(quirks.Closed(times=None))
        await self.server.hang_up()
        await self.stop()
        self.server.clear_faults()
        self.disk.base = left

    async def server_goes(self) -> None:
        """Let nothing listen at the server's address."""
        await self._server_port.stopListening()
        await self.server.hang_up()

    async def server_comes(self) -> None:
        """Let the server listen at its address again."""
        self._server_port = self.server.listen(reactor, self.address)

    async def _end(self) -> None:
        await self.stop()
        self.server.clear_faults()
        for port in (self._server_port, self._twitter_port):
            await port.stopListening()
        await self.server.hang_up()
        await self.twitter.stop()

    # What is waited for.

    @property
    def streams(self) -> list[dict[str, Any]]:
        """Return the open streams, as Twitter describes them."""
        return cast(list[dict[str, Any]], self.twitter.state()["streams"])

    def writes(self, method: str = "PATCH") -> list[tuple[str, dict[str, Any]]]:
        """Return path and content of each write so far."""
        return [
            (seen.path, json.loads(seen.body))
            for seen in self.server.requests()
            if seen.method == method
        ]

    async def status(self, status: int, job: int = 1) -> None:
        """Wait until the job has that status."""
        await until(lambda: self.row(job).status == status)

    async def posts(self, more: int, name: str = "cats") -> None:
        """Wait until so many more posts are on the disk."""
        enough = len(self.disk.posts(name)) + more
        await until(lambda: len(self.disk.posts(name)) >= enough)

    async def polls(self, number: int = 2) -> None:
        """Wait until the client has listed the jobs `number` times more, successfully or not."""

        def begun() -> int:
            paths = (seen.path for seen in self.server.requests())
            return sum(path.startswith("/api/activejobs/?") for path in paths)

        # A poll begins when the one before has ended.
        enough = begun() + number + 1
        await until(lambda: begun() >= enough)

    async def between_answers(self) -> None:
        """
        Wait until the client does not stand between reading the job and answering it: a click in
        that moment is lost, as the server's writes have no condition.
        """

        def is_between() -> bool:
            methods = [s.method for s in self.server.requests() if s.path == "/api/activejobs/1/"]
            return methods[-1:] != ["GET"]

        await until(is_between)


@attrs.define
class Request:
    """A request of the client's, that waits for the test to deal with it."""

    method: str
    path: str
    body: Any
    cancelled: bool = False
    _work: Callable[[], restapi.ApiAnswer] = attrs.field(repr=False, kw_only=True)
    _answered: Deferred[IResponse] = attrs.field(repr=False, kw_only=True)
    _headers: Headers = attrs.field(repr=False, kw_only=True)
    _answer: restapi.ApiAnswer | None = None

    def work(self) -> None:
        """Have the server do what was asked, and answer later."""
        self._answer = self._answer or self._work()

    def answer(self) -> None:
        """Have the server do what was asked, and say so."""
        self.work()
        assert self._answer is not None
        self._give(self._answer)

    def answer_otherwise(self, status: int, body: bytes = b"<h1>Error</h1>") -> None:
        """Have the server, or something in front of it, give another answer."""
        self._give(restapi.ApiAnswer(status, body))

    def fail(self, error: Exception) -> None:
        """Have the request fail: there is no answer."""
        if not self._answered.called:
            self._answered.errback(Failure(error))

    def _give(self, answer: restapi.ApiAnswer) -> None:
        if not self._answered.called:
            self._answered.callback(_Whole(answer.status, self._headers, body=answer.body))


@attrs.define
class _Whole(FakeResponse):
    """An answer whose body is there at once."""

    body: bytes = b""

    def deliverBody(self, protocol: Any) -> None:
        super().deliverBody(protocol)
        protocol.dataReceived(self.body)
        self.transport.ends(DONE)


class Line:
    """
    Stands where treq's client does: the server's rules without a network.  Requests are answered
    at once, but those that are to be held.
    """

    def __init__(self, server: CaptureServer, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._holds: list[tuple[str, str]] = []
        self.dead = False
        self.behind = 0.0  # seconds by which the server's clock is behind the client's
        self.held: list[Request] = []
        self.seen: list[Request] = []

    def _headers(self) -> Headers:
        now = datetime.fromtimestamp(self._clock.seconds() - self.behind, UTC)
        return Headers({"Date": [format_datetime(now, usegmt=True)]})

    def hold(self, method: str = "", path: str = "") -> None:
        """Let requests by this method, with `path` in their path, wait for the test from now on."""
        self._holds.append((method, path))

    def release(self) -> None:
        """Answer what waits, and hold nothing any more."""
        self._holds.clear()
        while self.held:
            self.held.pop(0).answer()

    def decoded(self, body: bytes | None) -> Any:
        """Return what a request carries."""
        return None if body is None else json.loads(body)

    def work(self, asked: ApiRequest) -> restapi.ApiAnswer:
        """Have the server do what is asked.  Returns its answer."""
        return restapi.answer(asked, self._server.store, self._server.quirks)

    def request(self, method: str, url: Any, **how: Any) -> Deferred[IResponse]:
        """Ask the server as treq's client does.  Fires with the head of the answer."""
        target, body = url.to_text().removeprefix("http://testserver"), how["data"]
        headers = {
            name.decode().lower(): values[-1].decode()
            for name, values in how["headers"].getAllRawHeaders()
        }
        headers["content-length"] = str(len(body or b""))  # which treq adds to bytes
        asked = ApiRequest(method, target, headers, body or b"")
        answered: Deferred[IResponse] = Deferred(lambda _: setattr(request, "cancelled", True))
        request = Request(
            method,
            target.removeprefix("/api/"),
            self.decoded(body),
            work=lambda: self.work(asked),
            answered=answered,
            headers=self._headers(),
        )
        if self.dead:
            return fail(ConnectionRefusedError())
        self.seen.append(request)
        if any(method.startswith(m) and path in request.path for m, path in self._holds):
            self.held.append(request)
        else:
            request.answer()
        return answered


class Clockwork(Researcher):
    """
    The whole core in memory: time moves, and Twitter speaks, only as the test says.  `address` is
    by which the client has the server from its next start on.

    At the end of the test the client is stopped, and no delayed call is left.
    """

    def __init__(self, test: SynchronousTestCase, ping: float = 10.0, update: float = 30.0) -> None:
        self.clock: Clock = clock_at()
        self.wall: Callable[[], float] = self.clock.seconds
        super().__init__(CaptureServer(self.clock))
        self.line = Line(self.server, self.clock)
        self.source = FakeApi()
        self.disk = Disk(Path(test.mktemp()).absolute())
        self.intervals = Intervals(ping, update)
        self.address = BASE
        self.client: Poller | None = None
        self._test = test
        self._ids = iter(range(1, 1 << 30))
        test.addCleanup(self._end)

    def folders(self) -> Folders:
        """Return the folders that the client stores posts in."""
        naming = Naming("", ".json", ".tmp", 60, "%Y%m%d_%H%M", True)
        use = DiskUse(ids=post_ids())
        return Folders(self.disk.base, naming, self.address, self.clock, self.wall, use=use)

    def control(self) -> ControlServer:
        """Return the client's side of the REST calls."""
        return ControlServer(
            ServerExchange(cast(Any, self.line), BASE, Secret(TOKEN), "tcc", self.clock, self.wall)
        )

    def start(self) -> None:
        """Start a client."""
        source = self.posts_source()
        self.client = Poller(
            self.control(),
            self.folders(),
            source,
            self.intervals,
            1,
            self.process(),
            self.channel(),
        )
        self.client.startService()
        self.settle()

    def process(self) -> OwnProcess:
        """Return what is round the client."""
        return ALONE

    def channel(self) -> RealtimeChannel:
        """Return the real-time channel of a new client."""
        return NO_CHANNEL

    def posts_source(self) -> V1Source:
        """Return what a new client has its posts from."""
        return V1Source(upstream(self.source, self.clock))

    def stop(self) -> Deferred[None]:
        """End the client, as a SIGTERM does.  Fires when it has ended."""
        assert self.client is not None
        client, self.client = self.client, None
        return client.stopService()

    def restart(self) -> None:
        """End the client, and start another one with the same settings."""
        stopped = self.stop()
        self.goes(1.0)
        self._test.successResultOf(stopped)
        self.start()

    def crash(self) -> None:
        """
        The client is gone from one moment to the next: what it leaves on the disk is copied, and
        none of what it says afterwards arrives at the server.
        """
        left = self.disk.base.with_name(self.disk.base.name + "-left")
        leave(self.disk.base, left)
        line, self.line.dead = self.line, True
        for request in line.held:
            request.fail(ConnectionDone())
        line.held.clear()
        self.stop()
        self.goes(20.0)
        line.dead = False
        self.disk.base = left

    def goes(self, seconds: float, step: float = 0.25) -> None:
        """Let so much time pass."""
        for _ in range(round(seconds / step)):
            self.clock.advance(step)
        self.settle()

    def settle(self) -> None:
        """Let happen what is due now."""
        settle(self.clock, 10)

    def connect(self) -> None:
        """Have Twitter answer the newest attempt with 200."""
        self.source.peer.answers()

    def posts(self, number: int) -> None:
        """Have Twitter send so many posts."""
        for post in (next(self._ids) for _ in range(number)):
            self.source.peer.says((POST % (post, post)).encode() + b"\r\n")

    def writes(self, method: str = "PATCH") -> list[dict[str, Any]]:
        """Return the content of each write so far."""
        return [request.body or {} for request in self.line.seen if request.method == method]

    def _end(self) -> None:
        self.line.release()
        if self.client is not None:
            stopped = self.stop()
            self.settle()
            self.goes(20.0)
            self._test.successResultOf(stopped)
        self._test.assertEqual(self.clock.getDelayedCalls(), [])
        self._test.assertEqual(self.disk.unfinished(), [])
