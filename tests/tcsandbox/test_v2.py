"""The simulated X API v2: token, rules and streams, over the simulator's own clock and sockets."""

import base64
import json
from pathlib import Path
from random import Random
from typing import Any, get_args
from urllib.parse import urlencode

import treq
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from tcsandbox.twitter import (
    SANDBOX_BEARER_TOKEN,
    SANDBOX_CREDENTIALS,
    Credentials,
    Journal,
    Plan,
    Simulator,
    SimulatorSettings,
)
from tcsandbox.twitter.command import make_parser, make_simulator
from tcsandbox.twitter.common import damage, faults
from tcsandbox.twitter.common.faults import SimulatorFault
from tcsandbox.twitter.v1 import faults as v1_faults
from tcsandbox.twitter.v2 import faults as v2
from tcsandbox.twitter.v2.stream import DisconnectType
from tests.tcsandbox.test_twitter import EPOCH, SimulatorTestCase, Visit, control

RULES = "/2/tweets/search/stream/rules"
SEARCH = "/2/tweets/search/stream"
SAMPLE = "/2/tweets/sample/stream"
BASIC = "Basic " + base64.b64encode(b"sandbox-api-key:sandbox-api-secret").decode()
DELAY = 20.0


class V2TestCase(SimulatorTestCase):
    """Requests of a client that has a bearer token."""

    bearer: str | None = SANDBOX_BEARER_TOKEN

    def call(
        self, path: str, body: object = None, method: str | None = None, **params: str
    ) -> Visit:
        """GET, or POST with a JSON body, unless a method is given."""
        target = f"{path}?{urlencode(params)}" if params else path
        lines = ["Host: api.test"]
        if self.bearer is not None:
            lines.append(f"Authorization: Bearer {self.bearer}")
        data = b"" if body is None else json.dumps(body).encode()
        lines += [f"Content-Length: {len(data)}"] if data else []
        verb = method or ("POST" if data else "GET")
        head = "\r\n".join([f"{verb} {target} HTTP/1.1", *lines])
        return self.send(f"{head}\r\n\r\n".encode() + data)

    def form(self, path: str, authorization: str | None = BASIC, **form: str) -> Visit:
        """A POST to the token endpoints."""
        body = urlencode(form)
        lines = [f"POST {path} HTTP/1.1", "Host: api.test", f"Content-Length: {len(body)}"]
        lines.append("Content-Type: application/x-www-form-urlencoded;charset=UTF-8")
        lines += [f"Authorization: {authorization}"] if authorization else []
        return self.send(("\r\n".join(lines) + "\r\n\r\n" + body).encode())

    def buy(self) -> str:
        """A bought token."""
        reply = self.form("/oauth2/token", grant_type="client_credentials").got
        return str(json.loads(reply.body)["access_token"])

    def add(self, *values: str, tag: str | None = None) -> list[str]:
        """Add rules; their ids."""
        rules = [{"value": v} if tag is None else {"value": v, "tag": tag} for v in values]
        reply = json.loads(self.call(RULES, {"add": rules}).got.body)
        return [rule["id"] for rule in reply["data"]]

    def answer(self, *args: Any, **params: str) -> tuple[int, Any]:
        """Status and body of a call."""
        got = self.call(*args, **params).got
        return got.status, json.loads(got.body)

    def search(self, *values: str, **params: str) -> Visit:
        """A search stream whose rules, if any are given, work already."""
        if values:
            self.add(*values)
            self.clock.advance(DELAY)
        return self.call(SEARCH, **params)

    def matched(self, visit: Visit) -> list[set[str]]:
        """For each post the ids of the rules it matched."""
        return [{rule["id"] for rule in post["matching_rules"]} for post in visit.got.messages]


