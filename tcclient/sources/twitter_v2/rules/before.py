"""
The rules of a job that an earlier process has left at X, as its ledger has them.  Pure.

Knows which lines tell of rules, and which keywords came into force; asks nobody.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, takewhile

from tcclient.ledger.entries import CaptureStop, Keywords, KeywordsInForce, seconds
from tcclient.ledger.lines import AnyLine, LedgerLine
from tcclient.ledger.vocabulary import Vocabulary
from tcclient.sources.twitter_v2.entries import RulesAccepted, RulesDeleted
from tcclient.sources.twitter_v2.rules.ruleset import PresentRule, RulesBefore

RULE_KINDS = Vocabulary.of((RulesAccepted, RulesDeleted, Keywords, KeywordsInForce, CaptureStop))
"""The kinds of lines that say which rules X has, and for what."""

_FOR_GOOD = frozenset({"stopped", "withdrawn"})
"""Why a capture stops so that nothing of it is to go on later."""

_LOOK_BACK = 10_000
"""
Lines of a ledger in which rules are looked for: posts that a rule matched may come for some minutes
after its deletion.
"""


def rules_before(newest_first: Iterable[AnyLine], job_id: int, now: float) -> RulesBefore:
    """
    Return the rules of a job according to its ledger, whose lines are given from the newest on,
    read as RULE_KINDS: what is said last of a rule counts.  `now` is in epoch seconds.
    """
    found = (one for one in islice(newest_first, _LOOK_BACK) if isinstance(one, LedgerLine))
    lines = [line for line in found if line.job == job_id]
    since_stop = list(takewhile(_goes_on, lines))
    left: dict[str, PresentRule] = {}
    deleted: dict[str, PresentRule] = {}
    for entry, rule in _rules(since_stop):
        if rule.id not in left and rule.id not in deleted:
            (left if isinstance(entry, RulesAccepted) else deleted)[rule.id] = rule
    stale = {rule.id for _, rule in _rules(lines[len(since_stop) :])} - left.keys()
    return RulesBefore(
        tuple(left.values()),
        {id: works - now for id, works in _works(lines).items()},
        tuple(rule for id, rule in deleted.items() if id not in stale),
        frozenset(stale),
        {id: since - now for id, since in _replaced(since_stop).items()},
    )


def _goes_on(line: LedgerLine) -> bool:
    return not (isinstance(line.entry, CaptureStop) and line.entry.because in _FOR_GOOD)


def _rules(
    lines: Iterable[LedgerLine],
) -> Iterator[tuple[RulesAccepted | RulesDeleted, PresentRule]]:
    """Yield each rule that a line is about, with what that says of it."""
    for line in lines:
        if isinstance(line.entry, RulesAccepted | RulesDeleted):
            for rule in line.entry.rules:
                yield line.entry, PresentRule(rule.id, rule.value, rule.tag)


def _works(newest_first: Sequence[LedgerLine]) -> dict[str, float]:
    """Return id -> when a rule works by what was said of it last, in epoch seconds."""
    return {
        rule.id: line.at + line.entry.works_in
        for line in reversed(newest_first)
        if isinstance(line.entry, RulesAccepted)
        for rule in line.entry.rules
    }


def _replaced(newest_first: Sequence[LedgerLine]) -> dict[str, float]:
    """
    Return id -> since when, in epoch seconds, other keywords were in force than those that a rule
    is for: each `keywords_in_force` names all rules that are for its text.  It says nothing of the
    rules for another server, whose tags differ.
    """
    tags: dict[str, str | None] = {}
    present: set[str] = set()  # those that nothing has replaced
    replaced: dict[str, float] = {}
    for entry in reversed(list(_in_force(newest_first))):
        if isinstance(entry, RulesAccepted):
            tags |= {rule.id: rule.tag for rule in entry.rules}
            present |= {rule.id for rule in entry.rules} - replaced.keys()
            continue
        named = tags.keys() & set(entry.rules)
        of_server = {tags[id] for id in named}
        others = {id for id in present - named if tags[id] in of_server}
        replaced |= dict.fromkeys(others, seconds(entry.since))
        for id in named:
            replaced.pop(id, None)
        present = (present - others) | named
    return replaced


def _in_force(
    newest_first: Iterable[LedgerLine],
) -> Iterator[RulesAccepted | KeywordsInForce]:
    """
    Yield what was accepted, and what came into force: not keywords that were changed before that.
    """
    asked: list[tuple[float, str | None]] = []
    for line in newest_first:
        match line.entry:
            case Keywords(after=text):
                asked.append((line.at, text))
            case KeywordsInForce() as entry if _stayed(entry, asked):
                yield entry
            case RulesAccepted() as entry:
                yield entry


def _stayed(entry: KeywordsInForce, asked: Sequence[tuple[float, str | None]]) -> bool:
    """Return whether no other keywords were asked for after the line, before it was true."""
    since = seconds(entry.since)
    early = takewhile(lambda one: one[0] < since, reversed(asked))
    return all(text == entry.text for _, text in early)
