"""Behaviour of the one connection: who gets which post, and when it is opened, kept and closed."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from msgspec import structs
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from tcclient.captures.session import Session
from tcclient.control.jobs import Job
from tcclient.ledger.entries import moment, seconds
from tcclient.ledger.gaps import IN_FLIGHT
from tcclient.runtime.backoff import Backoff, Refusal, Trouble
from tcclient.sources.twitter_v2.api import STALL_TIMEOUT, PostsApi, StreamQuery
from tcclient.sources.twitter_v2.backfill import MOST_MINUTES, Backfill
from tcclient.sources.twitter_v2.bearer import Bearer
from tcclient.sources.twitter_v2.budget.budget import SpendingRecord
from tcclient.sources.twitter_v2.budget.keeper import BudgetKeeper
from tcclient.sources.twitter_v2.budget.limits import BudgetLimits
from tcclient.sources.twitter_v2.budget.news import BudgetNews
from tcclient.sources.twitter_v2.budget.records import read_record, record_path
from tcclient.sources.twitter_v2.envelopes import POST_IDS
from tcclient.sources.twitter_v2.foreign import FOREIGN_INTERVAL
from tcclient.sources.twitter_v2.problems import SLOT
from tcclient.sources.twitter_v2.rules.keeping import LOOK_AGAIN
from tcclient.sources.twitter_v2.rules.ownership import Ownership
from tcclient.sources.twitter_v2.rules.wanted import RulePolicy
from tcclient.sources.twitter_v2.sharedstream import SharedStream
from tcclient.sources.twitter_v2.switch import PATIENCE
from tcclient.storage.bookkeeper import RETRY
from tcclient.storage.diskuse import DiskUse
from tcclient.storage.folders import Folders
from tcclient.storage.index import INDEX
from tcclient.storage.installation import Identity
from tcclient.storage.lane import PATIENCE as SLOW
from tcclient.storage.slots import Naming
from tcclient.stream.capturestream import Upstream
from tcclient.stream.connection import Timing
from tcclient.stream.framing import MAX_MESSAGE
from tests.left import leave
from tests.peers import FakeApi, Peer, clock_at, id_made, settle
from tests.sources.twitter_v2.xrules import DELAY, KEY, OURS, PREFIX, Api, XRules
from tests.storage.disk import SlowDisk, in_the_way

GOODBYE = Timing().goodbye

NAMES = {1: "cats", 2: "dogs", 3: "rats", 4: "all"}
REFUSALS: tuple[tuple[int, bytes, Trouble], ...] = (
    (401, b"", Trouble.REFUSED),
    (402, b'{"title":"CreditsDepleted"}', Trouble.REFUSED),
    (403, b'{"reason":"client-not-enrolled","title":"Client Forbidden"}', Trouble.REFUSED),
    (409, b'{"connection_issue":"RuleConfigurationIssue"}', Trouble.HTTP),
    (429, b'{"connection_issue":"TooManyConnections"}', SLOT),
    (429, b'{"title":"UsageCapExceeded","period":"Monthly"}', Trouble.REFUSED),
    (429, b'{"errors":[{"code":88}]}', Trouble.RATE_LIMIT),
    (503, b'{"connection_issue":"ProvisioningSubscription"}', Trouble.HTTP),
    (500, b"", Trouble.HTTP),
)


class FakeV2(FakeApi):
    """v2 as far as its addresses and refusals go; the test speaks for the other side."""

    def __init__(self, clock: Any, backfill: Backfill) -> None:
        super().__init__()
        self.stall_timeout = STALL_TIMEOUT
        self.minutes: list[int] = []
        self._clock = clock
        self._backfill = backfill
        bearer = Bearer(
            cast(Any, None), "http://x/", None, None, None, "test", clock, clock.seconds
        )
        self._v2 = PostsApi(cast(Any, None), bearer, {})

    def open(self, query: Any) -> Deferred[IResponse]:
        """Begin an attempt that the test answers; the minutes it asks for go into `minutes`."""
        self.minutes.append(self._backfill.minutes(self._clock.seconds()))
        self._backfill.asked = self.minutes[-1] or None
        return super().open(query)

    def endpoint(self, query: Any) -> str:
        """Return that of v2."""
        return self._v2.endpoint(query)

    def refusal(self, status: int, headers: Headers, body: bytes) -> Refusal:
        """Return that of v2, with a wait."""
        return structs.replace(self._v2.refusal(status, headers, body), at_least=self.at_least)


def post(number: int, *rules: tuple[str, str | None]) -> bytes:
    """A post that matched these rules, (id, tag), as X sends it."""
    matching = [{"id": id} if tag is None else {"id": id, "tag": tag} for id, tag in rules]
    members = {"matching_rules": matching} if rules else {}
    return json.dumps({"data": {"id": str(number), "text": "x"}, **members}).encode() + b"\r\n"


def goodbye(disconnect_type: str) -> bytes:
    """X says that it ends the connection."""
    error = {"title": "operational-disconnect", "disconnect_type": disconnect_type}
    return json.dumps({"errors": [error]}).encode() + b"\r\n"


def ids(lines: list[bytes]) -> list[int]:
    """The ids of posts."""
    return [int(json.loads(line)["data"]["id"]) for line in lines]


class Folder:
    """What is on the disk."""

    def __init__(self, base: Path) -> None:
        self._base = base

    def account(self, name: str = "", *kinds: str) -> list[dict[str, Any]]:
        """A ledger's lines, of these kinds if any are given; without a name the index's."""
        path = self._base / name / f"{name}.ledger.jsonl" if name else self._base / INDEX
        lines = (
            [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        )
        return [line for line in lines if not kinds or line["kind"] in kinds]

    def kinds(self, name: str) -> list[str]:
        """The kinds of a ledger's lines."""
        return [line["kind"] for line in self.account(name)]

    def stored(self, name: str) -> list[int]:
        """The ids of a capture's posts."""
        return ids(self.lines(name))

    def lines(self, name: str) -> list[bytes]:
        """A capture's posts, in files that are finished or not."""
        paths = sorted((self._base / name).glob(f"{name}2*"))
        return [line for path in paths for line in path.read_bytes().splitlines()]


