"""The client on X API v2, as a process: many captures on one connection, kills, and the budget."""

import json
import signal
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from twisted.internet import reactor
from twisted.web.client import Agent
from twisted.web.http_headers import Headers

from tcclient.http.bodies import abandon
from tcclient.storage.index import INDEX
from tcsandbox.twitter import SANDBOX_BEARER_TOKEN
from tcsandbox.twitter.common.damage import Rst
from tcsandbox.twitter.v2.faults import ChangePlan, ForeignRule
from tests.e2e.processes import Running, start, twistd, until
from tests.e2e.stage import Stage
from tests.ledger.told import told

RULE_DELAY = 0.5


class Matches:
    """Remembers, for each job, the posts that one of its rules matched."""

    def __init__(self) -> None:
        self.ids: set[str] = set()
        self.of_job: defaultdict[int, set[str]] = defaultdict(set)

    def note(self, connection: int, posts: Iterable[object]) -> None:
        """Remember the ids, and which jobs the tags of their rules name."""
        for post in posts:
            id_, _, rules = str(post).partition(" ")
            self.ids.add(id_)
            for rule in rules.split(","):
                job = rule.rpartition(":")[2]
                if job.isdigit():
                    self.of_job[int(job)].add(id_)

    def remark(self, event: Mapping[str, object]) -> None:
        """Pass over what is about no post."""

    def close(self) -> None:
        """Do nothing: there is no file to close."""


class V2Stage(Stage):
    """Two captures with overlapping keywords."""

    def setUp(self) -> None:
        super().setUp()
        self.twitter.fault(ChangePlan(rule_delay=RULE_DELAY))
        self.other = self.server.store.create("tea", "tea, rain", 2)

    def make_journal(self) -> Matches:
        """Return one that tells the posts of each job apart."""
        self.matches = Matches()
        return self.matches

    def write_v2_settings(self, **changes: Any) -> None:
        """Settings for v2, whose section `twitter` may have more members."""
        root = self.stream_url.removesuffix("1.1/")
        self.write_settings(
            twitter={"api": "2", "api_url": root, "rule_delay": RULE_DELAY, **changes}
        )

    def client(self) -> Running:
        """A client that has begun."""
        return start(
            self, self.folder, twistd("-n", "--pidfile=", "tcc", "--config", "settings.json")
        )

    def stored(self, name: str) -> list[str]:
        """The ids in the files of a capture."""
        found = []
        for path in sorted((self.folder / "data" / name).glob(f"{name}*.json*")):
            if not path.name.endswith((".jsonl", ".torn")):
                lines = path.read_bytes().split(b"\n")[:-1]
                found += [json.loads(line)["data"]["id"] for line in lines]
        return found

    async def silent(self) -> None:
        """Nothing more is sent, and what was has arrived."""
        self.twitter.set_rate(0.0)
        await until(
            lambda: (
                set(self.stored("storm")) >= self.matches.of_job[self.job.id]
                and set(self.stored("tea")) >= self.matches.of_job[self.other.id]
            ),
            "all matched posts on disk",
        )

    def lines(self, name: str, kind: str) -> list[dict[str, Any]]:
        """What a capture's ledger says of that kind."""
        found = told(self.folder / "data" / name / f"{name}.ledger.jsonl")
        return [line for line in found if line["kind"] == kind]

    def opened(self) -> int:
        """How many streams X has opened."""
        connects: Any = self.twitter.state()["connects"]
        return sum(connect["status"] == 200 for connect in connects)