class TokenTests(V2TestCase):
    """Bearer tokens."""

    def test_buying(self) -> None:
        """The same one until it is invalidated; it opens the rules, and so does the console's."""
        first = self.buy()
        self.assertEqual(self.buy(), first)
        for self.bearer in (first, SANDBOX_BEARER_TOKEN):
            self.assertEqual(self.answer(RULES)[0], 200)
        self.assertEqual(self.simulator.state()["v2"]["tokens"], 2)
        reply = self.form("/oauth2/invalidate_token", access_token=first).got
        self.assertEqual(json.loads(reply.body), {"access_token": first})
        self.bearer = first
        self.assertEqual(self.answer(RULES), (401, self.expired))
        self.bearer = self.buy()
        self.assertNotEqual(self.bearer, first)
        self.assertEqual(self.answer(RULES)[0], 200)

    expired = {"errors": [{"code": 89, "message": "Invalid or expired token"}]}  # noqa: RUF012

    def test_reply(self) -> None:
        """As X has it."""
        got = self.form("/oauth2/token", grant_type="client_credentials").got
        self.assertEqual((got.status, json.loads(got.body)["token_type"]), (200, "bearer"))
        self.assertIn("content-type: application/json", got.head)

    def test_keys_are_url_encoded(self) -> None:
        """A key with odd characters, encoded and not."""
        self.build(accounts=(Credentials("k%:y", "s+ü", "t", "u"),))
        for pair, status in (("k%25%3Ay:s%2B%C3%BC", 200), ("k%:y:s+u", 403)):
            basic = f"Basic {base64.b64encode(pair.encode()).decode()}"
            got = self.form("/oauth2/token", basic, grant_type="client_credentials").got
            self.assertEqual(got.status, status)

    def test_refusals(self) -> None:
        """403 code 99 for wrong keys, something else for the wrong grant."""
        wrong = f"Basic {base64.b64encode(b'sandbox-api-key:x').decode()}"
        for authorization in (None, wrong, "Basic !", BASIC.replace("Basic", "Bearer")):
            got = self.form("/oauth2/token", authorization, grant_type="client_credentials").got
            error = json.loads(got.body)["errors"][0]
            self.assertEqual((got.status, error["code"]), (403, 99))
            self.assertEqual(error["label"], "authenticity_token_error")
        got = self.form("/oauth2/token", grant_type="password").got
        self.assertEqual((got.status, json.loads(got.body)["errors"][0]["code"]), (403, 170))
        got = self.form("/oauth2/invalidate_token", access_token="nonsense").got
        self.assertEqual(got.status, 403)

    def test_no_token(self) -> None:
        """401 on rules and streams, without one and with one that never was."""
        for self.bearer in (None, "nonsense"):
            for path in (RULES, SEARCH, SAMPLE, f"{RULES}/counts"):
                status, body = self.answer(path)
                self.assertEqual((status, body["title"]), (401, "Unauthorized"))

    def test_expiry(self) -> None:
        """After the fault the next use is a 401, and a newly bought token works."""
        self.bearer = old = self.buy()
        self.simulator.fault(v2.ExpireToken())
        self.assertEqual(self.answer(SEARCH), (401, self.expired))
        self.bearer = self.buy()
        self.assertNotEqual(self.bearer, old)
        self.assertEqual(self.answer(RULES)[0], 200)

    def test_apps_do_not_share(self) -> None:
        """Each account's app has rules of its own."""
        other = Credentials("k", "s", "t", "u")
        self.build(accounts=(SANDBOX_CREDENTIALS, other))
        self.add("snow")
        basic = f"Basic {base64.b64encode(b'k:s').decode()}"
        got = self.form("/oauth2/token", basic, grant_type="client_credentials").got
        self.bearer = json.loads(got.body)["access_token"]
        self.assertEqual(self.answer(RULES)[1]["meta"]["result_count"], 0)