class SharedStreamTestCase(SynchronousTestCase):
    """
    Real sessions and files, X in memory; nothing is left when all has stopped.  With `limits`
    there is a budget; `backfill` and `price` are the settings.
    """

    limits: BudgetLimits | None = None
    backfill = False
    price: float | None = 0.005
    server = "http://server/"
    use = DiskUse(ids=POST_IDS)

    def setUp(self) -> None:
        self.clock = clock_at()
        self.x = XRules(self.clock)
        self._lives_in(Path(self.mktemp()))
        self.begin()
        self.addCleanup(self._end)

    def _lives_in(self, base: Path) -> None:
        self.base = base
        self.disk = Folder(base)
        self.folders = Folders(
            base, Naming("", utc=True), self.server, self.clock, self.clock.seconds, use=self.use
        )

    def begin(self) -> None:
        """A process starts."""
        backfill = Backfill(self.backfill)
        self.api = FakeV2(self.clock, backfill)
        self.sessions: dict[int, Session] = {}
        self.connects: dict[int, int] = {}
        self.backoff = Backoff()
        upstream: Upstream[StreamQuery] = Upstream(cast(Any, self.api), self.backoff, self.clock)
        policy = RulePolicy(Ownership(), 1024, DELAY)
        self.shared = SharedStream(
            upstream,
            Api(self.x),
            policy,
            self.folders,
            self.clock.seconds,
            backfill,
            make_keeper=None if self.limits is None else self._keeper,
            post_price=self.price,
        )
        self.shared.startService()
        self.shared.begin(self._identity())

    def _identity(self) -> Identity:
        assert OURS.identity is not None
        return OURS.identity

    def _keeper(self, key: str, shared: SharedStream) -> BudgetKeeper:
        assert self.limits is not None
        return BudgetKeeper(
            self.limits, record_path(self.base, key), self.clock, self.clock.seconds, shared
        )

    def leave(self) -> None:
        """The process ends as it should: everything is finished, nothing waits."""
        self.shared.part()
        halts = [Deferred.fromCoroutine(session.halt("left")) for session in self.sessions.values()]
        settle(self.clock)
        stopped = self.shared.stopService()
        settle(self.clock)
        self.goes(GOODBYE)
        for halt in halts:
            self.successResultOf(halt)
        self.successResultOf(stopped)
        for session in self.sessions.values():
            session.retire()
            session.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.flushLoggedErrors(), [])

    def restart(self) -> None:
        """The process ends, and another one starts."""
        self.leave()
        self.begin()

    def dies(self) -> None:
        """
        The process is gone from one moment to the next, and another one starts on what it has left:
        a copy of its folder, made at that moment.
        """
        left = self.base.with_name(self.base.name + "-left")
        leave(self.base, left)
        now = self.clock.seconds()
        for path in left.glob("*/*.tmp"):
            os.utime(path, (now, now))
        self.leave()
        self._lives_in(left)
        self.begin()

    def _end(self) -> None:
        self.x.lets_go()
        self.leave()
        self.assertEqual(list(self.base.glob("*/*.tmp")), [])

    def run_job(self, job: int, keywords: str | None) -> None:
        """The server wants this; what follows at once has happened."""
        name = NAMES[job]
        wanted = Job(job, name, 3, keywords, 0, 1, False, None)
        if job not in self.sessions:
            session = Session(wanted, self.folders, self.shared, self._count(job))
            session.startService()
            self.sessions[job], self.connects[job] = session, 0
        self.sessions[job].run(wanted)
        settle(self.clock)

    def _count(self, job: int) -> Callable[[], None]:
        def opened() -> None:
            self.connects[job] += 1

        return opened

    def stream(self, *jobs: int) -> None:
        """These jobs run, with their names for keywords, and X has answered."""
        for job in jobs:
            self.run_job(job, NAMES[job])
        self.peer.answers()

    def halt(self, job: int) -> None:
        """The job stops, and the session has gone."""
        session = self.sessions.pop(job)
        halted = Deferred.fromCoroutine(session.halt("stopped"))
        settle(self.clock)
        self.clock.advance(GOODBYE)
        self.successResultOf(halted)
        session.retire()
        session.stopService()

    def goes(self, seconds: float, step: float = 0.25) -> None:
        """Time passes."""
        for _ in range(round(seconds / step)):
            self.clock.advance(step)

    def lives(self, seconds: float) -> None:
        """Time passes, with keep-alives on the connection."""
        for _ in range(round(seconds / 5)):
            self.goes(5)
            self.peer.says(b"\r\n")

    @property
    def peer(self) -> Peer:
        """The other side of the newest attempt."""
        return self.api.peer

    @property
    def attempts(self) -> int:
        """How often we have tried to connect."""
        return len(self.api.peers)

    def open_streams(self) -> list[Peer]:
        """The connections that stand."""
        return [p for p in self.api.peers if p.transport.protocol is not None and not p.hung_up]

    def rule(self, job: int) -> tuple[str, str | None]:
        """(id, tag) of the job's newest rule."""
        tag = f"{PREFIX}{job}"
        return [(rule.id, tag) for rule in self.x.rules.values() if rule.tag == tag][-1]

    def streaming(self) -> list[int]:
        """The jobs that the server would be told STARTED of."""
        return [job for job, session in self.sessions.items() if session.streaming]


class GapTests(SharedStreamTestCase):
    """What each account says of the time without a stream."""

    def gaps(self, name: str) -> list[tuple[str, float]]:
        """(cause, seconds) of each."""
        return [(line["cause"], line["seconds"]) for line in self.disk.account(name, "gap")]

    def test_everybody_has_it(self) -> None:
        """From the last byte to the first, for each capture that was asked for."""
        self.stream(1, 2)
        self.lives(DELAY)
        self.peer.says(post(1, self.rule(1)))
        self.goes(3)
        self.peer.closes()
        self.goes(0.25)
        self.peer.answers()
        self.peer.says(b"\r\n")
        for name in ("cats", "dogs"):
            self.assertEqual(self.gaps(name), [("start", DELAY), ("closed", 3.25 + IN_FLIGHT)])

    def test_one_that_joins(self) -> None:
        """It is without posts until its rule at X works; the others hear nothing of it."""
        self.stream(1)
        self.peer.says(b"\r\n")
        self.x.holds("add")
        self.run_job(2, "dogs")
        self.goes(2)
        self.x.answers()
        settle(self.clock)
        self.assertEqual(self.gaps("dogs"), [("start", 2.0 + DELAY)])
        self.assertEqual(self.gaps("cats"), [("start", DELAY)])

    def test_since_when_keywords_are_in_force(self) -> None:
        """When all of their rules work, which takes the rule delay."""
        self.stream(1)
        self.peer.says(b"\r\n")
        self.run_job(1, "kittens")
        (first, second) = self.disk.account("cats", "keywords_in_force")
        self.assertEqual((first["text"], second["text"]), ("cats", "kittens"))
        self.assertEqual([*first["rules"], *second["rules"]], list(self.x.rules))
        after = seconds(second["since"]) - seconds(second["at"])
        self.assertAlmostEqual(after, DELAY, 3)

    def in_force_after(self, leaves: Callable[[], object], asked: float) -> float:
        """
        Keywords were asked for so many seconds before the process ends by `leaves`, and another one
        is heard a while later: since when these are in force, in seconds from that end.
        """
        self.stream(1)
        self.lives(2 * DELAY)
        self.run_job(1, "kittens")
        self.goes(asked % 5)
        self.lives(asked)
        ended = self.clock.seconds()
        leaves()
        self.run_job(1, "kittens")
        self.goes(50)
        self.peer.answers().says(b"\r\n")
        [*_, line] = self.disk.account("cats", "keywords_in_force")
        self.assertEqual(line["text"], "kittens")
        return seconds(line["since"]) - ended

    def test_keywords_in_force_over_a_restart(self) -> None:
        """From when the rule works that was left: posts from before the first byte may yet come."""
        self.assertAlmostEqual(self.in_force_after(self.restart, DELAY - 8), 8.0, 3)

    def test_keywords_in_force_over_a_crash(self) -> None:
        """The same."""
        self.assertAlmostEqual(self.in_force_after(self.dies, DELAY - 8), 8.0, 3)

    def test_keywords_that_have_long_been_in_force(self) -> None:
        """The time before the gap has lines of its own."""
        self.assertAlmostEqual(self.in_force_after(self.restart, 3 * DELAY), 0.0, 3)

    def test_keywords_from_before_a_restart_once_more(self) -> None:
        """They are in force from the change on, though X has had their rule for long."""
        self.x.fails("delete", trouble=Trouble.HTTP)
        self.in_force_after(self.restart, 2 * DELAY)
        self.x.recovers()
        self.lives(5)
        changed = self.clock.seconds()
        self.run_job(1, "cats")
        self.lives(60)
        [*_, line] = self.disk.account("cats", "keywords_in_force")
        self.assertEqual((line["text"], seconds(line["since"])), ("cats", changed))

    def test_over_a_restart(self) -> None:
        """The rules that were left have worked for long."""
        self.stream(1)
        self.lives(60)
        self.restart()
        self.stream(1)
        self.goes(2)
        self.peer.says(b"\r\n")
        (_, gap) = self.gaps("cats")
        self.assertEqual(gap[0], "client_stopped")
        self.assertLess(gap[1], DELAY)

    def test_keywords_that_x_refuses(self) -> None:
        """With the last rule go the posts, and log and account say so; others hear nothing."""
        self.stream(1, 2)
        self.peer.says(b"\r\n")
        self.lives(300)
        self.x.bad = {"foul": "it is foul"}
        with capturedLogs() as events:
            self.run_job(1, "foul")
        self.assertIn("gets nothing", " ".join(event["log_format"] for event in events))
        self.assertEqual(self.streaming(), [2])
        self.lives(10)
        self.run_job(1, "cats")
        self.assertEqual(self.gaps("cats"), [("start", DELAY), ("rules", 10.0 + DELAY + IN_FLIGHT)])
        self.assertEqual(self.gaps("dogs"), [("start", DELAY)])

    def test_terms_that_x_refuses(self) -> None:
        """It is known how many are left out, until there are other keywords."""
        self.stream(1)
        self.x.bad, self.x.slow = {"foul": "it is foul"}, 1.0
        self.run_job(1, "cats, foul, -")
        self.assertEqual(self.left_out(1), {"-"})
        self.lives(10)
        self.assertEqual(self.left_out(1), {"-", "foul"})
        self.run_job(1, "cats")
        self.assertEqual(self.left_out(1), set())

    def left_out(self, job: int) -> frozenset[str]:
        """The terms of its newest keywords that are not asked for."""
        archive = self.sessions[job].archive
        assert archive is not None
        return archive.capture_log.refused

    def test_rules_that_somebody_deletes(self) -> None:
        """They may have been missing since they were read last."""
        self.stream(1, 2)
        self.peer.says(b"\r\n")
        self.x.rules = {id: rule for id, rule in self.x.rules.items() if rule.tag != f"{PREFIX}1"}
        self.lives(LOOK_AGAIN)
        self.assertEqual(
            self.gaps("cats"), [("start", DELAY), ("rules", LOOK_AGAIN + DELAY + IN_FLIGHT)]
        )
        self.assertEqual(self.streaming(), [1, 2])


