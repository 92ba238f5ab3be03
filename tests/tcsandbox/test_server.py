"""The capture server stand-in through real sockets: framings, quirks, faults, its own process."""

import contextlib
import io
import json
import os
import re
import sys
from collections.abc import Callable
from typing import Any

import treq
from treq.client import HTTPClient
from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredQueue, ensureDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import ProcessDone
from twisted.internet.protocol import ProcessProtocol, Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.client import Agent, HTTPConnectionPool, ResponseFailed
from twisted.web.iweb import UNKNOWN_LENGTH

from tcsandbox.server import TOKEN, CaptureServer, quirks
from tcsandbox.server.serveroptions import read_arguments
from tests.marks import Need, needs

EPOCH = 1_780_308_000.0
LISTED = b'{"count":1,"next":null'


class WatchedClock(Clock):
    """A clock on which one can wait for a timer of a certain length to be set."""

    def __init__(self) -> None:
        super().__init__()
        self.set: DeferredQueue[float] = DeferredQueue()
        self.watched: float | None = None

    def callLater(self, delay: float, *args: Any, **kwargs: Any) -> Any:
        call = super().callLater(delay, *args, **kwargs)
        if delay == self.watched:
            self.set.put(delay)
        return call


class Conversation(Protocol):
    """Everything a peer says until it hangs up, byte for byte."""

    def __init__(self) -> None:
        self.heard = b""
        self.over: Deferred[bytes] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.heard += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.over.callback(self.heard)


class ServerCase(TestCase):
    """A server on a free port with one job, and a client for it."""

    timeout = 20

    def setUp(self) -> None:
        self.clock = WatchedClock()
        self.clock.advance(EPOCH)
        self.server = CaptureServer(self.clock)
        self.server.store.create("demo", "cats, dogs")
        port = self.server.listen(reactor)
        self.port = port.getHost().port
        self.base = f"http://127.0.0.1:{self.port}"
        self.pool = HTTPConnectionPool(reactor, persistent=True)
        self.client = treq.client.HTTPClient(Agent(reactor, pool=self.pool))
        self.addCleanup(self.assert_no_timer_is_left)
        self.addCleanup(port.stopListening)
        self.addCleanup(self.server.hang_up)
        self.addCleanup(self.pool.closeCachedConnections)

    def assert_no_timer_is_left(self) -> None:
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def request(self, method: str, path: str, members: object = None) -> Deferred[Any]:
        return self.client.request(
            method,
            self.base + path,
            headers={"Authorization": f"Token {TOKEN}", "User-Agent": "test/1"},
            json=members,
            allow_redirects=False,
        )

    async def fetch(self, method: str, path: str, members: object = None) -> tuple[Any, bytes]:
        response = await self.request(method, path, members)
        return response, await response.content()

    async def talk(self, text: str) -> bytes:
        """Say this on a connection of its own, and wait for the server to end that."""
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.port)
        conversation = await connectProtocol(endpoint, Conversation())
        conversation.transport.write(text.encode())
        return await conversation.over

    async def until_seen(self, number: int) -> None:
        """Ask until the server has had so many requests."""
        while len(self.server.requests()) < number:
            await self.fetch("GET", "/sandbox/state")


