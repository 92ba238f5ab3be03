"""Twitter's v1.1 streams: what is sent, and what each answer means."""

import gzip
import json
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qsl

import attrs
from oauthlib import oauth1
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import LogEvent, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.http import Request
from twisted.web.http_headers import Headers
from twisted.web.resource import Resource
from twisted.web.server import Site

from tcclient.captures.session import Session
from tcclient.control.jobs import Job
from tcclient.ledger.endings import Ending
from tcclient.runtime.backoff import Backoff, Refusal, Trouble
from tcclient.runtime.secrets import Secret
from tcclient.sources.keywords import Box
from tcclient.sources.twitter_v1.api import (
    DUPLICATE,
    STALL_TIMEOUT,
    StatusesApi,
    disconnect_meaning,
    form,
)
from tcclient.sources.twitter_v1.feed import V1Source
from tcclient.sources.twitter_v1.query import LIMITS, Query, read
from tcclient.sources.twitter_v1.settings import Keys
from tcclient.storage.folders import Folders
from tcclient.storage.slots import Naming
from tcclient.stream.capturestream import CaptureStream, Upstream
from tcclient.stream.clients import stream_client
from tcclient.stream.framing import Overlong
from tcclient.stream.streamapi import StreamListener
from tcsandbox.twitter import SANDBOX_CREDENTIALS, Simulator, SimulatorSettings
from tcsandbox.twitter.common.answers import refusal_body
from tcsandbox.twitter.common.faults import HttpStatusFault, NoAnswer, Redirect
from tcsandbox.twitter.v1.faults import Calm
from tests.peers import clock_at

KEYS = Keys(**{name: Secret(value) for name, value in attrs.asdict(SANDBOX_CREDENTIALS).items()})
ODD = Query(("foo bar", "été", "a*b'c", "100%", "#x&y=z+w", "日本", "🙂", "~_-."))
JOB = Job(7, "j", 3, "cats", 0, 1, False, None)


class FormTests(SynchronousTestCase):
    """The body of a request."""

    def test_track(self) -> None:
        """Commas between phrases, blanks within, all else escaped."""
        self.assertEqual(
            dict(parse_qsl(form(ODD), strict_parsing=True)),
            {"stall_warnings": "true", "track": ",".join(ODD.track)},
        )
        self.assertTrue(form(ODD).isascii())

    def test_locations(self) -> None:
        """West, south, east, north of each box."""
        query = Query(locations=(Box(-122.75, 36.8, -121.75, 37.8), Box(-74, 40, -73, 41)))
        self.assertEqual(
            dict(parse_qsl(form(query)))["locations"],
            "-122.7500,36.8000,-121.7500,37.8000,-74.0000,40.0000,-73.0000,41.0000",
        )

    def test_sample(self) -> None:
        """Neither of both."""
        self.assertEqual(form(Query()), "stall_warnings=true")