class RoutingTests(SharedStreamTestCase):
    """From matching rules to files."""

    def test_to_every_job_that_it_matched(self) -> None:
        """Byte for byte, once for each."""
        self.stream(1, 2)
        cats, dogs = self.rule(1), self.rule(2)
        said = [post(1, cats), post(2, dogs), post(3, cats, dogs), post(4, dogs, ("9", "mine"))]
        self.peer.says(b"".join(said))
        self.assertEqual(self.disk.stored("cats"), [1, 3])
        self.assertEqual(self.disk.stored("dogs"), [2, 3, 4])
        lines = next((self.base / "dogs").glob("dogs2*")).read_bytes().splitlines()
        self.assertEqual(lines, [line.strip() for line in said[1:]])
        self.assertEqual(self.sessions[2].archive.tally.posts, 3)

    def test_rules_without_a_tag(self) -> None:
        """The id is all that X promises."""
        self.stream(1, 2)
        self.peer.says(post(1, (self.rule(2)[0], None)))
        self.assertEqual((self.disk.stored("cats"), self.disk.stored("dogs")), ([], [1]))

    def test_keywords_that_change_again_after_a_restart(self) -> None:
        """Posts for those before the last ones that were in force are for nobody."""
        self.stream(1)
        self.lives(2 * DELAY)
        older = self.rule(1)
        self.run_job(1, "kittens")
        self.lives(5)
        old = self.rule(1)
        self.leave()
        self.goes(2 * DELAY)
        self.begin()
        self.run_job(1, "lions")
        self.peer.answers().says(post(1, older) + post(2, old) + post(3, self.rule(1)))
        self.assertEqual(self.disk.stored("cats"), [2, 3])

    def test_a_rule_that_is_not_known_yet(self) -> None:
        """Its tag says whose it is, before X has even answered."""
        self.stream(1)
        self.peer.says(post(1, ("999999", f"{PREFIX}1")))
        self.assertEqual(self.disk.stored("cats"), [1])

    def test_a_new_rule_without_a_tag(self) -> None:
        """It is known as soon as X has answered, although the pass goes on."""
        self.stream(1)
        self.x.holds("read")
        self.run_job(1, "cats, dogs")
        self.x.holds("delete")
        self.x.answers()
        self.peer.says(post(1, (self.rule(1)[0], None)))
        self.assertEqual(self.disk.stored("cats"), [1])

    def test_what_a_deleted_rule_still_matches(self) -> None:
        """X takes it off after a while; until then it belongs to the job, tag or no tag."""
        self.stream(1)
        old = self.rule(1)
        self.run_job(1, "kittens")
        self.lives(DELAY + 5)
        self.assertEqual(self.x.values(), ["kittens"])
        self.peer.says(post(1, old) + post(2, (old[0], None)))
        self.assertEqual(self.disk.stored("cats"), [1, 2])

    def test_what_a_rule_still_matches_that_an_earlier_process_deleted(self) -> None:
        """It belongs to the job, by its ledger; a rule of nobody's does not."""
        self.stream(1)
        old = self.rule(1)
        self.run_job(1, "kittens")
        self.lives(DELAY + 5)
        self.restart()
        self.stream(1)
        self.peer.says(post(1, (old[0], None)) + post(2, ("999999", None)))
        self.assertEqual(self.disk.stored("cats"), [1])

    def test_a_deletion_that_a_crash_kept_out_of_the_ledger(self) -> None:
        """That the rule was accepted is there."""
        self.stream(1)
        old = self.rule(1)
        self.restart()
        del self.x.rules[old[0]]
        self.stream(1)
        self.peer.says(post(1, (old[0], None)))
        self.assertEqual(self.disk.stored("cats"), [1])

    def test_what_nobody_here_asked_for(self) -> None:
        """Counted by rule, one line a minute, and none where there is nothing to count."""
        self.stream(1)
        self.peer.says(post(1, ("9", "mine")) + post(2, ("9", "mine"), ("8", None)))
        self.lives(FOREIGN_INTERVAL - 5)
        self.assertEqual(self.disk.account("", "foreign_posts"), [])
        self.lives(5)
        (line,) = self.disk.account("", "foreign_posts")
        self.assertEqual(line["by_rule"], {"9": 2, "8": 1})
        self.lives(3 * FOREIGN_INTERVAL)
        self.assertEqual(len(self.disk.account("", "foreign_posts")), 1)
        self.assertEqual(self.disk.stored("cats"), [])

    def test_what_that_costs(self) -> None:
        """The log says it where a price is set, and else the number of posts alone."""
        for price, said in ((0.005, "1 post, US$0.005, of"), (None, "1 post of"), (3, "US$3.000")):
            self.price = price
            self.restart()
            self.assertEqual(self.shared.post_price, price)
            self.stream(1)
            with capturedLogs() as events:
                self.peer.says(post(1, ("", "theirs")))
            [line] = [one for one in map(formatEvent, events) if one and "X bills posts" in one]
            self.assertIn(said, line)

    def test_what_comes_for_a_job_that_has_stopped(self) -> None:
        """It is billed, and counted; at the end of the process too."""
        self.stream(1, 2)
        dogs = self.rule(2)
        self.halt(2)
        self.peer.says(post(1, dogs) + post(2, dogs) + post(3, dogs, self.rule(1)))
        self.assertEqual((self.disk.stored("dogs"), self.disk.stored("cats")), ([], [3]))
        self.restart()
        (line,) = self.disk.account("", "foreign_posts")
        self.assertEqual(line["by_rule"], {dogs[0]: 2})

    def test_what_is_no_post(self) -> None:
        """Each capture's account has it, and the posts around it are stored."""
        self.stream(1, 2)
        cats = self.rule(1)
        strange = b'{"data":{"name":"x"}}\r\nnonsense\r\n' + b"x" * (MAX_MESSAGE + 1) + b"\r\n"
        self.peer.says(b"\r\n")
        self.peer.says(post(1, cats) + strange + post(2, cats))
        self.assertEqual(self.disk.stored("cats"), [1, 2])
        for name in ("cats", "dogs"):
            self.assertEqual(self.disk.kinds(name)[-3:], ["unknown", "refused", "refused"])

    def test_the_sample_has_no_rules(self) -> None:
        """All of it is for who asked for it."""
        self.run_job(4, None)
        self.peer.answers().says(post(1) + post(2))
        self.assertEqual(self.disk.stored("all"), [1, 2])
        self.assertTrue(self.peer.query.is_sample)

    def test_one_folder_that_takes_no_posts(self) -> None:
        """The others' posts of the same moment are stored, its own when it takes posts again."""
        self.stream(1, 2)
        with in_the_way(self.base / "cats"):
            self.peer.says(post(1, self.rule(1), self.rule(2)))
            self.assertFalse(self.peer.transport.reading)
        self.assertEqual((self.disk.stored("cats"), self.disk.stored("dogs")), ([], [1]))
        self.clock.advance(RETRY)
        self.assertTrue(self.peer.transport.reading)
        self.assertEqual(self.disk.stored("cats"), [1])
        self.assertEqual(len(self.disk.account("cats", "disk_trouble")), 1)

    def test_a_folder_that_takes_no_posts_and_is_left(self) -> None:
        """The others are read again: nothing comes for it any more."""
        self.stream(1, 2)
        with in_the_way(self.base / "cats"):
            self.peer.says(post(1, self.rule(1)))
            halted = Deferred.fromCoroutine(self.sessions[1].halt("stopped"))
            settle(self.clock)
            self.assertTrue(self.peer.transport.reading)
            self.assertNoResult(halted)
        self.clock.advance(RETRY)
        self.successResultOf(halted)

    def test_a_disk_that_takes_no_posts_while_there_is_no_connection(self) -> None:
        """It is not asked for: X would bill what nobody can store; but it is for another one."""
        self.stream(1)
        with in_the_way(self.base / "cats"):
            self.peer.says(post(1, self.rule(1)))
            self.peer.closes()
            self.goes(60)
            self.assertEqual(self.attempts, 1)
            self.run_job(2, "dogs")
            self.goes(2)
            self.assertEqual(self.attempts, 2)
        self.goes(2)


