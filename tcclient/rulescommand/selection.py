"""
Which rules are meant, and how they are shown.  Pure.

Knows groups, ids and tags; asks nobody.
"""

from collections.abc import Iterable, Iterator, Sequence

from tcclient.runtime.places import printable
from tcclient.sources.keptrules import GROUPS, KeptRule, age_of

_WIDEST = 60
"""Characters of a rule's value that are shown."""
_HEAD = ("id", "group", "job", "tag", "value")


class NoSuchRule(Exception):
    """Raised for an id or a tag that no rule has.  str() is a sentence."""


def chosen(rules: Sequence[KeptRule], names: Iterable[str]) -> list[KeptRule]:
    """
    Return the rules that are named: by a group, an id, a tag, or the beginning of a tag and `*`;
    all of them where nothing is named.  A group may be empty.  Raises NoSuchRule.
    """
    ids: set[str] = set()
    is_all = True
    for name in names:
        is_all = False
        found = [rule.id for rule in rules if _is_named(rule, name)]
        if not found and name not in GROUPS:
            raise NoSuchRule(
                f"No rule of the app has the id or tag {name!r}; a group is one of "
                f"{', '.join(GROUPS)}."
            )
        ids.update(found)
    return [rule for rule in rules if is_all or rule.id in ids]


def table(rules: Sequence[KeptRule]) -> Iterator[str]:
    """Yield the lines of a table of the rules, those of one group together, and then a count."""
    ordered = sorted(rules, key=lambda rule: (list(GROUPS).index(rule.group), age_of(rule.id)))
    rows = [_HEAD, *map(_row, ordered)] if ordered else []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(map(str.ljust, row, widths)).rstrip()
    for group, whose in GROUPS.items():
        number = sum(rule.group == group for rule in rules)
        if number:
            yield f"{number} {group}: {whose}"
    if not rules:
        yield "No rule."


def _is_named(rule: KeptRule, name: str) -> bool:
    tag = rule.tag or ""
    is_beginning = name.endswith("*") and len(name) > 1
    return name in (rule.group, rule.id, rule.tag) or (is_beginning and tag.startswith(name[:-1]))


def _row(rule: KeptRule) -> tuple[str, ...]:
    value = printable(rule.value)
    cut = value if len(value) <= _WIDEST else f"{value[: _WIDEST - 1]}…"
    job = "-" if rule.job is None else str(rule.job)
    return printable(rule.id), rule.group, job, printable(rule.tag or "-"), cut