class RuleTests(V2TestCase):
    """The rules endpoint by HTTP."""

    def test_add_list_delete(self) -> None:
        """What was added is there until it is deleted."""
        (rule_id,) = self.add("snow", tag="t")
        status, body = self.answer(RULES)
        self.assertEqual(
            (status, body["data"]), (200, [{"id": rule_id, "value": "snow", "tag": "t"}])
        )
        self.assertEqual(self.answer(f"{RULES}/counts")[1]["data"]["project_rules_count"], "1")
        status, body = self.answer(RULES, {"delete": {"ids": [rule_id]}})
        self.assertEqual((status, body["meta"]["summary"]["deleted"]), (200, 1))
        self.assertNotIn("data", self.answer(RULES)[1])

    def test_refusals(self) -> None:
        """A problem, with its type and a message."""
        status, body = self.answer(RULES, {"add": 5})
        self.assertEqual((status, body["title"]), (400, "Invalid Request"))
        self.build(plan=Plan(rule_cap=1))
        self.add("snow")
        status, body = self.answer(RULES, {"add": [{"value": "rain"}]})
        self.assertEqual((status, body["title"]), (422, "RulesCapExceeded"))

    def test_rate_limits(self) -> None:
        """Reads and changes are counted apart, with headers, in scaled windows."""
        self.build(scale=0.01, plan=Plan(rule_reads=2, rule_changes=1))
        self.add("snow")
        got = self.call(RULES, {"add": [{"value": "rain"}]}).got
        self.assertEqual((got.status, json.loads(got.body)["title"]), (429, "Too Many Requests"))
        for expected in ("limit: 1", "remaining: 0", f"reset: {EPOCH + 9:.0f}"):
            self.assertIn(f"x-rate-limit-{expected}", got.head)
        got = self.call(RULES).got
        self.assertEqual(got.status, 200)
        self.assertIn("x-rate-limit-remaining: 1", got.head)
        self.assertEqual([self.call(RULES).got.status for _ in range(2)], [200, 429])
        self.clock.advance(9)
        self.assertEqual(len(self.add("rain")), 1)

    def test_armed_answers(self) -> None:
        """Any refusal can be had here and at the token endpoint, and hurts no stream."""
        self.simulator.fault(faults.HttpStatusFault(status=503, where="rules", times=2))
        self.simulator.fault(v2.UsageCap(where="token"))
        self.assertEqual(self.search().got.status, 409)
        self.assertEqual([self.call(RULES).got.status for _ in range(3)], [503, 503, 200])
        self.assertEqual(self.form("/oauth2/token").got.status, 429)

    def test_other_methods_and_paths(self) -> None:
        """405 and 404."""
        self.assertEqual(self.call(SEARCH, {"a": 1}).got.status, 405)
        for path in (f"{RULES}/x", "/2/tweets", "/2/tweets/search/recent", "/oauth2"):
            self.assertEqual(self.call(path).got.status, 404, path)


