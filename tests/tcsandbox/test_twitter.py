"""The simulated Twitter: who gets in, what streams carry, and every fault it has on demand."""

import contextlib
import io
import json
import re
import signal
import sys
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from oauthlib import oauth1
from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.endpoints import (
    HostnameEndpoint,
    connectProtocol,
    serverFromString,
    wrapClientTLS,
)
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.protocol import ProcessProtocol, Protocol, connectionDone
from twisted.internet.ssl import Certificate, optionsForClientTLS
from twisted.internet.task import Clock, deferLater
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tcclient.stream.framing import apart
from tcsandbox.twitter import catalogue
from tcsandbox.twitter.command import main
from tcsandbox.twitter.common import damage, faults
from tcsandbox.twitter.common.faults import SimulatorFault
from tcsandbox.twitter.common.journal import Journal
from tcsandbox.twitter.common.oauth import (
    SANDBOX_CREDENTIALS,
    Credentials,
    SignedRequest,
    Unauthorized,
    verify,
)
from tcsandbox.twitter.common.streams import Pace
from tcsandbox.twitter.simulator import Simulator, SimulatorSettings
from tcsandbox.twitter.v1 import faults as v1_faults
from tcsandbox.twitter.v1.desk import CalmPolicy
from tcsandbox.twitter.v1.faults import Calm, Takeover
from tcsandbox.twitter.v1.filters import ConnectRefused, Filter, LocationBox, read_filter
from tests.e2e.stand import Stand
from tests.marks import Need, needs

EPOCH = 1_700_000_000.0
TICK = 0.025
OTHER = Credentials("other-key", "other-secret", "other-token", "other-token-secret")
FILTER = "/1.1/statuses/filter.json"
SAMPLE = "/1.1/statuses/sample.json"
FORM = "application/x-www-form-urlencoded"


def sign(method: str, url: str, body: str, now: float, account: Credentials) -> str:
    """The Authorization header that oauthlib's client makes."""
    client = oauth1.Client(*attrs.astuple(account), timestamp=str(int(now)))
    headers = {"Content-Type": FORM} if body else {}
    signed = client.sign(url, method, body or None, headers)
    return str(signed[1]["Authorization"])


@attrs.frozen
class Asking:
    """A stream request, and the bytes of it."""

    params: dict[str, str] = attrs.Factory(lambda: {"track": "obama"})
    path: str = FILTER
    method: str = "POST"
    gzip: bool = False
    account: Credentials = SANDBOX_CREDENTIALS
    host: str = "stream.test:8080"
    scheme: str = "http"

    def to_bytes(self, now: float) -> bytes:
        """Signed at `now`."""
        form = urlencode(self.params)
        target, body = (self.path, form) if self.method == "POST" else (f"{self.path}?{form}", "")
        url = f"{self.scheme}://{self.host}{target}"
        lines = [f"{self.method} {target} HTTP/1.1", f"Host: {self.host}"]
        lines.append(f"Authorization: {sign(self.method, url, body, now, self.account)}")
        if body:
            lines += [f"Content-Type: {FORM}", f"Content-Length: {len(body)}"]
        if self.gzip:
            lines.append("Accept-Encoding: gzip")
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def journaled(path: Path) -> list[int]:
    """The ids in a journal."""
    return [int(line.split()[2]) for line in posts_in(path)]


def posts_in(path: Path) -> list[str]:
    """The lines of a journal that are about posts."""
    return [line for line in path.read_text().splitlines() if not line.startswith("#")]


def remarks_in(path: Path) -> list[Any]:
    """The other lines of a journal, decoded."""
    return [json.loads(line[2:]) for line in path.read_text().splitlines() if line[0] == "#"]


def control(name: str, body: bytes | None = None) -> bytes:
    """A request to /sandbox/`name`: a POST if there is a body."""
    if body is None:
        return f"GET /sandbox/{name} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    head = f"POST /sandbox/{name} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@attrs.frozen
class Response:
    """What came over a connection so far."""

    raw: bytes

    @property
    def status(self) -> int:
        """The number in the status line, 0 before there is one."""
        return int(self.raw[9:12] or 0)

    @property
    def head(self) -> str:
        """Status line and headers, in lower case."""
        return self.raw.partition(b"\r\n\r\n")[0].decode().lower()

    @property
    def chunks(self) -> list[bytes]:
        """The chunks, the last and empty one included once it is there."""
        rest, chunks = self.raw.partition(b"\r\n\r\n")[2], []
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            chunks.append(rest[: int(size, 16)])
            rest = rest[int(size, 16) + 2 :]
        return chunks

    @property
    def ended(self) -> bool:
        """Whether the last chunk is there."""
        return self.raw.endswith(b"\r\n0\r\n\r\n")

    @property
    def body(self) -> bytes:
        """The body, whatever its framing, decompressed if need be."""
        if "transfer-encoding: chunked" not in self.head:
            return self.raw.partition(b"\r\n\r\n")[2]
        body = b"".join(self.chunks)
        return zlib.decompressobj(31).decompress(body) if "gzip" in self.head else body

    @property
    def messages(self) -> list[Any]:
        """The whole messages in the body, keep-alives left out."""
        return [json.loads(line) for line in self.body.split(b"\r\n")[:-1] if line]


class Visit:
    """A connection to the simulator, in memory."""

    def __init__(self, simulator: Simulator, request: bytes) -> None:
        self.transport = StringTransport()
        self._channel = simulator.site().buildProtocol(None)
        self._channel.makeConnection(self.transport)
        self._channel.dataReceived(request)

    @property
    def got(self) -> Response:
        """Everything so far."""
        return Response(self.transport.value())

    @property
    def hung_up(self) -> bool:
        """Whether the simulator closes the connection."""
        return self.transport.disconnecting

    def pause(self) -> None:
        """Stop reading."""
        self.transport.producer.pauseProducing()

    def resume(self) -> None:
        """Read on."""
        self.transport.producer.resumeProducing()

    def leave(self) -> None:
        """The connection is gone."""
        self._channel.connectionLost(Failure(ConnectionDone()))


