"""
The rules that our jobs want, the rules that an app has, and what to add and delete.  Pure.

Knows that an app holds no value twice; makes no requests.

X refuses a value that the app has already (title DuplicateRule, with the id of the rule that has
it), whatever the tag: its older sister PowerTrack words it "A rule with this value already
exists", v2 deletes by value as well as by id, and a tag is changed by deleting the rule first.
So one value cannot stand for two jobs under two tags, nor beside the same value of somebody
else.  One rule with a tag naming both jobs would have to be deleted, and be missing for as long
as X needs to take up its successor, each time that one of the jobs starts or stops.  Instead the
values are made to differ: `snow`, `(snow)`, `((snow))` match the same posts and are three rules
(PowerTrack created `lang:en Gnip` beside `(lang:en) Gnip`).  Whoever comes first has the shorter
one, and keeps the one it has.
"""

import itertools
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set

from msgspec import Struct

from tcclient.sources.keptrules import age_of
from tcclient.sources.twitter_v2.entries import LedgerRule
from tcclient.sources.twitter_v2.rules.ownership import Ownership

LONGEST_SHOWN = 60
"""Characters of a value, an id or a tag in the log."""


class PresentRule(LedgerRule, frozen=True):
    """A rule that the app has at X."""

    @property
    def title(self) -> str:
        """What to call it in a line of the log: its value and its id, as far as there is room."""
        return f"{shown(self.value)} ({shown(self.id)[1:-1]})"


def shown(text: str) -> str:
    """Return a text as a line of the log has it: in quotes, of one line, and not long."""
    return ascii(text) if len(text) <= LONGEST_SHOWN else f"{ascii(text[:LONGEST_SHOWN])[:-1]}…'"


class RulesBefore(Struct, frozen=True):
    """
    What an earlier process has left at X for a job, according to its ledger: the rules, and id ->
    in how many seconds each works, negative for those that work already.  `deleted` are the rules
    that it deleted, `stale` the ids of those that it had before the capture was last stopped, and
    `replaced` is id -> in how many seconds other keywords are in force than those that a rule is
    for, negative where they are already.
    """

    left: tuple[PresentRule, ...] = ()
    works: Mapping[str, float] = {}
    deleted: tuple[PresentRule, ...] = ()
    stale: frozenset[str] = frozenset()
    replaced: Mapping[str, float] = {}


class NewRule(Struct, frozen=True):
    """A rule to be added."""

    value: str
    tag: str


class Changes(Struct, frozen=True):
    """
    Which rules to add, and the ids of those to delete once the new ones work.  Plan again before
    deleting: a job may want its old rule back by then.
    """

    add: tuple[NewRule, ...] = ()
    delete: tuple[str, ...] = ()


def plan(
    wanted: Mapping[int, Sequence[str]],
    present: Iterable[PresentRule],
    ownership: Ownership,
    spared: Set[int] = frozenset(),
) -> Changes:
    """
    Return what to change so that the `present` rules serve `wanted`: a job's id -> the values it
    wants.  Only rules tagged as ours are deleted: those that their jobs no longer want, those of
    jobs that want nothing, and second copies; none of `spared` jobs.

    No value of `add` is in `present`, be it foreign or about to be deleted.  A value may be longer
    than the one wanted by two characters for each rule that has it already.  If X calls it a
    duplicate none the less, somebody else was quicker: read the rules and plan again.
    """
    present = tuple(present)
    ours: defaultdict[int, list[PresentRule]] = defaultdict(list)
    for rule in present:
        job = ownership.job_of(rule.tag)
        if job is not None:
            ours[job].append(rule)
    kept: set[str] = set()
    add: list[NewRule] = []
    taken = {_loosely(rule.value) for rule in present}
    for job in sorted(wanted):
        found = _serving(wanted[job], ours[job])
        kept.update(rule.id for rule in found.values())
        missing = [value for value in dict.fromkeys(wanted[job]) if value not in found]
        add += [NewRule(_free(value, taken), ownership.tag(job)) for value in missing]
    doomed = (rules for job, rules in ours.items() if job not in spared)
    delete = (rule.id for rules in doomed for rule in rules if rule.id not in kept)
    return Changes(tuple(add), tuple(sorted(delete, key=age_of)))


def _serving(values: Iterable[str], rules: Iterable[PresentRule]) -> dict[str, PresentRule]:
    """Return value -> the rule that has it, in the fewest parentheses; of equal ones the oldest."""
    spellings: defaultdict[str, list[PresentRule]] = defaultdict(list)
    for rule in rules:
        spellings[_core(rule.value)].append(rule)
    found: dict[str, PresentRule] = {}
    for value in dict.fromkeys(values):
        rules_like_it = spellings[_core(value)]
        choice = [rule for rule in rules_like_it if _is_in_parentheses(value, rule.value)]
        if choice:
            found[value] = min(choice, key=lambda rule: (len(rule.value), age_of(rule.id)))
            rules_like_it.remove(found[value])
    return found


def _free(value: str, taken: set[str]) -> str:
    """Return the value in the fewest parentheses that no rule has yet, and take that spelling."""
    spellings = ("(" * depth + value + ")" * depth for depth in itertools.count())
    spelling = next(spelling for spelling in spellings if _loosely(spelling) not in taken)
    taken.add(_loosely(spelling))
    return spelling


def _is_in_parentheses(value: str, spelling: str) -> bool:
    """Return whether the spelling is the value in any number of parentheses."""
    value, spelling = _normal(value), _normal(spelling)
    depth = (len(spelling) - len(value)) // 2
    return spelling == "(" * depth + value + ")" * depth


def _core(value: str) -> str:
    """Return the value without the parentheses around it."""
    return _normal(value).strip("()")


def _normal(value: str) -> str:
    """Return the text that X may give back for `value` without having changed what it means."""
    return " ".join(unicodedata.normalize("NFC", value).split())


def _loosely(value: str) -> str:
    """
    Return a text that is the same for all values that X may take for the same.

    X does not say which those are, and would refuse what we add if there were more of them than we
    think.  If there are fewer, a pair of parentheses is too many, which does no harm.
    """
    return _normal(value).lower()