class ConnectTests(V2TestCase):
    """Who gets a stream."""

    def issue(self, *args: Any, **params: str) -> tuple[int, str]:
        status, body = self.answer(*args, **params)
        return status, body["connection_issue"]

    def test_no_rules(self) -> None:
        """409, until a rule was accepted, though it does not work yet."""
        self.assertEqual(self.issue(SEARCH), (409, "RuleConfigurationIssue"))
        self.add("snow")
        got = self.call(SEARCH).got
        self.assertEqual(got.status, 200)
        self.assertIn("x-rate-limit-remaining: 48", got.head)

    def test_the_newest_loses(self) -> None:
        """429, with calls left in the headers, and the first stream goes on."""
        self.build(rate=10.0)
        first = self.search("snow")
        got = self.call(SEARCH).got
        self.assertEqual(got.status, 429)
        self.assertEqual(json.loads(got.body)["connection_issue"], "TooManyConnections")
        self.assertIn("x-rate-limit-remaining: 48", got.head)
        self.assertEqual(self.issue(SAMPLE), (429, "TooManyConnections"))
        self.run_for(1.0)
        self.assertIn(len(first.got.messages), (9, 10))

    def test_more_connections(self) -> None:
        """Where the plan has them."""
        self.build(plan=Plan(connections=2))
        self.search("snow")
        self.assertEqual([self.call(SEARCH).got.status for _ in range(2)], [200, 429])

    def test_a_free_slot(self) -> None:
        """At once when the stream has gone, or later when slots linger."""
        self.build(scale=0.5)
        for linger in (0.0, 60.0):
            self.simulator.fault(v2.ChangePlan(linger=linger))
            visit = self.search(*(() if linger else ("snow",)))
            visit.leave()
            self.visits.remove(visit)
        self.clock.advance(29.9)
        self.assertEqual(self.issue(SEARCH), (429, "TooManyConnections"))
        self.clock.advance(0.2)
        self.assertEqual(self.call(SEARCH).got.status, 200)

    def test_connects_are_limited(self) -> None:
        """50 in 15 minutes, then 429 code 88 with the reset."""
        self.build(plan=Plan(stream_connects=1))
        self.answer(SEARCH)
        got = self.call(SEARCH).got
        self.assertEqual(json.loads(got.body)["errors"][0]["code"], 88)
        self.assertEqual(got.status, 429)
        self.assertIn(f"x-rate-limit-reset: {EPOCH + 900:.0f}", got.head)

    def test_plan(self) -> None:
        """What the plan has not: any access, the sample, backfill."""
        self.add("snow")
        self.simulator.fault(v2.ChangePlan(sample=False))
        status, body = self.answer(SAMPLE)
        self.assertEqual((status, body["title"]), (403, "Client Forbidden"))
        self.assertTrue(body["type"].endswith("client-forbidden"))
        status, body = self.answer(SEARCH, backfill_minutes="2")
        self.assertEqual((status, body["title"]), (400, "Invalid Request"))
        self.simulator.fault(v2.ChangePlan(enrolled=False))
        status, body = self.answer(SEARCH)
        self.assertEqual((status, body["reason"]), (403, "client-not-enrolled"))

    def test_armed_refusals(self) -> None:
        """Each once, with its body; then all is well."""
        self.add("snow")
        expected: list[tuple[SimulatorFault, int, str]] = [
            (v2.TooManyConnections(), 429, "TooManyConnections"),
            (v2.Provisioning(), 503, "ProvisioningSubscription"),
            (v2.RulesInvalid(), 409, "RulesInvalidIssue"),
            (v2.RateLimited(), 429, '"code":88'),
            (v2.NotEnrolled(), 403, "client-not-enrolled"),
            (v2.UsageCap(), 429, '"period":"Monthly"'),
            (v2.UsageCap(period="Daily", status=403), 403, '"period":"Daily"'),
            (v2.NoCredits(), 403, "credits"),
            (v2.NoCredits(status=402), 402, "credits"),
            (v2.InvalidToken(), 401, '"code":89'),
            (v2.InvalidToken(code=None), 401, "Unauthorized"),
        ]
        for fault, status, words in expected:
            self.simulator.fault(fault)
            got = self.call(SEARCH).got
            self.assertEqual(got.status, status)
            self.assertIn(words, got.body.decode())
        self.assertEqual(self.call(SEARCH).got.status, 200)
        statuses = [connect["status"] for connect in self.simulator.state()["connects"]]
        self.assertEqual(statuses, [status for _, status, _ in expected] + [200])

    def test_rate_limited(self) -> None:
        """The reset lies as far ahead as the fault says."""
        self.simulator.fault(v2.RateLimited(seconds=30))
        self.assertIn(f"x-rate-limit-reset: {EPOCH + 30:.0f}", self.call(SEARCH).got.head)

    def test_fields(self) -> None:
        """What X does not know is a 400."""
        self.add("snow")
        status, body = self.answer(SEARCH, **{"tweet.fields": "id,colour"})
        self.assertEqual(status, 400)
        self.assertIn("[colour] is not one of [", body["errors"][0]["message"])

    def test_v1_is_apart(self) -> None:
        """A stream of the one API takes nothing from the other's; both are in the state."""
        self.search("snow")
        self.assertEqual(self.ask().got.status, 200)
        streams = [stream["endpoint"] for stream in self.simulator.state()["streams"]]
        self.assertEqual(streams, ["search/stream", "filter"])
        self.assertEqual([s["number"] for s in self.simulator.state()["streams"]], [1, 2])