class SimulatorTestCase(SynchronousTestCase):
    """A simulator in memory, which leaves nothing behind."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(EPOCH)
        self.visits: list[Visit] = []
        self.build()
        self.addCleanup(self.close)

    def build(self, journal: Journal | None = None, **character: Any) -> None:
        """Make the simulator, of another character perhaps."""
        self.simulator = Simulator(self.clock, Random(5), SimulatorSettings(**character), journal)

    def close(self) -> None:
        """Stop, let every connection go, and look for timers."""
        stopped = self.simulator.stop()
        for visit in self.visits:
            visit.leave()
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def send(self, request: bytes) -> Visit:
        """A new connection with `request`."""
        self.visits.append(Visit(self.simulator, request))
        return self.visits[-1]

    def ask(self, **asking: Any) -> Visit:
        """A stream request, signed now."""
        return self.send(Asking(**asking).to_bytes(self.clock.seconds()))

    def run_for(self, seconds: float) -> None:
        """Let time pass in ticks."""
        self.clock.pump([TICK] * round(seconds / TICK))


class FilterTests(SynchronousTestCase):
    """Both sides of each of v1.1's limits."""

    def refusal(self, **params: str) -> int:
        return self.assertRaises(ConnectRefused, read_filter, params).status

    def test_what_is_asked_for(self) -> None:
        """Phrases, users and boxes are read as they stand."""
        wanted = read_filter({"track": "a b,été", "follow": "1,22", "locations": "-1.5,2,3,4"})
        self.assertEqual(wanted, Filter(("a b", "été"), (1, 22), (LocationBox(-1.5, 2, 3, 4),)))

    def test_phrases(self) -> None:
        """1 to 60 bytes of UTF-8, at most 400 of them."""
        read_filter({"track": "é" * 30})
        self.assertEqual(self.refusal(track="é" * 30 + "x"), 406)
        self.assertEqual(self.refusal(track="a,,b"), 406)
        self.assertEqual(self.refusal(track="a, "), 406)
        read_filter({"track": ",".join("a" * 400)})
        self.assertEqual(self.refusal(track=",".join("a" * 401)), 413)

    def test_users(self) -> None:
        """Numbers, at most 5,000."""
        self.assertEqual(self.refusal(follow="12,joe"), 406)
        self.assertEqual(self.refusal(follow=",".join("1" * 5_001)), 413)

    def test_boxes(self) -> None:
        """Within the globe, southwest first, 0.1 degrees at least, at most 25."""
        for good in ("-180,-90,180,90", "0.2,0.2,0.3,0.3"):
            read_filter({"locations": good})
        for bad in (
            *("-180.1,0,1,1", "0,0,180.1,1", "0,-90.1,1,1", "0,0,1,90.1", "nan,0,1,1"),
            *("2,0,1,1", "0,2,1,1", "1,1,1,2", "0,0,0.05,1", "0,0,1", "0,0,1,north"),
        ):
            self.assertEqual(self.refusal(locations=bad), 406, bad)
        read_filter({"locations": ",".join(["0,0,1,1"] * 25)})
        self.assertEqual(self.refusal(locations=",".join(["0,0,1,1"] * 26)), 413)

    def test_nothing_asked_for(self) -> None:
        """No predicate is a 406, `count` a 416."""
        self.assertEqual(self.refusal(stall_warnings="true"), 406)
        self.assertEqual(self.refusal(track="a", count="10"), 416)

    def test_matching(self) -> None:
        """All words of a phrase, in any case; the sample is of everything."""
        post = json.dumps({"text": "Rain on the CAFé Müller"}).encode()
        for track, matches in (
            (("rain",), True),
            (("snow", "müller café"), True),
            (("rain snow",), False),
            (("snow",), False),
            ((), True),
        ):
            self.assertEqual(Filter(track).matches(post), matches, track)
        self.assertFalse(Filter(follow=(12,)).matches(post))


class OAuthTests(SynchronousTestCase):
    """A signature is good or the message says why not."""

    url = "http://stream.test/1.1/statuses/filter.json"
    params = {"track": "obama,foo bar*'é"}  # noqa: RUF012 - never changed

    def check(self, header: str | None, now: float = EPOCH, **changes: Any) -> Credentials:
        request = SignedRequest("POST", self.url, header, list(self.params.items()))
        return verify(attrs.evolve(request, **changes), [OTHER, SANDBOX_CREDENTIALS], now)

    def header(self, account: Credentials = SANDBOX_CREDENTIALS) -> str:
        return sign("POST", self.url, urlencode(self.params), EPOCH, account)

    def reason(self, *args: Any, **changes: Any) -> str:
        return str(self.assertRaises(Unauthorized, self.check, *args, **changes))

    def test_good(self) -> None:
        """The account whose keys were used is found."""
        self.assertEqual(self.check(self.header()), SANDBOX_CREDENTIALS)
        self.assertEqual(self.check(self.header(OTHER)), OTHER)

    def test_clock(self) -> None:
        """15 minutes either way are tolerated, not more."""
        for skew in (-900, 900):
            self.check(self.header(), EPOCH + skew)
            more = EPOCH + skew + skew / 900
            self.assertIn("Timestamp out of bounds", self.reason(self.header(), more))

    def test_missing_or_malformed(self) -> None:
        """No header, another scheme, rubbish."""
        for header in (None, "", "Basic eDp5", "OAuth", "OAuth rubbish", "Bearer x=y"):
            self.assertIn("OAuth 1.0a is required", self.reason(header))

    def test_unknown_keys(self) -> None:
        """An unknown token is told from a wrong signature."""
        unknown = attrs.evolve(SANDBOX_CREDENTIALS, access_token="someone")
        self.assertIn("token is unknown", self.reason(self.header(unknown)))

    def test_wrong_signature(self) -> None:
        """Wrong secrets, changed parameters, another URL or method."""
        for wrong in ("api_secret", "access_token_secret"):
            account = attrs.evolve(SANDBOX_CREDENTIALS, **{wrong: "wrong"})
            self.assertIn("Invalid signature", self.reason(self.header(account)))
        for change in ({"params": []}, {"url": self.url + "x"}, {"method": "GET"}):
            self.assertIn("Invalid signature", self.reason(self.header(), **change))

    def test_unsupported_forms(self) -> None:
        """Only HMAC-SHA1 and version 1.0 are taken, and a nonce is needed."""
        for old, new, reason in (
            ("HMAC-SHA1", "PLAINTEXT", "Unsupported signature method"),
            ('version="1.0"', 'version="2.0"', "Unsupported OAuth version"),
            (f"{EPOCH:.0f}", "soon", "timestamp is missing or malformed"),
            ("oauth_nonce", "oauth_once", "nonce is missing"),
        ):
            self.assertIn(reason, self.reason(self.header().replace(old, new)))

    def test_secrets_are_not_shown(self) -> None:
        """The repr of credentials has no secret in it."""
        self.assertNotIn("secret", repr(OTHER).replace("_secret", ""))