class FramingTests(ServerCase):
    async def framed(self, framing: str) -> tuple[Any, bytes]:
        self.server.quirk(framing=framing)
        response, body = await self.fetch("GET", "/api/activejobs/")
        self.assertEqual(response.code, 200)
        self.assertEqual(response.length, UNKNOWN_LENGTH)
        self.assertFalse(response.headers.hasHeader("Content-Length"))
        self.assertEqual(json.loads(body)["results"][0]["name"], "demo")
        return response, body

    async def test_http10(self) -> None:
        """As runserver: HTTP/1.0, and the body ends where the connection does."""
        response, _body = await self.framed("http10")
        self.assertEqual(response.version, (b"HTTP", 1, 0))

    async def test_close(self) -> None:
        """As uwsgi: HTTP/1.1 that says it will close."""
        await self.framed("close")
        said = await self.talk("GET /api/ HTTP/1.1\r\nHost: x\r\n\r\nGET /api/ HTTP/1.1\r\n\r\n")
        head, _, body = said.partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 403 Forbidden\r\n"))
        self.assertIn(b"\r\nConnection: close", head)
        self.assertEqual(
            json.loads(body), {"detail": "Authentication credentials were not provided."}
        )

    async def test_chunked(self) -> None:
        """As gunicorn: one connection serves several requests."""
        for _ in range(2):
            response, _body = await self.framed("chunked")
            self.assertEqual(response.version, (b"HTTP", 1, 1))
        said = await self.talk(
            "GET /api/activejobs HTTP/1.1\r\nHost: h:1\r\n\r\n"
            "GET /api/ HTTP/1.1\r\nConnection: close\r\n\r\n"
        )
        self.assertIn(b"Location: http://h:1/api/activejobs/\r\n", said)
        self.assertIn(b"\r\nTransfer-Encoding: chunked", said)
        self.assertEqual(said.count(b"HTTP/1.1 "), 2)

    async def test_answers_without_a_body(self) -> None:
        """HEAD and 204 have none in any framing, not even an empty chunk."""
        ask = f"/api/jobs/1/ HTTP/1.1\r\nAuthorization: Token {TOKEN}\r\nConnection: close\r\n\r\n"
        for framing in ("http10", "close", "chunked"):
            self.server.quirk(framing=framing)
            for method, code in [("HEAD", b" 200 "), ("DELETE", b" 204 ")]:
                head, _, body = (await self.talk(f"{method} {ask}")).partition(b"\r\n\r\n")
                self.assertEqual((head[8:13], body), (code, b""))


class SocketTests(ServerCase):
    async def test_a_life(self) -> None:
        """A client reads its job, starts it, reports, and sees what a researcher did."""
        _response, body = await self.fetch("PATCH", "/api/activejobs/1/", {"status": 3})
        self.assertEqual(json.loads(body)["started"], "2026-06-01T10:00:00")
        response, _body = await self.fetch("POST", "/api/update/", {"job": 1, "count": 4})
        self.assertEqual(response.code, 201)
        self.server.store.stop(1)
        _response, body = await self.fetch("GET", "/api/jobs/1/")
        job = json.loads(body)
        self.assertEqual((job["status"], job["url"]), (4, self.base + "/api/jobs/1/"))

    async def test_redirects_and_pages(self) -> None:
        """A missing slash keeps the host that was asked; two slashes are no address."""
        response, body = await self.fetch("PATCH", "/api/activejobs/1", {"status": 3})
        self.assertEqual((response.code, body), (301, b""))
        location = response.headers.getRawHeaders("Location")
        self.assertEqual(location, [self.base + "/api/activejobs/1/"])
        self.assertEqual(self.server.store.jobs[1].status, 2)
        response, body = await self.fetch("GET", "//api/activejobs/")
        self.assertEqual(response.code, 404)
        self.assertTrue(body.startswith(b"<h1>Not Found"))

    async def test_chunked_request_bodies_are_lost(self) -> None:
        said = await self.talk(
            "POST /api/update/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            f"Authorization: Token {TOKEN}\r\nContent-Type: application/json\r\n"
            'Transfer-Encoding: chunked\r\n\r\n9\r\n{"job":1}\r\n0\r\n\r\n'
        )
        self.assertIn(b"HTTP/1.1 400 ", said)
        self.assertIn(b'{"job":["This field is required."]}', said)
        (seen,) = self.server.requests()
        self.assertEqual((seen.body, seen.content_length), ('{"job":1}', False))

    async def test_the_front_page_says_what_this_is(self) -> None:
        _response, body = await self.fetch("GET", "/")
        self.assertIn(b"API is below /api/", body)


