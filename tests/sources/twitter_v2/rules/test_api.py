"""The rules of an app: what is asked for, and what is made of X's answers."""

import json
from collections.abc import Coroutine
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs
from twisted.trial.unittest import TestCase

from tcclient.http.clients import rest_client
from tcclient.http.jsontext import MOST_BYTES
from tcclient.runtime.backoff import Trouble
from tcclient.runtime.secrets import Secret
from tcclient.sources.twitter_v2.bearer import TIMEOUT as TOKEN_TIMEOUT
from tcclient.sources.twitter_v2.bearer import Bearer
from tcclient.sources.twitter_v2.rules.api import (
    MOST_PAGES,
    SMALLEST_PAGE,
    TIMEOUT,
    RuleApi,
    RuleError,
)
from tcclient.sources.twitter_v2.rules.ruleset import NewRule, PresentRule
from tests.peers import EPOCH, clock_at
from tests.sources.twitter_v2.xapi import AGENT, GIVEN, KEY, SECRET, XTestCase

TYPE = "https://api.twitter.com/2/problems/"
EMPTY = {"meta": {"sent": "2026-01-15T10:30:00.000Z", "result_count": 0}}
SNOW = {"id": "17", "value": "snow", "tag": "tcc:1:2"}
NEW = (NewRule("snow", "tcc:1:2"), NewRule('"a b" "ü"', "tcc:1:3"))
RULES = "/2/tweets/search/stream/rules"


def summary(created: int, not_created: int, valid: int, invalid: int) -> dict[str, object]:
    """What comes with the answer to an addition."""
    counts = {"created": created, "not_created": not_created, "valid": valid, "invalid": invalid}
    return {"sent": "2026-01-15T10:30:00.000Z", "summary": counts}


def duplicate(value: str) -> dict[str, object]:
    """The error of a rule that the app has already."""
    return {
        "value": value,
        "id": "17",
        "title": "DuplicateRule",
        "type": f"{TYPE}duplicate-rules",
    }


def invalid(value: str, *details: str) -> dict[str, object]:
    """The error of a rule that cannot be read."""
    kind = {"title": "UnprocessableEntity", "type": f"{TYPE}invalid-rules"}
    return {"value": value, "details": list(details), **kind}


class RulesTestCase(XTestCase):
    """The API with a token that was given, unless a test buys one."""

    def setUp(self) -> None:
        super().setUp()
        self.api = self.api_with(self.bearer(given=GIVEN))

    def api_with(self, bearer: Bearer) -> RuleApi:
        """The API, with this bearer token."""
        return RuleApi(bearer)

    def result(self, call: Coroutine[Deferred[Any], Any, Any]) -> Any:
        """What the call returns."""
        return self.successResultOf(Deferred.fromCoroutine(call))

    def error(self, call: Coroutine[Deferred[Any], Any, Any] | None = None) -> RuleError:
        """What the call, or else reading the rules, fails with."""
        asked = Deferred.fromCoroutine(call or self.api.rules())
        error = self.failureResultOf(asked, RuleError).value
        assert isinstance(error, RuleError)
        return error

    @property
    def bodies(self) -> list[object]:
        """What was posted."""
        return [asked.content for asked in self.x.asked if asked.method == "POST"]