class PaceTests(SynchronousTestCase):
    """A rate becomes whole posts."""

    def test_adds_up(self) -> None:
        """Over time exactly the rate comes out, in small portions."""
        pace = Pace(70.0)
        portions = [pace.due(EPOCH + n * TICK) for n in range(401)]
        self.assertIn(sum(portions), (699, 700))  # binary fractions
        self.assertLessEqual(max(portions), 2)

    def test_no_flood(self) -> None:
        """A clock that leaps or steps back owes at most a second's posts."""
        pace = Pace(10.0)
        self.assertEqual([pace.due(now) for now in (5.0, 3_605.0, 5.0, 5.5)], [0, 10, 0, 5])

    def test_rest(self) -> None:
        """Time in which nobody listened does not count."""
        pace = Pace(10.0)
        pace.due(5.0)
        pace.rest()
        self.assertEqual([pace.due(5.5), pace.due(6.0)], [0, 5])


class CalmTests(SynchronousTestCase):
    """420 comes after too many connects, and lasts."""

    def test_bans_and_grows(self) -> None:
        """The third in a minute is refused for 10 s, and each one in a ban doubles it."""
        calm = CalmPolicy(connects=2, window=60, ban=10)
        told = [calm.refuses(now) for now in (0, 1, 2, 11, 30, 69, 71)]
        # bans: from 2 to 12, 11 to 31, 30 to 70, 69 to 149, 71 to 231
        self.assertEqual(told, [False, False, True, True, True, True, True])
        self.assertEqual([calm.refuses(now) for now in (232, 232, 232)], [False, False, True])

    def test_forgets(self) -> None:
        """Connects that are spread out are never refused."""
        calm = CalmPolicy(connects=2, window=60, ban=10)
        self.assertFalse(any(calm.refuses(now) for now in range(0, 600, 31)))


class ConnectTests(SimulatorTestCase):
    """Answers to connects."""

    def test_filter(self) -> None:
        """A signed filter request gets a chunked 200 at once, before any post."""
        visit = self.ask()
        self.assertEqual(visit.got.status, 200)
        self.assertIn("transfer-encoding: chunked", visit.got.head)
        self.assertIn("content-type: application/json", visit.got.head)
        self.assertEqual(visit.got.chunks, [])

    def test_get_and_sample(self) -> None:
        """Both endpoints answer to both methods; other methods and paths are refused."""
        for path in (FILTER, SAMPLE):
            for method in ("GET", "POST"):
                self.assertEqual(self.ask(path=path, method=method).got.status, 200)
        self.assertEqual(
            self.send(b"PUT " + FILTER.encode() + b" HTTP/1.1\r\n\r\n").got.status, 405
        )
        self.assertEqual(
            self.send(b"GET /1.1/statuses/firehose.json HTTP/1.1\r\n\r\n").got.status, 404
        )

    def test_unauthorized(self) -> None:
        """A wrong secret is a 401 whose page says why, and the connection ends."""
        visit = self.ask(account=attrs.evolve(SANDBOX_CREDENTIALS, api_secret="wrong"))
        self.assertEqual(visit.got.status, 401)
        self.assertIn(b"Invalid signature", visit.got.body)
        self.assertTrue(visit.hung_up)

    def test_unusable_filter(self) -> None:
        """Twitter's own sentence explains a 406, 413 or 416, on the sample too."""
        for params, status, words in (
            ({"track": "x" * 61}, 406, b"Parameter track item index 0 too long: xxx"),
            ({"track": ",".join("a" * 401)}, 413, b"track has 401 items"),
            ({"track": "a", "count": "5"}, 416, b"count is not allowed"),
            ({}, 406, b"No filter parameters found"),
        ):
            visit = self.ask(params=params)
            self.assertEqual(visit.got.status, status)
            self.assertIn(words, visit.got.body)
        self.assertEqual(self.ask(path=SAMPLE, params={"count": "5"}).got.status, 416)

    def test_newest_wins(self) -> None:
        """A second login of the account ends the first stream with code 7."""
        old = self.ask()
        new = self.ask(params={"track": "other"})
        self.assertEqual(old.got.messages[-1]["disconnect"]["code"], 7)
        self.assertTrue(old.got.ended and old.hung_up)
        self.assertFalse(new.hung_up)

    def test_newest_wins_silently(self) -> None:
        """The message can be left out."""
        self.simulator.fault(Takeover(notice=False))
        old = self.ask()
        self.ask()
        self.assertEqual(old.got.messages, [])
        self.assertTrue(old.hung_up)

    def test_newest_wins_after_a_while(self) -> None:
        """Until then both are served, and what matches both goes out on both."""
        self.build(rate=100.0, scale=0.5)
        self.simulator.fault(Takeover(notice=True, after=4.0))
        old = self.ask(params={"track": "storm,rain"})
        new = self.ask(params={"track": "storm,snow"})
        self.run_for(1.9)
        self.assertFalse(old.hung_up)
        self.run_for(0.1)
        self.assertEqual(old.got.messages[-1]["disconnect"]["code"], 7)
        self.assertTrue(old.hung_up)
        before = len(new.got.messages)
        self.run_for(1)
        self.assertEqual(len(new.got.messages), before + 100)
        old_posts, new_posts = (
            {post["id"]: json.dumps(post).lower() for post in visit.got.messages if "text" in post}
            for visit in (old, new)
        )
        both = old_posts.keys() & new_posts.keys()
        self.assertGreater(len(both), 50)
        for post in both:
            self.assertRegex(old_posts[post], "storm|rain")
            self.assertRegex(old_posts[post], "storm|snow")

    def test_newest_of_three_wins_after_a_while(self) -> None:
        """A stream with two successors ends once, compressed ones too."""
        self.build(rate=100.0)
        self.simulator.fault(Takeover(notice=True, after=4.0))
        old = self.ask(gzip=True)
        between = self.ask()
        self.run_for(1)
        new = self.ask()
        self.run_for(5)
        self.assertTrue(old.hung_up and between.hung_up)
        self.assertFalse(new.hung_up)
        codes = [m["disconnect"]["code"] for m in old.got.messages if "disconnect" in m]
        self.assertEqual(codes, [7])

    def test_accounts_do_not_disturb_each_other(self) -> None:
        """Each has a stream of its own."""
        self.build(accounts=(SANDBOX_CREDENTIALS, OTHER))
        visits = [self.ask(account=account) for account in (SANDBOX_CREDENTIALS, OTHER)]
        self.assertFalse(any(visit.hung_up for visit in visits))

    def test_state_tells_connects_and_streams(self) -> None:
        """Refused or not, with what was asked for and from where."""
        self.ask(params={"track": "a,b", "locations": "0,0,1,1"})
        self.ask(params={"track": "x" * 61})
        state = self.simulator.state()
        (stream,) = state["streams"]
        self.assertEqual(stream["track"], ["a", "b"])
        self.assertEqual(stream["locations"], [[0.0, 0.0, 1.0, 1.0]])
        self.assertEqual(stream["peer"], "192.168.1.1:54321")
        self.assertEqual(stream["since"], EPOCH)
        seen = [(c["status"], c["track"][:3], c["source"]) for c in state["connects"]]
        self.assertEqual(seen, [(200, "a,b", "192.168.1.1"), (406, "xxx", "192.168.1.1")])


