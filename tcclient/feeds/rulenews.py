"""
What accounts and log say of the rules at X.

Knows what is worth a line, and finds it again; keeps no rules and no connection.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import attrs

from tcclient import entries
from tcclient.feeds.branch import Branches
from tcclient.feeds.feed import say_refused
from tcclient.keywords import Refused
from tcclient.twitter.ruleset import PresentRule

_LOOK_BACK = 10_000
"""Lines of a ledger in which rules are looked for: what one matched may come for some minutes."""


def rules_before(newest_first: Iterable[Mapping[str, Any]], job_id: int) -> Iterator[str]:
    """The ids of rules that the job had lately, by the lines of its ledger."""
    for line in islice(newest_first, _LOOK_BACK):
        if line.get("job") == job_id:
            entry = entries.read(line)
            if isinstance(entry, entries.RulesAccepted | entries.RulesDeleted):
                yield from (rule.id for rule in entry.rules)


@attrs.frozen
class RuleNews:
    """As Reader of a rulebook.  `seen` is called when the rules may have changed."""

    _branches: Branches
    _rule_delay: float
    _seen: Callable[[], None]

    def rules_accepted(self, job_id: int, rules: Sequence[PresentRule]) -> None:
        """As Reader."""
        entry = entries.RulesAccepted(rules=_named(rules), works_in=self._rule_delay)
        self._branches.note(job_id, entry)

    def rules_deleted(self, job_id: int, rules: Sequence[PresentRule]) -> None:
        """As Reader."""
        self._branches.note(job_id, entries.RulesDeleted(rules=_named(rules)))

    def terms_refused(self, job_id: int, refused: Sequence[Refused]) -> None:
        """As Reader."""
        for branch in self._branches.of([job_id]):
            say_refused(branch.title, refused)
        terms = tuple(entries.Term(one.term, one.reason) for one in refused)
        self._branches.note(job_id, entries.TermsRefused(refused=terms))

    def rules_failed(self, reason: str, wait: float) -> None:
        """As Reader."""
        self._branches.note_all(entries.RulesFailed(reason=reason, wait=wait))

    def rules_seen(self) -> None:
        """As Reader."""
        self._seen()


def _named(rules: Sequence[PresentRule]) -> tuple[entries.Rule, ...]:
    return tuple(entries.Rule(rule.id, rule.value) for rule in rules)