class StreamTests(V2TestCase):
    """What a search stream carries."""

    def test_a_rule_works_after_its_delay(self) -> None:
        """Until then nothing comes; a deleted one's posts go on for as long."""
        self.build(rate=40.0, scale=0.1)
        (first,) = self.add("snow", tag="a")
        visit = self.call(SEARCH)
        self.run_for(1.95)
        self.assertEqual(visit.got.messages, [])
        self.run_for(1.0)
        self.assertTrue(visit.got.messages)
        (second,) = self.add("rain")
        self.call(RULES, {"delete": {"ids": [first]}})
        self.run_for(1.95)
        self.assertEqual(set().union(*self.matched(visit)), {first})
        count = len(visit.got.messages)
        self.run_for(1.0)
        later = self.matched(visit)[count:]
        self.assertEqual(set().union(*later[4:]), {second})

    def test_delays_are_part_of_the_plan(self) -> None:
        """Each of the two."""
        self.build(rate=40.0, plan=Plan(rule_delay=2, delete_delay=0))
        (first,) = self.add("snow")
        visit = self.call(SEARCH)
        self.run_for(2.1)
        self.assertTrue(visit.got.messages)
        self.call(RULES, {"delete": {"ids": [first]}})
        count = len(visit.got.messages)
        self.run_for(1.0)
        self.assertEqual(len(visit.got.messages), count)
        self.assertFalse(visit.hung_up)

    def test_rate(self) -> None:
        """It is the stream's, however many rules there are."""
        self.build(rate=100.0)
        visit = self.search("snow", "rain", "snow OR ice")
        self.run_for(1.0)
        self.assertIn(len(visit.got.messages), (99, 100))

    def test_foreign_rules(self) -> None:
        """Another program's rules match, and can be told by their ids and tags only."""
        self.build(rate=100.0)
        self.add("snow", tag="ours")
        self.simulator.fault(v2.ForeignRule(value="rain"))
        foreign = self.simulator.v2.add_foreign("ice", "theirs")
        visit = self.search()
        self.run_for(DELAY + 2)
        self.assertEqual(len(set().union(*self.matched(visit))), 3)
        self.assertEqual(self.answer(RULES)[1]["meta"]["result_count"], 3)
        self.simulator.v2.delete_foreign(foreign)
        self.assertEqual(self.answer(RULES)[1]["meta"]["result_count"], 2)
        self.assertRaises(ValueError, self.simulator.v2.add_foreign, "rain")
        self.assertRaises(ValueError, self.simulator.v2.delete_foreign, foreign)

    def test_default_and_chosen_fields(self) -> None:
        """Id and text, or what was asked for."""
        self.build(rate=10.0)
        visit = self.search("snow")
        self.run_for(0.5)
        self.assertEqual(set(visit.got.messages[0]), {"data", "matching_rules"})
        visit.leave()
        self.visits.remove(visit)
        visit = self.search(**{"tweet.fields": "lang", "expansions": "author_id"})
        self.run_for(0.5)
        self.assertIn("lang", visit.got.messages[0]["data"])
        self.assertIn("users", visit.got.messages[0]["includes"])

    def test_encoding(self) -> None:
        """UTF-8 and slashes as they are, a line for each post."""
        self.build(rate=20.0)
        visit = self.search("雪")
        self.run_for(1.0)
        self.assertIn("雪".encode(), visit.got.body)
        self.assertNotIn(b"\\/", visit.got.body)
        self.assertTrue(visit.got.body.endswith(b"}\r\n"))

    def test_keep_alives(self) -> None:
        """A blank line every 20 s, times the scale."""
        self.build(scale=0.1)
        visit = self.search("snow")
        self.run_for(1.9)
        self.assertEqual(visit.got.body, b"")
        self.run_for(2.2)
        self.assertEqual(visit.got.body, b"\r\n\r\n")

    def test_sample(self) -> None:
        """Posts of all sorts, without rules."""
        self.build(rate=20.0)
        visit = self.call(SAMPLE)
        self.run_for(1.0)
        self.assertIn(len(visit.got.messages), (19, 20))
        self.assertTrue(all(set(post) == {"data"} for post in visit.got.messages))

    def test_slow_reader(self) -> None:
        """Is cut off with the reason when the backlog is full, without a warning."""
        self.build(rate=100.0, backlog=100)
        visit = self.search("snow")
        visit.pause()
        self.run_for(1.1)
        (error,) = visit.got.messages[-1]["errors"]
        self.assertEqual(error["disconnect_type"], "SlowReader")
        self.assertEqual(len(visit.got.messages), 1)
        self.assertTrue(visit.hung_up)

    def test_backfill(self) -> None:
        """The last posts again, then those of the gap, at most of so many minutes."""
        self.build(rate=4.0, plan=Plan(backfill=True))
        visit = self.search("snow", backfill_minutes="1")
        self.run_for(10)
        before = [post["data"]["id"] for post in visit.got.messages]
        visit.leave()
        self.visits.remove(visit)
        self.clock.advance(600)
        visit = self.search(backfill_minutes="1")
        self.run_for(0.05)
        ids = [post["data"]["id"] for post in visit.got.messages]
        self.assertEqual(ids[: len(before)], before)
        self.assertEqual(len(ids), len(before) + 240)
        self.assertEqual(len(set(ids)), len(ids))


