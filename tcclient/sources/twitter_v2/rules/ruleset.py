"""
The rules that our jobs want, the rules that an app has, and what to add and delete.  Pure.

Knows whose a rule is, by its tag, and that an app holds no value twice; makes no requests.

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

import hashlib
import itertools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from msgspec import Struct

_JOB_ID = re.compile(r"0|-?[1-9][0-9]{0,18}")


class PresentRule(Struct, frozen=True):
    """A rule that the app has at X."""

    id: str
    value: str
    tag: str | None = None


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


class Routing(Struct, frozen=True):
    """
    The way from the rules that a post matched to our jobs.  `prefix` begins our tags; `by_id` has
    the jobs of rules that come without tag.
    """

    prefix: str
    by_id: Mapping[str, int]

    def route(self, matching_rules: Iterable[tuple[str, str | None]]) -> frozenset[int]:
        """
        Return the jobs that the matching rules, pairs of id and tag, belong to; X promises the id
        only.  A job may have stopped since: its rules work until X has deleted them.
        """
        jobs: set[int] = set()
        for id, rule_tag in matching_rules:
            job = job_of(rule_tag, self.prefix)
            if job is None:
                job = self.by_id.get(id)
            if job is not None:
                jobs.add(job)
        return frozenset(jobs)


def tag_prefix(server_url: str, client_id: int) -> str:
    """
    Return what the tags of this client's rules begin with.  The scheme, a closing slash and the
    case of the host make no difference to it: rules that we no longer took for ours would stay, and
    be billed.
    """
    url = urlsplit(server_url.strip())
    server = f"{url.netloc.lower()}{url.path.rstrip('/')}"
    digest = hashlib.sha256(f"{server}\n{client_id}".encode()).hexdigest()
    return f"tcc:{digest[:8]}:"


def tag(prefix: str, job_id: int) -> str:
    """Return the tag of a job's rules: `tcc:1a2b3c4d:17`."""
    return f"{prefix}{job_id}"


def job_of(rule_tag: str | None, prefix: str) -> int | None:
    """Return the job that a tag names; None for no tag, a foreign one or another client's."""
    if rule_tag is None or not rule_tag.startswith(prefix):
        return None
    job_id = rule_tag[len(prefix) :]
    return int(job_id) if _JOB_ID.fullmatch(job_id) else None


def plan(
    wanted: Mapping[int, Sequence[str]], present: Iterable[PresentRule], prefix: str
) -> Changes:
    """
    Return what to change so that the `present` rules serve `wanted`: a job's id -> the values it
    wants.  Only rules tagged as ours are deleted: those that their jobs no longer want, those of
    jobs that want nothing, and second copies.

    No value of `add` is in `present`, be it foreign or about to be deleted.  A value may be longer
    than the one wanted by two characters for each rule that has it already.  If X calls it a
    duplicate none the less, somebody else was quicker: read the rules and plan again.
    """
    present = tuple(present)
    ours: defaultdict[int, list[PresentRule]] = defaultdict(list)
    for rule in present:
        job = job_of(rule.tag, prefix)
        if job is not None:
            ours[job].append(rule)
    kept: set[str] = set()
    add: list[NewRule] = []
    taken = {_loosely(rule.value) for rule in present}
    for job in sorted(wanted):
        found = _serving(wanted[job], ours[job])
        kept.update(rule.id for rule in found.values())
        missing = [value for value in dict.fromkeys(wanted[job]) if value not in found]
        add += [NewRule(_free(value, taken), tag(prefix, job)) for value in missing]
    delete = (rule.id for rules in ours.values() for rule in rules if rule.id not in kept)
    return Changes(tuple(add), tuple(sorted(delete, key=_age)))


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
            found[value] = min(choice, key=lambda rule: (len(rule.value), _age(rule.id)))
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


def _age(rule_id: str) -> tuple[int, str]:
    """Return a key that sorts ids from the oldest on: X's ids are numbers that grow."""
    return len(rule_id), rule_id
