"""What each refusal of X API v2 means."""

import json
import os
import sys
import time
from collections.abc import Iterable
from email.utils import formatdate
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from tcclient.runtime.backoff import Refusal, Trouble
from tcclient.runtime.secrets import Secret
from tcclient.sources.twitter_v2.problems import LONGEST_WINDOW, SLOT, refusal
from tests.peers import EPOCH

TOKEN = Secret("AAAA%2FQtokenQ%3D")
TYPE = "https://api.twitter.com/2/problems/"
HTML = b"<html><head><title>502</title></head><body><h1>Bad Gateway</h1>nginx</body></html>"
SLOT_DETAIL = "This stream is currently at the maximum allowed connection limit."


def meaning(
    status: int,
    body: object = b"",
    headers: dict[str, str] | None = None,
    now: float = EPOCH,
    secrets: Iterable[Secret] = (),
) -> Refusal:
    """What an answer means whose body is these bytes, or this as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    raw = Headers({name: [value] for name, value in (headers or {}).items()})
    return refusal(status, raw, content, now, secrets)


def problem(title: str, kind: str, detail: str = "Words.", **more: object) -> dict[str, object]:
    """A problem document."""
    return {"title": title, "detail": detail, "type": TYPE + kind, **more}


def connection(issue: str | None, detail: str = "Words.") -> dict[str, object]:
    """The problem document of a stream that is not opened."""
    more = {} if issue is None else {"connection_issue": issue}
    return problem("ConnectionException", "streaming-connection", detail, **more)


BLANK = {"title": "Unauthorized", "detail": "Unauthorized", "type": "about:blank", "status": 401}
NOT_ENROLLED = problem("Client Forbidden", "client-forbidden", reason="client-not-enrolled")
CASES: tuple[tuple[int, Any, Trouble, str], ...] = (
    # the token
    (401, problem("Unauthorized", "x"), Trouble.REFUSED, "twitter_auth"),
    (401, {"errors": [{"code": 89, "message": "Bad"}]}, Trouble.REFUSED, "twitter_auth"),
    (401, BLANK, Trouble.REFUSED, "twitter_auth"),
    (401, b"", Trouble.REFUSED, "twitter_auth"),
    (403, problem("x", "unsupported-authentication"), Trouble.REFUSED, "twitter_auth"),
    # the plan
    (402, problem("CreditsDepleted", "credits"), Trouble.REFUSED, "Buy credits"),
    (402, b"", Trouble.REFUSED, "Buy credits"),
    (403, problem("CreditsDepleted", "credits"), Trouble.REFUSED, "Buy credits"),
    (403, problem("SpendCapReached", "spend-cap"), Trouble.REFUSED, "spending limit"),
    (403, NOT_ENROLLED, Trouble.REFUSED, "Enrol"),
    (403, problem("Client Forbidden", "client-forbidden"), Trouble.REFUSED, "plan does not have"),
    (403, b"", Trouble.REFUSED, "plan does not have"),
    *(
        (status, problem("UsageCapExceeded", "usage-capped", period=period), Trouble.REFUSED, "cap")
        for status in (403, 429)
        for period in ("Daily", "Monthly")
    ),
    (429, {"errors": [problem("UsageCapExceeded", "usage-capped")]}, Trouble.REFUSED, "cap"),
    # the slot
    (429, connection("TooManyConnections"), SLOT, "taken"),
    (429, {"errors": [connection("TooManyConnections")]}, SLOT, "taken"),
    (429, connection(None), SLOT, "taken"),
    # the rules
    (409, connection("RuleConfigurationIssue"), Trouble.HTTP, "no rule in force"),
    (409, b"", Trouble.HTTP, "no rule in force"),
    (409, connection("RulesInvalidIssue"), Trouble.HTTP, "no longer accepts a rule"),
    (422, problem("RulesCapExceeded", "rule-cap"), Trouble.HTTP, "as many rules"),
    (400, {"errors": [problem("RulesCapExceeded", "rule-cap")]}, Trouble.HTTP, "as many rules"),
    # the rate
    (429, {"errors": [{"code": 88, "message": "Slow"}]}, Trouble.RATE_LIMIT, "Too many requests"),
    (429, problem("Too Many Requests", "x"), Trouble.RATE_LIMIT, "Too many requests"),
    (429, b"", Trouble.RATE_LIMIT, "Too many requests"),
    (420, b"", Trouble.RATE_LIMIT, "Too many requests"),
    # the address
    *((status, b"", Trouble.REFUSED, "api_url") for status in (301, 302, 303, 307, 308, 404)),
    # the request
    *((status, b"", Trouble.REFUSED, "section twitter") for status in (400, 405, 410, 422)),
    # X
    (503, connection("ProvisioningSubscription"), Trouble.HTTP, "setting up"),
    (503, problem("Service Unavailable", "x"), Trouble.HTTP, "X's side"),
    *((status, b"", Trouble.HTTP, "X's side") for status in (408, 500, 502, 503, 504, 599)),
    # neither: pages, words, and JSON that is no problem document
    *((status, HTML, Trouble.HTTP, "in between") for status in (400, 401, 402, 403, 404, 409, 503)),
    (401, b"RBAC: access denied", Trouble.HTTP, "in between"),
    (403, {"message": "no Route matched with those values"}, Trouble.HTTP, "in between"),
    (403, [1], Trouble.HTTP, "in between"),
    *(
        (status, body, Trouble.HTTP, "in between")
        for status in (401, 404)
        for body in (
            {"detail": "Not Found"},
            {"error": "Not Found"},
            {"title": "Not Found", "status": 404},
            {"status": 404, "error": "Not Found", "path": "/2/tweets/search/stream"},
            {"type": "https://tools.ietf.org/html/rfc9110#section-15.5.5", "title": "Not Found"},
            {**BLANK, "title": "Not Found", "instance": "/2/tweets"},
            {"errors": [{"message": "no such query"}]},
            {"errors": "no"},
        )
    ),
    *((status, HTML, Trouble.RATE_LIMIT, "in between") for status in (420, 429)),
    # X's, cut
    (401, b'{"title":"Unauthorized","detail":"Unau', Trouble.REFUSED, "twitter_auth"),
    *((status, b"", Trouble.HTTP, "X's side") for status in (201, 202, 204)),
)


class MeaningTests(SynchronousTestCase):
    """Trouble and advice."""

    def test_table(self) -> None:
        """Status, body -> ramp, and a word of the advice, which is a sentence or two."""
        for status, body, trouble, word in CASES:
            found = meaning(status, body)
            self.assertIs(found.trouble, trouble, (status, body))
            self.assertIn(word, found.advice, (status, body))
            self.assertTrue(found.advice.endswith("."))
            self.assertEqual(found.at_least, 0.0)

    def test_a_taken_slot_is_no_rate_limit(self) -> None:
        """Its reset header speaks of requests, of which there are some left."""
        headers = {"x-rate-limit-reset": str(EPOCH + 800), "x-rate-limit-remaining": "49"}
        self.assertEqual(meaning(429, connection("TooManyConnections"), headers).at_least, 0.0)

    def test_names_in_other_members_mean_nothing(self) -> None:
        """Words for people may quote anything."""
        found = meaning(429, {"detail": "TooManyConnections", "x": ["credits"]})
        self.assertIs(found.trouble, Trouble.RATE_LIMIT)


class ExplanationTests(SynchronousTestCase):
    """X's own words."""

    def test_which(self) -> None:
        """Body -> what is shown of it."""
        for body, text in (
            (connection("TooManyConnections", SLOT_DETAIL), SLOT_DETAIL),
            ({"title": "Unauthorized"}, "Unauthorized"),
            ({"detail": "", "title": "Unauthorized"}, "Unauthorized"),
            ({"errors": [{"code": 88, "message": "Rate limit exceeded"}]}, "Rate limit exceeded"),
            ({"detail": "Bad.", "errors": [{"message": "It is 7"}]}, "Bad. It is 7"),
            ({"errors": [{"message": "Bad"}, {"message": "Bad"}]}, "Bad"),
            ({"detail": ["a"], "errors": "b"}, '{"detail": ["a"], "errors": "b"}'),
            (HTML, "502: Bad Gateway nginx"),
            (b"[1]", "[1]"),
            (b"Bad\x00 \xff\n", "Bad \ufffd"),
            (b'{"detail":"\\ud800\\u001b[2J"}', "? [2J"),
            (b"", ""),
        ):
            self.assertEqual(meaning(500, body).explanation, text, body)

    def test_secrets(self) -> None:
        """They are left out of all of it, however JSON writes them."""
        for body in (
            {"detail": f"Bad token {TOKEN.reveal()}"},
            json.dumps({"errors": [{"message": TOKEN.reveal()}]}).replace("%", "\\u0025").encode(),
            f"<p>{TOKEN.reveal()}</p>".encode(),
        ):
            found = meaning(401, body, secrets=(TOKEN,))
            self.assertIn("...", found.explanation)
            self.assertNotIn("Qtoken", repr(found))


