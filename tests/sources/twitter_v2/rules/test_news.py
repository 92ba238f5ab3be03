"""What is found again of rules in a ledger, and what the log says of rules that are not ours."""

import json
from typing import Any, cast

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger.entries import moment
from tcclient.ledger.lines import AnyLine
from tcclient.ledger.lines import line as read_line
from tcclient.sources.twitter_v2.rules.news import RULE_KINDS, RuleNews, rules_before
from tcclient.sources.twitter_v2.rules.ownership import Whose
from tcclient.sources.twitter_v2.rules.ruleset import PresentRule
from tcclient.sources.twitter_v2.subscription import Subscriptions

NOW = 1_700_000_000.0


def line(kind: str, ago: float, **members: Any) -> dict[str, Any]:
    """A line of job 1."""
    return {"at": moment(NOW - ago), "kind": kind, "job": 1, **members}


def accepted(ago: float, *ids: str, tag: str | None = None) -> dict[str, Any]:
    """X has taken rules."""
    rules = [{"id": id, "value": f"v{id}", **({} if tag is None else {"tag": tag})} for id in ids]
    return line("rules_accepted", ago, rules=rules, works_in=20.0)


def deleted(ago: float, *ids: str) -> dict[str, Any]:
    """X has taken rules off."""
    return line("rules_deleted", ago, rules=[{"id": id, "value": f"v{id}"} for id in ids])


def read(line: dict[str, Any]) -> AnyLine:
    """As a ledger is read."""
    return read_line(-1, json.dumps(line).encode() + b"\n", RULE_KINDS)


class BeforeTests(SynchronousTestCase):
    """What an earlier process has left."""

    def found(self, *oldest_first: dict[str, Any]) -> tuple[list[str], list[str], set[str]]:
        """The ids of rules that are left, deleted and stale."""
        before = rules_before(map(read, reversed(oldest_first)), 1, NOW)
        left, gone = ([rule.id for rule in rules] for rules in (before.left, before.deleted))
        return sorted(left), sorted(gone), set(before.stale)

    def test_what_is_said_last_counts(self) -> None:
        """Of each rule, whatever other jobs' lines and unknown ones say."""
        self.assertEqual(
            self.found(
                accepted(50, "1", "2"),
                deleted(40, "1"),
                {**accepted(30, "8"), "job": 2},
                {"kind": "rules_accepted", "job": 1},
                accepted(20, "3"),
            ),
            (["2", "3"], ["1"], set()),
        )

    def test_since_when_they_work(self) -> None:
        """By the lines' own times; one that cannot be read is passed over."""
        broken = {**accepted(0, "3"), "at": "yesterday"}
        newest_first = [broken, accepted(5, "2"), accepted(50, "1", tag="t")]
        before = rules_before(map(read, newest_first), 1, NOW)
        self.assertEqual(before.works, {"1": -30.0, "2": 15.0})
        self.assertIn(PresentRule("1", "v1", "t"), before.left)

    def test_a_stop_between(self) -> None:
        """Nothing from before it is to go on; an end of the client changes nothing."""
        stopped = line("capture_stop", 30, because="stopped", status=4)
        left = line("capture_stop", 30, because="left", status=3)
        for stop, found in (
            (stopped, (["3"], [], {"1", "2"})),
            (left, (["2", "3"], ["1"], set())),
        ):
            lines = [accepted(50, "1", "2"), stop, deleted(20, "1"), accepted(10, "3")]
            self.assertEqual(self.found(*lines), found)


class OthersTests(SynchronousTestCase):
    """Rules that are not ours."""

    def test_a_job_that_has_no_name_here(self) -> None:
        """Nothing is said of captures where none has one."""
        news = RuleNews(Subscriptions(lambda *_: None), 20.0, lambda: None, cast(Any, None))
        with capturedLogs() as events:
            news.rules_failed("refused", 5.0, {1, 2})
        self.assertEqual(events, [])

    def test_those_of_tcc_are_named(self) -> None:
        """Once for each change of their number; those of other programs are no news."""
        news = RuleNews(Subscriptions(lambda *_: None), 20.0, lambda: None, cast(Any, None))
        theirs = PresentRule("1", "a", "tcc:fedcba987654.0123abcd:1")
        foreign = PresentRule("2", "b")
        with capturedLogs() as events:
            news.others_seen({Whose.FOREIGN: [foreign]})
            news.others_seen({Whose.FOREIGN: [foreign], Whose.ANOTHER_TCC: [theirs]})
            news.others_seen({Whose.ANOTHER_TCC: [theirs]})
            news.others_seen({})
            news.others_seen({Whose.ELSEWHERE: [theirs]})
        said = [formatEvent(event) or "" for event in events]
        self.assertEqual(len(said), 2, said)
        self.assertIn("1 rule of another installation of tcc, such as the one tagged", said[0])
        self.assertIn(str(theirs.tag), said[0])
        self.assertIn("1 rule of this installation for another server", said[1])