class ReadingTests(RulesTestCase):
    """The list of rules."""

    def test_the_request(self) -> None:
        """As many as there can be at once, with our token and name."""
        self.x.will_say(200, EMPTY)
        self.assertEqual(self.result(self.api.rules()), ())
        (asked,) = self.x.asked
        self.assertEqual((asked.method, asked.path), ("GET", RULES))
        self.assertEqual((asked.query, asked.body), ("max_results=1000", b""))
        self.assertEqual(asked.headers["authorization"], [f"Bearer {GIVEN.reveal()}"])
        self.assertEqual(asked.headers["user-agent"], [AGENT])
        self.assertNotIn("content-type", asked.headers)

    def test_rules(self) -> None:
        """With and without tag; an id may be a number; what has no id or no value is none."""
        data = [
            SNOW,
            {"id": "18", "value": "rain"},
            {"id": "19", "value": "hail", "tag": None},
            {"id": "20", "value": "fog", "tag": 7},
            {"id": 22, "value": "x"},
            *(7, None, {}, {"id": "21"}, {"id": 1.5, "value": "x"}, {"id": "23", "value": None}),
        ]
        self.x.will_say(200, {"data": data, **EMPTY})
        self.assertEqual(
            self.result(self.api.rules()),
            (
                PresentRule("17", "snow", "tcc:1:2"),
                PresentRule("18", "rain"),
                PresentRule("19", "hail"),
                PresentRule("20", "fog"),
                PresentRule("22", "x"),
            ),
        )

    def test_pages(self) -> None:
        """Until none follows; a page of nothing may have a successor."""
        for token, data in (("p2", [SNOW]), ("p3", []), (None, [{"id": "18", "value": "x"}])):
            meta = {"next_token": token} if token else {}
            self.x.will_say(200, {"data": data, "meta": meta})
        self.assertEqual([rule.id for rule in self.result(self.api.rules())], ["17", "18"])
        self.assertEqual(
            [asked.query for asked in self.x.asked],
            [
                "max_results=1000",
                "max_results=1000&pagination_token=p2",
                "max_results=1000&pagination_token=p3",
            ],
        )

    def test_pages_that_are_too_long(self) -> None:
        """All rules are asked for again in smaller ones, from then on."""
        for body in (b" " * (MOST_BYTES + 1), b'{"data":[' + b"{}," * 100_000 + b"{}]}"):
            self.x.will_say(200, {"data": [SNOW], "meta": {"next_token": "p2"}})
            self.x.will_say(200, body)
            self.x.will_say(200, {"data": [SNOW], **EMPTY})
            self.assertEqual(len(self.result(self.api.rules())), 1)
        self.assertEqual(
            [asked.query.split("&")[0] for asked in self.x.asked],
            [f"max_results={size}" for size in (1000, 1000, 500, 500, 500, 250)],
        )

    def test_the_longest_rules(self) -> None:
        """A smallest page of them is read, however X writes them."""
        for value in ("x" * 2048, "\U0001f600" * 2048):
            data = [{"id": "1" * 19, "value": value, "tag": "t" * 100}] * SMALLEST_PAGE
            for is_escaped in (True, False):
                text = json.dumps({"data": data, **EMPTY}, ensure_ascii=is_escaped)
                self.x.will_say(200, text.encode())
                self.assertEqual(len(self.result(self.api.rules())), SMALLEST_PAGE)
        self.assertEqual({asked.query for asked in self.x.asked}, {"max_results=1000"})

    def test_hostile_tokens(self) -> None:
        """They are one parameter, whatever is in them, and not the end of the list."""
        for token, sent in (
            ("a-b_c.d", "a-b_c.d"),
            ("x&ids=1#y/../?z", "x%26ids%3D1%23y%2F..%2F%3Fz"),
            ("a b\r\nX: 1", "a%20b%0D%0AX%3A%201"),
            ("é\ud800", "%C3%A9%3F"),
        ):
            self.x.asked.clear()
            self.x.will_say(200, {"data": [SNOW], "meta": {"next_token": token}})
            self.x.will_say(200, EMPTY)
            self.assertEqual(len(self.result(self.api.rules())), 1)
            self.assertEqual(
                self.x.asked[1].query, f"max_results=1000&pagination_token={sent}", token
            )

    def test_tokens_that_are_none(self) -> None:
        """The list goes on, but not where: it is not taken for whole."""
        for token in (7, True, ["a"], {}):
            self.x.will_say(200, {"data": [SNOW], "meta": {"next_token": token}})
            self.assertIs(self.error().refusal.trouble, Trouble.HTTP, token)
        self.x.will_say(200, {"data": [SNOW], "meta": {"next_token": ""}})
        self.assertEqual(len(self.result(self.api.rules())), 1)

    def test_a_list_without_end(self) -> None:
        """It is given up."""
        for _ in range(MOST_PAGES + 1):
            self.x.will_say(200, {"data": [SNOW], "meta": {"next_token": "p"}})
        self.assertIn("does not end", str(self.error()))
        self.assertEqual(len(self.x.asked), MOST_PAGES)

    def test_what_is_no_list(self) -> None:
        """It never means that there are no rules: that would end every capture."""
        for content in (
            *(b"", b"<h1>Log in</h1>", b'{"data":[{"id":"1","val', b"[]", b"null", b"7", b"\xff"),
            *(b"{}", b"[" * 10_000, b'{"data":' + b"1" * 5000 + b"}"),
            {"data": {"id": "17", "value": "snow"}, **EMPTY},
            {"data": "snow", **EMPTY},
            {"meta": []},
            {"title": "Service Unavailable", "status": 503},
            {"errors": [{"title": "x"}], **EMPTY},
            {"data": [SNOW], "errors": [{"title": "x"}], **EMPTY},
        ):
            self.x.will_say(200, content)
            self.assertIs(self.error().refusal.trouble, Trouble.HTTP, content)

    def test_a_page_that_fails(self) -> None:
        """Half a list is none."""
        self.x.will_say(200, {"data": [SNOW], "meta": {"next_token": "p"}})
        self.x.will_say(503)
        self.assertEqual(str(self.error()), "the answer was 503")