class JournalTests(V2TestCase):
    """The record from which a test computes what each job should have."""

    def setUp(self) -> None:
        super().setUp()
        self.path = Path(self.mktemp())
        self.build(Journal(self.path, self.clock), rate=40.0, scale=0.1)

    def lines(self) -> tuple[list[Any], list[list[str]]]:
        """The remarks about rules, and the posts."""
        self.simulator.set_rate(0.0)
        self.run_for(0.2)
        lines = self.path.read_text().splitlines()
        remarks = [json.loads(line[2:]) for line in lines if line.startswith("# ")]
        remarks = [remark for remark in remarks if "change" in remark]
        return remarks, [line.split() for line in lines if not line.startswith("#")]

    def test_posts(self) -> None:
        """Time, connect, id, and the rules with their tags."""
        self.add("snow OR rain", tag="a b,c")
        self.add("rain")
        visit = self.search()
        self.run_for(4.0)
        _, posts = self.lines()
        self.assertEqual([p[2] for p in posts], [m["data"]["id"] for m in visit.got.messages])
        self.assertEqual({p[1] for p in posts}, {"1"})
        for post, ids in zip(posts, self.matched(visit), strict=True):
            pairs = [rule.split(":") for rule in post[3].split(",")]
            self.assertEqual({pair[0] for pair in pairs}, ids)
            self.assertLessEqual({tuple(pair[1:]) for pair in pairs}, {("a%20b%2Cc",), ()})

    def test_rule_changes(self) -> None:
        """Added and deleted, by whomever, with the time from which it works; a dry run is none."""
        (rule_id,) = self.add("snow", tag="t")
        self.call(RULES, {"add": [{"value": "rain"}]}, dry_run="true")
        self.clock.advance(5)
        self.call(RULES, {"delete": {"values": ["snow"]}})
        self.simulator.v2.add_foreign("ice")
        remarks, _ = self.lines()
        what = {"id": rule_id, "value": "snow", "tag": "t"}
        added = {"time": EPOCH, "change": "add", **what, "effective": EPOCH + 2}
        deleted = {"time": EPOCH + 5, "change": "delete", **what, "effective": EPOCH + 7}
        self.assertEqual(remarks[:2], [added, deleted])
        self.assertEqual((remarks[2]["value"], remarks[2]["tag"]), ("ice", None))

    def test_v1_is_as_it_was(self) -> None:
        """Time, connect and id."""
        self.ask()
        self.run_for(0.5)
        _, posts = self.lines()
        self.assertEqual({len(post) for post in posts}, {3})