class PausedBudgetTests(SharedStreamTestCase):
    """A disk takes no posts, X sends on, and each one costs."""

    limits = BudgetLimits(100)

    def kept(self) -> SpendingRecord:
        """What is on the disk of the budget."""
        return read_record(record_path(self.base, KEY))

    def test_what_is_not_read(self) -> None:
        """It is provided for while it may come, counted when it comes, and then no estimate."""
        self.stream(1)
        self.peer.says(b"".join(post(n, self.rule(1)) for n in range(4)))
        self.goes(0.5)
        with in_the_way(self.base / "cats"), capturedLogs():
            self.peer.says(post(4, self.rule(1)))
            self.goes(5)
            self.assertGreaterEqual(self.kept().ahead, 5 * 8)
        self.goes(2)
        self.peer.says(b"".join(post(n, self.rule(1)) for n in range(5, 45)))
        self.leave()
        self.assertEqual((self.kept().day_posts, self.kept().day_estimate), (45, 0))
        self.begin()

    def test_it_ends_unread(self) -> None:
        """What has been sent by then is spent, by an estimate."""
        self.stream(1)
        self.peer.says(b"".join(post(n, self.rule(1)) for n in range(5)))
        with in_the_way(self.base / "cats"), capturedLogs():
            self.peer.says(post(5, self.rule(1)))
            self.goes(5)
            self.peer.closes()
            self.assertGreaterEqual(self.kept().day_estimate, 5 * 6)
        self.goes(2)


class SlowReadingTests(SharedStreamTestCase):
    """The disk takes its time to tell which posts are stored."""

    def setUp(self) -> None:
        self.slow = SlowDisk()
        self.use = DiskUse(ids=POST_IDS, threads=self.slow)
        super().setUp()

    def leave(self) -> None:
        self.slow.answers = True
        self.slow.do_all()
        super().leave()

    def test_the_answer_is_there_meanwhile(self) -> None:
        """A gap ends with the answer, or where the first rule works: what came since is read."""
        self.run_job(1, "cats")
        self.goes(DELAY - 1.0)
        self.hears_late()
        self.peer.closes()
        self.goes(1.0)
        answered = self.clock.seconds()
        self.hears_late()
        start, closed = self.disk.account("cats", "gap")
        self.assertEqual((start["cause"], start["seconds"]), ("start", DELAY))
        self.assertEqual((closed["cause"], closed["end"]), ("closed", moment(answered)))

    def hears_late(self) -> None:
        """X answers, and is heard two seconds later."""
        self.peer.answers()
        self.goes(2.0)
        self.slow.do_all()
        self.peer.says(b"\r\n")


class HangingBudgetTests(SharedStreamTestCase):
    """The disk that has the budget takes its time."""

    limits = BudgetLimits(10**6)

    def setUp(self) -> None:
        self.acts = SlowDisk()
        super().setUp()

    def leave(self) -> None:
        self.acts.answers = True
        self.acts.do_all()
        super().leave()

    def _keeper(self, key: str, shared: BudgetNews) -> BudgetKeeper:
        path, clock, acts = record_path(self.base, key), self.clock, self.acts
        limits = self.limits or BudgetLimits()
        return BudgetKeeper(limits, path, clock, clock.seconds, shared, threads=acts)

    def test_what_no_record_provides_for(self) -> None:
        """Nothing more is read until it is kept; after SLOW the connection is closed until then."""
        self.stream(1)
        self.acts.do_all()
        self.peer.says(post(1, self.rule(1)))
        self.assertFalse(self.peer.transport.reading)
        self.acts.do_all()
        self.assertTrue(self.peer.transport.reading)
        self.peer.says(b"".join(post(n, self.rule(1)) for n in range(2, 9)))
        self.assertFalse(self.peer.transport.reading)
        self.goes(SLOW)
        self.assertTrue(self.peer.hung_up)
        self.acts.do_all()
        self.goes(1)
        self.assertEqual(self.attempts, 2)


class BackfillTests(SharedStreamTestCase):
    """What an earlier process has missed is asked for, and what it has stored is known."""

    backfill = True

    def made(self, *ago: float) -> list[int]:
        """The ids of posts that were made so many seconds ago."""
        return [id_made(self.clock.seconds() - seconds) for seconds in ago]

    def both(self) -> None:
        """Two jobs run before X has told what rules there are, as in a process that starts."""
        self.x.holds("read")
        self.run_job(1, "cats")
        self.run_job(2, "dogs")
        self.x.lets_go()
        self.peer.answers()

    def gaps(self, name: str) -> list[tuple[str, int | None]]:
        """(cause, minutes that were asked for) of each."""
        return [(line["cause"], line.get("backfill")) for line in self.disk.account(name, "gap")]

    def says(self, ids: list[int], *jobs: int) -> None:
        """Posts that these jobs' rules match."""
        rules = [self.rule(job) for job in jobs]
        self.peer.says(b"".join(post(id, *rules) for id in ids))

    def test_after_a_restart(self) -> None:
        """What was missed is asked for, and what comes a second time is stored once."""
        self.stream(1)
        self.lives(DELAY)
        before = self.made(9, 6, 3, 0)
        self.says(before, 1)
        self.restart()
        self.goes(60)
        self.stream(1)
        missed = self.made(50, 40)
        self.says([*before[2:], *missed], 1)
        self.assertEqual(self.api.minutes, [2])
        self.assertEqual(self.disk.stored("cats"), [*before, *missed])
        self.assertEqual(self.sessions[1].archive.tally.posts, 6)
        self.assertEqual(self.gaps("cats"), [("start", None), ("client_stopped", 2)])
        self.restart()
        (again,) = self.disk.account("cats", "delivered_again")
        self.assertEqual(again["posts"], 2)

    def test_after_a_kill(self) -> None:
        """A post that is in the file of one capture and not of the other is stored for that."""
        self.stream(1, 2)
        self.lives(DELAY)
        both = self.made(1, 0)
        self.says(both, 1, 2)
        (file,) = (self.base / "dogs").glob("*.tmp")
        file.write_bytes(file.read_bytes().splitlines(keepends=True)[0])
        self.dies()
        self.stream(1, 2)
        self.says(both, 1, 2)
        self.assertEqual(self.api.minutes, [1])
        self.assertEqual((self.disk.stored("cats"), self.disk.stored("dogs")), (both, both))
        self.assertEqual(self.gaps("dogs"), [("start", None), ("crash", 1)])

    def test_an_outage_that_goes_on(self) -> None:
        """It began before the process; what is asked for grows until something comes."""
        self.stream(1)
        self.lives(DELAY)
        self.peer.closes()
        self.goes(70)
        self.dies()
        self.run_job(1, "cats")
        self.peer.fails(ConnectionRefusedError())
        self.goes(60)
        self.peer.fails(ConnectionRefusedError())
        self.goes(1)
        self.assertEqual(self.api.minutes, [2, 2, 3])
        self.peer.answers()
        self.says(self.made(0), 1)
        self.peer.closes()
        self.goes(1)
        self.assertEqual(self.api.minutes, [2, 2, 3, 1])
        self.assertEqual(self.gaps("cats"), [("start", None), ("closed", 3)])

    def test_the_longest_outage(self) -> None:
        """Captures may have been left at different times, and X brings no more than it has."""
        self.stream(1, 2)
        self.lives(DELAY)
        self.restart()
        self.goes(200)
        self.stream(1)
        self.lives(DELAY)
        self.restart()
        self.both()
        self.assertEqual(self.api.minutes, [4])
        self.restart()
        self.goes(1000)
        self.stream(1)
        self.assertEqual(self.api.minutes, [MOST_MINUTES])

    def test_newly_started(self) -> None:
        """Nothing has been missed; nor is it taken for what others have missed."""
        self.stream(1)
        self.lives(DELAY)
        self.restart()
        self.stream(2)
        self.assertEqual(self.api.minutes, [0])
        self.restart()
        self.stream(1, 3)
        self.says(self.made(0), 1)
        self.assertEqual(self.api.minutes, [1])
        self.assertEqual(self.gaps("cats"), [("start", None), ("client_stopped", 1)])
        self.assertEqual(self.gaps("rats"), [("start", None)])

    def test_not_wanted(self) -> None:
        """Nothing is asked for, and nobody looks for what has been stored."""
        self.stream(1)
        self.lives(DELAY)
        self.backfill = False
        self.restart()
        self.stream(1)
        self.assertEqual(self.api.minutes, [0])