class StreamTests(SimulatorTestCase):
    """What an open stream carries."""

    def test_rate(self) -> None:
        """Posts come at the rate, evenly, each once and with its term."""
        self.build(rate=100.0)
        visit = self.ask()
        self.run_for(1.0)
        self.assertIn(len(visit.got.messages), (99, 100))
        self.assertLessEqual(max(chunk.count(b"\r\n") for chunk in visit.got.chunks), 3)
        self.run_for(1.0)
        ids = [post["id"] for post in visit.got.messages]
        self.assertIn(len(ids), (199, 200))
        self.assertEqual(ids, sorted(set(ids)))
        self.assertEqual(self.simulator.state()["posts"], len(ids))

    def test_rate_can_be_changed(self) -> None:
        """Also to nothing, and from nothing; a negative one is refused."""
        visit = self.ask()
        self.run_for(1.0)
        self.assertEqual(visit.got.messages, [])
        self.simulator.set_rate(20.0)
        self.run_for(1.0)
        self.assertIn(len(visit.got.messages), (19, 20))
        self.simulator.set_rate(0.0)
        count = len(visit.got.messages)
        self.run_for(1.0)
        self.assertEqual(len(visit.got.messages), count)
        self.assertRaises(ValueError, self.simulator.set_rate, -1.0)
        self.assertRaises(ValueError, self.simulator.set_rate, float("nan"))

    def test_keep_alives(self) -> None:
        """A blank line every 30 s, times the scale."""
        self.build(scale=0.1)
        visit = self.ask()
        self.run_for(2.9)
        self.assertEqual(visit.got.body, b"")
        self.run_for(0.2)
        self.assertEqual(visit.got.body, b"\r\n")
        self.run_for(3.0)
        self.assertEqual(visit.got.body, b"\r\n\r\n")

    def test_gzip(self) -> None:
        """With gzip asked for and allowed, each batch can be read as soon as it is there."""
        self.build(rate=10.0)
        visit = self.ask(gzip=True)
        self.assertIn("content-encoding: gzip", visit.got.head)
        self.run_for(1.0)
        self.assertIn(len(visit.got.messages), (9, 10))
        self.assertLess(len(visit.got.raw), 20_000)

    def test_no_gzip(self) -> None:
        """It can be forbidden."""
        self.build(gzip=False)
        self.assertNotIn("gzip", self.ask(gzip=True).got.head)

    def test_delimited(self) -> None:
        """With delimited=length each message follows its length, CRLF included."""
        self.build(rate=10.0)
        visit = self.ask(params={"track": "a", "delimited": "length"})
        self.run_for(0.5)
        rest, count = visit.got.body, 0
        while rest:
            size, _, rest = rest.partition(b"\n")
            json.loads(rest[: int(size)])
            self.assertEqual(rest[int(size) - 2 : int(size)], b"\r\n")
            rest, count = rest[int(size) :], count + 1
        self.assertIn(count, (4, 5))

    def test_say(self) -> None:
        """Bytes go out as they stand, on every stream."""
        visit = self.ask()
        self.assertEqual(self.simulator.say(b"\xc3\xa9 {not json"), 1)
        self.assertEqual(visit.got.body, b"\xc3\xa9 {not json")

    def test_slow_reader(self) -> None:
        """Who does not read gets nothing more, is warned at 60 %, and is cut off when full."""
        self.build(rate=100.0, backlog=200)
        visit = self.ask(params={"track": "a", "stall_warnings": "true"})
        self.run_for(0.5)
        visit.pause()
        count = len(visit.got.messages)
        self.run_for(1.1)
        self.assertEqual(len(visit.got.messages), count)
        self.run_for(0.2)
        (warning,) = visit.got.messages[count:]
        self.assertEqual(warning["warning"]["code"], "FALLING_BEHIND")
        self.assertTrue(60 <= warning["warning"]["percent_full"] < 65)
        self.assertFalse(visit.hung_up)
        self.run_for(1.0)
        self.assertEqual(visit.got.messages[-1]["disconnect"]["code"], 4)
        self.assertTrue(visit.hung_up)

    def test_reader_catches_up(self) -> None:
        """What was owed is sent when the client reads again."""
        self.build(rate=100.0, backlog=200)
        visit = self.ask()
        visit.pause()
        self.run_for(1.0)
        self.assertEqual(visit.got.messages, [])
        visit.resume()
        self.assertIn(len(visit.got.messages), (99, 100))

    def test_client_leaves(self) -> None:
        """The stream is forgotten, its posts are not, and no timer stays."""
        self.build(rate=100.0)
        visit = self.ask()
        self.run_for(1.0)
        visit.leave()
        self.visits.clear()
        state = self.simulator.state()
        self.assertEqual(state["streams"], [])
        self.assertIn(state["posts"], (99, 100))
        self.assertEqual(self.clock.getDelayedCalls(), [])