class ControlTests(ServerCase):
    async def test_state(self) -> None:
        """Jobs, sums of updates and requests; asking for it is not itself noted."""
        for count in (3, 4):
            await self.fetch("POST", "/api/update/", {"job": 1, "count": count})
        _response, body = await self.fetch("GET", "/sandbox/state")
        state = json.loads(body)
        self.assertEqual(state["updates"], {"1": {"rows": 2, "count": 7, "totals": [None, None]}})
        self.assertEqual(state["jobs"][0]["keywords"], "cats, dogs")
        self.assertEqual(
            state["requests"][1],
            {
                "time": EPOCH,
                "method": "POST",
                "path": "/api/update/",
                "body": '{"job":1,"count":4}',
                "content_length": True,
                "user_agent": "test/1",
                "fault": None,
                "status": 201,
            },
        )
        self.assertEqual(len(state["requests"]), 2)

    async def test_quirks_and_faults(self) -> None:
        """They are switched by what is given, and answered with what holds now."""
        _response, body = await self.fetch("POST", "/sandbox/quirk", {"framing": "close"})
        self.assertEqual(json.loads(body)["quirks"]["framing"], "close")
        self.assertEqual(self.server.quirks.database, "sqlite")
        fault = {"kind": "cut", "after": 3, "method": "GET", "times": 2}
        _response, body = await self.fetch("POST", "/sandbox/fault", fault)
        self.assertEqual(json.loads(body)["faults"], [fault | {"path": "/api/"}])
        _response, body = await self.fetch("DELETE", "/sandbox/fault")
        self.assertEqual(json.loads(body)["faults"], [])

    async def test_nonsense_is_refused_with_a_sentence(self) -> None:
        for path, members in [
            ("fault", {"kind": "cutt"}),
            ("fault", {"kind": "cut", "aftr": 3}),
            ("fault", {"kind": "drip", "size": 0}),
            ("quirk", {"framing": "ftp"}),
            ("quirk", {"frame": "close"}),
            ("quirk", []),
        ]:
            response, body = await self.fetch("POST", f"/sandbox/{path}", members)
            self.assertEqual(response.code, 400, members)
            self.assertTrue(json.loads(body)["error"], members)
        response, _body = await self.fetch("POST", "/sandbox/nothing")
        self.assertEqual(response.code, 404)
        self.assertEqual(self.server.pending_faults(), [])


