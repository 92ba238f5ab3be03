"""The streams of X API v2: what is asked for, tokens, and what a refused one does to a stream."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import LogEvent, capturedLogs, formatEvent
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from tcclient.ledger.endings import Ending
from tcclient.runtime.backoff import Backoff, Trouble
from tcclient.sources.twitter_v2.api import (
    STALL_TIMEOUT,
    PostsApi,
    StreamQuery,
    disconnect_meaning,
)
from tcclient.sources.twitter_v2.backfill import Backfill
from tcclient.sources.twitter_v2.bearer import Bearer, NoToken
from tcclient.sources.twitter_v2.fields import parameters
from tcclient.stream.capturestream import CaptureStream, Upstream
from tcclient.stream.framing import Overlong
from tcclient.stream.streamapi import StreamListener
from tcclient.stream.troublelog import TroubleLog
from tests.sources.twitter_v2.xapi import AGENT, GIVEN, KEY, SECRET, XTestCase

SEARCH, SAMPLE = StreamQuery(), StreamQuery(is_sample=True)
TOKEN, STREAM = "/oauth2/token", "/2/tweets/search/stream"
TYPES = {
    "OperationalDisconnect": None,
    "UpstreamOperationalDisconnect": None,
    "UpstreamUncleanDisconnect": None,
    "SlowReader": None,
    "ForceDisconnect": Trouble.HTTP,
    "InternalError": Trouble.HTTP,
    "InvalidRules": Trouble.HTTP,
    "ClientApplicationStateDegraded": Trouble.REFUSED,
}


class V2TestCase(XTestCase):
    """An API whose other side is in memory."""

    def api(self, bearer: Bearer | None = None, **fields: str) -> PostsApi:
        """Return an API that buys its token unless it is given one."""
        bearer = bearer or self.bearer()
        return PostsApi(self.client, bearer, fields)


class RequestTests(V2TestCase):
    """What is asked for."""

    def test_the_streams(self) -> None:
        """Address, token, name; the parameters are escaped."""
        api = self.api(self.bearer(given=GIVEN), **{"tweet.fields": "a,b c", "x": "&é"})
        for query, path in ((SEARCH, STREAM), (SAMPLE, "/2/tweets/sample/stream")):
            api.open(query)
            asked = self.x.asked[-1]
            self.assertEqual((asked.method, asked.path), ("GET", path))
            self.assertEqual(asked.query, "tweet.fields=a%2Cb+c&x=%26%C3%A9")
            self.assertEqual(asked.headers["authorization"], [f"Bearer {GIVEN.reveal()}"])
            self.assertEqual(asked.headers["user-agent"], [AGENT])
            self.assertEqual(f"/2/{api.endpoint(query)}", path)

    def test_all_fields_fit_into_an_address(self) -> None:
        """Servers take 8,000 bytes of it."""
        self.api(self.bearer(given=GIVEN), **parameters(None)).open(SEARCH)
        self.assertLess(len(self.x.asked[0].query), 4000)

    def test_silence(self) -> None:
        """A keep-alive comes every 20 s; some margin is needed, much of it costs posts."""
        self.assertEqual((self.api().stall_timeout, STALL_TIMEOUT), (30.0, 30.0))

    def test_queries(self) -> None:
        """Say what they are, and are equal where they ask for the same."""
        self.assertEqual((str(SEARCH), str(SAMPLE)),
                         ("what the rules match", "the sample of all posts"))  # fmt: skip
        self.assertEqual(SEARCH, StreamQuery())
        self.assertNotEqual(SEARCH, SAMPLE)

    def test_redirects_are_not_followed(self) -> None:
        """They would carry the token elsewhere."""
        self.x.will_say(302, b"", Location="https://elsewhere.example/")
        answer = self.successResultOf(self.api(self.bearer(given=GIVEN)).open(SEARCH))
        self.assertEqual((answer.code, len(self.x.asked)), (302, 1))


class TokenTests(V2TestCase):
    """Tokens that are bought, and refused."""

    def opened(self, api: PostsApi) -> IResponse:
        """The answer to an attempt."""
        return self.successResultOf(api.open(SEARCH))

    def test_bought_for_the_first_attempt(self) -> None:
        """And kept for the next."""
        api = self.api()
        self.sells("AAA")
        self.x.will_say(200)
        self.x.will_say(200)
        self.opened(api)
        self.opened(api)
        self.assertEqual(self.paths, [TOKEN, STREAM, STREAM])

    def test_bought_anew_once(self) -> None:
        """After a 401; the attempt goes on with the new one, and no connection is left behind."""
        api = self.api()
        self.sells("AAA")
        self.x.will_say(401, b"x" * 10_000)
        self.sells("BBB")
        self.x.will_say(200)
        self.assertEqual(self.opened(api).code, 200)
        self.assertEqual(self.paths, [TOKEN, STREAM] * 2)
        self.assertEqual(self.x.asked[-1].headers["authorization"], ["Bearer BBB"])

    def test_refused_again(self) -> None:
        """Then that is the answer."""
        api = self.api()
        for attempt in range(3):
            if not attempt:
                self.sells("AAA")
            self.x.will_say(401)
            self.sells("BBB")
            self.x.will_say(401)
            self.assertEqual(self.opened(api).code, 401)
        self.assertEqual(self.paths.count(TOKEN), 4)

    def test_given(self) -> None:
        """Its 401 is the answer; keys make no difference."""
        api = self.api(self.bearer(given=GIVEN))
        self.x.will_say(401)
        self.assertEqual(self.opened(api).code, 401)
        self.assertEqual(self.paths, [STREAM])

    def test_stream_and_rules_share_it(self) -> None:
        """Two attempts at once buy one token, after a 401 too."""
        api = self.api()
        self.sells("AAA")
        for _ in range(2):
            api.open(SEARCH)
        self.assertEqual(self.paths, [TOKEN, STREAM, STREAM])
        for _ in range(2):
            self.x.say(401, b"")
        self.client.flush()
        self.assertEqual(self.paths.count(TOKEN), 2)
        self.x.say(200, b'{"token_type":"bearer","access_token":"BBB"}')
        self.client.flush()
        self.assertEqual(self.paths.count(TOKEN), 2)
        self.assertEqual([asked.headers["authorization"] for asked in self.x.asked[-2:]],
                         [["Bearer BBB"]] * 2)  # fmt: skip

    def test_none_to_be_had(self) -> None:
        """The attempt fails with that."""
        self.x.will_say(403)
        self.failureResultOf(self.api().open(SEARCH), NoToken)

    def test_cancelled_while_one_is_bought(self) -> None:
        """No attempt is made later."""
        attempt = self.api().open(SEARCH)
        attempt.cancel()
        self.failureResultOf(attempt)
        self.client.flush()
        self.assertEqual(self.paths, [TOKEN])


class BackfillTests(V2TestCase):
    """What was missed is asked for, where it is wanted."""

    def setUp(self) -> None:
        super().setUp()
        self.backfill = Backfill(wanted=True)
        self.backfill.resume(59.0, self.clock.seconds())
        self.asker = self.api(self.bearer(given=GIVEN))
        self.asker.backfill = self.backfill

    @property
    def minutes(self) -> list[str]:
        """What was asked for."""
        return [asked.query.removeprefix("backfill_minutes=") for asked in self.x.asked]

    def test_until_now(self) -> None:
        """The time until the request is missed too."""
        self.x.will_say(200)
        self.clock.advance(2)
        self.successResultOf(self.asker.open(SEARCH))
        self.assertEqual((self.minutes, self.backfill.asked), (["2"], 2))

    def test_refused(self) -> None:
        """The stream is opened without, and it is not asked for again."""
        for status in (403, 200, 200):
            self.x.will_say(status)
        for _ in range(2):
            self.assertEqual(self.successResultOf(self.asker.open(SEARCH)).code, 200)
            self.assertIsNone(self.backfill.asked)
        self.assertEqual(self.minutes, ["1", "", ""])

    def test_the_sample(self) -> None:
        """X has none of it."""
        self.asker.open(SAMPLE)
        self.assertEqual(self.minutes, [""])


class MeaningTests(V2TestCase):
    """What answers and messages mean."""

    def test_refusals(self) -> None:
        """By the clock of this machine, and without our secrets."""
        headers = Headers({"x-rate-limit-reset": [repr(self.clock.seconds() + 77)]})
        refusal = self.api().refusal(429, headers, f"<p>{KEY.reveal()}</p>".encode())
        self.assertEqual((refusal.trouble, refusal.at_least), (Trouble.RATE_LIMIT, 77.0))
        self.assertEqual(refusal.explanation, "...")

    def test_disconnects(self) -> None:
        """Every known type has words of its own; the others are quoted, on one short line."""
        words = {type_: disconnect_meaning(type_) for type_ in TYPES}
        self.assertEqual(len({text for text, _ in words.values()}), len(TYPES))
        for type_, trouble in TYPES.items():
            self.assertNotIn(type_, words[type_][0])
            self.assertIs(words[type_][1], trouble, type_)
        for unknown, text in (
            ("NewReason", "NewReason"),
            ("x" * 500, "x" * 60),
            ("a\nb\x1b[2J", "a b [2J"),
            (None, "without saying why"),
            ("['a']", "['a']"),
            ("{}", "{}"),
            (str(10**100), "1" + "0" * 59),
        ):
            self.assertEqual(disconnect_meaning(unknown), (text, None))
        for detail, text in (("Too\nmany.", "'Too many.'"), ("x" * 500, repr("x" * 120))):
            self.assertEqual(disconnect_meaning(None, detail), (text, None))
            self.assertEqual(disconnect_meaning("NewReason", detail), ("NewReason", None))


class Ear(StreamListener):
    """A listener that counts the `openings` of a stream and keeps its endings."""

    def __init__(self) -> None:
        self.openings = 0
        self.endings: list[Ending] = []

    def opened(self) -> None:
        """Count it."""
        self.openings += 1

    def heard(self) -> None:
        """Pass over it."""

    def received(self, messages: list[bytes | Overlong]) -> None:
        """Pass over the messages."""

    def ended(self, ending: Ending) -> None:
        """Keep the reason."""
        self.endings.append(ending)


class StreamTests(V2TestCase):
    """The attempts of a stream."""

    def start(self, bearer: Bearer | None = None) -> CaptureStream[StreamQuery]:
        """A stream; it is stopped at the end of the test."""
        self.ear = Ear()
        upstream = Upstream(self.api(bearer), Backoff(), self.clock)
        stream = CaptureStream(upstream, SEARCH, self.ear)
        stream.startService()
        self.addCleanup(self.stop, stream)
        return stream

    def stop(self, stream: CaptureStream[StreamQuery]) -> None:
        """It goes, and leaves nothing behind."""
        stopped: Deferred[Any] = stream.stopService()
        self.client.flush()
        self.successResultOf(stopped)

    def test_wrong_keys(self) -> None:
        """A clear refusal, and the longest wait: the token endpoint is not asked every 16 s."""
        for _ in range(4):
            self.x.will_say(403, {"errors": [{"code": 99, "message": "Unable to verify"}]})
        self.start()
        (ending,) = self.ear.endings
        self.assertEqual((ending.cause, ending.status), ("refused", None))
        self.assertEqual(ending.detail, "the token endpoint answered 403")
        self.assertIs(ending.trouble, Trouble.REFUSED)
        assert ending.refusal is not None
        self.assertIn("api_key and api_secret", ending.refusal.advice)
        self.assertFalse(ending.was_connected)
        self.assertEqual(ending.wait, Trouble.REFUSED.ramp.first)
        self.clock.pump([1.0] * 319)
        self.assertEqual(len(self.x.asked), 1)
        self.clock.advance(1)
        self.assertEqual(self.paths, [TOKEN, TOKEN])

    def test_for_ledger_and_log(self) -> None:
        """What X said, and what to do; no secret."""
        said = f"No {SECRET.reveal()} for {KEY.reveal()}!"
        self.x.will_say(403, {"title": "Forbidden", "detail": said, "type": "about:blank"})
        self.start()
        (ending,) = self.ear.endings
        fields = ending.for_ledger().members()
        self.assertEqual(fields["cause"], "refused")
        self.assertEqual(fields["explanation"], "No ... for ...!")
        with capturedLogs() as events:
            TroubleLog(self.clock).ended(["snow"], ending)
        (said,) = texts(events)
        self.assertEqual(
            said,
            "Capture 'snow' has no stream: the token endpoint answered 403. Check api_key and "
            "api_secret in the settings: X gives no bearer token for them. The answer says: "
            "'No ... for ...!'. Next try in 320 s.",
        )

    def test_the_token_endpoint_is_busy(self) -> None:
        """Its refusals have the ramps of the stream's, resets included."""
        reset = repr(self.clock.seconds() + 1000)
        self.x.will_say(429, b"", x_rate_limit_reset=reset, Date="")
        self.start()
        self.assertEqual(self.ear.endings[0].wait, 1000)
        self.x.will_say(503)
        self.clock.advance(1000)
        self.assertEqual((self.ear.endings[1].trouble, self.ear.endings[1].wait),
                         (Trouble.HTTP, 5.0))  # fmt: skip

    def test_refused_tokens(self) -> None:
        """Two 401 in a row: the longest wait, and one new token for each attempt."""
        self.sells("AAA")
        self.x.will_say(401)
        self.sells("BBB")
        self.x.will_say(401, {"errors": [{"code": 89, "message": "Bad BBB"}]})
        self.start()
        (ending,) = self.ear.endings
        self.assertEqual((ending.status, ending.wait), (401, 320.0))
        assert ending.refusal is not None
        self.assertEqual(ending.refusal.explanation, "Bad ...")
        self.clock.pump([1.0] * 319)
        self.assertEqual(len(self.x.asked), 4)

    def test_recovered(self) -> None:
        """An old token is nothing that anybody hears of."""
        self.sells("AAA")
        self.x.will_say(401)
        self.sells("BBB")
        self.start()
        self.x.waiting[0].write(b"\r\n")
        self.client.flush()
        self.assertEqual((self.ear.openings, self.ear.endings), (1, []))

    def test_stopped_while_a_token_is_bought(self) -> None:
        """At once, and without a word."""
        self.stop(self.start())
        self.assertEqual((self.paths, self.ear.endings), ([TOKEN], []))


def texts(events: list[LogEvent]) -> list[str]:
    """The lines of a log."""
    return [formatEvent(event) for event in events]