class JournalTests(SimulatorTestCase):
    """The record of what was sent."""

    def setUp(self) -> None:
        super().setUp()
        self.path = Path(self.mktemp())
        self.build(Journal(self.path, self.clock), rate=50.0)

    def test_a_line_for_each_post(self) -> None:
        """With time, connect and id, as soon as it is sent."""
        visit = self.ask()
        self.run_for(1.0)
        lines = [line.split() for line in posts_in(self.path)]
        self.assertEqual([int(line[2]) for line in lines], [p["id"] for p in visit.got.messages])
        self.assertEqual({line[1] for line in lines}, {"1"})
        self.assertTrue(EPOCH <= float(lines[0][0]) <= EPOCH + 0.1)
        self.assertRegex(lines[0][0], r"^\d+\.\d{6}$")

    def test_when_there_was_a_stream(self) -> None:
        """A remark when one opens, and one when its connection is gone, whoever ended it."""
        visit = self.ask()
        self.clock.advance(5)
        visit.leave()
        visit = self.ask()
        self.clock.advance(5)
        self.simulator.stop()
        visit.leave()
        events = [(r["time"] - EPOCH, r["stream"], r["connection"]) for r in remarks_in(self.path)]
        first = [(0, "opened", 1), (5, "closed", 1)]
        self.assertEqual(events, [*first, (5, "opened", 2), (10, "closed", 2)])


class MessageFaultTests(SimulatorTestCase):
    """Everything a stream can say besides posts."""

    def said(self, fault: SimulatorFault) -> Any:
        visit = self.ask()
        self.assertEqual(self.simulator.fault(fault), 1)
        return visit.got.messages[-1]

    def test_kinds(self) -> None:
        """Each message has the documented shape."""
        for fault, key, expected in (
            (v1_faults.SimulatedDelete(status_id=5), "delete", {"id": 5, "id_str": "5"}),
            (
                v1_faults.SimulatedScrubGeo(user_id=7),
                "scrub_geo",
                {"user_id": 7, "user_id_str": "7"},
            ),
            (
                v1_faults.SimulatedStatusWithheld(),
                "status_withheld",
                {"withheld_in_countries": ["DE", "AR"]},
            ),
            (
                v1_faults.SimulatedUserWithheld(),
                "user_withheld",
                {"withheld_in_countries": ["DE", "AR"]},
            ),
            (v1_faults.SimulatedStallWarning(percent_full=80), "warning", {"percent_full": 80}),
            (
                v1_faults.SimulatedDisconnect(code=12),
                "disconnect",
                {"code": 12, "reason": "Shed load"},
            ),
        ):
            inner = self.said(fault)[key]
            inner = inner.get("status", inner)
            self.assertEqual({name: inner[name] for name in expected}, expected)
        self.assertEqual(self.said(v1_faults.SimulatedUserUpdate())["event"], "user_update")
        self.assertNotIn("text", self.said(v1_faults.SimulatedUnknown()))

    def test_limit_counters(self) -> None:
        """Two counters take turns, each cumulative."""
        visit = self.ask()
        for missed in (10, 3, 20, 4):
            self.simulator.fault(v1_faults.SimulatedLimit(missed=missed))
        counts = [message["limit"]["track"] for message in visit.got.messages]
        self.assertEqual(counts, [10, 3, 30, 7])
        self.assertEqual(visit.got.messages[0]["limit"]["timestamp_ms"], f"{EPOCH * 1000:.0f}")

    def test_disconnect_closes(self) -> None:
        """Unless it is told not to."""
        first = self.ask()
        self.simulator.fault(v1_faults.SimulatedDisconnect(code=5, close=False))
        self.assertFalse(first.hung_up)
        self.simulator.fault(v1_faults.SimulatedDisconnect(code=5))
        self.assertTrue(first.got.ended and first.hung_up)


class AnswerFaultTests(SimulatorTestCase):
    """Connects that are not answered as they should be."""

    def test_status(self) -> None:
        """The next N connects get the status, with Twitter's words; then all is well."""
        self.simulator.fault(faults.HttpStatusFault(status=420, times=2))
        for _ in range(2):
            visit = self.ask()
            self.assertEqual(visit.got.status, 420)
            self.assertIn("enhance your calm", visit.got.head)
            self.assertIn(b"Too many requests recently", visit.got.body)
            self.assertTrue(visit.hung_up)
        self.assertEqual(self.ask().got.status, 200)

    def test_any_status(self) -> None:
        """Every status of the protocol, and a body and headers of one's own."""
        for status in (401, 403, 404, 406, 413, 416, 429, 500, 503):
            self.simulator.fault(faults.HttpStatusFault(status=status))
            self.assertEqual(self.ask().got.status, status)
        self.simulator.fault(
            faults.HttpStatusFault(status=503, body="closed", headers={"Retry-After": "7"})
        )
        visit = self.ask()
        self.assertEqual(visit.got.body, b"closed")
        self.assertIn("retry-after: 7", visit.got.head)

    def test_redirect(self) -> None:
        """Sent elsewhere."""
        self.simulator.fault(faults.Redirect(to="https://other.test/"))
        visit = self.ask()
        self.assertEqual(visit.got.status, 302)
        self.assertIn("location: https://other.test/", visit.got.head)

    def test_no_answer(self) -> None:
        """Not a byte, and no hanging up."""
        self.simulator.fault(faults.NoAnswer())
        visit = self.ask()
        self.run_for(10.0)
        self.assertEqual(visit.got.raw, b"")
        self.assertFalse(visit.hung_up)
        self.assertEqual(self.simulator.state()["connects"][-1]["status"], 0)

    def test_calm(self) -> None:
        """420 after too many connects, by scaled time."""
        self.build(scale=0.1)
        self.simulator.fault(Calm(connects=1, window=100, ban=20))
        self.assertEqual([self.ask().got.status for _ in range(2)], [200, 420])
        self.clock.advance(10.1)
        self.assertEqual(self.ask().got.status, 200)

    def test_replay(self) -> None:
        """A recorded answer goes out byte for byte, once, and the connection closes."""
        recorded = b"HTTP/1.1 200 OK\nserver: tsa\r\n\r\n\x00\xff not even http"
        self.simulator.replay(recorded)
        visit = self.ask()
        self.assertEqual(visit.got.raw, recorded)
        self.assertTrue(visit.hung_up)
        self.assertEqual(self.ask().got.status, 200)

    def test_replay_that_stays_open(self) -> None:
        """If so wanted."""
        self.simulator.replay(b"HTTP/1.1 200 OK\r\n\r\n", close=False)
        self.assertFalse(self.ask().hung_up)