class FaultTests(ServerCase):
    async def test_another_answer(self) -> None:
        """The 500 page once; then all is well."""
        self.server.fault(quirks.Answered(method="GET", path="/api/activejobs/"))
        response, body = await self.fetch("GET", "/api/jobs/")
        self.assertEqual(response.code, 200)
        response, body = await self.fetch("GET", "/api/activejobs/")
        self.assertEqual((response.code, body), (500, b"<h1>Server Error (500)</h1>"))
        self.assertEqual(response.headers.getRawHeaders("Content-Type"), ["text/html"])
        response, _body = await self.fetch("GET", "/api/activejobs/")
        self.assertEqual(response.code, 200)
        self.assertEqual([seen.fault for seen in self.server.requests()], [None, "answer", None])

    async def test_an_answer_of_another_type(self) -> None:
        """Null and a list are JSON, too; a page with 200 is not."""
        for value in (None, [], "text"):
            self.server.fault(quirks.Answered(status=200, json=value))
            response, body = await self.fetch("GET", "/api/activejobs/")
            self.assertEqual((response.code, json.loads(body)), (200, value))
        self.server.fault(quirks.Answered(status=200, body="<html>Log in</html>"))
        response, body = await self.fetch("GET", "/api/activejobs/")
        self.assertEqual((response.code, body), (200, b"<html>Log in</html>"))

    async def test_work_done_before_the_answer_is_lost(self) -> None:
        """An update is stored though its sender sees a bad gateway, or nothing."""
        update = {"job": 1, "count": 1}
        self.server.fault(quirks.Answered(status=502, processed=True))
        response, _body = await self.fetch("POST", "/api/update/", update)
        self.assertEqual((response.code, len(self.server.store.updates[1])), (502, 1))
        self.server.fault(quirks.Closed(processed=True))
        await self.assertFailure(self.request("POST", "/api/update/", update), ResponseFailed)
        self.assertEqual(len(self.server.store.updates[1]), 2)
        self.server.fault(quirks.Closed())
        await self.assertFailure(self.request("POST", "/api/update/", update), ResponseFailed)
        self.assertEqual(len(self.server.store.updates[1]), 2)

    async def test_no_answer(self) -> None:
        """Until someone hangs up; the work is done or not, as was asked."""
        self.server.fault(quirks.Silent(times=2))
        asked = [self.request("POST", "/api/update/", {"job": 1}) for _ in range(2)]
        await self.until_seen(2)
        self.assertEqual([seen.status for seen in self.server.requests()], [None, None])
        self.assertEqual(self.server.store.updates[1], [])
        self.server.fault(quirks.Silent(processed=True))
        asked.append(self.request("POST", "/api/update/", {"job": 1}))
        await self.until_seen(3)
        self.assertEqual(len(self.server.store.updates[1]), 1)
        for request in asked:
            self.assertNoResult(request)
        await self.server.hang_up()
        for request in asked:
            await self.assertFailure(request, ResponseFailed)

    async def test_redirect(self) -> None:
        """Elsewhere, with nothing done."""
        self.server.fault(quirks.Redirected(location="http://elsewhere.invalid/", status=307))
        response, body = await self.fetch("PATCH", "/api/activejobs/1/", {"status": 3})
        self.assertEqual((response.code, body), (307, b""))
        self.assertEqual(response.headers.getRawHeaders("Location"), ["http://elsewhere.invalid/"])
        self.assertEqual(self.server.store.jobs[1].status, 2)

    async def test_a_cut_body(self) -> None:
        """Seen in chunks; where closing ends the body only its JSON shows it."""
        for framing in ("http10", "close"):
            self.server.quirk(framing=framing)
            self.server.fault(quirks.Cut(after=len(LISTED)))
            _response, body = await self.fetch("GET", "/api/activejobs/")
            self.assertEqual(body, LISTED)
        self.server.quirk(framing="chunked")
        self.server.fault(quirks.Cut())
        response = await self.request("GET", "/api/activejobs/")
        await self.assertFailure(response.content(), ResponseFailed)

    async def test_missing_members(self) -> None:
        """Of the list and of each job in it."""
        self.server.fault(quirks.Incomplete(members=["count", "status"], times=2))
        _response, body = await self.fetch("GET", "/api/activejobs/")
        page = json.loads(body)
        self.assertNotIn("count", page)
        self.assertNotIn("status", page["results"][0])
        self.assertEqual(page["results"][0]["id"], 1)
        _response, body = await self.fetch("GET", "/api/jobs/1/")
        self.assertNotIn("status", json.loads(body))

    async def test_a_big_body(self) -> None:
        """Good JSON, and more of it than anyone wants."""
        self.server.fault(quirks.Big(size=300_000))
        _response, body = await self.fetch("GET", "/api/activejobs/")
        self.assertEqual(len(body), 300_000)
        self.assertEqual(json.loads(body)["count"], 1)

    async def test_a_late_answer_is_stale(self) -> None:
        """What it says was true when it was asked."""
        self.clock.watched = 5.0
        self.server.fault(quirks.Delayed(seconds=5.0))
        asked = ensureDeferred(self.fetch("GET", "/api/jobs/1/"))
        await self.clock.set.get()
        self.server.store.stop(1)
        self.assertFalse(asked.called)
        self.clock.advance(5)
        _response, body = await asked
        self.assertEqual(json.loads(body)["status"], 2)

    async def test_a_late_answer_to_someone_who_left(self) -> None:
        """Its timer goes with the connection."""
        self.clock.watched = 5.0
        self.server.fault(quirks.Delayed(seconds=5.0))
        asked = self.request("GET", "/api/jobs/1/")
        await self.clock.set.get()
        await self.server.hang_up()
        await self.assertFailure(asked, ResponseFailed)

    async def test_a_slow_drip(self) -> None:
        """The head at once, the body piece by piece, whole in the end."""
        self.clock.watched = 7.0
        _response, whole = await self.fetch("GET", "/api/activejobs/")
        self.server.fault(quirks.Dripped(size=400, seconds=7.0))
        response = await self.request("GET", "/api/activejobs/")
        body = response.content()
        for _ in range(-(-len(whole) // 400)):
            self.assertNoResult(body)
            await self.clock.set.get()
            self.clock.advance(7)
        self.assertEqual(await body, whole)


class Process(ProcessProtocol):
    """The stand-in as a process of its own."""

    def __init__(self) -> None:
        self.said = b""
        self.complaints = b""
        self.ready: Deferred[str] = Deferred()
        self.ended: Deferred[Exception] = Deferred()

    def outReceived(self, data: bytes) -> None:
        self.said += data
        if self.said.endswith(b"\n") and not self.ready.called:
            self.ready.callback(self.said.decode())

    def errReceived(self, data: bytes) -> None:
        self.complaints += data

    def processEnded(self, reason: Failure) -> None:
        self.ended.callback(reason.value)


@needs(Need.PROCESSES)
class ProcessTests(TestCase):
    timeout = 30

    def spawn(self, *arguments: str) -> Process:
        process = Process()
        command = [sys.executable, "-m", "tcsandbox.server", *arguments]
        transport = reactor.spawnProcess(process, sys.executable, command, env=os.environ)
        self.addCleanup(self.end, process, transport.signalProcess)
        return process

    def end(self, process: Process, signal: Callable[[str], None]) -> None:
        if not process.ended.called:
            signal("KILL")

    async def test_it_runs_alone_and_ends_on_a_signal(self) -> None:
        """One line says where it listens, for which token, with which jobs."""
        for signal in ("INT", "TERM"):
            process = self.spawn("--port", "0", "--job", "pets:cats, dogs", "--job", "all:")
            line = await process.ready
            self.assertIn("on http://127.0.0.1:", line)
            self.assertIn(TOKEN, line)
            self.assertIn("1 'pets' tracking 'cats, dogs' (status 2)", line)
            self.assertIn("2 'all' tracking the sample (status 2)", line)
            self.assertEqual(line.count("\n"), 1)
            process.transport.signalProcess(signal)
            reason = await process.ended
            self.assertIsInstance(reason, ProcessDone, process.complaints.decode())
            self.assertEqual(process.complaints, b"")

    async def test_a_terminal_is_told_nothing(self) -> None:
        """What it would obey, or show otherwise than it stands, is escaped."""
        process = self.spawn("--port", "0", "--job", "pets:cats\x1b[2J\x9b\u202e\u2028\ndogs")
        line = await process.ready
        self.assertIn(r"'cats\x1b[2J\x9b\u202e\u2028\ndogs' (status 2)", line)
        self.assertEqual(line.splitlines(), [line.removesuffix("\n")])
        process.transport.signalProcess("TERM")
        await process.ended

    async def test_a_taken_port(self) -> None:
        """One sentence, no traceback."""
        port = CaptureServer(reactor).listen(reactor)
        self.addCleanup(port.stopListening)
        process = self.spawn("--port", str(port.getHost().port))
        reason = await process.ended
        self.assertEqual(reason.exitCode, 1)
        self.assertIn(b"Cannot listen on 127.0.0.1 port", process.complaints)
        self.assertEqual(process.complaints.count(b"\n"), 1)

    async def test_jobs_that_are_kept(self) -> None:
        """A write outlives a kill; the command line makes jobs only where none were kept."""
        kept = self.mktemp()
        process = self.spawn("--port", "0", "--keep", kept, "--job", "pets:cats")
        url = re.search(r"http://\S+/", await process.ready)
        assert url is not None
        answer = await HTTPClient(Agent(reactor)).patch(
            f"{url[0]}activejobs/1/",
            json={"keywords": "birds"},
            headers={"Authorization": f"Token {TOKEN}"},
        )
        self.assertEqual(answer.code, 200)
        await answer.content()
        for _ in range(2):
            process.transport.signalProcess("KILL")
            await process.ended
            process = self.spawn("--port", "0", "--keep", kept, "--job", "pets:cats")
            self.assertIn("jobs: 1 'pets' tracking 'birds'", await process.ready)
        process.transport.signalProcess("TERM")
        await process.ended


class ArgumentTests(SynchronousTestCase):
    def test_good_ones(self) -> None:
        options = read_arguments(
            ["--port", "80", "--interface", "::1", "--worker-id", "7", "--job", "a b:x:y,z"]
        )
        self.assertEqual((options.port, options.interface, options.worker_id), (80, "::1", 7))
        self.assertEqual((options.job, options.status), ([("a b", "x:y,z")], 2))
        self.assertEqual(options.token, TOKEN)
        others = [f"--client={number}:{str(number) * 40}" for number in (3, 4)]
        options = read_arguments(["--port", "80", *others])
        self.assertEqual(options.client, [(3, "3" * 40), (4, "4" * 40)])

    def test_bad_ones_get_one_sentence(self) -> None:
        for arguments, part in [
            ([], "--port"),
            (["--port", "x"], "0 to 65535"),
            (["--port", "65536"], "0 to 65535"),
            (["--port", "1", "--interface", "here"], "IP address"),
            (["--port", "1", "--token", "short"], "40 hexadecimal digits"),
            (["--port", "1", "--worker-id", "0"], "above 0"),
            (["--port", "1", "--client", "3"], "40 hexadecimal digits"),
            (["--port", "1", "--status", "6"], "0 to 5"),
            (["--port", "1", "--job", "pets"], "colon"),
            (["--port", "1", "--job", "p/q:x"], "Only alphanumeric"),
            (["--port", "1", "--job", "p:x", "--job", "p:y"], "two jobs"),
            (["--port", "1", "--nonsense"], "unrecognized"),
        ]:
            complaints = io.StringIO()
            with contextlib.redirect_stderr(complaints):
                ended = self.assertRaises(SystemExit, read_arguments, arguments)
            self.assertEqual(ended.code, 2)
            self.assertEqual(complaints.getvalue().count("\n"), 1)
            self.assertIn(part, complaints.getvalue())