class AddingTests(RulesTestCase):
    """New rules."""

    def test_trying(self) -> None:
        """A dry run, with the very body of the real one."""
        self.x.will_say(200, {"meta": summary(0, 2, 2, 0)})
        self.assertEqual(self.result(self.api.attempt(NEW)), {})
        (asked,) = self.x.asked
        self.assertEqual((asked.method, asked.path), ("POST", RULES))
        self.assertEqual((asked.query, asked.headers["content-type"]),
                         ("dry_run=true", ["application/json"]))  # fmt: skip
        wanted = [
            {"value": "snow", "tag": "tcc:1:2"},
            {"value": '"a b" "ü"', "tag": "tcc:1:3"},
        ]
        self.assertEqual(self.bodies, [{"add": wanted}])
        self.x.will_say(201, {"data": [SNOW], "meta": summary(2, 0, 2, 0)})
        self.result(self.api.add(NEW))
        self.assertEqual((self.x.asked[1].query, self.bodies[1]), ("", {"add": wanted}))
        self.assertEqual(self.x.asked[1].headers["content-length"], [str(len(asked.body))])

    def test_added(self) -> None:
        """With the ids that X gives them, whichever of the two statuses it has."""
        for status in (200, 201):
            self.x.will_say(status, {"data": [SNOW], "meta": summary(1, 0, 1, 0)})
            added = self.result(self.api.add(NEW[:1]))
            self.assertEqual(added.created, (PresentRule("17", "snow", "tcc:1:2"),))
            self.assertEqual(added.refused, {})

    def test_partly(self) -> None:
        """Created, refused, and a duplicate, which is neither."""
        rules = [NewRule(value, "t") for value in ("snow", "rain", "(x")]
        errors = [duplicate("rain"), invalid("(x", "missing ')' (at position 3)", "so so")]
        self.x.will_say(201, {"data": [SNOW], "errors": errors, "meta": summary(1, 2, 1, 1)})
        added = self.result(self.api.add(rules))
        self.assertEqual([rule.value for rule in added.created], ["snow"])
        self.assertEqual(added.refused, {"(x": "missing ')' (at position 3); so so"})

    def test_only_invalid_ones(self) -> None:
        """Their status is 200 by record, 400 by the book; a dry run has it, too."""
        for status in (200, 201, 400):
            for call in (self.api.attempt, self.api.add):
                self.x.will_say(
                    status, {"errors": [invalid("snow", "bad")], "meta": summary(0, 1, 0, 1)}
                )
                found = self.result(call(NEW[:1]))
                refused = found if isinstance(found, dict) else found.refused
                self.assertEqual(refused, {"snow": "bad"}, status)

    def test_only_duplicates(self) -> None:
        """Nothing is created, and nothing wrong, with the status of refused rules, too."""
        for status in (200, 201, 400):
            answer = {"errors": [duplicate("snow")], "meta": summary(0, 1, 1, 0)}
            self.x.will_say(status, answer)
            added = self.result(self.api.add(NEW[:1]))
            self.assertEqual((added.created, added.refused), ((), {}))
            self.assertEqual(added.duplicates, ("snow",))

    def test_reasons(self) -> None:
        """Where X puts them, on one line and of bounded length."""
        for error, reason in (
            ({"details": ["a", "b"]}, "a; b"),
            ({"details": "a"}, "a"),
            ({"details": [], "detail": "d", "title": "t"}, "d"),
            ({"title": "t"}, "t"),
            ({}, "it is invalid"),
            ({"details": [7, None, {"a": 1}]}, "7; None; {'a': 1}"),
            ({"details": ["a\nb\x1b[2J\u2028\ud800c"]}, "a b [2J c"),
            ({"details": ["input '<EOF>'"]}, "input '<EOF>'"),
            ({"details": ["x" * 5000]}, "x" * 300),
        ):
            self.x.will_say(200, {"errors": [{"value": "snow", **error}]})
            self.assertEqual(self.result(self.api.attempt(NEW[:1])), {"snow": reason})

    def test_long_rules(self) -> None:
        """There are fewer in a request, so that its answer, which repeats them, can be read."""
        rules = tuple(NewRule("\U0001f600" * 2000 + str(number), "t") for number in range(60))
        for _ in range(2):
            self.x.will_say(201, {"meta": summary(40, 0, 40, 0)})
        self.result(self.api.add(rules))
        self.assertEqual([len(body["add"]) for body in self.bodies], [41, 19])  # type: ignore[index]

    def test_parts(self) -> None:
        """A hundred in a request; what becomes of them is put together."""
        rules = [NewRule(f"v{n}", "t") for n in range(201)]
        for first in (0, 100, 200):
            self.x.will_say(201, {
                "data": [{"id": str(first), "value": f"v{first}", "tag": "t"}],
                "errors": [invalid(f"v{min(first + 1, 200)}", "bad")],
            })  # fmt: skip
        added = self.result(self.api.add(rules))
        self.assertEqual([rule.id for rule in added.created], ["0", "100", "200"])
        self.assertEqual(list(added.refused), ["v1", "v101", "v200"])
        values = [[rule["value"] for rule in body["add"]] for body in self.bodies]
        self.assertEqual([len(part) for part in values], [100, 100, 1])
        self.assertEqual([v for part in values for v in part], [rule.value for rule in rules])

    def test_nothing(self) -> None:
        """No request is made for it."""
        self.assertEqual(self.result(self.api.attempt(())), {})
        self.assertEqual(self.result(self.api.add(())).created, ())
        self.result(self.api.delete(()))
        self.assertEqual(self.x.asked, [])

    def test_refused_that_was_not_sent(self) -> None:
        """Nobody could leave it out: without an error it would be tried for ever, at once."""
        self.x.will_say(200, {"errors": [invalid("SNOW", "bad")]})
        error = self.error(self.api.attempt(NEW[:1]))
        self.assertIs(error.refusal.trouble, Trouble.HTTP)

    def test_no_room(self) -> None:
        """The cap of the plan: clear words, not a mistake in the settings."""
        problem = {"title": "RulesCapExceeded", "detail": "25 rules.", "type": f"{TYPE}rule-cap"}
        for status in (400, 422):
            self.x.will_say(status, problem)
            error = self.error(self.api.add(NEW))
            self.assertIn("as many rules", error.refusal.advice)
            self.assertEqual(error.refusal.explanation, "25 rules.")

    def test_values_of_any_kind(self) -> None:
        """They arrive as they are."""
        values = ["\ud83d\ude00", "日本", '"', "\\", "\ud800"]
        self.x.will_say(200, EMPTY)
        self.result(self.api.attempt([NewRule(value, "t") for value in values]))
        self.assertEqual([rule["value"] for rule in self.bodies[0]["add"]],
                         ["😀", *values[1:]])  # fmt: skip