class StreamFaultTests(SimulatorTestCase):
    """Streams that are hurt."""

    def struck(self, fault: SimulatorFault, **asking: Any) -> Visit:
        visit = self.ask(**asking)
        self.assertEqual(self.simulator.fault(fault), 1)
        return visit

    def test_stall(self) -> None:
        """After a stall nothing comes, keep-alives included, and the connection stays."""
        self.build(rate=10.0)
        visit = self.struck(damage.Stall())
        self.run_for(40.0)
        self.assertEqual(visit.got.body, b"")
        self.assertFalse(visit.hung_up)

    def test_clear(self) -> None:
        """Ends stalls and trickles, and disarms what was armed."""
        self.build(rate=10.0)
        visit = self.struck(damage.Stall())
        self.simulator.fault(faults.HttpStatusFault(status=503, times=9))
        self.simulator.fault(faults.Clear())
        self.run_for(1.0)
        self.assertIn(len(visit.got.messages), (9, 10))
        self.assertEqual(self.ask().got.status, 200)

    def test_at_the_next_connect(self) -> None:
        """A fault can wait for the next streams; a refused connect does not use it up."""
        self.simulator.fault(damage.Close(when="connect", times=2))
        self.assertEqual(self.ask(params={}).got.status, 406)
        for _ in range(2):
            visit = self.ask()
            self.assertEqual((visit.got.status, visit.got.chunks), (200, [b""]))
            self.assertTrue(visit.hung_up)
        self.assertFalse(self.ask().hung_up)

    def test_trickle(self) -> None:
        """A byte at a time."""
        visit = self.struck(damage.Trickle(interval=0.5))
        self.simulator.say(b"abcd")
        self.run_for(1.2)
        self.assertEqual(visit.got.chunks, [b"a", b"b", b"c"])
        self.simulator.fault(faults.Clear())
        self.simulator.say(b"ef")
        self.assertEqual(visit.got.body, b"abcdef")

    def test_trickled_posts(self) -> None:
        """Posts trickle too, none is lost and none is cut short by the next."""
        self.build(rate=4.0)
        visit = self.struck(damage.Trickle(interval=0.001))
        self.run_for(2.0)
        self.assertEqual({len(chunk) for chunk in visit.got.chunks}, {1})
        self.simulator.fault(faults.Clear())
        self.run_for(0.1)
        self.assertIn(len(visit.got.messages), (7, 8))
        self.assertEqual(self.simulator.state()["posts"], len(visit.got.messages))

    def test_split(self) -> None:
        """Chunks end after each byte, within characters, or between CR and LF."""
        for at, chunks in (
            ("byte", [b"\xc3", b"\xa9", b"x", b"\r", b"\n", b"y"]),
            ("utf8", [b"\xc3", b"\xa9x\r\ny"]),
            ("crlf", [b"\xc3\xa9x\r", b"\ny"]),
            ("off", [b"\xc3\xa9x\r\ny"]),
        ):
            visit = self.struck(damage.SplitChunks(at=at))
            self.simulator.say("éx\r\ny".encode())
            self.assertEqual(visit.got.chunks, chunks)

    def test_split_posts(self) -> None:
        """Posts are sent unescaped then, and whole; gzip keeps the pieces apart too."""
        self.build(rate=40.0)
        visit = self.struck(damage.SplitChunks(at="utf8"), gzip=True)
        self.run_for(1.0)
        self.assertIn(len(visit.got.messages), (39, 40))
        self.assertFalse(visit.got.body.isascii())
        gunzip = zlib.decompressobj(31)
        pieces = [gunzip.decompress(chunk) for chunk in visit.got.chunks]
        self.assertTrue(any(piece[-1:] >= b"\xc0" for piece in pieces))

    def test_cut_in_a_post(self) -> None:
        """Half a post, then the end, with a FIN or an RST."""
        for fault, reset in ((damage.Fin(), False), (damage.Rst(), True)):
            visit = self.struck(fault)
            self.assertTrue(visit.got.body.startswith(b'{"created_at"'))
            self.assertNotIn(b"\n", visit.got.body)
            self.assertFalse(visit.got.ended)
            self.run_for(0.1)
            self.assertTrue(visit.hung_up)
            self.assertEqual(visit.transport.disconnected, reset)

    def test_close(self) -> None:
        """The body ends as it should."""
        visit = self.struck(damage.Close())
        self.assertTrue(visit.got.ended and visit.hung_up)

    def test_garbage(self) -> None:
        """A line that is no JSON, and the stream goes on."""
        visit = self.struck(damage.Garbage(line="not é JSON"))
        self.simulator.say(b"{}\r\n")
        self.assertEqual(visit.got.body.decode(), "not é JSON\r\n{}\r\n")

    def test_repeat(self) -> None:
        """The last posts once more, those of a stream before it too."""
        self.build(rate=10.0)
        first = self.ask()
        self.run_for(1.0)
        self.simulator.fault(damage.Close())
        self.simulator.fault(damage.Repeat(count=3, when="connect"))
        self.assertEqual(self.ask().got.messages, first.got.messages[-3:])

    def test_run_together(self) -> None:
        """Two posts in a line."""
        (line,) = self.struck(damage.RunTogether()).got.body.splitlines()
        self.assertEqual(self.simulator.state()["posts"], 2)
        first, second = apart(line)
        self.assertNotEqual(json.loads(first)["id"], json.loads(second)["id"])

    def test_long_line(self) -> None:
        """A post of exactly that size."""
        visit = self.struck(damage.LongLine(size=2_000_000))
        self.assertEqual(len(visit.got.body), 2_000_002)
        self.assertIn("id_str", visit.got.messages[0])
        self.assertEqual(self.simulator.state()["posts"], 1)

    def test_bad_chunk(self) -> None:
        """A chunk size that is none."""
        visit = self.struck(damage.BadChunk())
        self.assertIn(b"\r\n\r\nzz\r\n", visit.got.raw)

    def test_gzip_cut(self) -> None:
        """The chunks end well, the gzip in them does not; without gzip nothing happens."""
        visit = self.struck(damage.GzipCut(), gzip=True)
        self.assertTrue(visit.got.ended and visit.hung_up)
        gunzip = zlib.decompressobj(31)
        gunzip.decompress(b"".join(visit.got.chunks))
        self.assertFalse(gunzip.eof)
        self.assertFalse(self.struck(damage.GzipCut()).hung_up)

    def test_connection_limit(self) -> None:
        """The plain-text line, then the end."""
        visit = self.struck(damage.SimulatedConnectionLimit())
        self.assertEqual(visit.got.body, b"Exceeded connection limit for user\r\n")
        self.assertTrue(visit.hung_up)

    def test_lingering(self) -> None:
        """Who does not read the rest is reset in the end."""
        visit = self.struck(damage.Fin())
        self.run_for(9.9)
        self.assertFalse(visit.transport.disconnected)
        self.run_for(0.2)
        self.assertTrue(visit.transport.disconnected)