class ResetTests(SynchronousTestCase):
    """How long a rate limit lasts."""

    def at_least(self, reset: str, date: str | None = None, now: float = EPOCH) -> float:
        """The wait for these headers."""
        headers = {"x-rate-limit-reset": reset} | ({} if date is None else {"Date": date})
        return meaning(429, b"", headers, now).at_least

    def in_tokyo(self) -> None:
        """Where the process is, until the end of the test."""
        before = os.environ.get("TZ")

        def go(zone: str | None) -> None:
            os.environ.pop("TZ", None)
            os.environ.update({} if zone is None else {"TZ": zone})
            time.tzset()

        self.addCleanup(go, before)
        go("Asia/Tokyo")

    def test_until_the_reset(self) -> None:
        """By this machine's clock, for want of another."""
        for reset, seconds in (
            (EPOCH + 900, 900),
            (EPOCH + 0.5, 0.5),
            (EPOCH + LONGEST_WINDOW, LONGEST_WINDOW),
            # the past
            *((EPOCH, 0), (EPOCH - 1, 0), (0, 0), (-1e300, 0)),
            # no window is that long: the ramp decides
            *((EPOCH + LONGEST_WINDOW + 1, 0), (EPOCH * 1000, 0), (1e300, 0)),
        ):
            self.assertEqual(self.at_least(repr(reset)), seconds, reset)

    def test_no_number(self) -> None:
        """Is no header."""
        for text in ("", "soon", "nan", "inf", "-inf", "1e999", "0x10", "é", "1,5"):
            self.assertEqual(self.at_least(text), 0, text)
        self.assertEqual(meaning(429).at_least, 0)
        raw = Headers({b"x-rate-limit-reset": [b"\xff"], b"Date": [b"\xff"]})
        self.assertEqual(refusal(429, raw, b"", EPOCH, ()).at_least, 0)

    def test_of_rate_limits_only(self) -> None:
        """Every answer has the header."""
        for status in (200, 401, 403, 500, 503):
            self.assertEqual(meaning(status, b"", {"x-rate-limit-reset": "1e10"}).at_least, 0)
        cap = problem("UsageCapExceeded", "usage-capped")
        self.assertEqual(meaning(429, cap, {"x-rate-limit-reset": repr(EPOCH + 9)}).at_least, 0)

    def test_by_the_others_clock(self) -> None:
        """The reset is in X's time, which the Date header tells; ours may be wrong."""
        date, reset = formatdate(EPOCH, usegmt=True), repr(EPOCH + 300)
        for off in (0, 59, -59, 61, -61, 7200, -7200, 10**9, -EPOCH):
            self.assertEqual(self.at_least(reset, date, EPOCH + off), 300, off)

    def test_dates_without_zone(self) -> None:
        """The old forms mean GMT, wherever this machine stands."""
        self.in_tokyo()
        for date in ("Tue Nov 14 22:13:20 2023", "Tue, 14 Nov 2023 22:13:20 -0000"):
            self.assertEqual(self.at_least(repr(EPOCH + 300), date, EPOCH + 7200), 300, date)

    def test_no_date(self) -> None:
        """Then this machine's clock has to do."""
        for date in ("", "soon", "Tue, 99 Nov 2023 22:13:20 GMT", "Tue, 14 Nov 99999 22:13:20 GMT"):
            self.assertEqual(self.at_least(repr(EPOCH + 300), date), 300, date)