class BackfillBudgetTests(SharedStreamTestCase):
    """What was not to be bought is not asked for afterwards."""

    backfill = True
    limits = BudgetLimits(2)

    def test_a_budget_that_is_used_up(self) -> None:
        """Whatever happens to the process until the next period."""
        self.stream(1)
        with capturedLogs():
            self.peer.says(post(1, self.rule(1)) + post(2, self.rule(1)))
            self.goes(GOODBYE)
            for ends in (self.dies, self.restart):
                ends()
                self.run_job(1, "cats")
                [day] = self.shared.limits()
                self.assertEqual((day.name, day.limit, day.spent >= 2), ("day", 2, True))
            while not self.api.minutes:
                self.clock.advance(60)
        self.assertEqual(self.api.minutes, [0])


class ConnectionTests(SharedStreamTestCase):
    """When the one connection is opened, kept and closed."""

    def test_jobs_come_and_go(self) -> None:
        """The first opens it, the last closes it, none in between touches it."""
        self.stream(1)
        self.run_job(2, "dogs")
        self.run_job(3, "rats")
        self.halt(1)
        self.assertEqual(self.x.values(), ["dogs", "rats"])
        self.halt(3)
        self.assertEqual(len(self.open_streams()), 1)
        self.halt(2)
        self.assertEqual((self.attempts, self.open_streams(), self.x.values()), (1, [], []))

    def test_keywords_change(self) -> None:
        """The connection stands, and what only the old rule matches meanwhile is kept."""
        self.stream(1)
        old = self.rule(1)
        for number, text in enumerate(("kittens", "lions, cats", "cats", "tigers"), start=1):
            self.run_job(1, text)
            self.peer.says(post(number, old))
            self.lives(5)
        self.lives(2 * DELAY)
        self.assertEqual((self.attempts, len(self.open_streams())), (1, 1))
        self.assertEqual(self.disk.stored("cats"), [1, 2, 3, 4])
        self.assertEqual(self.x.values(), ["tigers"])

    def test_keywords_that_change_often(self) -> None:
        """
        Six changes in five minutes are made at once, later ones together once a minute; with no
        usable keywords, or a stop, nothing waits.
        """
        self.stream(1)
        for number in range(6):
            self.run_job(1, f"word{number}")
        with capturedLogs() as captured:
            self.run_job(1, "seventh")
            self.run_job(1, "eighth")
        said = [formatEvent(event) for event in captured]
        self.assertEqual(sum("Keywords change often" in line for line in said), 1)
        self.assertIn("word5", self.x.values())
        asked = len(self.x.asked)
        self.lives(55)
        self.assertNotIn("eighth", self.x.values())
        self.lives(10)
        self.assertIn("eighth", self.x.values())
        self.lives(2 * DELAY)
        self.assertEqual(self.x.values(), ["eighth"])
        self.assertEqual(self.x.asked[asked:].count("add"), 1)
        in_force = self.disk.account("cats", "keywords_in_force")
        self.assertEqual([line["text"] for line in in_force][-1], "eighth")
        self.run_job(1, "ninth")
        self.run_job(1, ",")
        self.lives(2 * DELAY)
        self.assertEqual(self.x.values(), [])

    def test_keywords_to_nothing_and_back(self) -> None:
        """Log and ledger give one cause, in the same words."""
        self.stream(1)
        self.lives(2 * DELAY)
        why = "none of its keywords can be used"
        with capturedLogs() as captured:
            self.run_job(1, ",")
            self.goes(60)
        said = [formatEvent(event) for event in captured]
        self.assertIn(f"Capture 'cats' does not run: {why}.", said)
        self.assertFalse([line for line in said if "gets nothing" in str(line)])
        self.run_job(1, "cats")
        self.peer.answers()
        self.lives(2 * DELAY)
        (_, gap) = self.disk.account("cats", "gap")
        self.assertEqual((gap["cause"], gap["detail"]), ("rules", why))
        self.assertGreaterEqual(gap["seconds"], 60)

    def test_the_account_of_a_change(self) -> None:
        """When the new rule was accepted, when the old one was deleted, and what they are."""
        self.stream(1)
        self.run_job(1, "kittens")
        self.lives(DELAY + 5)
        lines = self.disk.account("cats", "rules_accepted", "rules_deleted")
        told = [(line["at"][14:23], line["kind"], line["rules"][0]["value"]) for line in lines]
        self.assertEqual(
            told,
            [
                ("13:20.000", "rules_accepted", "cats"),
                ("13:20.000", "rules_accepted", "kittens"),
                ("13:40.000", "rules_deleted", "cats"),
            ],
        )

    def test_no_connection_without_rules(self) -> None:
        """X would refuse it."""
        self.x.holds("add")
        self.run_job(1, "cats")
        self.assertEqual(self.attempts, 0)
        self.x.lets_go()
        self.assertEqual(self.attempts, 1)

    def test_all_terms_are_refused(self) -> None:
        """There is no connection, and other captures are not held up."""
        self.x.bad = {"cats": "no cats"}
        with capturedLogs() as logs:
            self.run_job(1, "cats")
        self.assertEqual(self.attempts, 0)
        (said,) = [log for log in logs if "left out" in log["log_format"]]
        self.assertEqual((said["name"], said["term"]), ("cats", "cats"))
        refused = self.disk.account("cats", "terms_refused")[0]["refused"]
        self.assertEqual(refused, [{"term": "cats", "reason": "X refuses it: no cats"}])
        self.run_job(2, "dogs")
        self.assertEqual((self.attempts, self.x.values()), (1, ["dogs"]))

    def test_keywords_that_cannot_be_used(self) -> None:
        """The capture goes on with none, which is not the sample; its rules go at once."""
        self.stream(1, 2)
        self.run_job(1, "--")
        self.assertEqual(self.x.values(), ["dogs"])
        self.assertEqual((self.streaming(), self.attempts), ([2], 1))
        self.run_job(2, "--")
        settle(self.clock)
        self.goes(1)
        self.assertEqual(self.open_streams(), [])

    def test_a_new_job_that_x_has_no_room_for(self) -> None:
        """The connection of the others is opened all the same."""
        self.x.cap = 1
        self.run_job(1, "cats")
        self.run_job(2, "dogs")
        self.peer.answers()
        self.assertEqual(self.streaming(), [1])

    def test_rules_that_are_there_and_others_that_cannot_be_added(self) -> None:
        """After a restart what is there is enough to connect."""
        self.stream(1)
        self.restart()
        self.x.fails("try", "add", trouble=Trouble.RATE_LIMIT, at_least=900.0)
        self.run_job(1, "cats, kittens")
        self.assertEqual(self.attempts, 1)
        self.peer.answers().says(post(1, self.rule(1)))
        self.assertEqual(self.disk.stored("cats"), [1])

    def test_the_last_posts_of_the_last_job(self) -> None:
        """What had arrived when it was stopped is stored."""
        for jobs in ((1,), (1, 2)):
            self.stream(*jobs)
            cats, peer = self.rule(1), self.peer
            halted = Deferred.fromCoroutine(self.sessions[1].halt("stopped"))
            peer.says(post(len(jobs), cats))
            self.goes(GOODBYE)
            self.successResultOf(halted)
            for job in jobs:
                self.halt(job)
        self.assertEqual(self.disk.stored("cats"), [1, 2])
        self.assertEqual(self.disk.account("", "foreign_posts"), [])

    def test_stopped_twice_at_the_same_time(self) -> None:
        """By the server, and by the end of the process."""
        self.stream(1, 2)
        halts = [Deferred.fromCoroutine(self.sessions[1].halt("stopped")) for _ in range(2)]
        self.goes(GOODBYE)
        for halt in halts:
            self.successResultOf(halt)
        self.assertEqual(self.streaming(), [2])

    def test_stopped_and_started_again(self) -> None:
        """On the same connection, where another job holds it."""
        self.stream(1, 2)
        self.halt(1)
        self.run_job(1, "cats")
        self.assertEqual((self.streaming(), self.attempts), ([2, 1], 1))
        self.peer.says(post(1, self.rule(1)))
        self.assertEqual(self.disk.stored("cats"), [1])

    def test_the_account_of_each_run(self) -> None:
        """Whoever holds the connection, a capture's account says from when to when it had one."""
        self.stream(1, 2)
        self.run_job(3, "rats")
        for job in (1, 2, 3):
            self.halt(job)
        for name in ("cats", "dogs", "rats"):
            kinds = [line["kind"] for line in self.disk.account(name, "connected", "disconnected")]
            self.assertEqual((name, kinds), (name, ["connected", "disconnected"]))
            self.assertEqual(self.disk.account(name, "disconnected")[0]["cause"], "stopped")

    def test_a_capture_that_joins_is_in_the_log(self) -> None:
        """The connection stands already."""
        self.stream(1)
        with capturedLogs() as logs:
            self.run_job(2, "dogs")
        names = [log.get("name") for log in logs if "connected" in log["log_format"]]
        self.assertEqual(names, ["dogs"])