class ControlTests(SimulatorTestCase):
    """The URLs under /sandbox."""

    def test_every_fault_by_its_kind(self) -> None:
        """Each kind is understood; those that need more say so."""
        more = {"status": '"status":503', "redirect": '"to":"/"', "long-line": '"size":40000'}
        more |= {"calm": '"connects":3', "takeover": '"notice":true'}
        for kind in catalogue.kinds():
            member = more.get(kind)
            if member:
                reply = self.send(control("fault", b'{"kind":"%b"}' % kind.encode())).got
                self.assertEqual((kind, reply.status), (kind, 400))
            body = f'{{"kind":"{kind}"{"," + member if member else ""}}}'
            reply = self.send(control("fault", body.encode())).got
            self.assertEqual(
                (kind, reply.status, json.loads(reply.body)), (kind, 200, {"streams": 0})
            )

    def test_strikes(self) -> None:
        """A fault that comes by HTTP is the same."""
        visit = self.ask()
        self.send(control("fault", b'{"kind":"disconnect","code":9}'))
        self.assertEqual(visit.got.messages[0]["disconnect"]["code"], 9)

    def test_say_rate_replay(self) -> None:
        """Raw bytes are sent, the rate is set, a recording is armed."""
        visit = self.ask()
        self.assertEqual(
            json.loads(self.send(control("say", b"\xff\r\n")).got.body), {"streams": 1}
        )
        self.assertEqual(visit.got.body, b"\xff\r\n")
        self.assertEqual(self.send(control("rate", b'{"rate": 20}')).got.status, 200)
        self.assertEqual(self.simulator.state()["rate"], 20.0)
        self.send(control("replay", b"HTTP/1.1 299 Odd\r\n\r\n"))
        self.assertEqual(self.ask().got.status, 299)

    def test_state(self) -> None:
        """The same as the method's, as JSON."""
        self.ask()
        reply = self.send(control("state")).got
        self.assertEqual(json.loads(reply.body), self.simulator.state())
        self.assertIn("content-type: application/json", reply.head)

    def test_bad_requests(self) -> None:
        """A 400 with one sentence."""
        for name, body, words in (
            ("fault", b"{", "not JSON"),
            ("fault", b"[]", "no fault"),
            ("fault", b'{"kind":"flood"}', "The kinds are bad-chunk, calm"),
            ("fault", b'{"kind":"stall","x":1}', "unknown field `x`"),
            ("fault", b'{"kind":"long-line","size":9}', "32768"),
            ("rate", b'{"rate":-2}', "must be 0 or more"),
            ("rate", b'{"rate":"2"}', "Expected `float`"),
            ("rate", b"2", "Expected `object`"),
        ):
            reply = self.send(control(name, body)).got
            self.assertEqual(reply.status, 400)
            self.assertIn(words, reply.body.decode())
            self.assertEqual(reply.body.count(b"\n"), 1)

    def test_other_methods(self) -> None:
        """A 405."""
        self.assertEqual(self.send(control("fault")).got.status, 405)
        self.assertEqual(self.send(control("state", b"x")).got.status, 405)