class SharingTests(V2Stage):
    async def test_two_captures(self) -> None:
        """Each post is in the files of the captures that it matched, through a keyword change."""
        self.write_v2_settings()
        client = self.client()
        await until(lambda: len(self.stored("tea")) > 20, "posts of both captures")
        self.server.store.rekey(self.job.id, "rain, snow")
        await until(lambda: "rules_deleted" in self.kinds("storm"), "the old rule deleted")
        await self.silent()
        await client.end(signal.SIGTERM)
        for job, name in ((self.job, "storm"), (self.other, "tea")):
            stored = self.stored(name)
            self.assertEqual(set(stored), self.matches.of_job[job.id])
            self.assertEqual(len(stored), len(set(stored)))
            self.assertEqual(job.total_count, len(stored))
        self.assertEqual(self.opened(), 1)

    async def test_stop_one_of_them(self) -> None:
        """The other goes on over the same connection."""
        self.write_v2_settings()
        client = self.client()
        await until(lambda: len(self.stored("tea")) > 5, "posts")
        self.server.store.stop(self.job.id)
        await until(lambda: self.job.status == 5, "stopped")
        so_far = len(self.stored("tea"))
        await until(lambda: len(self.stored("tea")) > so_far + 5, "more posts of the other")
        self.assertEqual((self.opened(), self.other.status), (1, 3))
        await client.end(signal.SIGTERM)

    def kinds(self, name: str) -> list[str]:
        """The kinds of lines in a capture's ledger."""
        path = self.folder / "data" / name / f"{name}.ledger.jsonl"
        return [line["kind"] for line in told(path)]


class BudgetTests(V2Stage):
    async def test_after_a_kill(self) -> None:
        """
        The budget is counted on after a kill -9 in mid-period, and stops within a second's worth;
        the log tells what was counted from what was not.
        """
        rate, limit = 200.0, 700
        self.twitter.set_rate(rate)
        self.write_v2_settings(budget={"posts_per_day": limit})
        client = self.client()
        await until(lambda: len(self.matches.ids) > 300, "some of the budget used")
        await client.end(signal.SIGKILL)
        client = self.client()
        ledger = self.folder / "data" / "tcc.ledger.jsonl"
        await until(lambda: "budget_exhausted" in ledger.read_text(), "the budget used up")
        await until(lambda: not self.twitter.state()["streams"], "the stream closed")
        self.assertLessEqual(len(self.matches.ids), limit + rate)
        self.assertGreater(len(self.matches.ids), limit - 2 * rate)
        self.assertRegex(
            client.out, r"used up, at most 7\d\d \(\d+ of them estimated\) of 700 posts"
        )
        await until(lambda: self.job.rate == 0, "the server sees rate 0")
        await client.end(signal.SIGTERM)


class BilledTests(V2Stage):
    async def test_another_program_s_rule(self) -> None:
        """The log names it at its first post, and the ledger of no capture counts what it cost."""
        self.write_v2_settings()
        client = self.client()
        await until(lambda: len(self.stored("tea")) > 5, "posts")
        self.twitter.fault(ForeignRule(value="foreign thing", tag="theirs"))
        await client.says("X bills posts that no capture here asks for")
        words = r": \d+ posts?, US\$0\.\d+, of the rule 'foreign thing' \(\d+\)"
        self.assertRegex(client.out, words)
        await client.end(signal.SIGTERM)
        self.assertEqual(client.out.count("X bills posts"), 1)
        self.assertIn("foreign_posts", (self.folder / "data" / "tcc.ledger.jsonl").read_text())