class StartedTests(SharedStreamTestCase):
    """When a capture counts as started."""

    def test_both_the_connection_and_the_rule(self) -> None:
        """Whichever comes last."""
        self.x.holds("add")
        self.run_job(1, "cats")
        self.x.lets_go()
        self.assertEqual((self.connects, self.streaming()), ({1: 0}, []))
        self.peer.answers()
        self.assertEqual((self.connects, self.streaming()), ({1: 1}, [1]))
        self.x.holds("add")
        self.run_job(2, "dogs")
        self.assertEqual((self.connects, self.streaming()), ({1: 1, 2: 0}, [1]))
        self.x.lets_go()
        self.assertEqual((self.connects, self.streaming()), ({1: 1, 2: 1}, [1, 2]))

    def test_again_after_a_reconnect(self) -> None:
        """And not because of anything else."""
        self.stream(1, 2)
        self.run_job(1, "kittens")
        self.lives(2 * DELAY)
        self.assertEqual(self.connects, {1: 1, 2: 1})
        self.peer.closes()
        self.assertEqual(self.streaming(), [])
        self.goes(1)
        self.peer.answers()
        self.assertEqual((self.connects, self.streaming()), ({1: 2, 2: 2}, [1, 2]))
        for name in ("cats", "dogs"):
            self.assertEqual(len(self.disk.account(name, "connected")), 2)
            self.assertEqual(len(self.disk.account(name, "disconnected")), 1)

    def test_rules_in_the_account(self) -> None:
        """By id."""
        self.stream(1)
        (line,) = self.disk.account("cats", "connected")
        self.assertEqual(line["rules"], [self.rule(1)[0]])
        self.assertEqual(line["endpoint"], "tweets/search/stream")


class EndTests(SharedStreamTestCase):
    """The process ends, or dies."""

    def test_rules_stay(self) -> None:
        """The next process goes on with them at once, without adding any."""
        self.stream(1, 2)
        self.x.asked.clear()
        self.restart()
        self.assertEqual(self.x.values(), ["cats", "dogs"])
        self.x.holds("read")
        self.run_job(1, "cats")
        self.run_job(2, "dogs")
        self.x.lets_go()
        self.assertEqual((set(self.x.asked), self.attempts), ({"read"}, 1))
        self.peer.answers()
        self.assertEqual(self.streaming(), [1, 2])

    def test_while_the_rules_are_changed(self) -> None:
        """At whatever request: nothing is left, and the next start puts it right."""
        for kind in ("read", "try", "add", "delete"):
            self.x.lets_go()
            self.run_job(1, "cats")
            self.goes(2 * DELAY)
            self.x.holds(kind)
            self.run_job(1, f"cats{kind}")
            self.goes(DELAY)
            self.assertEqual(self.x.waiting, 1)
            self.restart()
            self.x.lets_go()
            self.run_job(1, f"cats{kind}")
            self.goes(2 * DELAY)
            self.assertEqual(self.x.values(), [f"cats{kind}"])

    def test_rules_that_cannot_be_read_at_the_next_start(self) -> None:
        """The ledger says which ones X has: the capture goes on."""
        self.stream(1)
        self.restart()
        self.x.fails("read")
        with capturedLogs():
            self.stream(1)
        self.peer.says(post(1, self.rule(1)))
        self.assertEqual((self.streaming(), self.disk.stored("cats")), ([1], [1]))
        self.x.recovers()

    def test_stopped_while_the_client_was_down(self) -> None:
        """Nothing of it is left at X, although no other capture runs."""
        self.stream(1)
        self.restart()
        stopping = Job(1, "cats", 4, "cats", 0, 1, False, None)
        self.sessions[1] = Session(stopping, self.folders, self.shared, lambda: None)
        self.sessions[1].startService()
        self.sessions[1].reopen(stopping)
        self.assertEqual((self.x.values(), self.attempts), ([], 0))

    def test_a_job_that_is_gone_at_the_next_start(self) -> None:
        """Its rules go; those of others are not touched."""
        self.x.has("theirs", "tcc:fedc9876:1")
        self.stream(1, 2)
        self.restart()
        self.run_job(1, "cats")
        self.assertEqual(self.x.values(), ["cats", "theirs"])

    def test_while_connecting(self) -> None:
        """The attempt is given up."""
        self.run_job(1, "cats")
        self.restart()
        self.assertEqual(self.open_streams(), [])

    def test_while_it_waits(self) -> None:
        """For whatever."""
        self.x.fails(trouble=Trouble.RATE_LIMIT)
        self.run_job(1, "cats")
        self.restart()
        self.x.recovers()
        self.run_job(1, "cats")
        self.peer.refuses(429)


class SampleTests(SharedStreamTestCase):
    """A job without keywords."""

    def test_refused_beside_others(self) -> None:
        """Said once, with the reason; it runs when it is alone again."""
        self.stream(1)
        with capturedLogs() as logs:
            self.run_job(4, None)
            self.run_job(4, "")
            self.lives(30)
        self.assertEqual(len([log for log in logs if "does not run" in log["log_format"]]), 1)
        self.assertEqual(len(self.disk.account("all", "sample_refused")), 1)
        self.assertEqual(self.streaming(), [1])
        self.assertNotIn("connected", self.disk.kinds("all"))
        self.assertIn("beside captures with keywords", self.sessions[4].not_run)
        self.assertEqual(self.sessions[1].not_run, "")
        self.halt(1)
        self.assertEqual(self.sessions[4].not_run, "")
        self.assertTrue(self.peer.query.is_sample)
        self.peer.answers().says(post(1))
        self.assertEqual((self.streaming(), self.disk.stored("all")), ([4], [1]))
        self.assertNotIn("disconnected", self.disk.kinds("all"))

    def test_each_refusal_is_said(self) -> None:
        """It ran in between, which makes the next one news."""
        self.stream(1)
        self.run_job(4, None)
        self.halt(1)
        self.run_job(1, "cats")
        self.assertEqual(len(self.disk.account("all", "sample_refused")), 2)

    def test_another_job_starts_beside_the_sample(self) -> None:
        """The sample ends when there is something to read instead, and its account says why."""
        self.run_job(4, None)
        self.peer.answers().says(post(1))
        self.run_job(1, "cats")
        self.assertEqual(len(self.disk.account("all", "sample_refused")), 1)
        self.goes(DELAY - 1)
        self.peer.says(post(2))
        self.assertEqual((self.streaming(), self.attempts), ([4], 1))
        self.goes(1)
        self.assertFalse(self.peer.query.is_sample)
        self.peer.answers()
        settle(self.clock)
        self.assertEqual((self.streaming(), len(self.open_streams())), ([1], 1))
        self.assertEqual((self.disk.stored("all"), self.disk.stored("cats")), ([1, 2], []))
        (line,) = self.disk.account("all", "disconnected")
        self.assertEqual(line["cause"], "switched")

    def test_beside_a_job_that_cannot_run(self) -> None:
        """That is no company."""
        self.x.bad = {"cats": "no cats"}
        self.run_job(1, "cats")
        self.run_job(2, "--")
        self.run_job(4, None)
        self.assertTrue(self.peer.query.is_sample)
        self.assertEqual(self.disk.account("all", "sample_refused"), [])

    def test_two_of_them(self) -> None:
        """They share it."""
        self.run_job(4, None)
        self.run_job(3, None)
        self.peer.answers().says(post(1))
        self.assertEqual((self.streaming(), self.attempts), ([4, 3], 1))
        self.assertEqual((self.disk.stored("all"), self.disk.stored("rats")), ([1], [1]))

    def test_one_that_joins(self) -> None:
        """It and its account are told at once that its posts come; the other hears nothing."""
        self.run_job(4, None)
        self.peer.answers().says(post(1))
        before = self.disk.kinds("all")
        with capturedLogs() as logs:
            self.run_job(3, None)
        self.assertEqual((self.connects, self.attempts), ({4: 1, 3: 1}, 1))
        told = ["keywords", "connected", "gap", "keywords_in_force"]
        self.assertEqual(self.disk.kinds("rats")[-4:], told)
        self.assertEqual(self.disk.kinds("all"), before)
        self.assertIn("Capture 'rats' is connected", "".join(map(str, map(formatEvent, logs))))

    def test_one_that_joins_before_the_first_byte(self) -> None:
        """It is connected, and its gap goes on until that byte comes."""
        self.run_job(4, None)
        self.peer.answers()
        self.run_job(3, None)
        self.assertEqual(self.disk.kinds("rats")[-2:], ["keywords", "connected"])
        self.goes(2)
        self.peer.says(b"\r\n")
        (gap,) = self.disk.account("rats", "gap")
        self.assertEqual(gap["seconds"], 2.0)