class MeaningTests(SynchronousTestCase):
    """What answers and messages mean."""

    def setUp(self) -> None:
        client: Any = None
        self.api = StatusesApi(client, "http://x/1.1/", KEYS, "test", clock_at().seconds)

    def refusal(self, status: int, body: bytes = b"") -> Refusal:
        """What an answer with this status and body means."""
        return self.api.refusal(status, Headers(), body)

    def test_refusals(self) -> None:
        """The ramp of each status, and a sentence on what to do."""
        for trouble, statuses in {
            Trouble.REFUSED: (401, 403, 404, 400, 410, 301, 302, 307, 308),
            Trouble.QUERY_REFUSED: (406, 413, 416),
            Trouble.RATE_LIMIT: (420, 429),
            Trouble.HTTP: (500, 502, 503, 504, 204, 599),
        }.items():
            for status in statuses:
                refusal = self.refusal(status)
                self.assertIs(refusal.trouble, trouble, status)
                self.assertTrue(refusal.advice.endswith("."), status)
        self.assertIn("twitter_auth", self.refusal(401).advice)
        self.assertIn("clock", self.refusal(401).advice)
        self.assertIn("stream_url", self.refusal(302).advice)
        self.assertIn("keywords", self.refusal(406).advice)

    def test_what_is_in_between(self) -> None:
        """A page that is not one of Twitter's own servers' says nothing of keys and keywords."""
        page = b"<html><title>Blocked</title><p>By your firewall</html>"
        for status in (400, 401, 403, 404, 406, 413, 502, 503):
            refusal = self.refusal(status, page)
            self.assertIs(refusal.trouble, Trouble.HTTP, status)
            self.assertIn("in between", refusal.advice)
            self.assertEqual(refusal.explanation, "Blocked: By your firewall")
        self.assertIs(self.refusal(420, page).trouble, Trouble.RATE_LIMIT)
        for body in (b'{"detail":"Not Found"}', b'{"error":"Not Found"}'):
            self.assertIs(self.refusal(404, body).trouble, Trouble.HTTP, body)
        old = b'{"error":"Not authorized.","request":"/1.1/statuses/filter.json"}'
        for body in (refusal_body(401), b"Bad token", b'{"errors":[{"code":32}]}', old, b""):
            self.assertIs(self.refusal(401, body).trouble, Trouble.REFUSED, body)

    def test_explanations(self) -> None:
        """The body's words, of that answer only; v1.1 asks for no wait but those of the ramps."""
        refusal = self.refusal(401, b"<b>Bad</b> token")
        self.assertEqual((refusal.explanation, refusal.at_least), ("Bad token", 0.0))
        self.assertEqual(self.refusal(401).explanation, "")

    def test_explanations_that_repeat_credentials(self) -> None:
        """None of the four is in them."""
        for name, value in attrs.asdict(SANDBOX_CREDENTIALS).items():
            said = self.refusal(401, f"No {value}!".encode()).explanation
            self.assertEqual(said, "No ...!", name)

    def test_disconnects(self) -> None:
        """Every documented code has a meaning; two of them mean another client."""
        for code in (1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12):
            self.assertNotIn("code", disconnect_meaning(code)[0])
        for code, trouble in (
            *((2, DUPLICATE), (7, DUPLICATE), (6, Trouble.REFUSED)),
            *((12, Trouble.HTTP), (4, None), (5, None)),
        ):
            self.assertIs(disconnect_meaning(code)[1], trouble)
        for unknown in (8, 13, None, "7", -1, 10**30):
            meaning, trouble = disconnect_meaning(unknown)
            self.assertTrue(meaning.startswith("code "))
            self.assertLess(len(meaning), 30)
            self.assertIsNone(trouble)

    def test_endpoint_and_silence(self) -> None:
        """The sample has its own address; three keep-alives may be missing."""
        self.assertEqual(self.api.endpoint(Query()), "statuses/sample")
        self.assertEqual(self.api.endpoint(ODD), "statuses/filter")
        self.assertEqual((self.api.stall_timeout, STALL_TIMEOUT), (90.0, 90.0))

    def test_limits(self) -> None:
        """400 phrases of 60 bytes, 25 boxes."""
        reading = read(",".join(f"t{n}" for n in range(401)) + "," + "é" * 31, LIMITS)
        assert reading.query is not None
        self.assertEqual((len(reading.query.track), len(reading.refused)), (400, 2))