class BackfillTests(V2Stage):
    async def test_after_a_gap(self) -> None:
        """What X sends again after a lost connection is stored once, and the rest is there."""
        self.twitter.fault(ChangePlan(backfill=True))
        self.write_v2_settings(backfill=True)
        client = self.client()
        await until(lambda: len(self.stored("tea")) > 20, "posts")
        self.twitter.fault(Rst())
        await until(lambda: self.opened() == 2, "a second connection")
        so_far = len(self.stored("tea"))
        await until(lambda: len(self.stored("tea")) > so_far + 20, "more posts")
        await client.end(signal.SIGTERM)
        for job, name in ((self.job, "storm"), (self.other, "tea")):
            self.assertTrue(self.lines(name, "delivered_again"))
            stored = self.stored(name)
            self.assertEqual(len(stored), len(set(stored)))
            self.assertEqual(job.total_count, len(stored))

    async def test_after_a_kill(self) -> None:
        """The next process asks for what came in between, and takes none of it for new twice."""
        self.twitter.fault(ChangePlan(backfill=True))
        self.write_v2_settings(backfill=True)
        client = self.client()
        await until(lambda: len(self.stored("tea")) > 20, "posts")
        await client.end(signal.SIGKILL)
        client = self.client()
        await until(lambda: self.opened() == 2, "a second connection")
        so_far = len(self.stored("tea"))
        await until(lambda: len(self.stored("tea")) > so_far + 20, "more posts")
        await self.silent()
        await client.end(signal.SIGTERM)
        for job, name in ((self.job, "storm"), (self.other, "tea")):
            self.assertTrue(self.lines(name, "delivered_again"))
            stored = self.stored(name)
            self.assertEqual(set(stored), self.matches.of_job[job.id])
            self.assertEqual(len(stored), len(set(stored)))
            (gap,) = [line for line in self.lines(name, "gap") if line["cause"] == "crash"]
            self.assertEqual(gap["backfill"], 1)

    async def test_refused(self) -> None:
        """Where the plan has none, the stream is opened without, and it is asked for once."""
        self.write_v2_settings(backfill=True)
        client = self.client()
        await until(lambda: len(self.stored("tea")) > 5, "posts")
        for number in (2, 3):
            self.twitter.fault(Rst())
            await until(lambda number=number: self.opened() == number, "another connection")
            so_far = len(self.stored("tea"))
            await until(lambda so_far=so_far: len(self.stored("tea")) > so_far, "more posts")
        await client.end(signal.SIGTERM)
        self.assertEqual(client.out.count("X does not give backfill"), 1)
        connects: Any = self.twitter.state()["connects"]
        self.assertEqual(len([c for c in connects if c["status"] in (400, 403)]), 1)


class SlotTests(V2Stage):
    """X keeps the app's one connection for ten minutes after its client has gone."""

    def setUp(self) -> None:
        super().setUp()
        self.twitter.fault(ChangePlan(linger=600.0))
        self.write_v2_settings()

    def statuses(self) -> list[int]:
        """How X answered the requests for a stream."""
        connects: Any = self.twitter.state()["connects"]
        return [connect["status"] for connect in connects]

    async def test_after_a_kill(self) -> None:
        """The client ends the dead connection of the one before, and streams at once."""
        client = self.client()
        await until(lambda: len(self.stored("tea")) > 5, "posts")
        (record,) = (self.folder / "data").glob("tcc.connection.*.json")
        await until(lambda: bool(json.loads(record.read_text())["id"]), "the connection noted")
        await client.end(signal.SIGKILL)
        client = self.client()
        await until(lambda: len(self.statuses()) == 3, "another connection")
        self.assertEqual(self.statuses(), [200, 429, 200])
        so_far = len(set(self.stored("tea")))
        await until(lambda: len(set(self.stored("tea"))) > so_far + 5, "posts again")
        kinds = [line["kind"] for line in told(self.folder / "data" / INDEX)]
        self.assertEqual(kinds.count("connection_freed"), 1)
        await client.end(signal.SIGTERM)

    async def test_somebody_elses(self) -> None:
        """It is left alone, and log, ledger and health name its address."""
        self.twitter.v2.add_foreign("storm")
        root = self.stream_url.removesuffix("1.1/")
        agent = Agent(reactor)
        headers = Headers({"Authorization": [f"Bearer {SANDBOX_BEARER_TOKEN}"]})
        stream = await agent.request(b"GET", f"{root}2/tweets/search/stream".encode(), headers)
        client = self.client()
        ledger = self.folder / "data" / "storm" / "storm.ledger.jsonl"
        await until(lambda: ledger.exists() and "not_connected" in ledger.read_text(), "a refusal")
        (refused, *_) = self.lines("storm", "not_connected")
        self.assertIn("from 127.0.0.1", refused["explanation"])
        await client.says("filtered_stream since ")
        self.assertEqual(len(self.twitter.state()["streams"]), 1)
        await client.end(signal.SIGTERM)
        abandon(stream)