class DeletingTests(RulesTestCase):
    """Rules that are wanted no longer."""

    def test_by_id(self) -> None:
        """A hundred in a request; never by value, and never all."""
        for number in (100, 1):
            self.x.will_say(200, {"meta": {"summary": {"deleted": number, "not_deleted": 0}}})
        self.assertTrue(self.result(self.api.delete([str(n) for n in range(101)])))
        self.assertEqual(self.bodies, [
            {"delete": {"ids": [str(n) for n in range(100)]}}, {"delete": {"ids": ["100"]}},
        ])  # fmt: skip
        self.assertEqual({asked.query for asked in self.x.asked}, {""})

    def test_what_the_summary_does_not_say(self) -> None:
        """X answers 200 whether or not it has deleted anything: a new listing tells."""
        errors = [{"title": "Invalid Request", "errors": [{"message": "does not exist"}]}]
        for answer in (
            {"errors": errors, "meta": {"summary": {"deleted": 0, "not_deleted": 1}}},
            {"meta": {"summary": {"deleted": True}}},
            {"meta": {"summary": {"deleted": 2}}},
            *({"meta": {"summary": []}}, {"meta": {}}, {"meta": None}, {}, {"data": []}),
        ):
            self.x.will_say(200, answer)
            self.assertFalse(self.result(self.api.delete(["17"])), answer)
        for number in (100, 0):
            self.x.will_say(200, {"meta": {"summary": {"deleted": number}}})
        self.assertFalse(self.result(self.api.delete([str(n) for n in range(101)])))