class InsteadOfTheSampleTests(SharedStreamTestCase):
    """A capture asks for keywords after the sample, or for the sample after keywords."""

    def gaps(self) -> list[tuple[str, float]]:
        """(cause, seconds) of each but the first."""
        found = [(line["cause"], line["seconds"]) for line in self.disk.account("all", "gap")]
        return [gap for gap in found if gap[0] != "start"]

    def answers(self) -> Peer:
        """X answers the newest attempt; what follows at once has happened."""
        self.peer.answers()
        settle(self.clock)
        return self.peer

    def has_sample(self) -> Peer:
        """The capture has the sample, and this is who sends it."""
        self.run_job(4, None)
        self.assertTrue(self.peer.query.is_sample)
        return self.answers()

    def has_keywords(self) -> Peer:
        """The capture has rules that work, and this is who sends what they match."""
        self.run_job(4, "cats")
        self.answers()
        self.lives(DELAY)
        return self.peer

    def test_keywords_instead(self) -> None:
        """The sample is stored until the rule works and X has answered; then not a byte lacks."""
        sample = self.has_sample()
        sample.says(post(1))
        self.run_job(4, "cats")
        self.lives(DELAY)
        self.assertEqual((self.attempts, self.peer.query.is_sample), (2, False))
        sample.says(post(2))
        self.answers()
        self.assertEqual(self.open_streams(), [self.peer])
        self.peer.says(post(3, self.rule(4)))
        self.assertEqual((self.disk.stored("all"), self.streaming()), ([1, 2, 3], [4]))
        self.assertEqual(self.gaps(), [("switched", IN_FLIGHT)])
        [*_, line] = self.disk.account("all", "keywords_in_force")
        self.assertEqual(line["text"], "cats")

    def test_the_sample_instead(self) -> None:
        """What the rules match is stored until X has answered; only then are they deleted."""
        rules = self.has_keywords()
        self.run_job(4, None)
        rules.says(post(1, self.rule(4)))
        self.assertEqual((self.disk.stored("all"), self.x.values()), ([1], ["cats"]))
        self.assertTrue(self.peer.query.is_sample)
        self.answers().says(post(2))
        self.assertEqual(self.open_streams(), [self.peer])
        self.assertEqual((self.disk.stored("all"), self.x.values()), ([1, 2], []))
        self.assertEqual(self.gaps(), [("switched", IN_FLIGHT)])

    def test_what_is_in_force_until_x_has_answered(self) -> None:
        """What comes over the old stream, as the account says."""

        def in_force() -> list[object]:
            return [line["text"] for line in self.disk.account("all", "keywords_in_force")]

        self.has_keywords().says(post(1, self.rule(4)))
        self.run_job(4, None)
        self.lives(PATIENCE - 1)
        self.assertEqual(in_force(), ["cats"])
        self.answers().says(post(2))
        self.assertEqual(in_force(), ["cats", None])
        self.run_job(4, "dogs")
        self.lives(DELAY)
        self.assertEqual(in_force(), ["cats", None])
        self.answers().says(post(3, self.rule(4)))
        self.assertEqual(in_force(), ["cats", None, "dogs"])

    def test_back_and_forth(self) -> None:
        """However often, there is one stream in the end, and nothing is left at X."""
        self.has_sample()
        for text in ("cats", None, "dogs", None):
            self.run_job(4, text)
            self.lives(DELAY)
            self.assertEqual(self.peer.query.is_sample, text is None)
            self.answers().says(b"\r\n")
            self.assertEqual((self.streaming(), self.open_streams()), ([4], [self.peer]))
        self.lives(2 * DELAY)
        self.assertEqual(self.x.values(), [])

    def switches_alone(self, meet: Callable[[], None]) -> None:
        """X does not open the sample beside what the rules match, as it is met with."""
        rules = self.has_keywords()
        with capturedLogs() as logs:
            self.run_job(4, None)
            self.assertFalse(rules.hung_up)
            meet()
            settle(self.clock)
        self.assertTrue(rules.hung_up)
        said = [formatEvent(log) for log in logs if log["log_level"].name == "warn"]
        [warning] = [line for line in said if "this one is closed first" in line]
        self.assertIn("the sample of all posts beside that of what the rules match", warning)
        self.goes(1)
        self.assertTrue(self.peer.query.is_sample)
        self.answers().says(post(1))
        self.assertEqual((self.streaming(), self.disk.stored("all")), ([4], [1]))

    def test_x_refuses_two_streams(self) -> None:
        """It is said before the present one is closed, and the refusal causes no wait."""
        body = b'{"connection_issue":"TooManyConnections"}'
        self.switches_alone(lambda: self.peer.refuses(429, body))
        self.assertEqual(self.disk.account("all", "connect_failed"), [])

    def test_x_does_not_answer(self) -> None:
        """After PATIENCE the present stream is closed, as ever."""
        self.switches_alone(lambda: self.goes(PATIENCE))

    FORBIDDEN = (
        b'{"title":"Client Forbidden","detail":"Not in your plan.",'
        b'"type":"https://api.twitter.com/2/problems/client-forbidden"}'
    )

    def refused_the_sample(self) -> Peer:
        """X refuses the sample to a capture that has this stream of what its rules match."""
        rules = self.has_keywords()
        self.run_job(4, None)
        self.peer.refuses(403, self.FORBIDDEN)
        settle(self.clock)
        return rules

    def is_asked_again(self, rules: Peer) -> None:
        """This stream brings keep-alives until X is asked for the other one again."""
        attempts = self.attempts
        while self.attempts == attempts:
            self.goes(1)
            rules.says(b"\r\n")

    def test_x_refuses_the_other_stream(self) -> None:
        """The present one goes on; it is said once, and tried again from time to time."""
        with capturedLogs() as logs:
            rules = self.refused_the_sample()
            for _ in range(2):
                began = self.clock.seconds()
                self.is_asked_again(rules)
                self.assertGreaterEqual(self.clock.seconds() - began, 60)
                self.assertTrue(self.peer.query.is_sample)
                self.peer.refuses(403, self.FORBIDDEN)
                settle(self.clock)
        rules.says(post(1, self.rule(4)))
        self.assertEqual((self.open_streams(), self.streaming()), ([rules], [4]))
        self.assertEqual((self.disk.stored("all"), self.x.values()), ([1], ["cats"]))
        said = [formatEvent(log) for log in logs if log["log_level"].name == "warn"]
        [line] = [line for line in said if "403" in line]
        self.assertIn("Capture 'all' has a stream for its old keywords only", line)
        self.assertIn("Not in your plan", line)
        refused = self.disk.account("all", "not_connected")
        self.assertEqual([line["status"] for line in refused], [403, 403, 403])
        [*_, line] = self.disk.account("all", "keywords_in_force")
        self.assertEqual((line["text"], self.gaps()), ("cats", []))

    def test_x_says_nothing_after_a_refusal(self) -> None:
        """The present one goes on all the same."""
        rules = self.refused_the_sample()
        self.is_asked_again(rules)
        self.goes(PATIENCE)
        self.is_asked_again(rules)
        self.assertEqual((self.open_streams(), self.streaming()), ([rules], [4]))

    def test_x_opens_the_other_stream_later(self) -> None:
        """It takes over, as ever."""
        rules = self.refused_the_sample()
        self.is_asked_again(rules)
        self.answers().says(post(1))
        self.assertTrue(rules.hung_up)
        self.assertEqual((self.open_streams(), self.disk.stored("all")), ([self.peer], [1]))
        self.assertEqual((self.gaps(), self.x.values()), ([("switched", IN_FLIGHT)], []))

    def test_the_stream_ends_that_went_on(self) -> None:
        """It comes back: what the rules match is better than nothing."""
        rules = self.refused_the_sample()
        rules.closes()
        self.goes(1)
        self.assertFalse(self.peer.query.is_sample)
        self.goes(Trouble.REFUSED.ramp.first)  # the other is due, and cannot be opened beside it
        self.answers().says(post(1, self.rule(4)))
        self.assertEqual((self.streaming(), self.disk.stored("all")), ([4], [1]))
        self.is_asked_again(self.peer)
        self.assertTrue(self.peer.query.is_sample)

    def test_the_old_keywords_again(self) -> None:
        """The stream that went on is the wanted one, and the other is not asked for any more."""
        rules = self.refused_the_sample()
        self.run_job(4, "cats")
        for _ in range(100):
            self.goes(10)
            rules.says(b"\r\n")
        rules.says(post(1, self.rule(4)))
        self.assertEqual((self.attempts, self.open_streams()), (2, [rules]))
        self.assertEqual((self.disk.stored("all"), self.gaps()), ([1], []))

    def test_stopped_after_a_refusal(self) -> None:
        """Nothing is left open, and nothing is asked for."""
        rules = self.refused_the_sample()
        self.restart()
        self.assertTrue(rules.hung_up)

    def test_nobody_wants_it_any_more(self) -> None:
        """The attempt is given up, and the present stream goes on."""
        sample = self.has_sample()
        self.run_job(4, "cats")
        self.lives(DELAY)
        attempt = self.peer
        self.run_job(4, None)
        self.assertTrue(attempt.cancelled)
        sample.says(post(1))
        self.assertEqual((self.open_streams(), self.disk.stored("all")), ([sample], [1]))
        self.lives(DELAY)
        self.assertEqual((self.gaps(), self.x.values()), ([], []))

    def test_the_sample_ends_before_the_rule_works(self) -> None:
        """It does not come back: the stream of the rules is opened for when they do."""
        self.has_sample().says(post(1))
        self.run_job(4, "cats")
        self.goes(1)
        self.peer.closes()
        self.goes(1)
        self.assertFalse(self.peer.query.is_sample)
        self.answers()
        self.assertEqual((self.streaming(), self.open_streams()), ([4], [self.peer]))

    def test_keywords_that_x_refuses(self) -> None:
        """The sample is not theirs: it ends."""
        self.x.bad = {"cats": "no cats"}
        sample = self.has_sample()
        self.run_job(4, "cats")
        self.goes(1)
        self.assertTrue(sample.hung_up)
        self.assertEqual(self.streaming(), [])

    def test_the_process_ends_meanwhile(self) -> None:
        """Nothing is awaited: not even an answer that may never come."""
        self.has_keywords()
        self.run_job(4, None)
        attempt = self.peer
        self.restart()
        self.assertTrue(attempt.cancelled)