class ClockTests(SynchronousTestCase):
    """A wrong clock is said where it matters."""

    def advice(self, off: float) -> str:
        """What a machine is told whose clock is that much off."""
        headers = {"x-rate-limit-reset": "1", "Date": formatdate(EPOCH, usegmt=True)}
        return meaning(429, b"", headers, EPOCH + off).advice

    def test_off(self) -> None:
        """By more than a minute, either way; the header has no fractions."""
        for off in (0, 60, -60):
            self.assertNotIn("clock", self.advice(off), off)
        for off, text in ((61, "61 s off."), (-61, "61 s off."), (7200.4, "7200 s off.")):
            self.assertIn("clock", self.advice(off))
            self.assertTrue(self.advice(off).endswith(text), off)

    def test_not_remembered(self) -> None:
        """The next answer is judged for itself."""
        self.advice(7200)
        self.assertNotIn("clock", self.advice(0))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("title", "type", "reason", "detail", "errors", "message", "x")),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


class AnythingTests(SynchronousTestCase):
    """Never an error, whatever comes."""

    def check(self, found: Refusal) -> None:
        """It can be logged, and waited for."""
        self.assertTrue(found.explanation.isprintable())
        self.assertTrue(0 <= found.at_least <= LONGEST_WINDOW)

    @given(st.integers(100, 999), st.binary(max_size=300), st.text(max_size=30))
    def test_any_bytes(self, status: int, body: bytes, header: str) -> None:
        """As body and headers."""
        text = header.encode("utf-8", "replace").decode().replace("\0", "")
        self.check(meaning(status, body, {"x-rate-limit-reset": text, "Date": text}))

    @given(st.sampled_from((401, 403, 409, 429, 503)), json_values)
    def test_any_json(self, status: int, value: object) -> None:
        """Of unexpected shapes."""
        self.check(meaning(status, value))

    def test_deep_json(self) -> None:
        """Python reads what it may fail to walk through: whatever the depth, at the limit too."""
        for depth in (10, 500, *range(800, sys.getrecursionlimit() + 1, 3), 2000):
            for begin, end in ((b"[", b"]"), (b'{"errors":', b"}"), (b'{"errors":[', b"]}")):
                body = begin * depth + b"1" + end * depth
                self.check(meaning(429, b'{"errors":' + body + b"}"))

    def test_huge_numbers(self) -> None:
        """Python refuses to read integers of that length."""
        self.check(meaning(429, b'{"title":' + b"1" * 5000 + b"}"))