FORBIDDEN = {"title": "Forbidden", "detail": "Forbidden", "type": "about:blank", "status": 403}


class RefusalTests(RulesTestCase):
    """Answers to the request, not to a rule."""

    def test_refusals(self) -> None:
        """As the stream's: status, body -> trouble."""
        slow = {"errors": [{"code": 88, "message": "Rate limit exceeded"}]}
        for status, body, trouble in (
            (401, {"errors": [{"code": 89}]}, Trouble.REFUSED),
            (402, {"title": "CreditsDepleted"}, Trouble.REFUSED),
            (403, FORBIDDEN, Trouble.REFUSED),
            (403, {"title": "Client Forbidden"}, Trouble.HTTP),
            (404, b"", Trouble.REFUSED),
            (404, b"<h1>Not found</h1>", Trouble.HTTP),
            (307, b"", Trouble.REFUSED),
            (400, {**FORBIDDEN, "errors": [{"message": "max_results"}]}, Trouble.REFUSED),
            (429, slow, Trouble.RATE_LIMIT),
            (503, b"", Trouble.HTTP),
            (204, b"", Trouble.HTTP),
        ):
            for call in (self.api.rules, lambda: self.api.add(NEW), lambda: self.api.delete("1")):
                self.x.will_say(status, body, Location="https://elsewhere.example/")
                error = self.error(call())
                self.assertEqual(str(error), f"the answer was {status}")
                self.assertIs(error.refusal.trouble, trouble, status)

    def test_rate_limit(self) -> None:
        """Its reset is waited for."""
        self.x.will_say(429, b"", x_rate_limit_reset=repr(EPOCH + 500), Date="")
        self.assertEqual(self.error().refusal.at_least, 500)

    def test_too_long(self) -> None:
        """Up to a limit an answer is read, whatever its status; smaller pages are tried first."""
        for status in (200, 500):
            for _ in range(6):
                self.x.will_say(status, b" " * (MOST_BYTES + 1))
            error = self.error()
            self.assertEqual(str(error), "the answer is too long")
            self.assertIs(error.refusal.trouble, Trouble.HTTP)