class FaultTests(V2TestCase):
    """Streams that are hurt."""

    def struck(self, fault: SimulatorFault) -> Visit:
        """A stream of its own, struck."""
        self.simulator.fault(v2.ChangePlan(connections=100))
        before = len(self.simulator.state()["streams"])
        visit = self.search(*(() if self.simulator.state()["v2"]["rules"] else ("snow",)))
        self.assertEqual(self.simulator.fault(fault), before + 1)
        return visit

    def test_every_disconnect_type(self) -> None:
        """The message, then the end, or not."""
        for kind in get_args(DisconnectType):
            visit = self.struck(v2.StreamError(disconnect_type=kind))
            (error,) = visit.got.messages[-1]["errors"]
            self.assertEqual(error["disconnect_type"], kind)
            self.assertTrue(error["type"].endswith("/problems/operational-disconnect"))
            self.assertTrue(visit.got.ended and visit.hung_up)
        visit = self.struck(v2.StreamError(close=False))
        self.assertFalse(visit.hung_up)

    def test_partial(self) -> None:
        """A post with errors beside its data."""
        (post,) = self.struck(v2.Partial()).got.messages
        self.assertEqual(set(post), {"data", "matching_rules", "errors"})

    def test_unnamed(self) -> None:
        """Posts without rules, or with ids that are numbers, the rest as it is."""
        posts = self.struck(v2.Unnamed(count=2)).got.messages
        self.assertEqual(len(posts), 2)
        for post in posts:
            self.assertIsInstance(post["data"]["id"], str)
            self.assertNotIn("matching_rules", post)
        (post,) = self.struck(v2.Unnamed(numbers=True)).got.messages
        self.assertIsInstance(post["data"]["id"], int)
        self.assertTrue(all(isinstance(rule["id"], int) for rule in post["matching_rules"]))
        self.assertTrue(all(rule.keys() == {"id"} for rule in post["matching_rules"]))

    def test_repeat(self) -> None:
        """The last posts once more."""
        self.build(rate=10.0)
        visit = self.search("snow")
        self.run_for(1.0)
        before = visit.got.messages
        self.simulator.fault(damage.Repeat(count=3))
        self.assertEqual(visit.got.messages[len(before) :], before[-3:])

    def test_transport_faults(self) -> None:
        """Those of v1.1 work here as well."""
        for fault, hung_up in (
            (damage.Fin(), True),
            (damage.Close(), True),
            (damage.SimulatedConnectionLimit(), True),
            (damage.Stall(), False),
            (damage.Garbage(), False),
            (damage.SplitChunks(at="utf8"), False),
            (damage.BadChunk(), False),
            (v1_faults.SimulatedUnknown(), False),
        ):
            visit = self.struck(fault)
            self.run_for(0.1)
            self.assertEqual((fault.kind, visit.hung_up), (fault.kind, hung_up))
        visit = self.struck(damage.LongLine(size=50_000))
        self.assertEqual(len(visit.got.body), 50_002)
        self.assertIn("matching_rules", visit.got.messages[0])
        visit = self.struck(damage.Rst())
        self.assertTrue(visit.got.body.startswith(b'{"data"'))
        self.run_for(0.1)
        self.assertTrue(visit.transport.disconnected)

    def test_split_and_trickle(self) -> None:
        """Posts come whole in the end."""
        self.build(rate=4.0)
        visit = self.search("snow")
        self.simulator.fault(damage.SplitChunks(at="utf8"))
        self.simulator.fault(damage.Trickle(interval=0.001))
        self.run_for(2.0)
        self.simulator.fault(faults.Clear())
        self.run_for(0.1)
        self.assertIn(len(visit.got.messages), (7, 8))

    def test_struck_before_any_rule_works(self) -> None:
        """There is something to break off even then."""
        self.add("snow")
        visit = self.call(SEARCH)
        self.simulator.fault(damage.Fin())
        self.assertTrue(visit.got.body.startswith(b'{"data"'))

    def test_at_the_next_connect(self) -> None:
        """200 and nothing else."""
        self.simulator.fault(damage.Close(when="connect"))
        visit = self.search("snow")
        self.assertEqual((visit.got.status, visit.got.chunks), (200, [b""]))