class TroubleTests(SharedStreamTestCase):
    """X refuses, disconnects, or is not there."""

    def test_refusals(self) -> None:
        """Each has its ramp, is said once for all captures, and never spins."""
        for status, body, trouble in REFUSALS:
            with self.subTest(body=body), capturedLogs() as logs:
                self.run_job(1, "cats")
                self.run_job(2, "dogs")
                waits = []
                for _ in range(3):
                    before, begun = self.attempts, self.clock.seconds()
                    self.peer.refuses(status, body)
                    self.assertEqual(self.attempts, before)
                    while self.attempts == before:
                        self.clock.advance(0.25)
                    waits.append(self.clock.seconds() - begun)
                self.assertEqual(waits, [trouble.ramp.wait(n) for n in (1, 2, 3)])
                said = [log for log in logs if "no stream" in log["log_format"]]
                self.assertEqual([log["who"] for log in said], ["Captures 'cats', 'dogs' have"])
                for name in ("cats", "dogs"):
                    self.assertEqual(len(self.disk.account(name, "not_connected")), 3)
                self.peer.answers()
                self.assertEqual(self.streaming(), [1, 2])
            self.leave()
            for path in self.base.glob("*/*.jsonl"):
                path.unlink()
            self.begin()

    def test_nobody_is_there(self) -> None:
        """The network's ramp."""
        self.run_job(1, "cats")
        for wait in (0.25, 0.5, 0.75):
            self.peer.fails(ConnectionRefusedError())
            before = self.attempts
            self.goes(wait)
            self.assertEqual(self.attempts, before + 1)

    def test_disconnects(self) -> None:
        """Every type ends the connection; each account has it; it comes back."""
        types = (
            *("OperationalDisconnect", "UpstreamOperationalDisconnect", "ForceDisconnect"),
            *("UpstreamUncleanDisconnect", "SlowReader", "InternalError", "InvalidRules"),
            *("ClientApplicationStateDegraded", "SomethingNew"),
        )
        self.stream(1, 2)
        for number, type_ in enumerate(types, start=1):
            self.lives(15)
            before = self.attempts
            self.peer.says(post(number, self.rule(1)) + goodbye(type_))
            self.assertTrue(self.peer.hung_up)
            begun = self.clock.seconds()
            while self.attempts == before:
                self.clock.advance(0.25)
            self.assertLessEqual(self.clock.seconds() - begun, 320)
            self.peer.answers()
        for name in ("cats", "dogs"):
            self.assertEqual(len(self.disk.account(name, "disconnect")), len(types))
            self.assertEqual(len(self.disk.account(name, "disconnected")), len(types))
        self.assertEqual(self.disk.stored("cats"), list(range(1, len(types) + 1)))

    def test_silence(self) -> None:
        """Half a minute without a byte."""
        self.stream(1)
        self.lives(20)
        self.goes(STALL_TIMEOUT)
        self.assertEqual(self.disk.account("cats", "disconnected")[0]["cause"], "stall")
        self.goes(1)
        self.assertEqual(self.attempts, 2)

    def test_x_says_that_there_are_no_rules(self) -> None:
        """Somebody has deleted ours: they are looked for, and added again."""
        self.stream(1)
        self.lives(20)
        self.x.loses(*self.x.rules)
        self.peer.closes()
        self.goes(1)
        self.peer.refuses(409, b'{"connection_issue":"RuleConfigurationIssue"}')
        self.assertEqual(self.x.values(), ["cats"])
        self.goes(6)
        self.peer.answers()
        self.assertEqual(self.streaming(), [1])

    def test_x_never_has_rules(self) -> None:
        """It is asked as often as the connection is tried, no more."""
        self.run_job(1, "cats")
        self.x.asked.clear()
        end = self.clock.seconds() + 3600
        tries = 0
        while self.clock.seconds() < end:
            tries += 1
            self.peer.refuses(409)
            before = self.attempts
            while self.attempts == before:
                self.clock.advance(1)
        self.assertLess(tries, 25)
        self.assertLess(len(self.x.asked), 2 * tries + 5)

    def test_rules_cannot_be_kept(self) -> None:
        """The accounts say why a capture does not begin, once."""
        self.x.fails("add", trouble=Trouble.HTTP)
        self.run_job(1, "cats")
        self.goes(1000, 1)
        self.assertEqual(len(self.disk.account("cats", "rules_failed")), 1)

    def test_a_capture_in_trouble_that_is_not_of_the_connection(self) -> None:
        """A refused sample hears nothing of a connection that it does not have."""
        self.stream(1)
        self.run_job(4, None)
        self.lives(20)
        self.peer.closes()
        self.goes(1)
        self.peer.refuses(503)
        self.assertEqual([kind for kind in self.disk.kinds("all") if "connected" in kind], [])