class TokenTests(RulesTestCase):
    """A token that was bought may be refused."""

    def setUp(self) -> None:
        super().setUp()
        self.api = self.api_with(self.bearer())

    def test_bought_anew(self) -> None:
        """At once, and the request is repeated: nobody has to hear of it."""
        self.sells("AAA")
        self.x.will_say(401)
        self.sells("BBB")
        self.x.will_say(201, {"data": [SNOW], "meta": summary(1, 0, 1, 0)})
        self.assertEqual(len(self.result(self.api.add(NEW[:1])).created), 1)
        self.assertEqual(self.paths, ["/oauth2/token", RULES] * 2)
        first, second = self.x.asked[1], self.x.asked[3]
        self.assertEqual((first.body, first.query), (second.body, second.query))
        self.assertEqual(second.headers["authorization"], ["Bearer BBB"])

    def test_refused_again(self) -> None:
        """One new token per request, then the long wait: not one every quarter of a second."""
        self.sells("AAAfirst")
        self.x.will_say(401)
        self.sells("BBBsecond")
        self.x.will_say(401, {**FORBIDDEN, "detail": "AAAfirst BBBsecond"})
        error = self.error()
        self.assertIs(error.refusal.trouble, Trouble.REFUSED)
        self.assertEqual(error.refusal.explanation, "... ...")
        self.assertEqual(len(self.x.asked), 4)

    def test_given(self) -> None:
        """There is no other."""
        self.api = self.api_with(self.bearer(given=GIVEN))
        self.x.will_say(401)
        self.assertIs(self.error().refusal.trouble, Trouble.REFUSED)
        self.assertEqual(self.paths, [RULES])

    def test_no_token(self) -> None:
        """What the token endpoint means counts, before and after a 401."""
        for status, trouble in ((403, Trouble.REFUSED), (503, Trouble.HTTP)):
            self.x.will_say(status)
            error = self.error()
            self.assertEqual(str(error), f"the token endpoint answered {status}")
            self.assertIs(error.refusal.trouble, trouble)
        self.sells("AAA")
        self.x.will_say(401)
        self.x.will_say(403)
        self.assertEqual(str(self.error()), "the token endpoint answered 403")

    def test_secrets_are_not_shown(self) -> None:
        """Neither by the API, nor its errors, nor the log."""
        with capturedLogs() as events:
            self.sells("AAAtoken")
            self.x.will_say(400, {"detail": f"{KEY.reveal()} {SECRET.reveal()} AAAtoken"})
            error = self.error()
        shown = f"{error} {error!r} {error.refusal} {self.api!r} {events}"
        for secret in (KEY.reveal(), SECRET.reveal(), "AAAtoken"):
            self.assertNotIn(secret, shown)


class TimeTests(RulesTestCase):
    """Answers that do not come."""

    def test_no_answer(self) -> None:
        """It is waited for within a limit, and hung up on."""
        asked = Deferred.fromCoroutine(self.api.rules())
        self.clock.advance(TIMEOUT - 0.001)
        self.assertNoResult(asked)
        self.clock.advance(0.002)
        self.client.flush()
        error = self.failureResultOf(asked, RuleError).value
        self.assertEqual(str(error), "there was no answer in time")
        self.assertIs(error.refusal.trouble, Trouble.NETWORK)

    def test_half_an_answer(self) -> None:
        """The same limit is for head and body."""
        asked = Deferred.fromCoroutine(self.api.rules())
        self.x.waiting[0].write(b'{"data":[')
        self.client.flush()
        self.clock.advance(TIMEOUT)
        self.client.flush()
        self.assertEqual(
            str(self.failureResultOf(asked, RuleError).value), "there was no answer in time"
        )

    def test_no_token(self) -> None:
        """Its own limit is shorter."""
        asked = Deferred.fromCoroutine(self.api_with(self.bearer()).rules())
        self.clock.advance(TOKEN_TIMEOUT)
        self.client.flush()
        error = self.failureResultOf(asked, RuleError).value
        self.assertIs(error.refusal.trouble, Trouble.NETWORK)

    def test_given_up(self) -> None:
        """Whoever cancels a call hears of that, not of trouble to come back from."""
        for bearer in (self.bearer(given=GIVEN), self.bearer()):
            asked = Deferred.fromCoroutine(self.api_with(bearer).rules())
            asked.cancel()
            self.client.flush()
            self.failureResultOf(asked, CancelledError)