class Client(Protocol):
    """A connection over a real socket; `gone` fires with the kind of its end."""

    def __init__(self, request: bytes) -> None:
        self.received = b""
        self.gone: Deferred[type[BaseException]] = Deferred()
        self._request = request
        self._waiting: list[tuple[Callable[[Response], bool], Deferred[None]]] = []

    def connectionMade(self) -> None:
        """Ask."""
        self.transport.write(self._request)

    def dataReceived(self, data: bytes) -> None:
        """Tell those who wait for it."""
        self.received += data
        for waiting in list(self._waiting):
            condition, deferred = waiting
            if condition(Response(self.received)):
                self._waiting.remove(waiting)
                deferred.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The end."""
        self.gone.callback(type(reason.value))

    def leave(self) -> Deferred[Any]:
        """Hang up; fires when the connection is gone."""
        self.transport.abortConnection()
        return DeferredList([self.gone])

    def when(self, condition: Callable[[Response], bool]) -> Deferred[None]:
        """Fires as soon as what was received fulfils `condition`."""
        deferred: Deferred[None] = Deferred()
        self._waiting.append((condition, deferred))
        self.dataReceived(b"")
        return deferred.addTimeout(10, reactor)


class SocketTests(TestCase):
    """The same over real connections."""

    async def listen(self, clock: Any = reactor, **character: Any) -> Simulator:
        simulator = Simulator(clock, Random(5), SimulatorSettings(**character))
        endpoint = serverFromString(reactor, "tcp:0:interface=127.0.0.1")
        self.port = await endpoint.listen(simulator.site())
        self.addCleanup(simulator.stop)
        self.addCleanup(self.port.stopListening)
        return simulator

    async def connect(self, **asking: Any) -> Client:
        port = self.port.getHost().port
        request = Asking(host=f"127.0.0.1:{port}", **asking).to_bytes(reactor.seconds())
        endpoint = HostnameEndpoint(reactor, "127.0.0.1", port)
        client = await connectProtocol(endpoint, Client(request))
        self.addCleanup(client.leave)
        return client

    async def test_posts_arrive(self) -> None:
        """With gzip, by the hundred."""
        await self.listen(rate=2_000.0)
        client = await self.connect(gzip=True)
        await client.when(lambda got: len(got.messages) >= 100)
        self.assertIn(b"obama", Response(client.received).body)

    async def test_fin_and_rst(self) -> None:
        """The one is an orderly end to TCP, the other none; both come after half a post."""
        simulator = await self.listen()
        for fault, error in ((damage.Fin(), ConnectionDone), (damage.Rst(), ConnectionLost)):
            client = await self.connect()
            await client.when(lambda got: got.status == 200)
            simulator.fault(fault)
            self.assertIs(await client.gone, error)
            self.assertTrue(Response(client.received).body.startswith(b'{"created_at"'))

    async def test_a_reader_that_stops_reading(self) -> None:
        """
        The socket fills, the backlog too, and the stream ends.

        The simulator's time is ours: by the real one, a tick that is late makes up for so much that
        the backlog may be full before a warning was due.
        """
        clock = Clock()
        clock.advance(reactor.seconds())
        simulator = await self.listen(clock, rate=20_000.0, backlog=2_000, gzip=False)
        client = await self.connect(params={"track": "a", "stall_warnings": "true"})
        await client.when(lambda got: got.status == 200)
        client.transport.pauseProducing()
        while simulator.state()["streams"]:
            clock.advance(TICK)
            await deferLater(reactor, 0)
        client.transport.resumeProducing()
        await client.gone
        found = re.findall(rb'FALLING_BEHIND|"disconnect":\{"code":4', client.received)
        self.assertEqual(found, [b"FALLING_BEHIND", b'"disconnect":{"code":4'])

    async def test_stop_ends_everything(self) -> None:
        """Streams, connections without an answer, and those that never asked."""
        simulator = await self.listen()
        stream = await self.connect()
        await stream.when(lambda got: got.status == 200)
        simulator.fault(faults.NoAnswer())
        unanswered = await self.connect()
        idle = await connectProtocol(
            HostnameEndpoint(reactor, "127.0.0.1", self.port.getHost().port), Client(b"")
        )
        await simulator.stop()
        for client in (stream, unanswered, idle):
            await client.gone
        self.assertTrue(Response(stream.received).ended)
        late = await connectProtocol(
            HostnameEndpoint(reactor, "127.0.0.1", self.port.getHost().port), Client(b"")
        )
        await late.gone


def make_certificate(path: Path) -> tuple[Path, Certificate]:
    """A key and a self-signed certificate for localhost, in one PEM file at `path`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.fromtimestamp(reactor.seconds(), UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    secret = key.private_bytes(Encoding.PEM, form, serialization.NoEncryption())
    public = certificate.public_bytes(Encoding.PEM)
    path.write_bytes(secret + public)
    return path, Certificate.loadPEM(public)


class Process(ProcessProtocol):
    """`python -m tcsandbox.twitter`; `printed` fires with its first line."""

    def __init__(self) -> None:
        self.out = b""
        self.err = b""
        self.printed: Deferred[bytes] = Deferred()
        self.ended: Deferred[int] = Deferred()

    def outReceived(self, data: bytes) -> None:
        """A line, perhaps."""
        self.out += data
        if b"\n" in self.out and not self.printed.called:
            self.printed.callback(self.out)

    def errReceived(self, data: bytes) -> None:
        """Keep it."""
        self.err += data

    def processEnded(self, reason: Failure) -> None:
        """Tell the exit status."""
        if not self.printed.called:
            self.printed.callback(self.out)
        self.ended.callback(reason.value.exitCode)


@needs(Need.PROCESSES)
class CommandTests(TestCase):
    """The simulator on its own."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()

    def start(self, *arguments: str) -> Process:
        process = Process()
        command = [sys.executable, "-m", "tcsandbox.twitter", *arguments]
        reactor.spawnProcess(process, sys.executable, command, env=None)
        return process

    async def test_listens_and_ends_cleanly(self) -> None:
        """It says where it listens, streams what it is asked, and ends at SIGTERM with 0."""
        journal = self.mktemp()
        process = self.start("--port", "0", "--rate", "100", "--journal", journal)
        line = (await process.printed).decode()
        found = re.match(
            r"Simulated Twitter at http://127\.0\.0\.1:(\d+)/1\.1/ for v1\.1 and ", line
        )
        self.assertIsNotNone(found, line)
        port = int(found[1])
        request = Asking(host=f"127.0.0.1:{port}").to_bytes(reactor.seconds())
        client = await connectProtocol(
            HostnameEndpoint(reactor, "127.0.0.1", port), Client(request)
        )
        await client.when(lambda got: len(got.messages) >= 3)
        process.transport.signalProcess(signal.SIGTERM)
        self.assertEqual(await process.ended, 0)
        await client.gone
        got = Response(client.received)
        self.assertTrue(got.ended)
        sent = journaled(Path(journal))
        self.assertEqual([post["id"] for post in got.messages], sent)

    async def test_what_it_prints(self) -> None:
        """With these members of its settings, either of `twitter`, a client gets its posts."""
        process = self.start("--port", "0", "--rate", "100", "--rule-delay", "0")
        lines = (await process.printed).decode().splitlines()
        for number, section in enumerate(lines[1:3]):
            stand = Stand(self.folder / str(number))
            self.addCleanup(stand.end)
            stand.settings()
            path = stand.folder / "settings.json"
            printed = json.loads(f"{{{section}, {lines[3]}}}")
            path.write_text(json.dumps(json.loads(path.read_text()) | printed))
            client = await stand.captures()
            await client.end()
        process.transport.signalProcess(signal.SIGTERM)
        self.assertEqual(await process.ended, 0)

    async def test_tls(self) -> None:
        """With a certificate it speaks TLS."""
        pem, certificate = make_certificate(Path(self.mktemp()))
        process = self.start("--port", "0", "--rate", "50", "--certificate", str(pem))
        line = (await process.printed).decode()
        found = re.match(
            r"Simulated Twitter at https://127\.0\.0\.1:(\d+)/1\.1/ for v1\.1 and ", line
        )
        self.assertIsNotNone(found, line)
        asking = Asking(host=f"localhost:{found[1]}", scheme="https")
        endpoint = wrapClientTLS(
            optionsForClientTLS("localhost", trustRoot=certificate),
            HostnameEndpoint(reactor, "127.0.0.1", int(found[1])),
        )
        client = await connectProtocol(endpoint, Client(asking.to_bytes(reactor.seconds())))
        await client.when(lambda got: len(got.messages) >= 3)
        client.transport.abortConnection()
        process.transport.signalProcess(signal.SIGINT)
        self.assertEqual(await process.ended, 0)
        await client.gone

    async def test_cannot_start(self) -> None:
        """A file that is not there ends it with status 1 and one sentence."""
        process = self.start("--port", "0", "--replay", "/does/not/exist")
        self.assertEqual(await process.ended, 1)
        self.assertEqual(process.err.count(b"\n"), 1)
        self.assertIn(b"/does/not/exist", process.err)

    def test_bad_arguments(self) -> None:
        """Each is refused with status 2 before anything starts."""
        for arguments in (
            *(["--port", "x"], ["--port", "0", "--rate", "-1"], ["--port", "0", "--scale", "0"]),
            *([], ["--port", "0", "--what"], ["--port", "0", "--key", "k.pem"]),
        ):
            with contextlib.redirect_stderr(io.StringIO()) as said:
                error = self.assertRaises(SystemExit, main, arguments)
            self.assertEqual(error.code, 2)
            self.assertEqual(said.getvalue().count("\n"), 1)