class SignatureTests(SynchronousTestCase):
    """oauthlib signs as Twitter documents it."""

    def test_twitters_own_example(self) -> None:
        """That of its page "Creating a signature"."""
        signer = oauth1.Client(
            "xvz1evFS4wEEPTGEFPHBog",
            client_secret="kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
            resource_owner_key="370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
            resource_owner_secret="LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
            nonce="kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg",
            timestamp="1318622958",
        )
        _, headers, _ = signer.sign(
            "https://api.twitter.com/1.1/statuses/update.json?include_entities=true",
            http_method="POST",
            body="status=Hello%20Ladies%20%2B%20Gentlemen%2C%20a%20signed%20OAuth%20request%21",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        self.assertIn(
            'oauth_signature="hCtSmYh%2BiHYCEqBWrE7C7hYmtUk%3D"', headers["Authorization"]
        )


@attrs.define
class Ear(StreamListener):
    """A listener that can be waited for; `openings` is how often the stream has been opened."""

    messages: list[bytes | Overlong] = attrs.field(factory=list)
    endings: list[Ending] = attrs.field(factory=list)
    openings: int = 0

    def opened(self) -> None:
        """Count it."""
        self.openings += 1

    def heard(self) -> None:
        """Pass over it: the messages tell more."""

    def received(self, messages: list[bytes | Overlong]) -> None:
        """Keep the messages."""
        self.messages += messages

    def ended(self, ending: Ending) -> None:
        """Keep the reason."""
        self.endings.append(ending)


class SimulatorTestCase(TestCase):
    """Real requests to the simulated Twitter, which checks every signature."""

    timeout = 30

    def setUp(self) -> None:
        self.twitter = Simulator(reactor, Random(2), SimulatorSettings(rate=200))
        self.addCleanup(self.twitter.stop)
        port = reactor.listenTCP(0, self.twitter.site(), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.url = f"http://127.0.0.1:{port.getHost().port}/1.1/"
        self.ear = Ear()

    def api(self, keys: Keys = KEYS, clock: Any = reactor) -> StatusesApi:
        """Return the API with these credentials; its signatures have the time of `clock`."""
        client = stream_client(reactor, None, stock=False)
        return StatusesApi(client, self.url, keys, "tcc/test (client 1)", clock.seconds)

    def start(self, query: Query, api: StatusesApi | None = None) -> CaptureStream[Query]:
        """Start a stream, which is stopped at the end of the test."""
        upstream = Upstream(api or self.api(), Backoff(), reactor)
        stream = CaptureStream(upstream, query, self.ear)
        stream.startService()
        self.addCleanup(stream.stopService)
        return stream

    async def until(self, happened: Any) -> None:
        """Let the reactor turn until `happened()`."""
        while not happened():
            await deferLater(reactor, 0)

    async def refusal(self, query: Query, api: StatusesApi | None = None) -> Ending:
        """What comes of asking, where that is a refusal."""
        self.start(query, api)
        await self.until(lambda: self.ear.endings)
        return self.ear.endings[-1]

    async def explanation(self, query: Query, api: StatusesApi | None = None) -> tuple[int, str]:
        """The status of that refusal, and what it is explained with."""
        ending = await self.refusal(query, api)
        assert ending.status is not None and ending.refusal is not None
        return ending.status, ending.refusal.explanation

    def connects(self) -> list[dict[str, Any]]:
        """What the simulator was asked."""
        connects: list[dict[str, Any]] = self.twitter.state()["connects"]
        return connects


class StreamTests(SimulatorTestCase):
    """What Twitter lets in."""

    async def test_signatures(self) -> None:
        """Of every kind of character, of boxes, and of the sample."""
        boxes = Query(("a b",), (Box(-10.5, 40, 10.25, 50),))
        for query in (ODD, boxes, Query(locations=boxes.locations), Query()):
            openings = self.ear.openings
            stream = self.start(query)
            await self.until(lambda n=openings: self.ear.openings > n or self.ear.endings)
            self.assertEqual(self.ear.endings, [])
            asked = self.connects()[-1]
            self.assertEqual(asked["status"], 200)
            self.assertEqual(asked["track"], ",".join(query.track))
            self.assertEqual(asked["endpoint"], "sample" if query.is_sample else "filter")
            await stream.stopService()
            self.ear.endings.clear()

    async def test_posts_arrive(self) -> None:
        """Compressed on the way, and each of them JSON."""
        self.start(Query(("obama",)))
        await self.until(lambda: len(self.ear.messages) >= 20)
        for message in self.ear.messages:
            assert isinstance(message, bytes)
            self.assertIn("id_str", json.loads(message))

    async def test_each_attempt_is_signed_anew(self) -> None:
        """A nonce is good for one request."""
        api = self.api()
        nonces = {api._signed(ODD)[1]["Authorization"] for _ in range(5)}
        self.assertEqual(len(nonces), 5)

    async def test_the_newest_connection_wins(self) -> None:
        """The older one is told, and ends."""
        first = self.start(Query(("cats",)))
        await self.until(lambda: first.connected)
        self.start(Query(("dogs",)))
        await self.until(lambda: self.ear.endings)
        self.assertTrue(any(b'"disconnect"' in m for m in self.ear.messages if type(m) is bytes))

    async def test_hanging_up_reads_the_socket(self) -> None:
        """What was sent before is there after, whether it is little or much."""
        self.twitter.set_rate(0)
        for size in (1, 100, 2000):
            stream = self.start(Query(("cats",)))
            await self.until(lambda stream=stream: stream.connected)
            self.ear.messages.clear()
            line = b'{"text":"' + b"x" * 500 + b'"}\r\n'
            self.twitter.say(line * size)
            await deferLater(reactor, 0)
            await stream.hang_up(Ending("stopped", "the capture was stopped"))
            self.assertEqual(len(self.ear.messages), size)

    async def test_replay_in_gzip(self) -> None:
        """A recorded answer, byte for byte, whatever its framing."""
        lines = [b'{"n":%d}' % n for n in range(1000)]
        body = gzip.compress(b"\r\n".join(lines) + b"\r\n")
        self.twitter.replay(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + body
        )
        stream = self.start(Query())
        await self.until(lambda: self.ear.endings)
        await stream.stopService()
        self.assertEqual(self.ear.messages[:1000], lines)
        self.assertEqual(self.ear.endings[0].cause, "closed")


class RefusalTests(SimulatorTestCase):
    """What Twitter does not let in."""

    async def test_wrong_credentials(self) -> None:
        """401, with Twitter's reason."""
        for member in ("api_secret", "access_token_secret", "api_key", "access_token"):
            values = attrs.asdict(SANDBOX_CREDENTIALS) | {member: "mistaken"}
            keys = Keys(**{name: Secret(value) for name, value in values.items()})
            self.ear.endings.clear()
            ending = await self.refusal(ODD, self.api(keys))
            self.assertEqual((ending.status, ending.trouble), (401, Trouble.REFUSED), member)
            assert ending.refusal is not None
            self.assertIn("Unauthorized", ending.refusal.explanation)
            for value in values.values():
                self.assertNotIn(value, f"{ending!r} {keys!r} {self.api(keys)!r}")

    async def test_wrong_clock(self) -> None:
        """The reason in the body is what tells it from wrong keys."""
        api = self.api(clock=clock_at(1_000_000_000.0))
        status, said = await self.explanation(ODD, api)
        self.assertEqual(status, 401)
        self.assertIn("Timestamp out of bounds", said)

    async def test_too_many_connects(self) -> None:
        """420, and the wait it imposes."""
        self.twitter.fault(Calm(connects=1))
        first = self.start(ODD)
        await self.until(lambda: first.connected)
        ending = await self.refusal(ODD)
        self.assertEqual((ending.status, ending.wait), (420, 60))
        assert ending.refusal is not None
        self.assertIn("Enhance your calm", ending.refusal.explanation)

    async def test_refused_queries(self) -> None:
        """406 and 413, in Twitter's words."""
        for query, status in (
            (Query(("x" * 61,)), 406),
            (Query(tuple(f"t{n}" for n in range(401))), 413),
        ):
            self.ear.endings.clear()
            ending = await self.refusal(query)
            self.assertEqual((ending.status, ending.trouble), (status, Trouble.QUERY_REFUSED))
            assert ending.refusal is not None
            self.assertTrue(ending.refusal.explanation)

    async def test_redirects_are_not_followed(self) -> None:
        """They would take the signature elsewhere."""
        self.twitter.fault(Redirect(to=f"{self.url}statuses/sample.json", status=307))
        ending = await self.refusal(ODD)
        self.assertEqual((ending.status, ending.trouble), (307, Trouble.REFUSED))
        self.assertEqual(len(self.connects()), 1)

    async def test_pages(self) -> None:
        """503 and its like come as HTML; the log gets the words."""
        self.twitter.fault(HttpStatusFault(status=503))
        status, said = await self.explanation(ODD)
        self.assertEqual(status, 503)
        self.assertIn("Over capacity", said)
        self.assertNotIn("<", said)

    async def test_stopping_while_there_is_no_answer(self) -> None:
        """At once."""
        self.twitter.fault(NoAnswer())
        stream = self.start(ODD)
        await self.until(lambda: self.connects())
        await stream.stopService()
        self.assertEqual(self.ear.endings, [])


class Echo(Resource):
    """Refuses each request with a page that repeats its Authorization header."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.asked = ""

    def render_POST(self, request: Request) -> bytes:
        """Refuse with the page."""
        self.asked = request.getHeader("authorization") or ""
        request.setResponseCode(401)
        # Its last parts first: the page is cut, and must not be cut before the credentials.
        return f"<b>Denied</b>: {' '.join(reversed(self.asked.split()))}".encode()


class EchoTests(TestCase):
    """A page that repeats the request."""

    timeout = 30

    def setUp(self) -> None:
        self.echo = Echo()
        self.port = reactor.listenTCP(0, Site(self.echo), interface="127.0.0.1")
        self.addCleanup(self.port.stopListening)

    async def captured(self) -> tuple[str, list[LogEvent]]:
        """The account and the log of a capture that is refused."""
        url = f"http://127.0.0.1:{self.port.getHost().port}/1.1/"
        base = Path(self.mktemp())
        folders = Folders(base, Naming("", utc=True), "http://server/", reactor, reactor.seconds)
        api = StatusesApi(
            stream_client(reactor, None, stock=False), url, KEYS, "tcc/test", reactor.seconds
        )
        source = V1Source(Upstream(api, Backoff(), reactor))
        session = Session(JOB, folders, source, lambda: None)
        account = base / "j" / "j.ledger.jsonl"
        with capturedLogs() as events:
            session.startService()
            session.run(JOB)
            while not account.exists() or "not_connected" not in account.read_text():
                await deferLater(reactor, 0)
            await Deferred.fromCoroutine(session.halt("stopped"))
            session.retire()
        return account.read_text(), events

    async def test_credentials(self) -> None:
        """They reach neither log nor account; the rest of the page does."""
        account, events = await self.captured()
        log = "\n".join(formatEvent(event) for event in events)
        for text in (account, log):
            self.assertIn("Denied", text)
            self.assertIn("oauth_signature_method", text)
        for credential in (SANDBOX_CREDENTIALS.api_key, SANDBOX_CREDENTIALS.access_token):
            self.assertIn(credential, self.echo.asked)
        for credential in attrs.astuple(SANDBOX_CREDENTIALS):
            for text in (account, log, repr(events)):
                self.assertNotIn(credential, text)