class Cutter(Protocol):
    """Answers with some bytes, then hangs up, unless it is told to wait."""

    def __init__(self, says: bytes, waits: bool, heard: list[bytes]) -> None:
        self.says = says
        self.waits = waits
        self.heard = heard

    def dataReceived(self, data: bytes) -> None:
        """The request, or a part of it."""
        self.heard.append(data)
        assert self.transport is not None
        self.transport.write(self.says)
        if not self.waits:
            self.transport.loseConnection()


class SocketTests(TestCase):
    """Over real connections."""

    timeout = 30

    def setUp(self) -> None:
        self.clock = clock_at()
        self.heard: list[bytes] = []

    def api(self, says: bytes, waits: bool = False) -> RuleApi:
        """The API of a server that says this."""
        factory = Factory.forProtocol(lambda: Cutter(says, waits, self.heard))
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return self.api_at(port.getHost().port)

    def api_at(self, port: int) -> RuleApi:
        """The API at that port."""
        client, url = rest_client(reactor, None), f"http://127.0.0.1:{port}/"
        bearer = Bearer(
            client, url, None, None, Secret("AAA"), AGENT, self.clock, self.clock.seconds
        )
        return RuleApi(bearer)

    async def error(self, api: RuleApi) -> RuleError:
        """What reading the rules fails with."""
        asked = Deferred.fromCoroutine(api.rules())
        error = await self.assertFailure(asked, RuleError)
        assert isinstance(error, RuleError)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        return error

    async def asked(self, says: bytes, begun: bool) -> Deferred[Any]:
        """A request to a server that says this and no more: at once, or when that is under way."""
        asked = Deferred.fromCoroutine(self.api(says, waits=True).rules())
        self.heard.clear()
        while begun and not self.heard:
            await deferLater(reactor, 0)
        for _ in range(5 if begun else 0):
            await deferLater(reactor, 0)
        return asked

    async def test_cut(self) -> None:
        """Before the head, within it, within a body of known length, of chunks, of unknown end."""
        head = b"HTTP/1.1 200 OK\r\n"
        for says, trouble in (
            (b"", Trouble.NETWORK),
            (head, Trouble.NETWORK),
            (head + b'Content-Length: 99\r\n\r\n{"data":[', Trouble.NETWORK),
            (head + b'Transfer-Encoding: chunked\r\n\r\n9\r\n{"data":[', Trouble.NETWORK),
            (head + b'Connection: close\r\n\r\n{"data":[', Trouble.HTTP),
            (b"SSH-2.0-OpenSSH\r\n", Trouble.NETWORK),
        ):
            error = await self.error(self.api(says))
            self.assertIs(error.refusal.trouble, trouble, says)

    async def test_nothing_listens(self) -> None:
        """A clause says so."""
        port = reactor.listenTCP(0, Factory(), interface="127.0.0.1")
        number = port.getHost().port
        await port.stopListening()
        self.assertIn("nothing listens", str(await self.error(self.api_at(number))))

    async def test_given_up(self) -> None:
        """While connecting, while waiting for the head, and within the body."""
        part = b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"data":['
        for says, begun in ((b"", False), (b"", True), (part, True)):
            asked = await self.asked(says, begun)
            asked.cancel()
            await self.assertFailure(asked, CancelledError)
            self.assertEqual(self.clock.getDelayedCalls(), [])

    async def test_too_late(self) -> None:
        """At the same three places time may run out: that is trouble, and no cancellation."""
        part = b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"data":['
        for says, begun in ((b"", False), (b"", True), (part, True)):
            asked = await self.asked(says, begun)
            self.clock.advance(TIMEOUT)
            error = await self.assertFailure(asked, RuleError)
            self.assertIn("in time" if begun else "resolved", str(error))
            self.assertIs(error.refusal.trouble, Trouble.NETWORK)