class ControlTests(V2TestCase):
    """The URLs under /sandbox."""

    def test_state(self) -> None:
        """Rules with their times, and the tokens bought."""
        (rule_id,) = self.add("snow", tag="t")
        self.buy()
        state = json.loads(self.send(control("state")).got.body)
        self.assertEqual(state, self.simulator.state())
        rule = {"id": rule_id, "value": "snow", "tag": "t", "effective": EPOCH + 20, "ends": None}
        self.assertEqual((state["v2"]["rules"], state["v2"]["tokens"]), ([rule], 1))

    def test_command_line(self) -> None:
        """The delays can be given."""
        options = make_parser().parse_args(["--port=0", "--rule-delay=1", "--delete-delay=0"])
        plan = make_simulator(options, self.clock).state()["v2"]["plan"]
        self.assertEqual((plan["rule_delay"], plan["delete_delay"]), (1.0, 0.0))

    def test_faults(self) -> None:
        """By their kinds; what cannot be is a 400 with a sentence."""
        for body, status in (
            (b'{"kind":"plan","sample":false,"linger":3}', 200),
            (b'{"kind":"plan","rule_cap":0}', 400),
            (b'{"kind":"foreign-rule","value":"snow","tag":"x"}', 200),
            (b'{"kind":"foreign-rule","value":"("}', 400),
            (b'{"kind":"stream-error","disconnect_type":"Boredom"}', 400),
            (b'{"kind":"usage-cap","period":"Daily"}', 200),
        ):
            got = self.send(control("fault", body)).got
            self.assertEqual((body, got.status), (body, status))
        plan = self.simulator.state()["v2"]["plan"]
        self.assertEqual((plan["sample"], plan["linger"], plan["rule_cap"]), (False, 3.0, 1_000))


class Reader(Protocol):
    """Collects a body; `gone` fires at its end."""

    def __init__(self) -> None:
        self.received = b""
        self.gone: Deferred[None] = Deferred()
        self._waiting: list[tuple[int, Deferred[None]]] = []

    def dataReceived(self, data: bytes) -> None:
        """Tell those who wait for so many lines."""
        self.received += data
        for waiting in list(self._waiting):
            if self.received.count(b"\r\n") >= waiting[0]:
                self._waiting.remove(waiting)
                waiting[1].callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The end."""
        self.gone.callback(None)

    def lines(self, count: int) -> Deferred[None]:
        """Fires when `count` lines have come."""
        deferred: Deferred[None] = Deferred()
        self._waiting.append((count, deferred))
        self.dataReceived(b"")
        return deferred.addTimeout(10, reactor)


class SocketTests(TestCase):
    """A client over real connections."""

    async def test_from_the_keys_to_the_posts(self) -> None:
        """Token, rule, stream with gzip, and what it matched."""
        character = SimulatorSettings(rate=2_000.0, plan=Plan(rule_delay=0.0))
        simulator = Simulator(reactor, Random(5), character)
        endpoint = serverFromString(reactor, "tcp:0:interface=127.0.0.1")
        port = await endpoint.listen(simulator.site())
        self.addCleanup(simulator.stop)
        self.addCleanup(port.stopListening)
        base = f"http://127.0.0.1:{port.getHost().port}"
        options: dict[str, Any] = {"persistent": False}
        reply = await treq.post(
            f"{base}/oauth2/token",
            data={"grant_type": "client_credentials"},
            headers={"Authorization": BASIC},
            **options,
        )
        token = (await reply.json())["access_token"]
        options["headers"] = {"Authorization": f"Bearer {token}"}
        rule = {"value": "snow OR rain", "tag": "tcc:1"}
        reply = await treq.post(f"{base}{RULES}", json={"add": [rule]}, **options)
        self.assertEqual(reply.code, 201)
        added = (await reply.json())["data"][0]
        params = {"tweet.fields": "created_at", "expansions": "author_id"}
        reply = await treq.get(f"{base}{SEARCH}", params=params, unbuffered=True, **options)
        self.assertEqual(reply.code, 200)
        reader = Reader()
        reply.deliverBody(reader)
        await reader.lines(200)
        refused = await treq.get(f"{base}{SEARCH}", **options)
        self.assertEqual((await refused.json())["connection_issue"], "TooManyConnections")
        self.assertEqual(refused.code, 429)
        await simulator.stop()
        await reader.gone
        posts = [json.loads(line) for line in reader.received.split(b"\r\n") if line]
        for post in posts:
            (matched,) = post["matching_rules"]
            self.assertEqual(matched["id"], added["id"])
            self.assertRegex(post["data"]["text"].lower(), "snow|rain")
