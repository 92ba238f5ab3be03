"""What is found again of rules in a ledger."""

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger.entries import moment
from tcclient.ledger.lines import AnyLine
from tcclient.ledger.lines import line as read_line
from tcclient.sources.twitter_v2.rules.before import RULE_KINDS, rules_before
from tcclient.sources.twitter_v2.rules.ruleset import PresentRule

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


def in_force(ago: float, text: str, *ids: str) -> dict[str, Any]:
    """All rules for the text work when those do that were taken at this moment."""
    return line("keywords_in_force", ago, text=text, since=moment(NOW - ago + 20), rules=ids)


def asked(ago: float, text: str) -> dict[str, Any]:
    """The keywords are read, or changed."""
    return line("keywords", ago, before=None, after=text)


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


class ReplacedTests(SynchronousTestCase):
    """Since when other keywords were in force than those that a rule is for."""

    def replaced(self, *oldest_first: dict[str, Any]) -> dict[str, float]:
        """Id -> in how many seconds."""
        before = rules_before(map(read, reversed(oldest_first)), 1, NOW)
        return {id: round(since, 3) for id, since in before.replaced.items()}

    def test_by_what_is_in_force(self) -> None:
        """What an earlier release noted without rules says nothing."""
        old = line("keywords_in_force", 50, text="b", since=moment(NOW - 50))
        lines = [accepted(100, "1", "2"), in_force(99, "a", "1", "2"), accepted(50, "3")]
        self.assertEqual(self.replaced(*lines), {})
        self.assertEqual(self.replaced(*lines, old), {})
        self.assertEqual(self.replaced(*lines, in_force(50, "b", "2", "3")), {"1": -30.0})
        self.assertEqual(self.replaced(*lines, in_force(5, "b", "2", "3")), {"1": 15.0})

    def test_the_first_of_several_restarts(self) -> None:
        """The same keywords are in force again after each."""
        lines = accepted(100, "1"), accepted(50, "2")
        again = in_force(50, "b", "2"), in_force(20, "b", "2"), accepted(10, "3")
        self.assertEqual(self.replaced(*lines, *again), {"1": -30.0})

    def test_one_that_is_asked_for_again(self) -> None:
        """It counts, and what replaced it does no more."""
        lines = accepted(100, "1"), accepted(80, "2"), in_force(80, "b", "2")
        self.assertEqual(self.replaced(*lines, in_force(40, "a", "1")), {"2": -20.0})

    def test_keywords_that_were_changed_before_they_were_in_force(self) -> None:
        """They have replaced nothing; the same ones again are no change."""
        lines = accepted(100, "1"), accepted(50, "2"), in_force(50, "b", "2"), asked(50, "b")
        self.assertEqual(self.replaced(*lines, asked(40, "c")), {})
        self.assertEqual(self.replaced(*lines, asked(40, "b")), {"1": -30.0})
        self.assertEqual(self.replaced(*lines, asked(20, "c")), {"1": -30.0})

    def test_another_server(self) -> None:
        """What is in force there replaces nothing here."""
        lines = accepted(100, "1", tag="here"), accepted(50, "2", tag="there")
        self.assertEqual(self.replaced(*lines, in_force(50, "b", "2")), {})

    def test_a_stop_between(self) -> None:
        """Rules from before it are stale, whatever was in force."""
        stopped = line("capture_stop", 30, because="stopped", status=4)
        lines = accepted(100, "1"), accepted(50, "2"), in_force(50, "b", "2"), stopped
        self.assertEqual(self.replaced(*lines), {})
